package brute

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// History makes a run from a few words. It panics on bad text, as it is for
// histories that are written into tests.
//
// Statements are separated by ";" or new lines, one after the other in time:
//
//	A create a; B stat a -> ENOENT; A write a[0]=5; A sync; F read a -> 5
//
// A statement is a host (A to P, or F for the final observer), an action, and
// after "->" its answer, ok where none is written:
//
//	create|unlink|mkdir|rmdir PATH    -> ok or an error
//	rename|link PATH PATH             -> ok or an error
//	stat PATH                         -> SIZE in words, "dir", or an error
//	readdir PATH                      -> names, or "empty", or an error
//	open PATH fN; close fN
//	read TARGET                       -> what was read, or an error
//	write TARGET[B]=N                 all of block B, with data N
//	write TARGET[OFF+LEN]=N           words; -> WORDS when fewer were written
//	append TARGET=N; append TARGET+LEN=N     a block, or LEN words
//	truncate TARGET SIZE
//	lock fN; lock fN shared; lock fN OFF LEN shared; unlock fN; unlock fN OFF LEN
//	fsync TARGET; sync; statfs; writeback; refresh; mount; unmount; remount; reboot
//	crash; fence; pause; resume; all power-loss; all tick N
//
// PATH needs no leading slash, but the root is "/". TARGET is a path or a handle
// fN. A read asks for two blocks; "read a[B]" for block B, "read a[OFF+LEN]"
// for words. What was read is one digit for each whole block, "50", or runs of
// words, "4x5,4x0", or "nothing". The answer "pending" is that of an operation
// that never returned, "skipped" one that was not carried out.
//
// Operations joined by "|" overlap: all are called, in the order written, before
// any returns, in the same order. Statements in braces after a statement run
// between its call and its return:
//
//	A create a | B create a -> EEXIST
//	A unlink a { B stat a -> 0; B stat a -> ENOENT }
//
// A host whose first statement is not a mount is mounted at the start, Final
// just before its first statement. "end", or "end B A", unmounts all hosts, or
// these in this order, as a Program ends; a host that is down after a crash or a
// power loss is passed over. What is under way when its host crashes is pending:
//
//	A create a -> pending { A crash }; A mount; A stat a -> ENOENT
func History(text string) model.Run {
	b := builder{rest: text, mounted: map[model.Host]bool{}}
	for _, host := range b.hostsMountedAtStart() {
		b.record(model.Op{Host: host, Kind: model.Mount})
	}
	b.statements(false)
	return b.run()
}

type builder struct {
	rest    string
	ops     []model.Op
	steps   []model.Step
	now     int64
	mounted map[model.Host]bool
	closing []model.Host
}

func (b *builder) fail(what string) {
	panic(fmt.Sprintf("brute: bad history: %s before %q", what, b.rest))
}

func (b *builder) tick() int64 { b.now++; return b.now }

// record adds an operation that nothing overlaps.
func (b *builder) record(o model.Op) {
	o.Call, o.Return = b.tick(), b.tick()
	b.ops = append(b.ops, o)
}

// hostsMountedAtStart finds the hosts, in order, whose first statement is no
// mount.
func (b *builder) hostsMountedAtStart() []model.Host {
	var hosts []model.Host
	first := map[model.Host]bool{}
	split := func(r rune) bool { return strings.ContainsRune(";|{}\n", r) }
	for _, statement := range strings.FieldsFunc(b.rest, split) {
		words := strings.Fields(statement)
		if len(words) < 2 || words[0] == "end" || words[0] == "F" || words[0] == "all" {
			continue
		}
		host := b.host(words[0])
		if !first[host] && words[1] != "mount" {
			hosts = append(hosts, host)
		}
		first[host] = true
	}
	slices.Sort(hosts)
	return hosts
}

func (b *builder) host(word string) model.Host {
	switch {
	case word == "F":
		return model.Final
	case word == "all":
		return model.Everyone
	case len(word) == 1 && word[0] >= 'A' && word[0] < 'A'+model.MaxHosts:
		return model.Host(word[0] - 'A')
	}
	b.fail("no host: " + word)
	return 0
}

