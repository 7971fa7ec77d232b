package inbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// A delivery of a receipt is one element of the value in receipts: place, content hash.
const deliveryLength = placeLength + sha256.Size

// takeReceipt works one receipt in: whoever delivers it first has its entries counted. A receipt of a training is kept as a row and nothing more: the
// real sale after it may have its number.
func (t *transaction) takeReceipt(at place, r *outcomev1.RecordedReceipt) error {
	if r.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING {
		return nil
	}
	key := receiptKey(r.GetReceipt().GetKey(), r.GetFork())
	known, err := t.get(inReceipts, key)
	if err != nil {
		return err
	}
	var hash [32]byte
	copy(hash[:], r.GetContentHash())
	value := append(at.append(append([]byte(nil), known...)), hash[:]...)
	if err := t.put(inReceipts, key, value); err != nil {
		return err
	}
	if len(known) > 0 {
		if [32]byte(known[placeLength:]) != hash {
			return t.conflict(at)
		}
		return nil
	}
	account, err := t.accountOf(r)
	if err != nil {
		return err
	}
	for _, e := range slices.Concat(r.GetEntries(), r.GetParked()) {
		if err := t.takeEntry(at, account, r, e); err != nil {
			return err
		}
	}
	if err := t.heard(r.GetAccountId(), int32(r.GetRecordedAt().GetSeconds()/secondsADay), r.GetExposures()...); err != nil {
		return err
	}
	return t.settleAround(at, r)
}

// standing reports whether a row is the one that stands for its receipt.
func (t *transaction) standing(at place, r *outcomev1.RecordedReceipt) (bool, error) {
	if r.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING {
		return false, nil
	}
	known, err := t.get(inReceipts, receiptKey(r.GetReceipt().GetKey(), r.GetFork()))
	if err != nil {
		return false, err
	}
	if len(known) < deliveryLength {
		return false, fmt.Errorf("%w: row %d of stream %d has no receipt key", ErrDamaged, at.sequence, at.stream)
	}
	first, err := decodePlace(known)
	return first == at, err
}

// accountOf finds whose receipt it is, and registers what nobody knew. The zero id is nobody.
func (t *transaction) accountOf(r *outcomev1.RecordedReceipt) (id [16]byte, err error) {
	reg := &Registrar{t: t}
	given := r.GetReceipt().GetIdentifier()
	card := given.GetNamespace() != "" && given.GetCanonical() != ""
	if len(r.GetAccountId()) == 16 {
		if id, err = t.survivor([16]byte(r.GetAccountId())); err != nil {
			return id, err
		}
		if err := reg.know(id); err != nil {
			return id, err
		}
	}
	if !card || !ofItsCard(r.GetReceipt().GetKind()) {
		return id, reg.flush()
	}
	known, err := reg.identifier(given.GetNamespace(), given.GetCanonical())
	if err != nil {
		return id, err
	}
	if known != nil {
		if id == ([16]byte{}) {
			id, _ = leadsTo(known)
		}
		return id, reg.flush()
	}
	if id == ([16]byte{}) && r.GetProvisional() && !earned(r) {
		return id, reg.flush() // a card nobody handed out: the receipt waits until somebody says whose it is
	}
	if id == ([16]byte{}) {
		if id, err = reg.Mint(); err != nil {
			return id, err
		}
		t.box.cfg.Logger.Info("an account was made for a card nobody knew", "namespace", given.GetNamespace())
	}
	err = reg.AddIdentifier(id, Identifier{Namespace: given.GetNamespace(), Canonical: given.GetCanonical()})
	if err != nil {
		return id, err
	}
	return id, reg.flush()
}

// ofItsCard reports whether a receipt of this kind is booked on whose card was shown: a return is booked on who bought the goods, whoever brings them.
func ofItsCard(kind outcomev1.ReceiptKind) bool {
	return kind == outcomev1.ReceiptKind_RECEIPT_KIND_SALE || kind == outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM
}

// counts reports whether a receipt of this kind is business with a customer.
func counts(kind outcomev1.ReceiptKind) bool {
	switch kind {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE, outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID,
		outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM:
		return true
	default: // voided before it was paid, training
		return false
	}
}

// earned reports whether a server booked points on a card without an account: one that was handed out.
func earned(r *outcomev1.RecordedReceipt) bool {
	return slices.ContainsFunc(r.GetEntries(), func(e *outcomev1.LedgerEntry) bool { return e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_EARN })
}

// takeEntry counts an entry of a receipt unless one with its id was counted before.
func (t *transaction) takeEntry(at place, owner [16]byte, r *outcomev1.RecordedReceipt, e *outcomev1.LedgerEntry) error {
	seen, err := t.get(inEntries, e.GetEntryId())
	if seen != nil || err != nil {
		return err
	}
	account, waits := owner, waitsFor(r)
	if len(e.GetAccountId()) != 16 && comesBack(r, e) { // of a card without account: whoever brought the goods
		sale, err := t.first(r.GetReceipt().GetOriginal(), 0)
		if err == nil && restores(r, e) { // a return is voided: whose sale it was of
			sale, err = t.first(sale.GetReceipt().GetOriginal(), 0)
		}
		if err != nil {
			return err
		}
		award, of, err := t.award(sale)
		if err != nil {
			return err
		}
		if award != nil {
			account, waits = of, waitsFor(sale)
		}
	}
	if len(e.GetAccountId()) == 16 {
		if account, err = t.survivor([16]byte(e.GetAccountId())); err != nil {
			return err
		}
		if account != owner {
			reg := &Registrar{t: t}
			if err := errors.Join(reg.know(account), reg.flush()); err != nil {
				return err
			}
		}
	}
	return t.count(at, account, e, waits)
}

