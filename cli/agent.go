package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/doublemount/doublemount/lab/agent"
)

// agentVerb is "agent".
type agentVerb struct {
	Root string `required:"" placeholder:"DIR" help:"Directory to work below, on the file system to be tried."`
}

// Help is the long help, with an example.
func (agentVerb) Help() string {
	return fmt.Sprintf(`It is started on each host by hunt, replay and probe with --host, most often through ssh, and speaks JSON-RPC, a line each, on its standard input and output. It works only in fresh directories of DIR whose names begin with %[2]s, refuses every path that leaves them, and removes them, and nothing else, at the latest when its input ends. DIR is looked up when a run begins, so it may be a mount point that comes and goes.

Example, by hand:

    echo '{"jsonrpc":"2.0","id":1,"method":"hello"}' | %[1]s agent --root /mnt/shared`, programName(), agent.DirPrefix)
}

// run implements verb.
func (v *agentVerb) run(ctx context.Context, a *app) (int, error) {
	signal.Ignore(syscall.SIGPIPE) // who has gone is noticed when a write fails, and then there is something to remove
	context.AfterFunc(ctx, func() { os.Stdin.Close() })
	err := agent.Serve(terminal{os.Stdin, a.stdout}, agent.Config{Root: v.Root})
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return exitHarness, err
	}
	return exitClean, nil
}

// terminal is two pipes as one.
type terminal struct {
	io.Reader
	io.Writer
}
