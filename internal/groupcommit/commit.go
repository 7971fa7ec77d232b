package groupcommit

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// run is the goroutine: take, commit, answer, until closed and nobody waits.
func (c *Committer) run() {
	defer close(c.stopped)
	debug.SetPanicOnFault(true) // a page that cannot be read is an error of one transaction, not the end of the process
	for {
		batch, more := c.take(MaxBatch)
		if len(batch) > 0 {
			c.commit(batch)
			continue
		}
		if !more {
			return
		}
		<-c.wake
	}
}

// take takes at most so many of those who wait, in order, and leaves out who gave up. more is false when the committer was closed.
func (c *Committer) take(most int) (batch []*call, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	looked := 0
	for _, w := range c.waiting {
		if len(batch) == most {
			break
		}
		looked++
		if w.state.CompareAndSwap(stateWaiting, stateTaken) {
			batch = append(batch, w)
		}
	}
	c.waiting = slices.Delete(c.waiting, 0, looked)
	return batch, !c.closed || len(c.waiting) > 0
}

// commit makes a batch durable and answers every call in it. Calls that fail drop out, and the rest runs again.
func (c *Committer) commit(batch []*call) {
	for len(batch) > 0 {
		var tx *bbolt.Tx
		var failed int
		var err error
		batch, tx, failed, err = c.attempt(batch)
		if failed >= 0 {
			batch[failed].finish(err)
			batch = slices.Delete(batch, failed, failed+1)
			c.reruns.Add(1)
			if c.Suspect() != nil {
				break
			}
			continue
		}
		if err == nil {
			err = c.flush(tx)
		}
		if err == nil {
			c.commits.Add(1)
			c.functions.Add(uint64(len(batch)))
		}
		answer(batch, err)
		return
	}
	answer(batch, c.Suspect())
}

// answer gives everybody the same answer.
func answer(batch []*call, err error) {
	for _, w := range batch {
		w.finish(err)
	}
}

// attempt runs the functions of a batch in one transaction, and then those that came meanwhile, as long as there are any and the batch may grow: who
// was answered by the last flush is often back by then, and would else wait for two. It stops at the first that fails, rolls back, and says which
// one of the grown batch it was.
func (c *Committer) attempt(batch []*call) (grown []*call, tx *bbolt.Tx, failed int, err error) {
	tx, err = c.begin()
	if err != nil {
		return batch, nil, -1, err
	}
	for i := 0; i < len(batch); i++ {
		if err := guarded(func() error { return batch[i].fn(tx) }); err != nil {
			c.rollback(tx)
			return batch, nil, i, err
		}
		if i == len(batch)-1 {
			late, _ := c.take(MaxBatch - len(batch))
			batch = append(batch, late...)
		}
	}
	return batch, tx, -1, nil
}

func (c *Committer) begin() (tx *bbolt.Tx, err error) {
	err = guarded(func() error {
		tx, err = c.db.Begin(true)
		return err
	})
	if err != nil {
		return nil, c.distrust("begin", err)
	}
	return tx, nil
}

// rollback undoes a transaction. When even that fails the file cannot be used again in this process.
func (c *Committer) rollback(tx *bbolt.Tx) {
	if err := guarded(tx.Rollback); err != nil && !errors.Is(err, berrors.ErrTxClosed) {
		_ = c.distrust("roll back", err)
	}
}

// flush commits a transaction and tells lack of space, which is certain to have rolled back, from everything else.
func (c *Committer) flush(tx *bbolt.Tx) error {
	id := tx.ID()
	err := guarded(tx.Commit)
	switch {
	case err == nil:
		return nil
	case outOfSpace(err) && !c.landed(id):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	c.rollback(tx) // harmless after a commit that rolled back by itself, and frees the file after one that panicked
	return c.distrust("commit", err)
}

// outOfSpace reports whether a commit failed for want of room in the file or on its disk.
func outOfSpace(err error) bool {
	return errors.Is(err, berrors.ErrMaxSizeReached) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, errQuota)
}

// landed reports whether a transaction that failed to commit is nevertheless what readers see: its meta page was written, and only then
// something went wrong. In doubt it says so.
func (c *Committer) landed(id int) bool {
	landed := true
	err := guarded(func() error {
		tx, err := c.db.Begin(false)
		if err != nil {
			return err
		}
		landed = tx.ID() >= id
		return tx.Rollback()
	})
	return err != nil || landed
}

// distrust marks the committer suspect, answers all who wait, and returns the error that they get.
func (c *Committer) distrust(doing string, cause error) error {
	err := fmt.Errorf("%w (%s: %w)", ErrSuspect, doing, cause)
	c.mu.Lock()
	if c.suspect == nil {
		c.suspect = err
	}
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, w := range waiting {
		if w.state.CompareAndSwap(stateWaiting, stateTaken) {
			w.finish(err)
		}
	}
	return err
}

// guarded runs fn and turns a panic into a *PanicError.
func guarded(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}
