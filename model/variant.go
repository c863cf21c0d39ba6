package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A variant's name is its text: the name of a rung, then what differs from it,
// each after a plus sign, in the order of this table. An exception stands once
// for each kind, so that names have no comma and may stand in a list.
//
//	linearizable+strict-readdir
//	close-to-open+staleness=0+durable=close
//	linearizable+except=append+except=stat
var options = []option{
	choice("publish", []string{"return", "close", "sync"}, func(g *Guarantee) *PublishRule { return &g.Publish },
		"a change takes effect for others as it returns",
		"a change of words or sizes takes effect for others with a close, and of names as it returns",
		"a change takes effect for others with an fsync, a sync or an unmount"),
	choice("refresh", []string{"call", "open", "mount"}, func(g *Guarantee) *RefreshRule { return &g.Refresh },
		"a view is no older than the call",
		"a view of words is no older than the open",
		"a view is no older than the mount"),
	{
		key: "staleness", values: "=N",
		of: func(g Guarantee) []string { return []string{strconv.Itoa(g.Staleness)} },
		set: func(g *Guarantee, value string) bool {
			n, err := strconv.Atoi(value)
			g.Staleness = n
			return err == nil
		},
		says: func(value string) string {
			switch value {
			case "0":
				return "names and attributes are no older than the call"
			case "1":
				return "names and attributes may be 1 tick old"
			}
			return "names and attributes may be " + value + " ticks old"
		},
	},
	flag("final-only", func(g *Guarantee) *bool { return &g.FinalOnly }, "of what was read only what is there after all hosts have unmounted is judged"),
	choice("durable", []string{"fsync", "close", "return"}, func(g *Guarantee) *Durability { return &g.Durable },
		"a change is durable with an fsync, a sync or an unmount",
		"a change of words is durable with a close, and of names as it returns",
		"a change is durable as it returns"),
	flag("ordered", func(g *Guarantee) *bool { return &g.Ordered }, "a crash undoes a host's changes of names from the last one back"),
	flag("strict-readdir", func(g *Guarantee) *bool { return &g.StrictReaddir }, "a readdir is one snapshot"),
	{
		key: "except", values: "=KIND",
		of: func(g Guarantee) (kinds []string) {
			for _, k := range g.Except.Kinds() {
				kinds = append(kinds, k.String())
			}
			return kinds
		},
		set: func(g *Guarantee, value string) bool {
			k, ok := ParseKind(value)
			if ok {
				g.Except |= SetOf(k)
			}
			return ok
		},
		says: func(value string) string { return "except " + value + ", of which the results are not judged" },
	},
}

// option is a field of [Guarantee] as names have it.
type option struct {
	key    string
	values string // what follows the key, for a hint: "=N"; empty for a flag
	of     func(Guarantee) []string
	set    func(g *Guarantee, value string) bool // false: no such value
	says   func(value string) string             // for the Rule
}

// choice is an option with a word for each value of a rule.
func choice[R ~uint8](key string, words []string, field func(*Guarantee) *R, says ...string) option {
	return option{
		key: key, values: "=" + strings.Join(words, "|"),
		of: func(g Guarantee) []string { return []string{words[*field(&g)]} },
		set: func(g *Guarantee, value string) bool {
			i := slices.Index(words, value)
			*field(g) = R(max(i, 0))
			return i >= 0
		},
		says: func(value string) string { return says[slices.Index(words, value)] },
	}
}

// flag is an option that is there or not.
func flag(key string, field func(*Guarantee) *bool, says string) option {
	return option{
		key: key,
		of: func(g Guarantee) []string {
			if *field(&g) {
				return []string{""}
			}
			return nil
		},
		set: func(g *Guarantee, value string) bool {
			*field(g) = true
			return value == ""
		},
		says: func(string) string { return says },
	}
}

// text is the option with a value, as it stands in a name.
func (o *option) text(value string) string {
	if o.values == "" {
		return o.key
	}
	return o.key + "=" + value
}

