package brute

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// EnumSpec is the bound of an enumeration.
type EnumSpec struct {
	Length  int          // operations, from 1
	Forms   []model.Step // what each operation may be; Host and Data are filled in
	Setup   []model.Step // what made the disk: not counted, one result each
	Overlap bool         // also with neighbours that overlap
	Cuts    int          // how many operations are a Crash, a Fence or a PowerLoss
	Look    []model.Path // what Final looks at; nil is each path that Setup and Forms can make
	Every   int          // only each n-th history is made; 0 and 1 are all
}

// SmallForms is one file's life: create, unlink, stat, write and read of its
// first block, fsync, sync and remount of a host.
func SmallForms() []model.Step {
	return []model.Step{
		{Kind: model.Create, Path: "/a"}, {Kind: model.Unlink, Path: "/a"}, {Kind: model.Stat, Path: "/a"},
		{Kind: model.Write, Path: "/a", Len: model.WordsPerBlock}, {Kind: model.Read, Path: "/a", Len: model.WordsPerBlock},
		{Kind: model.Fsync, Path: "/a"}, {Kind: model.Sync}, {Kind: model.Remount},
	}
}

// NameForms is what renames and links can do to two names and a directory.
func NameForms() []model.Step {
	return []model.Step{
		{Kind: model.Create, Path: "/a"}, {Kind: model.Unlink, Path: "/a"}, {Kind: model.Stat, Path: "/b"},
		{Kind: model.Rename, Path: "/a", To: "/b"}, {Kind: model.Rename, Path: "/b", To: "/a"}, {Kind: model.Link, Path: "/a", To: "/b"},
		{Kind: model.Fsync, Path: "/b"}, {Kind: model.Sync}, {Kind: model.Remount},
	}
}

// TreeForms is what renames can do to a directory and what is in it.
func TreeForms() []model.Step {
	return []model.Step{
		{Kind: model.Mkdir, Path: "/d"}, {Kind: model.Rmdir, Path: "/d"}, {Kind: model.Create, Path: "/d/x"}, {Kind: model.Stat, Path: "/e/x"},
		{Kind: model.Rename, Path: "/d", To: "/e"}, {Kind: model.Rename, Path: "/d/x", To: "/e"}, {Kind: model.Rename, Path: "/e", To: "/d"},
		{Kind: model.Sync}, {Kind: model.Remount},
	}
}

// CutForms is what a crash or a power loss can undo of one file, and what saves
// it. They need Cuts.
func CutForms() []model.Step {
	return []model.Step{
		{Kind: model.Create, Path: "/a"}, {Kind: model.Stat, Path: "/a"}, {Kind: model.Rename, Path: "/a", To: "/b"},
		{Kind: model.Write, Path: "/a", Len: model.WordsPerBlock}, {Kind: model.Read, Path: "/a", Len: model.WordsPerBlock},
		{Kind: model.Fsync, Path: "/a"}, {Kind: model.Sync}, {Kind: model.Crash}, {Kind: model.PowerLoss},
	}
}

// LifeForms is all that can happen to a file of one block under two names, also
// through a handle: what each guarantee of the ladder speaks of. A tick lasts as long
// as a view of names may be old.
func LifeForms() []model.Step {
	const block = model.WordsPerBlock
	return []model.Step{
		{Kind: model.Create, Path: "/a"}, {Kind: model.Unlink, Path: "/a"}, {Kind: model.Rename, Path: "/a", To: "/b"},
		{Kind: model.Write, Path: "/a", Len: block}, {Kind: model.Read, Path: "/a", Len: block}, {Kind: model.Stat, Path: "/a"},
		{Kind: model.Open, Path: "/a", File: 1}, {Kind: model.Write, File: 1, Len: block}, {Kind: model.Read, File: 1, Len: block}, {Kind: model.Close, File: 1},
		{Kind: model.Fsync, Path: "/a"}, {Kind: model.Sync}, {Kind: model.Remount}, {Kind: model.Tick, Len: int32(model.CloseToOpen.Staleness)},
		{Kind: model.Crash},
	}
}

// SizeForms is what a crash can undo of a file's size: writes of two blocks,
// appends, truncates. They need Cuts.
func SizeForms() []model.Step {
	return []model.Step{
		{Kind: model.Append, Path: "/a", Len: model.WordsPerBlock}, {Kind: model.Truncate, Path: "/a", Len: model.WordsPerBlock},
		{Kind: model.Write, Path: "/a", Len: 2 * model.WordsPerBlock}, {Kind: model.Read, Path: "/a", Len: model.WordsPerBlock},
		{Kind: model.Fsync, Path: "/a"}, {Kind: model.Crash}, {Kind: model.PowerLoss},
	}
}

