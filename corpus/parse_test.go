package corpus_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

const example = `doublemount case 1
# Both mount, both store.
#
#   A --a--> disk <--b-- B
design: local/no-flush
hosts: 2
expect: violated nothing-lost lost file
expect: held fsck
expect: inconclusive linearizable
keeps: single
keeps: cluster-lock
found-by: seed 7 run 1234

1 A mount
2 B mount
3 A create /a
4 B open /a/b f3
5 B write f3 0 8 #250
6 A append /a 4 #1
7 A truncate f1 65536
8 B read f3 8 1
9 A writeback
10 A writeback 2
11 A refresh 1 2
12 A reboot
13 A rename /a /a/b/c/d
14 B link /a/b /b
15 A read /a 0 8 direct
16 B write f2 8 16 #2 direct
17 A writeback 2 1
18 A crash
19 A crash keep 1 3
20 all power-loss keep 2 31
21 A pause
22 A resume
23 A partition
24 A partition B
25 A partition disk
26 B heal A
27 A heal disk
28 A fence
29 all tick 3
30 A tick 1024
hold 3 at write#2 until 4
hold 4 at lock#1 until 12
hold 13 at reserve#1 until 18
strike 3 at write#2 fail
strike 3 at read#1 fail-on
strike 4 at cas#1 lose
strike 5 at write#1 misdirect 17
strike 5 at send#1 drop
strike 5 at send#2 double
strike 5 at send#3 delay 6
end B unmount
end A unmount
`

