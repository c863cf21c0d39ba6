package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
)

// exportData finds the compiled form of everything that deterministic packages
// import, and of what the tests of the rules do. The go command has it in its
// cache by the time a test runs, so this costs little and needs no network.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-e", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}\t{{.Export}}{{end}}", "maps", "slices"}
	for _, dir := range deterministic {
		dir = strings.TrimSuffix(dir, "/")
		args = append(args, "./"+dir+"/...")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			found[name] = file
		}
	}
	return found
}

// check type-checks the files of one package.
func check(dir string, pkg []source, exports map[string]string) (*types.Info, error) {
	files := make([]*ast.File, len(pkg))
	for i, s := range pkg {
		files[i] = s.file
	}
	lookup := func(name string) (io.ReadCloser, error) {
		file, ok := exports[name]
		if !ok {
			return nil, fmt.Errorf("no compiled form of %s", name)
		}
		return os.Open(file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(pkg[0].fset, "gc", lookup)}
	_, err := config.Check(path.Join(module, dir), pkg[0].fset, files, info)
	return info, err
}
