package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// In a bucket whose keys cannot be counted, a value that is missing would be a wrong answer that nobody notices: no points, a receipt booked
// twice. There every sealed value begins with the key after it, so that "not there" is proved by the neighbour: the nearest smaller key
// opens, and names as its successor what the cursor finds. The first of these keys is head, which is always there.

// head is the smallest key of every linked bucket.
var head = []byte{0x00}

// linked are the buckets in which every value names the next key.
func linked(bucket string) bool {
	switch bucket {
	case inReceipts, inEntries, inLocal, inHashes, inRefused, inAges, inLane, inCoupons, inWallets, inHolds, inOutcomes:
		return true
	}
	return false
}

// link puts a successor before a value; an empty one says that none follows.
func link(successor, value []byte) []byte {
	b := make([]byte, 0, 2+len(successor)+len(value))
	return append(appendBytes(b, successor), value...)
}

// unlink takes the successor off a value.
func unlink(plain []byte) (successor, value []byte, err error) {
	n, used := binary.Uvarint(plain)
	if used <= 0 || n > uint64(len(plain)-used) {
		return nil, nil, errShort
	}
	return plain[used : used+int(n)], plain[used+int(n):], nil
}

// openLinked opens a value of a linked bucket.
func (v *View) openLinked(bucket string, key, sealed []byte) (successor, value []byte, err error) {
	plain, err := v.sealer.open(&v.mem, bucket, key, sealed)
	if err != nil {
		return nil, nil, err
	}
	if successor, value, err = unlink(plain); err != nil {
		return nil, nil, fmt.Errorf("%w: %s %x: %w", ErrDamaged, bucket, key, err)
	}
	return successor, value, nil
}

// mostEmptyPages is more than one transaction can empty: head is always there, so that a cursor that finds nothing after so many is lost.
const mostEmptyPages = 8 * pruneStep

// A neighbour is the value before a key that is not there.
type neighbour struct {
	key, value []byte // its own
	successor  []byte // the key after both; empty when none
}

// before moves a cursor to the first key at or after one, and proves by the value before it that nothing is missing in between. sealed is the
// value there, nil at the end of the bucket; there says that it is the key itself.
func (v *View) before(c *bbolt.Cursor, bucket string, key []byte) (n neighbour, sealed []byte, there bool, err error) {
	defer guard(&err)
	found, sealed := c.Seek(key)
	var at, previous []byte
	if found == nil {
		at, previous = c.Last()
	}
	for range mostEmptyPages {
		if at != nil {
			break
		}
		at, previous = c.Prev() // answers nil at a page that this transaction has emptied
	}
	if at == nil || bytes.Compare(at, key) >= 0 || found != nil && bytes.Compare(found, key) < 0 {
		return n, nil, false, fmt.Errorf("%w: the order of %s around %x", ErrDamaged, bucket, key)
	}
	successor, value, err := v.openLinked(bucket, at, previous)
	if err != nil {
		return n, nil, false, err
	}
	if !bytes.Equal(successor, found) {
		return n, nil, false, fmt.Errorf("%w: %s is not whole after %x", ErrDamaged, bucket, at)
	}
	if found != nil {
		_, sealed = c.Next()
	}
	return neighbour{at, value, successor}, sealed, bytes.Equal(found, key), nil
}

// linkedFrom is from for a linked bucket. The keys it hands out are those the sealed values name.
func (v *View) linkedFrom(b *bbolt.Bucket, bucket string, start []byte, visit func(key, plain []byte) (bool, error), prefix []byte) error {
	if bytes.Compare(start, head) <= 0 {
		start = []byte{0x00, 0x00} // past head
	}
	if v.nothing(bucket, start, prefix) {
		return nil
	}
	c := b.Cursor()
	n, sealed, _, err := v.before(c, bucket, start)
	if err != nil {
		return err
	}
	v.at = append(v.at[:0], n.successor...)
	if len(v.at) == 0 || !bytes.HasPrefix(v.at, prefix) {
		v.remember(bucket, n.key)
	}
	for len(v.at) > 0 && bytes.HasPrefix(v.at, prefix) {
		successor, value, err := v.openLinked(bucket, v.at, sealed)
		if err != nil {
			return err
		}
		v.next = append(v.next[:0], successor...)
		if more, err := visit(v.at, value); err != nil || !more {
			return err
		}
		if sealed, err = step(c, bucket, v.next); err != nil {
			return err
		}
		v.at, v.next = v.next, v.at
	}
	return nil
}

