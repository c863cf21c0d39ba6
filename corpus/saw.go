package corpus

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// sawPrefix begins the line of an answer.
const sawPrefix = "saw "

// Recorded is the history of a run of p as [Case.Saw] holds it: the same operations
// in the order of their calls, at times that say no more than which had returned
// when the next was called. It is nil for a history that no case can hold, such as
// one with a listing that names a file with a space in it.
func Recorded(p model.Program, history []model.Op) []model.Op {
	if len(history) == 0 {
		return nil
	}
	ops := make([]model.Op, len(history))
	for i, op := range history {
		ops[i] = asked(op.Step, op.AsStep())
		if parseAnswer(&ops[i], Answer(op)) != nil || op.Kind == model.Readdir && op.Succeeded() && !slices.Equal(ops[i].Result.Names, op.Result.Names) {
			return nil
		}
	}
	putTimes(ops, Until(history))
	var b strings.Builder
	writeSaw(&b, p, ops)
	lines, err := splitLines([]byte(b.String()))
	if err != nil || b.Len() > MaxFile/2 {
		return nil
	}
	if got, err := parseSaw(p, lines, 1); err != nil || !reflect.DeepEqual(got, ops) {
		return nil
	}
	return ops
}

// Until is, for each operation of a history, the last step that was called before it
// returned, or 0 if none was.
func Until(history []model.Op) []int {
	until := make([]int, len(history))
	for i, op := range history {
		for j := i + 1; j < len(history) && !op.Pending() && history[j].Call < op.Return; j++ {
			until[i] = history[j].Step
		}
	}
	return until
}

// asked is the operation of a step before it is called.
func asked(n int, s model.Step) model.Op {
	return model.Op{Step: n, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared}
}

// putTimes gives operations the times of their calls and returns. Until has, for
// one that was under way when others were called, the step of the last of those;
// else 0. It is taken to have returned after all that was called for that step: a
// remount is two operations, and to have lasted longer excuses more.
func putTimes(ops []model.Op, until []int) {
	apart := int64(len(ops) + 1)
	for i := range ops {
		at := i
		for j := i + 1; j < len(ops) && until[i] != 0 && ops[j].Step != 0 && ops[j].Step <= until[i]; j++ {
			at = j
		}
		ops[i].Call = int64(i) * apart
		if !ops[i].Pending() {
			ops[i].Return = int64(at)*apart + 1 + int64(i)
		}
	}
}

// Answer is what an operation answered, as a case has it: the text of
// [model.Op.Answer], but "names: a b" for a listing.
func Answer(op model.Op) string {
	if op.Kind == model.Readdir && op.Succeeded() {
		return strings.TrimSuffix("names: "+strings.Join(op.Result.Names, " "), " ")
	}
	return op.Answer()
}

// writeSaw writes a line for each operation: "saw 3 -> ok", with the number of the
// last step that was called before it returned, if there is one: "saw 3-5 -> ok".
// An operation that is not the step of that number says what it is: one of the two
// of a remount, or of the closing observation, which has no number.
func writeSaw(b *strings.Builder, p model.Program, ops []model.Op) {
	until := Until(ops)
	for i, op := range ops {
		b.WriteString(sawPrefix)
		if op.Host != model.Final {
			b.WriteString(strconv.Itoa(op.Step))
			if until[i] != 0 {
				fmt.Fprintf(b, "-%d", until[i])
			}
		}
		s := op.AsStep()
		if op.Host == model.Final {
			b.WriteString(s.String())
		} else if of, _ := p.StepAt(op.Step); of != s {
			b.WriteString(" " + s.String())
		}
		b.WriteString(" -> " + Answer(op) + "\n")
	}
}

// parseSaw is the inverse of writeSaw; the first of lines is number first of the
// file.
func parseSaw(p model.Program, lines []string, first int) ([]model.Op, *SyntaxError) {
	var ops []model.Op
	until := make([]int, len(lines))
	for i, line := range lines {
		op, last, err := parseSeen(p, line)
		if err == nil && len(ops) > 0 {
			if before := ops[len(ops)-1]; before.Host == model.Final && op.Host != model.Final || op.Host != model.Final && op.Step < before.Step {
				err = errors.New("it stands too late\nhint: answers stand in the order of the steps, those of the closing observation last")
			}
		}
		if err != nil {
			return nil, errorf(first+i, "%s: %v", quote(line), err)
		}
		ops, until[i] = append(ops, op), last
	}
	putTimes(ops, until)
	var b strings.Builder
	writeSaw(&b, p, ops)
	// What was too much, or of steps that have no answer, shows here.
	for i, want := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if lines[i] != want {
			return nil, errorf(first+i, "%s is not how an answer is written\nhint: did you mean %q?", quote(lines[i]), want)
		}
	}
	return ops, nil
}

