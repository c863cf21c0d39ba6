package identity

import (
	"fmt"
	"os"
	"os/user"

	"golang.org/x/sys/windows"
)

// Of says what a directory is. Its error is that of the system.
func Of(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, err
	}
	if !info.IsDir() {
		return Identity{}, &os.PathError{Op: "open", Path: path, Err: windows.ERROR_DIRECTORY}
	}
	i := Identity{Path: path}
	if u, err := user.Current(); err == nil {
		i.User = u.Username
	}
	i.Machine, _ = os.Hostname() // empty where it has none
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return Identity{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	var free, total uint64
	if windows.GetDiskFreeSpaceEx(name, &free, &total, nil) == nil {
		i.Free, i.Total = int64(free), int64(total)
	}
	root := make([]uint16, windows.MAX_PATH+1)
	if windows.GetVolumePathName(name, &root[0], uint32(len(root))) != nil {
		return i, nil
	}
	i.Source = windows.UTF16ToString(root)
	i.At = i.Source
	var number, longest, flags uint32
	kind := make([]uint16, windows.MAX_PATH+1)
	if windows.GetVolumeInformation(&root[0], nil, 0, &number, &longest, &flags, &kind[0], uint32(len(kind))) != nil {
		return i, nil
	}
	i.Type, i.UUID = windows.UTF16ToString(kind), fmt.Sprintf("%04X-%04X", number>>16, number&0xffff)
	i.ReadOnly = flags&windows.FILE_READ_ONLY_VOLUME != 0
	i.Kernel, i.Device = i.Machine, i.Source
	return i, nil
}
