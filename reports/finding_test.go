package reports_test

import (
	"fmt"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// The findings that the tests show, made by hand.

// history gives ops one after the other their times.
func history(ops ...model.Op) []model.Op {
	for i := range ops {
		ops[i].Call, ops[i].Return = int64(2*i), int64(2*i+1)
	}
	return ops
}

func ok(step int, s model.Step) model.Op {
	return model.Op{Step: step, Host: s.Host, Kind: s.Kind, Path: s.Path, File: s.File, Off: s.Off, Len: s.Len, Data: s.Data}
}

func failed(step int, s model.Step, e model.Errno) model.Op {
	o := ok(step, s)
	o.Result.Errno = e
	return o
}

func read(step int, h model.Host, block, version int32) model.Record {
	return model.Record{Step: int16(step), Host: h, Kind: model.BlockRead, Block: block, Version: version}
}

func wrote(step int, h model.Host, block, version, base int32) model.Record {
	return model.Record{Step: int16(step), Host: h, Kind: model.BlockWritten, Block: block, Version: version, Base: base}
}

const hostA, hostB = model.Host(0), model.Host(1)

// lostFile is the incident in its smallest form: two hosts make a file each,
// the second to write the directory back destroys the first one's.
func lostFile() reports.Finding {
	steps := []model.Step{
		{Host: hostA, Kind: model.Mount},
		{Host: hostB, Kind: model.Mount},
		{Host: hostA, Kind: model.Create, Path: "/a"},
		{Host: hostB, Kind: model.Create, Path: "/b"},
		{Host: hostA, Kind: model.Sync},
	}
	program := model.Program{Hosts: 2, Steps: steps, Unmounts: []model.Host{hostA, hostB}}
	nearest := program.Clone()
	nearest.Steps = append(nearest.Steps[:3:3], model.Step{Host: hostB, Kind: model.Refresh, Off: 7, Len: 1}, steps[3], steps[4])
	return reports.Finding{
		Design:    "local",
		Guarantee: model.NothingLost,
		Verdict: model.Verdict{
			Guarantee: "nothing-lost", Outcome: model.Violated, Anomaly: model.LostFile,
			Proof: [2]string{
				"A create /a (step 3) is before the final mount, because A's sync (step 5) had returned ok.",
				"However the final mount is before A create /a, because it does not find /a and nothing removes it: a contradiction.",
			},
			Observed: "stat /a -> ENOENT", Allowed: []string{"file of 0"}, Steps: []int{3, 5}, Path: "/a",
		},
		Run: model.Run{
			Program: program,
			History: history(
				ok(1, steps[0]), ok(2, steps[1]), ok(3, steps[2]), ok(4, steps[3]), ok(5, steps[4]),
				ok(6, model.Step{Host: hostA, Kind: model.Unmount}),
				ok(7, model.Step{Host: hostB, Kind: model.Unmount}),
				ok(0, model.Step{Host: model.Final, Kind: model.Mount}),
				model.Op{Host: model.Final, Kind: model.Readdir, Path: "/", Result: model.Result{Names: []string{"b"}}},
				failed(0, model.Step{Host: model.Final, Kind: model.Stat, Path: "/a"}, model.ENOENT),
				model.Op{Host: model.Final, Kind: model.Stat, Path: "/b", Result: model.Result{Type: model.File}},
			),
			Trace: []model.Record{
				read(1, hostA, 0, 0), read(1, hostA, 1, 0), read(2, hostB, 0, 0), read(2, hostB, 1, 0),
				read(3, hostA, 7, 0), read(4, hostB, 7, 0),
				wrote(5, hostA, 1, 1, 0), wrote(5, hostA, 7, 1, 0), {Step: 5, Host: hostA, Kind: model.Flushed},
				wrote(7, hostB, 1, 2, 0), wrote(7, hostB, 7, 2, 0), {Step: 7, Host: hostB, Kind: model.Flushed},
				read(0, model.Final, 7, 2),
			},
		},
		Blocks: reports.Blocks{4: "superblock", 5: "data of /a", 6: "data of /a", 7: "directory block of /"},
		Cause: checker.Cause{
			Text: "at step 7 B wrote block 7 (directory block of /) from a copy of version 0, and destroyed version 1, which A had written at step 5 and B had never seen",
			Kind: "stale-write", Step: 7, Host: hostB, Block: 7, Meaning: "directory block of /",
			Basis: 0, Over: 1, Writer: hostA, WroteAt: 5, Verified: true,
			Nearest: nearest, Change: "had B re-read block 7 before step 4, nothing would be lost",
		},
		File:     "doublemount-findings/lost-file-5f3a.case",
		Original: 143,
		Replay:   "doublemount replay doublemount-findings/lost-file-5f3a.case",
	}
}

// held is a create that stops at its second disk write until the other host has
// made the same name, and another hold that never fires.
func held() reports.Finding {
	steps := []model.Step{
		{Host: hostA, Kind: model.Create, Path: "/a"},
		{Host: hostB, Kind: model.Create, Path: "/a"},
		{Host: hostB, Kind: model.Remount},
	}
	run := model.Run{
		Program: model.Program{Hosts: 2, Steps: steps, Unmounts: []model.Host{hostB, hostA}, Holds: []model.Hold{
			{Step: 1, At: model.WriteCommand, N: 2, Until: 2}, {Step: 2, At: model.FlushCommand, N: 1, Until: 3}}},
		Holds: []model.HoldState{model.Fired, model.NeverFired},
		Trace: []model.Record{
			read(1, hostA, 7, 0), wrote(1, hostA, 9, 1, 0), {Step: 1, Host: hostA, Kind: model.HoldStarted},
			read(2, hostB, 7, 0), wrote(2, hostB, 7, 1, 0), wrote(2, hostA, 3, 2, 0),
			{Step: 1, Host: hostA, Kind: model.HoldEnded}, wrote(1, hostA, 7, 2, 0),
		},
	}
	first, second := ok(1, steps[0]), ok(2, steps[1])
	first.Call, first.Return = 0, 5
	second.Call, second.Return = 1, 4
	off := model.Op{Step: 3, Host: hostB, Kind: model.Unmount, Call: 6, Return: 7}
	on := model.Op{Step: 3, Host: hostB, Kind: model.Mount, Call: 8, Return: 9, Result: model.Result{Errno: model.EBUSY}}
	run.History = []model.Op{first, second, off, on}
	return reports.Finding{
		Design: "cluster-lock/unlocked-create", Guarantee: model.Linearizable, Run: run,
		Verdict: model.Verdict{Guarantee: "linearizable", Outcome: model.Violated, Anomaly: model.SplitBrain,
			Observed: "create /a -> ok", Allowed: []string{"EEXIST"}, Steps: []int{1, 2}, Path: "/a",
			Proof: [2]string{"A create /a is before B create /a, or the other way round.",
				"However neither can be, because both made the name: a contradiction."}},
		Cause: checker.Cause{Text: "cause not isolated"},
	}
}

// panicked is a design that panics in its first step; the runner has no disk.
func panicked() reports.Finding {
	steps := []model.Step{{Host: hostA, Kind: model.Mount}, {Host: hostA, Kind: model.Create, Path: "/a"}}
	pending := ok(1, steps[0])
	pending.Return = model.Never
	return reports.Finding{
		Design: "mine", Guarantee: model.Progress,
		Verdict: model.Verdict{Guarantee: "progress", Outcome: model.Violated, Anomaly: "panic", Steps: []int{1}},
		Run: model.Run{
			Program: model.Program{Hosts: 1, Steps: steps, Unmounts: []model.Host{hostA}},
			History: []model.Op{pending},
			Defects: []model.Defect{{Kind: model.Panic, Host: hostA, Step: 1, Text: "index out of range [9] with length 8"}},
		},
		Replay: "doublemount replay case",
	}
}

// crowded has more of everything than fits: disk commands, hosts, final paths,
// fsck problems and steps.
func crowded(hosts int) reports.Finding {
	f := reports.Finding{Design: "crowded", Guarantee: model.Fsck,
		Verdict: model.Verdict{Guarantee: "fsck", Outcome: model.Violated, Anomaly: model.DoubleFree, Steps: []int{50}, Path: "/f3"}}
	p := model.Program{Hosts: hosts}
	var ops []model.Op
	for i := range 100 {
		s := model.Step{Host: model.Host(i % hosts), Kind: model.Write, Path: "/a-long-name1/a-long-name2", Off: 65000, Len: 100, Data: byte(i + 1)}
		p.Steps = append(p.Steps, s)
		ops = append(ops, ok(i+1, s))
		for n := range int32(i % 10) {
			f.Run.Trace = append(f.Run.Trace, read(i+1, s.Host, 1000+n, 7), wrote(i+1, s.Host, 1000+n, 8, 7-n/8))
		}
	}
	for h := range hosts {
		p.Unmounts = append(p.Unmounts, model.Host(h))
	}
	for i := range 12 {
		path := model.Path(fmt.Sprintf("/f%d", i))
		ops = append(ops, failed(0, model.Step{Host: model.Final, Kind: model.Stat, Path: path}, model.EIO))
		f.Run.Audit = append(f.Run.Audit, model.Problem{Anomaly: model.DoubleFree, Block: int32(i), Text: fmt.Sprintf("block %d is in use and free", i)})
	}
	f.Run.Program, f.Run.History = p, history(ops...)
	return f
}

// hostile has control characters wherever text comes from a program.
func hostile() reports.Finding {
	const evil = "\x1b[2J\u202eé\n|"
	steps := []model.Step{{Host: hostA, Kind: model.Create, Path: "/" + evil}}
	return reports.Finding{
		Design: evil, Guarantee: model.NothingLost, File: "dir/é" + evil, Replay: "doublemount replay dir/é.case",
		Verdict: model.Verdict{Outcome: model.Violated, Anomaly: "odd" + evil, Observed: evil, Allowed: []string{evil, "ok"},
			Proof: [2]string{evil, evil}, Path: "/x" + evil},
		Run: model.Run{
			Program: model.Program{Hosts: 1, Steps: steps},
			History: history(ok(1, steps[0]),
				model.Op{Host: model.Final, Kind: model.Readdir, Path: "/", Result: model.Result{Names: []string{"", "a b", "c", evil}}}),
			Defects: []model.Defect{{Kind: model.Misuse, Step: 1, Text: evil}},
			Audit:   []model.Problem{{Anomaly: model.LeakedSpace, Text: evil}},
		},
		Blocks: reports.Blocks{1: evil},
		Cause:  checker.Cause{Text: evil, Kind: "overlap", Meaning: evil},
	}
}
