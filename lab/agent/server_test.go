package agent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/agent"
)

// serve gives an agent lines and returns its answers, by their ids.
func serve(t testing.TB, root, lines string) map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := agent.Serve(pipes{strings.NewReader(lines), &out}, agent.Config{Root: root}); err != nil {
		t.Errorf("serve: %v", err)
	}
	answers := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var r struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Result  json.RawMessage `json:"result"`
			Error   *struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Version != "2.0" || (r.Result == nil) == (r.Error == nil) || len(line) > agent.MaxLine {
			t.Errorf("no answer: %.200q (%v)", line, err)
		}
		text := string(r.Result)
		if r.Error != nil {
			text = fmt.Sprint(r.Error.Code, " ", r.Error.Message)
		}
		answers[string(r.ID)] = text
	}
	return answers
}

// trap is a root beside things that nobody may touch, and below it links to them:
// in the root, and in a directory that another agent may have made.
func trap(t testing.TB) (root string, check func()) {
	t.Helper()
	top := t.TempDir()
	root = filepath.Join(top, "root")
	for _, dir := range []string{root, filepath.Join(root, dir), filepath.Join(top, "outside", "full")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(top, "outside", "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"doublemount-link": "../outside", "doublemount-abs": filepath.Join(top, "outside"), "doublemount-own": dir,
		dir + "/a": "../../outside", dir + "/b": secret, dir + "/c": "../../outside/new", dir + "/d": "/", dir + "/e": "e", dir + "/f": "../..",
	} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := picture(t, top, root)
	return root, func() {
		t.Helper()
		if after := picture(t, top, root); after != before {
			t.Errorf("outside of the root was\n%snow it is\n%s", before, after)
		}
		if _, err := os.Lstat(filepath.Join(root, dir)); err != nil {
			t.Errorf("a directory that the agent did not make: %v", err)
		}
	}
}

// picture is everything below top, but not below root.
func picture(t testing.TB, top, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return errIf(name == root, err)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text := ""
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text = string(content)
		}
		fmt.Fprintln(&b, name, info.Mode(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func errIf(skip bool, err error) error {
	if skip {
		return fs.SkipDir
	}
	return err
}

// escapes are what a caller may try to get out, or into what is not ours.
func escapes() string {
	var b strings.Builder
	n := 0
	ask := func(method, params string) {
		n++
		fmt.Fprintf(&b, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", n, method, params)
	}
	for _, name := range []string{"", ".", "..", "/", "/etc", "doublemount-", "doublemount-a/../..", "doublemount-../x", "doublemount-link",
		"doublemount-abs", "doublemount-own", "doublemount-A", "doublemount-a\\u0000", "other", dir + "/../../outside", "doublemount-" + strings.Repeat("x", 99)} {
		ask("mount", fmt.Sprintf(`{"dir":"%s","make":true,"word":64}`, name))
		ask("mount", fmt.Sprintf(`{"dir":"%s","word":64}`, name))
		ask("remove", fmt.Sprintf(`{"dir":"%s","word":0}`, name))
	}
	ask("remove", fmt.Sprintf(`{"dir":%q,"word":0}`, dir))
	return b.String()
}

// operationsOn has every operation work on a path, as JSON has it.
func operationsOn(path string) string {
	var b strings.Builder
	for i, params := range []string{`"kind":"create"`, `"kind":"mkdir"`, `"kind":"unlink"`, `"kind":"rmdir"`, `"kind":"readdir"`, `"kind":"stat"`,
		`"kind":"open","file":1`, `"kind":"read","len":8`, `"kind":"write","len":8,"data":7`, `"kind":"append","len":8,"data":7`,
		`"kind":"truncate","len":0`, `"kind":"fsync"`, `"kind":"rename","to":"/g"`, `"kind":"link","to":"/g"`, `"kind":"rename","to":"/a/g"`} {
		fmt.Fprintf(&b, `{"jsonrpc":"2.0","id":"%s-%d","method":"do","params":{%s,"path":"%s"}}`+"\n", path[:min(len(path), 8)], i, params, path)
	}
	return b.String()
}

// TestNothingLeaves tries every way out that there is a name for.
func TestNothingLeaves(t *testing.T) {
	root, check := trap(t)
	for id, answer := range serve(t, root, escapes()) {
		if !strings.HasPrefix(answer, "-32") {
			t.Errorf("%s answered %s", id, answer)
		}
	}
	check()
	var lines strings.Builder
	fmt.Fprintf(&lines, `{"jsonrpc":"2.0","id":0,"method":"mount","params":{"dir":%q,"word":64}}`+"\n", dir)
	answers := serve(t, root, lines.String())
	if answers["0"] != `{"direct":false}` {
		t.Fatalf("mount of what another agent has made: %s", answers["0"])
	}
	for _, path := range []string{"/a", "/a/secret", "/a/full", "/a/new", "/b", "/b/x", "/c", "/c/x", "/d/etc", "/d/tmp", "/e", "/f", "/f/outside", "/..", "/../outside/secret", "..", "",
		"/a/../../outside/secret", "/etc/passwd", "/a//b", "/A", "/x\\u0000y", strings.Repeat("/x", 5000), "/" + strings.Repeat("x", 5000)} {
		// One at a time: what is renamed away is no trap for the next.
		root, check := trap(t)
		for id, answer := range serve(t, root, lines.String()+operationsOn(path)) {
			if !strings.HasPrefix(answer, "-32") && strings.Contains(answer, "secret") {
				t.Errorf("%s: %s answered %s", path, id, answer)
			}
		}
		check()
	}
}

// TestMakesAndRemoves has an agent remove what it made, and only that, when its
// input ends; also where links were planted in it.
func TestMakesAndRemoves(t *testing.T) {
	root, check := trap(t)
	own := filepath.Join(root, "doublemount-new")
	in, lines := io.Pipe()
	done := make(chan error, 1)
	var out bytes.Buffer
	go func() { done <- agent.Serve(pipes{in, &out}, agent.Config{Root: root}) }()
	fmt.Fprintln(lines, `{"jsonrpc":"2.0","id":1,"method":"mount","params":{"dir":"doublemount-new","make":true,"word":64}}`)
	for {
		if _, err := os.Lstat(own); err == nil {
			break
		}
	}
	if err := os.Symlink("../../outside", filepath.Join(own, "a")); err != nil {
		t.Fatal(err)
	}
	lines.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(own); !os.IsNotExist(err) {
		t.Errorf("what it made: %v", err)
	}
	check()
}

// TestProtocol has the answers that JSON-RPC asks for.
func TestProtocol(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for _, test := range []struct{ line, id, want string }{
		{`{"jsonrpc":"2.0","id":"a","method":"ping"}`, `"a"`, `{}`},
		{`{"jsonrpc":"2.0","id":1,"method":"pong"}`, `1`, `-32601 no method is called "pong"`},
		{`{"jsonrpc":"2.0","id":1,"method":"do","params":{"kind":"create","path":"/a"}}`, `1`, `-32000 not mounted`},
		{`{"jsonrpc":"2.0","id":1,"method":"do","params":{"kind":"crash"}}`, `1`, `-32602 no operation is called "crash"`},
		{`{"jsonrpc":"2.0","id":1,"method":"do","params":{"kind":"create","path":"/a","mode":7}}`, `1`, `-32602 parameters of do: "json: unknown field \"mode\""`},
		{`{"jsonrpc":"2.0","id":1,"method":"do"}`, `1`, `-32602 parameters of do: "EOF"`},
		{`{"jsonrpc":"2.0","id":1,"method":"do","params":{"kind":"create","path":"/` + long + `"}}`, `null`, `-32600 a line of more than 1048576 bytes`},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}`, `null`, `-32600 not a request of JSON-RPC 2.0 with a short id`},
		{`{"jsonrpc":"2.0","id":{},"method":"ping"}`, `null`, `-32600 not a request of JSON-RPC 2.0 with a short id`},
		{`[]`, `null`, `-32600 not a request: "json: cannot unmarshal array into Go value of type agent.request"`},
		{`{`, `null`, `-32700 not a request: "unexpected EOF"`},
		{long, `null`, `-32600 a line of more than 1048576 bytes`},
	} {
		answers := serve(t, t.TempDir(), test.line+"\n"+`{"jsonrpc":"2.0","id":99,"method":"ping"}`+"\n")
		if answers[test.id] != test.want || answers["99"] != "{}" || len(answers) != 2 {
			t.Errorf("%.80s: %v; want %s from %s, and 99", test.line, answers, test.want, test.id)
		}
	}
	if answers := serve(t, t.TempDir(), `{"jsonrpc":"2.0","method":"ping"}`+"\n\n"+`{"jsonrpc":"2.0","id":9,"method":"ping"}`); len(answers) != 0 {
		t.Errorf("a notification, an empty line and half a line are answered: %v", answers)
	}
}

// FuzzServe gives an agent anything: it answers in lines of JSON, ends when its
// input does, leaves alone what is outside of its root and what it did not make,
// and removes what it made.
func FuzzServe(f *testing.F) {
	f.Add([]byte(escapes()))
	for _, path := range []string{"/a/secret", "/b", "/f/outside", "/../outside/secret", "/x"} {
		f.Add([]byte(fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"mount","params":{"dir":%q,"word":512,"try":true}}`+"\n", dir) + operationsOn(path)))
	}
	f.Add([]byte(`{"jsonrpc":"2.0","id":0,"method":"mount","params":{"dir":"doublemount-n","make":true,"word":8}}` + "\n" + operationsOn("/x") +
		`{"jsonrpc":"2.0","id":8,"method":"unmount"}` + "\n" + `{"jsonrpc":"2.0","id":9,"method":"remove","params":{"dir":"doublemount-n","word":0}}` + "\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		root, check := trap(t)
		serve(t, root, string(lines))
		check()
		left, err := os.ReadDir(root)
		if err != nil || len(left) != 4 {
			t.Errorf("in the root: %v, %v", left, err)
		}
	})
}
