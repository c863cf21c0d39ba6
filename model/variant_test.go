package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/model"
)

// drawGuarantee draws any guarantee that means something, and nothing of its name.
func drawGuarantee(t *rapid.T) model.Guarantee {
	var kinds []model.Kind
	for _, k := range model.Kinds() {
		if !k.Event() && (!k.Changes() || k == model.Append) {
			kinds = append(kinds, k)
		}
	}
	g := model.Guarantee{
		Name:          rapid.SampledFrom([]string{"", "mine", "linearizable"}).Draw(t, "name"),
		Publish:       model.PublishRule(rapid.IntRange(0, int(model.PublishSync)).Draw(t, "publish")),
		Refresh:       model.RefreshRule(rapid.IntRange(0, int(model.RefreshMount)).Draw(t, "refresh")),
		Durable:       model.Durability(rapid.IntRange(0, int(model.DurableReturn)).Draw(t, "durable")),
		Ordered:       rapid.Bool().Draw(t, "ordered"),
		StrictReaddir: rapid.Bool().Draw(t, "strict readdir"),
		Except:        model.SetOf(rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 4).Draw(t, "except")...),
	}
	if g.Refresh == model.RefreshOpen {
		g.Staleness = rapid.IntRange(0, 5).Draw(t, "staleness")
	}
	if g.Publish == model.PublishSync {
		g.FinalOnly = rapid.Bool().Draw(t, "final only")
	}
	return g
}

// A name says all of a guarantee: it is found by it, and a base that needs fewer
// options does not exist.
func TestNamesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGuarantee(t)
		named := g.Named()
		if got, err := model.ParseGuarantee(named.Name); err != nil || got != named {
			t.Fatalf("%q: %v\ngot  %+v\nwant %+v", named.Name, err, got, named)
		}
		if err := named.CheckName(); err != nil {
			t.Fatal(err)
		}
		if named.Named() != named {
			t.Fatalf("%q has another name: %q", named.Name, named.Named().Name)
		}
		g.Name, g.Rule = named.Name, named.Rule
		if g != named {
			t.Fatalf("%q promises something else:\ngot  %+v\nwant %+v", named.Name, named, g)
		}
		for _, k := range g.Except.Kinds() {
			if !strings.Contains(named.Rule, "except "+k.String()) {
				t.Fatalf("nothing is said of the exception %v: %s", k, named.Rule)
			}
		}
		h := drawGuarantee(t).Named()
		if named.Compare(h) != -h.Compare(named) || named.Compare(h) == 0 && named != h {
			t.Fatalf("%q and %q compare as %d and %d", named.Name, h.Name, named.Compare(h), h.Compare(named))
		}
	})
}

func TestNamed(t *testing.T) {
	for want, g := range map[string]model.Guarantee{
		"linearizable":                           {Name: "strong"},
		"close-to-open":                          {Publish: model.PublishClose, Refresh: model.RefreshOpen, Staleness: 2},
		"close-to-open+staleness=0":              {Publish: model.PublishClose, Refresh: model.RefreshOpen},
		"linearizable+refresh=mount":             {Refresh: model.RefreshMount},
		"linearizable+publish=close":             {Publish: model.PublishClose},
		"sync-to-mount+publish=close":            {Publish: model.PublishClose, Refresh: model.RefreshMount},
		"nothing-lost+refresh=call":              {Publish: model.PublishSync, FinalOnly: true},
		"nothing-lost":                           {Publish: model.PublishSync, Refresh: model.RefreshMount, FinalOnly: true},
		"linearizable+durable=return+ordered":    {Durable: model.DurableReturn, Ordered: true},
		"linearizable+strict-readdir":            {StrictReaddir: true},
		"linearizable+except=append+except=stat": {Except: model.SetOf(model.Stat, model.Append)},
		"linearizable+refresh=open+staleness=7":  {Refresh: model.RefreshOpen, Staleness: 7},
	} {
		if got := g.Named().Name; got != want {
			t.Errorf("%+v is called %q; want %q", g, got, want)
		}
	}
	for _, g := range model.Guarantees() {
		if g.Named() != g {
			t.Errorf("%s is called %q", g.Name, g.Named().Name)
		}
	}
	if got, want := (model.Guarantee{StrictReaddir: true, Except: model.SetOf(model.Append)}).Named().Rule, model.Linearizable.Rule+
		"; here a readdir is one snapshot; except append, of which the results are not judged"; got != want {
		t.Errorf("the rule is %q", got)
	}
	wrong := model.Guarantee{Name: "wrong", Staleness: 1}
	if wrong.Named() != wrong {
		t.Errorf("what has no meaning has the name %q", wrong.Named().Name)
	}
}

