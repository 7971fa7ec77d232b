package till

import (
	"sync"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Promises are kept this long, and so many of them: several a second for half an hour.
const (
	promiseTime = 30 * time.Minute
	maxPromises = 16384
)

// promise is what a lookup told a till about an open sale.
type promise struct {
	account    [16]byte
	campaign   string
	suggestion string
	silent     bool                   // the account is in the campaign's holdout: nothing was shown
	held       bool                   // the campaign has a holdout
	offer      *programmev1.Offer     // as it was when it was made; nil for what is no offer
	question   programmev1.SurveyKind // of a question, its kind
	link       string                 // of a question on the receipt, the address of its page
	made       time.Time
}

// binds reports whether something was promised: an offer, a question, or silence. A prompt was only said; it gives way to an offer that the basket
// has called for since.
func (p *promise) binds(c *campaign) bool { return p.silent || c.source.GetPrompt() == nil }

// promises remember, in memory alone, what open sales were promised. What is forgotten in a restart is told again by the receipt.
type promises struct {
	mu    sync.Mutex
	byRef map[string]promise
	order []string  // as they came; what was kept again since stands in it twice
	gone  []promise // whose receipt never came, until somebody writes them down
}

func newPromises() *promises {
	return &promises{byRef: make(map[string]promise)}
}

// of is what a sale was promised, if it still holds.
func (p *promises) of(ref string, now time.Time) (promise, bool) {
	if ref == "" {
		return promise{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.byRef[ref]
	return kept, ok && now.Sub(kept.made) < promiseTime
}

// keep remembers a promise from its first telling on; the oldest make room.
func (p *promises) keep(ref string, made promise) {
	if ref == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.byRef[ref]; !known {
		p.order = append(p.order, ref)
	}
	p.byRef[ref] = made
	p.tidy(made.made)
}

// tidy lets go of promises whose time is over, and of the oldest when there are too many.
func (p *promises) tidy(now time.Time) {
	for len(p.order) > 0 {
		oldest, kept := p.byRef[p.order[0]]
		if kept && len(p.order) <= maxPromises && now.Sub(oldest.made) < promiseTime {
			break
		}
		if kept && len(p.gone) < maxPromises {
			p.gone = append(p.gone, oldest)
		}
		delete(p.byRef, p.order[0])
		p.order = p.order[1:]
	}
}

// close forgets the promise of a sale that ended.
func (p *promises) close(ref string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byRef, ref)
}
