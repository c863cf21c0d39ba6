package reports

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// What befell a host while another's step was carried out has a row of its own,
// in the column of that host; what a strike hit stands with its step.
func TestFates(t *testing.T) {
	run := model.Run{
		Program: model.Program{Hosts: 2, Unmounts: []model.Host{0, 1},
			Steps:   []model.Step{{Kind: model.Pause}, {Host: 1, Kind: model.Mount}, {Host: 1, Kind: model.Sync}},
			Strikes: []model.Strike{{Step: 3, At: model.WriteCommand, N: 2, Kind: model.Fail}, {Step: 3, At: model.ReadCommand, N: 1, Kind: model.Fail}}},
		History: []model.Op{
			{Step: 1, Kind: model.Pause, Call: 1, Return: 2},
			{Step: 2, Host: 1, Kind: model.Mount, Call: 3, Return: 6},
			{Step: 2, Kind: model.Fence, Call: 4, Return: 5},
			{Step: 3, Host: 1, Kind: model.Sync, Call: 7, Return: 8, Result: model.Result{Errno: model.EIO}},
			{Step: 3, Kind: model.Resume, Call: 9, Return: 10},
			{Step: 4, Kind: model.Unmount, Call: 11, Return: 12, Result: model.Result{Errno: model.EBADE}},
			{Step: 4, Kind: model.Crash, Call: 13, Return: 14},
		},
		Strikes: []bool{true, false},
	}
	var got []string
	for _, r := range rowsOf(Finding{Run: run}) {
		got = append(got, r.label+" "+r.host.String()+" "+r.text)
	}
	want := []string{"1 A pause -> ok", "2 B mount -> ok", " A (fence)", "3 B sync (write#2: fail) -> EIO", " A (resume)",
		"4 A unmount -> unmount EBADE, crash ok"}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n%q\nwant\n%q", got, want)
	}
	if n := notes(run); n != "strike 3 at read#1 fail never hit" {
		t.Errorf("notes %q", n)
	}
}
