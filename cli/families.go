package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// family is operations that belong together for an operator: what a file system may
// not have, or nobody there needs.
type family struct {
	name  string
	kinds model.KindSet
}

var operationFamilies = []family{
	{"appends", model.SetOf(model.Append)},
	{"directories", model.SetOf(model.Mkdir, model.Rmdir)},
	{"links", model.SetOf(model.Link)},
	{"locks", model.SetOf(model.Lock, model.Unlock)},
	{"renames", model.SetOf(model.Rename)},
	{"statfs", model.SetOf(model.Statfs)},
	{"truncates", model.SetOf(model.Truncate)},
}

// families is the operations of families that are named.
type families struct {
	kinds model.KindSet
	text  string
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *families) UnmarshalText(text []byte) error {
	var names []string
	for _, known := range operationFamilies {
		names = append(names, known.name)
	}
	set := families{text: string(text)}
	for name := range strings.SplitSeq(string(text), ",") {
		i := slices.Index(names, strings.TrimSpace(name))
		if i < 0 {
			return fmt.Errorf("unknown operations %q\nhint: some of %s, with commas between", name, strings.Join(names, " "))
		}
		set.kinds |= operationFamilies[i].kinds
	}
	*f = set
	return nil
}
