package lint

import (
	"slices"
	"strings"
	"testing"
)

// anything stands for every package of the module.
const anything = "*"

// layers is who may import which packages of the module, tests aside. A
// directory follows the longest entry that is it or ends in "/" and begins it.
var layers = map[string][]string{
	"model":          {},
	"disk":           {"model"},
	"sim":            {"model", "disk"},
	"sim/":           {"model", "disk", "sim", "sim/"},
	"lab/":           {"model", "disk", "lab/"},
	"lab/script":     {"model", "corpus", "lab/"},
	"checker":        {"model"},
	"fuzz":           {"model"},
	"corpus":         {"model"},
	"history":        {"model"},
	"reports":        {"model", "checker"},
	"internal/brute": {"model"},
	"internal/lint":  {},

	"internal/reference": {"model"},
	"internal/testscale": {},
	".":                  {anything},
	".ci":                {},
	"cli":                {anything},
	"cmd/":               {anything},
	"examples/":          {anything},
}

// onlyTests are packages that nothing but tests may import.
var onlyTests = []string{"internal/brute", "internal/lint", "internal/reference", "internal/testscale"}

// onlyIn is which package alone may import a module of someone else.
var onlyIn = map[string]string{
	"pgregory.net/rapid":                ".",
	"github.com/anishathalye/porcupine": "checker",
}

// aboveCLI may import package cli, in tests too.
var aboveCLI = []string{".", "cli", "cmd/", "examples/"}

// covers reports whether entry, a directory or a prefix, stands for dir.
func covers(entry, dir string) bool {
	return entry == anything || entry == dir || strings.HasSuffix(entry, "/") && strings.HasPrefix(dir, entry)
}

// layer finds the entry of layers for a directory.
func layer(dir string) (allowed []string, ok bool) {
	best := ""
	for entry := range layers {
		if covers(entry, dir) && len(entry) > len(best) {
			best = entry
		}
	}
	return layers[best], best != ""
}

func importRule(all []source) (findings []string) {
	for _, s := range all {
		allowed, ok := layer(s.dir())
		if !ok {
			findings = append(findings, s.at(s.file.Package, "package in %s has no import rule\nhint: give it one in internal/lint", s.dir()))
			continue
		}
		for name, pos := range s.imports() {
			for theirs, only := range onlyIn {
				if !s.test && s.dir() != only && (name == theirs || strings.HasPrefix(name, theirs+"/")) {
					findings = append(findings, s.at(pos, "%s imports %s; only %s does", s.dir(), theirs, only))
				}
			}
			if name != module && !strings.HasPrefix(name, module+"/") {
				continue
			}
			dir := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
			if dir == "" {
				dir = "."
			}
			covered := func(entry string) bool { return covers(entry, dir) }
			switch {
			case dir == "cli" && !slices.ContainsFunc(aboveCLI, func(entry string) bool { return covers(entry, s.dir()) }):
				findings = append(findings, s.at(pos, "%s imports cli, which is above it", s.dir()))
			case s.test:
			case slices.Contains(onlyTests, dir):
				findings = append(findings, s.at(pos, "%s is for tests only", dir))
			case !slices.ContainsFunc(allowed, covered):
				findings = append(findings, s.at(pos, "%s imports %s; it may import %v of this module", s.dir(), dir, allowed))
			}
		}
	}
	return findings
}

func TestImports(t *testing.T) { report(t, importRule(tree(t))) }

func TestImportRuleCanFail(t *testing.T) {
	imports := func(names ...string) string {
		text := "package p\n"
		for _, n := range names {
			text += "import _ \"" + n + "\"\n"
		}
		return text
	}
	breaks(t, importRule, "model/x.go", imports(module+"/disk"), "model imports disk")
	breaks(t, importRule, "fuzz/x.go", imports(module+"/checker"), "fuzz imports checker")
	breaks(t, importRule, "sim/x.go", imports(module+"/sim/designs"), "sim imports sim/designs")
	breaks(t, importRule, "lab/loop/x.go", imports(module+"/sim"), "lab/loop imports sim")
	breaks(t, importRule, "corpus/x.go", imports(module), "corpus imports .")
	breaks(t, importRule, "checker/x.go", imports(module+"/internal/brute"), "tests only")
	breaks(t, importRule, "cli/x.go", imports(module+"/internal/brute"), "tests only")
	breaks(t, importRule, "fuzz/x_test.go", imports(module+"/cli"), "above it")
	breaks(t, importRule, "fuzz/x.go", imports("pgregory.net/rapid"), "only . does")
	breaks(t, importRule, "cli/x.go", imports("github.com/anishathalye/porcupine"), "only checker does")
	breaks(t, importRule, "newdir/x.go", imports(), "no import rule")

	breaks(t, importRule, "x.go", imports("pgregory.net/rapid", module+"/fuzz"))
	breaks(t, importRule, "sim/designs/x.go", imports(module+"/sim", module+"/disk", "fmt"))
	breaks(t, importRule, "fuzz/x_test.go", imports("pgregory.net/rapid", module+"/sim/designs"))
	breaks(t, importRule, "checker/x_test.go", imports(module+"/internal/brute"))
	breaks(t, importRule, "cmd/doublemount/x.go", imports(module+"/cli"))
}
