package doublemount

import (
	"fmt"
	"math/bits"
	"strings"
	"sync/atomic"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// source makes rapid's draws a [fuzz.Source]. A number is put together from
// single bits: rapid's ranges favour small numbers, which would favour the
// first kind, the first host, the first name.
type source struct{ t *rapid.T }

var bit = rapid.Bool()

// Intn draws as many bits as n needs, again while the number is too large.
func (s source) Intn(n int) int {
	if n < 2 {
		return 0
	}
	const tries = 32
	number := 0
	for range tries {
		number = 0
		for range bits.Len(uint(n - 1)) {
			number *= 2
			if bit.Draw(s.t, "") {
				number++
			}
		}
		if number < n {
			break
		}
	}
	return number % n
}

// programs is the rapid generator of Programs. Its draws are not logged one by
// one; with -rapid.v the Program is.
func programs(gen *fuzz.Generator) *rapid.Generator[model.Program] {
	return rapid.Custom(func(t *rapid.T) model.Program { return gen.Generate(source{t}) })
}

// rapidTB is the test that rapid sees. What rapid reports is kept and not
// passed on: whether the test fails is not for rapid to say, and only the
// test's own goroutine may end it.
type rapidTB struct {
	TB
	failures []string
	closed   atomic.Bool // the test may be over: nothing may be logged
}

var _ rapid.TB = (*rapidTB)(nil)

// stopped is the private panic that leaves rapid.Check.
type stopped struct{}

// check is rapid.Check. It returns what rapid had to complain about.
func (r *rapidTB) check(property func(*rapid.T)) (failures []string) {
	defer func() {
		failures = r.failures
		if p := recover(); p != nil && p != any(stopped{}) {
			panic(p)
		}
	}()
	rapid.Check(r, property)
	return nil
}

// Logf passes on all but rapid's count of checks, which is not that of runs.
func (r *rapidTB) Logf(format string, args ...any) {
	r.Helper()
	if !r.closed.Load() && !strings.HasPrefix(format, "[rapid] OK") {
		r.TB.Logf(format, args...)
	}
}

func (r *rapidTB) Log(args ...any) { r.Logf("%s", fmt.Sprint(args...)) }

func (r *rapidTB) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *rapidTB) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *rapidTB) Fatalf(format string, args ...any) { r.Errorf(format, args...); r.FailNow() }
func (r *rapidTB) Fatal(args ...any)                 { r.Error(args...); r.FailNow() }
func (r *rapidTB) Skipf(format string, args ...any)  { r.Fatalf(format, args...) }
func (r *rapidTB) Skip(args ...any)                  { r.Fatal(args...) }
func (r *rapidTB) SkipNow()                          { r.Fatal("skipped") }
func (r *rapidTB) Fail()                             { r.Error("failed") }
func (r *rapidTB) FailNow()                          { panic(stopped{}) }
func (r *rapidTB) Failed() bool                      { return len(r.failures) > 0 }
