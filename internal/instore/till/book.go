package till

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/segment"
)

// booking is one receipt on its way into the journal. What is set here is known before the journal is asked; book works out the rest inside
// the journal's transaction, and may be run again.
type booking struct {
	*call

	req      *tillv1.RecordReceiptRequest
	receipt  *outcomev1.Receipt // as it is kept
	key      []byte
	who      *who
	reading  identify.Reading
	promise  promise
	promised bool
}

// result is what the receipt comes to.
type result struct {
	entries     []*outcomev1.LedgerEntry
	earned      int64                  // by what was bought
	taken       int64                  // from what was brought back; below zero
	owner       *outcomev1.LedgerEntry // of a return: who the sale was booked on
	provisional bool
	spends      []byte        // what cannot be claimed any more
	visit       segment.Visit // what it means for how often and for how much the customer buys
}

// points are what the receipt books in all.
func (r *result) points() int64 { return r.earned + r.taken }

// begin puts together what is known before booking.
func (c *call) begin(req *tillv1.RecordReceiptRequest, w *who) *booking {
	b := &booking{call: c, req: req, key: loyalty.KeyBytes(req.GetReceipt().GetKey()), who: w, reading: w.scanned}
	b.receipt = proto.CloneOf(req.GetReceipt())
	b.receipt.Identifier = nil
	if w.reading.Canonical != "" && w.reading.Outcome == identify.Card {
		b.receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: w.reading.Namespace, Canonical: w.reading.Canonical}
	}
	b.promise, b.promised = c.service.promises.of(b.receipt.GetReceiptRef(), c.now)
	b.promised = b.promised && w.account != nil && b.promise.account == w.id
	return b
}

// book works out points, entries and answer. It sees all that was recorded before.
func (b *booking) book(v *journal.View) (*journal.Booking, error) {
	if b.service.cfg.Journal.Overlay() != b.overlay {
		return nil, errLaneMoved
	}
	if fork := v.Fork(); fork > 0 {
		b = b.forked(fork)
	}
	var before *standing
	if b.who.earns() {
		var err error
		if before, err = b.stands(b.who, v); err != nil {
			return nil, err
		}
		if b.who.lost {
			b, before = b.blocked(), nil
		}
	}
	out, err := b.reckon(v, before)
	if err != nil {
		return nil, err
	}
	if out.visit, err = b.visitOf(v, b.receipt, 0); err != nil {
		return nil, err
	}
	row := &outcomev1.RecordedReceipt{
		Receipt: b.receipt, Entries: out.entries, Exposures: b.exposures(), RecordedAt: timestamppb.New(b.now), Provisional: out.provisional,
	}
	switch {
	case out.owner != nil: // what a return takes back is booked on whom the sale was booked on, whoever brings the goods
		row.AccountId = out.owner.GetAccountId()
	case b.who.account != nil:
		row.AccountId = b.who.id[:]
	}
	booked, err := b.stored(row, b.response(out, before))
	if err != nil {
		return nil, err
	}
	booked.Note, booked.Spends = out.visit.Append(nil), out.spends
	return booked, nil
}

// forked is the same booking under a key of its own, for the n-th receipt that a re-imaged till sent under one key.
func (b *booking) forked(fork uint32) *booking {
	other := *b
	other.key = loyalty.ForkedKeyBytes(b.key, fork)
	return &other
}

// blocked is the same booking on a card that was lost: nobody's.
func (b *booking) blocked() *booking {
	other := *b
	other.who, other.promised = b.who.withoutCustomer(), false
	return &other
}

// stored keeps the answer whole, and what of it stays when it is old.
func (b *booking) stored(row *outcomev1.RecordedReceipt, answer *tillv1.RecordReceiptResponse) (*journal.Booking, error) {
	whole, err := proto.Marshal(answer)
	if err != nil {
		return nil, err
	}
	brief, err := proto.Marshal(&tillv1.RecordReceiptResponse{
		Outcome: answer.GetOutcome(), AccountRef: answer.GetAccountRef(), Points: answer.GetPoints(), Provisional: answer.GetProvisional(),
	})
	if err != nil {
		return nil, err
	}
	return &journal.Booking{Row: row, Answer: whole, Brief: brief}, nil
}

