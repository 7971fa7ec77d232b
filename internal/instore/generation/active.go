package generation

import (
	"sync"
	"sync/atomic"
)

// Active is which release serves now, and the one before it. The zero value serves none. Any number of goroutines may acquire while one
// switches: nobody waits, and who has begun with one release ends with it.
type Active struct {
	current  atomic.Pointer[Release]
	previous atomic.Pointer[Release]
	mu       sync.Mutex // one switch at a time
}

// Acquire returns the release that serves, and what must be called once when done with it. ok is false when no release serves.
func (a *Active) Acquire() (r *Release, done func(), ok bool) {
	return acquire(&a.current)
}

// AcquirePrevious is the release before the one that serves, while it is kept: whole, with its own cut-offs, for a record that cannot be read in
// the present one.
func (a *Active) AcquirePrevious() (r *Release, done func(), ok bool) {
	return acquire(&a.previous)
}

func acquire(p *atomic.Pointer[Release]) (*Release, func(), bool) {
	for {
		r := p.Load()
		if r == nil {
			return nil, nil, false
		}
		if holdRef(&r.refs) {
			return r, r.done, true
		}
		// It was replaced and let go of between the two steps: the pointer says something newer by now.
	}
}

// Switch has a release serve from now on. The one that served is kept as the previous; the previous is let go of, and closes when the last who
// uses it is done. Active takes over the caller's reference.
func (a *Active) Switch(next *Release) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.current.Swap(next)
	if dropped := a.previous.Swap(before); dropped != nil {
		dropped.release()
	}
}

// DropPrevious lets go of the previous release: after an erasure nobody steps back.
func (a *Active) DropPrevious() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if dropped := a.previous.Swap(nil); dropped != nil {
		dropped.release()
	}
}

// Close lets go of both releases. Who still uses one may finish; nobody acquires any more.
func (a *Active) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range []*atomic.Pointer[Release]{&a.current, &a.previous} {
		if r := p.Swap(nil); r != nil {
			r.release()
		}
	}
}
