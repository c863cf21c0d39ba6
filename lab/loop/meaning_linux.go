package loop

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// meanings is what blocks of the disk were at the end of a run.
type meanings struct {
	run int
	of  map[int32]string
}

// Describe says what a block of the disk was at the end of the last Run, where the
// file system has a tool that knows: "directory block of /", "inode table". It
// implements [model.Describer].
func (r *Runner) Describe(block int32) string {
	w := r.world
	w.mu.Lock()
	run, blocks := w.runs, map[int32]bool{block: true}
	for _, record := range w.trace {
		if record.Base >= 0 || record.Version > 0 { // what was never written is no cause
			blocks[record.Block] = true
		}
	}
	w.mu.Unlock()
	if r.meanings.run != run {
		r.meanings = meanings{run: run, of: map[int32]string{}}
	}
	if _, known := r.meanings.of[block]; known {
		return r.meanings.of[block]
	}
	var all []int32
	for b := range blocks { // any order: each is asked for by itself
		if _, known := r.meanings.of[b]; !known {
			r.meanings.of[b] = ""
			all = append(all, b)
		}
	}
	switch r.system.check[0] {
	case "e2fsck":
		r.describeExt4(all)
	case "xfs_repair":
		r.describeXFS(all)
	case "ntfsfix":
		r.describeNTFS(all)
	}
	return r.meanings.of[block]
}

// toolTime is how long a tool may take that is asked about blocks.
const toolTime = 5 * time.Second

// tool runs a tool that reads the disk's file, and returns what it printed. A
// tool that is not there, or fails, knows nothing.
func (r *Runner) tool(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), toolTime)
	defer cancel()
	out, _ := exec.CommandContext(ctx, name, append(args, r.path(imageName))...).Output()
	return string(out)
}

// extents is where e2fsprogs' dumpe2fs says that structure is.
var extents = regexp.MustCompile(`(?m)(superblock|Group descriptors|Block bitmap|Inode bitmap|Inode table) at (\d+)(?:-(\d+))?`)

func (r *Runner) describeExt4(blocks []int32) {
	known := r.meanings.of
	for _, m := range extents.FindAllStringSubmatch(r.tool("dumpe2fs"), -1) {
		first, _ := strconv.Atoi(m[2]) // digits, and if they are too many, no block
		last := first
		if m[3] != "" {
			last, _ = strconv.Atoi(m[3])
		}
		for _, b := range blocks {
			if int(b) >= first && int(b) <= last {
				known[b] = strings.ToLower(m[1])
			}
		}
	}
	var asked []string
	for _, b := range blocks {
		if known[b] == "" {
			asked = append(asked, strconv.Itoa(int(b)))
		}
	}
	inodes := map[string][]int32{}
	var numbers []string
	for _, f := range pairs(r.tool("debugfs", "-R", "icheck "+strings.Join(asked, " "))) {
		if b, err := strconv.Atoi(f[0]); err == nil && f[1] != "<block" {
			if inodes[f[1]] == nil {
				numbers = append(numbers, f[1])
			}
			inodes[f[1]] = append(inodes[f[1]], int32(b))
		}
	}
	names := map[string]string{}
	for _, f := range pairs(r.tool("debugfs", "-R", "ncheck "+strings.Join(numbers, " "))) {
		names[f[0]] = strings.TrimPrefix(rooted(f[1]), "/"+shared)
	}
	for _, n := range numbers {
		text := fmt.Sprintf("inode %s, which has no name", n)
		switch name, named := names[n]; {
		case n == "2":
			text = "root directory of the file system"
		case n == "8":
			text = "journal"
		case named && strings.Contains(r.tool("debugfs", "-R", "stat <"+n+">"), "Type: directory"):
			text = "directory block of " + rooted(name)
		case named:
			text = "data of " + rooted(name)
		}
		for _, b := range inodes[n] {
			known[b] = text
		}
	}
}

// rooted is a path as the hosts have it, below the directory that they share.
func rooted(name string) string { return "/" + strings.Trim(name, "/") }

// pairs are the lines of two fields or more.
func pairs(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 2 {
			all = append(all, f)
		}
	}
	return all
}

// xfsBlock is what xfs_db says of a block: "block 9 (0/9) type inode" and more.
var xfsBlock = regexp.MustCompile(`(?m)^block \d+ \(\d+/\d+\) type (\S+)(?: inode (\d+))?(?: (\S+))?`)

func (r *Runner) describeXFS(blocks []int32) {
	args := []string{"-r", "-f", "-c", "blockget -n"}
	for _, b := range blocks {
		args = append(args, "-c", fmt.Sprintf("daddr %d", int64(b)*blockSize/512), "-c", "blockuse -n")
	}
	found := xfsBlock.FindAllStringSubmatch(r.tool("xfs_db", args...), -1)
	if len(found) != len(blocks) {
		return // a block that it has no answer for: then it is not known which is which
	}
	for i, b := range blocks {
		text := found[i][1]
		if name := found[i][3]; name != "" {
			text += " of " + rooted(strings.TrimPrefix(name, shared))
		} else if found[i][2] != "" {
			text += " of inode " + found[i][2]
		}
		r.meanings.of[b] = text
	}
}

// ntfsObject is what ntfscluster says of a cluster: "Inode 0 /$MFT/$DATA".
var ntfsObject = regexp.MustCompile(`(?m)^Inode (\d+) (\S+)`)

func (r *Runner) describeNTFS(blocks []int32) {
	for _, b := range blocks {
		if m := ntfsObject.FindStringSubmatch(r.tool("ntfscluster", "-q", "-f", "-c", fmt.Sprintf("%d-%d", b, b))); m != nil {
			r.meanings.of[b] = strings.TrimPrefix(m[2], "/"+shared)
		}
	}
}