// reckon works out the points and the entries that book them. Before is how the customer stands without this receipt; nil for nobody.
func (b *booking) reckon(v *journal.View, before *standing) (*result, error) {
	out := &result{}
	switch b.receipt.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		if b.who.earns() {
			if err := b.earnOn(v, before, out); err != nil {
				return nil, err
			}
		}
		out.provisional = b.parked()
		if b.receipt.GetOriginal() == nil {
			return out, nil
		}
		return out, b.takeBack(v, out)
	case outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
		return out, b.takeBack(v, out)
	default: // voided before it was paid, or training: nothing is booked
		return out, nil
	}
}

// parked reports whether head office has still to find out whose receipt it is.
func (b *booking) parked() bool {
	if b.who.erased {
		return false
	}
	switch b.who.outcome {
	case tillv1.Outcome_OUTCOME_UNKNOWN_CARD, tillv1.Outcome_OUTCOME_AMBIGUOUS:
		return b.receipt.GetIdentifier() != nil || b.req.GetAccountRef() != ""
	default:
		return false
	}
}

// earnOn books what was bought. The entry is made even for no points: a return of this receipt is reckoned from it.
func (b *booking) earnOn(v *journal.View, before *standing, out *result) error {
	lines := b.receipt.GetLines()
	at := b.now
	if ended := b.receipt.GetEndedAt(); ended != nil {
		at = ended.AsTime().In(b.place.zone)
	}
	sale, err := b.earning(v, b.who, before, at, dayOf(b.receipt.GetKey().GetBusinessDate()))
	if err != nil {
		return err
	}
	sale.Currency, sale.Lines, sale.Groups = b.receipt.GetCurrency(), lines, b.earn.Groups().Of(lines)
	sale.Spending, sale.Exchange, sale.Boosts = b.spends(), b.receipt.GetOriginal() != nil, b.boosts(b.promise, b.promised)
	sale.Tenders, sale.Rounding = b.receipt.GetTenders(), loyalty.Rounding(b.receipt)
	award := b.earn.Earn(sale)
	out.earned = award.Points
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_EARN, award)
	entry.Tier, entry.HeldBack = sale.Tier, award.HeldBack
	b.who.hang(entry)
	out.entries = append(out.entries, entry)
	return nil
}

// spends reports whether points were spent on the receipt.
func (b *booking) spends() bool {
	for _, tender := range b.receipt.GetTenders() {
		if tender.GetKind() == outcomev1.TenderKind_TENDER_KIND_POINTS {
			return true
		}
	}
	return false
}

// entry is one booking of this receipt.
func (b *booking) entry(kind outcomev1.EntryKind, award loyalty.Award) *outcomev1.LedgerEntry {
	id := loyalty.EntryID(b.key, kind, 0)
	return &outcomev1.LedgerEntry{
		EntryId: id[:], Kind: kind, Points: award.Points, PointsPerLine: award.PerLine, Day: dayOf(b.receipt.GetKey().GetBusinessDate()),
		Store: b.store, ProgrammeVersion: binary.BigEndian.Uint64(b.release.ProgrammeDigest[:8]),
	}
}

// hang books an entry on the account, or on the identifier while there is none.
func (w *who) hang(entry *outcomev1.LedgerEntry) {
	if w.account != nil {
		entry.AccountId = w.id[:]
	} else {
		entry.IdHash = w.hashes[0][:]
	}
}

// takeBack books what goods brought back take with them: from the award of the sale they are from, and from whom got it. A sale that is not
// in this journal is settled by head office.
func (b *booking) takeBack(v *journal.View, out *result) error {
	original := b.receipt.GetOriginal()
	if original == nil {
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
	earned, err := b.awarded(v, sold.Sale)
	if err != nil {
		return err
	}
	if earned == nil { // the sale earned nothing, or waits itself; what was brought back of it is claimed by nobody
		out.provisional = sold.Sale.GetProvisional()
		out.spends = claimKey(original)
		return nil
	}
	exchange := b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_SALE
	if exchange && !b.who.owns(earned) { // one receipt, two customers: head office settles it
		out.provisional = true
		return nil
	}
	earlier, err := b.returned(v, earned, sold.Sale.GetReceipt())
	if err != nil {
		return err
	}
	back := b.receipt.GetLines()
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		back = wholeOf(sold.Sale.GetReceipt().GetLines())
	}
	award := loyalty.TakeBack(sold.Sale.GetReceipt().GetLines(), earned.GetPointsPerLine(), earlier, back)
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_REVERSE, award)
	entry.AccountId, entry.IdHash = earned.GetAccountId(), earned.GetIdHash()
	if out.taken = award.Points; !exchange {
		out.owner = entry
	}
	out.entries = append(out.entries, entry)
	return nil
}

