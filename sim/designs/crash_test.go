package designs_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// A crash oracle of its own for one host and one crash or power loss, beside
// that of the checker. A crash leaves some first part of the operations, one
// that has at least what the last sync or fsync covered. Only the blocks of
// writes that overwrite what was there may be missing from it, unless they are
// covered, or be there of a later write, if that is right without the operations
// in between.

// moment is what the specification has after so many operations.
type moment struct {
	files   map[model.Path]int // the number of the file that a path leads to; 0 a directory
	sizes   map[int]int        // words, by file
	content map[int][]variant
}

// variant is a file's content with the overwrites up to some operation only.
type variant struct {
	upTo  int
	words []byte
}

// moments are those after each operation of steps, the first before all.
type moments struct {
	steps   []model.Step
	all     []moment
	covered int         // the first that a crash may leave
	data    map[int]int // by file: the operation up to which its overwrites are covered
}

// follow applies steps to the specification. What a last step that has not
// returned would cover is not covered.
func follow(steps []model.Step, returned bool) *moments {
	m := &moments{steps: steps, data: map[int]int{}}
	m.all = append(m.all, moment{})
	files, open := map[model.Path]int{}, map[uint8]int{}
	var fs model.FS
	numbered := 0
	cover := func(at int, ids ...int) {
		if at < len(steps) || returned {
			m.covered = at
			for _, id := range ids {
				m.data[id] = at
			}
		}
	}
	for i, s := range steps {
		at := i + 1
		if fs.Apply(s).Errno == model.OK {
			switch s.Kind {
			case model.Create:
				numbered++
				files[s.Path] = numbered
			case model.Mkdir:
				files[s.Path] = 0
			case model.Unlink, model.Rmdir:
				delete(files, s.Path)
			case model.Link:
				files[s.To] = files[s.Path]
			case model.Rename:
				rename(files, s.Path, s.To)
			case model.Open:
				open[s.File] = files[s.Path]
			case model.Fsync:
				id := open[s.File]
				if s.File == 0 {
					id = files[s.Path]
				}
				cover(at, id)
			case model.Sync, model.Unmount, model.Remount, model.Reboot:
				for id := range numbered {
					cover(at, id+1)
				}
				cover(at)
			}
		}
		m.all = append(m.all, moment{files: maps.Clone(files), sizes: map[int]int{}, content: map[int][]variant{}})
	}
	for at := range m.all {
		if at < m.covered {
			continue
		}
		for upTo := range m.all {
			m.variant(at, upTo)
		}
	}
	return m
}

func rename(files map[model.Path]int, from, to model.Path) {
	if id := files[from]; from == to || id != 0 && files[to] == id {
		return
	}
	moved := map[model.Path]int{}
	for p, id := range files {
		if p == from || p.Below(from) {
			moved[p.Moved(from, to)] = id
			delete(files, p)
		}
	}
	maps.Copy(files, moved)
}

// variant notes the files after operation at, with the overwrites up to
// operation upTo: with fewer of them than at has, or more.
func (m *moments) variant(at, upTo int) {
	var fs model.FS
	for i, s := range m.steps[:max(at, upTo)] {
		switch early, late := i < at, i >= upTo; {
		case early && late && s.Kind == model.Write:
			portions(&fs, s, false)
		case early:
			fs.Apply(s)
		case s.Kind == model.Write:
			portions(&fs, s, true)
		case s.Kind == model.Open || s.Kind == model.Close:
			fs.Apply(s)
		}
	}
	for p, id := range m.all[at].files {
		if id != 0 {
			words := fs.Apply(model.Step{Kind: model.Read, Path: p, Len: model.MaxWords}).Data
			m.all[at].sizes[id] = len(words)
			m.all[at].content[id] = append(m.all[at].content[id], variant{upTo, words})
		}
	}
}

// portions applies the blocks of a write that only overwrite, or the others.
func portions(fs *model.FS, s model.Step, overwrites bool) {
	whole := s
	whole.Kind, whole.Off, whole.Len, whole.Data, whole.Direct = model.Read, 0, model.MaxWords, 0, false
	size := int32(len(fs.Apply(whole).Data))
	for off := s.Off; off < s.Off+s.Len; {
		part := s
		part.Off = off
		part.Len = min(s.Off+s.Len, (off/model.WordsPerBlock+1)*model.WordsPerBlock) - off
		if off += part.Len; (off <= size) == overwrites {
			fs.Apply(part)
		}
	}
}

// explains is empty if what the closing observer saw can be what a crash left.
func (m *moments) explains(run model.Run) string {
	sizes, data := map[model.Path]int{}, map[model.Path][]byte{}
	for _, op := range run.History {
		if op.Host != model.Final || op.Result.Errno != model.OK {
			continue
		}
		switch op.Kind {
		case model.Stat:
			sizes[op.Path] = int(op.Result.Size)
			if op.Result.Type == model.Dir {
				sizes[op.Path] = -1
			}
		case model.Read:
			data[op.Path] = op.Result.Data
		}
	}
	why := ""
	for at := m.covered; at < len(m.all); at++ {
		text := m.all[at].differs(sizes)
		if text == "" {
			text = m.contentDiffers(at, data)
		}
		if text == "" {
			return ""
		}
		why += fmt.Sprintf("after operation %d: %s\n", at, text)
	}
	return why
}

func (m moment) differs(sizes map[model.Path]int) string {
	for _, p := range slices.Sorted(maps.Keys(m.files)) {
		want := -1
		if id := m.files[p]; id != 0 {
			want = m.sizes[id]
		}
		if got, ok := sizes[p]; !ok || got != want {
			return fmt.Sprintf("%s has size %d (there: %v), want %d", p, got, ok, want)
		}
	}
	if len(sizes) != len(m.files) {
		return fmt.Sprintf("there are %v", slices.Sorted(maps.Keys(sizes)))
	}
	return ""
}

