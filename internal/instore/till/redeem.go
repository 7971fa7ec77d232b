package till

import (
	"context"
	"crypto/sha256"
	"math"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// pointsThing names what is held of a customer's points. One sale at a time spends them, so that two cards of a household cannot spend the same ones.
func pointsThing(account [16]byte) [16]byte {
	sum := sha256.Sum256(append([]byte("stamklant/hold/points/v1"), account[:]...))
	return [16]byte(sum[:16])
}

// allowed is how many points of a customer this server may still give before head office has counted what it gave: what the policy lets it give,
// less what it gave. A standby gives none, nor does a server whose clock cannot be right, or whose journal was put back and that head office has not heard of since.
func (c *call) allowed(s *standing) int64 {
	rule := c.programme.GetPoints().GetRedeem()
	if rule.GetOffline() != programmev1.RedeemOffline_REDEEM_OFFLINE_FLOOR {
		return 0
	}
	if c.release.Store.GetStandby() || c.service.cfg.Journal.Time().Suspect || c.service.cfg.Journal.Lives() > 1 && !c.heardOf() {
		return 0
	}
	return max(0, rule.GetFloorPoints()-max(0, -s.redeemed))
}

// mayRedeem reports whether the programme has this customer spend points with this card at all. A card that was replaced may have been found by
// somebody else.
func (c *call) mayRedeem(w *who) bool {
	return c.programme.GetPoints().GetRedeem() != nil && w.account != nil && !w.lost && w.outcome != tillv1.Outcome_OUTCOME_FOUND_REPLACED
}

// spendable is how many points of a customer a sale may spend here: as many as there are, as far as this server may give them, and none while another
// sale holds them.
func (c *call) spendable(v *journal.View, w *who, s *standing, sale string) (int64, error) {
	most := min(s.available(), c.allowed(s))
	if most <= 0 || !c.mayRedeem(w) {
		return 0, nil
	}
	held, err := v.Held(pointsThing(w.id), c.clock())
	if err != nil || held != nil && held.Ref != sale {
		return 0, err
	}
	return most, nil
}

// points holds points for a sale.
func (r *reservation) points(ctx context.Context, w *who, asked int64) (phrase string, facts *public, err error) {
	facts = &public{}
	rule := r.programme.GetPoints().GetRedeem()
	switch {
	case rule == nil || w.outcome == tillv1.Outcome_OUTCOME_FOUND_REPLACED:
		r.out.Result = tillv1.ReserveResult_RESERVE_RESULT_DENIED
		return "points_denied", facts, nil
	case w.account == nil:
		r.out.Result = tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN
		return "points_denied", facts, nil
	}
	var refused tillv1.ReserveResult
	err = r.holdSome(ctx, pointsThing(w.id), asked, func(v *journal.View) (bool, error) {
		s, err := r.stands(w, v)
		if err != nil {
			return false, err
		}
		refused = r.refusal(w, s, asked)
		return refused == 0, nil
	})
	if err != nil {
		return "", nil, err
	}
	switch r.out.GetResult() {
	case tillv1.ReserveResult_RESERVE_RESULT_RESERVED:
		facts.spent = asked
		facts.money, _ = loyalty.Worth(rule, asked)
		r.out.WorthMinor = facts.money
		return "points_reserved", facts, nil
	case tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER:
		return "points_other", facts, nil
	default:
		r.out.Result = refused
	}
	switch refused {
	case tillv1.ReserveResult_RESERVE_RESULT_TOO_FEW:
		return "points_few", facts, nil
	case tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE:
		return "points_more", facts, nil
	default:
		return "points_denied", facts, nil
	}
}

// refusal is why so many points may not be spent on a sale; unspecified where they may.
func (r *reservation) refusal(w *who, s *standing, asked int64) tillv1.ReserveResult {
	rule := r.programme.GetPoints().GetRedeem()
	worth, whole := loyalty.Worth(rule, asked)
	switch {
	case w.lost:
		return tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN
	case asked < rule.GetAtLeast() || asked > s.available():
		return tillv1.ReserveResult_RESERVE_RESULT_TOO_FEW
	case !whole:
		return tillv1.ReserveResult_RESERVE_RESULT_DENIED
	case r.req.GetBasket() != nil && worth > due(r.req.GetBasket().GetLines()):
		return tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE
	case asked > r.allowed(s):
		return tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE
	default:
		return tillv1.ReserveResult_RESERVE_RESULT_UNSPECIFIED
	}
}

// due is what lines come to.
func due(lines []*outcomev1.Line) int64 {
	var total int64
	for _, line := range lines {
		total = sum(total, line.GetNetMinor())
	}
	return total
}

// redeemable adds to an answer what may be spent on a sale, and what that pays for.
func (c *call) redeemable(out *tillv1.Loyalty, s *standing, basket *tillv1.Basket) {
	toPay := int64(math.MaxInt64)
	if basket != nil {
		toPay = due(basket.GetLines())
	}
	out.RedeemablePoints, out.RedeemableMinor = loyalty.Redeemable(c.programme.GetPoints().GetRedeem(), s.spendable, toPay)
}

// pointsSpent is how many points a receipt says were spent: in so many words, else by what was paid with them, every step of the rule that was begun.
func (b *booking) pointsSpent() int64 {
	var points, paid int64
	for _, use := range b.receipt.GetUses() {
		points = sum(points, use.GetPoints())
	}
	if points > 0 {
		return points
	}
	for _, tender := range b.receipt.GetTenders() {
		if tender.GetKind() == outcomev1.TenderKind_TENDER_KIND_POINTS {
			paid = sum(paid, tender.GetAmountMinor())
		}
	}
	rule := b.programme.GetPoints().GetRedeem()
	if paid <= 0 || rule.GetWorth() <= 0 {
		return 0
	}
	steps := (min(paid, maxMinor) + rule.GetWorth() - 1) / rule.GetWorth()
	return min(steps, maxMinor/max(1, rule.GetPoints())) * rule.GetPoints()
}

// redeem books the points that were spent on a receipt. What the till gave is a fact and is booked; that it was not this server's to give is told.
func (b *booking) redeem(v *journal.View, before *standing, out *result) error {
	points := b.pointsSpent()
	if points <= 0 {
		return nil
	}
	out.used = &outcomev1.CouponUse{Points: points, Result: outcomev1.UseResult_USE_RESULT_NOT_HERE}
	if !b.who.earns() && (!out.provisional || len(b.who.hashes) == 0) {
		return nil // nobody's points: head office sees what the till gave
	}
	award := loyalty.Redeem(b.receipt.GetLines(), points)
	if award.Points == 0 { // nothing was bought that cost anything
		award = loyalty.Award{Points: -points, PerLine: make([]int64, len(b.receipt.GetLines()))}
	}
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_REDEEM, 0, award)
	b.who.hang(entry)
	if out.provisional {
		out.parked = append(out.parked, entry)
		return nil
	}
	out.spent, out.entries = points, append(out.entries, entry)
	covered, err := b.covered(v, before, points)
	if covered {
		out.used.Result = outcomev1.UseResult_USE_RESULT_USED
	}
	return err
}

