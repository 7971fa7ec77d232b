package inbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// settleAround settles what a receipt that came in changes: the sale it brought goods back of or voids, and what waited for the receipt itself. Every
// return is settled here and nowhere else, whichever of the two comes first and whichever servers had them.
func (t *transaction) settleAround(at place, r *outcomev1.RecordedReceipt) error {
	receipt := r.GetReceipt()
	if !counts(receipt.GetKind()) {
		return nil
	}
	if original := receipt.GetOriginal(); original != nil {
		if receipt.GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM {
			if err := t.broughtBack(original, at); err != nil {
				return err
			}
		}
		if err := t.voids(at, receipt); err != nil {
			return err
		}
		if err := t.settle(original, at, receipt); err != nil {
			return err
		}
	}
	if r.GetFork() > 0 {
		return nil // a return names the first receipt of its key
	}
	waiting, err := t.backOf(receipt.GetKey())
	if err != nil || len(waiting) == 0 {
		return err
	}
	if receipt.GetOriginal() != nil { // voids of this return that came before it
		for _, one := range waiting {
			if one.row.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
				if err := t.broughtBack(receipt.GetOriginal(), one.at); err != nil {
					return err
				}
			}
		}
		if err := t.settle(receipt.GetOriginal(), at, receipt); err != nil {
			return err
		}
	}
	return t.settle(receipt.GetKey(), at, receipt)
}

// voids notes, for the sale that a voided return brought goods back of, that those goods are out again.
func (t *transaction) voids(at place, receipt *outcomev1.Receipt) error {
	if receipt.GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		return nil
	}
	voided, err := t.first(receipt.GetOriginal(), 0)
	if err != nil || voided.GetReceipt().GetOriginal() == nil || voided.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		return err
	}
	sale := voided.GetReceipt().GetOriginal()
	if err := t.broughtBack(sale, at); err != nil {
		return err
	}
	return t.settle(sale, at, receipt)
}

// broughtBack notes that a row bears upon what is out of a sale.
func (t *transaction) broughtBack(sale *outcomev1.ReceiptKey, at place) error {
	n, err := t.number(inReturned)
	if err != nil {
		return err
	}
	return t.put(inReturned, binary.BigEndian.AppendUint64(receiptKey(sale, 0), n), at.key())
}

// back is one receipt that bears upon what is out of a sale.
type back struct {
	at  place
	row *outcomev1.RecordedReceipt
}

// backOf are the receipts that bear upon a sale, in the order in which they came.
func (t *transaction) backOf(sale *outcomev1.ReceiptKey) ([]back, error) {
	var all []back
	prefix := receiptKey(sale, 0)
	err := t.each(inReturned, prefix, prefix, func(_, value []byte) (bool, error) {
		at, err := decodePlace(value)
		if err != nil {
			return false, fmt.Errorf("%w: returned %x: %w", ErrDamaged, prefix, err)
		}
		message, err := t.row(at)
		if err != nil {
			return false, err
		}
		all = append(all, back{at: at, row: message.GetReceipt()})
		return true, nil
	})
	return all, err
}

// settle brings what the returns of a sale took back in all to what they should have, by the sale's stored award alone. A return that no server
// could book is booked here, under the id that a server which has the sale would give it; where servers together took back more or less, because none
// of them knew all returns, a correction makes up for it. Settling again changes nothing.
func (t *transaction) settle(key *outcomev1.ReceiptKey, at place, by *outcomev1.Receipt) error {
	sale, err := t.first(key, 0)
	if err != nil || sale == nil {
		return err
	}
	var backs []back
	for _, side := range sides {
		award, account, err := side.award(t, sale)
		if err != nil {
			return err
		}
		if award == nil {
			continue
		}
		if backs == nil {
			if backs, err = t.backOf(key); err != nil {
				return err
			}
		}
		s := settlement{transaction: t, side: side, sale: sale, award: award, account: account, waits: waitsFor(sale)}
		for _, one := range backs {
			if err := s.add(one, voided(backs, one.row)); err != nil {
				return err
			}
		}
		if err := s.correct(at, by); err != nil {
			return err
		}
	}
	return nil
}

// side is one of the two things that come back with goods: the points they earned, and the points that were spent on them.
type side struct {
	kind           outcomev1.EntryKind // of what returns book
	back, restored uint64              // its ordinals, of a return and of a return that is voided
	correction     outcomev1.EntryKind // of what makes up for what they booked amiss
	corrections    uint64              // its first ordinal, of the sale
	award          func(*transaction, *outcomev1.RecordedReceipt) (*outcomev1.LedgerEntry, [16]byte, error)
	further        bool // a return may have booked it under further ordinals too
}

