package reports

import (
	"strconv"
	"strings"
)

// safe is s as it may be printed on a terminal and in a table: s itself if it
// is printable ASCII, otherwise quoted with every other byte escaped.
func safe(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// safeText is safe for a sentence: what cannot be printed is escaped where it
// stands, and the rest is not quoted.
func safeText(s string) string {
	quoted := safe(s)
	if quoted == s {
		return s
	}
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// safeName is safe for a name in a list: a name with a space in it, or none,
// would look like two or like nothing.
func safeName(s string) string {
	if s == "" || strings.ContainsAny(s, ` "`) {
		return strconv.QuoteToASCII(s)
	}
	return safe(s)
}

// safeCommand is safe for a line that must stay as it is to be pasted: letters
// of any script may stand in it, what can steer a terminal may not.
func safeCommand(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// wrap breaks text at spaces into lines of at most width bytes; a word longer
// than that is cut. It returns at least one line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
		for len(line) > width {
			lines = append(lines, line[:width])
			line = line[width:]
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
