package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/doublemount/doublemount/cli"
	"github.com/doublemount/doublemount/sim/designs"
)

// TestMain makes two commands of the test binary: the one that comes with the
// module, and one with the broken designs of this package.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"doublemount": func() { cli.Main(designs.All()...) },
		"broken":      func() { cli.Main(broken()...) },
		"empty":       func() { cli.Main() },
	})
}

// TestScript runs testdata/script. In it "exits N COMMAND" runs a command and
// wants that exit code; "replays COMMAND PATTERN" replays with it the files that
// match, and wants 0; "vacant DIR..." wants directories with nothing in them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			histories, err := filepath.Abs("../history/testdata")
			e.Setenv("HISTORIES", histories)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits N COMMAND")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				exits(ts, want, args[1:])
			},
			"vacant": func(ts *testscript.TestScript, neg bool, args []string) {
				for _, dir := range args {
					entries, err := os.ReadDir(ts.MkAbs(dir))
					if ts.Check(err); len(entries) > 0 {
						ts.Fatalf("%s is not empty: %v", dir, entries)
					}
				}
			},
			"replays": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("usage: replays COMMAND PATTERN")
				}
				files, err := filepath.Glob(ts.MkAbs(args[1]))
				if ts.Check(err); len(files) == 0 {
					ts.Fatalf("no file matches %s", args[1])
				}
				for i := range files {
					files[i], err = filepath.Rel(ts.MkAbs("."), files[i])
					ts.Check(err)
				}
				exits(ts, 0, append([]string{args[0], "replay"}, files...))
			},
		},
	})
}

func exits(ts *testscript.TestScript, want int, command []string) {
	got := 0
	if err := ts.Exec(command[0], command[1:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d; want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}
