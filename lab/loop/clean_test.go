//go:build linux

package loop_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/place"
)

// left is what labs have attached and mounted: lines that name their directory.
// No other lab may be at work while a test compares it.
func left(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	defer mounts.Close()
	for s := bufio.NewScanner(mounts); s.Scan(); {
		if strings.Contains(s.Text(), "doublemount") {
			lines.WriteString(s.Text() + "\n")
		}
	}
	files, err := filepath.Glob("/sys/block/loop*/loop")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		d, err := os.Open("/dev/" + filepath.Base(filepath.Dir(f)))
		if err != nil {
			continue // detached meanwhile
		}
		if info, err := unix.IoctlLoopGetStatus64(int(d.Fd())); err == nil && strings.Contains(string(info.File_name[:]), "doublemount") {
			lines.WriteString(d.Name() + " " + string(info.File_name[:]) + "\n")
		}
		d.Close()
	}
	// Processes of hosts, whatever they wait for.
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range commands {
		if text, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(text), "doublemount-host") {
			lines.WriteString(f + "\n")
		}
	}
	return lines.String()
}

// endlessEnv makes the test binary one that runs a lab until it is killed.
const endlessEnv = "DOUBLEMOUNT_LAB_ENDLESS"

func endless(name string) {
	s, err := loop.Lookup(name)
	if err != nil {
		panic(err)
	}
	r, err := loop.New(context.Background(), s, loop.Options{})
	if err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		r.Run(context.Background(), fuzz.Options{Seed: 1, Hosts: 2}.Program(r.Capabilities(), n))
		os.Stdout.WriteString("run\n")
	}
}

// TestKilled kills a lab in the middle of its work, and has what it left undone.
func TestKilled(t *testing.T) {
	for _, name := range []string{"ext4", "ntfs"} {
		t.Run(name, func(t *testing.T) {
			if err := lab(t, name, loop.Options{}).Close(); err != nil { // it skips, or shows that the next can be made
				t.Fatal(err)
			}
			before := left(t)
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), endlessEnv+"="+name)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			for range 3 {
				if _, err := lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			for left(t) == before { // until something is attached: in the middle of a run
				time.Sleep(time.Millisecond)
			}
			if err := c.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			c.Wait() // it was killed
			if _, err := place.Clean(); err != nil {
				t.Fatal(err)
			}
			after := left(t)
			for begun := time.Now(); after != before && time.Since(begun) < 5*time.Second; after = left(t) {
				time.Sleep(10 * time.Millisecond) // hosts end by themselves
			}
			if after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
			if again, err := place.Clean(); err != nil || len(again) > 0 {
				t.Errorf("a second clean finds %q, %v", again, err)
			}
		})
	}
}

// TestUndone: a lab that is closed leaves nothing.
func TestUndone(t *testing.T) {
	mayMount(t)
	before := left(t)
	t.Run("lab", func(t *testing.T) {
		r := lab(t, "xfs", loop.Options{})
		play(t, r, program(t, "1 A mount\n2 B mount\n3 A create /a\n4 A pause\n5 B fence\nend A unmount\nend B unmount\n"))
		if left(t) == before {
			t.Error("nothing is mounted while a lab is open: this test sees nothing")
		}
	})
	if after := left(t); after != before {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
}
