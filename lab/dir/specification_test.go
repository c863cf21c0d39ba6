package dir_test

import (
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/model"
)

// TestSpecification holds the sequential specification against the file system
// of the machine: one host, random Programs, every result and errno. It also
// asks that every result the specification has was met on the way, so that it
// cannot become weak unseen.
func TestSpecification(t *testing.T) {
	programs := uint64(500)
	if os.Getenv("DOUBLEMOUNT_LONG") == "1" {
		programs = 10_000
	}
	runner, err := dir.New(t.TempDir(), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	met := map[model.Kind]map[model.Errno]int{}
	for _, k := range model.Kinds() {
		met[k] = map[model.Errno]int{}
	}
	start, ops := time.Now(), 0
	for seed := range programs {
		p := randomProgram(rand.New(rand.NewPCG(seed, 1)))
		run, err := runner.Run(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var fs model.FS
		mounted := false
		for _, op := range run.History {
			ops++
			if skip := skipped(op, mounted); op.Skipped != skip {
				t.Fatalf("seed %d: %v, want skipped: %v, in%#v", seed, op, skip, p)
			}
			if op.Skipped {
				continue
			}
			if op.Host != model.Final && op.Kind.Event() {
				mounted = op.Kind == model.Mount
			}
			allowed := model.NameResult(op.Kind, typeOf(&fs, op.Path.Parent()), typeOf(&fs, op.Path))
			want := fs.Apply(op.AsStep())
			got := op.Result
			met[op.Kind][want.Errno]++
			if op.File == 0 && slices.Contains(allowed, want.Errno) && slices.Contains(allowed, got.Errno) {
				got.Errno = want.Errno
			}
			if !reflect.DeepEqual(got, want) {
				op.Result = want
				t.Fatalf("seed %d: step %d: got %+v, the specification has %v, in%#v", seed, op.Step, got, op, p)
			}
		}
	}
	took := time.Since(start)
	t.Logf("%d programs, %d operations, %.0f programs/s", programs, ops, float64(programs)/took.Seconds())
	for _, k := range runner.Capabilities().Kinds.Kinds() {
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

// randomProgram makes a Program of one host over few names, so that operations
// meet: files, directories, files where a directory was, names within both.
func randomProgram(rng *rand.Rand) model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}}
	p.Steps = append(p.Steps, model.Step{Kind: model.Mount})
	data := byte(0)
	for range 10 + rng.IntN(60) {
		s := model.Step{Kind: pick(rng, operations)}
		if rng.IntN(20) == 0 {
			s.Kind = pick(rng, events)
		}
		path := pick(rng, paths)
		byHandle := s.Kind.TakesData() && rng.IntN(2) == 0
		switch {
		case s.Kind.Event() || s.Kind == model.Sync:
		case s.Kind == model.Close || byHandle:
			s.File = slot(rng)
		case s.Kind == model.Open:
			s.Path, s.File = path, slot(rng)
		case (s.Kind == model.Readdir || s.Kind == model.Stat) && rng.IntN(3) == 0:
			s.Path = model.Root
		default:
			s.Path = path
		}
		switch s.Kind {
		case model.Read, model.Write:
			s.Off, s.Len = size(rng), 1+size(rng)
		case model.Append:
			s.Len = 1 + size(rng)
		case model.Truncate:
			s.Len = size(rng)
		}
		if s.Kind == model.Write || s.Kind == model.Append {
			data++
			s.Data = data
		}
		// What is not there answers little: a third of the steps by path try to
		// make their file first.
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

var (
	paths      = []model.Path{"/a", "/b", "/c", "/a/a", "/a/b", "/b/a"}
	events     = []model.Kind{model.Mount, model.Unmount, model.Remount, model.Reboot, model.Mount, model.Writeback, model.Refresh}
	operations = []model.Kind{model.Create, model.Open, model.Close, model.Read, model.Read, model.Write, model.Write,
		model.Append, model.Truncate, model.Unlink, model.Mkdir, model.Mkdir, model.Rmdir, model.Readdir, model.Stat,
		model.Fsync, model.Sync}
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