// covered reports whether points were held for the sale, or could have been.
func (b *booking) covered(v *journal.View, before *standing, points int64) (bool, error) {
	if !b.mayRedeem(b.who) {
		return false, nil
	}
	held, err := v.Held(pointsThing(b.who.id), b.clock())
	if err != nil {
		return false, err
	}
	if held != nil && held.Ref == b.receipt.GetReceiptRef() && held.Amount >= points {
		return true, nil
	}
	most, err := b.spendable(v, b.who, before, b.receipt.GetReceiptRef())
	return points <= most, err
}

// refund gives back, of the points spent on a sale, those that paid for the goods brought back.
func (b *booking) refund(v *journal.View, sale *outcomev1.RecordedReceipt, out *result) error {
	for _, parked := range sale.GetParked() {
		if parked.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REDEEM {
			out.provisional = true // head office knows whose they were
			return nil
		}
	}
	spent := redeemedBy(sale, false)
	if spent == nil {
		return nil
	}
	exchange := b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_SALE
	if exchange && !b.who.owns(spent) {
		out.provisional = true
		return nil
	}
	earlier, err := b.returned(v, spent, sale.GetReceipt())
	if err != nil {
		return err
	}
	back := b.receipt.GetLines()
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		back = loyalty.Whole(sale.GetReceipt().GetLines())
	}
	award := loyalty.GiveBack(sale.GetReceipt().GetLines(), spent.GetPointsPerLine(), earlier, back)
	if award.Points == 0 {
		return nil
	}
	entry := b.entry(outcomev1.EntryKind_ENTRY_KIND_REDEEM, 1, award)
	entry.AccountId, entry.IdHash, entry.LotDay = spent.GetAccountId(), spent.GetIdHash(), spent.GetDay()
	out.given += award.Points
	out.entries = append(out.entries, entry)
	if !exchange && out.owner == nil {
		out.owner = entry
	}
	return nil
}

// redeemedBy is the entry by which a receipt spent points, or gave spent ones back; nil for none.
func redeemedBy(row *outcomev1.RecordedReceipt, givenBack bool) *outcomev1.LedgerEntry {
	for _, entry := range row.GetEntries() {
		if entry.GetKind() == outcomev1.EntryKind_ENTRY_KIND_REDEEM && entry.GetPoints() > 0 == givenBack {
			return entry
		}
	}
	return nil
}

// tellPoints notes what became of the points of a receipt, for the till and for head office.
func (s *settled) tellPoints(used *outcomev1.CouponUse) {
	if used != nil {
		s.uses = append(s.uses, used)
		s.told = append(s.told, &tillv1.UsedThing{Points: used.GetPoints(), Result: used.GetResult()})
	}
}
