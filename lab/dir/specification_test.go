package dir_test

import (
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// TestSpecification holds the sequential specification against the file system
// of the machine: one host, random Programs, every result and errno. It also
// asks that every result the specification has was met on the way, so that it
// cannot become weak unseen. Every fifth Program has words so large that their
// blocks are pages, which direct I/O takes on any file system that has it.
func TestSpecification(t *testing.T) {
	programs := uint64(500)
	if os.Getenv("DOUBLEMOUNT_LONG") == "1" {
		programs = 10_000
	}
	var runners []*dir.Runner
	for _, size := range []int{files.DefaultWordSize, files.MaxWordSize} {
		runner, err := dir.New(t.TempDir(), dir.Options{WordSize: size})
		if err != nil {
			t.Fatal(err)
		}
		runners = append(runners, runner)
	}
	met := map[model.Kind]map[model.Errno]int{}
	for _, k := range model.Kinds() {
		met[k] = map[model.Errno]int{}
	}
	start, ops := time.Now(), 0
	moved, linked, deep, direct, renamed := 0, 0, 0, 0, 0
	for seed := range programs {
		runner := runners[0]
		if seed%5 == 0 {
			runner = runners[1]
		}
		p := randomProgram(rand.New(rand.NewPCG(seed, 1)))
		run, err := runner.Run(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var fs model.FS
		mounted := false
		for _, op := range run.History {
			ops++
			if skip := skipped(op, mounted) || op.Direct && !runner.Capabilities().Direct; op.Skipped != skip {
				t.Fatalf("seed %d: %v, want skipped: %v, in%#v", seed, op, skip, p)
			}
			if op.Skipped {
				continue
			}
			if op.Host != model.Final && op.Kind.Event() {
				mounted = op.Kind == model.Mount
			}
			allowed := allowed(&fs, op)
			want := fs.Apply(op.AsStep())
			if op.Kind == model.Lock && op.Len == 0 && want.Errno == model.EAGAIN {
				fs.Apply(model.Step{Host: op.Host, Kind: model.Unlock, File: op.File}) // flock(2) gives up first
			}
			got := op.Result
			met[op.Kind][want.Errno]++
			if op.File == 0 && slices.Contains(allowed, want.Errno) && slices.Contains(allowed, got.Errno) {
				got.Errno = want.Errno
			}
			if !reflect.DeepEqual(got, want) {
				op.Result = want
				t.Fatalf("seed %d: step %d: got %+v, the specification has %v, in%#v", seed, op.Step, got, op, p)
			}
			count(&moved, op.Kind == model.Rename)
			count(&renamed, op.Kind == model.Rename && got.Errno == model.OK)
			count(&linked, op.Kind == model.Link)
			count(&direct, op.Direct)
			count(&deep, strings.Count(string(op.Path), "/") > 2 || strings.Count(string(op.To), "/") > 2)
		}
	}
	took := time.Since(start)
	t.Logf("%d programs, %d operations, %.0f programs/s", programs, ops, float64(programs)/took.Seconds())
	t.Logf("%d renames (%d did), %d links, %d direct reads and writes, %d of names three or four deep agree", moved, renamed, linked, direct, deep)
	if direct == 0 && runners[1].Capabilities().Direct {
		t.Error("nothing was direct")
	}
	for _, k := range runners[0].Capabilities().Kinds.Kinds() {
		if k == model.Remount || k == model.Reboot {
			continue // they are an unmount and a mount in a history
		}
		for _, e := range model.Results(k) {
			if e != model.ENOSPC && met[k][e] == 0 {
				t.Errorf("%v never answered %v", k, e)
			}
		}
	}
}

// skipped is whether op must be skipped.
func skipped(op model.Op, mounted bool) bool {
	switch op.Kind {
	case model.Writeback, model.Refresh:
		return true
	case model.Mount:
		return op.Host != model.Final && mounted
	}
	return op.Host != model.Final && !mounted
}

func count(n *int, when bool) {
	if when {
		*n++
	}
}

// allowed are the results that the rules allow an operation by path.
func allowed(fs *model.FS, op model.Op) []model.Errno {
	if !op.Kind.TwoPaths() {
		return model.NameResult(op.Kind, parentOf(fs, op.Path), typeOf(fs, op.Path))
	}
	// That both are one file makes for success, and then nothing else is allowed.
	n := model.TwoNames{Parent: parentOf(fs, op.Path), Entry: typeOf(fs, op.Path), ToParent: parentOf(fs, op.To), ToEntry: typeOf(fs, op.To),
		IntoItself: op.To.Below(op.Path), OntoAbove: op.Path.Below(op.To)}
	return model.TwoNamesResult(op.Kind, n)
}

// typeOf asks a specification what a path is, by operations that change nothing.
func typeOf(fs *model.FS, p model.Path) model.NodeType {
	if p == "" {
		return model.Absent
	}
	stat := fs.Apply(model.Step{Kind: model.Stat, Path: p})
	if stat.Type == model.Dir && len(fs.Apply(model.Step{Kind: model.Readdir, Path: p}).Names) > 0 {
		return model.FullDir
	}
	return stat.Type
}

// parentOf is the same for the directory that p is in: File if a file is where a
// directory on the way should be.
func parentOf(fs *model.FS, p model.Path) model.NodeType {
	if p == "" {
		return model.Absent
	}
	if fs.Apply(model.Step{Kind: model.Stat, Path: p.Parent()}).Errno == model.ENOTDIR {
		return model.File
	}
	return typeOf(fs, p.Parent())
}

// randomProgram makes a Program of one host over few names, so that operations
// meet: files, directories, files where a directory was, names within both.
func randomProgram(rng *rand.Rand) model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}}
	p.Steps = append(p.Steps, model.Step{Kind: model.Mount})
	data := byte(0)
	ranges := rng.IntN(2) == 0 // they and locks of whole files do not see each other
	for range 10 + rng.IntN(60) {
		s := model.Step{Kind: pick(rng, operations)}
		if rng.IntN(20) == 0 {
			s.Kind = pick(rng, events)
		}
		path := pick(rng, paths)
		byHandle := s.Kind.TakesData() && rng.IntN(2) == 0
		switch {
		case s.Kind.Event() || s.Kind == model.Sync:
		case s.Kind == model.Close || s.Kind == model.Lock || s.Kind == model.Unlock || byHandle:
			s.File = slot(rng)
		case s.Kind == model.Open:
			s.Path, s.File = path, slot(rng)
		case (s.Kind == model.Readdir || s.Kind == model.Stat) && rng.IntN(3) == 0:
			s.Path = model.Root
		default:
			s.Path = path
		}
		switch s.Kind {
		case model.Rename, model.Link:
			s.To = pick(rng, paths)
		case model.Read, model.Write:
			s.Off, s.Len = size(rng), 1+size(rng)
			if s.Direct = rng.IntN(12) == 0; s.Direct {
				s.Off -= s.Off % model.WordsPerBlock
				s.Len += model.WordsPerBlock - s.Len%model.WordsPerBlock
			}
		case model.Append:
			s.Len = 1 + size(rng)
		case model.Lock, model.Unlock:
			s.Shared = s.Kind == model.Lock && rng.IntN(2) == 0
			if ranges {
				s.Off, s.Len = size(rng), 1+size(rng)
			}
			if rng.IntN(3) == 0 { // two handles of one file
				p.Steps = append(p.Steps, model.Step{Kind: model.Create, Path: path}, model.Step{Kind: model.Open, Path: path, File: 1},
					model.Step{Kind: model.Open, Path: path, File: 2}, model.Step{Kind: model.Lock, File: uint8(1 + rng.IntN(2)), Off: s.Off, Len: s.Len})
			}
		case model.Truncate:
			s.Len = size(rng)
		}
		if s.Kind == model.Write || s.Kind == model.Append {
			data++
			s.Data = data
		}
		// What is not there answers little: half of the steps by path try to make
		// their directories first, a third their file.
		if s.Path != "" && rng.IntN(2) == 0 {
			p.Steps = append(p.Steps, directories(s.Path)...)
		}
		if s.Path != "" && s.Path != model.Root && rng.IntN(3) == 0 {
			p.Steps = append(p.Steps, model.Step{Kind: model.Create, Path: s.Path})
		}
		p.Steps = append(p.Steps, s)
		if s.Kind == model.Unmount && rng.IntN(4) > 0 {
			p.Steps = append(p.Steps, model.Step{Kind: model.Mount})
		}
	}
	return p
}

