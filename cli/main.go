package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/sim"
)

// The exit codes; see the package comment.
const (
	exitClean   = 0
	exitFound   = 1
	exitUsage   = 2
	exitHarness = 3
	exitWeak    = 4
)

// Main runs the command line of the process with the given designs and exits.
// The first is the one that is hunted where none is named. The names of designs
// and of their planted bugs must be valid in a case file and all different.
//
// Main must be called early: the process may be one of the children in which
// designs run, and then it must not have printed anything before.
func Main(designs ...sim.Design) {
	loop.HostMain()
	if os.Getenv(workerEnv) != "" {
		work(os.Stdin, os.Stdout, designs)
		os.Exit(exitClean)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, designs))
}

// app is what every verb needs.
type app struct {
	name           string // of the program, for help and messages
	stdout, stderr io.Writer
	designs        []sim.Design // those that Main was given
}

// verb is one of the commands. Where it returns an error, the code is that of
// the error.
type verb interface {
	run(ctx context.Context, a *app) (code int, err error)
}

// grammar is the command line.
type grammar struct {
	Hunt    huntVerb         `cmd:"" help:"Look for runs that break a guarantee; keep the smallest of each kind."`
	Replay  replayVerb       `cmd:"" help:"Run case files and say whether they come out as expected."`
	Lab     labVerb          `cmd:"" help:"Hunt on real file systems of this machine: on our own disk, or shared mounts (Linux, root)."`
	Export  exportVerb       `cmd:"" help:"Make a shell script of a case, for people who do not have this program."`
	Probe   probeVerb        `cmd:"" help:"Say in a minute what real hosts share: is it one file system, and how strong is it?"`
	Agent   agentVerb        `cmd:"" help:"Carry out operations on this host for hunt, replay and probe elsewhere."`
	Judge   judgeVerb        `cmd:"" help:"Judge a history that was recorded elsewhere."`
	Ladder  ladderVerb       `cmd:"" help:"Hold designs to every guarantee and print which each keeps."`
	Designs designsVerb      `cmd:"" help:"List the designs that can be hunted, with their planted bugs."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

// quit is the panic by which kong's own exits (--help, --version) end the
// parsing.
type quit int

// run is Main but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, designs []sim.Design) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case quit:
			code = int(r)
		default:
			panic(r)
		}
	}()
	a := &app{name: programName(), stdout: stdout, stderr: stderr, designs: designs}
	if err := checkDesigns(designs); err != nil {
		return a.fail(exitUsage, err)
	}
	var g grammar
	parser := kong.Must(&g,
		kong.Name(a.name),
		kong.Description("Find out which guarantee a file-system design keeps when hosts share one disk, and the smallest thing that breaks the next one."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(quit(code)) }),
		kong.Vars{"version": version(), "mounts": strings.Join(mountNames(), ", ")},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	parsed, err := parser.Parse(negatives(args))
	if err != nil {
		return a.fail(exitUsage, a.usage(args, err))
	}
	v := parsed.Selected().Target.Addr().Interface().(verb)
	code, err = v.run(ctx, a)
	if err != nil {
		return a.fail(code, err)
	}
	return code
}

// negatives joins a flag and a negative number that follows it, "--runs -5",
// into one argument: then the flag says what is wrong with the number. Alone it
// would pass for a short flag.
func negatives(args []string) []string {
	var joined []string
	for i, arg := range args {
		last := len(joined) - 1
		if len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' && i > 0 &&
			strings.HasPrefix(args[i-1], "--") && len(args[i-1]) > 2 && !strings.Contains(args[i-1], "=") {
			joined[last] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

// usage adds to an error of the command line the way to find out more, if it
// does not say it.
func (a *app) usage(args []string, err error) error {
	if strings.Contains(err.Error(), "\nhint: ") {
		return err
	}
	verb := ""
	if len(args) > 0 {
		switch args[0] {
		case "hunt", "replay", "lab", "export", "probe", "agent", "judge", "ladder", "designs":
			verb = " " + args[0]
		}
	}
	return fmt.Errorf("%w\nhint: %s%s --help shows what can be given", err, a.name, verb)
}

// fail prints an error, whose text may have further lines, hints and other
// errors, and returns the code.
func (a *app) fail(code int, err error) int {
	for line := range strings.Lines(err.Error() + "\n") {
		if !strings.HasPrefix(line, "hint:") {
			line = a.name + ": " + line
		}
		fmt.Fprint(a.stderr, line)
	}
	return code
}

// programName is what the command was called as, without its directory.
func programName() string {
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
}