func TestParse(t *testing.T) {
	c, err := corpus.Parse("x.case", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String(); got != example {
		t.Errorf("printed:\n%s\nwant:\n%s", got, example)
	}
	want := corpus.Case{
		Notes:  []string{"Both mount, both store.", "", "  A --a--> disk <--b-- B"},
		Design: "local/no-flush",
		Expect: []corpus.Expectation{
			{Outcome: model.Violated, Guarantee: "nothing-lost", Anomaly: model.LostFile},
			{Outcome: model.Held, Guarantee: "fsck"},
			{Outcome: model.Inconclusive, Guarantee: "linearizable"},
		},
		Keeps:   []string{"single", "cluster-lock"},
		FoundBy: "seed 7 run 1234",
		Program: model.Program{
			Hosts: 2,
			Steps: []model.Step{
				{Kind: model.Mount},
				{Host: 1, Kind: model.Mount},
				{Kind: model.Create, Path: "/a"},
				{Host: 1, Kind: model.Open, Path: "/a/b", File: 3},
				{Host: 1, Kind: model.Write, File: 3, Len: 8, Data: 250},
				{Kind: model.Append, Path: "/a", Len: 4, Data: 1},
				{Kind: model.Truncate, File: 1, Len: 65536},
				{Host: 1, Kind: model.Read, File: 3, Off: 8, Len: 1},
				{Kind: model.Writeback},
				{Kind: model.Writeback, Len: 2},
				{Kind: model.Refresh, Off: 1, Len: 2},
				{Kind: model.Reboot},
				{Kind: model.Rename, Path: "/a", To: "/a/b/c/d"},
				{Host: 1, Kind: model.Link, Path: "/a/b", To: "/b"},
				{Kind: model.Read, Path: "/a", Len: 8, Direct: true},
				{Host: 1, Kind: model.Write, File: 2, Off: 8, Len: 16, Data: 2, Direct: true},
				{Kind: model.Writeback, Off: 2, Len: 1},
				{Kind: model.Crash},
				{Kind: model.Crash, Off: 0b101},
				{Host: model.Everyone, Kind: model.PowerLoss, Off: 1<<1 | 1<<30},
				{Kind: model.Pause},
				{Kind: model.Resume},
				{Kind: model.Partition, Off: model.FromAll},
				{Kind: model.Partition, Off: 2},
				{Kind: model.Partition, Off: model.FromDisk},
				{Host: 1, Kind: model.Heal, Off: 1},
				{Kind: model.Heal, Off: model.FromDisk},
				{Kind: model.Fence},
				{Host: model.Everyone, Kind: model.Tick, Len: 3},
				{Kind: model.Tick, Len: 1024},
			},
			Holds: []model.Hold{
				{Step: 3, At: model.WriteCommand, N: 2, Until: 4},
				{Step: 4, At: model.LockCommand, N: 1, Until: 12},
				{Step: 13, At: model.ReserveCommand, N: 1, Until: 18},
			},
			Strikes: []model.Strike{
				{Step: 3, At: model.WriteCommand, N: 2, Kind: model.Fail},
				{Step: 3, At: model.ReadCommand, N: 1, Kind: model.FailOn},
				{Step: 4, At: model.CompareCommand, N: 1, Kind: model.LoseWrite},
				{Step: 5, At: model.WriteCommand, N: 1, Kind: model.Misdirect, Arg: 17},
				{Step: 5, At: model.SendCommand, N: 1, Kind: model.Drop},
				{Step: 5, At: model.SendCommand, N: 2, Kind: model.Double},
				{Step: 5, At: model.SendCommand, N: 3, Kind: model.Delay, Arg: 6},
			},
			Unmounts: []model.Host{1, 0},
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("parsed %+v\nwant %+v", c, want)
	}
}

// TestSyntaxErrors changes the example at one place and asks for the line and
// the words of the complaint.
func TestSyntaxErrors(t *testing.T) {
	tests := []struct {
		name, old, new, want string
	}{
		{"empty", example, "", "1: not a case"},
		{"no version", "doublemount case 1\n", "", "1: not a case"},
		{"newer version", "case 1", "case 2", "1: format \"doublemount case 2\" is not known"},
		{"carriage return", "hosts: 2\n", "hosts: 2\r\n", "6: the line ends with a carriage return"},
		{"control character", "both store", "both\x1b[2Jstore", "2: character U+001B"},
		{"text that turns around", "both store", "both\u202estore", "2: character U+202E"},
		{"byte order mark", "doublemount case", "\ufeffdoublemount case", "1: character U+FEFF"},
		{"tab", "# Both", "#\tBoth", "2: character U+0009"},
		{"not UTF-8", "both store", "both\xffstore", "2: the line is not UTF-8"},
		{"space at the end", "hosts: 2\n", "hosts: 2 \n", "6: the line ends with a space"},
		{"long line", "both store", strings.Repeat("x", 1000), "2: the line has 1015 bytes"},
		{"large file", "both store", strings.Repeat("x\n# ", 1<<19), "1: the file has more than 1048576 bytes"},
		{"cut short", "end A unmount\n", "end A unm", "55: the last line has no end"},
		{"comment without space", "# Both", "#Both", "2: no space after the #"},
		{"comment among keys", "hosts: 2\n", "# two\nhosts: 2\n", "6: a comment among the keys"},
		{"comment in the program", "4 B open", "# now\n4 B open", "17: \"# now\" is not step 4"},
		{"unknown key", "found-by: ", "seed: ", "12: unknown key \"seed\""},
		{"not a key", "hosts: 2", "two hosts", "6: \"two hosts\" is not a key"},
		{"twice", "hosts: 2\n", "hosts: 2\nhosts: 2\n", "7: key \"hosts\" stands twice"},
		{"out of order", "keeps: single\n", "design: x\n", "10: key \"design\" out of its order"},
		{"missing", "hosts: 2\n", "", "6: key \"hosts\" is missing here"},
		{"no value", "hosts: 2", "hosts:", "6: key \"hosts\" has no value"},
		{"no space", "hosts: 2", "hosts:2", "6: key \"hosts\" has no value one space"},
		{"two spaces", "hosts: 2", "hosts:  2", "6: key \"hosts\" has no value one space"},
		{"too many hosts", "hosts: 2", "hosts: 17", "6: hosts: 17 hosts; want 1 to 16"},
		{"no hosts", "hosts: 2", "hosts: 0", "6: hosts: 0 hosts; want 1 to 16"},
		{"leading zero", "hosts: 2", "hosts: 02", "6: hosts: \"02\" is not a number"},
		{"large number", "hosts: 2", "hosts: 99999999999999999999", "6: hosts: \"99999999999999999999\" is not a number"},
		{"bad design", "local/no-flush", "local/no/flush", "5: design: bad design name \"local/no/flush\""},
		{"upper case", "local/no-flush", "Local", "5: design: bad design name \"Local\""},
		{"half a name", "local/no-flush", "local/", "5: design: bad design name \"local/\""},
		{"unknown outcome", "held fsck", "kept fsck", "8: expect: unknown outcome \"kept\""},
		{"unknown guarantee", "held fsck", "held fsk", "8: expect: unknown guarantee \"fsk\""},
		{"no guarantee", "held fsck", "held", "8: expect: no guarantee"},
		{"unknown anomaly", "lost file", "lost cat", "7: expect: unknown anomaly \"lost cat\""},
		{"no anomaly", "nothing-lost lost file", "nothing-lost", "7: expect: violated, but by which anomaly?"},
		{"anomaly of nothing", "held fsck", "held fsck lost file", "8: expect: an anomaly is named, but the outcome is held"},
		{"same guarantee", "held fsck", "held nothing-lost", "8: expect: nothing-lost has an expectation already"},
		{"same keeper", "cluster-lock", "single", "11: keeps: design single stands twice"},
		{"keeps and violates", "keeps: single", "keeps: local/no-flush", "10: keeps: design local/no-flush cannot keep"},
		{"no program", example[strings.Index(example, "\n\n"):], "\n", "13: no program"},
		{"gap in the numbers", "4 B open", "5 B open", "17: \"5 B open /a/b f3\" is not step 4"},
		{"empty line", "4 B open", "\n4 B open", "17: \"\" is not step 4"},
		{"unknown host", "4 B open", "4 b open", "17: unknown host \"b\""},
		{"host beyond the last", "4 B open", "4 C open", "17: bad program: step 4: host C of 2 hosts"},
		{"no operation", "1 A mount", "1 A", "14: no operation after the host"},
		{"unknown operation", "3 A create", "3 A creat", "16: unknown operation \"creat\""},
		{"bad path", "create /a", "create /a/b/c/d/e", "16: create: bad path \"/a/b/c/d/e\""},
		{"root", "create /a", "create /", "16: create: the root directory"},
		{"slot", "8 B read f3", "8 B read f4", "21: read: handle slot f4"},
		{"data", "#250", "#251", "18: data \"#251\"; want #1 to #250"},
		{"data 0", "#250", "#0", "18: data \"#0\"; want #1 to #250"},
		{"data twice", "#1\n", "#250\n", "19: bad program: step 6: data #250 is step 5's"},
		{"too large", "65536", "65537", "20: truncate: offset 0 and length 65537"},
		{"number missing", "f3 8 1", "f3 8", "21: \"B read f3 8\" is not how a step is written"},
		{"number too many", "f3 8 1", "f3 8 1 1", "21: \"B read f3 8 1 1\" is not how a step is written"},
		{"operands out of order", "f3 8 1", "8 1 f3", "21: \"B read 8 1 f3\" is not how a step is written"},
		{"two spaces in a step", "create /a", "create  /a", "16: \"\" is not a number"},
		{"operand of nothing", "12 A reboot", "12 A reboot /a", "25: reboot: takes no path"},
		{"number that goes without saying", "9 A writeback", "9 A writeback 0", "22: \"A writeback 0\" is not how"},
		{"one name of two", "rename /a /a/b/c/d", "rename /a", "26: rename: bad new name \"\""},
		{"three names", "link /a/b /b", "link /a/b /b /c", "27: \"B link /a/b /b /c\" is not how"},
		{"two names of one", "create /a", "create /a /b", "16: create: takes no path, or no second one"},
		{"to the root", "link /a/b /b", "link /a/b /", "27: link: bad new name \"/\""},
		{"direct in part of a block", "0 8 direct", "0 7 direct", "28: read: direct at 0 for 7 words"},
		{"direct append", "append /a 4 #1", "append /a 8 #1 direct", "19: append: only a read or write can be direct"},
		{"direct too early", "0 8 direct", "direct 0 8", "28: \"A read /a direct 0 8\" is not how"},
		{"pass over and write none", "writeback 2 1", "writeback 2 0", "30: writeback: first block 2 of no blocks"},
		{"kept without keep", "crash keep 1 3", "crash 1 3", "32: \"1 3\" is not what a crash keeps"},
		{"keep nothing", "crash keep 1 3", "crash keep", "32: \"keep\" is not what a crash keeps"},
		{"kept twice", "crash keep 1 3", "crash keep 1 1", "32: \"A crash keep 1 1\" is not how"},
		{"kept out of order", "crash keep 1 3", "crash keep 3 1", "32: \"A crash keep 3 1\" is not how"},
		{"kept from 0", "crash keep 1 3", "crash keep 0", "32: crash: keep 0; want 1 to 31"},
		{"kept too many", "keep 2 31", "keep 2 32", "33: power-loss: keep 32; want 1 to 31"},
		{"power loss of one", "all power-loss", "A power-loss", "33: power-loss: host A; a power loss or disk reset happens to all"},
		{"all in an operation", "3 A create", "3 all create", "16: create: host all"},
		{"final", "3 A create", "3 final create", "16: unknown host \"final\""},
		{"pause of something", "21 A pause", "21 A pause B", "34: \"B\" is not a number"},
		{"parted from itself", "24 A partition B", "24 A partition A", "37: bad program: step 24: A is parted from host A"},
		{"parted from a stranger", "24 A partition B", "24 A partition C", "37: bad program: step 24: A is parted from host C of 2"},
		{"parted from what", "24 A partition B", "24 A partition net", "37: unknown host \"net\""},
		{"parted from two", "24 A partition B", "24 A partition B disk", "37: partition from \"B disk\""},
		{"no time", "all tick 3", "all tick", "42: tick: 0; want 1 to 1024"},
		{"too much time", "A tick 1024", "A tick 1025", "43: tick: 1025; want 1 to 1024"},
		{"not a hold", "hold 3 at write#2 until", "hold 3 at write#2 to", "44: \"hold 3 at write#2 to 4\" is not a hold"},
		{"unknown command", "at write#2", "at right#2", "44: unknown command \"right#2\""},
		{"uncounted command", "at write#2", "at write", "44: unknown command \"write\""},
		{"hold backwards", "until 12", "until 3", "45: bad program: hold of step 4 until 3"},
		{"hold beyond the end", "until 12", "until 31", "45: bad program: hold of step 4 until 31"},
		{"held twice", "hold 4", "hold 3", "45: bad program: step 3 is held twice"},
		{"hold at nothing", "write#2", "write#0", "44: bad program: hold of step 3 at write#0"},
		{"step after a hold", "end B unmount\n", "31 A mount\nend B unmount\n", "54: \"31 A mount\" stands too late"},
		{"not a strike", "strike 3 at write#2 fail", "strike 3 write#2 fail", "47: \"strike 3 write#2 fail\" is not a strike"},
		{"unknown strike", "write#2 fail\n", "write#2 fall\n", "47: unknown strike \"fall\""},
		{"strike at nothing", "strike 3 at write#2", "strike 3 at write", "47: unknown command \"write\""},
		{"strike of nothing", "strike 3 at write#2", "strike 31 at write#2", "47: bad program: strike of step 31 of 30"},
		{"strike without its number", "misdirect 17", "misdirect", "50: \"strike 5 at write#1 misdirect\" lacks a number"},
		{"strike with a number", "send#1 drop", "send#1 drop 2", "51: \"strike 5 at send#1 drop 2\" has a word too many"},
		{"strike with what", "misdirect 17", "misdirect x", "50: \"x\" is not a number"},
		{"strike of the wrong thing", "send#1 drop", "write#2 drop", "51: bad program: strike of step 5: drop of a write"},
		{"struck twice", "send#2 double", "send#1 double", "52: bad program: send of step 5 is struck twice"},
		{"delay backwards", "delay 6", "delay 5", "53: bad program: strike of step 5: delay until 5"},
		{"hold after a strike", "strike 3 at write#2 fail\n", "strike 3 at write#2 fail\nhold 9 at read#1 until 10\n", "48: \"hold 9 at read#1 until 10\" stands too late"},
		{"strike after an unmount", "end B unmount\n", "end B unmount\nstrike 1 at read#1 fail\n", "55: \"strike 1 at read#1 fail\" stands too late"},
		{"all unmount", "end A", "end all", "55: unknown host \"all\""},
		{"unmount of a stranger", "end A", "end C", "55: bad program: unmount order"},
		{"unmount twice", "end A", "end B", "55: bad program: unmount order"},
		{"unmount missing", "end A unmount\n", "", "55: bad program: 1 unmounts for 2 hosts"},
		{"not an unmount", "end A unmount", "end A mount", "55: \"end A mount\" is not a closing unmount"},
		{"garbage at the end", "end A unmount\n", "end A unmount\n\n", "56: \"\" is not step 31"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(example, test.old, test.new, 1)
			if text == example {
				t.Fatal("the example has no such place")
			}
			_, err := corpus.Parse("x.case", []byte(text))
			var syntax *corpus.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v; want a SyntaxError", err)
			}
			if want := "x.case:" + test.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v\nwant   %v", err, want)
			}
		})
	}
}

