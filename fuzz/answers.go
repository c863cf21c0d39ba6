package fuzz

import (
	"encoding/json"
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// Answers counts how often each kind was answered with each Errno:
// answers[model.Create][model.EEXIST]. A remount or reboot counts once, under
// its own kind. In JSON it is an object of objects by name, zeros left out,
// since the numbers of kinds are part of no format.
type Answers [kinds][errnos]int

// Of is the number of times that k was answered at all.
func (a *Answers) Of(k model.Kind) int {
	sum := 0
	for _, n := range a[k] {
		sum += n
	}
	return sum
}

// Succeeded is the number of times that k succeeded.
func (a *Answers) Succeeded(k model.Kind) int { return a[k][model.OK] }

// MarshalJSON writes {"create": {"EEXIST": 2, "ok": 10}, ...}.
func (a Answers) MarshalJSON() ([]byte, error) {
	table := map[string]map[string]int{} // encoding/json sorts the keys
	for k := range a {
		for e, n := range a[k] {
			if n == 0 {
				continue
			}
			kind := model.Kind(k).String()
			if table[kind] == nil {
				table[kind] = map[string]int{}
			}
			table[kind][model.Errno(e).String()] = n
		}
	}
	return json.Marshal(table)
}

// UnmarshalJSON is the inverse of MarshalJSON. A kind or error that this
// version does not know is an error: counts that vanish would lie.
func (a *Answers) UnmarshalJSON(text []byte) error {
	var table map[string]map[string]int
	if err := json.Unmarshal(text, &table); err != nil {
		return fmt.Errorf("answers: %w", err)
	}
	*a = Answers{}
	for kind, counts := range table { // any order: each entry has its own place
		k, ok := model.ParseKind(kind)
		if !ok {
			return fmt.Errorf("answers: unknown kind %q", kind)
		}
		for name, n := range counts { // any order: each entry has its own place
			e, ok := model.ParseErrno(name)
			if !ok {
				return fmt.Errorf("answers: %s: unknown error %q", kind, name)
			}
			a[k][e] = n
		}
	}
	return nil
}
