package model_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// Every name that text has parses back to what it names, and stands once.

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range model.Kinds() {
		if got, ok := model.ParseKind(k.String()); !ok || got != k || seen[k.String()] {
			t.Errorf("%v parses as %v, %v", k, got, ok)
		}
		seen[k.String()] = true
	}
	if len(seen) != 34 {
		t.Errorf("%d kinds; want 34", len(seen))
	}
	for _, name := range []string{"", "none", "Create", "create "} {
		if got, ok := model.ParseKind(name); ok {
			t.Errorf("%q parses as %v", name, got)
		}
	}
	if got := model.Kind(200).String(); got != "none" {
		t.Errorf("an unknown kind prints as %q", got)
	}
}

func TestKindSet(t *testing.T) {
	s := model.SetOf(model.Stat, model.Create, model.Stat, model.Refresh)
	if got := s.Kinds(); len(got) != 3 || got[0] != model.Create || got[1] != model.Stat || got[2] != model.Refresh {
		t.Errorf("members %v", got)
	}
	if !s.Has(model.Refresh) || s.Has(model.Open) || s.Has(model.NoKind) {
		t.Errorf("set %b", s)
	}
	if got := model.SetOf(model.Kinds()...).Kinds(); len(got) != len(model.Kinds()) {
		t.Errorf("the set of all has %d members", len(got))
	}
}

func TestErrnoNames(t *testing.T) {
	seen := map[string]bool{}
	for e := range model.Errno(model.NumErrnos) {
		if got, ok := model.ParseErrno(e.String()); !ok || got != e || seen[e.String()] {
			t.Errorf("%v parses as %v, %v", e, got, ok)
		}
		seen[e.String()] = true
	}
	if got, ok := model.ParseErrno("enoent"); ok {
		t.Errorf("enoent parses as %v", got)
	}
	if got := model.Errno(200).String(); got != "EOTHER" {
		t.Errorf("an unknown errno prints as %q", got)
	}
	for name, want := range map[string]model.Errno{"EWOULDBLOCK": model.EAGAIN, "ENOTSUP": model.EOPNOTSUPP, "EFSCORRUPTED": model.EUCLEAN} {
		if got, ok := model.ParseErrno(name); !ok || got != want {
			t.Errorf("%s parses as %v, %v", name, got, ok)
		}
	}
	if got, ok := model.ParseErrno("EDEADLOCK"); !ok || got.String() != "EDEADLK" {
		t.Errorf("EDEADLOCK parses as %v, %v", got, ok)
	}
}

// Digests hold the numbers.
func TestErrnoNumbers(t *testing.T) {
	old := []string{"ok", "EEXIST", "ENOENT", "ENOTDIR", "EISDIR", "EPERM", "ENOTEMPTY", "ENOSPC", "EBADF", "EMFILE", "EFBIG", "EINVAL", "ENOMEM",
		"EIO", "EROFS", "ESTALE", "EUCLEAN", "EBUSY", "EAGAIN", "ENOLCK", "EBADE", "EOTHER", "EACCES", "EDQUOT"}
	for e, name := range old {
		if got := model.Errno(e).String(); got != name {
			t.Errorf("number %d is %s, was %s", e, got, name)
		}
	}
}

// Every error says something to a person, and no two the same.
func TestErrnoMeanings(t *testing.T) {
	seen := map[string]model.Errno{}
	for e := range model.Errno(model.NumErrnos) {
		m := e.Meaning()
		if other, ok := seen[m]; ok || len(m) < 10 || strings.Contains(m, e.String()) || strings.ToUpper(m[:1]) == m[:1] || strings.HasSuffix(m, ".") {
			t.Errorf("%v means %q, as %v", e, m, other)
		}
		seen[m] = e
	}
	if got := model.Errno(255).Meaning(); got != model.EOTHER.Meaning() {
		t.Errorf("an unknown errno means %q", got)
	}
	for _, e := range []model.Errno{model.EACCES, model.EDQUOT, model.ENOSPC, model.EPERM, model.ENOENT, model.ENOSYS} {
		if e.Uncertain() || e.Severed() {
			t.Errorf("%v: may have had its effect %v, cannot be had %v", e, e.Uncertain(), e.Severed())
		}
	}
	for _, e := range []model.Errno{model.EIO, model.ETIMEDOUT, model.ENODEV} {
		if !e.Uncertain() || !e.Severed() {
			t.Errorf("%v: may have had its effect %v, cannot be had %v", e, e.Uncertain(), e.Severed())
		}
	}
}

func TestCommandNames(t *testing.T) {
	for c := model.ReadCommand; c <= model.SendCommand; c++ {
		if got, ok := model.ParseCommand(c.String()); !ok || got != c {
			t.Errorf("%v parses as %v, %v", c, got, ok)
		}
	}
	for _, name := range []string{"", "writes"} {
		if got, ok := model.ParseCommand(name); ok {
			t.Errorf("%q parses as %v", name, got)
		}
	}
}

func TestVerdictNames(t *testing.T) {
	for _, o := range []model.Outcome{model.Held, model.Violated, model.Inconclusive} {
		if got, err := model.ParseOutcome(o.String()); err != nil || got != o {
			t.Errorf("%v parses as %v, %v", o, got, err)
		}
	}
	for _, g := range model.Guarantees() {
		if got, err := model.ParseGuarantee(g.Name); err != nil || got != g {
			t.Errorf("%s parses as %s, %v", g.Name, got.Name, err)
		}
	}
	seen := map[model.Anomaly]bool{}
	for _, a := range model.Anomalies() {
		if got, err := model.ParseAnomaly(string(a)); err != nil || got != a || seen[a] {
			t.Errorf("%s parses as %s, %v", a, got, err)
		}
		seen[a] = true
	}
	for k := model.Panic; k <= model.Deadlock; k++ {
		if !seen[model.Anomaly(k.String())] {
			t.Errorf("defect %v is no anomaly", k)
		}
	}
	_, outcome := model.ParseOutcome("ok")
	_, guarantee := model.ParseGuarantee("")
	_, anomaly := model.ParseAnomaly("")
	for _, err := range []error{outcome, guarantee, anomaly} {
		if err == nil || !strings.HasPrefix(err.Error(), "unknown ") {
			t.Errorf("error %v", err)
		}
	}
}

// TestLadder holds the order of the rungs: windows only widen, and axes are
// last.
func TestLadder(t *testing.T) {
	rungs := 0
	var above model.Guarantee
	for i, g := range model.Guarantees() {
		if g.Axis {
			continue
		}
		if i != rungs {
			t.Errorf("%s stands after an axis", g.Name)
		}
		rungs++
		if g.Publish < above.Publish || g.Refresh < above.Refresh || above.FinalOnly && !g.FinalOnly {
			t.Errorf("%s is stronger than %s above it", g.Name, above.Name)
		}
		above = g
	}
	if rungs+len(model.Axes()) != len(model.Guarantees()) {
		t.Errorf("%d rungs and %d axes of %d", rungs, len(model.Axes()), len(model.Guarantees()))
	}
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		data []byte
		want string
	}{
		{nil, "nothing"},
		{[]byte{0}, "1x0"},
		{[]byte{1, 1, 0, 255, 250}, "2x#1 1x0 1x? 1x#250"},
	} {
		if got := model.Words(test.data); got != test.want {
			t.Errorf("words of %v: %q; want %q", test.data, got, test.want)
		}
	}
}
