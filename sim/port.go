package sim

import (
	"errors"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// A host's way to the disk. An error of a command is [model.EIO] when the port
// was cut, the disk or the way to it failed, or another host had the command
// aborted, and [model.EBADE] when a reservation is in the way. A command that no
// disk could carry out ends the run.

// ReadBlock reads a block from the disk, past the buffer cache.
func (h *Host) ReadBlock(block int, p []byte) error {
	_, err := h.command(&disk.Command{Kind: model.ReadCommand, Block: block, Data: p})
	return err
}

// WriteBlock writes a block to the disk, past the buffer cache. On a disk with a
// volatile cache it is stable after the next Flush.
func (h *Host) WriteBlock(block int, p []byte) error {
	_, err := h.command(&disk.Command{Kind: model.WriteCommand, Block: block, Data: p})
	return err
}

// WriteBlocks writes as many blocks as p is long, from first on, in one command.
// Each block is atomic, the command is not: if the host dies meanwhile, any of
// them may have been written. With fua they are stable when it returns.
func (h *Host) WriteBlocks(first int, p []byte, fua bool) error {
	_, err := h.command(&disk.Command{Kind: model.WriteCommand, Block: first, Blocks: int32(len(p) / h.BlockSize()), Data: p, FUA: fua})
	return err
}

// CompareAndWrite writes p to a block if the block is as old, and reports
// whether it was: one atomic act. The design's disk must have it
// ([disk.Config]).
func (h *Host) CompareAndWrite(block int, old, p []byte) (matched bool, err error) {
	done, err := h.command(&disk.Command{Kind: model.CompareCommand, Block: block, Data: p, Compare: old, FUA: true})
	return err == nil && done.Matched(), err
}

// Reserve sends a reservation command. The design's disk must have reservations
// ([disk.Config]).
func (h *Host) Reserve(c *disk.Reserve) error {
	_, err := h.command(&disk.Command{Kind: model.ReserveCommand, Reserve: c})
	return err
}

// Flush waits until all earlier writes are on stable storage.
func (h *Host) Flush() error {
	_, err := h.command(&disk.Command{Kind: model.FlushCommand})
	return err
}

// command sends one command to the disk; between the port and the disk a hold
// can stop it and a strike hit it.
func (h *Host) command(c *disk.Command) (disk.Result, error) {
	t := h.enter()
	w := h.w
	ticket, err := w.disk.Submit(h.port, *c)
	if err != nil {
		w.fail(model.BadIO, t, c.Kind.String()+" of "+err.Error())
	}
	var strike *model.Strike
	if w.addressed {
		if c.Kind == model.WriteCommand || c.Kind == model.CompareCommand {
			t.flying, t.ticket = int(max(c.Blocks, 1)), ticket
		}
		strike = t.reach(c.Kind)
		t.flying = 0
	}
	if h.noDisk || h.failing[c.Kind] {
		_, _ = w.disk.CompleteWith(ticket, disk.Fate{Kind: disk.Failed}) // whatever the disk would have said
		return disk.Result{}, model.EIO
	}
	var done disk.Result
	if strike == nil {
		done, err = w.disk.Complete(ticket)
	} else {
		done, err = w.disk.CompleteWith(ticket, h.fate(strike))
	}
	if err != nil {
		return done, h.answer(t, c, err)
	}
	if strike != nil && strike.Kind == model.LoseWrite {
		return done, nil
	}
	if !w.bare || c.Kind == model.ReserveCommand {
		h.recordCommand(t, c, done)
	}
	return done, nil
}

// fate is what a strike makes of a command.
func (h *Host) fate(k *model.Strike) disk.Fate {
	switch k.Kind {
	case model.Fail:
		return disk.Fate{Kind: disk.Failed}
	case model.FailOn:
		h.failing[k.At] = true
		return disk.Fate{Kind: disk.Failed}
	case model.LoseWrite:
		return disk.Fate{Kind: disk.Lost}
	case model.Misdirect:
		return disk.Fate{Kind: disk.Misdirected, Block: k.Arg % h.Blocks()}
	}
	return disk.Fate{}
}

// answer is what a host's driver makes of the device's answer.
func (h *Host) answer(t *task, c *disk.Command, err error) error {
	switch {
	case errors.Is(err, disk.ErrConflict):
		if c.Kind != model.ReserveCommand { // who asks for a reservation can be told no
			h.w.mark("reservation conflict")
		}
		return model.EBADE
	case errors.Is(err, disk.ErrUnsupported), errors.Is(err, disk.ErrInvalid):
		h.w.fail(model.Misuse, t, err.Error())
	case errors.Is(err, disk.ErrAborted):
		h.w.mark("preempt-and-abort of a command in flight")
	}
	return model.EIO
}

func (h *Host) recordCommand(t *task, c *disk.Command, done disk.Result) {
	w := h.w
	r := model.Record{Step: int16(t.number), Host: h.id}
	switch c.Kind {
	case model.FlushCommand:
		r.Kind, r.Base = model.Flushed, done.Base
		w.record(r)
	case model.ReserveCommand:
		r.Kind, r.Block = model.Reserved, int32(c.Reserve.Action)
		w.record(r)
		w.reserved(h, t)
	case model.ReadCommand:
		for _, done := range w.disk.Results() {
			r.Kind, r.Block, r.Version, r.Base, r.Sum = model.BlockRead, int32(done.Block), done.Version, done.Base, done.Sum
			w.record(r)
		}
	case model.CompareCommand:
		if !done.Matched() {
			r.Kind, r.Block, r.Version, r.Sum = model.Compared, int32(c.Block), done.Version, done.Sum
			w.record(r)
		}
		fallthrough
	case model.WriteCommand:
		for _, done := range w.disk.Results() {
			w.wrote(t, done)
		}
	}
}

// wrote records a block that was written.
func (w *world) wrote(t *task, done disk.BlockResult) {
	w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.BlockWritten,
		Block: int32(done.Block), Version: done.Version, Base: done.Base, Sum: done.Sum})
}
