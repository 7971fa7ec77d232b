package till

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// claimDays is how long after the sale a receipt may be claimed.
const claimDays = 14

// ClaimReceipt gives an anonymous receipt to a customer, and answers once that is on disk.
func (s *Service) ClaimReceipt(ctx context.Context, req *tillv1.ClaimReceiptRequest) (*tillv1.ClaimReceiptResponse, error) {
	var out *tillv1.ClaimReceiptResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if store := req.GetReceipt().GetStore(); store != c.store {
			return fmt.Errorf("%w: the receipt is of store %q, this server stands in %q", errWrongStore, store, c.store)
		}
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.claim(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// claiming is one claim on its way into the journal.
type claiming struct {
	*call

	req *tillv1.ClaimReceiptRequest
	who *who
	out *tillv1.ClaimReceiptResponse
}

// claimError ends a claim without anything being recorded.
type claimError tillv1.ClaimResult

// Error says why, for whoever sees it by mistake.
func (r claimError) Error() string { return tillv1.ClaimResult(r).String() }

// claim finds the customer, has the journal book the claim once, and says what became of it. When the lane said something new in between, the
// customer is looked for again.
func (c *call) claim(ctx context.Context, req *tillv1.ClaimReceiptRequest) (out *tillv1.ClaimReceiptResponse, err error) {
	for range laneTries {
		w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
		if err != nil {
			return nil, err
		}
		out, err = c.claimFor(ctx, req, w)
		if !errors.Is(err, errLaneMoved) {
			return out, err
		}
		c.overlay = c.service.cfg.Journal.Overlay()
	}
	return nil, errLaneMoved
}

func (c *call) claimFor(ctx context.Context, req *tillv1.ClaimReceiptRequest, w *who) (*tillv1.ClaimReceiptResponse, error) {
	k := &claiming{call: c, req: req, who: w, out: &tillv1.ClaimReceiptResponse{
		Outcome: w.outcome, AccountRef: w.ref(), Choices: w.choices, Meta: c.meta(),
	}}
	if !w.earns() {
		return k.refused(tillv1.ClaimResult_CLAIM_RESULT_NO_CUSTOMER), nil
	}
	recorded, err := c.service.cfg.Journal.Record(ctx, journal.RecordRequest{
		Key: claimKey(req.GetReceipt()), Hash: sha256.Sum256(append([]byte(w.outcome.String()), w.claims()...)),
		Receipt: k.receipt(&outcomev1.Receipt{Key: req.GetReceipt()}), Book: k.book,
	})
	var no claimError
	switch {
	case errors.As(err, &no):
		return k.refused(tillv1.ClaimResult(no)), nil
	case err != nil:
		return nil, err
	case recorded.Conflict:
		return k.refused(tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED), nil
	case recorded.Replayed:
		k.out.Meta.Replayed, k.out.Points = true, awardOf(recorded.Standing.Sale).GetPoints()
		return k.refused(tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED), nil
	}
	return k.out, nil
}

// claims is who claims, so that another customer's claim is told from the same one's.
func (w *who) claims() []byte {
	if w.account != nil {
		return w.id[:]
	}
	return w.hashes[0][:]
}

// claimKey is the key under which the claim of a receipt is recorded, once.
func claimKey(receipt *outcomev1.ReceiptKey) []byte { return loyalty.KeyBytes(claimOf(receipt)) }

func claimOf(receipt *outcomev1.ReceiptKey) *outcomev1.ReceiptKey {
	key := proto.CloneOf(receipt)
	key.ReceiptNo += " claimed"
	return key
}

// receipt is the claim as it is kept and goes up.
func (k *claiming) receipt(sold *outcomev1.Receipt) *outcomev1.Receipt {
	out := &outcomev1.Receipt{
		Key: claimOf(sold.GetKey()), Kind: outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM, Currency: sold.GetCurrency(),
		Original: sold.GetKey(), EndedAt: sold.GetEndedAt(),
	}
	if k.who.scanned.Canonical != "" {
		out.Identifier = recognised(k.who.scanned)
	}
	return out
}

// book works out, inside the journal's transaction, what the card would have earned.
func (k *claiming) book(v *journal.View) (*journal.Booking, error) {
	if k.service.cfg.Journal.Overlay() != k.overlay {
		return nil, errLaneMoved
	}
	before, err := k.stands(k.who, v)
	if err != nil {
		return nil, err
	}
	if k.who.lost {
		return nil, claimError(tillv1.ClaimResult_CLAIM_RESULT_NO_CUSTOMER)
	}
	sale, err := k.claimable(v)
	if err != nil {
		return nil, err
	}
	sold := sale.GetReceipt()
	at := k.now
	if sold.GetEndedAt() != nil {
		at = sold.GetEndedAt().AsTime().In(k.place.zone)
	} else if sale.GetRecordedAt() != nil {
		at = sale.GetRecordedAt().AsTime().In(k.place.zone)
	}
	counted, err := k.earning(v, k.who, before, at, dayOf(sold.GetKey().GetBusinessDate()))
	if err != nil {
		return nil, err
	}
	counted.Currency, counted.Lines, counted.Groups = sold.GetCurrency(), sold.GetLines(), k.earn.Groups().Of(sold.GetLines())
	counted.Tenders, counted.Rounding = sold.GetTenders(), loyalty.Rounding(sold)
	award := k.earn.Earn(counted)
	visit, err := k.visitOf(v, sold, 0)
	if err != nil {
		return nil, err
	}
	row := &outcomev1.RecordedReceipt{Receipt: k.receipt(sold), Entries: []*outcomev1.LedgerEntry{k.entry(sold, counted.Tier, award)}, RecordedAt: timestamppb.New(k.now)}
	if k.who.account != nil {
		row.AccountId = k.who.id[:]
	}
	after := *before
	after.balance = sum(after.balance, award.Points)
	k.claimed(award.Points, &after)
	return &journal.Booking{Row: row, Note: visit.Append(nil)}, nil
}

// claimable is the sale, when it may be claimed.
func (k *claiming) claimable(v *journal.View) (*outcomev1.RecordedReceipt, error) {
	stands, err := v.Receipt(loyalty.KeyBytes(k.req.GetReceipt()))
	if errors.Is(err, journal.ErrNotFound) {
		return nil, claimError(tillv1.ClaimResult_CLAIM_RESULT_UNKNOWN_RECEIPT)
	}
	if err != nil {
		return nil, err
	}
	spent, err := v.Spent(claimKey(k.req.GetReceipt()))
	if err != nil {
		return nil, err
	}
	sale := stands.Sale
	switch {
	case sale.GetReceipt().GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_SALE || sale.GetReceipt().GetOriginal() != nil || spent:
		return nil, claimError(tillv1.ClaimResult_CLAIM_RESULT_NOT_CLAIMABLE)
	case len(sale.GetAccountId()) > 0 || len(sale.GetEntries()) > 0 || sale.GetProvisional():
		return nil, claimError(tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED)
	case loyalty.Day(k.now)-dayOf(k.req.GetReceipt().GetBusinessDate()) > claimDays:
		return nil, claimError(tillv1.ClaimResult_CLAIM_RESULT_TOO_LATE)
	}
	return sale, nil
}

// entry books the points under the id they would have had: the same fact is counted once, wherever it is claimed.
func (k *claiming) entry(sold *outcomev1.Receipt, tier string, award loyalty.Award) *outcomev1.LedgerEntry {
	id := loyalty.EntryID(loyalty.KeyBytes(sold.GetKey()), outcomev1.EntryKind_ENTRY_KIND_EARN, 0)
	entry := &outcomev1.LedgerEntry{
		EntryId: id[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: award.Points, PointsPerLine: award.PerLine,
		Day: dayOf(sold.GetKey().GetBusinessDate()), Store: k.store, ProgrammeVersion: binary.BigEndian.Uint64(k.release.ProgrammeDigest[:8]),
		Tier: tier, HeldBack: award.HeldBack,
	}
	k.who.hang(entry)
	return entry
}

// claimPhrases are the words of a claim that nothing came of.
var claimPhrases = map[tillv1.ClaimResult]string{
	tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED: "claimed_before",
	tillv1.ClaimResult_CLAIM_RESULT_TOO_LATE:        "claim_late",
	tillv1.ClaimResult_CLAIM_RESULT_UNKNOWN_RECEIPT: "claim_unknown",
	tillv1.ClaimResult_CLAIM_RESULT_NOT_CLAIMABLE:   "claim_never",
}

// refused is the answer to a claim that nothing came of.
func (k *claiming) refused(result tillv1.ClaimResult) *tillv1.ClaimReceiptResponse {
	k.out.Result = result
	w, phrase := k.who, claimPhrases[result]
	if result == tillv1.ClaimResult_CLAIM_RESULT_NO_CUSTOMER {
		if w.lost {
			w = w.withoutCustomer()
			k.out.Outcome, k.out.AccountRef = w.outcome, ""
		}
		phrase = outcomePhrases[w.outcome]
	}
	speech := k.speechFor(k.req.GetStaffLanguage(), k.req.GetAbilities(), w)
	words := speech.neutral(phrase)
	k.out.Staff, k.out.CustomerDisplay, k.out.Receipt = words.staff, words.display, words.receipt
	return k.out
}

// claimed is the answer to a claim that was booked.
func (k *claiming) claimed(points int64, after *standing) {
	speech := k.speechFor(k.req.GetStaffLanguage(), k.req.GetAbilities(), k.who)
	facts := &public{earned: points, points: after.available()}
	k.out.Result, k.out.Points = tillv1.ClaimResult_CLAIM_RESULT_CLAIMED, points
	k.out.Loyalty = k.loyaltyOf(k.who, after, speech.customer.locale.code)
	k.out.Staff = speech.staff.block(speech.devices[cashier], speech.staff.say("claimed", cashier, facts))
	k.out.CustomerDisplay = speech.customer.block(speech.devices[display], speech.customer.say("claimed", display, facts))
	k.out.Receipt = speech.customer.block(speech.devices[receipt], speech.customer.say("claimed", receipt, facts))
}

// awarded is the entry that a sale earned, on the receipt itself or claimed afterwards; nil for none.
func (c *call) awarded(v *journal.View, sale *outcomev1.RecordedReceipt) (*outcomev1.LedgerEntry, error) {
	if earned := awardOf(sale); earned != nil {
		return earned, nil
	}
	claim, err := v.Receipt(claimKey(sale.GetReceipt().GetKey()))
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(loyalty.KeyBytes(claim.Sale.GetReceipt().GetOriginal()), loyalty.KeyBytes(sale.GetReceipt().GetKey())) {
		return nil, nil // a till's own number that looks like a claim
	}
	return awardOf(claim.Sale), nil
}
