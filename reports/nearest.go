package reports

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// added lists the lines of program after that before does not have: steps with
// their numbers in after, holds, and the unmount order if it is another one.
func added(before, after model.Program) []string {
	was := match(before.Steps, after.Steps)
	var lines []string
	for i, s := range after.Steps {
		if was[i] < 0 {
			lines = append(lines, fmt.Sprintf("%d %v", i+1, s))
		}
	}
	for _, h := range after.Holds {
		old := h
		old.Step, old.Until = oldNumber(was, h.Step), oldNumber(was, h.Until)
		if !slices.Contains(before.Holds, old) {
			lines = append(lines, h.String())
		}
	}
	if !slices.Equal(before.Unmounts, after.Unmounts) {
		for _, h := range after.Unmounts {
			lines = append(lines, fmt.Sprintf("end %v unmount", h))
		}
	}
	return lines
}

// oldNumber is the number that a step of the new program has in the old one,
// 0 if it has none.
func oldNumber(was []int, n int) int {
	if n < 1 || n > len(was) {
		return 0
	}
	return was[n-1] + 1
}

// match is, for each step of b, the index of the same step in a, or -1 if it is
// new: a longest common subsequence. What is equal at both ends is matched
// first, so the cost depends on the size of the change.
func match(a, b []model.Step) []int {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	was := make([]int, len(b))
	for j := range head {
		was[j] = j
	}
	for j, i := range subsequence(a[head:len(a)-tail], b[head:len(b)-tail]) {
		if i >= 0 {
			i += head
		}
		was[head+j] = i
	}
	for k := range tail {
		was[len(b)-1-k] = len(a) - 1 - k
	}
	return was
}

// subsequence is match without the ends.
func subsequence(a, b []model.Step) []int {
	length := make([][]int, len(a)+1) // of the suffixes from i and j
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	was := make([]int, len(b))
	for i, j := 0, 0; j < len(b); {
		switch {
		case i < len(a) && a[i] == b[j]:
			was[j] = i
			i, j = i+1, j+1
		case i < len(a) && length[i+1][j] >= length[i][j+1]:
			i++
		default:
			was[j] = -1
			j++
		}
	}
	return was
}
