package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// View is the journal as it was at one moment. It belongs to one goroutine and ends when the function it was handed to returns.
type View struct {
	tx     *bbolt.Tx
	sealer *sealer
	lives  *history
	fork   uint32
	mem    scratch

	through []uint64 // memory for cut-offs, parallel to the spans of lives
	at      []byte   // memory for the key a scan is at
	next    []byte   // and for the one that must come next

	opened [3]openedBucket // of one that reads only; the last opened first
	gaps   [4]gap          // proved since it began; of one that reads only, in turn
	proved int             // how many were proved
}

// openedBucket is a bucket that was looked for before.
type openedBucket struct {
	name   string
	bucket *bbolt.Bucket
}

// View runs fn with the journal as it is now and returns fn's error. It waits for no writer, but in the moment after a failed commit for the file
// to be open again. ErrUnavailable is returned when it cannot be opened, ErrClosed after Close.
func (j *Journal) View(fn func(v *View) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	h, tx, err := j.beginView()
	if err != nil {
		return j.closedOr(err)
	}
	defer func() {
		if end := tx.Rollback(); err == nil && end != nil {
			err = end
		}
	}()
	return j.noticed(fn(j.newView(h, tx)))
}

// beginView begins a read transaction on the file as it is open now, or when it is open again.
func (j *Journal) beginView() (h *handle, tx *bbolt.Tx, err error) {
	for {
		h = j.handle.Load()
		tx, err = begin(h.db)
		if !errors.Is(err, berrors.ErrDatabaseNotOpen) || j.closed.Load() {
			return h, tx, err
		}
		if again := j.reopen(h); again != nil && j.handle.Load() == h {
			return h, nil, fmt.Errorf("%w: %w", err, again)
		}
	}
}

func begin(db *bbolt.DB) (tx *bbolt.Tx, err error) {
	defer guard(&err)
	return db.Begin(false)
}

func (j *Journal) newView(h *handle, tx *bbolt.Tx) *View {
	return &View{tx: tx, sealer: h.sealer, lives: j.lives.Load()}
}

// Fork is the number under which the receipt being booked will stand: 0, or n when its key was taken by another till's receipt.
func (v *View) Fork() uint32 { return v.fork }

// guard turns what a damaged page does to bbolt into ErrDamaged.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, r)
	}
}

// bucket finds a bucket, which must be there.
func (v *View) bucket(name string) (b *bbolt.Bucket, err error) {
	for _, known := range v.opened {
		if known.name == name && known.bucket != nil {
			return known.bucket, nil
		}
	}
	defer guard(&err)
	if b = v.tx.Bucket([]byte(name)); b == nil {
		return nil, fmt.Errorf("%w: it has no bucket %s", ErrDamaged, name)
	}
	if !v.tx.Writable() {
		copy(v.opened[1:], v.opened[:])
		v.opened[0] = openedBucket{name, b}
	}
	return b, nil
}

// get returns what was sealed at a place, in memory that the next get overwrites; nil when there is nothing.
func (v *View) get(bucket string, key []byte) (plain []byte, err error) {
	defer guard(&err)
	b, err := v.bucket(bucket)
	if err != nil {
		return nil, err
	}
	if linked(bucket) {
		return v.getLinked(b, bucket, key)
	}
	sealed := b.Get(key)
	if sealed == nil {
		return nil, nil
	}
	return v.sealer.open(&v.mem, bucket, key, sealed)
}

// scan opens, in order, all that stands under a prefix, until visit says stop.
func (v *View) scan(bucket string, prefix []byte, visit func(key, plain []byte) (more bool, err error)) (err error) {
	return v.from(bucket, prefix, visit, prefix...)
}

// from opens, in order, all that stands from a key on and under a prefix, until visit says stop.
func (v *View) from(bucket string, start []byte, visit func(key, plain []byte) (more bool, err error), prefix ...byte) error {
	b, err := v.bucket(bucket)
	if err != nil {
		return err
	}
	if linked(bucket) {
		return v.linkedFrom(b, bucket, start, visit, prefix)
	}
	c := b.Cursor()
	key, plain, err := v.openAt(bucket, func() ([]byte, []byte) { return c.Seek(start) })
	for key != nil && err == nil && bytes.HasPrefix(key, prefix) {
		if more, err := visit(key, plain); err != nil || !more {
			return err
		}
		key, plain, err = v.openAt(bucket, c.Next)
	}
	return err
}

// openAt opens the value a cursor comes to; no key is the end of the bucket.
func (v *View) openAt(bucket string, move func() (key, sealed []byte)) (key, plain []byte, err error) {
	defer guard(&err)
	k, sealed := move()
	if k == nil {
		return nil, nil, nil
	}
	key = append(v.at[:0], k...)
	v.at = key
	plain, err = v.sealer.open(&v.mem, bucket, key, sealed)
	return key, plain, err
}

