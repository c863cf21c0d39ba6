package cli_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOutputLost: what was found is on disk, whatever becomes of the output.
func TestOutputLost(t *testing.T) {
	hunt := func(dir string, stdout io.Writer) int {
		cmd := exec.Command("doublemount", "hunt", "--runs", "256", "--out", dir)
		cmd.Stdout = stdout
		if cmd.Run() == nil {
			t.Error("exit code 0")
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	want := hunt(t.TempDir(), nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if got := hunt(t.TempDir(), w); got != want || want < 2 {
		t.Errorf("%d files where nobody reads the output, %d otherwise", got, want)
	}
}
