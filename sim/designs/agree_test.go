package designs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// On one host every design is an ordinary file system: results and errors are
// those of the specification, whatever is remounted, rebooted or written back
// in between, and what is left on the disk is sound.
func TestAlone(t *testing.T) {
	for _, d := range designs.All() {
		t.Run(d.Name, func(t *testing.T) {
			j := newJudge(t, d)
			caps := j.runner.Capabilities()
			for n := range testscale.Count(2_000, 50_000) {
				j.agree(fuzz.Options{Seed: 11, Hosts: 1, Steps: 40, Faults: fuzz.NoFaults}.Program(caps, n))
			}
			if j.full == 0 {
				t.Error("no program filled the disk")
			}
		})
	}
}

// Large files, holes and cuts, up to and over the largest file there is.
func TestAloneWithLargeFiles(t *testing.T) {
	for _, d := range designs.All() {
		for _, shape := range []disk.Config{{BlockSize: 256, Blocks: 64}, {BlockSize: 256, Blocks: 700}, {BlockSize: 64, Blocks: 120}} {
			t.Run(fmt.Sprintf("%s/%dx%d", d.Name, shape.Blocks, shape.BlockSize), func(t *testing.T) {
				d := resized(d, shape)
				j := newJudge(t, d)
				for n := range testscale.Count(100, 5_000) {
					j.agree(large(rand.New(rand.NewPCG(1, uint64(n))), int32(limit(shape.BlockSize))))
				}
				if j.large == 0 {
					t.Error("no program went over the largest file")
				}
			})
		}
	}
}

// With its lock, single is the same for hosts that take turns within a step of
// each other.
func TestSingleOnManyHosts(t *testing.T) {
	j := newJudge(t, designs.Single())
	caps := j.runner.Capabilities()
	for n := range testscale.Count(2_000, 50_000) {
		p := fuzz.Options{Seed: 12, Steps: 40}.Program(caps, n)
		p.Holds = nil
		j.agree(p)
	}
}

// limit is the largest file in words: twelve blocks and a block of pointers.
func limit(blockSize int) int { return (12 + blockSize/2) * model.WordsPerBlock }

