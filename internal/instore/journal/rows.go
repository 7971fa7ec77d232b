package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Batch is consecutive rows to be delivered.
type Batch struct {
	// Incarnation is the life they are numbered in.
	Incarnation [16]byte
	// First is the sequence of the first row, from 1.
	First uint64
	// ChainBefore is the chain before it.
	ChainBefore [32]byte
	// Rows are marshalled outcome.v1.OutboxRow. Empty when nothing waits.
	Rows [][]byte
}

// Through is the sequence of the last row; First − 1 for an empty batch.
func (b Batch) Through() uint64 { return b.First + uint64(len(b.Rows)) - 1 }

// ChainAfter is the chain after the last row.
func (b Batch) ChainAfter() [32]byte {
	sum := b.ChainBefore
	for _, row := range b.Rows {
		sum = chain(sum, row)
	}
	return sum
}

// chain is the chain after one more row.
func chain(before [32]byte, row []byte) [32]byte {
	h := sha256.New()
	h.Write(before[:])
	h.Write(row)
	return [32]byte(h.Sum(nil))
}

// wire puts a row's sequence before its stored bytes: field 1 of outcome.v1.OutboxRow, as a varint. The bytes head office chains are thus
// the same however often and by whichever version of this program they are sent.
func wire(sequence uint64, stored []byte) []byte {
	b := make([]byte, 0, 1+binary.MaxVarintLen64+len(stored))
	b = binary.AppendUvarint(append(b, 0x08), sequence)
	return append(b, stored...)
}

// walk visits the rows after a number, in order and without a gap, until visit says stop. A missing row is damage.
func (v *View) walk(after, last uint64, visit func(number uint64, stored []byte) (more bool)) error {
	for number := after + 1; number <= last; number++ {
		stored, err := v.get(inRows, numberKey(number))
		if err != nil {
			return err
		}
		_, stored, err = untag(stored)
		if err != nil || len(stored) == 0 {
			return fmt.Errorf("%w: row %d is missing", ErrDamaged, number)
		}
		if !visit(number, stored) {
			return nil
		}
	}
	return nil
}

// Waiting is how many rows wait to be confirmed by head office.
func (j *Journal) Waiting() (uint64, error) {
	m, err := j.marks()
	return m.last - m.confirmed, err
}

func (j *Journal) marks() (m marks, err error) {
	err = j.View(func(v *View) error {
		m, err = v.marks()
		return err
	})
	return m, err
}

// Rows returns the first rows that head office has not confirmed: at most maxRows, and at most maxBytes but at least one. Before it returns,
// the seal file says that they may have been shown.
func (j *Journal) Rows(maxRows, maxBytes int) (Batch, error) {
	var batch Batch
	var last uint64
	err := j.View(func(v *View) error {
		m, err := v.marks()
		if err != nil {
			return err
		}
		l, err := v.freshLives()
		if err != nil {
			return err
		}
		now := l.now()
		batch = Batch{Incarnation: now.id, First: m.confirmed - now.base + 1, ChainBefore: m.chain}
		last = m.confirmed
		total := 0
		return v.walk(m.confirmed, m.last, func(number uint64, stored []byte) bool {
			total += len(stored) + 12
			if len(batch.Rows) > 0 && (len(batch.Rows) == maxRows || total > maxBytes) {
				return false
			}
			batch.Rows = append(batch.Rows, wire(number-now.base, stored))
			last = number
			return true
		})
	})
	if err != nil || len(batch.Rows) == 0 {
		return batch, err
	}
	return batch, j.seal.change(func(s *shown) bool {
		if s.last >= last {
			return false
		}
		s.last = last
		return true
	})
}

