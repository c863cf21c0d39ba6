package doublemount

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// corpusDir is the directory of the cases that this test replays first.
func (s *settings) corpusDir() string {
	if s.corpus != "" {
		return s.corpus
	}
	return filepath.FromSlash(defaultCorpus)
}

// concerns reports whether the design has to hold c.
func (s *settings) concerns(c corpus.Case) bool {
	return c.Design == s.design.Name || slices.Contains(c.Keeps, s.design.Name)
}

// replayCorpus replays the cases of the corpus that are about this design, and
// reports every one that fails.
func (r *testRun) replayCorpus(ctx context.Context, e *engine, a *answer) {
	dir, err := absolute(r.corpusDir())
	if err != nil {
		a.failure = err.Error()
		return
	}
	files, err := corpus.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) && r.corpus == "" {
		return // nobody has committed a case yet
	}
	var failures []string
	if err != nil {
		failures = append(failures, err.Error())
	}
	held := 0
	for _, f := range files {
		if !r.concerns(f.Case) {
			continue
		}
		if text := r.replayCase(ctx, e, f.Name, f.Case, nil); text != "" {
			failures = append(failures, text)
			continue
		}
		held++
	}
	if held > 0 {
		a.logf("%s: %d cases of %s held", r.design.Name, held, r.corpusDir())
	}
	a.failure = strings.Join(failures, "\n\n")
}

// replay replays the case that the environment names, against the guarantees of
// the test and those that the case speaks of, and logs its trace.
func (r *testRun) replay(ctx context.Context, e *engine, name string, a *answer) {
	file, err := locate(name)
	var c corpus.Case
	if err == nil {
		c, err = corpus.ReadFile(file)
	}
	if err != nil {
		a.failure = fmt.Sprintf("DOUBLEMOUNT_REPLAY: %v", err)
		return
	}
	if !r.concerns(c) {
		a.failure = fmt.Sprintf("DOUBLEMOUNT_REPLAY: %s is a case of design %q, this test is of %q\nhint: choose its test with -run", name, c.Design, r.design.Name)
		return
	}
	var named []model.Guarantee
	for _, expect := range c.Expect {
		if g, err := model.ParseGuarantee(expect.Guarantee); err == nil {
			named = append(named, g)
		}
	}
	e.judge = checker.New(0, ordered(r.guarantees, named)...)
	if a.failure = r.replayCase(ctx, e, file, c, &a.logs); a.failure == "" {
		a.logf("%s: %s holds", r.design.Name, file)
	}
}

// locate finds a case file. Where a command was pasted, a relative name starts
// at the root of the module; a test starts in its package.
func locate(name string) (string, error) {
	here, err := absolute(name)
	if err != nil || filepath.IsAbs(name) {
		return here, err
	}
	if _, err := os.Stat(here); err == nil {
		return here, nil
	}
	return filepath.Join(moduleRoot(startDir), name), nil
}

// replayCase runs a case and says why it does not hold, or nothing. The trace
// goes to logs, if that is not nil.
func (r *testRun) replayCase(ctx context.Context, e *engine, file string, c corpus.Case, logs *[]string) string {
	run, err := e.runner.Run(ctx, c.Program)
	var again model.Run
	if err == nil {
		again, err = e.runner.Run(ctx, c.Program)
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", file, err)
	}
	if logs != nil {
		*logs = append(*logs, trace(run))
	}
	if run.Digest != again.Digest {
		return fmt.Sprintf("%s: %v\n%s", file, ErrNondeterministic, nondeterministicHint)
	}
	verdicts := e.judge(run)
	v, inconclusive := violated(verdicts)
	if v != nil {
		f, err := e.explain(ctx, c.Program, *v)
		if e.w.abandoned() {
			return ""
		}
		note := ""
		if err != nil {
			note = fmt.Sprintf("note: %v\n", err)
		}
		if f.File, err = absolute(file); err != nil {
			f.File = file
		}
		return fmt.Sprintf("%s broke %s on a case\n%s\n%s", r.design.Name, f.Guarantee.Name, note, r.report(f, ""))
	}
	if inconclusive {
		return fmt.Sprintf("%s: inconclusive: the judge reached its limit", file)
	}
	const other = "hint: the design issues other commands than when the case was found; find it anew, or take it away"
	for i, h := range run.Holds {
		if h == model.NeverFired {
			return fmt.Sprintf("%s: stale: %v never fires\n%s", file, c.Program.Holds[i], other)
		}
	}
	for i, hit := range run.Strikes {
		if !hit {
			return fmt.Sprintf("%s: stale: %v never hits\n%s", file, c.Program.Strikes[i], other)
		}
	}
	return ""
}

// trace is a run in full: what was called and answered, then every record.
func trace(run model.Run) string {
	var b strings.Builder
	b.WriteString("history\n")
	for _, op := range run.History {
		fmt.Fprintf(&b, "%5d %3d %v\n", op.Call, op.Step, op)
	}
	b.WriteString("trace\n")
	for _, record := range run.Trace {
		fmt.Fprintln(&b, record)
	}
	for _, d := range run.Defects {
		fmt.Fprintln(&b, d)
	}
	return strings.TrimRight(b.String(), "\n")
}
