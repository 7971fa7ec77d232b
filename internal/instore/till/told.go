package till

import (
	"sync"
	"time"
)

// told remembers, in memory alone, when an open sale was first told what it would earn: hours and days that end before it is paid do not take that
// back. It is bounded; the oldest make room. What is forgotten in a restart is not kept.
type told struct {
	mu    sync.Mutex
	byRef map[string]estimate
	order []string
}

// estimate is for whom and when.
type estimate struct {
	account [16]byte
	at      time.Time
}

func newTold() *told { return &told{byRef: map[string]estimate{}} }

// keep remembers the first telling to a customer; another customer in the same sale begins anew.
func (t *told) keep(ref string, account [16]byte, at time.Time) {
	if ref == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	had, known := t.byRef[ref]
	if known && had.account == account && at.Sub(had.at) < promiseTime {
		return
	}
	if !known {
		t.order = append(t.order, ref)
	}
	t.byRef[ref] = estimate{account, at}
	for len(t.order) > maxPromises {
		delete(t.byRef, t.order[0])
		t.order = t.order[1:]
	}
}

// of is when a customer was told, if a sale that ended at a moment can still have been promised it.
func (t *told) of(ref string, account [16]byte, ended time.Time) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, known := t.byRef[ref]
	return kept.at, known && kept.account == account && kept.at.Before(ended) && ended.Sub(kept.at) < promiseTime
}

// close forgets a sale that ended.
func (t *told) close(ref string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byRef, ref)
}