// Enumerate yields histories until all are made or yield returns false, and
// returns how many there were, of which with Every n each n-th was yielded. The same spec gives the same histories in the
// same order.
//
// The bound, exactly: two hosts, A and B, mount a disk on which A, mounted
// before, did what Setup says, and nothing else (a write's data comes after
// those of the operations). Every sequence of Length operations from Forms, each by A or by B, the first by
// A (the rest is the same with the names exchanged); a write's data is its
// position. All one after the other, or, with Overlap, also with one pair of
// neighbours, by different hosts and neither an event, that are both called
// before the first of them returns. Every result that [model.NameResult] has for
// a name with any parent and entry of the types that Setup and Forms can make (the first
// of a set). A stat of a file answers each size in whole blocks up to the largest that the
// operations can make; a read each number of whole blocks up to what it asks, each
// block a hole or any write of the history; a listing each set of names of Setup and Forms.
// Events, sync, close and use of a handle succeed, also where no open filled the
// slot; a tick is one of both hosts. Then the hosts
// unmount in either order, and Final stats each path of Look or, if data change,
// reads it from the start to the largest end, with every result.
//
// Exactly Cuts of the operations are a crash, a fence or a power loss; a form of
// those has Cuts above 0. A host that is down mounts right before its next
// operation, and does not unmount at the end. With Overlap an operation right
// before a cut of its host is also one that never returns.
//
// Writes and reads of Forms must be of whole blocks, and Setup must succeed. The
// Program has the operations only; mounts and Setup are of step 0.
func Enumerate(spec EnumSpec, yield func(model.Run) bool) (count int) {
	e := enumerator{spec: spec, yield: yield}
	e.spec.Setup = slices.Clone(spec.Setup)
	for i := range e.spec.Setup {
		s := &e.spec.Setup[i]
		s.Host, s.Data = 0, dataOf(s.Kind, spec.Length+i)
	}
	all := slices.Concat(spec.Setup, spec.Forms)
	for _, f := range all {
		e.dirs = e.dirs || f.Kind == model.Mkdir
		e.data = e.data || changesData(f.Kind)
	}
	e.paths = model.Program{Steps: all}.Paths()
	if spec.Look == nil {
		e.spec.Look = e.paths
	}
	e.steps(make([]model.Step, 0, spec.Length))
	return e.count
}

type enumerator struct {
	spec  EnumSpec
	yield func(model.Run) bool
	count int
	paths []model.Path // that Setup and Forms can make
	dirs  bool         // they make directories
	data  bool         // they change data
}

// dataOf is the data of step i of a kind.
func dataOf(k model.Kind, i int) byte {
	if k == model.Write || k == model.Append {
		return byte(i + 1)
	}
	return 0
}

// steps lengthens a sequence of steps in all ways. It returns false to stop.
func (e *enumerator) steps(steps []model.Step) bool {
	if len(steps) == e.spec.Length {
		return e.results(steps)
	}
	for host := range model.Host(2) {
		if len(steps) == 0 && host != 0 {
			break
		}
		for _, s := range e.spec.Forms {
			s.Host = host
			if s.Kind == model.PowerLoss || s.Kind == model.Tick {
				if host > 0 {
					continue
				}
				s.Host = model.Everyone
			}
			if left := e.spec.Cuts - cutsIn(steps); isCut(s) && left == 0 || !isCut(s) && left == e.spec.Length-len(steps) {
				continue
			}
			s.Data = dataOf(s.Kind, len(steps))
			if !e.steps(append(steps, s)) {
				return false
			}
		}
	}
	return true
}

func isCut(s model.Step) bool {
	return s.Kind == model.Crash || s.Kind == model.Fence || s.Kind == model.PowerLoss
}

func cutsIn(steps []model.Step) (n int) {
	for _, s := range steps {
		if isCut(s) {
			n++
		}
	}
	return n
}

// results gives the steps, and what Final does, every result.
func (e *enumerator) results(steps []model.Step) bool {
	blocks := 0
	words := []byte{model.Hole}
	changes := slices.Concat(e.spec.Setup, steps)
	for _, s := range changes {
		switch s.Kind {
		case model.Write, model.Truncate:
			blocks = max(blocks, int(s.Off+s.Len)/model.WordsPerBlock)
		}
		if s.Data != 0 {
			words = append(words, s.Data)
		}
	}
	for _, s := range changes {
		if s.Kind == model.Append {
			blocks += int(s.Len) / model.WordsPerBlock
		}
	}
	all := slices.Clone(steps)
	for _, p := range e.spec.Look {
		last := model.Step{Host: model.Final, Kind: model.Stat, Path: p}
		if e.data && blocks > 0 {
			last.Kind, last.Len = model.Read, int32(blocks*model.WordsPerBlock)
		}
		all = append(all, last)
	}
	possible := make([][]model.Result, len(all))
	for i, s := range all {
		possible[i] = e.resultsOf(s, blocks, words)
	}
	return e.product(all, possible, make([]model.Result, 0, len(all)))
}

func (e *enumerator) product(steps []model.Step, possible [][]model.Result, results []model.Result) bool {
	if len(results) == len(steps) {
		return e.arrange(steps, possible, results)
	}
	for _, r := range possible[len(results)] {
		if !e.product(steps, possible, append(results, r)) {
			return false
		}
	}
	return true
}

