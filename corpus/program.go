package corpus

import (
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
	section := 0 // 0: steps, 1: holds, 2: strikes, 3: closing unmounts
	for i, line := range lines {
		var now int
		var err error
		switch {
		case strings.HasPrefix(line, "hold "):
			now, err = 1, addHold(p, line)
		case strings.HasPrefix(line, "strike "):
			now, err = 2, addStrike(p, line)
		case strings.HasPrefix(line, "end "):
			now, err = 3, addUnmount(p, line)
		default:
			now, err = 0, addStep(p, line)
		}
		if err != nil {
			return errorf(first+i, "%v", err)
		}
		if now < section {
			return errorf(first+i, "%s stands too late\nhint: first the steps, then the holds, the strikes, the closing unmounts", quote(line))
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
	strikes := min(n-steps-holds, len(p.Strikes))
	h := model.Program{
		Hosts:    p.Hosts,
		Steps:    p.Steps[:steps],
		Holds:    p.Holds[:holds],
		Strikes:  p.Strikes[:strikes],
		Unmounts: slices.Clone(p.Unmounts[:n-steps-holds-strikes]),
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

// addHold is the inverse of [model.Hold.String].
func addHold(p *model.Program, line string) error {
	words := strings.Split(line, " ")
	if len(words) != 6 || words[2] != "at" || words[4] != "until" {
		return fmt.Errorf("%s is not a hold\nhint: for example \"hold 3 at write#2 until 4\"", quote(line))
	}
	var h model.Hold
	var err error
	if h.At, h.N, err = parseAddress(words[3]); err != nil {
		return err
	}
	if h.Step, err = number(words[1]); err != nil {
		return err
	}
	if h.Until, err = number(words[5]); err != nil {
		return err
	}
	p.Holds = append(p.Holds, h)
	return nil
}

// addStrike is the inverse of [model.Strike.String].
func addStrike(p *model.Program, line string) error {
	words := strings.Split(line, " ")
	if len(words) < 5 || len(words) > 6 || words[2] != "at" {
		return fmt.Errorf("%s is not a strike\nhint: for example \"strike 3 at write#2 fail\" or \"strike 3 at send#1 delay 6\"", quote(line))
	}
	var k model.Strike
	var err error
	if k.At, k.N, err = parseAddress(words[3]); err != nil {
		return err
	}
	if k.Step, err = number(words[1]); err != nil {
		return err
	}
	var ok bool
	if k.Kind, ok = model.ParseStrike(words[4]); !ok {
		return fmt.Errorf("unknown strike %s\nhint: one of%s", quote(words[4]), strikeNames())
	}
	hasArg := len(words) == 6
	switch takes := k.Kind.TakesArg(); {
	case takes && !hasArg:
		return fmt.Errorf("%s lacks a number\nhint: misdirect has the block where the write lands, delay the step after which the message comes", quote(line))
	case !takes && hasArg:
		return fmt.Errorf("%s has a word too many", quote(line))
	case takes:
		if k.Arg, err = number(words[5]); err != nil {
			return err
		}
	}
	p.Strikes = append(p.Strikes, k)
	return nil
}

// parseAddress reads which command of a step is meant: "write#2".
func parseAddress(text string) (at model.CommandKind, n int, err error) {
	command, count, ok := strings.Cut(text, "#")
	if at, _ = model.ParseCommand(command); at == model.NoCommand || !ok {
		return 0, 0, fmt.Errorf("unknown command %s\nhint: one of%s", quote(text), commandNames())
	}
	n, err = number(count)
	return at, n, err
}

func commandNames() string {
	names := ""
	for c := model.ReadCommand; c.String() != ""; c++ {
		names += " " + c.String() + "#N"
	}
	return names
}

func strikeNames() string {
	names := ""
	for k := model.Fail; k.String() != ""; k++ {
		names += " " + k.String()
	}
	return names
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