// statements reads statements up to the end of the text, or a closing brace.
func (b *builder) statements(inBraces bool) {
	for {
		b.rest = strings.TrimLeft(b.rest, "; \t\n")
		if b.rest == "" || b.rest[0] == '}' {
			if inBraces != (b.rest != "") {
				b.fail("unmatched brace")
			}
			b.rest = strings.TrimPrefix(b.rest, "}")
			return
		}
		b.group()
	}
}

// group reads one statement, or several joined by "|".
func (b *builder) group() {
	var open []int
	for {
		end := strings.IndexAny(b.rest, ";|{}\n")
		if end < 0 {
			end = len(b.rest)
		}
		statement := b.rest[:end]
		b.rest = b.rest[end:]
		open = append(open, b.call(statement)...)
		if strings.HasPrefix(b.rest, "{") {
			b.rest = b.rest[1:]
			b.statements(true)
			b.rest = strings.TrimLeft(b.rest, " \t")
		}
		if !strings.HasPrefix(b.rest, "|") {
			break
		}
		b.rest = b.rest[1:]
	}
	for _, i := range open {
		if b.ops[i].Return != model.Never {
			b.ops[i].Return = b.tick()
		}
	}
}

// call adds the operations of one statement, and returns those that are still
// to return.
func (b *builder) call(statement string) []int {
	words := strings.Fields(statement)
	if len(words) > 0 && words[0] == "end" {
		b.end(words[1:])
		return nil
	}
	action, answer, _ := strings.Cut(statement, "->")
	words = strings.Fields(action)
	if len(words) < 2 {
		b.fail("no host and action: " + statement)
	}
	o := model.Op{Host: b.host(words[0])}
	kind, ok := model.ParseKind(words[1])
	if !ok {
		b.fail("unknown action: " + words[1])
	}
	o.Kind = kind
	if o.Host == model.Final {
		if kind != model.Mount && !b.mounted[o.Host] {
			b.record(model.Op{Host: o.Host, Kind: model.Mount})
		}
		b.mounted[o.Host] = true
	} else {
		o.Step = len(b.steps) + 1
	}
	b.operands(&o, words[2:])
	if o.Step != 0 {
		b.steps = append(b.steps, o.AsStep())
	}
	b.answer(&o, strings.TrimSpace(answer))
	if kind == model.Remount || kind == model.Reboot {
		o.Kind = model.Unmount
		b.record(o)
		o.Kind = model.Mount
	}
	o.Call = b.tick()
	b.ops = append(b.ops, o)
	return []int{len(b.ops) - 1}
}

// end closes the program with unmounts.
func (b *builder) end(words []string) {
	for _, word := range words {
		b.closing = append(b.closing, b.host(word))
	}
	if len(words) == 0 {
		for host := range b.hosts() {
			b.closing = append(b.closing, model.Host(host))
		}
	}
	for k, host := range b.closing {
		if b.down(host) {
			continue
		}
		b.record(model.Op{Step: len(b.steps) + 1 + k, Host: host, Kind: model.Unmount})
	}
}

// down reports whether host has crashed and not mounted again.
func (b *builder) down(host model.Host) bool {
	for _, o := range slices.Backward(b.ops) {
		switch {
		case o.Kind == model.PowerLoss, o.Kind == model.Crash && o.Host == host:
			return true
		case o.Kind == model.Mount && o.Host == host:
			return false
		}
	}
	return false
}

// hosts is how many hosts have been seen.
func (b *builder) hosts() int {
	n := 1
	for _, o := range b.ops {
		if o.Host < model.MaxHosts {
			n = max(n, int(o.Host)+1)
		}
	}
	return n
}

