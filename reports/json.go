package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
)

// Schema is the version of [Report] as JSON. Within a version fields are only
// added, never renamed, removed or given another meaning.
const Schema = 1

// Why a hunt came to its end.
const (
	EndedRuns   = "runs"   // it made as many runs as it was told to
	EndedTime   = "time"   // its time was up
	EndedFirst  = "first"  // it was told to stop at the first finding
	EndedSignal = "signal" // it was interrupted
)

// Report is the JSON object that a hunt writes.
type Report struct {
	Schema        int             `json:"schema"` // set by WriteJSON
	Tool          string          `json:"tool"`   // name and version
	Design        string          `json:"design"`
	Hosts         int             `json:"hosts"`
	Guarantee     string          `json:"guarantee"`
	Rule          string          `json:"rule"` // what that promises, in a sentence, with the exceptions that it makes
	Seed          uint64          `json:"seed"`
	Runs          int             `json:"runs"`
	Operations    int             `json:"operations"`
	Ended         string          `json:"ended"`    // EndedRuns, ...
	Digest        string          `json:"digest"`   // of the campaign; see Hex
	Coverage      map[string]int  `json:"coverage"` // what was reached, counted
	Inconclusive  int             `json:"inconclusive"`
	HarnessErrors int             `json:"harness_errors"`
	Findings      []ReportFinding `json:"findings"`
}

// ReportFinding is a [Finding] as JSON.
type ReportFinding struct {
	Guarantee string      `json:"guarantee"`
	Rule      string      `json:"rule"` // as Report has it
	Anomaly   string      `json:"anomaly"`
	Steps     int         `json:"steps"` // of the program, closing unmounts not counted
	File      string      `json:"file"`  // the case file, or empty
	Program   string      `json:"program"`
	Proof     [2]string   `json:"proof"`
	Cause     ReportCause `json:"cause"`
	CameBack  int         `json:"came_back,omitempty"` // of Reruns
	Reruns    int         `json:"reruns,omitempty"`    // where runs are not deterministic
}

// ReportCause is a [checker.Cause] as JSON. Hosts are letters, empty where the
// cause was not isolated; Block, Basis and Overwrote then mean nothing.
type ReportCause struct {
	Text      string `json:"text"`
	Kind      string `json:"kind"`
	Mechanism string `json:"mechanism"` // what the field calls it, or empty
	Absent    string `json:"absent"`    // what did not happen, where that is the cause, or empty
	Step      int    `json:"step"`
	Host      string `json:"host"`
	Block     int32  `json:"block"`
	Meaning   string `json:"meaning"`
	Basis     int32  `json:"basis"`     // the version that the guilty host's copy had
	Overwrote int32  `json:"overwrote"` // the version that it destroyed or never saw
	Writer    string `json:"writer"`
	Verified  bool   `json:"verified"`
}

// ForReport is f as JSON has it.
func (f Finding) ForReport() ReportFinding {
	c := ReportCause{Text: "cause not isolated"}
	if f.Cause.Text != "" {
		c.Text = f.Cause.Text
	}
	if f.Cause.Kind != "" {
		c = ReportCause{
			Text: c.Text, Kind: f.Cause.Kind, Mechanism: string(f.Cause.Mechanism), Absent: f.Cause.Absent, Step: f.Cause.Step, Host: f.Cause.Host.String(),
			Block: f.Cause.Block, Meaning: f.Cause.Meaning, Basis: f.Cause.Basis,
			Overwrote: f.Cause.Over, Writer: f.Cause.Writer.String(), Verified: f.Cause.Verified,
		}
	}
	return ReportFinding{
		Guarantee: f.Guarantee.Name,
		Rule:      f.Guarantee.Rule,
		Anomaly:   string(f.Verdict.Anomaly),
		Steps:     len(f.Run.Program.Steps),
		File:      f.File,
		Program:   f.Run.Program.String(),
		Proof:     f.Verdict.Proof,
		Cause:     c,
		CameBack:  f.CameBack,
		Reruns:    f.Reruns,
	}
}

// Hex is a digest as reports have it: 16 hexadecimal digits.
func Hex(digest uint64) string { return fmt.Sprintf("%016x", digest) }

// WriteJSON writes r as one indented object and a newline, in one piece. It is
// pure ASCII, so that it can be looked at on a terminal whatever names a
// finding has. Absent findings and coverage are written as empty, not null. An
// error is w's.
func WriteJSON(w io.Writer, r Report) error {
	r.Schema = Schema
	if r.Coverage == nil {
		r.Coverage = map[string]int{}
	}
	if r.Findings == nil {
		r.Findings = []ReportFinding{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err := w.Write(escape(b.Bytes()))
	return err
}

// escape writes what is not ASCII, and DEL, as \u escapes. Both stand only
// inside of strings.
func escape(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			b.WriteByte(byte(r))
		case r < 0x10000:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		}
	}
	return b.Bytes()
}
