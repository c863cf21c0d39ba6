package place

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// devicesBelow lists the loop devices that are attached to a file below a
// directory. The name that they were given is asked for: the path of a file
// whose mount is in a namespace that is gone has lost its beginning.
func devicesBelow(dir string) (all []string) {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file") // the pattern is right
	for _, f := range files {
		device := "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(f)))
		if d, err := os.Open(device); err == nil {
			if ours(d, dir) {
				all = append(all, device)
			}
			d.Close()
		}
	}
	return all
}

// ours reports whether a loop device is attached to a file below a directory.
func ours(device *os.File, dir string) bool {
	info, err := unix.IoctlLoopGetStatus64(int(device.Fd()))
	if err != nil {
		return false // it is attached to nothing
	}
	name, _, _ := strings.Cut(string(info.File_name[:]), "\x00")
	return strings.HasPrefix(name, dir+"/")
}

// detach detaches a loop device if it is still attached to a file below dir.
func detach(device, dir string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if !ours(f, dir) {
		return nil // detached meanwhile
	}
	return unix.IoctlSetInt(int(f.Fd()), unix.LOOP_CLR_FD, 0)
}
