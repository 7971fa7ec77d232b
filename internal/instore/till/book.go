package till

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

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
	earned      int64                    // by what was bought
	taken       int64                    // from what was brought back; below zero
	bonus       int64                    // for an answer
	answered    bool                     // a question was answered
	spent       int64                    // points that paid for it
	given       int64                    // spent points that came back with goods; below zero where a return of such goods is voided
	used        *outcomev1.CouponUse     // what became of the points that paid for it; nil for none
	owner       *outcomev1.LedgerEntry   // of a return: who the sale was booked on
	parked      []*outcomev1.LedgerEntry // what head office counts, when it knows more
	provisional bool
	spends      []byte        // what cannot be claimed any more
	visit       segment.Visit // what it means for how often and for how much the customer buys
}

// points are what the receipt earns and takes back in all; what was spent was spent before.
func (r *result) points() int64 { return r.earned + r.taken + r.bonus }

// begin puts together what is known before booking.
func (c *call) begin(req *tillv1.RecordReceiptRequest, w *who) *booking {
	b := &booking{call: c, req: req, key: loyalty.KeyBytes(req.GetReceipt().GetKey()), who: w, reading: w.scanned}
	b.receipt = proto.CloneOf(req.GetReceipt())
	b.receipt.Identifier, b.receipt.Uses = nil, c.usesNamed(req.GetReceipt().GetUses())
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
	if err := b.reward(v, before, out); err != nil {
		return nil, err
	}
	if out.visit, err = b.visitOf(v, b.receipt, 0); err != nil {
		return nil, err
	}
	row := &outcomev1.RecordedReceipt{
		Receipt: b.receipt, Entries: out.entries, Parked: out.parked, Exposures: b.exposures(), RecordedAt: timestamppb.New(b.now), Provisional: out.provisional,
	}
	switch {
	case out.owner != nil: // what a return takes back is booked on whom the sale was booked on, whoever brings the goods
		row.AccountId = out.owner.GetAccountId()
	case b.who.account != nil:
		row.AccountId = b.who.id[:]
	}
	beside, err := b.apart(v, row)
	if err != nil {
		return nil, err
	}
	coupons, err := b.settle(v, before)
	if err != nil {
		return nil, err
	}
	coupons.tellPoints(out.used)
	answer := b.response(out, before)
	b.settleInto(row, answer, coupons)
	booked, err := b.stored(row, answer)
	if err != nil {
		return nil, err
	}
	booked.Note, booked.Spends, booked.Rights, booked.Beside = out.visit.Append(nil), out.spends, coupons.rights, beside
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
	return &journal.Booking{Row: row, Own: b.owns(row.GetEntries()), Answer: whole, Brief: brief}, nil
}

// owns reports whether the ids of all entries follow from this receipt's key.
func (b *booking) owns(entries []*outcomev1.LedgerEntry) bool {
	next := map[outcomev1.EntryKind]uint64{}
	for _, e := range entries {
		id := loyalty.EntryID(b.key, e.GetKind(), next[e.GetKind()])
		if !bytes.Equal(id[:], e.GetEntryId()) {
			return false
		}
		next[e.GetKind()]++
	}
	return true
}

// reckon works out the points and the entries that book them. Before is how the customer stands without this receipt; nil for nobody.
func (b *booking) reckon(v *journal.View, before *standing) (*result, error) {
	out := &result{}
	switch b.receipt.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		if err := b.bought(v, before, out); err != nil {
			return nil, err
		}
		if err := b.redeem(v, before, out); err != nil {
			return nil, err
		}
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

// earnOn is the entry for what was bought. It is made even for no points: a return of this receipt is reckoned from it.
func (b *booking) earnOn(v *journal.View, before *standing) (*outcomev1.LedgerEntry, error) {
	sale, award, err := b.earnedAt(v, before, b.soldAt())
	if err != nil {
		return nil, err
	}
	if at, ok := b.service.told.of(b.receipt.GetReceiptRef(), b.who.id, b.soldAt()); ok && b.who.account != nil {
		then, more, err := b.earnedAt(v, before, at.In(b.place.zone))
		if err != nil {
			return nil, err
		}
		if more.Points > award.Points { // the hours that gave it ended between the telling and the paying
			sale, award = then, more
		}
	}
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_EARN, 0, award)
	entry.Tier, entry.HeldBack = sale.Tier, award.HeldBack
	b.who.hang(entry)
	return entry, nil
}

// earnedAt is what the receipt earns by the rules of a moment.
func (b *booking) earnedAt(v *journal.View, before *standing, at time.Time) (loyalty.Sale, loyalty.Award, error) {
	lines := b.receipt.GetLines()
	sale, err := b.earning(v, b.who, before, at, dayOf(b.receipt.GetKey().GetBusinessDate()))
	if err != nil {
		return sale, loyalty.Award{}, err
	}
	sale.Currency, sale.Lines, sale.Groups = b.receipt.GetCurrency(), lines, b.earn.Groups().Of(lines)
	sale.Spending, sale.Exchange, sale.Boosts = b.spends(), b.receipt.GetOriginal() != nil, b.boosts(b.promise, b.promised)
	sale.Tenders, sale.Rounding = b.receipt.GetTenders(), loyalty.Rounding(b.receipt)
	return sale, b.earn.Earn(sale), nil
}

// soldAt is when the sale ended, in store time: rules go by it however late the receipt comes. A till that does not say sold at noon of its business
// day, or just now when that is today.
func (b *booking) soldAt() time.Time {
	if ended := b.receipt.GetEndedAt(); ended != nil {
		return ended.AsTime().In(b.place.zone)
	}
	now := b.now.In(b.place.zone)
	day, err := time.ParseInLocation(time.DateOnly, b.receipt.GetKey().GetBusinessDate(), b.place.zone)
	if err != nil || loyalty.Day(day) == loyalty.Day(now) {
		return now
	}
	return day.Add(12 * time.Hour)
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

// entry is one booking of this receipt, the ordinal-th of its kind.
func (b *booking) entry(kind outcomev1.EntryKind, ordinal uint64, award loyalty.Award) *outcomev1.LedgerEntry {
	id := loyalty.EntryID(b.key, kind, ordinal)
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

// owns reports whether an entry is booked on this customer.
func (w *who) owns(entry *outcomev1.LedgerEntry) bool {
	if w.account != nil && (bytes.Equal(entry.GetAccountId(), w.id[:]) ||
		slices.ContainsFunc(w.merged, func(id [16]byte) bool { return bytes.Equal(entry.GetAccountId(), id[:]) })) {
		return true
	}
	return slices.ContainsFunc(w.hashes, func(hash [16]byte) bool { return bytes.Equal(entry.GetIdHash(), hash[:]) })
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
