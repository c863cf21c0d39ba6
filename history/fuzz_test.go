package history_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/model"
)

// FuzzRead: no input panics, nor makes the judge panic, and what was read is
// written and read again to the same verdicts.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"id":1,"host":"all","op":"power-loss","call":1}`))
	f.Add([]byte(`{"id":1,"host":"A","op":"partition","from":"disk","call":1}` + "\n" + `{"id":"x","host":"B","op":"tick","ticks":3,"call":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := history.Read(bytes.NewReader(text))
		if err != nil || len(h.Run.History) > 40 {
			return
		}
		judge := checker.New(1000, append(rungs(), model.Progress)...)
		first := judge(h.Run)
		var b bytes.Buffer
		if err := history.Write(&b, h.Run); err != nil {
			t.Fatal(err)
		}
		again, err := history.Read(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, b.Bytes())
		}
		for i, v := range judge(again.Run) {
			if !v.Same(first[i]) {
				t.Fatalf("%s: %v (%s), was %v (%s)\n%s", v.Guarantee, v.Outcome, v.Anomaly, first[i].Outcome, first[i].Anomaly, b.Bytes())
			}
		}
	})
}
