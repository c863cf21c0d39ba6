package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBuiltByGoRun(t *testing.T) {
	hash := strings.Repeat("39af", 16)
	for file, want := range map[string]bool{
		"/tmp/go-build123/b001/exe/doublemount":                  true,
		"/home/me/.cache/go-build/39/" + hash + "-d/doublemount": true,
		"/my-cache/39/" + hash + "-d/doublemount":                true,
		"/my-cache/40/" + hash + "-d/doublemount":                false,
		"/my-cache/39/" + hash + "/doublemount":                  false,
		"/my-cache/39/" + hash[2:] + "-d/doublemount":            false,
		"/usr/exe/doublemount":                                   false,
		"/home/me/go-build-d/doublemount":                        false,
		"./doublemount":                                          false,
		"doublemount":                                            false,
	} {
		if got := builtByGoRun(filepath.FromSlash(file)); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}