// directories makes what p is to be in.
func directories(p model.Path) (steps []model.Step) {
	for p = p.Parent(); p != model.Root; p = p.Parent() {
		steps = append(steps, model.Step{Kind: model.Mkdir, Path: p})
	}
	slices.Reverse(steps)
	return steps
}

var (
	paths      = []model.Path{"/a", "/b", "/c", "/a/a", "/a/b", "/b/a", "/a/a/b", "/a/b/a", "/b/a/a", "/a/a/b/a", "/b/a/a/b"}
	events     = []model.Kind{model.Mount, model.Unmount, model.Remount, model.Reboot, model.Mount, model.Writeback, model.Refresh}
	operations = []model.Kind{model.Create, model.Open, model.Close, model.Read, model.Read, model.Write, model.Write,
		model.Append, model.Truncate, model.Unlink, model.Mkdir, model.Mkdir, model.Rmdir, model.Readdir, model.Stat,
		model.Rename, model.Rename, model.Rename, model.Link, model.Link,
		model.Fsync, model.Sync, model.Lock, model.Lock, model.Unlock}
)

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

func slot(rng *rand.Rand) uint8 { return uint8(1 + rng.IntN(model.MaxFile)) }

// size is a few words, or now and then some blocks.
func size(rng *rand.Rand) int32 {
	if rng.IntN(8) == 0 {
		return rng.Int32N(200)
	}
	return rng.Int32N(2 * model.WordsPerBlock)
}