// arrange puts steps with results in time in all ways. Of operations that never
// return only the first result is taken.
func (e *enumerator) arrange(steps []model.Step, possible [][]model.Result, results []model.Result) bool {
	overlaps := []int{none}
	for i := range e.spec.Length - 1 {
		a, b := steps[i], steps[i+1]
		never := isCut(b) && (a.Host == b.Host || b.Host == model.Everyone) && same(results[i], possible[i][0])
		if e.spec.Overlap && !a.Kind.Event() && (never || a.Host != b.Host && !b.Kind.Event() && !downBefore(steps, i+1)) {
			overlaps = append(overlaps, i)
		}
	}
	for _, overlap := range overlaps {
		for _, unmounts := range [][]model.Host{{0, 1}, {1, 0}} {
			if e.count++; e.spec.Every > 1 && e.count%e.spec.Every != 0 {
				continue
			}
			if !e.yield(lay(e.spec.Setup, steps, results, e.spec.Length, overlap, unmounts)) {
				return false
			}
		}
	}
	return true
}

// resultsOf lists every result that s may have. blocks is the largest file,
// words what a word may be.
func (e *enumerator) resultsOf(s model.Step, blocks int, words []byte) []model.Result {
	errnos := []model.Errno{model.OK}
	if s.Path != "" {
		errnos = e.errnosOf(s)
	}
	var all []model.Result
	for _, errno := range errnos {
		switch {
		case errno != model.OK:
			all = append(all, model.Result{Errno: errno})
		case s.Kind == model.Write || s.Kind == model.Append:
			all = append(all, model.Result{Size: int64(s.Len)})
		case s.Kind == model.Stat:
			for n := range blocks + 1 {
				all = append(all, model.Result{Type: model.File, Size: int64(n * model.WordsPerBlock)})
			}
			if e.dirs {
				all = append(all, model.Result{Type: model.Dir})
			}
		case s.Kind == model.Read:
			for _, data := range contents(int(s.Len)/model.WordsPerBlock, words) {
				all = append(all, model.Result{Data: data})
			}
		case s.Kind == model.Readdir:
			for _, names := range e.listings(s.Path) {
				all = append(all, model.Result{Names: names})
			}
		default:
			all = append(all, model.Result{})
		}
	}
	return all
}

// errnosOf lists what the name rules have for s, without repetition.
func (e *enumerator) errnosOf(s model.Step) []model.Errno {
	parents, entries := []model.NodeType{model.Dir}, []model.NodeType{model.Absent, model.File}
	if s.Path == model.Root {
		entries = nil
	} else if s.Path.Parent() != model.Root {
		parents = []model.NodeType{model.Absent, model.File, model.Dir}
	}
	if e.dirs || s.Path == model.Root {
		entries = append(entries, model.Dir, model.FullDir)
	}
	var errnos []model.Errno
	if s.Kind.TwoPaths() {
		return e.errnosOfTwo(s, parents, entries)
	}
	for _, parent := range parents {
		for _, entry := range entries {
			if errno := model.NameResult(s.Kind, parent, entry)[0]; !slices.Contains(errnos, errno) {
				errnos = append(errnos, errno)
			}
		}
	}
	return errnos
}

// errnosOfTwo lists what the name rules have for a rename or link.
func (e *enumerator) errnosOfTwo(s model.Step, parents, entries []model.NodeType) (errnos []model.Errno) {
	toParents := []model.NodeType{model.Dir}
	if s.To.Parent() != model.Root {
		toParents = []model.NodeType{model.Absent, model.File, model.Dir}
	}
	for n := range len(parents) * len(entries) * len(toParents) * len(entries) {
		pick := func(of []model.NodeType) model.NodeType {
			t := of[n%len(of)]
			n /= len(of)
			return t
		}
		names := model.TwoNames{Parent: pick(parents), Entry: pick(entries), ToParent: pick(toParents), ToEntry: pick(entries),
			IntoItself: s.To.Below(s.Path), OntoAbove: s.Path.Below(s.To)}
		names.SameFile = s.Path == s.To && names.Entry != model.Absent
		for _, errno := range model.TwoNamesResult(s.Kind, names) {
			if !slices.Contains(errnos, errno) && !(s.Kind == model.Rename && errno == model.EEXIST) { // as ENOTEMPTY
				errnos = append(errnos, errno)
			}
		}
	}
	slices.Sort(errnos)
	return errnos
}

// contents lists what a read of n blocks may return.
func contents(n int, words []byte) [][]byte {
	all := [][]byte{nil}
	longest := all
	for range n {
		var longer [][]byte
		for _, data := range longest {
			for _, word := range words {
				block := slices.Repeat([]byte{word}, model.WordsPerBlock)
				longer = append(longer, append(slices.Clone(data), block...))
			}
		}
		all, longest = append(all, longer...), longer
	}
	return all
}

// listings lists every set of the names that directory p may hold.
func (e *enumerator) listings(p model.Path) [][]string {
	all := [][]string{nil}
	paths := slices.Clone(e.paths)
	slices.Sort(paths)
	for _, q := range paths {
		if q == model.Root || q.Parent() != p {
			continue
		}
		for _, names := range slices.Clone(all) {
			all = append(all, append(slices.Clone(names), q.Name()))
		}
	}
	return all
}
