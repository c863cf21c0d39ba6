package doublemount

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// What is done when no option says otherwise.
const (
	defaultRuns   = 2000
	defaultHang   = 10 * time.Second
	defaultCorpus = "testdata/doublemount"
	findingsDir   = "doublemount-findings"
)

// Option changes what [Run] or [Check] does. A value out of range is reported
// before anything is run. Of two options of one kind the later counts.
type Option struct {
	apply func(*settings) error
	only  string // the door it is for, or empty: "Run", "Check"
	name  string
}

// settings is what the options, the design and the environment come to.
type settings struct {
	design     sim.Design
	guarantees []model.Guarantee // in the order of model.Guarantee.Compare
	hosts      int               // 0: drawn, 2 or 3
	faults     model.Faults      // 0: all that the design survives
	runs       int
	seed       uint64
	first      bool
	corpus     string // empty: defaultCorpus, which need not exist
	out        string // empty: not given
	hang       time.Duration
}

// Hosts is the number of hosts of every run, 1 to [model.MaxHosts]. Without it
// each run draws 2 or 3.
func Hosts(n int) Option {
	return Option{name: "Hosts", apply: func(s *settings) error {
		if n < 1 || n > model.MaxHosts {
			return fmt.Errorf("Hosts(%d): want 1 to %d", n, model.MaxHosts)
		}
		s.hosts = n
		return nil
	}}
}

// Faults narrows the faults that are drawn to those of the set that the design
// survives; the empty set draws none. Without it all that the design survives
// are drawn.
func Faults(set model.Faults) Option {
	return Option{name: "Faults", apply: func(s *settings) error {
		if s.faults = set; set == 0 {
			s.faults = fuzz.NoFaults
		}
		return nil
	}}
}

// Guarantees is what to hold the design against, instead of what it declares:
// values of package model, or variants of its rungs with the name that
// [model.Guarantee.Named] gives them; at least one. The axes are judged in any case.
func Guarantees(list ...model.Guarantee) Option {
	list = slices.Clone(list)
	return Option{name: "Guarantees", apply: func(s *settings) error {
		if len(list) == 0 {
			return fmt.Errorf("Guarantees(): want at least one\nhint: leave the option out to use what the design declares")
		}
		s.guarantees = list
		return nil
	}}
}

// Runs is how many runs to make, at least 1; 2,000 without it. With -short a
// test makes a fifth of them.
func Runs(n int) Option {
	return Option{name: "Runs", apply: func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("Runs(%d): want at least 1", n)
		}
		s.runs = n
		return nil
	}}
}

// Seed is the seed of a [Check], 0 without it: the same seed and options give
// the same Result. A test takes its seed from the flag -rapid.seed.
func Seed(n uint64) Option {
	return Option{name: "Seed", only: "Check", apply: func(s *settings) error {
		s.seed = n
		return nil
	}}
}

// First makes a [Check] stop after the first batch of [fuzz.BatchRuns] runs
// that has a finding. A test always stops at the first finding.
func First() Option {
	return Option{name: "First", only: "Check", apply: func(s *settings) error {
		s.first = true
		return nil
	}}
}

// Corpus is the directory whose case files a test replays first, instead of
// testdata/doublemount. Unlike that, it must exist. A relative path starts at
// the directory of the package under test.
func Corpus(dir string) Option {
	return Option{name: "Corpus", only: "Run", apply: func(s *settings) error {
		name, err := absolute(dir)
		if err != nil {
			return fmt.Errorf("Corpus(%q): %w", dir, err)
		}
		if info, err := os.Stat(name); err != nil {
			return fmt.Errorf("Corpus(%q): %w", dir, err)
		} else if !info.IsDir() {
			return fmt.Errorf("Corpus(%q): not a directory", dir)
		}
		s.corpus = dir
		return nil
	}}
}

