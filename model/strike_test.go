package model_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

func TestStrikeNames(t *testing.T) {
	seen := map[string]bool{}
	for k := model.Fail; k <= model.Delay; k++ {
		if got, ok := model.ParseStrike(k.String()); !ok || got != k || seen[k.String()] {
			t.Errorf("%v parses as %v, %v", k, got, ok)
		}
		seen[k.String()] = true
	}
	for _, name := range []string{"", "Fail", "lost"} {
		if got, ok := model.ParseStrike(name); ok {
			t.Errorf("%q parses as %v", name, got)
		}
	}
	if got := model.StrikeKind(200).String(); got != "" {
		t.Errorf("an unknown strike prints as %q", got)
	}
}

func TestStrikeIsOneFault(t *testing.T) {
	want := map[model.StrikeKind]model.Faults{
		model.NoStrike: 0, model.Fail: model.IOErrors, model.FailOn: model.IOErrors,
		model.LoseWrite: model.LyingDisk, model.Misdirect: model.LyingDisk,
		model.Drop: model.LostMessages, model.Double: model.LostMessages, model.Delay: model.LostMessages,
	}
	for k := model.NoStrike; k <= model.Delay; k++ {
		if got, ok := want[k]; !ok || k.Fault() != got {
			t.Errorf("%v is %v; want %v", k, k.Fault(), got)
		}
	}
}

func TestStrikeText(t *testing.T) {
	for _, test := range []struct {
		strike model.Strike
		want   string
	}{
		{model.Strike{Step: 3, At: model.WriteCommand, N: 2, Kind: model.Fail}, "strike 3 at write#2 fail"},
		{model.Strike{Step: 3, At: model.CompareCommand, N: 1, Kind: model.Misdirect}, "strike 3 at cas#1 misdirect 0"},
		{model.Strike{Step: 1, At: model.SendCommand, N: 4, Kind: model.Delay, Arg: 6}, "strike 1 at send#4 delay 6"},
	} {
		if got := test.strike.String(); got != test.want {
			t.Errorf("%q; want %q", got, test.want)
		}
	}
}

// TestStrikesOfCommands asks which strike can befall which command: a message is
// lost, doubled or late; a disk command fails; only a write can be lost or land
// elsewhere.
func TestStrikesOfCommands(t *testing.T) {
	can := map[model.Faults][]model.CommandKind{
		model.LostMessages: {model.SendCommand},
		model.IOErrors: {model.ReadCommand, model.WriteCommand, model.FlushCommand, model.CompareCommand,
			model.ReserveCommand},
		model.LyingDisk: {model.WriteCommand, model.CompareCommand},
	}
	for k := model.Fail; k <= model.Delay; k++ {
		for c := model.ReadCommand; c.String() != ""; c++ {
			p := valid()
			p.Strikes = []model.Strike{{Step: 3, At: c, N: 1, Kind: k}}
			if k == model.Delay {
				p.Strikes[0].Arg = 4
			}
			want := false
			for _, allowed := range can[k.Fault()] {
				want = want || allowed == c
			}
			if err := p.Validate(); (err == nil) != want {
				t.Errorf("%v of a %v: error %v; want valid: %v", k, c, err, want)
			}
		}
	}
}

func TestValidateStrikes(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(k *model.Strike)
		want   string
	}{
		{"step 0", func(k *model.Strike) { k.Step = 0 }, "strike of step 0"},
		{"no such step", func(k *model.Strike) { k.Step = 99 }, "strike of step 99"},
		{"at nothing", func(k *model.Strike) { k.At = model.NoCommand }, "at no known command"},
		{"at what", func(k *model.Strike) { k.At = 99 }, "at no known command"},
		{"uncounted", func(k *model.Strike) { k.N = 0 }, "at no known command"},
		{"no kind", func(k *model.Strike) { k.Kind = model.NoStrike }, "of no known kind"},
		{"what kind", func(k *model.Strike) { k.Kind = 99 }, "of no known kind"},
		{"number of nothing", func(k *model.Strike) { k.Arg = 1 }, "fail 1"},
		{"negative block", func(k *model.Strike) { k.Kind, k.Arg = model.Misdirect, -1 }, "misdirect -1"},
		{"late by nothing", func(k *model.Strike) { k.At, k.Kind, k.Arg = model.SendCommand, model.Delay, 5 }, "delay until 5"},
		{"late for ever", func(k *model.Strike) { k.At, k.Kind, k.Arg = model.SendCommand, model.Delay, 99 }, "delay until 99"},
		{"twice", func(k *model.Strike) { k.Step, k.N = 3, 7 }, "write of step 3 is struck twice"},
	} {
		p := valid()
		p.Strikes = []model.Strike{
			{Step: 3, At: model.WriteCommand, N: 7, Kind: model.LoseWrite},
			{Step: 5, At: model.WriteCommand, N: 1, Kind: model.Fail},
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		test.change(&p.Strikes[1])
		if err := p.Validate(); !errors.Is(err, model.ErrProgram) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want %q", test.name, err, test.want)
		}
	}
}