// comesBack reports whether a receipt books an entry because goods of another came back, or went out again.
func comesBack(r *outcomev1.RecordedReceipt, e *outcomev1.LedgerEntry) bool {
	return e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REVERSE || e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REDEEM &&
		!bytes.Equal(e.GetEntryId(), entryID(r, outcomev1.EntryKind_ENTRY_KIND_REDEEM, 0))
}

// restores reports whether a receipt books an entry because it voids a return.
func restores(r *outcomev1.RecordedReceipt, e *outcomev1.LedgerEntry) bool {
	return slices.ContainsFunc(sides, func(s *side) bool { return bytes.Equal(e.GetEntryId(), entryID(r, s.kind, s.restored)) })
}

// count books an entry on an account, or with the orphans when it leads to none, until the identifier it waits for does.
func (t *transaction) count(at place, account [16]byte, e *outcomev1.LedgerEntry, waits string) error {
	value, err := proto.MarshalOptions{}.MarshalAppend(at.key(), e)
	if err != nil {
		return err
	}
	bucket, prefix := inLedger, account[:]
	if account == ([16]byte{}) {
		bucket, prefix = inOrphans, nil
	}
	n, err := t.number(bucket)
	if err != nil {
		return err
	}
	number := binary.BigEndian.AppendUint64(nil, n)
	if err := t.put(bucket, append(append([]byte(nil), prefix...), number...), value); err != nil {
		return err
	}
	if err := t.put(inEntries, e.GetEntryId(), append(append([]byte(nil), account[:]...), number...)); err != nil {
		return err
	}
	if bucket == inOrphans {
		return t.wait(waits, number)
	}
	return t.addToBalance(account, e)
}

// A balance sums an account's counted entries.
type balance struct {
	points      int64
	entries     uint64
	first, last int32
	redeemed    int64 // of points, what was spent or came back of that; balances from before points were spent end ahead of it
}

const balanceLength = 8 + 8 + 4 + 4

func (b balance) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, balanceLength), uint64(b.points))
	v = binary.BigEndian.AppendUint64(v, b.entries)
	v = binary.BigEndian.AppendUint32(v, uint32(b.first))
	v = binary.BigEndian.AppendUint32(v, uint32(b.last))
	if b.redeemed == 0 {
		return v
	}
	return binary.BigEndian.AppendUint64(v, uint64(b.redeemed))
}

func decodeBalance(v []byte) (balance, error) {
	var redeemed int64
	switch len(v) {
	case balanceLength:
	case balanceLength + 8:
		redeemed = int64(binary.BigEndian.Uint64(v[balanceLength:]))
	default:
		return balance{}, errLayout
	}
	return balance{
		redeemed: redeemed,
		points:   int64(binary.BigEndian.Uint64(v)),
		entries:  binary.BigEndian.Uint64(v[8:]),
		first:    int32(binary.BigEndian.Uint32(v[16:])),
		last:     int32(binary.BigEndian.Uint32(v[20:])),
	}, nil
}

func (t *transaction) addToBalance(account [16]byte, e *outcomev1.LedgerEntry) error {
	v, err := t.get(inBalances, account[:])
	if err != nil {
		return err
	}
	all, err := t.total()
	if err != nil {
		return err
	}
	sum := balance{first: e.GetDay(), last: e.GetDay()}
	if v == nil {
		all.balances++
	} else {
		if sum, err = decodeBalance(v); err != nil {
			return fmt.Errorf("%w: balance of %x: %w", ErrDamaged, account, err)
		}
	}
	sum.points += e.GetPoints()
	sum.entries++
	if e.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REDEEM {
		sum.redeemed += e.GetPoints()
	}
	all.points += e.GetPoints()
	all.entries++
	sum.first, sum.last = min(sum.first, e.GetDay()), max(sum.last, e.GetDay())
	return t.put(inBalances, account[:], sum.encode())
}

// totals sums all balances, so that a missing one is noticed.
type totals struct {
	balances, entries uint64
	points            int64
}

func (a totals) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 24), a.balances)
	v = binary.BigEndian.AppendUint64(v, a.entries)
	return binary.BigEndian.AppendUint64(v, uint64(a.points))
}

// total reads the totals, once in a transaction.
func (t *transaction) total() (*totals, error) {
	if t.totals != nil {
		return t.totals, nil
	}
	v, err := t.get(inMeta, keyTotals)
	if err != nil {
		return nil, err
	}
	t.totals = &totals{}
	if v == nil {
		return t.totals, nil
	}
	if len(v) != 24 {
		return nil, fmt.Errorf("%w: its totals", ErrDamaged)
	}
	*t.totals = totals{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:]), int64(binary.BigEndian.Uint64(v[16:]))}
	return t.totals, nil
}

// keepTotals writes the totals if they changed.
func (t *transaction) keepTotals() error {
	if t.totals == nil {
		return nil
	}
	return t.put(inMeta, keyTotals, t.totals.encode())
}
