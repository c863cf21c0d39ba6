package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// maxDisk is the widest that the disk column gets.
const maxDisk = 40

// command is one entry of the disk column. A lower rank is kept longer where
// there is no room for all.
type command struct {
	text string
	rank int
}

// commands is the disk column of a row of host: "r7 v2, w7 v3!". What another
// host did in that step carries its letter: "A:w7 v3". Where the column is too
// narrow, writes from a stale copy stay longest, then writes, then reads; the
// rest is counted: "w7 v3!, +12 more".
func commands(records []model.Record, host model.Host) string {
	var all []command
	seen := map[string]bool{}
	for _, r := range records {
		c := entry(r)
		if c.text == "" {
			continue
		}
		if r.Host != host {
			c.text = r.Host.String() + ":" + c.text
		}
		if !seen[c.text] {
			seen[c.text] = true
			all = append(all, c)
		}
	}
	order := make([]int, len(all))
	room := maxDisk + len(", ")
	for i, c := range all {
		order[i] = i
		room -= len(c.text) + len(", ")
	}
	if room >= 0 {
		order = order[:len(all)]
	} else {
		slices.SortStableFunc(order, func(i, j int) int { return all[i].rank - all[j].rank })
		room = maxDisk - len(fmt.Sprintf("+%d more", len(all)))
		kept := 0
		for ; kept < len(order); kept++ {
			room -= len(all[order[kept]].text) + len(", ")
			if room < 0 {
				break
			}
		}
		order = order[:kept]
		slices.Sort(order)
	}
	var texts []string
	for _, i := range order {
		texts = append(texts, all[i].text)
	}
	if more := len(all) - len(order); more > 0 {
		texts = append(texts, fmt.Sprintf("+%d more", more))
	}
	return strings.Join(texts, ", ")
}

// entry is a record as the disk column has it; no text for records that are
// not commands.
func entry(r model.Record) command {
	switch r.Kind {
	case model.BlockRead:
		return command{fmt.Sprintf("r%d v%d", r.Block, r.Version), 2}
	case model.BlockWritten:
		if stale(r) {
			return command{fmt.Sprintf("w%d v%d!", r.Block, r.Version), 0}
		}
		return command{fmt.Sprintf("w%d v%d", r.Block, r.Version), 1}
	case model.Flushed:
		return command{"flush", 3}
	case model.Locked:
		return command{fmt.Sprintf("lock %d", r.Block), 3}
	case model.Unlocked:
		return command{fmt.Sprintf("unlock %d", r.Block), 3}
	}
	return command{}
}

// stale reports whether a write replaced a version that its writer had not
// seen. Replacing the formatted disk's version 0 unseen destroys nobody's
// write, so the first write of a fresh block does not count.
func stale(r model.Record) bool {
	return r.Base < r.Version-1 && r.Version > 1
}
