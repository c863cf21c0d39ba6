package loop

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/lab/place"
)

// check finds out whether this machine can run a lab of a system.
func check(s System, size int64) error {
	if os.Geteuid() != 0 {
		return place.Needs("root", "it mounts file systems and attaches loop devices; run it with sudo, best in a virtual machine")
	}
	for _, d := range []struct{ path, hint string }{
		{"/dev/fuse", "modprobe fuse; in a container, give it the device (docker run --device /dev/fuse --privileged)"},
		{"/dev/loop-control", "modprobe loop; in a container, give it the host's /dev (docker run --privileged -v /dev:/dev)"},
	} {
		f, err := os.OpenFile(d.path, os.O_RDWR, 0)
		if err != nil {
			return place.Needs(fmt.Sprintf("%s (%v)", d.path, err), d.hint)
		}
		f.Close()
	}
	for _, tool := range []string{s.mkfs[0], s.check[0]} {
		if _, err := exec.LookPath(tool); err != nil {
			return place.Needs(tool, "apt-get install "+s.tools[tool]+", or what your distribution calls it")
		}
	}
	if s.kernel == "" {
		if _, err := exec.LookPath("ntfs-3g"); err != nil {
			return place.Needs("ntfs-3g", "apt-get install ntfs-3g")
		}
	} else if !kernelHas(s.kernel) {
		return place.Needs(s.kernel+" in the kernel", "modprobe "+s.kernel)
	}
	if free := available(); free > 0 && free < memory(size) {
		return place.Needs(fmt.Sprintf("%d MB of memory, and %d MB are available", memory(size)>>20, free>>20), "a smaller --size, or fewer things at once")
	}
	return nil
}

// memory is about what a lab takes: the template, the disk, what each host has
// cached, the processes.
func memory(size int64) int64 { return 4*size + 128<<20 }

// kernelHas reports whether the kernel has a file system, after it was asked to
// load the module.
func kernelHas(name string) bool {
	has := func() bool {
		text, err := os.ReadFile("/proc/filesystems")
		return err == nil && strings.Contains(string(text), "\t"+name+"\n")
	}
	if has() {
		return true
	}
	exec.Command("modprobe", name).Run() // there may be no modprobe, or no module
	return has()
}

// available is the memory that can be had without swapping, 0 if unknown.
func available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kilobytes int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Freeram) * int64(info.Unit)
}