// sides are both.
var sides = []*side{
	{
		kind: outcomev1.EntryKind_ENTRY_KIND_REVERSE, back: 0, restored: 1, correction: outcomev1.EntryKind_ENTRY_KIND_CORRECTION,
		award: (*transaction).award, further: true,
	},
	{
		kind: outcomev1.EntryKind_ENTRY_KIND_REDEEM, back: 1, restored: 2, correction: outcomev1.EntryKind_ENTRY_KIND_REDEEM, corrections: 3,
		award: (*transaction).spent,
	},
}

// spent finds what was spent on a sale, and on whom it is counted; nil for nothing.
func (t *transaction) spent(sale *outcomev1.RecordedReceipt) (*outcomev1.LedgerEntry, [16]byte, error) {
	return t.entry(entryID(sale, outcomev1.EntryKind_ENTRY_KIND_REDEEM, 0))
}

// settlement is one sale being settled.
type settlement struct {
	*transaction

	side    *side
	sale    *outcomev1.RecordedReceipt
	award   *outcomev1.LedgerEntry
	account [16]byte // zero while nobody knows whose card it is
	waits   string   // the card, while nobody knows whose it is
	earlier [][]*outcomev1.Line
	due     int64 // what should be taken back, below zero, or given back
	booked  int64 // what was
}

// add reckons with one receipt.
func (s *settlement) add(one back, isVoided bool) error {
	r := one.row.GetReceipt()
	if !proto.Equal(r.GetOriginal(), s.sale.GetReceipt().GetKey()) { // it voids a return of this sale
		restored, _, err := s.entry(entryID(one.row, s.side.kind, s.side.restored))
		s.booked += restored.GetPoints()
		return err
	}
	own, err := s.taken(one.row)
	if err != nil {
		return err
	}
	if isVoided {
		for _, entry := range own {
			s.booked += entry.GetPoints()
		}
		return nil
	}
	lines := r.GetLines()
	if r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		lines = loyalty.Whole(s.sale.GetReceipt().GetLines())
	}
	taken := loyalty.TakeBack(s.sale.GetReceipt().GetLines(), s.award.GetPointsPerLine(), s.earlier, lines)
	s.earlier = append(s.earlier, lines)
	s.due += taken.Points
	if len(own) == 0 && (taken.Points != 0 || s.side.kind == outcomev1.EntryKind_ENTRY_KIND_REVERSE) {
		own = []*outcomev1.LedgerEntry{s.reverse(one.row, taken)}
		if err := s.count(one.at, s.account, own[0], s.waits); err != nil {
			return err
		}
	}
	for _, entry := range own {
		s.booked += entry.GetPoints()
	}
	return nil
}

// taken are the entries by which a receipt takes back of this sale, as far as they are counted.
func (s *settlement) taken(r *outcomev1.RecordedReceipt) ([]*outcomev1.LedgerEntry, error) {
	ids := [][]byte{entryID(r, s.side.kind, s.side.back)}
	restoring := entryID(r, s.side.kind, s.side.restored)
	for _, e := range r.GetEntries() {
		if !s.side.further {
			break
		}
		if id := e.GetEntryId(); e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REVERSE && !bytes.Equal(id, ids[0]) && !bytes.Equal(id, restoring) {
			ids = append(ids, id)
		}
	}
	var all []*outcomev1.LedgerEntry
	for _, id := range ids {
		entry, _, err := s.entry(id)
		if err != nil {
			return nil, err
		}
		if entry != nil {
			all = append(all, entry)
		}
	}
	return all, nil
}

// reverse is the booking of a return.
func (s *settlement) reverse(r *outcomev1.RecordedReceipt, taken loyalty.Award) *outcomev1.LedgerEntry {
	entry := s.booking(entryID(r, s.side.kind, s.side.back), s.side.kind, taken.Points, r.GetReceipt())
	entry.PointsPerLine = taken.PerLine
	return entry
}

// correct books what is still amiss.
func (s *settlement) correct(at place, by *outcomev1.Receipt) error {
	for n := s.side.corrections; ; n++ {
		id := entryID(s.sale, s.side.correction, n)
		known, _, err := s.entry(id)
		if err != nil {
			return err
		}
		if known != nil {
			s.booked += known.GetPoints()
			continue
		}
		if s.due == s.booked {
			return nil
		}
		return s.count(at, s.account, s.booking(id, s.side.correction, s.due-s.booked, by), s.waits)
	}
}

// booking is an entry made here, on whom the sale was booked on.
func (s *settlement) booking(id []byte, kind outcomev1.EntryKind, points int64, by *outcomev1.Receipt) *outcomev1.LedgerEntry {
	return &outcomev1.LedgerEntry{
		EntryId: id, AccountId: s.award.GetAccountId(), IdHash: s.award.GetIdHash(), Kind: kind, Points: points,
		Day: dayOf(by.GetKey().GetBusinessDate()), Store: by.GetKey().GetStore(), ProgrammeVersion: s.award.GetProgrammeVersion(),
		LotDay: s.award.GetDay(),
	}
}

