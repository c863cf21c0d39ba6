package corpus_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

const answered = `doublemount case 1
design: hosts
hosts: 2
expect: violated linearizable stale read

1 A mount
2 B mount
3 A create /a
4 A write /a 0 8 #1
5 B read /a 0 16
6 B remount
7 B append /a 4 #2
8 A lock f1
9 A readdir /
hold 4 at write#1 until 6
end A unmount
end B unmount

saw 1 -> ok
saw 2 -> ok
saw 3 -> EEXIST
saw 4-6 -> ok
saw 5 -> 4x#1 2x0 1x? 1x#250
saw 6 B unmount -> ok
saw 6 B mount -> ok
saw 7 -> 3 written
saw 8 -> skipped
saw 9 -> names: a empty
saw 10 -> EIO
saw 11 -> never returned
saw final mount -> ok
saw final readdir / -> names:
saw final stat /a -> file of 12
saw final read /a 0 12 -> nothing
saw final stat /b -> dir
saw final statfs -> 12 of 40 free
`

func TestParseSaw(t *testing.T) {
	c, err := corpus.Parse("x.case", []byte(answered))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String(); got != answered {
		t.Errorf("printed:\n%s\nwant:\n%s", got, answered)
	}
	held := c.Saw[3]
	if !(held.Call < c.Saw[4].Call && c.Saw[6].Call < held.Return && held.Return < c.Saw[7].Call) {
		t.Errorf("step 4 is from %d to %d of %v", held.Call, held.Return, c.Saw)
	}
	if got, want := c.Saw[4].Result.Data, []byte{1, 1, 1, 1, 0, 0, model.Garbage, 250}; !slices.Equal(got, want) {
		t.Errorf("words %v; want %v", got, want)
	}
	if got := c.Saw[len(c.Saw)-1]; got.Host != model.Final || got.Step != 0 || got.Result.Free != 12 || got.Result.Total != 40 {
		t.Errorf("the last answer is %+v", got)
	}
	if got := corpus.Recorded(c.Program, c.Saw); !reflect.DeepEqual(got, c.Saw) {
		t.Errorf("recorded again: %v\nwant %v", got, c.Saw)
	}
	d := c
	d.Saw = nil
	if c.Hash() != d.Hash() || c.FileName() != d.FileName() {
		t.Error("the name depends on the answers")
	}
}

// TestSawErrors changes the answers at one place and asks for the line and the
// words of the complaint.
func TestSawErrors(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"none", answered[strings.Index(answered, "saw 1 ->"):], "", "18: \"\" is not step 10"},
		{"two empty lines", "\nsaw 1 ->", "\n\nsaw 1 ->", "18: \"\" is not step 10"},
		{"not an answer", "saw 2 -> ok", "seen 2 -> ok", "20: \"seen 2 -> ok\": not an answer"},
		{"no arrow", "saw 2 -> ok", "saw 2 ok", "20: \"saw 2 ok\": not an answer"},
		{"no such step", "saw 11 ->", "saw 12 ->", "30: \"saw 12 -> never returned\": there is no step 12"},
		{"no number", "saw 2 ->", "saw x ->", "20: \"saw x -> ok\": \"x\" is not a number"},
		{"out of order", "saw 2 ->", "saw 4 ->", "21: \"saw 3 -> EEXIST\": it stands too late"},
		{"after the end", "saw final mount -> ok\n", "saw final mount -> ok\nsaw 11 -> ok\n", "32: \"saw 11 -> ok\": it stands too late"},
		{"until before", "saw 4-6 ->", "saw 4-3 ->", "22: \"saw 4-3 -> ok\" is not how an answer is written"},
		{"until nothing", "saw 4-6 ->", "saw 4-4 ->", "22: \"saw 4-4 -> ok\" is not how an answer is written"},
		{"what goes without saying", "saw 3 ->", "saw 3 A create /a ->", "21: \"saw 3 A create /a -> EEXIST\" is not how"},
		{"unknown operation", "6 B mount", "6 B mont", "25: \"saw 6 B mont -> ok\": unknown operation"},
		{"unknown error", "EEXIST", "EXIST", "21: \"saw 3 -> EXIST\": \"EXIST\" is no answer of a create"},
		{"words of a create", "EEXIST", "8x#1", "is no answer of a create"},
		{"ok of a read", "4x#1 2x0 1x? 1x#250", "ok", "\"ok\" is no answer of a read"},
		{"words twice", "2x0", "1x0 1x0", "is no answer of a read"},
		{"no words", "2x0", "0x0", "is no answer of a read"},
		{"data", "1x#250", "1x#251", "is no answer of a read"},
		{"too many words", "2x0", "65536x0", "is no answer of a read"},
		{"size", "file of 12", "file of 012", "is no answer of a stat"},
		{"negative size", "3 written", "-3 written", "\"-3 written\" is no answer of a append"},
		{"all written", "3 written", "4 written", "\"4 written\" is no answer of a append"},
		{"listing", "names: a empty", "a empty", "\"a empty\" is no answer of a readdir"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(answered, test.old) {
				t.Fatalf("%q is not in the example", test.old)
			}
			_, err := corpus.Parse("x.case", []byte(strings.Replace(answered, test.old, test.new, 1)))
			var syntax *corpus.SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestRecorded: what a file cannot hold is not recorded.
func TestRecorded(t *testing.T) {
	p := model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Readdir, Path: "/"}}, Unmounts: []model.Host{0}}
	op := func(names ...string) []model.Op {
		return []model.Op{{Step: 1, Kind: model.Readdir, Path: "/", Call: 7, Return: 9, Result: model.Result{Names: names}}}
	}
	for _, names := range [][]string{{"a b"}, {""}, {"a\nb"}, {"\xff"}, {strings.Repeat("x", 1000)}} {
		if got := corpus.Recorded(p, op(names...)); got != nil {
			t.Errorf("%q is recorded as %v", names, got)
		}
	}
	for _, names := range [][]string{nil, {"a"}, {"empty"}, {"lost+found", "ä"}, {"skipped"}} {
		got := corpus.Recorded(p, op(names...))
		if len(got) != 1 || !slices.Equal(got[0].Result.Names, names) || got[0].Call >= got[0].Return {
			t.Errorf("%q is recorded as %v", names, got)
		}
	}
}

