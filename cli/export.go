package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/lab/script"
	"github.com/doublemount/doublemount/model"
)

// exportVerb is "export".
type exportVerb struct {
	Case string `arg:"" help:"Case file to export."`
	As   string `required:"" enum:"sh" placeholder:"sh" help:"What to make of it: a shell script."`
	FS   string `name:"fs" placeholder:"FS" help:"Where the script is to run: on a file system that it makes and mounts for each host, or dirs, on directories of a share that are its arguments (default: where the case was found; for a simulated design, ext4)."`
}

// onDirs is the value of --fs for directories.
const onDirs = "dirs"

// Help is the long help, with an example.
func (exportVerb) Help() string {
	return fmt.Sprintf(`The script does what the case does and compares every answer that the finding rests on with the one that was seen: what can be sent to people who do not have %[1]s. It needs sh, perl and the usual commands. Its exit code is 1 if the thing itself was seen, 0 if not, 2 if a mount, a tool or an argument failed.

What was found on real hosts becomes a script for directories of their share, one for each host: sh lost-file.sh /mnt/a /mnt/b. It works in a directory that it makes below the first, and removes that. What a lab or a simulated design has shown becomes one that makes an image with a file system and mounts it once for each host; that one runs as root.

What needs a disk of ours (crashes, strikes, holds on an image) cannot be done by a script; then the exit code is 2.

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
	name := v.FS
	if name == "" {
		name = "ext4"
		if _, err := loop.Lookup(c.Design); err == nil {
			name = c.Design
		} else if _, err := mounts.Lookup(c.Design); err == nil || c.Design == agent.Name {
			name = onDirs
		}
	}
	system, err := loop.Lookup(name)
	if err != nil && name != onDirs {
		return exitUsage, fmt.Errorf("%w\nhint: %s is directories of a share", err, onDirs)
	}
	f, err := findingOf(ctx, a, c)
	if err != nil {
		return exitUsage, fmt.Errorf("%s: %w", printable(v.Case), err)
	}
	make, replay := script.Directories, " --host A=... --host B=..."
	if name != onDirs {
		make, replay = func(f script.Finding) (string, error) { return script.Loop(f, system) }, " --on "+name
	}
	text, err := make(f)
	if err != nil {
		return exitUsage, fmt.Errorf("%s: %w\nhint: %s replay%s runs it", printable(v.Case), err, a.name, replay)
	}
	if _, err := fmt.Fprint(a.stdout, strings.TrimRight(text, "\n")+"\n"); err != nil {
		return exitHarness, fmt.Errorf("write the script: %w", err)
	}
	return exitClean, nil
}

// findingOf is what a script of the case has to show: the first thing violated that
// answers alone can show. The judge has the last word on that, since a script of
// answers that show nothing would see what is right; and what it says without the
// disk, its checker and its space it can say of anybody's answers.
func findingOf(ctx context.Context, a *app, c corpus.Case) (script.Finding, error) {
	f := script.Finding{Program: c.Program, Notes: c.Notes, Saw: c.Saw}
	if len(f.Saw) == 0 {
		var err error
		if f.Saw, err = answersOf(ctx, a, c); err != nil {
			return f, err
		}
	}
	_, noDesign := lookup(a.designs, c.Design)
	apart := noDesign != nil // as locks of real hosts are
	expected := ""
	for _, e := range c.Expect {
		g, err := model.ParseGuarantee(e.Guarantee)
		if err != nil {
			return f, err
		}
		if e.Outcome != model.Violated {
			continue
		}
		inner := checker.New(0, g)
		judge := func(run model.Run) []model.Verdict {
			run.LocksApart = apart
			return inner(run)
		}
		verdict := judge(model.Run{Program: f.Program, History: f.Saw})[0]
		if expectation(verdict) == e {
			f.Free = free(judge, f.Program, f.Saw, verdict)
			f.Claim = fmt.Sprintf("%s does not hold (%s): %s; %s", g.Name, verdict.Anomaly,
				strings.TrimSuffix(verdict.Proof[0], "."), strings.TrimSuffix(verdict.Proof[1], "."))
			return f, nil
		}
		expected = e.String()
	}
	if expected == "" {
		return f, errors.New("it expects nothing to be violated, so there is nothing that a script could see")
	}
	return f, fmt.Errorf("%s: what its steps answered does not show that by itself", expected)
}

// answersOf are those of a case that has none: it is run on its design, which always
// answers the same.
func answersOf(ctx context.Context, a *app, c corpus.Case) ([]model.Op, error) {
	if _, err := lookup(a.designs, c.Design); err != nil {
		if _, lab := loop.Lookup(c.Design); lab == nil || c.Design == agent.Name {
			return nil, errors.New("it does not say what was answered when it was found, and real hosts need not do the same again\nhint: a hunt that finds it again says it")
		}
		return nil, err
	}
	p := player{ctx: ctx}
	defer p.close()
	s, err := p.sim(c.Design, []string{c.Expect[0].Guarantee}, c.Program)
	if err != nil {
		return nil, err
	}
	saw := corpus.Recorded(c.Program, s.Run.History)
	if saw == nil {
		return nil, fmt.Errorf("what %s answers cannot be written down", c.Design)
	}
	return saw, nil
}

// free are the operations of a run on whose answers its verdict does not rest. They
// only look: a history is as wrong without them, so what others are answered there
// excuses nothing. A mount is one if a host that has an old cache could not have been
// answered the same either.
func free(judge model.Judge, p model.Program, saw []model.Op, v model.Verdict) []bool {
	is := make([]bool, len(saw))
	for i, op := range slices.Backward(saw) {
		switch op.Kind {
		case model.Read, model.Readdir, model.Stat, model.Statfs, model.Mount:
		default:
			continue
		}
		is[i] = true
		var left []model.Op
		for j, op := range saw {
			if !is[j] {
				left = append(left, op)
			}
		}
		is[i] = judge(model.Run{Program: p, History: left})[0].Same(v)
	}
	return is
}
