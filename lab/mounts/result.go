package mounts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Result is what a probe and a hunt have seen of a system, as it is kept in the
// repository for docs/REAL-SYSTEMS.md. It has no date and no times.
type Result struct {
	System     string            `json:"system"`
	Packages   map[string]string `json:"packages"` // their versions
	Probe      string            `json:"probe"`    // its sentence
	HeldTo     []string          `json:"held_to"`  // what the hunt judged
	Runs       int               `json:"runs"`
	Operations int               `json:"operations"` // of the hunt
	Findings   []Seen            `json:"findings"`
}

// Seen is a finding of a hunt.
type Seen struct {
	Anomaly   string `json:"anomaly"`
	Guarantee string `json:"guarantee"`
	CameBack  int    `json:"came_back"` // of so many reruns
	Reruns    int    `json:"reruns"`
}

// Versions are those of the system's packages that are installed, as dpkg has
// them.
func (s System) Versions() map[string]string {
	all := map[string]string{}
	for _, name := range s.Packages {
		out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
		if version := strings.TrimSpace(string(out)); err == nil && version != "" {
			all[name] = version
		}
	}
	return all
}

// Write writes a result to a directory, as NAME.json.
func (r Result) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, r.System+".json"), append(text, '\n'), 0o644)
}