func TestErrorsArePrintable(t *testing.T) {
	_, err := corpus.Parse("a\x1b[2J\n.case", []byte("x"))
	if got, want := err.Error(), "a?[2J?.case:1: "; !strings.HasPrefix(got, want) {
		t.Errorf("error %q; want it to start with %q", got, want)
	}
}

// TestPrintIsSafe prints a Case that no file can hold: no text of it may start
// a line of its own.
func TestPrintIsSafe(t *testing.T) {
	c, err := corpus.Parse("x.case", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	c.Notes = []string{"story\nexpect: held fsck\x1b[31m", "\u202e", "blank at the end  "}
	c.FoundBy = "me\n\n1 A mount"
	got := c.String()
	for _, want := range []string{"# story?expect: held fsck?[31m\n", "# ?\n", "# blank at the end\n", "found-by: me??1 A mount\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if _, err := corpus.Parse("x.case", []byte(got)); err != nil {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	c, err := corpus.Parse("x.case", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	d := c
	d.Notes, d.Design, d.Expect, d.FoundBy = nil, "other", d.Expect[1:], ""
	if c.Hash() != d.Hash() {
		t.Error("the hash depends on more than the program")
	}
	if got, want := c.FileName(), "lost-file-"+c.Hash()+".case"; got != want {
		t.Errorf("file name %q; want %q", got, want)
	}
	if got, want := d.FileName(), "held-"+c.Hash()+".case"; got != want {
		t.Errorf("file name %q; want %q", got, want)
	}
	d.Expect = []corpus.Expectation{{Outcome: model.Violated, Anomaly: "../../x"}}
	if got, want := d.FileName(), "case-"+c.Hash()+".case"; got != want {
		t.Errorf("file name %q; want %q", got, want)
	}
	d.Program.Unmounts = []model.Host{0, 1}
	if c.Hash() == d.Hash() {
		t.Error("another program has the same hash")
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		if err := c.Program.Validate(); err != nil {
			t.Fatalf("the test drew a %v", err)
		}
		got, err := corpus.Parse("x.case", c.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, c)
		}
		if !reflect.DeepEqual(got, c) {
			t.Fatalf("parsed %+v\nwant %+v", got, c)
		}
	})
}

