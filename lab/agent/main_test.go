package agent_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/lab/agent"
)

// roleEnv, if set, makes the test binary an agent, a good one or one of the bad
// ones of the tests. rootEnv is its root.
const (
	roleEnv = "DOUBLEMOUNT_TEST_AGENT"
	rootEnv = "DOUBLEMOUNT_TEST_ROOT"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

type pipes struct {
	io.Reader
	io.Writer
}

// fewLines is an input that ends after some lines.
type fewLines struct {
	*bufio.Reader
	n int
}

func (f *fewLines) Read(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, io.EOF
	}
	line, err := f.ReadSlice('\n')
	return copy(p, line), err
}

// noRanges is the standard output of an agent that locks whole files only.
type noRanges struct{}

func (noRanges) Write(p []byte) (int, error) {
	_, err := os.Stdout.Write(bytes.Replace(p, []byte(`"ranges":true`), []byte(`"ranges":false`), 1))
	return len(p), err
}

// sessionOf reads the hello and returns the name of its session.
func sessionOf(in *bufio.Reader) string {
	for {
		line, err := in.ReadString('\n')
		if _, id, ok := strings.Cut(line, `"id":"`); ok {
			session, _, _ := strings.Cut(id, ".")
			return session
		}
		if err != nil {
			return ""
		}
	}
}

func play(role string) int {
	session, hello := "", ""
	if strings.Contains("dies later|hangs later|nonsense|no JSON|unasked|another version|floods", role) {
		session = sessionOf(bufio.NewReaderSize(os.Stdin, 1)) // leaves the rest of the input
		hello = fmt.Sprintf(`{"jsonrpc":"2.0","id":"%s.1","result":{"protocol":2,"os":"test","kinds":["create"],"unlink_open":true}}`+"\n", session)
	}
	switch role {
	case "good":
		if err := agent.Serve(pipes{os.Stdin, os.Stdout}, agent.Config{Root: os.Getenv(rootEnv)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "dies in a run": // the first does; others are good
		mark := os.Getenv(rootEnv) + ".died"
		if _, err := os.Stat(mark); err == nil {
			return play("good")
		}
		os.WriteFile(mark, nil, 0o600)
		in := &fewLines{bufio.NewReader(os.Stdin), 10} // an empty line, hello, look; mount, unmount, unmount to try; mount, unmount, mount, and one operation
		agent.Serve(pipes{in, os.Stdout}, agent.Config{Root: os.Getenv(rootEnv)})
		return 1
	case "no ranges": // as on a system that has flock(2) only
		if err := agent.Serve(pipes{os.Stdin, noRanges{}}, agent.Config{Root: os.Getenv(rootEnv)}); err != nil {
			return 1
		}
	case "greeting": // what a login prints comes first
		fmt.Print("Welcome to host b!\n\n  * uptime 3 days\n")
		return play("good")
	case "dies":
		fmt.Fprintln(os.Stderr, "ssh: connect to host b port 22: No route to host\nhint: is it up?")
		return 255
	case "silent":
		time.Sleep(time.Hour)
	case "dies later":
		fmt.Print(hello)
		io.ReadFull(os.Stdin, make([]byte, 10)) // a part of the next request
	case "hangs later":
		fmt.Print(hello)
		time.Sleep(time.Hour)
	case "nonsense":
		fmt.Print(hello)
		io.ReadFull(os.Stdin, make([]byte, 10))
		fmt.Printf("{\"jsonrpc\":\"2.0\",\"id\":\"%s.2\",\"result\":{\"errno\":\"EWHAT\"}}\n", session)
		time.Sleep(time.Hour)
	case "no JSON":
		fmt.Print(hello)
		fmt.Print("\x1b[31mSegmentation fault\n")
		time.Sleep(time.Hour)
	case "unasked":
		fmt.Print(hello)
		fmt.Printf(`{"jsonrpc":"2.0","id":"%s.77","result":{}}`+"\n", session)
		time.Sleep(time.Hour)
	case "another version":
		fmt.Print(strings.Replace(hello, `"protocol":2`, `"protocol":9`, 1))
		time.Sleep(time.Hour)
	case "floods":
		fmt.Print(hello)
		line := strings.Repeat("x", 1<<16)
		for {
			if _, err := fmt.Print(line); err != nil {
				return 1
			}
		}
	case "floods before":
		for {
			if _, err := fmt.Println("Welcome!"); err != nil {
				return 1
			}
		}
	case "noise":
		for {
			if _, err := fmt.Print(strings.Repeat("\xfe", 1000) + "\n"); err != nil {
				return 1
			}
		}
	case "floods stderr": // a good agent that talks too much
		go func() {
			for range 1000 {
				fmt.Fprintln(os.Stderr, strings.Repeat("warning ", 100))
			}
		}()
		return play("good")
	}
	return 0
}
