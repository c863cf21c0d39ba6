package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/loop"
)

// exportVerb is "export".
type exportVerb struct {
	Case string `arg:"" help:"Case file to export."`
	As   string `required:"" enum:"sh" placeholder:"sh" help:"What to make of it: a shell script."`
	FS   string `name:"fs" placeholder:"FS" help:"File system to run it on (default: the case's, else ext4)."`
}

// Help is the long help, with an example.
func (exportVerb) Help() string {
	return fmt.Sprintf(`The script does what the case does, on a real file system of Linux, with losetup, mount and the usual commands: what can be sent to people who do not have %[1]s. It runs as root, makes one file and loop devices on it, and takes them away. It exits with 1 if something is lost.

What needs a disk of ours (holds, strikes, crashes) and open files cannot be done by a script; then the exit code is 2.

Example:

    %[1]s export doublemount-findings/lost-file-02a84ca8.case --as sh >lost-file.sh`, programName())
}

// run implements verb.
func (v *exportVerb) run(ctx context.Context, a *app) (int, error) {
	c, err := unlessInterrupted(ctx, func() (corpus.Case, error) { return corpus.ReadFile(v.Case) })
	if errors.Is(err, errInterrupted) {
		return exitWeak, err
	}
	if err != nil {
		return exitUsage, err
	}
	if c.Design == agent.Name && v.FS == "" {
		// What was seen on somebody's mounts says nothing of an ext4 of this machine.
		return exitUsage, fmt.Errorf("%s: it was found on real hosts, whose file system no script can make\nhint: --fs ext4 makes a script of it on two mounts of one ext4", printable(v.Case))
	}
	name := v.FS
	if name == "" {
		name = "ext4"
		if _, err := loop.Lookup(c.Design); err == nil {
			name = c.Design
		}
	}
	system, err := loop.Lookup(name)
	if err != nil {
		return exitUsage, err
	}
	text, err := loop.Script(c.Program, system, c.Notes)
	if err != nil {
		return exitUsage, fmt.Errorf("%s: %w\nhint: %s replay --on %s runs it here, on a disk of ours", printable(v.Case), err, a.name, name)
	}
	if _, err := fmt.Fprint(a.stdout, strings.TrimRight(text, "\n")+"\n"); err != nil {
		return exitHarness, fmt.Errorf("write the script: %w", err)
	}
	return exitClean, nil
}
