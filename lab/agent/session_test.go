package agent_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// wire is a serial line: whoever hangs up leaves it open.
type wire struct{ net.Conn }

func (wire) Close() error { return nil }

// TestSessions has one agent at the end of a line that several callers use, one after
// the other. The first has made a directory and asked for more than it stayed to hear,
// and has hung up in the middle of a request.
func TestSessions(t *testing.T) {
	root := t.TempDir()
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- agent.Serve(theirs, agent.Config{Root: root}) }()
	left := make(chan struct{})
	go func() { // what comes is read by nobody, but it comes
		defer close(left)
		b := make([]byte, 1)
		for n := 0; n < 3; { // the answers of the first two requests and a part of the third
			if _, err := ours.Read(b); err != nil {
				return
			}
			if b[0] == '\n' {
				n++
			}
			if n == 2 && b[0] == '"' {
				return
			}
		}
	}()
	fmt.Fprint(ours, `{"jsonrpc":"2.0","id":"old.1","method":"hello","params":{"session":"old"}}`+"\n"+
		`{"jsonrpc":"2.0","id":"old.2","method":"mount","params":{"dir":"doublemount-old","make":true,"word":64}}`+"\n"+
		`{"jsonrpc":"2.0","id":"old.3","method":"look"}`+"\n"+`{"jsonrpc":"2.0","id":"old.4","meth`)
	<-left
	if _, err := os.Stat(root + "/doublemount-old"); err != nil {
		t.Fatalf("the first caller made nothing: %v", err)
	}
	h, err := agent.Connect(t.Context(), wire{ours}, agent.Options{Name: "B"})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("the caller before has left %v, %v", left, err)
	}
	const name = "doublemount-new"
	if _, err := h.Mount(agent.Mount{Dir: name, Make: true, Word: 64}); err != nil {
		t.Fatal(err)
	}
	if a := h.Do(model.Step{Kind: model.Create, Path: "/a"}); a.Err != nil || a.Result.Errno != model.OK {
		t.Errorf("%+v", a)
	}
	h.Kill()
	ours.Close()
	if err := <-served; err != nil && !strings.Contains(err.Error(), "closed pipe") {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
