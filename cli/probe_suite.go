package cli

import (
	"embed"
	"path"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// probes are the cases of the fixed suite, in the order of their names. What a
// probe asks is its first comment line. What it expects is not asked: the judge
// says which guarantee was kept.
//
//go:embed probes/*.case
var probes embed.FS

// probe is one question of the suite.
type probe struct {
	name string // "04-same-name"
	asks string
	model.Program
}

// visible reports whether the probe asks for no more than that one host sees what
// another has synced.
func (p probe) visible() bool { return strings.Contains(p.name, "visible") }

// suite is the probes that hosts can be asked. Where a host can be remounted, that
// another sees what it synced is asked with a remount, too.
func suite(caps model.Capabilities) ([]probe, error) {
	entries, err := probes.ReadDir("probes")
	if err != nil {
		return nil, err
	}
	var all []probe
	for _, e := range entries {
		text, err := probes.ReadFile("probes/" + e.Name())
		if err != nil {
			return nil, err
		}
		c, err := corpus.Parse(e.Name(), text)
		if err != nil {
			return nil, err
		}
		p := probe{name: strings.TrimSuffix(path.Base(e.Name()), ".case"), asks: c.Notes[0], Program: c.Program}
		cannot := func(s model.Step) bool {
			words := (s.Kind == model.Lock || s.Kind == model.Unlock) && s.Len > 0
			return !caps.Kinds.Has(s.Kind) || caps.Lacks[s.Host].Has(s.Kind) || words && !caps.Ranges
		}
		if !slices.ContainsFunc(p.Steps, cannot) {
			all = append(all, p)
		}
	}
	return all, nil
}
