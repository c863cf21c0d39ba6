package loop

import (
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// System is a file system that can be run.
type System struct {
	Name      string // as the command line has it
	StandsFor string
	Guarantee model.Guarantee // what it is held to
	Survives  model.Faults    // ... under these faults, on one host
	Exclusive bool            // a second mount is refused

	kernel  string   // type for mount(2); empty: mounted by a command
	options string   // data of mount(2)
	mkfs    []string // the image is added
	check   []string // the checker, which changes nothing; the image is added
	harm    func(code int) bool
	direct  bool          // takes O_DIRECT
	without model.KindSet // what it does not do as POSIX has it
	tools   map[string]string
}

// systems are those that there are. Formats are made small and quiet: no block
// is initialised later by a kernel thread, and no block is discarded.
var systems = []System{
	ext4("ext4", "ext4, as mkfs makes it", model.Crashes|model.PowerLosses|model.Pauses),
	ext4("ext4-nojournal", "ext4 without a journal, and ext2", model.Pauses, "-O", "^has_journal"),
	exclusive(ext4("ext4-mmp", "ext4 with multiple-mount protection", model.Crashes, "-O", "mmp")),
	{
		Name: "xfs", StandsFor: "XFS, mounted with nouuid", Guarantee: model.NothingLost,
		Survives: model.Crashes | model.PowerLosses | model.Pauses,
		kernel:   "xfs", options: "nouuid", direct: true,
		mkfs:  []string{"mkfs.xfs", "--unsupported", "-q", "-f", "-K", "-s", "size=4096"},
		check: []string{"xfs_repair", "-n", "-f"}, harm: func(code int) bool { return code != 0 },
		tools: packages("xfsprogs", "mkfs.xfs", "xfs_repair", "xfs_db"),
	},
	{
		Name: "btrfs", StandsFor: "btrfs", Guarantee: model.NothingLost,
		Survives: model.Crashes | model.PowerLosses | model.Pauses,
		kernel:   "btrfs", options: "nodiscard", direct: true,
		mkfs:  []string{"mkfs.btrfs", "-q", "-f", "-K", "-M"},
		check: []string{"btrfs", "check", "--readonly"}, harm: func(code int) bool { return code != 0 },
		tools: packages("btrfs-progs", "mkfs.btrfs", "btrfs"),
	},
	{
		Name: "ntfs", StandsFor: "NTFS, as ntfs-3g does it", Guarantee: model.NothingLost,
		// ntfs-3g writes no journal: what a crash leaves of a writeback under way is
		// anybody's guess. An open file that is unlinked it keeps under another name.
		// Two names of a file are two inodes to the kernel, with a size each: an append
		// by one name lands where the file ended before it was cut by the other.
		without: model.SetOf(model.Open, model.Close, model.Lock, model.Unlock, model.Link),
		mkfs:    []string{"mkntfs", "-F", "-Q", "-q", "-T", "-s", "4096", "-c", "4096"},
		check:   []string{"ntfsfix", "-n"}, harm: func(code int) bool { return code != 0 },
		tools: packages("ntfs-3g", "mkntfs", "ntfs-3g", "ntfsfix"),
	},
}

func ext4(name, standsFor string, survives model.Faults, format ...string) System {
	mkfs := []string{"mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"}
	if survives&model.Crashes != 0 {
		mkfs = append(mkfs, "-J", "size=4")
	}
	return System{
		Name: name, StandsFor: standsFor, Guarantee: model.NothingLost, Survives: survives,
		kernel: "ext4", options: "nodiscard", direct: true,
		mkfs:  append(mkfs, format...),
		check: []string{"e2fsck", "-f", "-n"}, harm: func(code int) bool { return code&^3 != 0 },
		tools: packages("e2fsprogs", "mkfs.ext4", "e2fsck", "debugfs"),
	}
}

func exclusive(s System) System {
	s.Exclusive, s.Guarantee = true, model.Linearizable
	return s
}

// packages is which Debian package each of the tools comes from.
func packages(name string, tools ...string) map[string]string {
	all := map[string]string{}
	for _, tool := range tools {
		all[tool] = name
	}
	return all
}

// Systems lists the file systems that can be run.
func Systems() []System { return append([]System(nil), systems...) }

// Lookup finds one by its name. The error lists them all.
func Lookup(name string) (System, error) {
	var names []string
	for _, s := range systems {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return System{}, fmt.Errorf("unknown file system %q\nhint: one of %s; devices and directories are never taken", name, strings.Join(names, " "))
}
