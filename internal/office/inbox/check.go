package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Contents is what an inbox holds, as far as it can be told without anything of a customer.
type Contents struct {
	// Journals are the journals that delivered, one for each of their incarnations, by server.
	Journals []JournalHeld
	// Values is how many values each bucket holds.
	Values map[string]uint64
}

// JournalHeld is what is held of one incarnation of a server's journal.
type JournalHeld struct {
	// ServerID and Incarnation are whose it is.
	ServerID    string
	Incarnation [16]byte
	// Rows is how many rows are held: all of them, from the first.
	Rows uint64
	// Anonymous is how many of them an erasure has made anybody's since: the chain after them stands as it was delivered.
	Anonymous uint64
	// Last is when it last delivered.
	Last time.Time
}

// Check reads the inbox whole. Of every journal it makes sure that no row is missing and that the chain leads from each to the next, up to the mark
// that the store is told; and of every value that it is what was written. ErrDamaged, naming the place, when one of that is not so.
func (b *Inbox) Check(ctx context.Context) (Contents, error) {
	var c Contents
	err := b.view(func(t *transaction) error {
		c = Contents{Values: make(map[string]uint64, len(buckets))}
		for _, name := range buckets {
			var start []byte
			if name == inMeta {
				start = []byte{keyVersion[0] + 1} // the version has no check sum
			}
			err := t.each(name, start, nil, func(_, _ []byte) (bool, error) {
				c.Values[name]++
				return true, ctx.Err()
			})
			if err != nil {
				return err
			}
		}
		return t.streams(func(s cutStream) error {
			held, err := t.checkStream(s, c.Values[inErasures] > 0 || c.Values[inSuppressed] > 0)
			c.Journals = append(c.Journals, held)
			return err
		})
	})
	if err != nil {
		return c, fmt.Errorf("inbox %s: %w", b.path, err)
	}
	return c, nil
}

// checkStream follows the chain of one incarnation. Only where somebody was erased may a row differ from what its chain was reckoned over.
func (t *transaction) checkStream(s cutStream, erased bool) (JournalHeld, error) {
	held := JournalHeld{ServerID: s.server, Incarnation: s.incarnation, Last: time.Unix(s.held.last, 0).UTC()}
	var sum [32]byte
	first := place{s.held.number, 1}.key()
	err := t.each(inRows, first, first[:4], func(key, value []byte) (bool, error) {
		held.Rows++
		if at := binary.BigEndian.Uint64(key[4:]); at != held.Rows || len(value) < sha256.Size {
			return false, fmt.Errorf("%w: server %s, incarnation %x: row %d is missing", ErrDamaged, s.server, s.incarnation, held.Rows)
		}
		stands := [32]byte(value)
		if chain(sum, value[sha256.Size:]) != stands {
			if !erased {
				return false, fmt.Errorf("%w: server %s, incarnation %x: the chain does not lead to row %d", ErrDamaged, s.server, s.incarnation, held.Rows)
			}
			held.Anonymous++
		}
		sum = stands
		return true, nil
	})
	if err == nil && (held.Rows != s.held.through || sum != s.held.chain) {
		err = fmt.Errorf("%w: server %s, incarnation %x: its rows end at %d, its mark is at %d", ErrDamaged, s.server, s.incarnation, held.Rows, s.held.through)
	}
	return held, err
}