// large is a program of one host on few files, with offsets all over them.
func large(r *rand.Rand, limit int32) model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: []model.Step{{Kind: model.Mount}}}
	paths := []model.Path{"/a", "/b", "/d/a"}
	p.Steps = append(p.Steps, model.Step{Kind: model.Mkdir, Path: "/d"})
	words := func() int32 { // often around where the indirect block begins, or the limit
		switch r.IntN(4) {
		case 0:
			return max(0, 12*model.WordsPerBlock+r.Int32N(40)-20)
		case 1:
			return max(0, limit+r.Int32N(40)-30)
		}
		return r.Int32N(limit)
	}
	for data := byte(1); data < 30; data++ {
		s := model.Step{Path: paths[r.IntN(len(paths))]}
		switch r.IntN(14) {
		case 0, 1, 2:
			s.Kind, s.Off, s.Len, s.Data = model.Write, words(), 1+r.Int32N(40), data
		case 3:
			s.Kind, s.Len, s.Data = model.Append, 1+r.Int32N(40), data
		case 4, 5, 6:
			s.Kind, s.Len = model.Truncate, words()
		case 7, 8:
			s.Kind, s.Len = model.Read, limit
		case 9:
			s.Kind = model.Unlink
		case 10:
			s.Kind = model.Fsync
		case 11:
			s.Kind, s.Path = model.Remount, ""
		case 12:
			s.Kind, s.Path = model.Writeback, ""
			s.Len = r.Int32N(4)
		default:
			s.Kind = model.Create
		}
		if s.Kind == model.Write || s.Kind == model.Read || s.Kind == model.Truncate {
			p.Steps = append(p.Steps, model.Step{Kind: model.Create, Path: s.Path})
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// judge holds the runs of a design against the specification.
type judge struct {
	t      *testing.T
	runner *sim.Runner
	image  *disk.Image // at the end of the last run
	full   int         // results ENOSPC seen
	large  int         // results EFBIG seen
	met    map[model.Kind]map[model.Errno]int

	fs   model.FS
	free int64                   // before the operation
	open map[[2]uint8]model.Path // handles
}

func newJudge(t *testing.T, d sim.Design) *judge {
	j := &judge{t: t, met: map[model.Kind]map[model.Errno]int{}}
	for _, k := range model.Kinds() {
		j.met[k] = map[model.Errno]int{}
	}
	audit := d.Audit
	d.Audit = func(d disk.Device) []model.Problem {
		j.image = d.(*disk.Image)
		return audit(d)
	}
	j.runner = runner(t, d)
	return j
}

// agree runs p, with a statfs after each step.
func (j *judge) agree(p model.Program) {
	j.t.Helper()
	var steps []model.Step
	for _, s := range p.Steps {
		if steps = append(steps, s); s.Host != model.Everyone {
			steps = append(steps, model.Step{Host: s.Host, Kind: model.Statfs})
		}
	}
	p.Steps = steps
	got, err := j.runner.Run(context.Background(), p)
	if err != nil {
		j.t.Fatal(err)
	}
	if len(got.Defects) > 0 || len(got.Audit) > 0 {
		j.t.Fatalf("defects %v, fsck %v of\n%v", got.Defects, got.Audit, p)
	}
	j.fs, j.free, j.open = model.FS{}, int64(got.Space.Blocks), map[[2]uint8]model.Path{}
	for _, op := range got.History {
		if op.Skipped {
			continue
		}
		if text := j.judge(op, got.Space); text != "" {
			j.t.Fatalf("step %d: %v; %s\n%v", op.Step, op, text, p)
		}
		if op.Kind == model.Statfs {
			j.free = op.Result.Free
		}
	}
	used := int64(0)
	bitmap := make([]byte, j.image.BlockSize())
	if err := j.image.ReadBlock(1, bitmap); err != nil {
		j.t.Fatal(err)
	}
	for b := range j.image.Blocks() {
		used += int64(bitmap[b/8] >> (b % 8) & 1)
	}
	used -= int64(j.image.Blocks() - got.Space.Blocks) // of the file system itself
	if j.free+used != int64(got.Space.Blocks) {
		j.t.Fatalf("%d blocks free, %d used, of %d\n%v", j.free, used, got.Space.Blocks, p)
	}
}

// judge says what is wrong with an operation, and applies it to the
// specification. What failed for want of space must have had a reason, and
// must have changed nothing.
func (j *judge) judge(op model.Op, space model.Space) string {
	s, r := op.AsStep(), op.Result
	j.met[s.Kind][r.Errno]++
	switch r.Errno {
	case model.ENOSPC:
		j.full++
		return j.excuse(s, space)
	case model.EFBIG:
		j.large++
		return j.tooLarge(s)
	}
	want := j.fs.Apply(s)
	if s.Kind == model.Statfs {
		want.Total, want.Free = int64(space.Blocks), r.Free
		if r.Free < 0 || r.Free > r.Total {
			return "free blocks out of range"
		}
	}
	if r.Errno == model.OK && s.Kind == model.Open {
		j.open[[2]uint8{uint8(s.Host), s.File}] = s.Path
	}
	if w := (model.Op{Kind: op.Kind, Len: op.Len, Result: want}); w.Answer() != op.Answer() {
		return "want " + w.Answer()
	}
	return ""
}

// excuse is empty if s may fail with ENOSPC.
func (j *judge) excuse(s model.Step, space model.Space) string {
	switch s.Kind {
	case model.Create, model.Mkdir:
		if e := j.stat(s.Path).Errno; e != model.ENOENT {
			return fmt.Sprint("the name is no free one: ", e)
		}
		inodes := len(j.open) + j.names(model.Root) // at most: those without a name, and names of one
		if j.free > 0 && inodes < space.Inodes {
			return fmt.Sprintf("%d blocks are free and %d inodes are in use", j.free, inodes)
		}
	case model.Write, model.Append:
		if s.File == 0 && j.stat(s.Path).Type != model.File {
			return "no such file"
		}
		first, last := s.Off/model.WordsPerBlock, (s.Off+s.Len-1)/model.WordsPerBlock
		most := int64(last-first) + 2 // and an indirect block
		if s.Kind == model.Append {
			most++ // it may begin within a block
		}
		if j.free >= most {
			return fmt.Sprintf("%d blocks are free", j.free)
		}
	case model.Rename, model.Link:
		return j.excuseName(s)
	default:
		return "it needs no space"
	}
	return ""
}

// names counts those below a directory, also where they are too deep for a path
// of a program: a rename has carried them there.
func (j *judge) names(dir model.Path) (n int) {
	for _, name := range j.fs.Apply(model.Step{Kind: model.Readdir, Path: dir}).Names {
		n += 1 + j.names(dir.Child(name))
	}
	return n
}

// excuseName is empty if s may find no space for its new name: all else must be
// right, every entry of the directory that is to hold it taken, and no block
// free, or one where the directory gets its indirect block too.
func (j *judge) excuseName(s model.Step) string {
	dir := s.To.Parent()
	entries := j.image.BlockSize() / 16
	names := len(j.fs.Apply(model.Step{Kind: model.Readdir, Path: dir}).Names)
	from := j.stat(s.Path)
	need := int64(1)
	if names == 12*entries {
		need = 2
	}
	switch {
	case from.Errno != model.OK || s.Kind == model.Link && from.Type != model.File:
		return "the old name is none to rename or link"
	case j.stat(dir).Type != model.Dir || j.stat(s.To).Errno != model.ENOENT:
		return "the new name is no free one"
	case s.To.Below(s.Path):
		return "it goes into itself"
	case s.Kind == model.Rename && s.Path.Parent() == dir:
		return "the new name has the place of the old one"
	case names%entries != 0 || dir == model.Root && names == 0:
		return fmt.Sprintf("%s has an entry for it", dir)
	case j.free >= need && names < limit(j.image.BlockSize())/model.WordsPerBlock*entries:
		return fmt.Sprintf("%d blocks are free", j.free)
	}
	return ""
}

// tooLarge is empty if s may fail with EFBIG.
func (j *judge) tooLarge(s model.Step) string {
	end := int64(s.Off) + int64(s.Len)
	if s.Kind == model.Append {
		end += j.stat(s.Path).Size
	}
	if most := int64(limit(j.image.BlockSize())); end <= most {
		return fmt.Sprintf("it ends at word %d of %d", end, most)
	}
	return ""
}

func (j *judge) stat(path model.Path) model.Result {
	return j.fs.Apply(model.Step{Kind: model.Stat, Path: path})
}