// awardOf is the entry that a sale earned; nil for none.
func awardOf(sale *outcomev1.RecordedReceipt) *outcomev1.LedgerEntry {
	for _, entry := range sale.GetEntries() {
		if entry.GetKind() == outcomev1.EntryKind_ENTRY_KIND_EARN {
			return entry
		}
	}
	return nil
}

// wholeOf are all lines of a sale, brought back.
func wholeOf(sold []*outcomev1.Line) []*outcomev1.Line {
	back := make([]*outcomev1.Line, len(sold))
	for i, line := range sold {
		back[i] = &outcomev1.Line{No: line.GetNo(), Sku: line.GetSku(), QuantityMilli: -line.GetQuantityMilli(), NetMinor: -line.GetNetMinor(), OriginalLine: line.GetNo()}
	}
	return back
}

// owns reports whether an entry is booked on this customer.
func (w *who) owns(entry *outcomev1.LedgerEntry) bool {
	if w.account != nil && (bytes.Equal(entry.GetAccountId(), w.id[:]) ||
		slices.ContainsFunc(w.merged, func(id [16]byte) bool { return bytes.Equal(entry.GetAccountId(), id[:]) })) {
		return true
	}
	return slices.ContainsFunc(w.hashes, func(hash [16]byte) bool { return bytes.Equal(entry.GetIdHash(), hash[:]) })
}

// returned are the lines of all returns of a sale so far.
func (b *booking) returned(v *journal.View, earned *outcomev1.LedgerEntry, sold *outcomev1.Receipt) ([][]*outcomev1.Line, error) {
	subject := earned.GetAccountId()
	if len(subject) == 0 {
		subject = earned.GetIdHash()
	}
	var lines [][]*outcomev1.Line
	err := v.LocalReceipts([16]byte(subject), never, func(r *outcomev1.RecordedReceipt) error {
		switch {
		case !proto.Equal(r.GetReceipt().GetOriginal(), sold.GetKey()):
		case r.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
			lines = append(lines, wholeOf(sold.GetLines()))
		default:
			lines = append(lines, r.GetReceipt().GetLines())
		}
		return nil
	})
	return lines, err
}

// exposures are what was shown: as the till tells, else as it was answered, assumed to have been shown. What the holdout was spared is
// recorded in any case.
func (b *booking) exposures() []*outcomev1.Exposure {
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING || b.who.erased {
		return nil
	}
	told := b.req.GetExposures()
	if !b.promised {
		return told
	}
	made := b.promise.exposure()
	switch {
	case b.promise.silent:
		return append(told, made)
	case len(told) == 0:
		return []*outcomev1.Exposure{made}
	}
	for _, e := range told {
		if e.GetSuggestionId() == made.GetSuggestionId() {
			e.Arm = made.GetArm()
		}
	}
	return told
}

// accepted reports whether the customer took what the campaign offered, or it is a word of ours that needs no taking.
func (b *booking) accepted() *campaign {
	if !b.promised || b.promise.silent {
		return nil
	}
	c := b.campaigns[b.promise.campaign]
	if c == nil {
		return nil
	}
	if offer := c.source.GetOffer(); offer.GetPercent() == 0 && offer.GetAmount() == 0 {
		return c
	}
	for _, e := range b.req.GetExposures() {
		if e.GetSuggestionId() == b.promise.suggestion && e.GetResponse() == outcomev1.Response_RESPONSE_ACCEPTED {
			return c
		}
	}
	return nil
}
