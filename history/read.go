package history

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// How much a history may hold. They are counts, so that the same file has the
// same answer everywhere, and each bounds memory that a file could else claim
// without end.
const (
	// MaxOps is how many operations and events. One takes not quite a kilobyte to
	// read (docs/HISTORY.md has the figure), so as many take less than a gigabyte.
	MaxOps = 1 << 20
	// MaxLine is how many bytes a line may have: a read of the longest file, every
	// word of it another write's, with room for its tags.
	MaxLine = 1 << 22
	// MaxSeen is how many words all reads together may have returned.
	MaxSeen = 1 << 27
	// MaxHandles is how many handles the clients of one host may have open at once.
	MaxHandles = math.MaxUint8
)

// LineError is what is wrong with one line.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error is "line 7: unknown operation "wirte"".
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap is what is wrong, without the line.
func (e *LineError) Unwrap() error { return e.Err }

// History is a history that was read.
type History struct {
	// Run is what the judge takes: History in order of calls. The step of an
	// operation is the number of its line; the final host's have none. Its Program
	// has a step for each line, and is no program to be run.
	Run model.Run
	// Pending is how many operations had not returned.
	Pending int
	// Observed says that the host final mounted and looked, or is taken to have.
	Observed bool
	// Operations is how many lines have one, events too.
	Operations int

	ids  []label // by line
	tags map[byte]label
}

// ID is the id of the operation on a line, as its writer gave it; empty if there
// is none.
func (h *History) ID(line int) string {
	if line < 1 || line > len(h.ids) {
		return ""
	}
	return h.ids[line-1].String()
}

// Tag is the tag of the write whose words a verdict calls #n; empty where one
// number stands for several.
func (h *History) Tag(n byte) string { return h.tags[n].String() }

// Read reads a history to its end. Lines may come in any order; empty lines are
// passed over. An error is a *[LineError], names a limit, says that there is no
// operation, or is r's.
func Read(r io.Reader) (*History, error) {
	rd := reader{ids: map[label]int32{}, tagOf: map[label]int32{}}
	if err := rd.lines(r); err != nil {
		return nil, err
	}
	return rd.history()
}

// reader is a history while it is read.
type reader struct {
	made  History
	ops   []model.Op
	more  []extra         // by op
	ids   map[label]int32 // line
	tagOf map[label]int32
	tags  []tag
	seen  int64 // words that reads returned

	cached bool               // the final host did not mount to look
	opened map[handleKey]bool // by some line; made when it is first asked for
	flock  int                // the first line with a lock by flock(2)
	whole  int                // ... of a whole file that is not by flock(2)
}

// extra is what an operation has until the end of the file is known.
type extra struct {
	line   int32
	tag    int32 // number of the data that it writes, -1 for none
	client label // empty for events
	handle label // empty for none
	owner  label // the client whose handle it is
	path   model.Path
	runs   []seenRun
}

// seenRun is a run of what was read, by number of its tag; -1 is a hole.
type seenRun struct {
	tag   int32
	words int32
}

// tag is a label of data.
type tag struct {
	label  label
	writer int32 // line of the write, 0 for none
	read   bool  // some read returned it
}

