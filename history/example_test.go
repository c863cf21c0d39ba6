package history_test

import (
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/model"
)

// A harness of one's own writes lines; the judge says what they keep.
func ExampleRead() {
	h, err := history.Read(strings.NewReader(`
{"id": "w", "host": "A", "op": "create", "path": "/a", "call": 10, "return": 20, "result": {}}
{"id": "r", "host": "B", "op": "stat", "path": "/a", "call": 30, "return": 40, "result": {"error": "ENOENT"}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range checker.New(0, model.Linearizable, model.SyncToMount)(h.Run) {
		fmt.Println(v.Guarantee, v.Outcome, v.Anomaly)
	}
	// Output:
	// linearizable violated invisible file
	// sync-to-mount held
}
