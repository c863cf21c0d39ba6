package loop

import "fmt"

// BlockSize is the bytes of a block of the disk, and of the sectors that a file system
// sees.
const BlockSize = blockSize

// Commands are what makes the file system and what mounts it, in the words of a
// shell: the image is added to the first; the second mounts the device "$dev" at "$1".
func (s System) Commands() (mkfs []string, mount string) {
	if s.kernel == "" {
		return s.mkfs, `ntfs-3g -o silent,noatime "$dev" "$1"`
	}
	return s.mkfs, fmt.Sprintf(`mount -t %s -o %s,noatime,nodev,nosuid,noexec "$dev" "$1"`, s.kernel, s.options)
}
