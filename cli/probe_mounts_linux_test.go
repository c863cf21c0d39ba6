package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// mayMountHere skips a test that mounts, unless it may.
func mayMountHere(t *testing.T) {
	t.Helper()
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("mounts, as root: only with DOUBLEMOUNT_LAB=1")
	}
}

// probed runs a probe on two directories and returns its exit code and last line.
func probed(t *testing.T, a, b string, flags ...string) (code int, last string) {
	t.Helper()
	args := append([]string{"probe", "--for", "5s", "--reruns", "1", "--out", filepath.Join(t.TempDir(), "cases"),
		"--host", "A=doublemount agent --root " + a, "--host", "B=doublemount agent --root " + b}, flags...)
	var said bytes.Buffer
	cmd := exec.Command("doublemount", args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Logf("%s%s", out, said.String())
	return code, lines[len(lines)-1]
}

func mount(t *testing.T, args ...string) {
	t.Helper()
	at := args[len(args)-1]
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Fatalf("mount %q: %v: %s", args, err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(at, 0); err != nil && syscall.Unmount(at, syscall.MNT_DETACH) == nil {
			t.Errorf("unmount %s: %v", at, err)
		}
	})
}

// TestProbeReadOnly has a directory, and the same one mounted read-only: it is shared,
// whoever reads.
func TestProbeReadOnly(t *testing.T) {
	mayMountHere(t)
	top := t.TempDir()
	dir, ro := filepath.Join(top, "dir"), filepath.Join(top, "ro")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mount(t, "--bind", dir, ro)
	if out, err := exec.Command("mount", "-o", "remount,ro,bind", ro).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, pair := range [][2]string{{dir, ro}, {ro, dir}} {
		if code, last := probed(t, pair[0], pair[1]); code != 0 || !strings.HasPrefix(last, "shared and linearizable over ") {
			t.Errorf("exit code %d: %s", code, last)
		}
	}
	if code, last := probed(t, ro, ro); code != 4 || !strings.HasPrefix(last, "cannot tell, because B cannot make a directory, nor can another host: EROFS, ") {
		t.Errorf("exit code %d: %s", code, last)
	}
}

// TestProbeFull has a file system that is full, and one with 8 KiB left: nobody can
// tell there, and it is no loss.
func TestProbeFull(t *testing.T) {
	mayMountHere(t)
	dir := filepath.Join(t.TempDir(), "dir")
	mount(t, "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir)
	for _, free := range []int{0, 8 << 10} {
		if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1<<20-free), 0o600); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("cannot tell, because A cannot look for free space: ENOSPC, there is no space left (%d bytes of 1048576 are free; want 1048576)", free)
		if code, last := probed(t, dir, dir); code != 4 || last != want {
			t.Errorf("exit code %d: %s; want %s", code, last, want)
		}
	}
}

// hanging is a directory of FUSE that can be told to answer nothing any more.
type hanging struct {
	fs.LoopbackNode
	gate *gate
}

type gate struct {
	path string        // while a file of that name is there, nothing is answered
	open chan struct{} // ... until this is closed
}

func (g *gate) wait() {
	if _, err := os.Stat(g.path); err == nil {
		<-g.open
	}
}

// WrapChild implements fs.NodeWrapChilder.
func (n *hanging) WrapChild(context.Context, fs.InodeEmbedder) fs.InodeEmbedder {
	return &hanging{LoopbackNode: fs.LoopbackNode{RootData: n.RootData}, gate: n.gate}
}

// Getattr implements fs.NodeGetattrer.
func (n *hanging) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.gate.wait()
	return n.LoopbackNode.Getattr(ctx, f, out)
}

// Mkdir implements fs.NodeMkdirer.
func (n *hanging) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.gate.wait()
	return n.LoopbackNode.Mkdir(ctx, name, mode, out)
}

// Lookup implements fs.NodeLookuper.
func (n *hanging) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.gate.wait()
	return n.LoopbackNode.Lookup(ctx, name, out)
}

// TestProbeHangs has B's mount hang, from the beginning and later: that is told, within
// the timeout, and it is not taken for two file systems.
func TestProbeHangs(t *testing.T) {
	mayMountHere(t)
	top := t.TempDir()
	dir, at := filepath.Join(top, "dir"), filepath.Join(top, "at")
	for _, d := range []string{dir, at} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g := &gate{path: filepath.Join(top, "hang"), open: make(chan struct{})}
	root := &fs.LoopbackRoot{Path: dir}
	top0 := &hanging{LoopbackNode: fs.LoopbackNode{RootData: root}, gate: g}
	root.RootNode = top0
	none := time.Duration(0)
	server, err := fs.Mount(at, top0, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true}, AttrTimeout: &none, EntryTimeout: &none})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		os.Remove(g.path)
		close(g.open)
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
			syscall.Unmount(at, syscall.MNT_DETACH)
		}
	}()
	hang := func() {
		if err := os.WriteFile(g.path, nil, 0o600); err != nil {
			t.Error(err)
		}
	}
	if code, last := probed(t, dir, at); code > 1 || !strings.HasPrefix(last, "shared") {
		t.Errorf("before it hangs: exit code %d: %s", code, last)
	}
	go func() { // in the middle of a probe
		time.Sleep(700 * time.Millisecond)
		hang()
	}()
	began := time.Now()
	code, last := probed(t, dir, at, "--timeout", "1s")
	if code == 0 || !strings.Contains(last, "never returned") && !strings.Contains(last, "did not return in time; its file system hangs") || strings.Contains(last, "separate") {
		t.Errorf("exit code %d: %s", code, last)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	hang()
	began = time.Now()
	if code, last := probed(t, dir, at, "--timeout", "1s"); code != 1 || last != "cannot tell, because B cannot open its root: it did not return in time; its file system hangs" {
		t.Errorf("exit code %d: %s", code, last)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestProbeStale has two mounts that cache attributes for a second: what was stale is
// right again after about that long.
func TestProbeStale(t *testing.T) {
	mayMountHere(t)
	top := t.TempDir()
	dirs := []string{filepath.Join(top, "data"), filepath.Join(top, "a"), filepath.Join(top, "b")}
	for _, dir := range dirs {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range dirs[1:] {
		if out, err := exec.Command("bindfs", dirs[0], at).CombinedOutput(); err != nil {
			t.Fatalf("bindfs: %v: %s", err, out)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(at, 0); err != nil {
				t.Errorf("unmount %s: %v", at, err)
			}
		})
	}
	code, last := probed(t, dirs[1], dirs[2], "--for", "20s", "--without", "locks,renames") // bindfs 1.14 can deadlock in a rename
	match := regexp.MustCompile(`^shared, but weaker than close-to-open: stale read: .*; right again after (\d+\.\d) s`).FindStringSubmatch(last)
	if code != 1 || match == nil {
		t.Fatalf("exit code %d: %s", code, last)
	}
	if seconds, err := strconv.ParseFloat(match[1], 64); err != nil || seconds < 0.5 || seconds > 3 {
		t.Errorf("%s s; bindfs caches attributes for one", match[1])
	}
}
