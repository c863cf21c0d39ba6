package doublemount_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim/designs"
)

// The whole test of a design.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestMyDesign(t *testing.T)
		doublemount.Run(t, designs.Single(), doublemount.Hosts(2), doublemount.Guarantees(model.Linearizable))
	}
}

// An ordinary file system, mounted by two hosts at once, loses a file.
func ExampleCheck() {
	result, err := doublemount.Check(context.Background(), designs.Local(),
		doublemount.Hosts(2), doublemount.Runs(512), doublemount.Seed(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range result.Findings {
		if f.Verdict.Anomaly == model.LostFile {
			fmt.Printf("%s: %s of %s\n%v", f.Guarantee.Name, f.Verdict.Anomaly, f.Verdict.Path, f.Run.Program)
		}
	}
	// Output:
	// nothing-lost: lost file of /b
	// 1 A mount
	// 2 B mount
	// 3 B create /a
	// 4 A create /b
	// end A unmount
	// end B unmount
}
