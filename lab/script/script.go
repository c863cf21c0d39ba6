package script

import (
	_ "embed" // of the body
	"errors"
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// ErrScript is wrapped by the error for a finding that a script cannot show: what
// needs a disk of ours.
var ErrScript = errors.New("no shell script can do that")

// Finding is what a script is to show again.
type Finding struct {
	Program model.Program
	Saw     []model.Op // what was answered when it was found, as [corpus.Recorded] has it
	Free    []bool     // one for each of Saw, or nil: the verdict does not rest on what it answered, or on a mount's being a real one
	Claim   string     // what the finding says, one sentence
	Notes   []string   // become comments
}

// The body of every script, in perl: one host, and what drives them all.
var (
	//go:embed host.pl
	host string
	//go:embed driver.pl
	driver string
)

// maxScript keeps what a script gives to perl within what Linux takes for one
// argument of a process, 128 KiB.
const maxScript = 100 << 10

// Directories is a script for directories of one share, one for each host, that are
// its arguments: sh finding.sh DIR_A DIR_B. A number behind them is how often it
// tries, at most; once without holds, else 50 times. It works in a directory that it
// makes below the first, and removes that.
//
// A finding that rests on mounts needs commands that make them, in the environment:
// REMOUNT_A and so on. Without, a mount is the first look at the directory, and an
// unmount closes the host's files and syncs.
func Directories(f Finding) (string, error) {
	data, err := f.data(true)
	if err != nil {
		return "", err
	}
	var w writer
	w.head(f)
	w.put("# Usage: sh SCRIPT %s [RUNS]", strings.Join(each(f.Program.Hosts, "DIR_"), " "))
	w.put("# Each is a directory of the same share, as another host has it. The script works in a")
	w.put("# directory that it makes below the first, and removes that. REMOUNT_A and so on are")
	w.put("# commands that take the file system offline on a host and bring it back; where there is none")
	w.put("# a mount is the first look at the directory, and an unmount closes the host's files and syncs.")
	w.needs("perl", "sync", "rm")
	w.body(data, "", `dirs "$@"`)
	return w.String(), nil
}

// data is the finding as the body reads it.
func (f Finding) data(dirs bool) (string, error) {
	if err := f.Program.Validate(); err != nil {
		return "", err
	}
	if len(f.Program.Strikes) > 0 {
		return "", fmt.Errorf("%v: %w", f.Program.Strikes[0], ErrScript)
	}
	if len(f.Program.Holds) > 0 && !dirs {
		return "", fmt.Errorf("%v: %w", f.Program.Holds[0], ErrScript)
	}
	var w writer
	w.put("hosts %d", f.Program.Hosts)
	w.put("claim %s", strings.Map(printableRune, f.Claim))
	for _, h := range f.Program.Holds {
		w.put("hold %d until %d", h.Step, h.Until)
	}
	if dirs {
		for _, h := range f.remounts() {
			w.put("remount %v", h)
		}
	}
	until := corpus.Until(f.Saw)
	for i, op := range f.Saw {
		if op.Kind == model.Statfs {
			continue
		}
		if err := possible(op); err != nil {
			return "", err
		}
		if f.Free != nil && f.Free[i] {
			w.text.WriteString("? ")
		}
		number := fmt.Sprint(op.Step)
		if until[i] != 0 {
			number += fmt.Sprintf("-%d", until[i])
		}
		w.put("%s %v -> %s", number, op.AsStep(), corpus.Answer(op))
	}
	if w.text.Len() > maxScript {
		return "", fmt.Errorf("%d steps: too long for a script: %w", len(f.Program.Steps), ErrScript)
	}
	return w.String(), nil
}

// possible is why a script cannot do an operation, or nil. What was skipped is skipped
// again.
func possible(op model.Op) error {
	at := fmt.Sprintf("step %d (%v)", op.Step, op.AsStep())
	switch {
	case op.Skipped:
		return nil
	case op.Pending():
		return fmt.Errorf("%s: it never returned: %w", at, ErrScript)
	case op.Kind == model.Mount && op.Result.Errno != model.OK:
		return fmt.Errorf("%s: it was refused, %v: %w", at, op.Result.Errno, ErrScript)
	case op.Kind == model.Mount, op.Kind == model.Unmount, op.Kind == model.Writeback:
		return nil
	case op.Kind.Event():
		return fmt.Errorf("%s: %w", at, ErrScript)
	}
	return nil
}

// remounts are the hosts of which a mount has to be a real one: it comes after
// something was changed. The closing observation is by the first host.
func (f Finding) remounts() (hosts []model.Host) {
	changed := false
	var needs [model.MaxHosts]bool
	for i, op := range f.Saw {
		if op.Kind == model.Mount && changed && !op.Skipped && (f.Free == nil || !f.Free[i]) {
			if op.Host == model.Final {
				needs[0] = true
			} else {
				needs[op.Host] = true
			}
		}
		changed = changed || op.Kind.Changes() && !op.Skipped
	}
	for h, is := range needs {
		if is {
			hosts = append(hosts, model.Host(h))
		}
	}
	return hosts
}

// writer writes a text by lines.
type writer struct{ text strings.Builder }

func (w *writer) put(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	w.text.WriteString(format + "\n")
}

func (w *writer) String() string { return w.text.String() }

// needs has a script end before it does anything if one of the tools is not there:
// what it could make, it could not take away.
func (w *writer) needs(tools ...string) {
	w.put("for tool in %s; do", strings.Join(tools, " "))
	w.put("\tcommand -v $tool >/dev/null || { echo \"$tool: not found\" >&2; exit 2; }")
	w.put("done")
}

// head begins a script.
func (w *writer) head(f Finding) {
	w.put("#!/bin/sh")
	for _, n := range f.Notes {
		w.put("# " + strings.Map(printableRune, n))
	}
	w.put("#")
	w.put("# Exit code 1: what the last line says was seen. 0: it was not. 2: a mount, a tool or")
	w.put("# an argument failed, and nothing is known.")
}

// body runs perl, by another command if there is one, with arguments in the words of
// the shell. It ends with 10 or 11
// when it has an answer; any other end of it is none.
func (w *writer) body(data, by, args string) {
	w.put("case_='%s'", strings.ReplaceAll(strings.TrimRight(data, "\n"), "'", `'\''`))
	w.put("driver='%s'", host+"\n"+strings.TrimRight(driver, "\n"))
	w.put("LC_ALL=C %s -U -e \"$driver\" -- \"$case_\" %s </dev/null", strings.TrimSpace(by+" perl"), args)
	w.put("case $? in 10) exit 1;; 11) exit 0;; *) exit 2;; esac")
}

// printableRune keeps a comment one line.
func printableRune(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// each is a word for each host.
func each(hosts int, prefix string) (words []string) {
	for h := range hosts {
		words = append(words, prefix+model.Host(h).String())
	}
	return words
}
