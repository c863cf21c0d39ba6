package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// showProgress keeps one line about the campaign up to date where w is a
// terminal. The function it returns takes the line away.
func showProgress(w io.Writer, c interface{ soFar() (runs, findings int) }) (done func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	const clearLine = "\r\x1b[K"
	began := time.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				fmt.Fprint(w, clearLine)
				return
			case <-tick.C:
				runs, findings := c.soFar()
				fmt.Fprintf(w, "%s%d runs, %d kinds of finding, %v", clearLine, runs, findings, time.Since(began).Round(time.Second))
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
