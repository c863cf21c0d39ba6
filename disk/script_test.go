package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// act is one thing that is done to a disk with three ports and four blocks. What
// completes is the n-th of what is in flight.
type act struct {
	kind  string // submit, complete, abort, cut, attach, power-loss, device-reset, reset
	port  disk.Port
	c     disk.Command
	which int
	fate  disk.Fate
	keep  uint32
}

// String says what is done, for failures.
func (a act) String() string {
	switch a.kind {
	case "submit":
		s := fmt.Sprintf("submit port %d: %v fua %v", a.port, &a.c, a.c.FUA)
		if a.c.Reserve != nil {
			s += fmt.Sprintf(" %+v", *a.c.Reserve)
		}
		return s
	case "complete":
		return fmt.Sprintf("complete %d %+v", a.which, a.fate)
	}
	return fmt.Sprintf("%s port %d, %d, keep %b", a.kind, a.port, a.which, a.keep)
}

// GoString makes rapid print it so.
func (a act) GoString() string { return a.String() }

// letter draws few letters, or no compare would ever match.
var letter = rapid.SampledFrom([]byte("abcxyz"))

func drawBlocks(t *rapid.T, n int) []byte {
	var p []byte
	for range n {
		p = append(p, block(letter.Draw(t, "letter"))...)
	}
	return p
}

func drawReserve(t *rapid.T) *disk.Reserve {
	return &disk.Reserve{
		Action:    disk.ReserveAction(rapid.IntRange(0, int(disk.Report)).Draw(t, "action")),
		Type:      disk.ReservationType(rapid.IntRange(0, 7).Draw(t, "type")),
		Persist:   disk.Persist(rapid.IntRange(0, 2).Draw(t, "persist")),
		IgnoreKey: rapid.IntRange(0, 4).Draw(t, "ignore key") == 0,
		Key:       disk.Key(rapid.IntRange(0, 3).Draw(t, "key")),
		NewKey:    disk.Key(rapid.IntRange(0, 3).Draw(t, "new key")),
		OtherKey:  disk.Key(rapid.IntRange(0, 3).Draw(t, "other key")),
		Report:    &disk.ReservationReport{},
	}
}

func drawCommand(t *rapid.T) disk.Command {
	kind := rapid.SampledFrom([]model.CommandKind{model.ReadCommand, model.WriteCommand, model.WriteCommand,
		model.WriteCommand, model.FlushCommand, model.CompareCommand}).Draw(t, "kind")
	if kind == model.FlushCommand {
		return disk.Command{Kind: kind}
	}
	first := rapid.IntRange(0, 3).Draw(t, "block")
	n := rapid.IntRange(1, 4-first).Draw(t, "blocks")
	c := disk.Command{Kind: kind, Block: first, Blocks: int32(n), Data: drawBlocks(t, n), FUA: rapid.IntRange(0, 3).Draw(t, "fua") == 0}
	if kind == model.CompareCommand {
		c.Compare = drawBlocks(t, n)
	}
	return c
}

// acts draws what is done. Now and then something other than a command.
func acts(command func(*rapid.T) disk.Command) *rapid.Generator[act] {
	return rapid.Custom(func(t *rapid.T) act {
		a := act{port: disk.Port(rapid.IntRange(0, 2).Draw(t, "port")), which: rapid.IntRange(0, 3).Draw(t, "which")}
		switch n := rapid.IntRange(0, 61).Draw(t, "what"); {
		case n < 26:
			a.kind, a.c = "submit", command(t)
		case n < 46:
			a.kind = "complete"
			if rapid.IntRange(0, 5).Draw(t, "fate?") == 0 {
				a.fate = disk.Fate{Kind: disk.FateKind(rapid.IntRange(0, 3).Draw(t, "fate")), Block: rapid.IntRange(-1, 4).Draw(t, "to")}
			}
		case n < 49:
			a.kind, a.keep = "abort", rapid.Uint32().Draw(t, "keep")
		case n < 50:
			a.kind = "cut"
		case n < 57:
			a.kind = "attach"
		case n < 59:
			a.kind, a.keep = "power-loss", rapid.Uint32().Draw(t, "keep")
		case n < 61:
			a.kind, a.keep = "device-reset", rapid.Uint32().Draw(t, "keep")
		default:
			a.kind = "reset"
		}
		return a
	})
}

// script draws up to n acts. A slice with a range of lengths would have five.
func script(t *rapid.T, n int, command func(*rapid.T) disk.Command) []act {
	n = rapid.IntRange(1, n).Draw(t, "acts")
	return rapid.SliceOfN(acts(command), n, n).Draw(t, "script")
}

// play does the acts and writes down everything that can be seen. The acts' own
// buffers are not changed.
func play(t testing.TB, d *disk.Disk, all []act) string {
	t.Helper()
	var log bytes.Buffer
	var flying []disk.Ticket
	for i, a := range all {
		fmt.Fprintf(&log, "%d %v:", i, a)
		switch a.kind {
		case "submit":
			c := a.c
			c.Data = bytes.Clone(c.Data)
			ticket, err := d.Submit(a.port, c)
			if err != nil {
				fmt.Fprint(&log, " ", err)
				break
			}
			flying = append(flying, ticket)
		case "complete", "abort":
			if a.which >= len(flying) {
				break
			}
			ticket := flying[a.which]
			flying = append(flying[:a.which], flying[a.which+1:]...)
			if a.kind == "abort" {
				got, err := d.Abort(ticket, a.keep)
				fmt.Fprint(&log, " ", got, err)
				break
			}
			got, err := d.CompleteWith(ticket, a.fate)
			fmt.Fprint(&log, " ", got, err)
		case "cut":
			d.Cut(a.port)
		case "attach":
			fmt.Fprint(&log, " ", d.Attach(a.port))
		case "power-loss":
			fmt.Fprint(&log, " ", d.PowerLoss(a.keep))
		case "device-reset":
			fmt.Fprint(&log, " ", d.DeviceReset(a.keep))
		case "reset":
			d.Reset()
		}
		fmt.Fprint(&log, d.Results(), d.Unflushed(), letters(t, d))
		for p := range disk.Port(3) {
			fmt.Fprint(&log, " ", d.Incarnation(p), d.Attached(p))
		}
		report := &disk.ReservationReport{}
		d.Reservations(report)
		fmt.Fprintf(&log, " %+v\n", *report)
	}
	return log.String()
}

// The same acts have the same effects, on a new disk and on one that was used
// for something else and Reset.
func TestResetIsNew(t *testing.T) {
	everything := func(t *rapid.T) disk.Command {
		if rapid.IntRange(0, 2).Draw(t, "reserve?") == 0 {
			return disk.Command{Kind: model.ReserveCommand, Reserve: drawReserve(t)}
		}
		return drawCommand(t)
	}
	rapid.Check(t, func(r *rapid.T) {
		config := disk.Config{Volatile: rapid.Bool().Draw(r, "volatile"), Reservations: true, Compare: true}
		before := script(r, 60, everything)
		after := script(r, 60, everything)
		used, fresh := formatted(t, config, 3), formatted(t, config, 3)
		play(t, used, before)
		used.Reset()
		fresh.Reset() // which takes its attachments away too
		if got, want := play(t, used, after), play(t, fresh, after); got != want {
			r.Fatalf("a disk that was reset differs from a new one:\n%s\nnew:\n%s", got, want)
		}
	})
}

func errIs(err, want error) bool { return errors.Is(err, want) && (want != nil || err == nil) }
