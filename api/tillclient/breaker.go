package tillclient

import "sync"

// timeoutsToOpen is how many lookups in a row must run out of time before a server is left alone.
const timeoutsToOpen = 2

// breaker keeps a till from waiting for a server that does not answer. It opens after two timeouts in a row; a later sale may try once,
// and an answer closes it.
type breaker struct {
	mu       sync.Mutex
	timeouts int
	// triedIn is the last sale in which the open breaker let a call through, or in which it opened.
	triedIn uint64
}

// allows reports whether a call of the sale may be made.
func (b *breaker) allows(sale uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timeouts < timeoutsToOpen {
		return true
	}
	if sale <= b.triedIn {
		return false
	}
	b.triedIn = sale
	return true
}

// answered notes that the server lives.
func (b *breaker) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timeouts = 0
}

// timedOut notes that the server did not answer a call of the sale in time.
func (b *breaker) timedOut(sale uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timeouts++
	b.triedIn = max(b.triedIn, sale)
}
