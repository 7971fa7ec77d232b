// Package groupcommit lets many tills share one trip to the disk.
//
// A bbolt file has one writer, and a durable transaction costs a flush of the disk, about the same for one receipt as for two hundred.
// A Committer owns the writing side of one file: one goroutine takes whatever waits at that moment, at most MaxBatch functions, runs them
// in one transaction, flushes once, and then answers all of them. There is no timer: a function that comes alone is committed at once,
// those that come while others run join their transaction, and those that come during its flush go together in the next one.
//
// # What it promises
//
//   - Do answers nil only after the function's writes are on disk.
//   - Functions run one after another, in the order in which they came; each sees what those before it wrote.
//   - A function that returns an error or panics leaves nothing behind, and takes nothing from the others: the transaction is rolled back
//     and run again without it. Functions may therefore run more than once and must set their results anew each time. A business refusal
//     is a result, never an error: it costs nobody a second run.
//   - Lack of space (ErrFull) rolls back and refuses. After any other failure to commit nobody knows what is on disk: the committer is
//     suspect, answers everything that waited and everything later with ErrSuspect, and writes nothing more. Its owner closes the file,
//     opens it again and reads what is there.
//
// # What it does not do
//
// It neither opens nor closes the file, and it does not read: read transactions are the owner's, beside it. A function must not call Do,
// begin a transaction of its own, or keep anything of the transaction after it returned.
//
// Every Committer runs one goroutine, from New until Close.
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// MaxBatch is the most functions that share a transaction. At 256 the flush is below a hundredth of what each pays, and a transaction
// still holds its pages in memory with ease.
const MaxBatch = 256

var (
	// ErrSuspect is returned when a commit failed in a way that leaves open what is on disk, to everybody who waited and ever after.
	ErrSuspect = errors.New("the file is suspect after a failed commit: open it again and read what is there")
	// ErrFull is returned when the file or its disk has no room for a transaction, which was rolled back as a whole.
	ErrFull = errors.New("no room for the transaction")
	// ErrClosed is returned when Do comes after Close.
	ErrClosed = errors.New("the committer is closed")
)

// PanicError is what Do returns when the function panicked.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is where.
	Stack []byte
}

// Error says with what the function panicked.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in a transaction: %v", e.Value) }

// Unwrap gives the error it panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Stats counts what a Committer did since New.
type Stats struct {
	// Commits is the number of flushes.
	Commits uint64
	// Functions is the number of functions those flushes made durable.
	Functions uint64
	// Reruns is the number of transactions run again because one of their functions failed.
	Reruns uint64
}

// Committer is the writing side of one bbolt file. It is safe for use by many goroutines.
type Committer struct {
	db *bbolt.DB

	mu      sync.Mutex
	waiting []*call
	suspect error // why nothing is written any more; nil while all is well
	closed  bool

	wake    chan struct{} // holds one token when somebody may be waiting
	stopped chan struct{} // closed when the goroutine has ended

	commits, functions, reruns atomic.Uint64
}

// New starts a Committer over an open, writable file. While it runs nobody else may begin a write transaction on db.
func New(db *bbolt.DB) *Committer {
	c := &Committer{db: db, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go c.run()
	return c
}

// A call is one function on its way.
type call struct {
	fn    func(tx *bbolt.Tx) error
	state atomic.Int32
	err   error
	done  chan struct{} // closed when err stands
}

// A call is taken by the committer or abandoned by its caller, whoever comes first.
const (
	stateWaiting int32 = iota
	stateTaken
	stateAbandoned
)

// Do runs fn in a write transaction and returns nil once what it wrote is on disk. It returns fn's own error, a *PanicError when fn
// panicked, ErrFull, ErrSuspect or ErrClosed; in all of these cases fn left nothing behind, except that after ErrSuspect nobody knows.
// When ctx ends before fn's turn came, its error is returned and fn will not run; once fn has been taken, Do waits for the outcome.
func (c *Committer) Do(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &call{fn: fn, done: make(chan struct{})}
	if err := c.enqueue(w); err != nil {
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		if w.state.CompareAndSwap(stateWaiting, stateAbandoned) {
			return ctx.Err()
		}
		<-w.done
		return w.err
	}
}

// Suspect returns nil while all is well, else an ErrSuspect that says why nothing is written any more.
func (c *Committer) Suspect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.suspect
}

// Stats returns what was done so far.
func (c *Committer) Stats() Stats {
	return Stats{Commits: c.commits.Load(), Functions: c.functions.Load(), Reruns: c.reruns.Load()}
}

// Close commits what already waits, stops the goroutine and returns when it has ended. The file stays open. Closing twice is harmless.
func (c *Committer) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.nudge()
	<-c.stopped
}

func (c *Committer) enqueue(w *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.suspect != nil {
		return c.suspect
	}
	if c.closed {
		return ErrClosed
	}
	c.waiting = append(c.waiting, w)
	c.nudge()
	return nil
}

// nudge wakes the goroutine, now or at its next look.
func (c *Committer) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// finish answers one caller.
func (w *call) finish(err error) {
	w.err = err
	close(w.done)
}