func (m *moments) contentDiffers(at int, data map[model.Path][]byte) string {
	for _, p := range slices.Sorted(maps.Keys(m.all[at].files)) {
		id, got := m.all[at].files[p], data[p]
		for first := 0; id != 0 && first < len(got); first += model.WordsPerBlock {
			block := got[first:min(first+model.WordsPerBlock, len(got))]
			if !slices.ContainsFunc(m.all[at].content[id], func(v variant) bool {
				return v.upTo >= m.data[id] && bytes.Equal(v.words[first:first+len(block)], block)
			}) {
				return fmt.Sprintf("%s has %s from word %d on", p, model.Words(block), first)
			}
		}
	}
	return ""
}

// crashed makes a program that is cut by event at the n-th command of a kind of
// step cut, or when that has returned if n is 0.
func crashed(steps []model.Step, cut int, at model.CommandKind, n int, event model.Step) model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}}
	p.Steps = append(p.Steps, steps[:cut]...)
	if n > 0 {
		p.Holds = []model.Hold{{Step: cut, At: at, N: n, Until: cut + 1}}
	}
	p.Steps = append(p.Steps, event)
	return p
}

// commands counts the commands of a kind that a step issues.
func commands(run model.Run, step int, at model.CommandKind) (n int) {
	for _, r := range run.Trace {
		if r.Step == int16(step) && (r.Kind == model.Flushed && at == model.FlushCommand || r.Kind == model.BlockWritten && at == model.WriteCommand) {
			n++
		}
	}
	return n
}

// unflushed is at most how many writes the disk has in its cache at the end of
// the run's steps.
func unflushed(run model.Run, step int) (n int) {
	for _, r := range run.Trace {
		if r.Step == 0 || int(r.Step) > step {
			continue
		}
		switch r.Kind {
		case model.BlockWritten:
			n++
		case model.Flushed:
			n = 0
		}
	}
	return n
}

// keeps are sets of the n writes that a crash leaves: all sets of few, of many
// none, all, each alone, all but one, and every other.
func keeps(n int) (sets []int32) {
	if n > model.KeptBits {
		n = model.KeptBits
	}
	all := int32(1<<n - 1)
	if n <= 5 {
		for set := range all + 1 {
			sets = append(sets, set)
		}
		return sets
	}
	sets = []int32{0, all, 0x55555555 & all, 0x2aaaaaaa & all, 0x33333333 & all, 0x4ccccccc & all}
	for i := range n {
		sets = append(sets, 1<<i, all&^(1<<i), 1<<i-1, all&^(1<<i-1))
	}
	return sets
}

// crashEverywhere cuts the steps of a host at each write and flush of each step,
// by a crash and by a power loss, with every set of survivors (or many), and
// gives the runs to judge.
func crashEverywhere(t *testing.T, r *sim.Runner, steps []model.Step, judge func(p model.Program, run model.Run, m *moments)) {
	t.Helper()
	run := func(p model.Program) model.Run { return execute(t, r, p) }
	whole := run(model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: steps})
	for cut := 2; cut <= len(steps); cut++ {
		done, pending := follow(steps[:cut], true), follow(steps[:cut], false)
		for _, at := range []model.CommandKind{model.WriteCommand, model.FlushCommand} {
			for n := range commands(whole, cut, at) + 1 {
				if n == 0 && at == model.FlushCommand {
					continue
				}
				m := done
				if n > 0 {
					m = pending
				}
				for _, kind := range []model.Kind{model.Crash, model.PowerLoss} {
					event := model.Step{Kind: kind}
					if kind == model.PowerLoss {
						event.Host = model.Everyone
					}
					first := run(crashed(steps, cut, at, n, event))
					if n > 0 && first.Holds[0] == model.NeverFired {
						break // it has fewer commands than blocks
					}
					sets := keeps(unflushed(first, cut))
					if kind == model.Crash {
						sets = []int32{0, 1, 2, 5, 1<<model.KeptBits - 1}
					}
					for _, set := range sets {
						event.Off = set
						p := crashed(steps, cut, at, n, event)
						judge(p, run(p), m)
					}
				}
			}
		}
	}
}

// workload reads what a host does after its mount, a step a line.
func workload(t *testing.T, lines string) []model.Step {
	t.Helper()
	steps := []model.Step{{Kind: model.Mount}}
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		words := strings.Fields(line)
		kind, _ := model.ParseKind(words[0])
		s := model.Step{Kind: kind}
		var numbers []int32
		for _, w := range words[1:] {
			var n int32
			switch {
			case w == "direct":
				s.Direct = true
			case w[0] == '/' && s.Path == "":
				s.Path = model.Path(w)
			case w[0] == '/':
				s.To = model.Path(w)
			case w[0] == 'f':
				fmt.Sscanf(w, "f%d", &s.File)
			case w[0] == '#':
				fmt.Sscanf(w, "#%d", &s.Data)
			default:
				fmt.Sscan(w, &n)
				numbers = append(numbers, n)
			}
		}
		if len(numbers) > 0 {
			s.Len = numbers[len(numbers)-1]
		}
		if len(numbers) > 1 {
			s.Off = numbers[0]
		}
		if kind == model.Tick {
			s.Host = model.Everyone
		}
		if s.Action() != line {
			t.Fatalf("%q reads back as %q", line, s.Action())
		}
		steps = append(steps, s)
	}
	return steps
}
