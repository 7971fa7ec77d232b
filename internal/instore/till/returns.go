package till

import (
	"errors"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// takeBack books what goods brought back, or a receipt voided afterwards, take with them: from the award of the sale they are from, and from whom got
// it. A sale that is not in this journal is settled by head office, and by nobody else.
func (b *booking) takeBack(v *journal.View, out *result) error {
	original := b.receipt.GetOriginal()
	if original == nil || b.outdated() {
		out.provisional = true
		return nil
	}
	sold, err := v.Receipt(loyalty.KeyBytes(original))
	if errors.Is(err, journal.ErrNotFound) {
		out.provisional = true
		return nil
	}
	if err != nil {
		return err
	}
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		if !voidable(sold.Sale.GetReceipt()) {
			return nil
		}
		if err := b.restore(v, sold.Sale, out); err != nil {
			return err
		}
	}
	if err := b.refund(v, sold.Sale, out); err != nil {
		return err
	}
	earned, err := b.awarded(v, sold.Sale)
	if err != nil {
		return err
	}
	if earned == nil { // it earned nothing, or waits itself; what was brought back of it is claimed by nobody
		out.provisional = out.provisional || sold.Sale.GetProvisional()
		out.spends = claimKey(original)
		return nil
	}
	return b.reverse(v, sold.Sale, earned, out)
}

// voidable reports whether a receipt is one that means something when it is undone.
func voidable(r *outcomev1.Receipt) bool {
	switch r.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE, outcomev1.ReceiptKind_RECEIPT_KIND_RETURN:
		return true
	default:
		return false
	}
}

// reverse takes back of what a sale earned.
func (b *booking) reverse(v *journal.View, sale *outcomev1.RecordedReceipt, earned *outcomev1.LedgerEntry, out *result) error {
	exchange := b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_SALE
	if exchange && !b.who.owns(earned) { // one receipt, two customers: head office settles it
		out.provisional = true
		return nil
	}
	earlier, err := b.returned(v, earned, sale.GetReceipt())
	if err != nil {
		return err
	}
	back := b.receipt.GetLines()
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		back = loyalty.Whole(sale.GetReceipt().GetLines())
	}
	award := loyalty.TakeBack(sale.GetReceipt().GetLines(), earned.GetPointsPerLine(), earlier, back)
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_REVERSE, 0, award)
	entry.AccountId, entry.IdHash, entry.LotDay = earned.GetAccountId(), earned.GetIdHash(), earned.GetDay()
	out.taken += award.Points
	if !exchange {
		out.owner = entry
	}
	out.entries = append(out.entries, entry)
	return nil
}

// restore undoes what a return that is voided did: it gives back what that took, and spends again what that gave back. Its goods are out again. A
// return voided before gives nothing more.
func (b *booking) restore(v *journal.View, voided *outcomev1.RecordedReceipt, out *result) error {
	taken, given := entryOf(voided, outcomev1.EntryKind_ENTRY_KIND_REVERSE), redeemedBy(voided, true)
	of := taken
	if of == nil {
		of = given
	}
	if of == nil {
		return nil
	}
	rows, err := b.rowsAround(v, of)
	if err != nil || undone(rows)[string(loyalty.KeyBytes(voided.GetReceipt().GetKey()))] {
		return err
	}
	if taken != nil {
		entry := b.undoing(taken, outcomev1.EntryKind_ENTRY_KIND_REVERSE, 1)
		out.taken += entry.GetPoints()
		out.owner, out.entries = entry, append(out.entries, entry)
	}
	if given != nil {
		entry := b.undoing(given, outcomev1.EntryKind_ENTRY_KIND_REDEEM, 2)
		out.given += entry.GetPoints()
		out.owner, out.entries = entry, append(out.entries, entry)
	}
	return nil
}

// undoing is the entry that books the opposite of another.
func (b *booking) undoing(of *outcomev1.LedgerEntry, kind outcomev1.EntryKind, ordinal uint64) *outcomev1.LedgerEntry {
	award := loyalty.Award{Points: -of.GetPoints(), PerLine: make([]int64, len(of.GetPointsPerLine()))}
	for i, points := range of.GetPointsPerLine() {
		award.PerLine[i] = -points
	}
	entry := b.entry(kind, ordinal, award)
	entry.AccountId, entry.IdHash, entry.LotDay = of.GetAccountId(), of.GetIdHash(), of.GetLotDay()
	return entry
}

// awardOf is the entry that a sale earned; nil for none.
func awardOf(sale *outcomev1.RecordedReceipt) *outcomev1.LedgerEntry {
	return entryOf(sale, outcomev1.EntryKind_ENTRY_KIND_EARN)
}

// entryOf is the first entry of a kind that a receipt booked; nil for none.
func entryOf(row *outcomev1.RecordedReceipt, kind outcomev1.EntryKind) *outcomev1.LedgerEntry {
	for _, entry := range row.GetEntries() {
		if entry.GetKind() == kind {
			return entry
		}
	}
	return nil
}

// returned are the lines of all returns of a sale so far, but for those that were voided since.
func (b *booking) returned(v *journal.View, earned *outcomev1.LedgerEntry, sold *outcomev1.Receipt) ([][]*outcomev1.Line, error) {
	rows, err := b.rowsAround(v, earned)
	if err != nil {
		return nil, err
	}
	voided := undone(rows)
	var lines [][]*outcomev1.Line
	for _, row := range rows {
		switch r := row.receipt; {
		case voided[row.key] || !proto.Equal(r.GetOriginal(), sold.GetKey()):
		case r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
			lines = append(lines, loyalty.Whole(sold.GetLines()))
		case r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
			lines = append(lines, r.GetLines())
		}
	}
	return lines, nil
}

// keyed is a receipt with its key's bytes.
type keyed struct {
	key     string
	receipt *outcomev1.Receipt
}

// rowsAround are the receipts of whom an entry is booked on, and of whoever this receipt is of.
func (b *booking) rowsAround(v *journal.View, entry *outcomev1.LedgerEntry) ([]keyed, error) {
	subjects, err := b.subjects(b.who, v)
	if err != nil {
		return nil, err
	}
	for _, id := range [][]byte{entry.GetAccountId(), entry.GetIdHash()} {
		if len(id) == 16 {
			subjects = append(subjects, [16]byte(id))
		}
	}
	var rows []keyed
	seen := map[string]bool{}
	for _, subject := range subjects {
		err := v.LocalReceipts(subject, never, func(row *outcomev1.RecordedReceipt) error {
			key := loyalty.KeyBytes(row.GetReceipt().GetKey())
			if row.GetFork() > 0 {
				key = loyalty.ForkedKeyBytes(key, row.GetFork())
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				rows = append(rows, keyed{string(key), row.GetReceipt()})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// undone are the keys of receipts that others void.
func undone(rows []keyed) map[string]bool {
	keys := map[string]bool{}
	for _, row := range rows {
		if r := row.receipt; r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
			keys[string(loyalty.KeyBytes(r.GetOriginal()))] = true
		}
	}
	return keys
}
