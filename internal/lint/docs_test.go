package lint

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// maxLines is how long a file may get before it is more than one concept.
const maxLines = 500

// docRule wants one package comment for each package.
func docRule(all []source) (findings []string) {
	first := map[string]source{} // the first file of each package
	documented := map[string]string{}
	for _, s := range all {
		if s.test {
			continue
		}
		if _, seen := first[s.dir()]; !seen {
			first[s.dir()] = s
		}
		if s.file.Doc == nil {
			continue
		}
		if other := documented[s.dir()]; other != "" {
			findings = append(findings, s.at(s.file.Package, "second package comment; the first is in %s", other))
		}
		documented[s.dir()] = s.path
	}
	for dir, s := range first {
		if documented[dir] == "" {
			findings = append(findings, s.at(s.file.Package, "package %s has no package comment", s.file.Name.Name))
		}
	}
	return findings
}

// exportedRule wants a comment on everything exported, methods of exported
// types included. A group's comment counts for its members.
func exportedRule(all []source) (findings []string) {
	for _, s := range all {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		bare := func(name *ast.Ident) {
			findings = append(findings, s.at(name.Pos(), "%s is exported and has no doc comment", name.Name))
		}
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || receiver(d).IsExported()) {
					bare(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch v := spec.(type) {
					case *ast.TypeSpec:
						if v.Name.IsExported() && v.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
							bare(v.Name)
						}
					case *ast.ValueSpec:
						for _, name := range v.Names {
							if name.IsExported() && v.Doc == nil && v.Comment == nil && d.Doc == nil {
								bare(name)
							}
						}
					}
				}
			}
		}
	}
	return findings
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) *ast.Ident {
	kind := d.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.IndexListExpr:
			kind = k.X
		case *ast.ParenExpr:
			kind = k.X
		case *ast.Ident:
			return k
		default:
			return ast.NewIdent("_")
		}
	}
}

// sizeRule wants files that can be read in one go.
func sizeRule(all []source) (findings []string) {
	for _, s := range all {
		if n := strings.Count(s.text, "\n"); n > maxLines && !s.test {
			findings = append(findings, s.at(token.NoPos, "%d lines; the limit is %d", n, maxLines))
		}
	}
	return findings
}

func TestPackageDocs(t *testing.T)  { report(t, docRule(tree(t))) }
func TestExportedDocs(t *testing.T) { report(t, exportedRule(tree(t))) }
func TestFileSizes(t *testing.T)    { report(t, sizeRule(tree(t))) }

func TestDocRuleCanFail(t *testing.T) {
	breaks(t, docRule, "model/x.go", "package model\n", "no package comment")
	breaks(t, docRule, "model/x.go", "// License\n\npackage model\n", "no package comment")
	breaks(t, docRule, "model/x.go", "// Package model is.\npackage model\n")
	twice := func(all []source) []string {
		second := all[0]
		second.path = "model/y.go"
		return docRule(append(all, second))
	}
	breaks(t, twice, "model/x.go", "// Package model is.\npackage model\n", "second package comment")
}

func TestExportedRuleCanFail(t *testing.T) {
	for _, decl := range []string{
		"func F() {}", "type T int", "const C = 1", "var V = 1", "var a, V = 1, 2",
		"// T is.\ntype T struct{}\nfunc (T) M() {}", "// T is.\ntype T[K any] struct{}\nfunc (*T[K]) M() {}",
		"// Some types.\ntype (\n\tT int\n)",
	} {
		breaks(t, exportedRule, "model/x.go", "package model\n"+decl+"\n", "no doc comment")
		breaks(t, exportedRule, "cmd/x/x.go", "package main\n"+decl+"\n")
		breaks(t, exportedRule, "model/x_test.go", "package model\n"+decl+"\n")
	}
	breaks(t, exportedRule, "model/x.go", "package model\n// F is.\nfunc F() {}\n// Both.\nconst (\nA = 1\nB = 2\n)\nvar (\n\tC = 1 // is\n)\ntype t int\nfunc (t) M() {}\n")
}

func TestSizeRuleCanFail(t *testing.T) {
	breaks(t, sizeRule, "model/x.go", "package model\n"+strings.Repeat("\n", maxLines), "501 lines")
	breaks(t, sizeRule, "model/x.go", "package model\n"+strings.Repeat("\n", maxLines-1))
}