// Confirm takes head office's word that it holds an incarnation through a sequence, when its chain there is ours. ErrForked when it is
// not, or when head office holds more than was ever recorded here; ErrStale when that incarnation has ended.
func (j *Journal) Confirm(ctx context.Context, incarnation [16]byte, through uint64, theirs [32]byte) error {
	for {
		from, to, ours, err := j.chainAt(incarnation, through)
		if err != nil {
			return err
		}
		if to.confirmed == from.confirmed {
			return nil // known already
		}
		if ours != theirs {
			return fmt.Errorf("%w: the chains differ at sequence %d", ErrForked, through)
		}
		done := false
		err = j.update(ctx, func(w *writer) error {
			l, err := w.freshLives()
			if err != nil {
				return err
			}
			if done = w.marks.confirmed == from.confirmed && l.now().id == incarnation; !done {
				return nil
			}
			w.marks.confirmed, w.marks.chain = to.confirmed, ours
			return w.checkpoint(incarnation)
		})
		if err != nil || done {
			return err
		}
	}
}

// chainAt computes our chain at a sequence, from the confirmed row on. to is from with that row confirmed.
func (j *Journal) chainAt(incarnation [16]byte, through uint64) (from, to marks, ours [32]byte, err error) {
	err = j.View(func(v *View) error {
		if from, err = v.marks(); err != nil {
			return err
		}
		l, err := v.freshLives()
		if err != nil {
			return err
		}
		now := l.now()
		if now.id != incarnation {
			return fmt.Errorf("%w: %x", ErrStale, incarnation)
		}
		to, ours = from, from.chain
		if through > from.last-now.base {
			return fmt.Errorf("%w: it holds %d rows, and only %d were recorded here", ErrForked, through, from.last-now.base)
		}
		to.confirmed = max(from.confirmed, now.base+through)
		return v.walk(from.confirmed, to.confirmed, func(number uint64, stored []byte) bool {
			ours = chain(ours, wire(number-now.base, stored))
			return true
		})
	})
	return from, to, ours, err
}

// checkpoint remembers the confirmed row and its chain, so that delivery can go back to it.
func (w *writer) checkpoint(incarnation [16]byte) error {
	return w.put(inConfirms, numberKey(w.marks.confirmed), append(incarnation[:], w.marks.chain[:]...))
}

// Fork ends the present incarnation after a sequence on which head office agrees and begins a new one with all rows after it. It is the
// answer to FORKED: somebody else speaks under the old one. When head office agrees on less than it once confirmed, or its chain there is
// not ours, the new one begins after the last row that was confirmed.
func (j *Journal) Fork(ctx context.Context, incarnation [16]byte, agreed uint64, theirs [32]byte) error {
	err := j.Confirm(ctx, incarnation, agreed, theirs)
	if errors.Is(err, ErrStale) {
		return nil // it has ended already
	}
	if err != nil {
		j.cfg.Logger.Warn("head office's word on where the fork began does not hold", "error", err)
	}
	return j.begin(Forked, nil)
}

// Rewind makes delivery begin again at or before a sequence: head office has lost what it had confirmed. When rows that it lost are gone
// from here too, a new incarnation begins with what is left.
func (j *Journal) Rewind(ctx context.Context, through uint64) error {
	gone := false
	err := j.update(ctx, func(w *writer) error {
		gone = false
		l, err := w.freshLives()
		if err != nil {
			return err
		}
		now := l.now()
		floor, target := max(now.base, w.marks.pruned), now.base+through
		if target >= w.marks.confirmed {
			return nil
		}
		if floor == now.base { // the beginning of the incarnation needs no checkpoint
			w.marks.confirmed, w.marks.chain = now.base, [32]byte{}
		}
		gone = floor > target
		return w.scan(inConfirms, nil, func(key, plain []byte) (bool, error) {
			number, r := binary.BigEndian.Uint64(key), reader{b: plain}
			id, sum := r.id(), r.digest()
			if number > target {
				return false, nil
			}
			if id == now.id && number >= floor {
				w.marks.confirmed, w.marks.chain, gone = number, sum, false
			}
			return true, r.end()
		})
	})
	if err == nil && gone {
		return j.begin(Lost, nil)
	}
	if err == nil {
		j.nudge()
	}
	return err
}