// parseSeen reads the line of one answer, and the last step that was called before
// it came, or 0.
func parseSeen(p model.Program, line string) (op model.Op, until int, err error) {
	text, ok := strings.CutPrefix(line, sawPrefix)
	what, answer, found := strings.Cut(text, " -> ")
	if !ok || !found {
		return op, 0, errors.New("not an answer\nhint: for example \"saw 3 -> ok\" or \"saw final stat /a -> ENOENT\"")
	}
	if closing, ok := strings.CutPrefix(what, "final "); ok {
		s, err := parseStep("A " + closing)
		if err != nil {
			return op, 0, err
		}
		s.Host = model.Final
		op = asked(0, s)
		return op, 0, parseAnswer(&op, answer)
	}
	numbers, action, _ := strings.Cut(what, " ")
	start, end, both := strings.Cut(numbers, "-")
	n, err := number(start)
	if err != nil {
		return op, 0, err
	}
	s, ok := p.StepAt(n)
	if !ok {
		return op, 0, fmt.Errorf("there is no step %d", n)
	}
	if both {
		if until, err = number(end); err != nil {
			return op, 0, err
		}
	}
	if action != "" {
		if s, err = parseStep(action); err != nil {
			return op, 0, err
		}
	}
	op = asked(n, s)
	return op, until, parseAnswer(&op, answer)
}

// Answers that are more than a word.
var (
	someWords = regexp.MustCompile(`^([0-9]{1,5})x(0|\?|#[0-9]{1,3})$`)
	someSpace = regexp.MustCompile(`^([0-9]{1,18}) of ([0-9]{1,18}) free$`)
)

// parseAnswer is the inverse of [Answer].
func parseAnswer(op *model.Op, text string) error {
	r := &op.Result
	e, isErrno := model.ParseErrno(text)
	size, isSize := strings.CutPrefix(text, "file of ")
	space := someSpace.FindStringSubmatch(text)
	var err error
	switch {
	case text == "skipped":
		op.Skipped = true
	case text == "never returned":
		op.Return = model.Never
	case isErrno && e != model.OK:
		r.Errno = e
	case op.Kind == model.Read:
		r.Data, err = parseWords(text)
	case op.Kind == model.Readdir:
		if names, ok := strings.CutPrefix(text, "names: "); ok {
			r.Names = strings.Split(names, " ")
		}
	case op.Kind == model.Stat && isSize:
		r.Type = model.File
		r.Size, err = count(size)
	case op.Kind == model.Stat && text == model.Dir.String():
		r.Type = model.Dir
	case op.Kind == model.Statfs && space != nil:
		r.Free, _ = count(space[1]) // digits, and not too many
		r.Total, _ = count(space[2])
	case op.Kind == model.Write || op.Kind == model.Append:
		r.Size = int64(op.Len)
		if n, ok := strings.CutSuffix(text, " written"); ok {
			r.Size, err = count(n)
		}
	}
	if err != nil || Answer(*op) != text {
		return fmt.Errorf("%s is no answer of a %v", quote(text), op.Kind)
	}
	return nil
}

// count reads how many there are, of whatever.
func count(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

// parseWords is the inverse of [model.Words].
func parseWords(text string) (data []byte, err error) {
	if text == model.Words(nil) {
		return nil, nil
	}
	for _, word := range strings.Split(text, " ") {
		m := someWords.FindStringSubmatch(word)
		if m == nil {
			return nil, errors.New("not words")
		}
		n, _ := strconv.Atoi(m[1]) // digits, and not too many
		b := model.Hole
		switch m[2] {
		case "0":
		case "?":
			b = model.Garbage
		default:
			of, _ := strconv.Atoi(m[2][1:])
			if of < 1 || of > model.MaxData {
				return nil, errors.New("not the number of a write")
			}
			b = byte(of)
		}
		if n < 1 || len(data)+n > model.MaxWords {
			return nil, errors.New("not so many words")
		}
		for range n {
			data = append(data, b)
		}
	}
	return data, nil
}
