package till

import (
	"errors"
	"fmt"
	"sync"
	"time"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Cards presented at a till are kept this long, and so many of them: a customer shows one, a family three.
const (
	presentedFor = 60 * time.Second
	maxPresented = 16
)

const (
	maxTills    = 1024 // more tills than any store has
	maxWatchers = 8    // of one till: the till itself, its connection from before a break, a screen for the supervisor
)

var (
	// errTooManyTills is returned when cards are presented at more tills than any store has.
	errTooManyTills = errors.New("cards wait at too many tills; name a till of this store")
	// errTooManyWatch is returned to one who wants to watch a till that is watched too often already.
	errTooManyWatch = errors.New("this till is watched too often already; end the older watches")
	// errWatchEnds is returned to those who watch when the server stops.
	errWatchEnds = errors.New("the server ends this watch; watch again with the number of the last message")
)

// presentedCard is one card presented at a till.
type presentedCard struct {
	number     uint64
	identifier *tillv1.Identifier
	at         time.Time
	sale       string // the receipt_ref it belongs to; empty while no sale asked for it
	sent       bool   // somebody who watches was told
}

// presentations remember, in memory alone, what was presented at each till, and wake who watches. Nobody waits for one who watches: each takes
// from here at its own pace, and who is too slow loses the oldest.
type presentations struct {
	mu    sync.Mutex
	tills map[string]*counter
	last  uint64 // the highest number given out
}

// counter is one till.
type counter struct {
	cards    []presentedCard
	base     uint64 // numbers of this counter are above it
	next     uint64 // the number of the next card
	watchers int
	changed  chan struct{} // closed, and made anew, when there is something to look at
}

func newPresentations() *presentations { return &presentations{tills: map[string]*counter{}} }

// at is the counter of a till, made when there is none.
func (p *presentations) at(till string, now time.Time) (*counter, error) {
	if c, ok := p.tills[till]; ok {
		c.expire(now)
		return c, nil
	}
	if len(p.tills) >= maxTills {
		p.sweep(now)
	}
	if len(p.tills) >= maxTills {
		return nil, errTooManyTills
	}
	base := max(p.last, uint64(max(0, now.UnixMicro()))) // a restarted server goes on above what it gave out before
	c := &counter{base: base, next: base + 1, changed: make(chan struct{})}
	p.tills[till] = c
	return c, nil
}

// sweep forgets tills at which nothing waits and that nobody watches.
func (p *presentations) sweep(now time.Time) {
	for till, c := range p.tills {
		if c.expire(now); len(c.cards) == 0 && c.watchers == 0 {
			delete(p.tills, till)
		}
	}
}

func (c *counter) expire(now time.Time) {
	for len(c.cards) > 0 && now.Sub(c.cards[0].at) >= presentedFor {
		c.cards = c.cards[1:]
	}
}

func (c *counter) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// present keeps a card for a till and wakes who watches it; watched says whether anybody does.
func (p *presentations) present(till string, identifier *tillv1.Identifier, now time.Time) (watched bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.at(till, now)
	if err != nil {
		return false, err
	}
	c.cards = append(c.cards, presentedCard{number: c.next, identifier: identifier, at: now})
	if len(c.cards) > maxPresented {
		c.cards = append([]presentedCard(nil), c.cards[len(c.cards)-maxPresented:]...)
	}
	p.last = max(p.last, c.next)
	c.next++
	c.wake()
	return c.watchers > 0, nil
}

// take is the newest card presented at a till that belongs to a sale or to none yet, which it then belongs to; nil for none.
func (p *presentations) take(till, sale string, now time.Time) *tillv1.Identifier {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.tills[till]
	if !ok {
		return nil
	}
	c.expire(now)
	for i := len(c.cards) - 1; i >= 0; i-- {
		if card := &c.cards[i]; card.sale == "" || card.sale == sale {
			if sale != "" {
				card.sale = sale
			}
			return card.identifier
		}
	}
	return nil
}

// close forgets what was presented for a sale that ended: what it asked for, and what was presented before its end, so that the next customer
// is not taken for this one.
func (p *presentations) close(till, sale string, ended time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.tills[till]
	if !ok {
		return
	}
	kept := c.cards[:0]
	for _, card := range c.cards {
		if (sale == "" || card.sale != sale) && card.at.After(ended) {
			kept = append(kept, card)
		}
	}
	c.cards = kept
}

// wake has all who watch look again.
func (p *presentations) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.tills {
		c.wake()
	}
}

// watch is one who watches a till. It belongs to one goroutine, which ends it.
type watch struct {
	all   *presentations
	till  string
	after uint64
	begun bool // it goes on after a number, or has been told something
}

// watch begins to watch a till after the number of the last message had; 0 for one that begins.
func (p *presentations) watch(till string, after uint64, now time.Time) (*watch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.at(till, now)
	if err != nil {
		return nil, err
	}
	if c.watchers >= maxWatchers {
		return nil, fmt.Errorf("%w (%d)", errTooManyWatch, c.watchers)
	}
	c.watchers++
	return &watch{all: p, till: till, after: min(after, c.next-1), begun: after > 0}, nil
}

// end ends the watch.
func (w *watch) end() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.all.tills[w.till].watchers--
}

// next is what was presented since the last time, how many cards of that are gone, and what is closed when there is more.
func (w *watch) next(now time.Time) (cards []presentedCard, missed uint32, more <-chan struct{}) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	c := w.all.tills[w.till]
	c.expire(now)
	for i := range c.cards {
		card := &c.cards[i]
		if card.number <= w.after || !w.begun && card.sent {
			continue
		}
		card.sent = true
		cards = append(cards, *card)
	}
	if w.begun && w.after >= c.base {
		missed = uint32(c.next - 1 - w.after - uint64(len(cards)))
	}
	w.after, w.begun = c.next-1, true
	return cards, missed, c.changed
}