// Out is the directory that case files of findings are written to; it is made
// if need be. Without it a test writes to its artifact directory (go test
// -artifacts), or else to doublemount-findings in the system's directory for
// temporary files; a [Check] writes none.
func Out(dir string) Option {
	return Option{name: "Out", apply: func(s *settings) error {
		if dir == "" {
			return fmt.Errorf("Out(%q): want a directory", dir)
		}
		var err error
		s.out, err = absolute(dir)
		return err
	}}
}

// Hang is how long one run may take before it counts as one that will never
// end, at least a tenth of a second; 10 s without it. The environment variable
// DOUBLEMOUNT_HANG counts more.
func Hang(d time.Duration) Option {
	return Option{name: "Hang", apply: func(s *settings) error {
		s.hang = d
		return checkHang("Hang", d)
	}}
}

func checkHang(what string, d time.Duration) error {
	if d < 100*time.Millisecond {
		return fmt.Errorf("%s: %v; want at least 100ms", what, d)
	}
	return nil
}

// newSettings joins what a caller of the door ("Run" or "Check") asked for with
// the defaults and the environment, and checks it.
func newSettings(door string, design sim.Design, opts []Option) (settings, error) {
	s := settings{design: design, runs: defaultRuns, hang: defaultHang}
	if err := checkDesign(design); err != nil {
		return s, err
	}
	for i, o := range opts {
		if o.apply == nil {
			return s, fmt.Errorf("option %d is the zero Option", i+1)
		}
		if o.only != "" && o.only != door {
			hint := ""
			if o.name == "Seed" {
				hint = "\nhint: go test takes the flag -rapid.seed"
			}
			return s, fmt.Errorf("%s is an option of %s, not of %s%s", o.name, o.only, door, hint)
		}
		if err := o.apply(&s); err != nil {
			return s, err
		}
	}
	if text := os.Getenv("DOUBLEMOUNT_HANG"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return s, fmt.Errorf("DOUBLEMOUNT_HANG: %w\nhint: for example 30s", err)
		}
		if err := checkHang("DOUBLEMOUNT_HANG", d); err != nil {
			return s, err
		}
		s.hang = d
	}
	return s, s.settleGuarantees()
}

// checkDesign wants a name that a case file can hold.
func checkDesign(d sim.Design) error {
	probe := corpus.Case{
		Design:  d.Name,
		Expect:  []corpus.Expectation{{Guarantee: model.Fsck.Name}},
		Program: model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Mount}}, Unmounts: []model.Host{0}},
	}
	if _, err := corpus.Parse("case", probe.Bytes()); err != nil {
		return fmt.Errorf("design %q: this name cannot stand in a case file\nhint: lower-case letters, digits and dashes, and a slash before a variant", d.Name)
	}
	return nil
}

// settleGuarantees puts the guarantees in the order in which they are judged,
// each once, with the axes.
func (s *settings) settleGuarantees() error {
	asked := s.guarantees
	if asked == nil {
		if s.design.Guarantee == (model.Guarantee{}) {
			return fmt.Errorf("design %q declares no guarantee\nhint: set its Guarantee, or use the option Guarantees", s.design.Name)
		}
		asked = []model.Guarantee{s.design.Guarantee}
	}
	for _, g := range asked {
		if err := g.CheckName(); err != nil {
			return err
		}
	}
	s.guarantees = ordered(asked, model.Axes())
	return nil
}

// ordered is the union of lists of guarantees, in the order that judges want.
func ordered(lists ...[]model.Guarantee) []model.Guarantee {
	all := slices.Concat(lists...)
	slices.SortFunc(all, model.Guarantee.Compare)
	return slices.Compact(all)
}

// shorten is the number of runs of a test.
func (s *settings) shorten(short bool) error {
	if text := os.Getenv("DOUBLEMOUNT_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("DOUBLEMOUNT_RUNS: %q; want a number, at least 1", text)
		}
		s.runs = n
	} else if short {
		s.runs = max(1, s.runs/5)
	}
	return nil
}

// options is s as the search takes it.
func (s *settings) options() fuzz.Options {
	return fuzz.Options{Seed: s.seed, Hosts: s.hosts, Faults: s.faults, Runs: s.runs, First: s.first}
}