// differences is what makes g of a rung, as names and as the Rule have it; ok is
// false if no option does.
func (g Guarantee) differences(rung Guarantee) (names, rules []string, ok bool) {
	for i := range options {
		o := &options[i]
		has, want := o.of(rung), o.of(g)
		if len(want) < len(has) {
			return nil, nil, false // no option takes a flag away
		}
		for _, value := range want {
			if !slices.Contains(has, value) {
				names, rules = append(names, o.text(value)), append(rules, o.says(value))
			}
		}
	}
	return names, rules, true
}

// Named is g under the one name that [ParseGuarantee] knows it by, with the Rule
// that goes with it: that of the rung from which the fewest options lead to g, the
// strongest of several. What g was called before does not matter. An axis, and
// what [Guarantee.Validate] finds fault with whatever its name, is given back
// as it is.
func (g Guarantee) Named() Guarantee {
	probe := g
	probe.Name = "it"
	if g.Axis || probe.Validate() != nil {
		return g
	}
	fewest := -1
	for _, rung := range Guarantees() {
		if rung.Axis {
			continue
		}
		names, rules, ok := g.differences(rung)
		if !ok || fewest >= 0 && len(names) >= fewest {
			continue
		}
		fewest = len(names)
		g.Name, g.Rule = strings.Join(append([]string{rung.Name}, names...), "+"), rung.Rule
		if len(rules) > 0 {
			g.Rule += "; here " + strings.Join(rules, "; ")
		}
	}
	return g
}

// CheckName reports why g cannot be written down by its name alone, as flags and
// case files have to: [Guarantee.Validate] finds fault with it, or its name or
// Rule is not what [Guarantee.Named] gives it, which the hint then has.
func (g Guarantee) CheckName() error {
	named := g.Named()
	if named == g {
		return g.Validate()
	}
	return fmt.Errorf("guarantee %q: what goes by this name promises something else, or nothing does\nhint: use the value that its method Named makes, %s", g.Name, named.Name)
}

// ParseGuarantee finds a guarantee by its name: one of [Guarantees], or a rung
// and options, "linearizable+strict-readdir". Each guarantee has one name, the
// one that [Guarantee.Named] gives it; any other is an error whose hint has it.
func ParseGuarantee(name string) (Guarantee, error) {
	base, rest, variant := strings.Cut(name, "+")
	all := Guarantees()
	i := slices.IndexFunc(all, func(g Guarantee) bool { return g.Name == base })
	if i < 0 {
		known := ""
		for _, g := range all {
			known += " " + g.Name
		}
		return Guarantee{}, fmt.Errorf("unknown guarantee %q\nhint: one of%s; a rung may have options, as in linearizable+strict-readdir", name, known)
	}
	g := all[i]
	if !variant {
		return g, nil
	}
	if g.Axis {
		return Guarantee{}, fmt.Errorf("guarantee %q: %s is an axis, and only a rung has options", name, base)
	}
	g.Name = name
	for text := range strings.SplitSeq(rest, "+") {
		if err := g.apply(text); err != nil {
			return Guarantee{}, fmt.Errorf("guarantee %q: %w", name, err)
		}
	}
	if err := g.Validate(); err != nil {
		return Guarantee{}, err
	}
	if g = g.Named(); g.Name != name {
		return Guarantee{}, fmt.Errorf("guarantee %q has another name\nhint: did you mean %s?", name, g.Name)
	}
	return g, nil
}

// apply sets what one option of a name says.
func (g *Guarantee) apply(text string) error {
	key, value, _ := strings.Cut(text, "=")
	i := slices.IndexFunc(options, func(o option) bool { return o.key == key })
	switch {
	case i < 0:
		return fmt.Errorf("no option %q\nhint: one of%s", text, optionList())
	case options[i].text(value) != text || !options[i].set(g, value):
		return fmt.Errorf("option %q; want %s", text, key+options[i].values)
	}
	return nil
}

// optionList is the options, for a hint.
func optionList() string {
	list := ""
	for _, o := range options {
		list += " " + o.key + o.values
	}
	return list
}
