package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deterministic are the packages in which the same input must give the same
// outcome, byte for byte.
var deterministic = []string{"model", "disk", "sim", "sim/", "fuzz", "checker"}

// banned imports bring in clocks, chance, other goroutines, addresses or the
// machine. What lies below one of them is banned too.
var banned = []string{"time", "math/rand", "crypto/rand", "hash/maphash", "sync", "os", "net", "runtime", "unsafe", "reflect"}

// seeded are the names of math/rand/v2 that depend on nothing but a seed.
var seeded = []string{"New", "NewPCG", "Rand", "PCG", "Source"}

// anyOrder marks a range over a map whose order cannot matter, on its line or
// the line above, and must go on with the reason.
const anyOrder = "// any order: "

// pointerVerb is the formatting verb that prints an address.
var pointerVerb = regexp.MustCompile(`%[-+#0-9.*\[\]]*p`)

// judged are the files that the rules here are for.
func judged(all []source) []source {
	return slices.DeleteFunc(slices.Clone(all), func(s source) bool {
		return s.test || !slices.ContainsFunc(deterministic, func(entry string) bool { return covers(entry, s.dir()) })
	})
}

// determinismRule finds what syntax alone shows.
func determinismRule(all []source) (findings []string) {
	for _, s := range judged(all) {
		for name, pos := range s.imports() {
			for _, b := range banned {
				below := strings.HasPrefix(name, b+"/") && name != "math/rand/v2"
				if name == b || below {
					findings = append(findings, s.at(pos, "imports %s", name))
				}
			}
		}
		random := localName(s, "math/rand/v2", "rand")
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				findings = append(findings, s.at(n.Pos(), "go statement"))
			case *ast.SelectStmt:
				findings = append(findings, s.at(n.Pos(), "select statement"))
			case *ast.ImportSpec:
				if n.Name != nil && n.Name.Name == "." {
					findings = append(findings, s.at(n.Pos(), "dot import"))
				}
			case *ast.Ident:
				switch n.Name {
				case "float32", "float64", "complex64", "complex128":
					findings = append(findings, s.at(n.Pos(), "%s; use integers", n.Name))
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT || n.Kind == token.IMAG {
					findings = append(findings, s.at(n.Pos(), "number %s; use integers", n.Value))
				}
				if n.Kind == token.STRING && pointerVerb.MatchString(n.Value) {
					findings = append(findings, s.at(n.Pos(), "%%p prints an address"))
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && random != "" && x.Name == random && !slices.Contains(seeded, n.Sel.Name) {
					findings = append(findings, s.at(n.Pos(), "rand.%s does not come from a seeded source", n.Sel.Name))
				}
			}
			return true
		})
	}
	return findings
}

// localName is what s calls an import, or empty.
func localName(s source, importPath, usual string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value == `"`+importPath+`"` {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return usual
		}
	}
	return ""
}

// mapRule finds what needs types: ranges over maps, iterators over maps that
// are not sorted at once, and floats that have no name.
func mapRule(t *testing.T) func([]source) []string {
	imports := exportData(t)
	return func(all []source) (findings []string) {
		byDir := map[string][]source{}
		for _, s := range judged(all) {
			byDir[s.dir()] = append(byDir[s.dir()], s)
		}
		for dir, pkg := range byDir {
			info, err := check(dir, pkg, imports)
			if err != nil {
				findings = append(findings, dir+": cannot be type-checked: "+err.Error())
				continue
			}
			for _, s := range pkg {
				findings = append(findings, mapFindings(s, info)...)
			}
		}
		return findings
	}
}

