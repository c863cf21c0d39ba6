package doublemount_test

import (
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// falsify gives one operation of the second half another answer.
func falsify(rng *rand.Rand, history []model.Op) {
	for {
		op := &history[len(history)/2+rng.IntN(len(history)/2)]
		switch {
		case op.Kind.Event():
		case op.Kind == model.Stat && op.Result.Errno == model.OK:
			op.Result.Size = int64(rng.IntN(4)) * 8
			return
		case op.Kind == model.Read && len(op.Result.Data) > 0:
			op.Result.Data[rng.IntN(len(op.Result.Data))] = byte(rng.IntN(40))
			return
		case op.Result.Errno == model.ENOENT && op.Kind == model.Stat:
			op.Result = model.Result{Type: model.File}
			return
		case op.Result.Errno == model.ENOENT && op.Kind == model.Unlink:
			op.Result = model.Result{}
			return
		case op.Result.Errno == model.EEXIST:
			op.Result = model.Result{}
			return
		}
	}
}

// Histories too long to be searched as a whole, right ones and such with one wrong
// answer, get the verdict that Porcupine gives them name by name. The judge may
// only explain more, since it lets an operation find its file before it is carried
// out: that is rare. It has an answer for nearly all.
func TestAgreesWithPorcupineOnLongHistories(t *testing.T) {
	runs := 60
	if testscale.Long() {
		runs = 20_000 / testscale.Divisor()
	}
	judge := checker.New(0, model.Linearizable)
	var held, violated, more, none int
	for n := range runs {
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		m := mix{ops: 150 + rng.IntN(500), names: 1 + rng.IntN(3), hosts: 2 + rng.IntN(3), overlap: n%5 > 0}
		if n%20 == 19 {
			m.ops = 15_000
		}
		history := m.history(uint64(n))
		if n%3 > 0 {
			falsify(rng, history)
		}
		steps := limit(plainSteps)
		legal := porcupine.CheckOperations(plainModel(true, steps), plainHistory(history))
		if steps.Load() < 0 {
			continue
		}
		v := judge(model.Run{History: history})[0]
		switch {
		case v.Outcome == model.Inconclusive:
			none++
		case v.Outcome == model.Held && legal:
			held++
		case v.Outcome == model.Violated && !legal:
			violated++
		case v.Outcome == model.Held:
			more++
		default:
			t.Errorf("history %d: %+v; Porcupine has an order", n, v)
		}
	}
	t.Logf("held %d, violated %d, explained by the judge only %d, no answer %d", held, violated, more, none)
	if held < runs/4 || violated < runs/4 || more > runs/20 || none > runs/20 {
		t.Errorf("held %d, violated %d, explained by the judge only %d, no answer %d of %d", held, violated, more, none, runs)
	}
}