// voided reports whether one of the receipts voids another.
func voided(backs []back, r *outcomev1.RecordedReceipt) bool {
	for _, other := range backs {
		if other.row.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID && r.GetFork() == 0 &&
			proto.Equal(other.row.GetReceipt().GetOriginal(), r.GetReceipt().GetKey()) {
			return true
		}
	}
	return false
}

// award finds what a sale earned, on the receipt itself, claimed afterwards or still waiting for its owner, and on whom it is counted; nil for nothing.
func (t *transaction) award(sale *outcomev1.RecordedReceipt) (*outcomev1.LedgerEntry, [16]byte, error) {
	id := entryID(sale, outcomev1.EntryKind_ENTRY_KIND_EARN, 0)
	for _, list := range [][]*outcomev1.LedgerEntry{sale.GetEntries(), sale.GetParked()} {
		for _, e := range list {
			if e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_EARN {
				return t.entry(e.GetEntryId())
			}
		}
	}
	return t.entry(id)
}

// entry finds a counted entry by its id, and whose it is: the zero account for one that waits. Nil when none is counted, or it was erased.
func (t *transaction) entry(id []byte) (e *outcomev1.LedgerEntry, account [16]byte, err error) {
	where, err := t.get(inEntries, id)
	if where == nil || err != nil {
		return nil, account, err
	}
	if len(where) != 24 {
		return nil, account, fmt.Errorf("%w: entries %x: %w", ErrDamaged, id, errLayout)
	}
	bucket, key := inLedger, where
	if account = [16]byte(where); account == ([16]byte{}) {
		bucket, key = inOrphans, where[16:]
	}
	value, err := t.get(bucket, key)
	if value == nil || err != nil {
		return nil, account, err
	}
	e, err = postedEntry(value)
	return e, account, err
}

// postedEntry reads the entry of a value of ledger or orphans.
func postedEntry(value []byte) (*outcomev1.LedgerEntry, error) {
	e := &outcomev1.LedgerEntry{}
	if len(value) < placeLength {
		return nil, fmt.Errorf("%w: an entry: %w", ErrDamaged, errLayout)
	}
	if err := proto.Unmarshal(value[placeLength:], e); err != nil {
		return nil, fmt.Errorf("%w: an entry: %w", ErrDamaged, err)
	}
	return e, nil
}

// entryID is the id of an entry of a receipt, on whichever server.
func entryID(r *outcomev1.RecordedReceipt, kind outcomev1.EntryKind, ordinal uint64) []byte {
	key := loyalty.KeyBytes(r.GetReceipt().GetKey())
	if r.GetFork() > 0 {
		key = loyalty.ForkedKeyBytes(key, r.GetFork())
	}
	id := loyalty.EntryID(key, kind, ordinal)
	return id[:]
}

// waitsFor is the identifier that entries of a receipt wait for while nobody knows whose it is; empty for none.
func waitsFor(r *outcomev1.RecordedReceipt) string {
	given := r.GetReceipt().GetIdentifier()
	if given.GetNamespace() == "" || given.GetCanonical() == "" {
		return ""
	}
	return string(identifierKey(given.GetNamespace(), given.GetCanonical()))
}

// wait notes which identifier an entry without account waits for.
func (t *transaction) wait(identifier string, number []byte) error {
	if identifier == "" {
		return nil
	}
	return t.put(inWaiting, append([]byte(identifier), number...), nil)
}

// adopt gives an account the entries that waited for an identifier which leads to it now.
func (t *transaction) adopt(identifier string, account [16]byte) error {
	var numbers [][]byte
	err := t.each(inWaiting, []byte(identifier), []byte(identifier), func(key, _ []byte) (bool, error) {
		if len(key) == len(identifier)+8 { // otherwise a longer identifier that begins alike
			numbers = append(numbers, bytes.Clone(key[len(identifier):]))
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, number := range numbers {
		value, err := t.get(inOrphans, number)
		if err != nil {
			return err
		}
		at, damaged := decodePlace(value)
		e, err := postedEntry(value)
		if err := errors.Join(damaged, err); err != nil {
			return fmt.Errorf("orphan %x: %w", number, err)
		}
		err = errors.Join(t.remove(inWaiting, append([]byte(identifier), number...)), t.remove(inOrphans, number), t.count(at, account, e, ""))
		if err != nil {
			return err
		}
	}
	return nil
}

// anyWaits reports whether entries wait for an owner at all.
func (t *transaction) anyWaits() (bool, error) {
	c, err := t.cursor(inWaiting)
	if err != nil {
		return false, err
	}
	key, _, err := c.seek(nil)
	return key != nil, err
}
