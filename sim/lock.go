package sim

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// lock is one cluster-wide lock.
type lock struct {
	gate
	name string
}

// Lock takes the cluster-wide exclusive lock called name, and waits while any
// step of any host has it. A step that takes a lock it has already, or ends
// with one, misuses it.
func (h *Host) Lock(name string) {
	t := h.enter()
	t.reach(model.LockCommand)
	n := h.w.lockNumber(name)
	l := h.w.locks[n]
	if l.owner == t {
		h.w.fail(model.Misuse, t, fmt.Sprintf("lock %q taken twice by one step", name))
	}
	l.take(t)
	h.w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: model.Locked, Block: int32(n)})
}

// Unlock gives up the lock called name, which this step must have.
func (h *Host) Unlock(name string) {
	t := h.enter()
	n := h.w.lockNumber(name)
	l := h.w.locks[n]
	if l.owner != t {
		h.w.fail(model.Misuse, t, fmt.Sprintf("unlock of %q, which this step does not have", name))
	}
	l.owner = nil
	h.w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: model.Unlocked, Block: int32(n)})
}

// lockNumber finds a lock or makes it. Locks live as long as the world, so that
// a run makes none anew; which number a name has can depend on earlier runs,
// so numbers are given anew in each run.
func (w *world) lockNumber(name string) int {
	for i := 0; i < w.lockCount; i++ {
		if w.locks[i].name == name {
			return i
		}
	}
	if w.lockCount == len(w.locks) {
		w.locks = append(w.locks, &lock{})
	}
	l := w.locks[w.lockCount]
	l.name, l.owner = name, nil
	w.lockCount++
	return w.lockCount - 1
}

// Mutex is a lock among the clients of one host, as an operating system has
// around a file system's memory: no message, no other host sees it. The zero
// value is free. It must not be copied after its first use. A step that takes
// one it has already, or ends with one, misuses it.
type Mutex struct {
	gate gate
}

// Lock waits until the mutex is free and takes it.
func (m *Mutex) Lock(h *Host) {
	t := h.enter()
	if m.gate.owner == t {
		h.w.fail(model.Misuse, t, "a mutex locked twice by one step")
	}
	m.gate.take(t)
	t.mutexes++
}

// Unlock frees the mutex, which this step must have.
func (m *Mutex) Unlock(h *Host) {
	t := h.enter()
	if m.gate.owner != t {
		h.w.fail(model.Misuse, t, "unlock of a mutex that this step does not have")
	}
	m.gate.owner = nil
	t.mutexes--
}
