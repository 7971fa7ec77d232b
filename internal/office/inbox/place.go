package inbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// The buckets.
const (
	inMeta        = "meta"
	inServers     = "servers"
	inStreams     = "streams"
	inRows        = "rows"
	inReceipts    = "receipts"
	inEntries     = "entries"
	inLedger      = "ledger"
	inOrphans     = "orphans"
	inBalances    = "balances"
	inConflicts   = "conflicts"
	inAccounts    = "accounts"
	inExternals   = "externals"
	inIdentifiers = "identifiers"
	inLane        = "lane"
	inTold        = "told"
	inAliases     = "aliases"
	inSuppressed  = "suppressed"
	inErasures    = "erasures"
	inAudit       = "audit"
	inDetails     = "details"
	inLanguages   = "languages"
	inReturned    = "returned"
	inWaiting     = "waiting"
	inCoupons     = "coupons"
	inOutcomes    = "outcomes"
	inAsked       = "asked"
)

var buckets = []string{
	inMeta, inServers, inStreams, inRows, inReceipts, inEntries, inLedger, inOrphans, inBalances, inConflicts,
	inAccounts, inExternals, inIdentifiers, inLane, inTold, inAliases, inSuppressed, inErasures, inAudit,
	inDetails, inLanguages, inReturned, inWaiting, inCoupons, inOutcomes, inAsked,
}

// The keys of meta.
var (
	keyVersion = []byte{0x01}
	keyTotals  = []byte{0x02}
	keyErased  = []byte{0x03}
	keySettled = []byte{0x04}
)

// errLayout says that stored bytes do not have their layout. Callers name the place.
var errLayout = errors.New("the stored bytes do not have their layout")

// A transaction reads, and in update writes, values with their checksum.
type transaction struct {
	tx     *bbolt.Tx
	box    *Inbox
	totals *totals // what this transaction made of them; nil while it counted nothing
}

func (t *transaction) bucket(name string) (*bbolt.Bucket, error) {
	b := t.tx.Bucket([]byte(name))
	if b == nil {
		return nil, fmt.Errorf("%w: it has no bucket %s", ErrDamaged, name)
	}
	return b, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum binds a value to its place.
func checksum(bucket string, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(bucket))
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}

// checked takes the checksum off a stored value, or says ErrDamaged.
func checked(bucket string, key, stored []byte) ([]byte, error) {
	n := len(stored) - crc32.Size
	if n < 0 || binary.BigEndian.Uint32(stored[n:]) != checksum(bucket, key, stored[:n]) {
		return nil, fmt.Errorf("%w: the checksum of %s %.32x does not hold", ErrDamaged, bucket, key)
	}
	return stored[:n:n], nil
}

// A cursor walks a bucket, checksums taken off. What a damaged page does to bbolt is ErrDamaged.
type cursor struct {
	bucket string
	c      *bbolt.Cursor
}

func (t *transaction) cursor(bucket string) (c cursor, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	b, err := t.bucket(bucket)
	if err != nil {
		return c, err
	}
	return cursor{bucket, b.Cursor()}, nil
}

// seek moves to the first key at or after one; no key is the end.
func (c cursor) seek(start []byte) (key, value []byte, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	return c.read(c.c.Seek(start))
}

// next moves on; no key is the end.
func (c cursor) next() (key, value []byte, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	return c.read(c.c.Next())
}

func (c cursor) read(key, stored []byte) ([]byte, []byte, error) {
	if key == nil {
		return nil, nil, nil
	}
	value, err := checked(c.bucket, key, stored)
	return key, value, err
}

// each visits, in order, all that stands from a key on and under a prefix, until visit says stop.
func (t *transaction) each(bucket string, start, prefix []byte, visit func(key, value []byte) (more bool, err error)) error {
	c, err := t.cursor(bucket)
	if err != nil {
		return err
	}
	for key, value, err := c.seek(start); key != nil || err != nil; key, value, err = c.next() {
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(key, prefix) {
			return nil
		}
		if more, err := visit(key, value); err != nil || !more {
			return err
		}
	}
	return nil
}

// get returns the value at a place, which belongs to the transaction; nil when there is none.
func (t *transaction) get(bucket string, key []byte) (value []byte, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	b, err := t.bucket(bucket)
	if err != nil {
		return nil, err
	}
	stored := b.Get(key)
	if stored == nil {
		return nil, nil
	}
	return checked(bucket, key, stored)
}

func (t *transaction) put(bucket string, key, value []byte) error {
	b, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	stored := append(make([]byte, 0, len(value)+crc32.Size), value...)
	return b.Put(key, binary.BigEndian.AppendUint32(stored, checksum(bucket, key, value)))
}

// number draws the next number of a bucket.
func (t *transaction) number(bucket string) (uint64, error) {
	b, err := t.bucket(bucket)
	if err != nil {
		return 0, err
	}
	return b.NextSequence()
}

// A place is where a row came from.
type place struct {
	stream   uint32
	sequence uint64
}

const placeLength = 12

func (p place) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, p.stream), p.sequence)
}

func (p place) key() []byte { return p.append(make([]byte, 0, placeLength)) }

func decodePlace(b []byte) (place, error) {
	if len(b) < placeLength {
		return place{}, errLayout
	}
	return place{binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])}, nil
}

func streamKey(server string, incarnation [16]byte) []byte {
	b := binary.AppendUvarint(nil, uint64(len(server)))
	return append(append(b, server...), incarnation[:]...)
}

func splitStreamKey(key []byte) (server string, incarnation [16]byte, err error) {
	n, used := binary.Uvarint(key)
	if used <= 0 || uint64(len(key)-used) != n+16 {
		return "", incarnation, fmt.Errorf("%w: streams %x", ErrDamaged, key)
	}
	key = key[used:]
	return string(key[:n]), [16]byte(key[n:]), nil
}

// receiptKey is where a receipt stands: its day, what its key leads to, its fork.
func receiptKey(key *outcomev1.ReceiptKey, fork uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 24), uint32(dayOf(key.GetBusinessDate())))
	sum := sha256.Sum256(loyalty.KeyBytes(key))
	b = append(b, sum[:16]...)
	return binary.BigEndian.AppendUint32(b, fork)
}

// dayOf is a date in days since 1970-01-01; the first day there is for what is no date.
func dayOf(date string) int32 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return math.MinInt32
	}
	return int32(t.Unix() / (24 * 60 * 60))
}

func identifierKey(namespace, canonical string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(namespace)))
	return append(append(b, namespace...), canonical...)
}

func splitIdentifierKey(key []byte) (namespace, canonical string, err error) {
	n, used := binary.Uvarint(key)
	if used <= 0 || uint64(len(key)-used) < n {
		return "", "", fmt.Errorf("%w: identifiers %x", ErrDamaged, key)
	}
	key = key[used:]
	return string(key[:n]), string(key[n:]), nil
}
