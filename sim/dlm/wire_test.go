package dlm

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMessagesThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u32 := rapid.Uint32()
		b := rapid.Bool()
		m := message{
			kind: messageKind(1 + rapid.IntRange(0, 7).Draw(t, "kind")), epoch: u32.Draw(t, "epoch"),
			name: Name{rapid.Uint8().Draw(t, "type"), u32.Draw(t, "number")}, seq: u32.Draw(t, "seq"),
			mode: Mode(rapid.IntRange(0, 6).Draw(t, "mode")), answer: outcome(rapid.IntRange(0, 3).Draw(t, "answer")),
			noQueue: b.Draw(t, "no queue"), writes: b.Draw(t, "writes"), valid: b.Draw(t, "valid"),
			version: u32.Draw(t, "version"),
		}
		copy(m.value[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "value"))
		e := entry{name: m.name, mode: m.mode, usable: CR, seq: m.seq, valid: m.valid, version: m.version, value: m.value}
		p := e.append(m.append(nil))
		got, rest, ok := decodeMessage(p)
		if !ok || got != m || len(rest) != entryBytes || decodeEntry(rest) != e {
			t.Fatalf("%+v came back as %+v and %+v", m, got, decodeEntry(rest))
		}
	})
	if _, _, ok := decodeMessage(make([]byte, messageBytes-1)); ok {
		t.Error("half a message was taken for one")
	}
}

func TestViewsThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := view{epoch: rapid.Uint32().Draw(t, "epoch"), master: uint8(rapid.IntRange(0, Slots-1).Draw(t, "master"))}
		for i := range v.slots {
			v.slots[i] = seat{rapid.Uint32Range(0, 1<<14-1).Draw(t, "life"), rapid.Bool().Draw(t, "member"), rapid.Bool().Draw(t, "dirty")}
		}
		p := make([]byte, 256)
		v.encode(p)
		var got view
		if !got.decode(p) || got != v {
			t.Fatalf("%+v came back as %+v", v, got)
		}
	})
	if new(view).decode(make([]byte, 256)) {
		t.Error("zeroes were taken for a view")
	}
}

// Who is a member, and who the master, as hosts come and go.
func TestViews(t *testing.T) {
	v := view{master: nobody}
	check := func(what string, master uint8, members int, dirty uint8) {
		t.Helper()
		if v.master != master || v.members() != members || v.dirty() != dirty {
			t.Errorf("%s: master %d, %d members, dirty %d; want %d, %d, %d", what, v.master, v.members(), v.dirty(), master, members, dirty)
		}
	}
	v.join(1)
	check("the first to join is the master", 1, 1, nobody)
	v.join(0)
	check("and stays it", 1, 2, nobody)
	v.join(2)
	v.join(1)
	check("a master that comes back knows nothing: the lowest follows", 0, 3, 1)
	v.slots[1].dirty = false
	v.evict([]uint8{0, 2})
	check("two are dead", 1, 1, 0)
	v.slots[0].dirty = false
	check("one of them is recovered", 1, 1, 2)
	v.leave(1)
	check("nobody is left, and something to recover", nobody, 0, 2)
	if life := v.join(2); life != 2 || !v.has(2, 2) || v.has(2, 1) {
		t.Errorf("life %d", life)
	}
	check("it is the one to recover itself", 2, 1, 2)
}
