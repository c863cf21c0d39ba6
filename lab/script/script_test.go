//go:build linux

package script_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/script"
	"github.com/doublemount/doublemount/model"
)

// program parses the steps of two hosts.
func program(t *testing.T, steps string) model.Program {
	t.Helper()
	c, err := corpus.Parse("test", []byte("doublemount case 1\ndesign: hosts\nhosts: 2\nexpect: held fsck\n\n"+steps+"end A unmount\nend B unmount\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Program
}

// shared is a directory in memory, where there is one: a sync on a disk waits for
// what everybody else has written.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "doublemount-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// onDir runs a program in a plain directory.
func onDir(t *testing.T, p model.Program) script.Finding {
	t.Helper()
	r, err := dir.New(shared(t), dir.Options{WordSize: files.MaxWordSize})
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	f := script.Finding{Program: p, Saw: corpus.Recorded(p, run.History), Claim: "this was seen", Notes: []string{"A note."}}
	if f.Saw == nil {
		t.Fatalf("no case can hold %v", run.History)
	}
	return f
}

// sh runs a script and returns its exit code and output.
func sh(t *testing.T, text string, env []string, args ...string) (int, string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", append([]string{"-s", "--"}, args...)...)
	c.Stdin, c.Env = strings.NewReader(text), append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(out)
}

func directories(t *testing.T, f script.Finding) string {
	t.Helper()
	text, err := script.Directories(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// remounts lets every host remount, which on a plain directory is nothing.
var remounts = []string{"REMOUNT_A=true", "REMOUNT_B=true", "REMOUNT_C=true"}

// TestAgreesWithDir: what a script is answered by a directory is what a Runner is.
// With one answer falsified, nothing is seen.
func TestAgreesWithDir(t *testing.T) {
	r, err := dir.New(t.TempDir(), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	caps := r.Capabilities()
	caps.Direct = false
	opts := fuzz.Options{Seed: 1, Hosts: 3, Faults: fuzz.NoFaults}
	runs, operations := 20, 0
	if testing.Short() {
		runs = 5
	}
	for n := range runs {
		p := opts.Program(caps, n)
		p.Holds = nil // lab/dir runs steps one after another
		f := onDir(t, p)
		operations += len(f.Saw)
		share := shared(t)
		dirs := slices.Repeat([]string{share}, p.Hosts)
		if code, out := sh(t, directories(t, f), remounts, dirs...); code != 1 || strings.Contains(out, "DIFFERS") || !strings.HasSuffix(out, "\nthis was seen: SEEN\n") {
			t.Fatalf("run %d: exit code %d of\n%v\n%s", n, code, p, out)
		}
		if n%3 != 0 {
			continue
		}
		lie := n % len(f.Saw)
		for f.Saw[lie].Kind.Event() || f.Saw[lie].Skipped || f.Saw[lie].Result.Errno == model.EROFS {
			lie = (lie + 1) % len(f.Saw)
		}
		f.Saw[lie].Result = model.Result{Errno: model.EROFS}
		if code, out := sh(t, directories(t, f), remounts, dirs...); code != 0 || strings.Count(out, "DIFFERS: it was EROFS") != 1 || !strings.HasSuffix(out, "\nthis was seen: not seen\n") {
			t.Fatalf("run %d, with operation %d falsified: exit code %d of\n%v\n%s", n, lie, code, p, out)
		}
		if left, err := os.ReadDir(share); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %v, error %v", left, err)
		}
	}
	t.Logf("%d operations", operations)
}

// TestFree: an answer that does not matter may be another.
func TestFree(t *testing.T) {
	f := onDir(t, program(t, "1 A mount\n2 B mount\n3 A stat /a\n4 A create /a\n"))
	f.Saw[2].Result = model.Result{Errno: model.EIO}
	share := shared(t)
	if code, out := sh(t, directories(t, f), remounts, share, share); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	f.Free = make([]bool, len(f.Saw))
	f.Free[2] = true
	f.Free[slices.IndexFunc(f.Saw, func(op model.Op) bool { return op.Host == model.Final })] = true // the mount
	if code, out := sh(t, directories(t, f), remounts, share, share); code != 1 || !strings.Contains(out, "-> ENOENT   (it was EIO, which does not matter)\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestHold: a step that is held is under way together with others, and may not
// return later than it did.
func TestHold(t *testing.T) {
	p := program(t, "1 A mount\n2 B mount\n3 A create /a\n4 B create /b\n5 B create /c\nhold 3 at write#1 until 5\n")
	f := onDir(t, p)
	f.Free = make([]bool, len(f.Saw))
	for i, op := range f.Saw {
		f.Free[i] = op.Host == model.Final
	}
	share := shared(t)
	for _, late := range []bool{true, false} {
		f := f
		f.Saw = slices.Clone(f.Saw)
		if late { // it had not returned when step 5 was called: then everything is allowed
			f.Saw[2].Return = f.Saw[4].Call + 1
		} else { // /b was there, which cannot be
			f.Saw[3].Result.Errno = model.EEXIST
		}
		code, out := sh(t, directories(t, f), remounts, share, share, "3")
		if late && (code != 1 || !strings.Contains(out, "run 1 of 3\n")) || !late && (code != 0 || !strings.Contains(out, "run 3 of 3\n")) {
			t.Errorf("late %v: exit code %d\n%s", late, code, out)
		}
	}
	// A step that opens every file of a directory takes longer than one that looks at a name.
	if text := directories(t, f); !strings.Contains(text, "\nhold 3 until 5\n") {
		t.Errorf("no hold in\n%s", text)
	}
}

// TestRemount: what rests on a mount needs a command that makes one, which is run
// where the program has it.
func TestRemount(t *testing.T) {
	f := onDir(t, program(t, "1 A mount\n2 B mount\n3 A create /a\n4 B remount\n"))
	share, log := shared(t), filepath.Join(t.TempDir(), "log")
	text := directories(t, f)
	if code, out := sh(t, text, nil, share, share); code != 2 || !strings.Contains(out, "the case remounts A") {
		t.Errorf("without commands: exit code %d\n%s", code, out)
	}
	env := []string{"REMOUNT_A=true", "REMOUNT_B=echo x >>'" + log + "'"}
	if code, out := sh(t, text, env, share, share); code != 1 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if got, err := os.ReadFile(log); err != nil || string(got) != "x\nx\n" {
		t.Errorf("the command was run %q, error %v; want twice", got, err)
	}
	if code, out := sh(t, text, []string{"REMOUNT_A=true", "REMOUNT_B=false"}, share, share); code != 2 || !strings.Contains(out, "the command that remounts B failed") {
		t.Errorf("a command that fails: exit code %d\n%s", code, out)
	}
}

// TestDirect does direct I/O, by name and through a handle, and cannot be told another
// answer.
func TestDirect(t *testing.T) {
	const steps = "1 A mount\n2 B mount\n3 A create /a\n4 A write /a 0 8 #1 direct\n5 B open /a f1\n6 B read f1 0 16 direct\n7 B write f1 8 8 #2 direct\n8 A read /a 0 16 direct\n"
	share := shared(t)
	root, err := os.OpenRoot(share)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if !files.TakesDirect(root, files.MaxWordSize) {
		t.Skip("no direct I/O here")
	}
	f := script.Finding{Program: program(t, steps)}
	for i, s := range f.Program.Steps {
		op := model.Op{Step: i + 1, Host: s.Host, Kind: s.Kind, Path: s.Path, File: s.File, Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Call: int64(2 * i), Return: int64(2*i + 1)}
		switch op.Step {
		case 4, 7:
			op.Result.Size = 8
		case 6:
			op.Result.Data = bytes.Repeat([]byte{1}, 8)
		case 8:
			op.Result.Data = append(bytes.Repeat([]byte{1}, 8), bytes.Repeat([]byte{2}, 8)...)
		}
		f.Saw = append(f.Saw, op)
	}
	if code, out := sh(t, directories(t, f), remounts, share, share); code != 1 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	f.Saw[7].Result.Data[15] = 1
	if code, out := sh(t, directories(t, f), remounts, share, share); code != 0 {
		t.Errorf("with another answer exit code %d\n%s", code, out)
	}
}

// TestNoScript: what a script cannot do is an error that names it.
func TestNoScript(t *testing.T) {
	s, err := loop.Lookup("ext4")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		steps string
		loops bool // only there
		want  string
	}{
		{"1 A mount\n2 A sync\n3 A statfs\nhold 2 at write#1 until 3\n", true, "hold 2 at write#1 until 3"},
		{"1 A mount\n2 A sync\nstrike 2 at write#1 fail\n", false, "strike 2 at write#1 fail"},
		{"1 A mount\n2 A crash\n", false, "step 2 (A crash)"},
		{"1 A mount\n2 A pause\n", false, "step 2 (A pause)"},
		{"1 A mount\n2 all tick 3\n", false, "step 2 (all tick 3)"},
		{"1 A mount\n2 A refresh\n", false, "step 2 (A refresh)"},
	} {
		f := script.Finding{Program: program(t, test.steps)}
		for i, s := range f.Program.Steps {
			op := model.Op{Step: i + 1, Host: s.Host, Kind: s.Kind, Path: s.Path, Off: s.Off, Len: s.Len, Direct: s.Direct}
			op.Call, op.Return = int64(i), int64(i)+1
			f.Saw = append(f.Saw, op)
		}
		if _, err := script.Loop(f, s); !errors.Is(err, script.ErrScript) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("loop: error %v; want %s", err, test.want)
		}
		if _, err := script.Directories(f); !test.loops && (!errors.Is(err, script.ErrScript) || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("directories: error %v; want %s", err, test.want)
		}
	}
	never := script.Finding{Program: program(t, "1 A mount\n"), Saw: []model.Op{{Step: 1, Kind: model.Mount, Return: model.Never}}}
	if _, err := script.Directories(never); !errors.Is(err, script.ErrScript) || !strings.Contains(err.Error(), "never returned") {
		t.Errorf("error %v", err)
	}
}

// TestNoQuotes: a shell has the body between two single quotes.
func TestNoQuotes(t *testing.T) {
	for _, name := range []string{"host.pl", "driver.pl"} {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), "'") {
			t.Errorf("%s has a single quote, or error %v", name, err)
		}
	}
	f := onDir(t, program(t, "1 A mount\n2 B mount\n"))
	f.Claim, f.Notes = "it's $(echo true)\n\x1b[31m `x`", []string{"a\nrm -rf /", "'"}
	share := shared(t)
	if code, out := sh(t, directories(t, f), remounts, share, share); code != 1 || !strings.HasSuffix(out, "it's $(echo true)??[31m `x`: SEEN\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
