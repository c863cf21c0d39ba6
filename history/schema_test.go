package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// schema is the committed one.
func schema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	text, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func valid(r *jsonschema.Resolved, line []byte) error {
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	return r.Validate(v)
}

// The examples, and histories that are written, are what the schema says.
func TestSchemaOfExamples(t *testing.T) {
	r := schema(t)
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		if all[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range designs.All() {
		runner, err := sim.New(d)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			run, err := runner.Run(context.Background(), fuzz.Options{Seed: 5}.Program(runner.Capabilities(), n))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := history.Write(&b, run); err != nil {
				t.Fatal(err)
			}
			all[d.Name] = append(all[d.Name], b.Bytes()...)
		}
		runner.Close()
	}
	for name, text := range all {
		for n, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
			if err := valid(r, line); err != nil {
				t.Errorf("%s line %d: %v\n%s", name, n+1, err, line)
			}
		}
	}
}

// The schema refuses what the reader refuses, as far as a line tells, and knows
// every name that the reader knows.
func TestSchemaRefuses(t *testing.T) {
	r := schema(t)
	for _, line := range []string{
		`{"host":"A","op":"sync","call":1}`,
		`{"id":1,"host":"Q","op":"sync","call":1}`,
		`{"id":1,"host":"A","op":"wirte","call":1}`,
		`{"id":1,"host":"A","op":"remount","call":1}`,
		`{"id":1,"host":"A","op":"sync","call":1.5}`,
		`{"id":1,"host":"A","op":"sync","call":1,"retrun":2}`,
		`{"id":"","host":"A","op":"sync","call":1}`,
		`{"id":1,"host":"A","op":"stat","path":"/a/../b","call":1}`,
		`{"id":1,"host":"A","op":"read","path":"/a","length":1,"call":1,"return":2,"result":{"data":[[1,0]]}}`,
		`{"id":1,"host":"A","op":"read","path":"/a","length":1,"call":1,"return":2,"result":{"data":[[1,1,1]]}}`,
		`{"id":1,"host":"A","op":"sync","call":1,"return":2,"result":{"error":"EWHAT"}}`,
	} {
		if valid(r, []byte(line)) == nil {
			t.Errorf("the schema takes %s", line)
		}
		if _, err := history.Read(strings.NewReader(line)); err == nil {
			t.Errorf("the reader takes %s", line)
		}
	}
	text, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	ops, errnos := s.Properties["op"].Enum, s.Properties["result"].Properties["error"].Enum
	for _, k := range model.Kinds() {
		if want := k != model.Remount && k != model.Reboot; slices.Contains(ops, any(k.String())) != want {
			t.Errorf("operation %v: in the schema %v, want %v", k, !want, want)
		}
	}
	n := 0
	for e := model.OK + 1; int(e) < model.NumErrnos; e++ {
		if n++; !slices.Contains(errnos, any(e.String())) {
			t.Errorf("no %v in the schema", e)
		}
	}
	second := 0
	for _, name := range errnos {
		if e, ok := model.ParseErrno(name.(string)); !ok {
			t.Errorf("%v in the schema has no name here", name)
		} else if e.String() != name {
			second++
		}
	}
	if len(errnos) != n+second {
		t.Errorf("%d errors in the schema, %d of them second names; want %d", len(errnos), second, n)
	}
}
