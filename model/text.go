package model

import (
	"fmt"
	"strconv"
	"strings"
)

// The text of steps and results: the one form that case files, reports, traces
// and rapid's draw log print. Package corpus parses it back.

// String is the step as a case file has it, without its number:
// "A write /a 0 8 #1", "B open /a f1", "A writeback".
func (s Step) String() string { return string(s.AppendText(nil)) }

// GoString is String, so that a failing property prints a program and not a
// struct.
func (s Step) GoString() string { return s.String() }

// AppendText appends String to b.
func (s Step) AppendText(b []byte) []byte {
	b = append(b, s.Host.String()...)
	b = append(b, ' ')
	return append(b, s.Action()...)
}

// Action is the step without its host: "write /a 0 8 #1".
func (s Step) Action() string {
	b := []byte(s.Kind.String())
	if s.Path != "" {
		b = append(append(b, ' '), s.Path...)
	}
	if s.To != "" {
		b = append(append(b, ' '), s.To...)
	}
	if s.File != 0 {
		b = strconv.AppendInt(append(b, " f"...), int64(s.File), 10)
	}
	number := func(n int32) { b = strconv.AppendInt(append(b, ' '), int64(n), 10) }
	switch s.Kind {
	case Read, Write:
		number(s.Off)
		number(s.Len)
	case Append, Truncate:
		number(s.Len)
	case Writeback:
		if s.Off > 0 {
			number(s.Off)
		}
		if s.Len > 0 {
			number(s.Len)
		}
	case Refresh, Lock, Unlock:
		if s.Len > 0 {
			number(s.Off)
			number(s.Len)
		}
	case Crash, PowerLoss, DiskReset:
		if s.Off != 0 {
			b = append(b, " keep"...)
		}
		for n := range KeptBits {
			if s.Keeps(n) {
				number(int32(n) + 1)
			}
		}
	case Partition, Heal:
		switch s.Off {
		case FromAll:
		case FromDisk:
			b = append(b, " disk"...)
		default:
			b = append(append(b, ' '), Host(s.Off-1).String()...)
		}
	case Tick:
		number(s.Len)
	}
	if s.Data != 0 {
		b = strconv.AppendInt(append(b, " #"...), int64(s.Data), 10)
	}
	if s.Direct {
		b = append(b, " direct"...)
	}
	if s.Shared {
		b = append(b, " shared"...)
	}
	return string(b)
}

// String is the hold as a case file has it: "hold 3 at write#2 until 5".
func (h Hold) String() string {
	return fmt.Sprintf("hold %d at %v#%d until %d", h.Step, h.At, h.N, h.Until)
}

// String is the program as a case file has it, one numbered step a line, then
// the holds, the strikes, then the closing unmounts.
func (p Program) String() string {
	var b strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%d %v\n", i+1, s)
	}
	for _, h := range p.Holds {
		fmt.Fprintln(&b, h)
	}
	for _, k := range p.Strikes {
		fmt.Fprintln(&b, k)
	}
	for _, h := range p.Unmounts {
		fmt.Fprintf(&b, "end %v unmount\n", h)
	}
	return b.String()
}

// GoString is String on lines of its own.
func (p Program) GoString() string { return "\n" + p.String() }

// Words prints what a read returned, runs of equal words folded: "8x#1 4x0",
// "nothing" when there is none, "?" for Garbage.
func Words(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for i := 0; i < len(data); {
		j := i
		for j < len(data) && data[j] == data[i] {
			j++
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%dx", j-i)
		switch data[i] {
		case Hole:
			b.WriteByte('0')
		case Garbage:
			b.WriteByte('?')
		default:
			fmt.Fprintf(&b, "#%d", data[i])
		}
		i = j
	}
	return b.String()
}
