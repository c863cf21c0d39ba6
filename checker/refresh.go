package checker

import "github.com/doublemount/doublemount/model"

// When a change must have taken effect for others, from when on a crash may not
// undo it, and how old a view may be: all in which one rung differs from another.

// atomic reports whether a change is seen by all at the one point at which it
// takes effect, so that its view and its effect are one.
func (c *component) atomic() bool {
	return c.g.Publish == model.PublishReturn && c.g.Refresh == model.RefreshCall
}

// publishes is when change i must have taken effect for others, Never if nothing
// published it. What an fsync publishes depends on which file it is of, and is
// asked when it returns ([component.covered]).
func (c *component) publishes(i int) int64 {
	switch c.g.Publish {
	case model.PublishReturn:
		return c.history[i].Return
	case model.PublishClose:
		return c.closes(i)
	}
	return c.info[i].sync
}

// closes is when a change is published where a close does that: of names at its
// return, as of words through a path, since that opens and closes by itself.
func (c *component) closes(i int) int64 {
	in := &c.info[i]
	if in.opener < 0 {
		return c.history[i].Return
	}
	return min(in.closed, in.sync)
}

// lasts is from when on a crash may not undo change i, Never if nothing but an
// fsync made it durable.
func (c *component) lasts(i int) int64 {
	in := &c.info[i]
	if in.cut || in.open {
		return model.Never
	}
	switch c.g.Durable {
	case model.DurableClose:
		return c.closes(i)
	case model.DurableReturn:
		return c.history[i].Return
	}
	return in.sync
}

// seesNames is how old what operation i saw of names, types and attributes may be.
func (c *component) seesNames(i int) int64 {
	switch in := &c.info[i]; c.g.Refresh {
	case model.RefreshCall:
		return c.history[i].Call
	case model.RefreshOpen:
		return max(in.mount, in.fresh)
	default:
		return in.mount
	}
}

// seesWords is how old what operation i saw of a file's words, and of where they
// end, may be.
func (c *component) seesWords(i int) int64 {
	in := &c.info[i]
	switch {
	case c.g.Refresh == model.RefreshMount:
		return in.mount
	case c.g.Refresh == model.RefreshOpen && in.opener >= 0:
		return max(in.mount, c.history[in.opener].Call)
	}
	return c.history[i].Call
}

// place fills in what a guarantee asks for besides.
func (w *windows) place(history []model.Op, g model.Guarantee) {
	if g.Publish != model.PublishReturn {
		w.publish(history)
	}
	if g.Publish == model.PublishClose || g.Durable == model.DurableClose {
		w.close(history)
	}
	if g.Refresh == model.RefreshOpen {
		w.age(history, g.Staleness)
	}
}

// close fills in which close of its handle publishes each change.
func (w *windows) close(history []model.Op) {
	if w.closes {
		return
	}
	w.closes = true
	var next [model.MaxHosts + 1][256]int // index+1 of the next close of a slot; recorded histories have more than MaxFile
	for i := len(history) - 1; i >= 0; i-- {
		op, in := &history[i], &w.info[i]
		slots := &next[min(op.Host, model.MaxHosts)]
		switch {
		case op.Kind == model.Close && op.Succeeded():
			in.closed = int64(slots[op.File]) // for the operations that had not returned when this was called
			slots[op.File] = i + 1
			continue
		case op.File == 0 || in.opener < 0 || op.Pending() || in.cut:
			continue
		}
		for k := slots[op.File]; k > 0; k = int(w.info[k-1].closed) {
			c := &history[k-1]
			if c.Call <= op.Return {
				continue // it overlaps
			}
			if w.info[k-1].opener == in.opener && w.alive(i, c.Return, history) {
				in.closed = c.Return
			}
			break
		}
	}
}

// age fills in how old a view of names may be: no older than the moment since
// which its host's clock has ticked that often.
func (w *windows) age(history []model.Op, ticks int) {
	var clocks [model.MaxHosts + 1]struct {
		at   []int // events in which time passed
		from int   // the first that counts
		sum  int   // ticks of those from there on
	}
	tick := func(host model.Host, i int) {
		k := &clocks[min(host, model.MaxHosts)]
		k.at = append(k.at, i)
		k.sum += int(history[i].Len)
		for k.from < len(k.at) && k.sum-int(history[k.at[k.from]].Len) >= ticks {
			k.sum -= int(history[k.at[k.from]].Len)
			k.from++
		}
	}
	for i := range history {
		op := &history[i]
		k := &clocks[min(op.Host, model.MaxHosts)]
		switch in := &w.info[i]; {
		case ticks == 0:
			in.fresh = op.Call
		case op.Kind == model.Tick && !op.Skipped && op.Host == model.Everyone:
			for h := range clocks {
				tick(model.Host(h), i)
			}
		case op.Kind == model.Tick && !op.Skipped:
			tick(op.Host, i)
		case k.sum >= ticks:
			in.fresh = history[k.at[k.from]].Call
		default:
			in.fresh = 0
		}
	}
}