// drawSaw draws answers that a file can hold.
func drawSaw(t *rapid.T, p model.Program) []model.Op {
	var history []model.Op
	add := func(n int, s model.Step) {
		op := model.Op{Step: n, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
			Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared}
		op.Call = int64(len(history)) * 1000
		op.Return = op.Call + int64(rapid.IntRange(1, 999).Draw(t, "took"))
		if s.Host != model.Final && rapid.IntRange(0, 4).Draw(t, "long") == 0 {
			op.Return += 1000 * int64(rapid.IntRange(0, 3).Draw(t, "calls"))
		}
		r := &op.Result
		switch rapid.IntRange(0, 5).Draw(t, "outcome") {
		case 0:
			op.Skipped = true
		case 1:
			op.Return = model.Never
		case 2:
			r.Errno = model.Errno(rapid.Uint8Range(1, uint8(model.EOTHER)).Draw(t, "errno"))
		default:
			switch s.Kind {
			case model.Read:
				r.Data = rapid.SliceOfN(rapid.OneOf(rapid.Just(model.Hole), rapid.Just(model.Garbage), rapid.ByteRange(1, model.MaxData)), 0, 20).Draw(t, "words")
			case model.Write, model.Append:
				r.Size = rapid.Int64Range(0, int64(s.Len)).Draw(t, "written")
			case model.Stat:
				if r.Type = rapid.SampledFrom([]model.NodeType{model.File, model.Dir}).Draw(t, "type"); r.Type == model.File {
					r.Size = rapid.Int64Min(0).Draw(t, "size")
				}
			case model.Statfs:
				r.Total, r.Free = rapid.Int64Range(0, 1<<40).Draw(t, "total"), rapid.Int64Range(0, 1<<40).Draw(t, "free")
			case model.Readdir:
				r.Names = rapid.SliceOfN(rapid.StringMatching(`[a-z0-9+._-]{1,14}`), 0, 5).Draw(t, "names")
			}
		}
		history = append(history, op)
	}
	for i, s := range p.Steps {
		if s.Kind == model.Remount {
			add(i+1, model.Step{Host: s.Host, Kind: model.Unmount})
			s.Kind = model.Mount
		}
		if rapid.IntRange(0, 9).Draw(t, "missing") > 0 {
			add(i+1, s)
		}
	}
	for i, h := range p.Unmounts {
		add(len(p.Steps)+1+i, model.Step{Host: h, Kind: model.Unmount})
	}
	// Nothing of the hosts is under way when the observer looks.
	for i := range history {
		if end := int64(len(history)) * 1000; history[i].Return > end && !history[i].Pending() {
			history[i].Return = end - 1000 + history[i].Call%1000 + int64(i) + 1
		}
	}
	for _, s := range []model.Step{{Kind: model.Mount}, {Kind: model.Readdir, Path: "/"}, {Kind: model.Stat, Path: "/a"}, {Kind: model.Statfs}} {
		s.Host = model.Final
		add(0, s)
	}
	return history
}

// TestRecordedIsWhatHappened: a record has every answer, and every operation that
// had returned when another was called, but for one of a step of several.
func TestRecordedIsWhatHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t)
		history := drawSaw(t, p)
		saw := corpus.Recorded(p, history)
		if len(saw) != len(history) {
			t.Fatalf("%d of %d recorded", len(saw), len(history))
		}
		for i, op := range history {
			if corpus.Answer(op) != corpus.Answer(saw[i]) || op.AsStep() != saw[i].AsStep() || op.Step != saw[i].Step {
				t.Fatalf("%v is recorded as %v", op, saw[i])
			}
			for j := range history {
				was, is := op.Return < history[j].Call, saw[i].Return < saw[j].Call
				twice := j > 0 && history[j].Step == history[j-1].Step
				if was != is && !(was && twice) {
					t.Fatalf("%v returned before %v was called: %v; recorded: %v", op, history[j], was, is)
				}
			}
		}
	})
}
