package corpus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// parseStep is the inverse of [model.Step.String].
func parseStep(text string) (model.Step, error) {
	words := strings.Split(text, " ")
	host, err := parseActor(words[0])
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
	switch s.Kind {
	case model.Crash, model.PowerLoss, model.DiskReset:
		err = parseKept(&s, words[2:])
	case model.Partition, model.Heal:
		err = parseParted(&s, words[2:])
	default:
		err = parseOperands(&s, words[2:])
	}
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return model.Step{}, err
	}
	// What was too much, twice there or out of order shows here.
	if s.String() != text {
		return model.Step{}, fmt.Errorf("%s is not how a step is written\nhint: did you mean %q?", quote(text), s.String())
	}
	return s, nil
}

// parseOperands reads the operands of any step that is not an event with words
// of its own.
func parseOperands(s *model.Step, words []string) error {
	var numbers []int32
	for _, word := range words {
		switch {
		case strings.HasPrefix(word, "/") && s.Path == "":
			s.Path = model.Path(word)
		case strings.HasPrefix(word, "/"):
			s.To = model.Path(word)
		case word == "direct":
			s.Direct = true
		case word == "shared":
			s.Shared = true
		case len(word) == 2 && word[0] == 'f' && '1' <= word[1] && word[1] <= '9':
			s.File = word[1] - '0'
		case strings.HasPrefix(word, "#"):
			n, err := number(word[1:])
			if err != nil || n < 1 || n > model.MaxData {
				return fmt.Errorf("data %s; want #1 to #%d", quote(word), model.MaxData)
			}
			s.Data = byte(n)
		default:
			n, err := number(word)
			if err != nil {
				return err
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
	return nil
}

// parseKept reads which writes survive: "keep 1 3", or nothing.
func parseKept(s *model.Step, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if words[0] != "keep" || len(words) == 1 {
		return fmt.Errorf("%s is not what a %v keeps\nhint: for example \"keep 1 3\", the first and the third write, or nothing",
			quote(strings.Join(words, " ")), s.Kind)
	}
	for _, word := range words[1:] {
		n, err := number(word)
		if err != nil {
			return err
		}
		if n < 1 || n > model.KeptBits {
			return fmt.Errorf("%v: keep %d; want 1 to %d", s.Kind, n, model.KeptBits)
		}
		s.Off |= 1 << (n - 1)
	}
	return nil
}

// parseParted reads what a host is parted from: nothing for all, "disk", or a
// host.
func parseParted(s *model.Step, words []string) error {
	switch {
	case len(words) == 0:
	case len(words) > 1:
		return fmt.Errorf("%v from %s\nhint: from all with no word more, from the disk, or from one host", s.Kind, quote(strings.Join(words, " ")))
	case words[0] == "disk":
		s.Off = model.FromDisk
	default:
		host, err := parseHost(words[0])
		if err != nil {
			return err
		}
		s.Off = int32(host) + 1
	}
	return nil
}

func kindNames() string {
	names := ""
	for _, k := range model.Kinds() {
		names += " " + k.String()
	}
	return names
}

// parseActor reads who a step happens to: a host, or "all". Whether the event
// may happen to all is the rule of [model.Step.Validate].
func parseActor(text string) (model.Host, error) {
	if text == model.Everyone.String() {
		return model.Everyone, nil
	}
	return parseHost(text)
}

// parseHost reads a host's letter. Whether there are so many hosts is asked
// when the program is whole.
func parseHost(text string) (model.Host, error) {
	if len(text) != 1 || text[0] < 'A' || text[0] > 'Z' {
		return 0, fmt.Errorf("unknown host %s; want A, B and so on", quote(text))
	}
	return model.Host(text[0] - 'A'), nil
}
