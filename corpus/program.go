package corpus

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// parseProgram fills p, whose Hosts is set, from the lines of a program, the
// first of which is line number first of the file.
func parseProgram(p *model.Program, lines []string, first int) *SyntaxError {
	section := 0 // 0: steps, 1: holds, 2: closing unmounts
	for i, line := range lines {
		var now int
		var err error
		switch {
		case strings.HasPrefix(line, "hold "):
			now, err = 1, addHold(p, line)
		case strings.HasPrefix(line, "end "):
			now, err = 2, addUnmount(p, line)
		default:
			now, err = 0, addStep(p, line)
		}
		if err != nil {
			return errorf(first+i, "%v", err)
		}
		if now < section {
			return errorf(first+i, "%s stands too late\nhint: first the steps, then the holds, then the closing unmounts", quote(line))
		}
		section = now
	}
	if err := p.Validate(); err != nil {
		return errorf(first+fault(*p, len(lines)), "%v", err)
	}
	return nil
}

// fault is the first of the n lines of p that makes it invalid, from 0, or n if
// something is missing at the end. The rules are [model.Program.Validate]'s
// alone: the lines of a program are added until it fails.
func fault(p model.Program, n int) int {
	return sort.Search(n, func(last int) bool {
		return head(p, last+1).Validate() != nil
	})
}

// head is the program of the first n lines of p, with the unmounts that are
// missing for it to be whole.
func head(p model.Program, n int) model.Program {
	steps := min(n, len(p.Steps))
	holds := min(n-steps, len(p.Holds))
	h := model.Program{
		Hosts:    p.Hosts,
		Steps:    p.Steps[:steps],
		Holds:    p.Holds[:holds],
		Unmounts: slices.Clone(p.Unmounts[:n-steps-holds]),
	}
	for host := model.Host(0); int(host) < p.Hosts; host++ {
		if !slices.Contains(h.Unmounts, host) {
			h.Unmounts = append(h.Unmounts, host)
		}
	}
	return h
}

func addStep(p *model.Program, line string) error {
	want := strconv.Itoa(len(p.Steps) + 1)
	got, text, ok := strings.Cut(line, " ")
	if got != want || !ok {
		return fmt.Errorf("%s is not step %s\nhint: steps are numbered from 1, without a gap; comments follow the first line of the file",
			quote(line), want)
	}
	s, err := parseStep(text)
	if err != nil {
		return err
	}
	p.Steps = append(p.Steps, s)
	return nil
}

// parseStep is the inverse of [model.Step.String].
func parseStep(text string) (model.Step, error) {
	words := strings.Split(text, " ")
	host, err := parseHost(words[0])
	if err != nil {
		return model.Step{}, err
	}
	if len(words) < 2 {
		return model.Step{}, errors.New("no operation after the host")
	}
	s := model.Step{Host: host}
	var ok bool
	if s.Kind, ok = model.ParseKind(words[1]); !ok {
		return model.Step{}, fmt.Errorf("unknown operation %s\nhint: one of%s", quote(words[1]), kindNames())
	}
	var numbers []int32
	for _, word := range words[2:] {
		switch {
		case strings.HasPrefix(word, "/"):
			s.Path = model.Path(word)
		case len(word) == 2 && word[0] == 'f' && '1' <= word[1] && word[1] <= '9':
			s.File = word[1] - '0'
		case strings.HasPrefix(word, "#"):
			n, err := number(word[1:])
			if err != nil || n < 1 || n > model.MaxData {
				return model.Step{}, fmt.Errorf("data %s; want #1 to #%d", quote(word), model.MaxData)
			}
			s.Data = byte(n)
		default:
			n, err := number(word)
			if err != nil {
				return model.Step{}, err
			}
			numbers = append(numbers, int32(n))
		}
	}
	switch {
	case len(numbers) == 1:
		s.Len = numbers[0]
	case len(numbers) > 1:
		s.Off, s.Len = numbers[0], numbers[1]
	}
	if err := s.Validate(); err != nil {
		return model.Step{}, err
	}
	// What was too much, twice there or out of order shows here.
	if s.String() != text {
		return model.Step{}, fmt.Errorf("%s is not how a step is written\nhint: did you mean %q?", quote(text), s.String())
	}
	return s, nil
}

func kindNames() string {
	names := ""
	for _, k := range model.Kinds() {
		names += " " + k.String()
	}
	return names
}

// parseHost reads a host's letter. Whether there are so many hosts is asked
// when the program is whole.
func parseHost(text string) (model.Host, error) {
	if len(text) != 1 || text[0] < 'A' || text[0] > 'Z' {
		return 0, fmt.Errorf("unknown host %s; want A, B and so on", quote(text))
	}
	return model.Host(text[0] - 'A'), nil
}

// addHold is the inverse of [model.Hold.String].
func addHold(p *model.Program, line string) error {
	words := strings.Split(line, " ")
	if len(words) != 6 || words[2] != "at" || words[4] != "until" {
		return fmt.Errorf("%s is not a hold\nhint: for example \"hold 3 at write#2 until 4\"", quote(line))
	}
	var h model.Hold
	command, count, ok := strings.Cut(words[3], "#")
	if h.At, _ = model.ParseCommand(command); h.At == model.NoCommand || !ok {
		return fmt.Errorf("unknown command %s\nhint: one of read#N write#N flush#N lock#N", quote(words[3]))
	}
	for _, field := range []struct {
		to   *int
		text string
	}{{&h.Step, words[1]}, {&h.N, count}, {&h.Until, words[5]}} {
		var err error
		if *field.to, err = number(field.text); err != nil {
			return err
		}
	}
	p.Holds = append(p.Holds, h)
	return nil
}

func addUnmount(p *model.Program, line string) error {
	words := strings.Split(line, " ")
	if len(words) != 3 || words[2] != "unmount" {
		return fmt.Errorf("%s is not a closing unmount\nhint: for example \"end A unmount\"", quote(line))
	}
	host, err := parseHost(words[1])
	if err != nil {
		return err
	}
	p.Unmounts = append(p.Unmounts, host)
	return nil
}
