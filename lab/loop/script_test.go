//go:build linux

package loop_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/loop"
)

// TestScript runs the script of a loss, with a shell and without anything of
// ours, and sees the loss. With one host there is none.
func TestScript(t *testing.T) {
	const two = "1 A mount\n2 B mount\n3 A create /a\n4 A write /a 0 8 #1\n5 B create /b\n6 A sync\n7 B sync\nend A unmount\nend B unmount\n"
	const one = "1 A mount\n2 A create /a\n3 A write /a 0 8 #1\n4 A rename /a /b\n5 A remount\n6 A append /b 3 #2\n7 A readdir /\nend A unmount\nend B unmount\n"
	for _, name := range []string{"ext4", "ntfs"} {
		t.Run(name, func(t *testing.T) {
			mayMount(t)
			s, err := loop.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			sh := func(steps string) (string, error) {
				text, err := loop.Script(program(t, steps), s, []string{"A and B share a disk."})
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "case.sh")
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				c := exec.CommandContext(t.Context(), "sh", file)
				c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
				out, err := c.CombinedOutput()
				return text + "\n" + string(out), err
			}
			out, err := sh(two)
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 1 || !strings.Contains(out, "LOST: /a") && !strings.Contains(out, "LOST: /b") {
				t.Errorf("two hosts: %v\n%s", err, out)
			}
			if out, err := sh(one); err != nil || strings.Contains(out, "\nLOST: ") || strings.Contains(out, "\nstep ") {
				t.Errorf("one host: %v\n%s", err, out)
			}
		})
	}
}

// TestNoScript: what a shell cannot do is an error.
func TestNoScript(t *testing.T) {
	s, err := loop.Lookup("ext4")
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []string{
		"1 A mount\n2 A sync\n3 A statfs\nhold 2 at write#1 until 3\nend A unmount\nend B unmount\n",
		"1 A mount\n2 A sync\nstrike 2 at write#1 fail\nend A unmount\nend B unmount\n",
		"1 A mount\n2 A open /a f1\nend A unmount\nend B unmount\n",
		"1 A mount\n2 A crash\nend A unmount\nend B unmount\n",
		"1 A mount\n2 A read /a 0 8 direct\nend A unmount\nend B unmount\n",
	} {
		if _, err := loop.Script(program(t, steps), s, nil); !errors.Is(err, loop.ErrScript) {
			t.Errorf("%v for\n%s", err, steps)
		}
	}
}
