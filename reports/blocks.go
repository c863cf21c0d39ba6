package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// Blocks says what blocks of the disk are, by their numbers: 4 is the
// "directory block of /".
type Blocks map[int32]string

// BlocksOf asks describe, for example [model.Describer.Describe], about the
// blocks that the steps of a run read and wrote. What it knows nothing of is
// left out.
func BlocksOf(run model.Run, describe func(block int32) string) Blocks {
	blocks := Blocks{}
	for _, r := range run.Trace {
		if r.Step == 0 || r.Kind != model.BlockRead && r.Kind != model.BlockWritten {
			continue
		}
		if _, known := blocks[r.Block]; !known {
			blocks[r.Block] = describe(r.Block)
		}
	}
	maps.DeleteFunc(blocks, func(_ int32, text string) bool { return text == "" })
	return blocks
}

// text is "2 = inodes 0 to 3, 5 to 8 = data of /a". Neighbours that are the same
// share an entry; of many entries the first stand there.
func (b Blocks) text() string {
	const most = 12
	var entries []string
	numbers := slices.Sorted(maps.Keys(b))
	for i := 0; i < len(numbers); i++ {
		first := i
		for i+1 < len(numbers) && numbers[i+1] == numbers[i]+1 && b[numbers[i+1]] == b[numbers[i]] {
			i++
		}
		number := fmt.Sprint(numbers[first])
		if i > first {
			number += fmt.Sprintf(" to %d", numbers[i])
		}
		entries = append(entries, number+" = "+safeText(b[numbers[i]]))
	}
	if more := len(entries) - most; more > 0 {
		entries = append(entries[:most], fmt.Sprintf("+%d more", more))
	}
	return strings.Join(entries, ", ")
}
