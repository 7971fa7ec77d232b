package journal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// appendFill leaves little room in pages that only ever grow at the end.
const appendFill = 0.95

// A writer is a View that may also write, with the marks of the moment.
type writer struct {
	*View
	marks marks
	was   marks
	clock Clock // when a receipt came
	gave  bool  // some account was given a coupon
}

func (w *writer) load() (err error) {
	w.marks, err = w.View.marks()
	w.was = w.marks
	return err
}

// save keeps the marks when they moved.
func (w *writer) save() error {
	if w.marks == w.was {
		return nil
	}
	return w.put(inMeta, keyMarks, w.marks.encode())
}

// put seals a value at a place.
func (w *writer) put(bucket string, key, plain []byte) error {
	b, err := w.bucket(bucket)
	if err != nil {
		return err
	}
	if bucket == inRows || bucket == inAges {
		b.FillPercent = appendFill
	}
	if linked(bucket) {
		return w.putLinked(b, bucket, key, plain)
	}
	return w.seal(b, bucket, key, plain)
}

func (w *writer) seal(b *bbolt.Bucket, bucket string, key, plain []byte) error {
	if len(plain) > maxValue-w.sealer.aead.Overhead() {
		return fmt.Errorf("journal: a value of %d bytes is larger than any may be", len(plain))
	}
	return b.Put(key, w.sealer.seal(&w.mem, bucket, key, plain))
}

// remove removes what stands at a place, if anything does.
func (w *writer) remove(bucket string, key []byte) error {
	b, err := w.bucket(bucket)
	if err != nil {
		return err
	}
	if linked(bucket) {
		return w.removeLinked(b, bucket, key)
	}
	return b.Delete(key)
}

// append adds a row that is no receipt, without sequence: that follows from its number.
func (w *writer) append(row *outcomev1.OutboxRow) (uint64, error) { return w.appendTagged(row, nil) }

// appendTagged adds a row; that of a receipt is tagged with its place.
func (w *writer) appendTagged(row *outcomev1.OutboxRow, tag *place) (uint64, error) {
	w.marks.last++
	return w.marks.last, w.putRow(w.marks.last, row, tag)
}

// putRow writes a row at its number.
func (w *writer) putRow(number uint64, row *outcomev1.OutboxRow, tag *place) error {
	plain, err := proto.MarshalOptions{}.MarshalAppend(tag.before(nil), row)
	if err != nil {
		return err
	}
	return w.put(inRows, numberKey(number), plain)
}

// subjectOf is whose receipt this is: the account, else the identifier its entries hang on.
func subjectOf(row *outcomev1.RecordedReceipt) (id [16]byte, known bool) {
	if len(row.GetAccountId()) == 16 {
		return [16]byte(row.GetAccountId()), true
	}
	for _, e := range row.GetEntries() {
		if len(e.GetIdHash()) == 16 {
			return [16]byte(e.GetIdHash()), true
		}
	}
	return id, false
}

// entrySubject is whose entry this is.
func entrySubject(e *outcomev1.LedgerEntry) (id [16]byte, hash, known bool) {
	switch {
	case len(e.GetAccountId()) == 16:
		return [16]byte(e.GetAccountId()), false, true
	case len(e.GetIdHash()) == 16:
		return [16]byte(e.GetIdHash()), true, true
	}
	return id, false, false
}

// index keeps, by subject, what a row brought: entries not seen before, contacts, the receipt itself.
func (w *writer) index(number uint64, row *outcomev1.RecordedReceipt, b *Booking, at time.Time) error {
	for i, e := range row.GetEntries() {
		if err := w.indexEntry(number, i, e, b.Own); err != nil {
			return err
		}
	}
	subject, known := subjectOf(row)
	if !known {
		return nil
	}
	for i, e := range row.GetExposures() {
		if err := w.indexContact(subject, number, i, e, at); err != nil {
			return err
		}
	}
	return w.put(inLocal, localKey(subject, localReceipt, number, 0), b.Note)
}

// indexEntry books an entry that was not booked before. The id of a receipt's own needs not be remembered.
func (w *writer) indexEntry(number uint64, ordinal int, e *outcomev1.LedgerEntry, own bool) error {
	subject, hash, known := entrySubject(e)
	if !known || len(e.GetEntryId()) != 16 {
		return fmt.Errorf("journal: entry %d of the booking has no id of 16 bytes, or neither account nor identifier", ordinal)
	}
	if seen, err := w.HasEntry([16]byte(e.GetEntryId())); seen || err != nil {
		return err
	}
	if !own {
		if err := w.put(inEntries, e.GetEntryId(), numberKey(number)); err != nil {
			return err
		}
	}
	if hash {
		if err := w.put(inHashes, subject[:], numberKey(number)); err != nil {
			return err
		}
	}
	b := binary.AppendVarint(make([]byte, 0, 40), e.GetPoints())
	b = append(b, byte(e.GetKind()))
	b = binary.AppendVarint(b, int64(e.GetDay()))
	return w.put(inLocal, localKey(subject, localEntry, number, ordinal), append(b, e.GetEntryId()...))
}

func (w *writer) indexContact(subject [16]byte, number uint64, ordinal int, e *outcomev1.Exposure, at time.Time) error {
	b, err := proto.Marshal(e)
	if err != nil {
		return err
	}
	plain := append(binary.AppendVarint(nil, at.Unix()), b...)
	return w.put(inLocal, localKey(subject, localContact, number, ordinal), plain)
}

// marks reads how far the rows have come.
func (v *View) marks() (marks, error) {
	plain, err := v.get(inMeta, keyMarks)
	if err != nil {
		return marks{}, err
	}
	m, err := decodeMarks(plain)
	if err != nil {
		return marks{}, fmt.Errorf("%w: its marks: %w", ErrDamaged, err)
	}
	return m, nil
}

// metaRow reads a row of meta that must be there, in memory of its own.
func (v *View) metaRow(key []byte) ([]byte, error) {
	plain, err := v.get(inMeta, key)
	if err == nil && plain == nil {
		err = fmt.Errorf("%w: meta %x is missing", ErrDamaged, key)
	}
	return slices.Clone(plain), err
}
