package reports_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/reports"
)

func jsonText(t *testing.T, r reports.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := reports.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	golden(t, "report.json", jsonText(t, reports.Report{
		Tool: "doublemount 0.1", Design: "local", Hosts: 2, Guarantee: "nothing-lost", Seed: 7, Runs: 512, Operations: 4096,
		Ended: reports.EndedRuns, Digest: reports.Hex(0xbeef), Coverage: map[string]int{"stat ENOENT": 3, "create ok": 900},
		Inconclusive: 1,
		Findings:     []reports.ReportFinding{lostFile().ForReport(), held().ForReport()},
	}))
}

func TestJSONEmptyIsNotNull(t *testing.T) {
	text := jsonText(t, reports.Report{})
	for _, want := range []string{`"schema": 1`, `"coverage": {}`, `"findings": []`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// What a terminal could obey is escaped, and comes back as it was.
func TestJSONIsASCII(t *testing.T) {
	const odd = "\x1b[2J\x7f\u009b\u202e é \U0001F600 <&>"
	text := jsonText(t, reports.Report{Design: odd})
	for _, c := range []byte(text) {
		if c > '~' || c < ' ' && c != '\n' {
			t.Fatalf("byte %#x in %s", c, text)
		}
	}
	var back reports.Report
	if err := json.Unmarshal([]byte(text), &back); err != nil || back.Design != odd {
		t.Errorf("back: %q, %v", back.Design, err)
	}
}
