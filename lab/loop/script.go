package loop

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// ErrScript is wrapped by the error for a Program that a shell cannot do: what
// needs a disk of ours.
var ErrScript = errors.New("no shell script can do that")

// Script is a shell script that does what a Program does on a file system of
// Linux: with losetup, mount and the usual commands, and without this project. It
// says at the end what is lost: what the closing mount has to show if every
// change had its effect, one after another. Notes become comments.
//
// Events that need a disk of ours, holds, strikes and open files have no
// equivalent there; the error names the first.
func Script(p model.Program, s System, notes []string) (string, error) {
	if err := p.Validate(); err != nil {
		return "", err
	}
	if len(p.Holds) > 0 {
		return "", fmt.Errorf("%v: %w", p.Holds[0], ErrScript)
	}
	if len(p.Strikes) > 0 {
		return "", fmt.Errorf("%v: %w", p.Strikes[0], ErrScript)
	}
	w := script{system: s}
	w.put("#!/bin/sh")
	for _, n := range notes {
		w.put("# " + strings.Map(printableRune, n))
	}
	w.put("# Run as root. It makes one file and loop devices on it, and takes them away.")
	// Until the script stands in a directory of its own it must touch nothing, and
	// it takes away nothing but that directory: it is run as root.
	w.put("set -u")
	w.put("d=$(mktemp -d) && cd \"$d\" || exit 2")
	w.put("trap 'cd \"$d\" && for m in %s final; do off $m; done 2>/dev/null; cd / && rm -f \"$d/disk\" && rmdir \"$d\"/* \"$d\" 2>/dev/null' EXIT", hosts(p))
	w.put("trap 'exit 2' HUP INT TERM")
	w.put("fail() { echo \"$1\" >&2; exit 2; }")
	w.put("truncate -s %d disk && %s disk || fail 'cannot make a file system'", DefaultSize, strings.Join(s.mkfs, " "))
	w.put("on() { mkdir -p $1 && dev=$(losetup --direct-io=on --sector-size %d -f --show disk) || fail \"$1: no loop device\"; %s || { losetup -d $dev; fail \"$1: mount failed\"; }; }", blockSize, s.command())
	w.put("off() { dev=$(findmnt -no SOURCE --mountpoint \"$PWD/$1\") && umount $1 && losetup -d $dev; }")
	w.put("data() { head -c $2 /dev/zero | tr '\\000' \"\\\\$1\"; }")
	w.put("")
	fs := &model.FS{}
	for i, step := range p.Steps {
		if err := w.step(i+1, step); err != nil {
			return "", err
		}
		if !step.Kind.Event() {
			fs.Apply(step)
		}
	}
	for _, h := range p.Unmounts {
		w.put("off %v 2>/dev/null", h)
	}
	w.put("")
	w.put("on final; ls -lA final")
	w.put("lost=0; lose() { echo \"LOST: $1\"; lost=1; }")
	for _, path := range p.Paths() {
		w.expect(fs, path)
	}
	w.put("exit $lost")
	return w.text.String(), nil
}

type script struct {
	system System
	text   strings.Builder
}

func (w *script) put(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	w.text.WriteString(format + "\n")
}

// printableRune keeps a comment one line.
func printableRune(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// command mounts device $dev on $1.
func (s System) command() string {
	if s.kernel == "" {
		return "ntfs-3g $dev $1"
	}
	return fmt.Sprintf("mount -t %s -o %s $dev $1", s.kernel, s.options)
}

// hosts are the mount points of a program's hosts.
func hosts(p model.Program) string {
	var names []string
	for h := range p.Hosts {
		names = append(names, model.Host(h).String())
	}
	return strings.Join(names, " ")
}

// step writes the command of a step. One that fails says so, and the script goes
// on: it may be meant to.
func (w *script) step(n int, s model.Step) error {
	if s.File != 0 || s.Direct {
		return fmt.Errorf("step %d (%v): %w", n, s, ErrScript)
	}
	at, to := s.Host.String()+string(s.Path), s.Host.String()+string(s.To)
	bytes := func(words int32) int64 { return int64(words) * wordSize }
	command := ""
	switch s.Kind {
	case model.Create:
		command = fmt.Sprintf("(set -C; : >%s)", at)
	case model.Mkdir:
		command = "mkdir " + at
	case model.Unlink:
		command = "unlink " + at
	case model.Rmdir:
		command = "rmdir " + at
	case model.Rename:
		command = fmt.Sprintf("mv -T %s %s", at, to)
	case model.Link:
		command = fmt.Sprintf("ln %s %s", at, to)
	case model.Readdir:
		command = "ls -A " + at
	case model.Stat:
		command = fmt.Sprintf("stat -c '%%F of %%s' %s", at)
	case model.Truncate:
		command = fmt.Sprintf("truncate -c -s %d %s", bytes(s.Len), at)
	case model.Write:
		command = fmt.Sprintf("data %o %d | dd of=%s bs=%d seek=%d conv=notrunc,nocreat iflag=fullblock status=none", s.Data, bytes(s.Len), at, wordSize, s.Off)
	case model.Append:
		command = fmt.Sprintf("[ -e %s ] && data %o %d >>%s", at, s.Data, bytes(s.Len), at)
	case model.Read:
		command = fmt.Sprintf("dd if=%s bs=%d skip=%d count=%d status=none | od -An -b | uniq -c", at, wordSize, s.Off, s.Len)
	case model.Fsync:
		command = "sync " + at
	case model.Sync, model.Writeback:
		command = fmt.Sprintf("sync -f %v", s.Host)
	case model.Statfs:
		command = fmt.Sprintf("df %v", s.Host)
	case model.Mount:
		command = fmt.Sprintf("on %v", s.Host)
	case model.Unmount:
		command = fmt.Sprintf("off %v", s.Host)
	case model.Remount, model.Reboot:
		command = fmt.Sprintf("off %v && on %v", s.Host, s.Host)
	case model.Refresh:
		command = "echo 3 >/proc/sys/vm/drop_caches"
	default:
		return fmt.Errorf("step %d (%v): %w", n, s, ErrScript)
	}
	w.put("%s || echo 'step %d failed: %v'", command, n, s)
	return nil
}

// expect writes the check of a name.
func (w *script) expect(fs *model.FS, path model.Path) {
	switch is := fs.Apply(model.Step{Kind: model.Stat, Path: path}); is.Type {
	case model.Dir:
		w.put("[ -d final%s ] || lose %s", path, path)
	case model.File:
		words := fs.Apply(model.Step{Kind: model.Read, Path: path, Len: int32(max(is.Size, 1))}).Data
		content := sha256.New()
		word := make([]byte, wordSize)
		for _, b := range words {
			for i := range word {
				word[i] = b
			}
			content.Write(word)
		}
		w.put("[ \"$(sha256sum <final%s 2>/dev/null)\" = '%x  -' ] || lose %s", path, content.Sum(nil), path)
	default:
		w.put("[ ! -e final%s ] || lose 'the removal of %s'", path, path)
	}
}
