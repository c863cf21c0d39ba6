package checker_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/model"
)

// Porcupine's page is of one component, the one asked for or the first that is not
// kept, and never of more than can be drawn.
func TestVisualise(t *testing.T) {
	var ops []model.Op
	at := int64(0)
	add := func(host model.Host, kind model.Kind, path model.Path, e model.Errno) {
		at += 2
		ops = append(ops, model.Op{Step: len(ops) + 1, Host: host, Kind: kind, Path: path, Call: at, Return: at + 1, Result: model.Result{Errno: e}})
	}
	add(0, model.Create, "/right", model.OK)
	add(0, model.Create, "/wrong", model.OK)
	add(1, model.Stat, "/wrong", model.ENOENT)
	for n := range 200 {
		add(0, []model.Kind{model.Create, model.Unlink}[n%2], "/long", model.OK)
	}
	run := model.Run{History: ops}
	for _, c := range []struct {
		path       model.Path
		want, none string
	}{{"", "step 2 (A create /wrong): takes effect", "/right"}, {"/right", "step 1 (A create /right): takes effect", "/wrong"}} {
		var b bytes.Buffer
		if err := checker.Visualise(&b, run, model.Linearizable, c.path); err != nil {
			t.Fatal(err)
		}
		if page := b.String(); !strings.Contains(page, c.want) || strings.Contains(page, c.none) {
			t.Errorf("%q: the page is of something else", c.path)
		}
	}
	var b bytes.Buffer
	for path, g := range map[model.Path]model.Guarantee{"/nowhere": model.Linearizable, "/right": model.Fsck} {
		if err := checker.Visualise(&b, run, g, path); err == nil {
			t.Errorf("%s of %s: no error", g.Name, path)
		}
	}
	for n := range 600 {
		ops = append(ops, model.Op{Step: 1000 + n, Kind: model.Stat, Path: "/long", Call: at + 10 + 2*int64(n), Return: at + 11 + 2*int64(n), Result: model.Result{Errno: model.ENOENT}})
	}
	err := checker.Visualise(&b, model.Run{History: ops}, model.Linearizable, "/long")
	if err == nil || !strings.Contains(err.Error(), "the limit of a page is 1000") || b.Len() > 0 {
		t.Error(fmt.Sprint("got ", err))
	}
}
