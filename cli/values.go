package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/model"
)

// The values of flags that have a range. They check it while they are parsed,
// so that an error names the flag, or the environment variable, that is wrong.

// hostCount is 1 to model.MaxHosts; 0 means that it was not given.
type hostCount int

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *hostCount) UnmarshalText(text []byte) error {
	v, err := strconv.Atoi(string(text))
	if err != nil || v < 1 || v > model.MaxHosts {
		return fmt.Errorf("want 1 to %d, not %q", model.MaxHosts, text)
	}
	*n = hostCount(v)
	return nil
}

// runCount is 1 or more; 0 means that it was not given.
type runCount int

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *runCount) UnmarshalText(text []byte) error {
	v, err := strconv.Atoi(string(text))
	if err != nil || v < 1 {
		return fmt.Errorf("want a number of runs, 1 or more, not %q", text)
	}
	*n = runCount(v)
	return nil
}

// span is a time above 0; 0 means that it was not given.
type span time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v <= 0 {
		return fmt.Errorf("want a time above 0 such as 30s, 10m or 1h30m, not %q", text)
	}
	*s = span(v)
	return nil
}

// guaranteeName is a name that model.ParseGuarantee knows, or empty where none
// was given.
type guaranteeName string

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *guaranteeName) UnmarshalText(text []byte) error {
	if _, err := model.ParseGuarantee(string(text)); err != nil {
		return err
	}
	*g = guaranteeName(text)
	return nil
}

// faultSet narrows the faults of a hunt; the zero value is all that the design
// survives.
type faultSet struct {
	drawn model.Faults // as fuzz.Options has it
	named model.Faults // that were asked for by name, so that the design must survive them
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *faultSet) UnmarshalText(text []byte) error {
	set, err := model.ParseFaults(string(text))
	if err != nil {
		return err
	}
	switch *f = (faultSet{drawn: set, named: set}); {
	case set == 0:
		f.drawn = fuzz.NoFaults
	case string(text) == "all":
		f.named = 0
	}
	return nil
}

// format is how results are printed: "text" or "json".
type format string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *format) UnmarshalText(text []byte) error {
	if s := string(text); s != "text" && s != "json" {
		return fmt.Errorf("want text or json, not %q", s)
	}
	*f = format(text)
	return nil
}

// ofLab reports whether a name is that of a file system of the lab.
func ofLab(name string) bool {
	_, kernel := loop.Lookup(name)
	_, shared := mounts.Lookup(name)
	return kernel == nil || shared == nil
}

// machine is where replay runs a case: "sim", "dir", or a file system of the lab.
type machine string

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *machine) UnmarshalText(text []byte) error {
	s := string(text)
	if s != "sim" && s != "dir" && !ofLab(s) {
		return errors.New("want sim, dir, or a file system that lab knows, not " + strconv.Quote(s))
	}
	*m = machine(text)
	return nil
}
