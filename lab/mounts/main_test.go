package mounts_test

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/doublemount/doublemount/lab/agent"
)

const linux = runtime.GOOS == "linux"

// endlessEnv makes the test binary one that starts a system, works on it and
// removes it, until it is killed.
const endlessEnv = "DOUBLEMOUNT_MOUNTS_ENDLESS"

// TestMain makes the test binary the agent of its own labs, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "agent" {
		err := agent.Serve(struct {
			io.Reader
			io.Writer
		}{os.Stdin, os.Stdout}, agent.Config{Root: os.Args[3]})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if name := os.Getenv(endlessEnv); name != "" {
		endless(name)
	}
	os.Exit(m.Run())
}