// operands fills in what the action is done to.
func (b *builder) operands(o *model.Op, words []string) {
	all := strings.Join(words, " ")
	target, data, _ := strings.Cut(all, "=")
	o.Data = byte(b.number(data, 0))
	switch o.Kind {
	case model.Open:
		if len(words) != 2 {
			b.fail("open takes a path and a slot")
		}
		o.Path, o.File = pathOf(words[0]), b.slot(words[1])
		return
	case model.Rename, model.Link:
		if len(words) != 2 {
			b.fail("two paths are wanted")
		}
		o.Path, o.To = pathOf(words[0]), pathOf(words[1])
		return
	case model.Tick:
		o.Len = int32(b.number(target, 0))
		return
	case model.Close:
		o.File = b.slot(target)
		return
	case model.Lock, model.Unlock:
		o.File = b.slot(words[0])
		if last := len(words) - 1; words[last] == "shared" {
			o.Shared, words = true, words[:last]
		}
		if len(words) == 3 {
			o.Off, o.Len = int32(b.number(words[1], 0)), int32(b.number(words[2], 0))
		}
		return
	case model.Append:
		var length string
		target, length, _ = strings.Cut(target, "+")
		o.Len = int32(b.number(length, model.WordsPerBlock))
	case model.Truncate:
		var size string
		target, size, _ = strings.Cut(target, " ")
		o.Len = int32(b.number(size, 0))
	case model.Read, model.Write:
		var where string
		target, where, _ = strings.Cut(target, "[")
		where = strings.TrimSuffix(where, "]")
		from, length, inWords := strings.Cut(where, "+")
		switch {
		case where == "":
			o.Off, o.Len = 0, 2*model.WordsPerBlock
		case inWords:
			o.Off, o.Len = int32(b.number(from, 0)), int32(b.number(length, 0))
		default:
			o.Off, o.Len = int32(b.number(from, 0))*model.WordsPerBlock, model.WordsPerBlock
		}
	}
	if o.Kind.TakesData() && len(target) == 2 && target[0] == 'f' && target[1] >= '1' && target[1] <= '3' {
		o.File = b.slot(target)
	} else if target != "" {
		o.Path = pathOf(target)
	}
}

func pathOf(word string) model.Path {
	return model.Path("/" + strings.TrimPrefix(word, "/"))
}

func (b *builder) slot(word string) uint8 { return uint8(b.number(strings.TrimPrefix(word, "f"), 0)) }

func (b *builder) number(word string, absent int) int {
	if word == "" {
		return absent
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		b.fail("no number: " + word)
	}
	return n
}

// answer fills in the result. Return stays 0 for an operation that is to return.
func (b *builder) answer(o *model.Op, text string) {
	errno, isErrno := model.ParseErrno(text)
	written := o.Kind == model.Write || o.Kind == model.Append
	switch {
	case text == "pending":
		o.Return = model.Never
	case text == "skipped":
		o.Skipped = true
	case isErrno && errno != model.OK:
		o.Result.Errno = errno
	case o.Kind == model.Stat && text == "dir":
		o.Result.Type = model.Dir
	case o.Kind == model.Stat:
		if isErrno || text == "" {
			b.fail("stat needs a size or dir")
		}
		o.Result.Type, o.Result.Size = model.File, int64(b.number(text, 0))
	case o.Kind == model.Readdir && text != "empty":
		o.Result.Names = strings.Fields(text)
	case o.Kind == model.Read:
		o.Result.Data = b.words(text)
	case written && !isErrno:
		o.Result.Size = int64(b.number(text, int(o.Len)))
	case written:
		o.Result.Size = int64(o.Len)
	case !isErrno && text != "" && text != "empty":
		b.fail("unknown answer: " + text)
	}
}

// words is the content of a read.
func (b *builder) words(text string) []byte {
	var data []byte
	fill := func(n, word int) {
		for range n {
			data = append(data, byte(word))
		}
	}
	switch {
	case text == "":
		b.fail("read needs an answer")
	case text == "nothing":
	case strings.Contains(text, "x"):
		for part := range strings.SplitSeq(text, ",") {
			n, word, _ := strings.Cut(part, "x")
			fill(b.number(n, 0), b.number(word, 0))
		}
	default:
		for _, digit := range text {
			fill(model.WordsPerBlock, b.number(string(digit), 0))
		}
	}
	return data
}

// run is the finished run: the Program has every statement of a real host as a
// step.
func (b *builder) run() model.Run {
	p := model.Program{Hosts: b.hosts(), Steps: b.steps, Unmounts: b.closing}
	for host := range model.Host(p.Hosts) {
		if !slices.Contains(p.Unmounts, host) {
			p.Unmounts = append(p.Unmounts, host)
		}
	}
	return model.Run{Program: p, History: b.ops}
}