// FuzzParse asks of any input that it is refused with an error that names a
// line of it, or is a valid case and prints as it was.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(answered))
	f.Add([]byte("doublemount case 1\ndesign: a\nhosts: 1\nexpect: held fsck\n\nend A unmount\n"))
	f.Add([]byte("doublemount case 1\n#\ndesign: a\nhosts: 1\nexpect: violated capacity bad-io\n\n1 A readdir /\n2 A stat /\nhold 1 at flush#1 until 2\nend A unmount\n"))
	f.Add([]byte("doublemount case 1\ndesign: a\nhosts: 2\nexpect: held fsck\n\n1 A rename /a /b/c/d/e\n2 A crash keep 1 31\n3 all power-loss\n" +
		"4 B partition disk\n5 B heal A\n6 all tick 1\n7 A write f1 8 8 #1 direct\nhold 1 at send#1 until 2\n" +
		"strike 1 at write#1 misdirect 7\nstrike 1 at send#1 delay 3\nend A unmount\nend B unmount\n"))
	f.Add([]byte("doublemount case 1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := corpus.Parse("x.case", data)
		if err != nil {
			var syntax *corpus.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v; want a SyntaxError", err)
			}
			if lines := strings.Count(string(data), "\n") + 1; syntax.Line < 1 || syntax.Line > lines || syntax.File != "x.case" {
				t.Fatalf("line %d of %q, which has %d", syntax.Line, syntax.File, lines)
			}
			return
		}
		if err := c.Program.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := c.String(); got != string(data) {
			t.Fatalf("%q prints as %q", data, got)
		}
	})
}
