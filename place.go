package doublemount

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// startDir is where the process started: go test starts a test in the directory
// of its package, and a test may leave it.
var startDir = func() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}()

// absolute is name as seen from startDir.
func absolute(name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(startDir, name)
	}
	return filepath.Abs(name)
}

// moduleRoot is the nearest directory from dir upwards that has a go.mod, or
// dir itself if there is none.
func moduleRoot(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}

// replayLine is the command that runs the test called name on a case file
// again. It works in a POSIX shell in the root of the module.
func replayLine(name, file string) string {
	pkg := "."
	if rel, err := filepath.Rel(moduleRoot(startDir), startDir); err == nil && rel != "." {
		pkg = "./" + filepath.ToSlash(rel)
	}
	var levels []string // go test matches each level of subtests by a pattern of its own
	for level := range strings.SplitSeq(name, "/") {
		levels = append(levels, "^"+regexp.QuoteMeta(level)+"$")
	}
	return "DOUBLEMOUNT_REPLAY=" + word(file) + " go test " + word(pkg) + " -run " + quoted(strings.Join(levels, "/"))
}

// plain is what a POSIX shell takes as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// word is s as one word of a shell command.
func word(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return quoted(s)
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