func mapFindings(s source, info *types.Info) (findings []string) {
	excused := map[int]bool{} // lines
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, anyOrder); ok && strings.TrimSpace(reason) != "" {
				line := s.fset.Position(c.Pos()).Line
				excused[line], excused[line+1] = true, true
			}
		}
	}
	complain := func(pos token.Pos, what string) {
		if !excused[s.fset.Position(pos).Line] {
			findings = append(findings, s.at(pos, "%s\nhint: sort the keys, or say why not: %sreason", what, anyOrder))
		}
	}
	sorted := map[ast.Expr]bool{} // arguments of slices.Sorted and its kin
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if _, ok := under(info, n.X).(*types.Map); ok && n.Key != nil {
				complain(n.Pos(), "range over a map")
			}
		case *ast.CallExpr:
			name := function(info, n)
			switch {
			case strings.HasPrefix(name, "slices.Sorted"):
				sorted[n.Args[0]] = true
			case (name == "maps.Keys" || name == "maps.Values" || name == "maps.All") && !sorted[n]:
				complain(n.Pos(), name+" without slices.Sorted")
			}
		}
		if e, ok := n.(ast.Expr); ok {
			if b, ok := under(info, e).(*types.Basic); ok && b.Info()&(types.IsFloat|types.IsComplex) != 0 {
				findings = append(findings, s.at(e.Pos(), "a %s; use integers", b))
			}
		}
		return true
	})
	return findings
}

func under(info *types.Info, e ast.Expr) types.Type {
	if t := info.TypeOf(e); t != nil {
		return t.Underlying()
	}
	return nil
}

// function is the package and name of what a call calls: "maps.Keys".
func function(info *types.Info, call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	f, ok := info.Uses[sel.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return ""
	}
	return f.Pkg().Path() + "." + f.Name()
}

func TestDeterminism(t *testing.T) { report(t, determinismRule(tree(t))) }
func TestMapOrder(t *testing.T)    { report(t, mapRule(t)(tree(t))) }

func TestDeterminismRuleCanFail(t *testing.T) {
	for text, want := range map[string]string{
		`import "time"`:          "imports time",
		`import "math/rand"`:     "imports math/rand",
		`import "sync/atomic"`:   "imports sync/atomic",
		`import "net/http"`:      "imports net/http",
		`import "os"`:            "imports os",
		`import . "fmt"`:         "dot import",
		`func f() { go f() }`:    "go statement",
		`func f() { select {} }`: "select statement",
		`var x float64`:          "float64",
		`var x = 1.5`:            "number 1.5",
		`var x = 1e3`:            "number 1e3",
		`var x = "at %p"`:        "%p",
		`var x = "at %-16p"`:     "%p",
		"import \"math/rand/v2\"\nvar x = rand.IntN(3)":    "rand.IntN",
		"import r \"math/rand/v2\"\nvar x = r.Uint64()":    "rand.Uint64",
		"import \"math/rand/v2\"\nvar x = rand.NewChaCha8": "rand.NewChaCha8",
	} {
		breaks(t, determinismRule, "sim/designs/x.go", "package p\n"+text+"\n", want)
		breaks(t, determinismRule, "cli/x.go", "package p\n"+text+"\n")
		breaks(t, determinismRule, "sim/x_test.go", "package p\n"+text+"\n")
	}
	breaks(t, determinismRule, "fuzz/x.go", "package p\nimport \"math/rand/v2\"\nvar x = rand.New(rand.NewPCG(1, 2))\nvar y = \"100% prime, 5%\"\n")
}

func TestMapRuleCanFail(t *testing.T) {
	rule := mapRule(t)
	head := "package model\nimport (\n\"maps\"\n\"slices\"\n)\ntype table map[int]int\nvar m table\nvar _, _ = maps.Keys[table], slices.Max[[]int]\nfunc f() {\n"
	for body, want := range map[string]string{
		"for k := range m { _ = k }":                  "range over a map",
		"for _, v := range m { _ = v } // any order:": "range over a map",
		"for k := range maps.Keys(m) { _ = k }":       "maps.Keys",
		"_ = slices.Collect(maps.Values(m))":          "maps.Values",
		"_ = 8 / (1 / .5)":                            "float",
		"undefined()":                                 "cannot be type-checked",
	} {
		breaks(t, rule, "model/x.go", head+body+"\n}\n", want)
	}
	for _, body := range []string{
		"for range m {}", // counts only
		"for k := range m { _ = k } // any order: nothing is done with it",
		"// any order: nothing is done with it\nfor k := range m { _ = k }",
		"for _, k := range slices.Sorted(maps.Keys(m)) { _ = k }",
		"for i := range []int{1} { _ = i }",
	} {
		breaks(t, rule, "model/x.go", head+body+"\n}\n")
	}
}
