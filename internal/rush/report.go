package rush

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Report is how it went.
type Report struct {
	// Took is how long all of it took; Settled how long after the last sale nothing waited any more.
	Took, Settled time.Duration
	// Faults are answers that a server must not give; empty when all is well.
	Faults []string

	books *books
	tally *tally
	tills int
}

// tally counts what happens. It is safe for use by many goroutines.
type tally struct {
	mu      sync.Mutex
	done    map[string]int
	lookups []time.Duration
	perSale []time.Duration
	records []time.Duration
	faults  []string
	deepest int // most receipts that waited in one till's outbox
}

// did counts one thing that tills did, or that came of it.
func (t *tally) did(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done[what]++
}

func (t *tally) count(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done[what]
}

// fault notes an answer that must not be.
func (t *tally) fault(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.faults) < 100 {
		t.faults = append(t.faults, fmt.Sprintf(format, args...))
	}
}

func (t *tally) took(list *[]time.Duration, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*list = append(*list, d)
}

func (t *tally) depth(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deepest = max(t.deepest, n)
}

// What tills do, and what comes of it, in the order in which people read it.
var (
	acts = []string{
		"sale", "sale without a card", "sale on a new card", "sale on an unknown card", "sale suspended and recalled", "sale of three days ago", "sale voided before it was paid",
		"practice", "full return", "return of a part", "return in another shop", "exchange", "exchange by another customer", "sale voided afterwards", "return voided",
		"sent again at once to all servers", "sent again with another total", "till set up anew",
	}
	results = []string{
		"lookup answered", "lookup answered by the standby", "lookup not answered in time", "lookup not made: the server is left alone this sale",
		"receipt acknowledged while the printer ran", "receipt kept and sent later", "answer repeated from the first time", "conflict refused", "answer provisional",
	}
)

// Write tells people.
func (r *Report) Write(to io.Writer) error {
	r.tally.mu.Lock()
	defer r.tally.mu.Unlock()
	out := &lines{to: to}
	out.say("%d tills, %d receipts that count, %s of selling; after the last sale %s until nothing waited.", r.tills, len(r.books.all()), r.Took.Round(time.Second), r.Settled.Round(100*time.Millisecond))
	out.say("")
	out.say("What the tills did")
	for _, what := range acts {
		out.say("  %-50s %7d", what, r.tally.done[what])
	}
	out.say("")
	out.say("What came of it")
	for _, what := range results {
		out.say("  %-50s %7d", what, r.tally.done[what])
	}
	out.say("  %-50s %7d", "most receipts waiting in one till's outbox", r.tally.deepest)
	out.say("")
	out.say("How long people waited                                  p50      p95      p99      max")
	for _, row := range []struct {
		what string
		list []time.Duration
	}{{"for one lookup", r.tally.lookups}, {"for all lookups of a sale", r.tally.perSale}, {"for a receipt's points", r.tally.records}} {
		slices.Sort(row.list)
		out.say("  %-48s %8s %8s %8s %8s", row.what, at(row.list, 50), at(row.list, 95), at(row.list, 99), at(row.list, 100))
	}
	for _, f := range r.Faults {
		out.say("FAULT  %s", f)
	}
	return out.err
}

// at is a percentile of a sorted list.
func at(list []time.Duration, percent int) string {
	if len(list) == 0 {
		return "–"
	}
	return list[min(len(list)-1, len(list)*percent/100)].Round(100 * time.Microsecond).String()
}

// lines writes lines until one fails.
type lines struct {
	to  io.Writer
	err error
}

func (l *lines) say(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.to, format+"\n", args...)
	}
}
