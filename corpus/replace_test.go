package corpus

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReplaceLeavesNothing fails at the last moment, where a directory has the
// name.
func TestReplaceLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.case")
	if err := os.Mkdir(name, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replace(name, []byte("x")); err == nil {
		t.Error("no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, error %v", entries, err)
	}
}
