//go:build linux

package script_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/script"
)

// snapshot is every name below a directory with its mode and content.
func snapshot(t *testing.T, top string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%q\n", text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHarmsNobody: whatever is wrong, a script ends with 2, and where it was run and
// what it was given is as it was.
func TestHarmsNobody(t *testing.T) {
	ext4, err := loop.Lookup("ext4")
	if err != nil {
		t.Fatal(err)
	}
	f := onDir(t, program(t, "1 A mount\n2 B mount\n3 A create /a\n4 B stat /a\n"))
	real, err := script.Loop(f, ext4)
	if err != nil {
		t.Fatal(err)
	}
	dirs := directories(t, f)
	top := shared(t)
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	under := func(name string) string { return filepath.Join(top, name) }
	for _, dir := range []string{"cwd", "cwd/A", "tmp", "with a space", "other", "locked", "bin-no-perl", "bin-no-mkfs", "bin-no-findmnt"} {
		if err := os.Mkdir(under(dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"cwd/disk", "cwd/A/a", "with a space/a", "other/a", "other/doublemount-x", "file"} {
		if err := os.WriteFile(under(file), []byte("the user's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for dir, mode := range map[string]fs.FileMode{"locked": 0o555, "tmp": 0o777, "with a space": 0o777} {
		if err := os.Chmod(under(dir), mode); err != nil {
			t.Fatal(err)
		}
	}
	// Directories of links to all tools but one.
	for _, tool := range []string{"sh", "perl", "mktemp", "truncate", "losetup", "unshare", "seq", "sleep", "mount", "umount", "findmnt", "mkdir", "rmdir", "rm", "sync", "mkfs.ext4"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			continue
		}
		for _, bin := range []string{"bin-no-perl", "bin-no-mkfs", "bin-no-findmnt"} {
			if missing, _, _ := strings.Cut(tool, "."); bin == "bin-no-"+missing {
				continue
			}
			if err := os.Symlink(path, filepath.Join(under(bin), tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	env := func(more ...string) []string {
		return append(append(os.Environ(), "TMPDIR="+under("tmp"), "REMOUNT_A=true", "REMOUNT_B=true"), more...)
	}
	space := under("with a space")
	before := snapshot(t, top)
	for _, test := range []struct {
		name   string
		text   string
		args   []string
		env    []string
		nobody bool
		code   int
		says   string
	}{
		{"a space", dirs, []string{space, space}, env(), false, 1, "SEEN"},
		{"nobody", dirs, []string{space, space}, env(), true, 1, "SEEN"},
		{"a relative name", dirs, []string{"../with a space", space}, env(), false, 1, "SEEN"},
		{"no temporary files", dirs, []string{space, space}, env("TMPDIR=/nonexistent"), false, 1, "SEEN"},
		{"missing", dirs, []string{space, under("missing")}, env(), false, 2, "missing: not a directory"},
		{"missing first", dirs, []string{under("missing"), space}, env(), false, 2, "missing: not a directory"},
		{"empty", dirs, []string{"", ""}, env(), false, 2, "not a directory"},
		{"a file", dirs, []string{space, under("file")}, env(), false, 2, "file: not a directory"},
		{"not writable", dirs, []string{under("locked"), under("locked")}, env(), true, 2, "cannot make a directory"},
		{"no arguments", dirs, nil, env(), false, 2, "usage: sh SCRIPT DIR_A DIR_B"},
		{"too few", dirs, []string{space}, env(), false, 2, "usage"},
		{"too many", dirs, []string{space, space, space}, env(), false, 2, "usage"},
		{"no times", dirs, []string{space, space, "0"}, env(), false, 2, "usage"},
		{"not shared", strings.Replace(dirs, "my $VISIBLE = 10;", "my $VISIBLE = -1;", 1), []string{space, under("other")}, env(), false, 2, "B does not see"},
		{"no remounts", dirs, []string{space, space}, env("REMOUNT_A="), false, 2, "the case remounts A"},
		{"remount fails", dirs, []string{space, space}, env("REMOUNT_B=false"), false, 2, "the command that remounts B failed"},
		{"no perl", dirs, []string{space, space}, env("PATH=" + under("bin-no-perl")), false, 2, "perl: not found"},
		{"perl that fails", dirs, []string{space, space}, env("PERL5OPT=-Mnonsense"), false, 2, "nonsense"},
		{"loop, no place", real, nil, env("TMPDIR=/nonexistent"), false, 2, "nonexistent"},
		{"loop, nobody", real, nil, env(), true, 2, "unshare failed"},
		{"loop, no perl", real, nil, env("PATH=" + under("bin-no-perl")), false, 2, "perl: not found"},
		{"loop, no findmnt", real, nil, env("PATH=" + under("bin-no-findmnt")), false, 2, "findmnt: not found"},
		{"loop, no mkfs", real, nil, env("PATH=" + under("bin-no-mkfs")), false, 2, "cannot make a file system"},
	} {
		for _, shell := range []string{"sh", "bash"} {
			t.Run(test.name+"/"+shell, func(t *testing.T) {
				path, err := exec.LookPath(shell)
				if err != nil {
					t.Skipf("there is no %s", shell)
				}
				command := append([]string{path, "-s", "--"}, test.args...)
				if test.nobody && os.Getuid() == 0 {
					setpriv, err := exec.LookPath("setpriv")
					if err != nil {
						t.Skip("there is no setpriv")
					}
					command = append([]string{setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"}, command...)
				}
				c := exec.CommandContext(t.Context(), command[0], command[1:]...)
				c.Stdin, c.Env, c.Dir = strings.NewReader(test.text), test.env, under("cwd")
				out, err := c.CombinedOutput()
				code := 0
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					code = exit.ExitCode()
				} else if err != nil {
					t.Fatal(err)
				}
				if code != test.code || !strings.Contains(string(out), test.says) {
					t.Errorf("exit code %d; want %d, with %q\n%s", code, test.code, test.says, out)
				}
				if after := snapshot(t, top); after != before {
					t.Errorf("before:\n%s\nafter:\n%s\n%s", before, after, out)
				}
			})
		}
	}
}
