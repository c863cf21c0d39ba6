package corpus_test

import (
	"strings"
	"unicode"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// drawCase draws any case that a file can hold. Absent lists are nil, as the
// parser leaves them.
func drawCase(t *rapid.T) corpus.Case {
	line := rapid.Map(rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.S, unicode.P, unicode.Mn), 0, 60, -1),
		func(s string) string { return strings.Trim(s, " ") })
	design := rapid.StringMatching(`[a-z0-9-]{1,8}(/[a-z0-9-]{1,8})?`)
	c := corpus.Case{
		Notes:   orNil(rapid.SliceOfN(line, 0, 3).Draw(t, "notes")),
		Design:  design.Draw(t, "design"),
		Expect:  drawExpectations(t),
		FoundBy: line.Draw(t, "found by"),
		Program: drawProgram(t),
	}
	for _, name := range rapid.SliceOfNDistinct(design, 0, 3, rapid.ID[string]).Draw(t, "keeps") {
		if name != c.Design {
			c.Keeps = append(c.Keeps, name)
		}
	}
	if rapid.Bool().Draw(t, "answered") {
		c.Saw = corpus.Recorded(c.Program, drawSaw(t, c.Program))
	}
	return c
}

func drawExpectations(t *rapid.T) []corpus.Expectation {
	var all []corpus.Expectation
	guarantees := rapid.Permutation(append(model.Guarantees(), variants()...)).Draw(t, "guarantees")
	for _, g := range guarantees[:rapid.IntRange(1, len(guarantees)).Draw(t, "expectations")] {
		e := corpus.Expectation{Guarantee: g.Name}
		e.Outcome = rapid.SampledFrom([]model.Outcome{model.Held, model.Violated, model.Inconclusive}).Draw(t, "outcome")
		if e.Outcome == model.Violated {
			e.Anomaly = rapid.SampledFrom(model.Anomalies()).Draw(t, "anomaly")
		}
		all = append(all, e)
	}
	return all
}

func drawProgram(t *rapid.T) model.Program {
	p := model.Program{Hosts: rapid.IntRange(1, model.MaxHosts).Draw(t, "hosts")}
	hosts := make([]model.Host, p.Hosts)
	for i := range hosts {
		hosts[i] = model.Host(i)
	}
	p.Unmounts = rapid.Permutation(hosts).Draw(t, "unmounts")
	data := byte(0)
	for range rapid.IntRange(0, 40).Draw(t, "steps") {
		s := drawStep(t)
		s.Host = rapid.SampledFrom(hosts).Draw(t, "host")
		switch s.Kind {
		case model.PowerLoss, model.DiskReset:
			s.Host = model.Everyone
		case model.Tick:
			if rapid.Bool().Draw(t, "for all") {
				s.Host = model.Everyone
			}
		case model.Partition, model.Heal:
			s.Off = rapid.Int32Range(model.FromDisk, int32(p.Hosts)).
				Filter(func(off int32) bool { return off != int32(s.Host)+1 }).Draw(t, "from")
		}
		if s.Data != 0 {
			data++
			s.Data = data
		}
		p.Steps = append(p.Steps, s)
	}
	if n := len(p.Steps); n > 1 {
		for _, step := range rapid.SliceOfNDistinct(rapid.IntRange(1, n-1), 0, 3, rapid.ID[int]).Draw(t, "held") {
			p.Holds = append(p.Holds, model.Hold{
				Step:  step,
				At:    rapid.SampledFrom(commands).Draw(t, "at"),
				N:     rapid.IntRange(1, 1<<31-1).Draw(t, "n"),
				Until: rapid.IntRange(step+1, n).Draw(t, "until"),
			})
		}
	}
	p.Strikes = drawStrikes(t, len(p.Steps))
	return p
}

// commands is every kind of command.
var commands = func() (all []model.CommandKind) {
	for c := model.ReadCommand; c.String() != ""; c++ {
		all = append(all, c)
	}
	return all
}()

