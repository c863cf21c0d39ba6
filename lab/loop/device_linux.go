package loop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// device is a loop device that this process has made. It detaches itself when
// its last user, this one or a mount, lets go of it.
type device struct{ *os.File }

// attach makes a loop device on a file, in blocks of the disk and past this
// machine's page cache.
func attach(file string) (*device, error) {
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close() // the device has it open by then
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd()), Size: blockSize,
		Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO}}
	copy(config.Info.File_name[:len(config.Info.File_name)-1], file) // the owner mark: the private directory stands first
	const tries = 64                                                 // somebody else can take the free one first
	for range tries {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("a free loop device: %w", err)
		}
		f, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) { // devtmpfs has not got it yet
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return nil, err
		}
		switch err := unix.IoctlLoopConfigure(int(f.Fd()), &config); {
		case err == nil:
			return &device{f}, nil
		case !errors.Is(err, unix.EBUSY):
			f.Close()
			return nil, fmt.Errorf("attach %s to %s: %w", f.Name(), filepath.Base(file), err)
		}
		f.Close()
	}
	return nil, errors.New("no free loop device: all that were offered were taken by somebody else")
}

// forget drops what the device's page cache has of a file system that is no
// longer mounted: the next mount has to read.
func (d *device) forget() error {
	return unix.IoctlSetInt(int(d.Fd()), unix.BLKFLSBUF, 0)
}
