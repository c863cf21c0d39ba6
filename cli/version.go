package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

const modulePath = "github.com/doublemount/doublemount"

// version is the name and version of this module, as it was built into the
// executable, whoever's that is: "doublemount v0.1.0", "doublemount (devel)".
func version() string {
	found := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == modulePath && m.Version != "" {
				found = m.Version
			}
		}
	}
	return "doublemount " + found
}

// command is how to call this program again from where it was called: as it was
// called, or through the go command where that built it and will remove it.
func command() string {
	if info, ok := debug.ReadBuildInfo(); ok && builtByGoRun(os.Args[0]) && strings.Contains(info.Path, "/") {
		return "go run " + info.Path
	}
	return quoteArg(os.Args[0])
}

// builtByGoRun reports whether the executable lies where "go run" puts it: the
// directory "exe" of a build directory, or that of its hash in the build cache,
// 39/399f...-d (Go 1.24, cmd/go/internal/cache: PutExecutable).
func builtByGoRun(file string) bool {
	dir := filepath.Dir(file)
	name := filepath.Base(dir)
	if name == "exe" {
		return strings.Contains(dir, "go-build")
	}
	hash, cached := strings.CutSuffix(name, "-d")
	sum, err := hex.DecodeString(hash)
	return cached && err == nil && len(sum) == sha256.Size && filepath.Base(filepath.Dir(dir)) == hash[:2]
}

// quoteArg is an argument as a shell takes it.
func quoteArg(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:=+@%\\", r)
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