// cutOffs asks for the cut-off of every incarnation rows here were in.
func (v *View) cutOffs(after func(incarnation [16]byte) uint64) []uint64 {
	v.through = v.through[:0]
	for _, one := range v.lives.spans {
		v.through = append(v.through, after(one.id))
	}
	return v.through
}

// uncounted visits, oldest first, what is kept of a kind for a subject and not within the cut-offs.
func (v *View) uncounted(subject [16]byte, kind byte, after func([16]byte) uint64, visit func(number uint64, plain []byte) error) error {
	through := v.cutOffs(after)
	prefix := localPrefix(subject, kind)
	return v.scan(inLocal, prefix[:], func(key, plain []byte) (bool, error) {
		number := localNumber(key)
		if number == 0 {
			return false, fmt.Errorf("%w: local %x is no key", ErrDamaged, key)
		}
		if v.lives.counted(number, through) {
			return true, nil
		}
		return true, visit(number, plain)
	})
}

// LocalPoints sums the entries of a subject, an account id or an id hash, that a release has not counted: those beyond the cut-off of their
// own incarnation, which after answers (0 for one it does not know). A balance is what was published plus this. ErrDamaged when one of
// them cannot be read: then no sum is better than a wrong one.
func (v *View) LocalPoints(subject [16]byte, after func(incarnation [16]byte) uint64) (int64, error) {
	sums, err := v.LocalSums(subject, after)
	return sums.Points, err
}

// Sums are what the entries of a subject come to.
type Sums struct {
	// Points is what all of them come to.
	Points int64
	// Redeemed is what those come to that spend points, or give spent ones back; below zero for points spent.
	Redeemed int64
}

// LocalSums is LocalPoints, with what of it was spent.
func (v *View) LocalSums(subject [16]byte, after func(incarnation [16]byte) uint64) (Sums, error) {
	var sums Sums
	err := v.uncounted(subject, localEntry, after, func(_ uint64, plain []byte) error {
		r := reader{b: plain}
		points := r.varint()
		sums.Points += points
		if r.err == nil && len(r.b) > 0 && outcomev1.EntryKind(r.b[0]) == outcomev1.EntryKind_ENTRY_KIND_REDEEM {
			sums.Redeemed += points
		}
		return r.err
	})
	if err != nil {
		return Sums{}, err
	}
	return sums, nil
}

// Contact is one suggestion this store made to a subject.
type Contact struct {
	// Exposure is what was shown and what came of it.
	Exposure *outcomev1.Exposure
	// At is when it was recorded.
	At time.Time
}

// LocalContacts visits, oldest first, the contacts of a subject that a release has not counted.
func (v *View) LocalContacts(subject [16]byte, after func(incarnation [16]byte) uint64, visit func(Contact) error) error {
	return v.uncounted(subject, localContact, after, func(number uint64, plain []byte) error {
		r := reader{b: plain}
		at := r.varint()
		e := &outcomev1.Exposure{}
		if r.err != nil || proto.Unmarshal(r.b, e) != nil {
			return fmt.Errorf("%w: the contact of row %d", ErrDamaged, number)
		}
		return visit(Contact{Exposure: e, At: time.Unix(at, 0).UTC()})
	})
}

// LocalReceipts visits, oldest first, the receipts of a subject whose rows are still here and that a release has not counted.
func (v *View) LocalReceipts(subject [16]byte, after func(incarnation [16]byte) uint64, visit func(*outcomev1.RecordedReceipt) error) error {
	var numbers []uint64
	err := v.uncounted(subject, localReceipt, after, func(number uint64, _ []byte) error {
		numbers = append(numbers, number)
		return nil
	})
	for _, number := range numbers {
		if err != nil {
			break
		}
		var row *outcomev1.OutboxRow
		if row, err = v.row(number); err == nil {
			err = visit(row.GetReceipt())
		}
	}
	return err
}

// Note is what is kept of a receipt by subject.
type Note struct {
	// Number is that of its row.
	Number uint64
	// Counted says that the row is within the cut-offs.
	Counted bool
	// Note is what it was booked with; empty for a receipt booked without. It may not be kept.
	Note []byte
}

// LocalNotes visits, oldest first, the notes of all receipts of a subject whose rows are still here, those within the cut-offs too. The function
// it calls may not read from the view.
func (v *View) LocalNotes(subject [16]byte, after func(incarnation [16]byte) uint64, visit func(Note) error) error {
	through := v.cutOffs(after)
	prefix := localPrefix(subject, localReceipt)
	return v.scan(inLocal, prefix[:], func(key, plain []byte) (bool, error) {
		number := localNumber(key)
		if number == 0 {
			return false, fmt.Errorf("%w: local %x is no key", ErrDamaged, key)
		}
		return true, visit(Note{Number: number, Counted: v.lives.counted(number, through), Note: plain})
	})
}

// Booked returns the receipt of a row that LocalNotes named.
func (v *View) Booked(number uint64) (*outcomev1.RecordedReceipt, error) {
	row, err := v.row(number)
	return row.GetReceipt(), err
}