// drawStrikes draws strikes of commands of so many steps, each of another one.
func drawStrikes(t *rapid.T, steps int) []model.Strike {
	if steps == 0 {
		return nil
	}
	var all []model.Strike
	for n := range rapid.IntRange(0, 3).Draw(t, "strikes") {
		k := model.Strike{
			Step: rapid.IntRange(1, steps).Draw(t, "struck"),
			N:    4*rapid.IntRange(0, 1<<20).Draw(t, "n") + n + 1, // another for each strike
			Kind: rapid.SampledFrom([]model.StrikeKind{model.Fail, model.FailOn, model.LoseWrite, model.Misdirect,
				model.Drop, model.Double, model.Delay}).Draw(t, "strike"),
		}
		if k.Kind == model.Delay && k.Step == steps {
			k.Kind = model.Drop
		}
		switch k.Kind {
		case model.Fail, model.FailOn:
			k.At = rapid.SampledFrom(commands).Filter(func(c model.CommandKind) bool {
				return c != model.SendCommand && c != model.LockCommand
			}).Draw(t, "at")
		case model.LoseWrite, model.Misdirect:
			k.At = rapid.SampledFrom([]model.CommandKind{model.WriteCommand, model.CompareCommand}).Draw(t, "at")
		default:
			k.At = model.SendCommand
		}
		switch k.Kind {
		case model.Misdirect:
			k.Arg = rapid.IntRange(0, 1<<31-1).Draw(t, "block")
		case model.Delay:
			k.Arg = rapid.IntRange(k.Step+1, steps).Draw(t, "until")
		}
		all = append(all, k)
	}
	return all
}

func drawStep(t *rapid.T) model.Step {
	s := model.Step{Kind: rapid.SampledFrom(model.Kinds()).Draw(t, "kind")}
	paths := rapid.Custom(func(t *rapid.T) model.Path {
		return model.Path(rapid.StringMatching(`(/[a-z0-9_-]{1,12}){1,4}`).Draw(t, "names"))
	})
	path := paths.Draw(t, "path")
	file := rapid.Uint8Range(1, model.MaxFile).Draw(t, "file")
	if s.Kind.TakesData() {
		if rapid.Bool().Draw(t, "by handle") {
			s.File = file
		} else {
			s.Path = path
		}
	}
	const half = model.MaxWords / 2
	length := rapid.Int32Range(1, half).Draw(t, "length")
	switch s.Kind {
	case model.Readdir, model.Stat:
		s.Path = path
		if rapid.Bool().Draw(t, "root") {
			s.Path = model.Root
		}
	case model.Create, model.Unlink, model.Mkdir, model.Rmdir:
		s.Path = path
	case model.Rename, model.Link:
		s.Path, s.To = path, paths.Draw(t, "to")
	case model.Open:
		s.Path, s.File = path, file
	case model.Close:
		s.File = file
	case model.Lock, model.Unlock:
		s.File = file
		if rapid.Bool().Draw(t, "range") {
			s.Off, s.Len = rapid.Int32Range(0, half).Draw(t, "offset"), length
		}
		s.Shared = s.Kind == model.Lock && rapid.Bool().Draw(t, "shared")
	case model.Read, model.Write, model.Refresh:
		s.Off, s.Len = rapid.Int32Range(0, half).Draw(t, "offset"), length
		if s.Kind != model.Refresh && rapid.Bool().Draw(t, "direct") {
			s.Direct = true
			s.Off -= s.Off % model.WordsPerBlock
			s.Len = max(model.WordsPerBlock, s.Len-s.Len%model.WordsPerBlock)
		}
	case model.Append:
		s.Len = length
	case model.Truncate:
		s.Len = length - 1
	case model.Writeback:
		if s.Len = length - 1; s.Len > 0 {
			s.Off = rapid.Int32Range(0, half).Draw(t, "passed over")
		}
	case model.Crash, model.PowerLoss, model.DiskReset:
		s.Off = rapid.Int32Min(0).Draw(t, "kept")
	case model.Tick:
		s.Len = rapid.Int32Range(1, model.MaxTick).Draw(t, "time")
	}
	if s.Kind == model.Write || s.Kind == model.Append {
		s.Data = 1
	}
	return s
}

// orNil is an empty list as the parser has it.
func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// variants are guarantees that a user builds, whose names have every character
// that a name may have.
func variants() []model.Guarantee {
	noac := model.CloseToOpen
	noac.Staleness = 0
	racy := model.Linearizable
	racy.StrictReaddir, racy.Except = true, model.SetOf(model.Append, model.Stat)
	return []model.Guarantee{noac.Named(), racy.Named()}
}
