package till

import (
	"slices"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// response is what the till is told: the points of this receipt, and how the customer stands after it. Before is nil for a receipt that is
// nobody's.
func (b *booking) response(out *result, before *standing) *tillv1.RecordReceiptResponse {
	speech := b.speechFor(b.req.GetStaffLanguage(), b.req.GetAbilities(), b.who)
	answer := &tillv1.RecordReceiptResponse{
		Outcome: b.who.outcome, AccountRef: b.who.ref(), Points: out.points(), Meta: b.meta(), Provisional: out.provisional,
	}
	var after *standing
	if before != nil {
		after = b.afterwards(out, before)
		answer.Loyalty = b.loyaltyOf(b.who, after, speech.customer.locale.code)
		answer.Loyalty.Provisional = out.provisional
	}
	words := b.words(&speech, out, before, after)
	answer.Staff, answer.CustomerDisplay, answer.Receipt = words.staff, words.display, words.receipt
	return answer
}

// afterwards is how the customer stands once the receipt is booked.
func (b *booking) afterwards(out *result, before *standing) *standing {
	after := *before
	after.balance, after.booked = sum(after.balance, out.bonus), sum(after.booked, out.bonus)
	after.balance, after.booked = sum(after.balance, out.earned-out.spent), sum(after.booked, out.earned)
	after.redeemed = sum(after.redeemed, -out.spent)
	if out.owner == nil || b.who.owns(out.owner) {
		after.balance, after.booked = sum(after.balance, out.taken+out.given), sum(after.booked, out.taken)
		after.redeemed = sum(after.redeemed, out.given)
	}
	after.spendable = 0 // the sale is over
	if b.who.account != nil && out.owner == nil {
		after.visits = append(slices.Clip(before.visits), out.visit)
		b.today(b.who.account, &after)
		after.tier = b.tierOf(before.tier, after.progress)
	}
	return &after
}

// words are the three texts of a recorded receipt.
func (b *booking) words(s *speech, out *result, before, after *standing) blocks {
	switch b.receipt.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		if after != nil {
			return b.saleWords(s, out, before, after)
		}
		return b.strangerWords(s, out)
	case outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
		return b.returnWords(s, out, after)
	default:
		return blocks{}
	}
}

// strangerWords are for a receipt without a customer: nothing to say without a card, and for a card that waits that its points follow.
func (b *booking) strangerWords(s *speech, out *result) blocks {
	if b.req.GetCustomer() == nil {
		return blocks{}
	}
	if out.provisional {
		return s.neutral("later")
	}
	return s.neutral(outcomePhrases[b.who.outcome])
}

// saleWords are for a customer's sale: what it earned and the new balance, the tier it reached, what was offered with it.
func (b *booking) saleWords(s *speech, out *result, before, after *standing) blocks {
	facts := &public{
		points: after.available(), earned: out.earned, taken: -out.taken, spent: out.spent, tier: b.tierName(after.tier, s.customer.locale.code),
	}
	staff, shown := b.greeting(s, b.who, after, facts)
	balance := s.customer.say("unchanged", receipt, facts)
	points := balance
	switch {
	case b.who.account == nil:
		points = s.customer.say("new_card", receipt, facts)
	case out.earned != 0:
		points = s.customer.say("earned", receipt, facts)
	}
	if out.given > 0 {
		given := *facts
		given.spent = out.given
		points = joinTexts([]string{s.customer.say("points_back", receipt, &given), points})
	}
	if out.spent > 0 && b.who.account != nil {
		points = joinTexts([]string{s.customer.say("spent", receipt, facts), points})
	}
	if out.taken != 0 {
		points = joinTexts([]string{s.customer.say("return_other", receipt, facts), points})
	}
	more := ""
	if after.tier != before.tier && b.who.account != nil {
		forStaff := *facts
		forStaff.tier = b.tierName(after.tier, s.staff.locale.code)
		staff, shown = s.staff.say("tier_reached", cashier, &forStaff), s.customer.say("tier_reached", display, facts)
		more = s.customer.say("tier_reached", receipt, facts)
	} else if asked := b.askedWords(s, out, before.silenced); asked != "" {
		more = asked
	} else if taken := b.accepted(); taken != nil && !before.silenced { // who objected since it was told reads no more of it
		more = taken.say(s.customer, receipt)
	}
	printed := s.devices[receipt].fit([]string{points, more}, []string{balance, more}, []string{points})
	return blocks{
		staff:   s.staff.block(s.devices[cashier], staff),
		display: s.customer.block(s.devices[display], shown),
		receipt: s.customer.block(s.devices[receipt], printed...),
	}
}

// returnWords are for goods brought back. The balance is told only to whom it belongs.
func (b *booking) returnWords(s *speech, out *result, after *standing) blocks {
	phrase, facts := "return_other", &public{taken: -out.taken, spent: out.given}
	switch {
	case out.provisional:
		phrase = "return_later"
	case after != nil && out.owner != nil && b.who.owns(out.owner):
		phrase, facts.points = "return", after.available()
	case out.owner == nil: // the sale earned nothing, so there is nothing to tell
		return blocks{display: s.customer.block(s.devices[display], s.customer.say("return", display, facts))}
	}
	staff, back := "return", ""
	if out.provisional {
		staff = phrase
	} else if out.given > 0 {
		back = s.customer.say("points_back", receipt, facts)
		if out.taken == 0 { // the sale earned nothing: only what was spent on it comes back
			staff = "points_back"
			phrase = map[bool]string{true: "unchanged"}[phrase == "return"]
		}
	}
	return blocks{
		staff:   s.staff.block(s.devices[cashier], s.staff.say(staff, cashier, facts)),
		display: s.customer.block(s.devices[display], s.customer.say("return", display, facts)),
		receipt: s.customer.block(s.devices[receipt], joinTexts([]string{back, s.customer.say(phrase, receipt, facts)})),
	}
}
