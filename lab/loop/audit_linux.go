package loop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/doublemount/doublemount/model"
)

// checkTime is how long a checker may take.
const checkTime = time.Minute

// maxProblems is how many problems of one run are told. A file system that is
// broken in one place has a hundred.
const maxProblems = 20

// audit has the file system's own checker read the disk. The error is that it
// could not be run.
func (r *Runner) audit(ctx context.Context) ([]model.Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	command := append(r.system.check[:len(r.system.check):len(r.system.check)], r.path(imageName))
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err == nil {
		return nil, nil
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || !exit.Exited() {
		return nil, fmt.Errorf("%s: %w", command[0], err)
	}
	if !r.system.harm(exit.ExitCode()) {
		return nil, nil
	}
	return problems(command[0], out), nil
}

// told is what the checkers say, by what it is. The first that matches counts.
var told = []struct {
	text    *regexp.Regexp
	anomaly model.Anomaly
}{
	{regexp.MustCompile(`(?i)multiply-claimed|duplicate block|claimed by|claims (free|used|dup)|overlap`), model.CrossLinked},
	{regexp.MustCompile(`(?i)unattached|disconnected|bitmap differences:.* -|orphan|unused inode|backref .* not found`), model.LeakedSpace},
	{regexp.MustCompile(`(?i)bitmap differences:.* \+|block .* in use|free .* in use`), model.DoubleFree},
}

// noise are lines of checkers that are about the checker.
var noise = regexp.MustCompile(`(?i)^(pass \d|phase \d|e2fsck |opening filesystem|checking filesystem|uuid:|\[\d/\d\]|\s*- |no modify flag|\s*$|.*\*\*\* file system was|.*warning: filesystem still has errors|.*\d+/\d+ files|mounting volume|.*\bok\b\.?$|fix\? no$|ignored\.$|.*host filesystem geometry|.*sector size mismatch between|the image and the host filesystem)`)

var number = regexp.MustCompile(`(?i)blocks? (?:#)?(\d+)`)

// problems makes a list of what a checker has printed.
func problems(checker string, out []byte) []model.Problem {
	var all []model.Problem
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if noise.MatchString(line) || len(all) >= maxProblems {
			continue
		}
		p := model.Problem{Anomaly: model.StructureDamage, Block: -1, Text: checker + ": " + line}
		for _, t := range told {
			if t.text.MatchString(line) {
				p.Anomaly = t.anomaly
				break
			}
		}
		if m := number.FindStringSubmatch(line); m != nil {
			if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
				p.Block = int32(n)
			}
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		all = append(all, model.Problem{Anomaly: model.StructureDamage, Block: -1, Text: checker + ": " + lastLine(out)})
	}
	return all
}

// lastLine is the last line with something on it.
func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}
