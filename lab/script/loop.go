package script

import (
	"strings"

	"github.com/doublemount/doublemount/lab/loop"
)

// Loop is a script that makes a file system of Linux on an image and mounts it once
// for each host: with losetup, mount and the usual commands, as root. Holds need a
// disk of ours; the error names what a script cannot do.
func Loop(f Finding, s loop.System) (string, error) {
	data, err := f.data(false)
	if err != nil {
		return "", err
	}
	mkfs, mount := s.Commands()
	var w writer
	w.head(f)
	w.put("# Run as root. It makes one file and loop devices on it, and takes them away.")
	w.needs("perl", "mktemp", "truncate", "losetup", "unshare", "findmnt", "mount", "umount", "seq", "sleep", "sync")
	// Until the script stands in a directory of its own it must touch nothing, and
	// it takes away nothing but that directory: it is run as root.
	w.put("set -u")
	w.put("on='mkdir -p \"$1\" && dev=$(losetup --direct-io=on --sector-size %d -f --show disk) && { %s || { losetup -d \"$dev\"; exit 1; }; }'", loop.BlockSize, mount)
	// A device goes with its last user, which can be a while after umount: what it has
	// to write has to be there before the next mount.
	w.put("off='dev=$(findmnt -no SOURCE --mountpoint \"$PWD/$1\") && umount \"$1\" && losetup -d \"$dev\" && for n in $(seq 50); do case $(losetup \"$dev\" 2>/dev/null) in *\"$PWD/disk\"*) sleep 0.1;; *) exit 0;; esac; done; exit 1'")
	w.put("d=$(mktemp -d) && cd \"$d\" && d=$(pwd -P) || exit 2")
	w.put("trap 'cd \"$d\" && for dev in $(losetup -nO NAME -j disk 2>/dev/null); do losetup -d $dev; done; cd / && rm -f \"$d/disk\" && rmdir \"$d\"/* \"$d\" 2>/dev/null' EXIT")
	w.put("trap 'exit 2' HUP INT TERM")
	w.put("fail() { echo \"$1\" >&2; exit 2; }")
	w.put("truncate -s %d disk && %s disk || fail 'cannot make a file system'", loop.DefaultSize, strings.Join(mkfs, " "))
	// In a mount namespace of its own nobody else can keep a mount, and it goes with perl.
	w.body(data, "unshare -m", `loop "$on" "$off" "$d"`)
	return w.String(), nil
}
