package identity

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// mount is a line of /proc/self/mountinfo.
type mount struct {
	id      int
	device  string // "8:1"
	at      string
	kind    string
	source  string
	options string // of the mount, then of the file system
}

// mounts reads the table; see proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// Lines that are none are passed over.
func mounts(table io.Reader) (all []mount) {
	lines := bufio.NewScanner(table)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		left, right, ok := strings.Cut(lines.Text(), " - ")
		l, r := strings.Split(left, " "), strings.Split(right, " ") // a source can be empty
		if !ok || len(l) < 6 || len(r) < 3 {
			continue
		}
		id, err := strconv.Atoi(l[0])
		if err != nil {
			continue
		}
		all = append(all, mount{id: id, device: l[2], at: unescape(l[4]), kind: r[0], source: unescape(r[1]), options: join(l[5], r[2])})
	}
	return all
}

// join lists the options of a mount and of its file system, each once.
func join(lists ...string) string {
	var all []string
	seen := map[string]bool{}
	for _, list := range lists {
		for o := range strings.SplitSeq(list, ",") {
			if !seen[o] {
				seen[o] = true
				all = append(all, o)
			}
		}
	}
	return strings.Join(all, ",")
}

// unescape puts back the characters that the table has as octal numbers.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