// row reads one row. A number that must be there and is not is damage.
func (v *View) row(number uint64) (*outcomev1.OutboxRow, error) {
	row, _, err := v.tagged(number)
	return row, err
}

// tagged reads one row and, of a receipt, the place it is tagged with; rows of older layouts have none.
func (v *View) tagged(number uint64) (*outcomev1.OutboxRow, *place, error) {
	plain, err := v.get(inRows, numberKey(number))
	if err != nil {
		return nil, nil, err
	}
	tag, plain, err := untag(plain)
	row := &outcomev1.OutboxRow{}
	if err != nil || len(plain) == 0 || proto.Unmarshal(plain, row) != nil {
		return nil, nil, fmt.Errorf("%w: row %d cannot be read", ErrDamaged, number)
	}
	return row, tag, nil
}

// IDHashes visits every identifier hash that entries hang on because its card had no account when they were booked. A release may since
// have given it one: the view of that account then includes theirs.
func (v *View) IDHashes(visit func(hash [16]byte) error) error {
	return v.scan(inHashes, nil, func(key, _ []byte) (bool, error) {
		if len(key) != 16 {
			return false, fmt.Errorf("%w: hashes %x is no key", ErrDamaged, key)
		}
		return true, visit([16]byte(key))
	})
}

// HashesAdded rises when an entry was booked on an identifier without account, after that is on disk: a view that began after it was read
// visits, with IDHashes, all that it counts.
func (j *Journal) HashesAdded() uint64 { return j.hashes.Load() }

// Spent reports whether a booking has spent a key.
func (v *View) Spent(key []byte) (bool, error) {
	plain, err := v.get(inRefused, refusedKey(receiptID(key), [32]byte{}))
	return plain != nil, err
}

// HasEntry reports whether an entry with this id was booked here that was not its receipt's own (see Booking.Own).
func (v *View) HasEntry(id [16]byte) (bool, error) {
	plain, err := v.get(inEntries, id[:])
	return plain != nil, err
}

// Standing is a receipt that was recorded here.
type Standing struct {
	// Hash is the hash of its content.
	Hash [32]byte
	// Fork is its number among receipts of this key: 0 for the first.
	Fork uint32
	// RecordedAt is when, to the second.
	RecordedAt time.Time
	// Answer is what the till was told; after a while only what is left of it.
	Answer []byte
	// Sale is the receipt as booked. Once its row has gone up and been counted, what a return needs is left: lines, points per line.
	Sale *outcomev1.RecordedReceipt
}

// Receipt returns the receipt that stands under a key, or ErrNotFound.
func (v *View) Receipt(key []byte) (*Standing, error) {
	rec, err := v.receipt(receiptID(key), 0, key)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, ErrNotFound
	}
	return v.standing(rec)
}

func (v *View) standing(rec *record) (*Standing, error) {
	st := &Standing{Hash: rec.hash, Fork: rec.fork, RecordedAt: time.Unix(rec.at, 0).UTC(), Answer: slices.Clone(rec.answer)}
	if rec.sale == nil {
		row, err := v.row(rec.number)
		if err != nil {
			return nil, err
		}
		st.Sale = row.GetReceipt()
		return st, nil
	}
	st.Sale = &outcomev1.RecordedReceipt{}
	if err := proto.Unmarshal(rec.sale, st.Sale); err != nil {
		return nil, fmt.Errorf("%w: the sale of row %d cannot be read", ErrDamaged, rec.number)
	}
	return st, nil
}

// A record is the value of one receipt key.
type record struct {
	fork   uint32 // from the place
	key    []byte
	hash   [32]byte
	number uint64
	at     int64
	answer []byte
	brief  []byte
	sale   []byte
}

func (r *record) encode() []byte {
	b := make([]byte, 0, 64+len(r.key)+len(r.answer)+len(r.brief)+len(r.sale))
	b = append(appendBytes(b, r.key), r.hash[:]...)
	b = binary.AppendVarint(binary.BigEndian.AppendUint64(b, r.number), r.at)
	return appendBytes(appendBytes(appendBytes(b, r.answer), r.brief), r.sale)
}

func decodeRecord(b []byte) (*record, error) {
	r := reader{b: b}
	rec := &record{key: r.bytes(), hash: r.digest(), number: r.uint64(), at: r.varint(), answer: r.bytes(), brief: r.bytes(), sale: r.bytes()}
	if len(rec.sale) == 0 {
		rec.sale = nil
	}
	return rec, r.end()
}

// receipt reads the receipt of a key and fork; nil when there is none.
func (v *View) receipt(id [16]byte, fork uint32, key []byte) (*record, error) {
	plain, err := v.get(inReceipts, receiptKey(id, fork))
	if plain == nil || err != nil {
		return nil, err
	}
	rec, err := decodeRecord(slices.Clone(plain))
	if err != nil || key != nil && !bytes.Equal(rec.key, key) {
		return nil, errors.Join(fmt.Errorf("%w: receipt %x", ErrDamaged, id), err)
	}
	rec.fork = fork
	return rec, nil
}
