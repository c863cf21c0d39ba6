package corpus

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFile and MaxLine are the largest case file and the longest line in it, in
// bytes. A Program of [model.MaxSteps] steps fits many times over.
const (
	MaxFile = 1 << 20
	MaxLine = 1000
)

// SyntaxError says what is wrong with a case file and where. Msg may end with a
// second line that starts with "hint: ".
type SyntaxError struct {
	File string // as it was given to Parse
	Line int    // from 1
	Msg  string
}

// Error is "file:line: message".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d: %s", printable(e.File), e.Line, e.Msg)
}

// errorf makes the error of one line; the parser's caller adds the file.
func errorf(line int, format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: line, Msg: fmt.Sprintf(format, args...)}
}

// quote shows untrusted text in a message: escaped, and not at any length.
func quote(text string) string {
	const limit = 60
	if len(text) > limit {
		return fmt.Sprintf("%q...", text[:limit])
	}
	return fmt.Sprintf("%q", text)
}

// splitLines is the lines of data without their ends, each of which can be
// printed as it is.
func splitLines(data []byte) ([]string, *SyntaxError) {
	if len(data) > MaxFile {
		return nil, errorf(1, "the file has more than %d bytes", MaxFile)
	}
	lines := strings.Split(string(data), "\n")
	last := len(lines) - 1
	for i, line := range lines {
		switch {
		case len(line) > MaxLine:
			return nil, errorf(i+1, "the line has %d bytes; the limit is %d", len(line), MaxLine)
		case strings.HasSuffix(line, "\r"):
			return nil, errorf(i+1, "the line ends with a carriage return\nhint: save the file with LF line ends")
		case !utf8.ValidString(line):
			return nil, errorf(i+1, "the line is not UTF-8")
		case strings.HasSuffix(line, " "):
			return nil, errorf(i+1, "the line ends with a space")
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				return nil, errorf(i+1, "character %U cannot be printed", r)
			}
		}
	}
	if lines[last] != "" {
		return nil, errorf(last+1, "the last line has no end\nhint: end the file with a line feed; is it cut short?")
	}
	return lines[:last], nil
}