// lines reads every line.
func (rd *reader) lines(r io.Reader) error {
	b := bufio.NewReaderSize(r, 1<<16)
	var long []byte
	for n := 1; ; n++ {
		if n > math.MaxInt32 {
			return fmt.Errorf("more than %d lines", math.MaxInt32)
		}
		text, err := b.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = long[:0]
			for errors.Is(err, bufio.ErrBufferFull) && len(long) <= MaxLine {
				long = append(long, text...)
				text, err = b.ReadSlice('\n')
			}
			long = append(long, text...)
			text = long
		}
		if len(text) > MaxLine {
			return &LineError{n, fmt.Errorf("longer than %d bytes", MaxLine)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		rd.made.ids = append(rd.made.ids, "")
		if text = bytes.TrimSpace(text); len(text) > 0 {
			if err := rd.line(n, text, err != nil); err != nil {
				return &LineError{n, err}
			}
		}
		if err != nil {
			return nil
		}
	}
}

// line reads one.
func (rd *reader) line(n int, text []byte, last bool) error {
	l, err := parse(text, last)
	if err != nil {
		return err
	}
	if len(rd.ops) == MaxOps {
		return fmt.Errorf("one operation more than the limit of %d\nhint: judge the history in parts, each from an empty file system on", MaxOps)
	}
	op, err := l.operation()
	if err != nil {
		return err
	}
	rd.cached = rd.cached || l.Cached
	if before, ok := rd.ids[*l.ID]; ok {
		return fmt.Errorf("id %.40q is that of line %d too", l.ID.String(), before)
	}
	rd.ids[*l.ID], rd.made.ids[n-1] = int32(n), *l.ID
	if locks := op.Kind == model.Lock || op.Kind == model.Unlock; l.Flock && (!locks || op.Len > 0) {
		return fmt.Errorf("%v: only a lock or unlock of a whole file can be by flock", op.Kind)
	} else if l.Flock && rd.flock == 0 {
		rd.flock = n
	} else if locks && !l.Flock && op.Len == 0 && rd.whole == 0 {
		rd.whole = n
	}
	x := extra{line: int32(n), tag: -1, path: op.Path}
	if l.Handle != nil {
		x.handle = *l.Handle
	}
	if !op.Kind.Event() {
		x.client = `""`
		if l.Client != nil {
			x.client = *l.Client
		}
	}
	if x.owner = x.client; l.HandleOf != nil {
		x.owner = *l.HandleOf
	}
	op.Call, op.Return = *l.Call, model.Never
	switch {
	case l.Return != nil:
		op.Return = *l.Return
	case instant.Has(op.Kind):
		op.Return = *l.Call
	default:
		rd.made.Pending++
	}
	if op.Return == model.Never && l.Return != nil || op.Call >= model.Never {
		return fmt.Errorf("a time of %d; want less than %d", max(op.Call, op.Return), model.Never)
	}
	if l.Data != nil {
		x.tag = rd.tag(*l.Data)
		if t := &rd.tags[x.tag]; t.writer != 0 {
			return fmt.Errorf("data %.40q is that of line %d too\nhint: each write needs its own, so that a read shows which writes it saw", l.Data.String(), t.writer)
		}
		rd.tags[x.tag].writer = int32(n)
	}
	if l.Result != nil && op.Kind == model.Read {
		total := int64(0)
		for _, r := range l.Result.Data {
			t := int32(-1)
			if r.tag != nil {
				t = rd.tag(*r.tag)
				rd.tags[t].read = true
			}
			x.runs = append(x.runs, seenRun{t, int32(r.words)})
			total += r.words
		}
		if total > int64(op.Len) {
			return fmt.Errorf("%d words read of %d", total, op.Len)
		}
		if rd.seen += total; rd.seen > MaxSeen {
			return fmt.Errorf("more words read than the limit of %d in a history", MaxSeen)
		}
	}
	op.Step = n
	if op.Host == model.Final {
		op.Step = 0
		rd.made.Observed = true
	}
	rd.ops, rd.more = append(rd.ops, op), append(rd.more, x)
	return nil
}

// tag is the number of a tag.
func (rd *reader) tag(l label) int32 {
	n, ok := rd.tagOf[l]
	if !ok {
		n = int32(len(rd.tags))
		rd.tags, rd.tagOf[l] = append(rd.tags, tag{label: l}), n
	}
	return n
}

// history makes of the lines what the judge takes.
func (rd *reader) history() (*History, error) {
	if len(rd.ops) == 0 {
		return nil, errors.New("no operation in it")
	}
	if rd.flock > 0 && rd.whole > 0 {
		return nil, &LineError{rd.whole, fmt.Errorf("a lock of a whole file, not by flock as that of line %d\nhint: if it is by fcntl(2), give it the range of all words", rd.flock)}
	}
	rd.made.Operations = len(rd.ops)
	rd.made.Observed = rd.made.Observed && !rd.cached
	rd.finalMount()
	rd.sort()
	if err := rd.clients(); err != nil {
		return nil, err
	}
	if err := rd.data(); err != nil {
		return nil, err
	}
	rd.times()
	h := &rd.made
	h.Run.History, h.Run.LocksApart = rd.ops, rd.flock > 0
	p := model.Program{Steps: make([]model.Step, len(h.ids))}
	for i := range rd.ops {
		op := &rd.ops[i]
		if op.Host < model.MaxHosts {
			p.Hosts = max(p.Hosts, int(op.Host)+1)
		}
		if op.Step > 0 {
			p.Steps[op.Step-1] = op.AsStep()
		}
	}
	h.Run.Program = p
	return h, nil
}

// finalMount adds the mount of the final host where its writer left it out: what
// it sees is what is there in the end. Where it says that it had not mounted, its
// cache may be as old as the history.
func (rd *reader) finalMount() {
	if rd.cached {
		return
	}
	first, line := int64(model.Never), int32(0)
	for i := range rd.ops {
		switch op := &rd.ops[i]; {
		case op.Host != model.Final:
		case op.Kind == model.Mount:
			return
		case op.Call < first:
			first, line = op.Call, rd.more[i].line
		}
	}
	if line > 0 {
		rd.ops = append(rd.ops, model.Op{Host: model.Final, Kind: model.Mount, Call: first, Return: first})
		rd.more = append(rd.more, extra{line: line, tag: -1})
	}
}

// sort brings operations in the order of their calls, then of their lines; the mount
// that was added to a line is before it.
func (rd *reader) sort() {
	order := make([]int32, len(rd.ops))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(rd.ops[a].Call, rd.ops[b].Call), cmp.Compare(rd.more[a].line, rd.more[b].line), cmp.Compare(b, a))
	})
	for i := range order { // in place, by cycles: two copies would be the most memory of all
		op, x, at := rd.ops[i], rd.more[i], int32(i)
		for order[at] != int32(i) {
			from := order[at]
			rd.ops[at], rd.more[at] = rd.ops[from], rd.more[from]
			order[at], at = at, from
		}
		rd.ops[at], rd.more[at] = op, x
		order[at] = at
	}
}