// One guarantee has one name; whoever comes near it is told.
func TestBadNames(t *testing.T) {
	for name, want := range map[string]string{
		"noac":                        "unknown guarantee \"noac\"\nhint: one of linearizable close-to-open ",
		"+ordered":                    "unknown guarantee",
		"linearizable+":               "no option \"\"\nhint: one of publish=return|close|sync refresh=call|open|mount staleness=N final-only durable=fsync|close|return ordered strict-readdir except=KIND",
		"linearizable+snapshot":       "no option \"snapshot\"",
		"linearizable+ordered=":       "option \"ordered=\"; want ordered",
		"linearizable+ordered=yes":    "want ordered",
		"linearizable+publish":        "want publish=return|close|sync",
		"linearizable+publish=never":  "want publish=return|close|sync",
		"linearizable+staleness=many": "want staleness=N",
		"close-to-open+staleness=99999999999999999999": "want staleness=N",
		"close-to-open+staleness=-1":                   "staleness -1",
		"linearizable+staleness=1":                     "staleness 1",
		"linearizable+except=append,stat":              "option \"except=append,stat\"; want except=KIND",
		"linearizable+except=create":                   "create cannot be excepted",
		"linearizable+final-only":                      "final mount",
		"fsck+ordered":                                 "fsck is an axis",
		"linearizable+publish=return":                  "did you mean linearizable?",
		"linearizable+strict-readdir+ordered":          "did you mean linearizable+ordered+strict-readdir?",
		"linearizable+ordered+ordered":                 "did you mean linearizable+ordered?",
		"linearizable+except=stat+except=append":       "did you mean linearizable+except=append+except=stat?",
		"close-to-open+staleness=03":                   "did you mean close-to-open+staleness=3?",
		"sync-to-mount+final-only":                     "did you mean nothing-lost?",
		"nothing-lost+refresh=call+publish=sync":       "did you mean nothing-lost+refresh=call?",
	} {
		if g, err := model.ParseGuarantee(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %s", name, g, err, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for want, change := range map[string]func(*model.Guarantee){
		"linearizable+ordered": func(g *model.Guarantee) { g.Ordered = true },
		"linearizable":         func(g *model.Guarantee) { g.Name = "strong" },
		"linearizable ":        func(g *model.Guarantee) { g.Rule = "best effort" },
		"guarantee \"\"":       func(g *model.Guarantee) { g.Name = "" },
		"it has no name":       func(g *model.Guarantee) { g.Name, g.Publish = "", 9 },
		"staleness 3":          func(g *model.Guarantee) { g.Staleness = 3 },
	} {
		g := model.Linearizable
		change(&g)
		if err := g.CheckName(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%+v: %v; want %s", g, err, want)
		}
	}
}

// The ladder is in the order of Compare.
func TestCompare(t *testing.T) {
	all := model.Guarantees()
	slices.Reverse(all)
	slices.SortFunc(all, model.Guarantee.Compare)
	if !slices.Equal(all, model.Guarantees()) {
		t.Errorf("sorted: %+v", all)
	}
}

// Whatever text is given is refused with a reason, or is the one name of a
// guarantee that means something.
func FuzzParseGuarantee(f *testing.F) {
	for _, g := range model.Guarantees() {
		f.Add(g.Name)
	}
	f.Add("close-to-open+publish=return+staleness=0+durable=close+ordered+strict-readdir+except=append+except=stat")
	f.Add("linearizable+refresh=mount+final-only+staleness=-1")
	f.Fuzz(func(t *testing.T, name string) {
		g, err := model.ParseGuarantee(name)
		if err != nil {
			if g != (model.Guarantee{}) || err.Error() == "" {
				t.Errorf("%q: %+v, %v", name, g, err)
			}
			return
		}
		if g.Name != name || g.Validate() != nil || g.CheckName() != nil {
			t.Errorf("%q is %+v: %v, %v", name, g, g.Validate(), g.CheckName())
		}
	})
}

// A client that looks names up anew each time, and whose appends may overlap.
func ExampleGuarantee_Named() {
	g := model.CloseToOpen
	g.Staleness, g.Except = 0, model.SetOf(model.Append)
	fmt.Println(g.Named().Name)
	again, err := model.ParseGuarantee("close-to-open+staleness=0+except=append")
	fmt.Println(again == g.Named(), err)
	// Output:
	// close-to-open+staleness=0+except=append
	// true <nil>
}
