package office

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Terminal shows a job's course to a person: a bar where the output is a terminal, plain lines elsewhere (one when a step begins that takes
// more than two seconds, one every ten seconds, one at its end).
type Terminal struct {
	out   io.Writer
	bars  io.Writer
	fancy bool
	now   func() time.Time

	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	step  string
	since time.Time
	said  time.Time
}

// NewTerminal writes text to out and progress to bars; fancy says that bars is a terminal.
func NewTerminal(out, bars io.Writer, fancy bool, now func() time.Time) *Terminal {
	return &Terminal{out: out, bars: bars, fancy: fancy, now: now}
}

// Write ends the present bar and passes the text on.
func (t *Terminal) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endBar()
	return t.out.Write(text)
}

// Progress shows how far a step is.
func (t *Terminal) Progress(step string, done, total int64, unit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fancy {
		t.showBar(step, done, total, unit)
		return
	}
	t.sayLine(step, done, total, unit)
}

func (t *Terminal) showBar(step string, done, total int64, unit string) {
	if t.bar == nil || t.step != step {
		t.endBar()
		if total <= 0 {
			total = -1
		}
		t.step = step
		t.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(t.bars), progressbar.OptionSetDescription(step), progressbar.OptionShowCount(),
			progressbar.OptionSetItsString(unit), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = t.bar.Set64(done)
	if total > 0 && done >= total {
		t.endBar()
	}
}

func (t *Terminal) endBar() {
	if t.bar != nil {
		_ = t.bar.Clear()
		t.bar, t.step = nil, ""
	}
}

const (
	quietFor  = 2 * time.Second  // a step shorter than this needs no line
	lineEvery = 10 * time.Second // a step longer than that says so now and then
)

func (t *Terminal) sayLine(step string, done, total int64, unit string) {
	now := t.now()
	if t.step != step {
		t.step, t.since, t.said = step, now, time.Time{}
	}
	finished := total > 0 && done >= total
	switch {
	case finished && !t.said.IsZero():
		fmt.Fprintf(t.bars, "%s: %d %s, done after %s\n", step, done, unit, now.Sub(t.since).Round(time.Second))
	case !finished && now.Sub(t.since) > quietFor && now.Sub(t.said) > lineEvery:
		t.said = now
		if total > 0 {
			fmt.Fprintf(t.bars, "%s: %d of %d %s\n", step, done, total, unit)
		} else {
			fmt.Fprintf(t.bars, "%s: %d %s\n", step, done, unit)
		}
	}
}