// times makes points of times: of equal ones, the calls come before the returns,
// unless all are of one client.
func (rd *reader) times() {
	type point struct {
		at   int64
		op   int32
		back bool
	}
	points := make([]point, 0, 2*len(rd.ops))
	for i := range rd.ops {
		op := &rd.ops[i]
		points = append(points, point{op.Call, int32(i), false})
		if !op.Pending() {
			points = append(points, point{op.Return, int32(i), true})
		}
	}
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(boolInt(a.back), boolInt(b.back)), cmp.Compare(a.op, b.op))
	})
	alone := func(same []point) bool {
		for _, p := range same {
			a, b := &rd.more[same[0].op], &rd.more[p.op]
			if a.client == "" || a.client != b.client || rd.ops[same[0].op].Host != rd.ops[p.op].Host {
				return false
			}
		}
		return true
	}
	now := int64(0)
	for first := 0; first < len(points); {
		end := first + 1
		for end < len(points) && points[end].at == points[first].at {
			end++
		}
		if same := points[first:end]; len(same) > 1 && alone(same) {
			slices.SortFunc(same, func(a, b point) int { // each returns before the next is called
				return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(boolInt(a.back), boolInt(b.back)))
			})
		}
		for _, p := range points[first:end] {
			now++
			if p.back {
				rd.ops[p.op].Return = now
			} else {
				rd.ops[p.op].Call = now
			}
		}
		first = end
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
