package model_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// everyFault is each fault alone, in order.
var everyFault = []model.Faults{model.Crashes, model.PowerLosses, model.DiskResets, model.Pauses, model.Partitions, model.DiskPartitions,
	model.Fences, model.IOErrors, model.LostMessages, model.SkewedClocks, model.LyingDisk}

func TestFaultNames(t *testing.T) {
	var all model.Faults
	seen := map[string]bool{}
	for _, f := range everyFault {
		name := f.String()
		if got, err := model.ParseFaults(name); err != nil || got != f || seen[name] {
			t.Errorf("%s parses as %v, %v", name, got, err)
		}
		if all.Has(f) {
			t.Errorf("%s shares a bit", name)
		}
		seen[name] = true
		all |= f
	}
	// Every set, not only the single ones.
	for f := range all + 1 {
		if got, err := model.ParseFaults(f.String()); err != nil || got != f {
			t.Fatalf("%s parses as %v, %v", f, got, err)
		}
	}
	if got := (all + 1).String(); got != "none" {
		t.Errorf("a fault that does not exist prints as %q", got)
	}
}

func TestParseFaults(t *testing.T) {
	for _, test := range []struct {
		text string
		want model.Faults
		err  string
	}{
		{"", 0, ""},
		{"none", 0, ""},
		{"all", 1<<10 - 1, ""}, // a disk that lies must be asked for by name
		{"fence,crash", model.Crashes | model.Fences, ""},
		{"crash,crash", model.Crashes, ""},
		{"partition", model.Partitions, ""},
		{"crash,", 0, `unknown fault ""`},
		{"crash, fence", 0, `unknown fault " fence"`},
		{"crash,all", 0, `unknown fault "all"`},
		{"Crash", 0, `unknown fault "Crash"`},
	} {
		got, err := model.ParseFaults(test.text)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err+"\nhint: ") {
			t.Errorf("%q parses as %v, %v; want %v, %q", test.text, got, err, test.want, test.err)
		}
	}
}

func TestFaultsHas(t *testing.T) {
	f := model.Crashes | model.Fences
	if !f.Has(model.Crashes) || !f.Has(f) || !f.Has(0) || f.Has(model.Pauses) || f.Has(model.Crashes|model.Pauses) {
		t.Errorf("set %v", f)
	}
}

// TestFaultOfStep tells ordinary life from faults, for every kind.
func TestFaultOfStep(t *testing.T) {
	want := map[model.Kind]model.Faults{
		model.Crash: model.Crashes, model.PowerLoss: model.PowerLosses, model.DiskReset: model.DiskResets, model.Pause: model.Pauses, model.Resume: model.Pauses,
		model.Partition: model.Partitions, model.Heal: model.Partitions, model.Fence: model.Fences, model.Tick: model.SkewedClocks,
	}
	for _, k := range model.Kinds() {
		if got := (model.Step{Kind: k, Len: 1}).Fault(); got != want[k] {
			t.Errorf("%v is %v; want %v", k, got, want[k])
		}
	}
	for _, test := range []struct {
		step model.Step
		want model.Faults
	}{
		{model.Step{Kind: model.Partition, Off: model.FromDisk}, model.DiskPartitions},
		{model.Step{Kind: model.Heal, Off: model.FromDisk}, model.DiskPartitions},
		{model.Step{Kind: model.Partition, Off: 2}, model.Partitions},
		{model.Step{Kind: model.Tick, Host: model.Everyone, Len: 1}, 0},
	} {
		if got := test.step.Fault(); got != test.want {
			t.Errorf("%v is %v; want %v", test.step, got, test.want)
		}
	}
}