// A gap is a place where nothing stands in a linked bucket, as its neighbour proved.
type gap struct {
	bucket string
	after  []byte // the key before it
	before []byte // the key behind it; empty for the end of the bucket
}

// nothing reports whether a scan that begins at a key would find nothing under its prefix, as a gap proves: most customers have nothing here, and
// then one proof answers for points, receipts, contacts and wishes alike.
func (v *View) nothing(bucket string, start, prefix []byte) bool {
	for i := range v.gaps[:min(v.proved, len(v.gaps))] {
		g := &v.gaps[i]
		if g.bucket == bucket && bytes.Compare(g.after, start) < 0 &&
			(len(g.before) == 0 || bytes.Compare(start, g.before) < 0 && !bytes.HasPrefix(g.before, prefix)) {
			return true
		}
	}
	return false
}

// remember keeps the gap between a key of the file and the one the scan is at. Who writes changes what is there and remembers nothing.
func (v *View) remember(bucket string, after []byte) {
	if v.tx.Writable() {
		return
	}
	g := &v.gaps[v.proved%len(v.gaps)]
	g.bucket, g.after, g.before = bucket, after, append(g.before[:0], v.at...)
	v.proved++
}

// step moves a cursor on and proves that it comes to the key that must be next; an empty one is the end of the bucket.
func step(c *bbolt.Cursor, bucket string, want []byte) (sealed []byte, err error) {
	defer guard(&err)
	k, sealed := c.Next()
	if !bytes.Equal(k, want) {
		return nil, fmt.Errorf("%w: %s is not whole before %x", ErrDamaged, bucket, want)
	}
	return sealed, nil
}

// getLinked is get for a linked bucket.
func (v *View) getLinked(b *bbolt.Bucket, bucket string, key []byte) ([]byte, error) {
	if sealed := b.Get(key); sealed != nil {
		_, value, err := v.openLinked(bucket, key, sealed)
		return value, err
	}
	n, _, _, err := v.before(b.Cursor(), bucket, key)
	if err == nil && bytes.Equal(n.successor, key) {
		err = fmt.Errorf("%w: the order of %s around %x", ErrDamaged, bucket, key)
	}
	return nil, err
}

// putLinked seals a value at a place of a linked bucket, and makes its neighbour name it.
func (w *writer) putLinked(b *bbolt.Bucket, bucket string, key, value []byte) error {
	n, sealed, there, err := w.before(b.Cursor(), bucket, key)
	if err != nil {
		return err
	}
	if there {
		successor, _, err := w.openLinked(bucket, key, sealed)
		if err != nil {
			return err
		}
		return w.seal(b, bucket, key, link(successor, value))
	}
	successor, place, renamed := bytes.Clone(n.successor), bytes.Clone(n.key), link(key, n.value)
	if err := w.seal(b, bucket, place, renamed); err != nil {
		return err
	}
	return w.seal(b, bucket, key, link(successor, value))
}

// removeLinked removes a value of a linked bucket, if it is there, and makes its neighbour name the one after it.
func (w *writer) removeLinked(b *bbolt.Bucket, bucket string, key []byte) error {
	n, sealed, there, err := w.before(b.Cursor(), bucket, key)
	if err != nil || !there {
		return err
	}
	place, kept := bytes.Clone(n.key), bytes.Clone(n.value)
	successor, _, err := w.openLinked(bucket, key, sealed)
	if err != nil {
		return err
	}
	if err := w.seal(b, bucket, place, link(successor, kept)); err != nil {
		return err
	}
	return b.Delete(key)
}
