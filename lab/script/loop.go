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
	// Until the script stands in a directory of its own it must touch nothing, and
	// it takes away nothing but that directory: it is run as root.
	w.put("set -u")
	w.put("on='mkdir -p \"$1\" && dev=$(losetup --direct-io=on --sector-size %d -f --show disk) && { %s || { losetup -d \"$dev\"; exit 1; }; }'", loop.BlockSize, mount)
	w.put("off='dev=$(findmnt -no SOURCE --mountpoint \"$PWD/$1\") && umount \"$1\" && losetup -d \"$dev\"'")
	w.put("d=$(mktemp -d) && cd \"$d\" || exit 2")
	hosts := strings.Join(append(each(f.Program.Hosts, ""), "final"), " ")
	w.put("trap 'cd \"$d\" && for m in %s; do sh -c \"$off\" sh $m; done 2>/dev/null; cd / && rm -f \"$d/disk\" && rmdir \"$d\"/* \"$d\" 2>/dev/null' EXIT", hosts)
	w.put("trap 'exit 2' HUP INT TERM")
	w.put("fail() { echo \"$1\" >&2; exit 2; }")
	w.put("truncate -s %d disk && %s disk || fail 'cannot make a file system'", loop.DefaultSize, strings.Join(mkfs, " "))
	w.put("sh -c \"$on\" sh A && mkdir A/shared && sh -c \"$off\" sh A || fail 'A: mount failed'")
	w.body(data, `loop "$on" "$off" "$d"`)
	return w.String(), nil
}
