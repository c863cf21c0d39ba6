package checker_test

import (
	"errors"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

const (
	emptyFile = "C create a; C unmount; A mount; B mount; "
	twoBlocks = "C create a; C truncate a 16; C unmount; A mount; B mount; "
)

// What NFS clients may and may not show, with names that are up to two ticks old
// (nfs(5), "Data and metadata coherence").
func TestCloseToOpen(t *testing.T) {
	for _, c := range []struct {
		text string
		held bool
		why  string
	}{
		{twoBlocks + "A open a f1; A write f1[0]=5; A close f1; B open a f2; B read f2 -> 00; end; F read a -> 50", false, "stale read after the open"},
		{twoBlocks + "B open a f2; A open a f1; A write f1[0]=5; A close f1; B read f2 -> 00; end; F read a -> 50", true, "opened before the close"},
		{twoBlocks + "B open a f2; A open a f1; A write f1[0]=5; A close f1; B read f2 -> 50; end; F read a -> 50", true, "may be seen early"},
		{twoBlocks + "A open a f1; A write f1[0]=5; B open a f2; A close f1; B read f2 -> 00; end; F read a -> 50", true, "closed after the open"},
		{twoBlocks + "A open a f1; A write f1[0]=5; A fsync f1; B open a f2; B read f2 -> 00; end; F read a -> 50", false, "fsync publishes as close does"},
		{twoBlocks + "A open a f1; A write f1[0]=5; A sync; B read a -> 00; end; F read a -> 50", false, "so does sync, and a read of a path opens"},
		{twoBlocks + "A open a f1; A write f1[0]=5; B read a -> 00; A close f1; end; F read a -> 50", true, "not closed yet"},
		{twoBlocks + "A write a[0]=5; B read a -> 00; end; F read a -> 50", false, "a write through a path opens and closes"},
		{twoBlocks + "A open a f1; A write f1[0]=5 { A close f1 }; A open a f1; A close f1; B read a -> 00; end; F read a -> 50", true, "a close that overlaps publishes nothing, nor that of another handle"},
		{twoBlocks + "A open a f1; A open a f2; A write f1[0]=5; A close f2; B read a -> 00; A close f1; end; F read a -> 50", true, "another handle's close"},
		{emptyFile + "A open a f1; A write f1[0]=5; A read f1 -> 5; B open a f1; B read f1 -> nothing; end; F read a -> 5", true, "reading an own write does not publish it"},
		{twoBlocks + "A open a f1; B open a f1; B write f1[1]=6; B close f1; A write f1[0]=5; A read f1 -> 50; end; F read a -> 56", true, "own new block beside another's old block"},
		{emptyFile + "A unlink a; B stat a -> 0; end; F stat a -> ENOENT", true, "a stale positive dentry"},
		{emptyFile + "A unlink a; all tick 1; B stat a -> 0; end; F stat a -> ENOENT", true, "for one tick"},
		{emptyFile + "A unlink a; all tick 2; B stat a -> 0; end; F stat a -> ENOENT", false, "not for two"},
		{emptyFile + "A unlink a; all tick 3; B stat a -> 0; end; F stat a -> ENOENT", false, "nor three"},
		{emptyFile + "A unlink a; all tick 1; all tick 1; B stat a -> 0; end; F stat a -> ENOENT", false, "nor two, one by one"},
		{emptyFile + "A unlink a; A tick 2; B stat a -> 0; end; F stat a -> ENOENT", true, "another host's clock"},
		{emptyFile + "A unlink a; B tick 2; B stat a -> 0; end; F stat a -> ENOENT", false, "its own clock"},
		{emptyFile + "A unlink a; B remount; B stat a -> 0; end; F stat a -> ENOENT", false, "a mount has no old names"},
		{emptyFile + "A create b; B stat b -> ENOENT; end; F stat b -> 0", true, "a stale negative dentry"},
		{emptyFile + "A create b; all tick 2; B stat b -> ENOENT; end; F stat b -> 0", false, "not for two ticks"},
		{emptyFile + "A create b; B create b; end; F stat b -> 0", false, "both made it: the server makes names"},
		{emptyFile + "A unlink a; B unlink a; end; F stat a -> ENOENT", false, "both removed it"},
		{emptyFile + "A unlink a; B open a f1 -> ENOENT; B stat a -> 0; end; F stat a -> ENOENT", false, "a host does not look back"},
		{twoBlocks + "A truncate a 8; B stat a -> 16; end; F stat a -> 8", true, "an old size"},
		{twoBlocks + "A truncate a 8; all tick 2; B stat a -> 16; end; F stat a -> 8", false, "too old"},
		{emptyFile + "A append a=5; B append a=6; end; F read a -> 56", true, "appends one after the other"},
		{emptyFile + "A open a f1; B open a f1; A append f1=5; A close f1; B append f1=6; B close f1; end; F read a -> 6", true, "an append goes where its host thinks the end is"},
		{emptyFile + "A open a f1; A append f1=5; A close f1; B open a f1; B append f1=6; B close f1; end; F read a -> 6", false, "not after it has opened anew"},
		{twoBlocks + "A write a[0]=5; A unmount; B mount; B read a -> 00; F read a -> 50", false, "handed over"},
	} {
		run := brute.History(c.text)
		v := checker.New(0, model.CloseToOpen)(run)[0]
		if v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != c.held {
			t.Errorf("%v, want held=%v: %s\n%s\n%v", v.Outcome, c.held, c.why, c.text, v.Proof)
		}
		if v.Outcome == model.Violated && (v.Anomaly == model.NoAnomaly || v.Proof[0] == "") {
			t.Errorf("no name or no proof: %+v\n%s", v, c.text)
		}
	}
}

// Rungs of a user's own: what he builds from the fields is judged.
func TestBuiltGuarantees(t *testing.T) {
	noac := model.Guarantee{Name: "noac", Publish: model.PublishClose, Refresh: model.RefreshOpen}
	lazy := model.Guarantee{Name: "lazy", Publish: model.PublishReturn, Refresh: model.RefreshMount}
	durable := model.Linearizable
	durable.Name, durable.Durable = "durable at return", model.DurableReturn
	closed := model.Linearizable
	closed.Name, closed.Durable = "durable at close", model.DurableClose
	journal := model.Linearizable
	journal.Name, journal.Ordered = "ordered", true
	snapshot := model.Linearizable
	snapshot.Name, snapshot.StrictReaddir = "snapshot", true
	racy := model.Linearizable
	racy.Name, racy.Except = "append may overlap", model.SetOf(model.Append)
	blind := model.Linearizable
	blind.Name, blind.Except = "stat is not judged", model.SetOf(model.Stat)
	for _, c := range []struct {
		g    model.Guarantee
		text string
		held bool
	}{
		{noac, emptyFile + "A unlink a; B stat a -> 0; end; F stat a -> ENOENT", false},
		{noac, twoBlocks + "B open a f2; A write a[0]=5; B read f2 -> 00; end; F read a -> 50", true},
		{lazy, emptyFile + "A unlink a; B stat a -> 0; end; F stat a -> ENOENT", true},
		{lazy, emptyFile + "A unlink a; B remount; B stat a -> 0; end; F stat a -> ENOENT", false},

		{model.Linearizable, "A create a; A crash; A mount; A stat a -> ENOENT", true},
		{durable, "A create a; A crash; A mount; A stat a -> ENOENT", false},
		{closed, "A create a; A crash; A mount; A stat a -> ENOENT", false},
		{closed, emptyFile + "A open a f1; A write f1[0]=5; A crash; A mount; A read a -> nothing", true},
		{closed, emptyFile + "A open a f1; A write f1[0]=5; A close f1; A crash; A mount; A read a -> nothing", false},
		{closed, emptyFile + "A write a[0]=5; A crash; A mount; A read a -> nothing", false},

		{model.Linearizable, "A create a; A create b; A crash; A mount; A stat a -> ENOENT; A stat b -> 0", true},
		{journal, "A create a; A create b; A crash; A mount; A stat a -> ENOENT; A stat b -> 0", false},
		{journal, "A create a; A create b; A crash; A mount; A stat a -> 0; A stat b -> ENOENT", true},
		{journal, "A create a; A create b; A crash; A mount; A stat a -> ENOENT; A stat b -> ENOENT", true},
		{journal, "A create a; A create b; A fsync b; A crash; A mount; A stat a -> ENOENT; A stat b -> 0", false},
		{journal, "A create a; B create b; A crash; A mount; A stat a -> ENOENT; A stat b -> 0", true},

		{model.Linearizable, "A create a; B mount; B readdir / -> b { A unlink a; A create b }", true},
		{model.Linearizable, "A create a; B mount; B readdir / -> empty { A create b; A unlink a }", true},
		{snapshot, "A create a; B mount; B readdir / -> empty { A create b; A unlink a }", false},
		{snapshot, "A create a; B mount; B readdir / -> a b { A create b; A unlink a }", true},
		{snapshot, "A create a; B mount; B readdir / -> b { A create b; A unlink a }", true},

		{model.Linearizable, emptyFile + "A append a=5 | B append a=6; F read a -> 6", false},
		{racy, emptyFile + "A append a=5 | B append a=6; F read a -> 6", true},
		{racy, emptyFile + "A append a=5; B append a=6; F read a -> 6", false},
		{blind, emptyFile + "A unlink a; B stat a -> 0; F readdir / -> empty", true},
		{blind, emptyFile + "A unlink a; B open a f1; F readdir / -> empty", false},
	} {
		if err := c.g.Validate(); err != nil {
			t.Fatal(err)
		}
		run := brute.History(c.text)
		if v := checker.New(0, c.g)(run)[0]; v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != c.held {
			t.Errorf("%s: %v, want held=%v\n%s\n%v", c.g.Name, v.Outcome, c.held, c.text, v.Proof)
		}
	}
}

// What has no meaning is refused, and says why.
func TestBadGuarantees(t *testing.T) {
	for name, g := range map[string]model.Guarantee{
		"no name":    {},
		"axis":       {Name: "x", Axis: true},
		"publish":    {Name: "x", Publish: 9},
		"staleness":  {Name: "x", Staleness: 1},
		"final only": {Name: "x", FinalOnly: true},
		"exception":  {Name: "x", Except: model.SetOf(model.Create)},
	} {
		if err := g.Validate(); !errors.Is(err, model.ErrGuarantee) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, g := range model.Guarantees() {
		if err := g.Validate(); err != nil {
			t.Error(err)
		}
	}
}
