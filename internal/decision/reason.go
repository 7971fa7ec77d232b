package decision

import "strconv"

// Reason says why a campaign was chosen or was not. Names are stable: they stand in logs, decision tickets and reports.
type Reason uint8

// Every reason.
const (
	// Unspecified is no reason.
	Unspecified Reason = iota
	// Won is said of the campaign that was chosen.
	Won
	// Outranked is said of a campaign whose conditions hold behind one that was chosen.
	Outranked
	// NotStarted is said before the campaign's first day.
	NotStarted
	// Ended is said after the campaign's last day.
	Ended
	// WrongSegment is said when the customer is in none of the campaign's segments.
	WrongSegment
	// WrongStore is said in a store that is none of the campaign's.
	WrongStore
	// WrongTier is said when the customer has none of the campaign's tiers.
	WrongTier
	// WrongStage is said at another moment of the sale.
	WrongStage
	// NotHomeStore is said outside the customer's own store.
	NotHomeStore
	// TraitMissing is said when a trait the campaign asks for is not known or not yes.
	TraitMissing
	// BasketMissing is said when the basket does not hold what the campaign asks for, or there is none yet.
	BasketMissing
	// VisitTooRecent is said when the customer was here after fewer days than the campaign asks for, or was never here.
	VisitTooRecent
	// VisitTooLongAgo is said when the customer stayed away for more days than the campaign asks for.
	VisitTooLongAgo
	// OtherPicture is said when the customer likes to buy, or is expected to do, something else than the campaign asks for, or it is not known.
	OtherPicture
	// ConditionFalse is said when the campaign's further condition does not hold.
	ConditionFalse
	// CapReached is said when the customer had the campaign as often as it allows.
	CapReached
	// Holdout is said when the campaign would have been chosen, and the account is in its holdout.
	Holdout
	// NotServed is said of kinds of campaign that this server does not put to customers.
	NotServed
	// Silenced is said of a customer who may not be addressed: who objected, gave no consent, or is under age.
	Silenced
	// NoStage is said when nothing is suggested at this moment of the sale.
	NoStage
	// NothingMatched is said when no campaign's conditions hold.
	NothingMatched
	// ClockSuspect is said of a campaign with dates or hours while the server's clock is too far from the time it trusts.
	ClockSuspect
	// Quarantine is said of a question to a customer who was asked something not long ago, here or in another store, or is being asked at another
	// till, and of one who declined not long ago.
	Quarantine
	// NotSampled is said of a question that is put to a share of customers, to one of the others.
	NotSampled
	// TillCannot is said of what this till has no means to put to the customer.
	TillCannot
	// OnReturn is said of a question while goods are brought back.
	OnReturn

	reasons // how many there are
)

var reasonNames = [reasons]string{
	"UNSPECIFIED", "WON", "OUTRANKED", "NOT_STARTED", "ENDED", "WRONG_SEGMENT", "WRONG_STORE", "WRONG_TIER", "WRONG_STAGE", "NOT_HOME_STORE",
	"TRAIT_MISSING", "BASKET_MISSING", "VISIT_TOO_RECENT", "VISIT_TOO_LONG_AGO", "OTHER_PICTURE", "CONDITION_FALSE", "CAP_REACHED", "HOLDOUT",
	"NOT_SERVED", "SILENCED", "NO_STAGE", "NOTHING_MATCHED", "CLOCK_SUSPECT", "QUARANTINE", "NOT_SAMPLED",
	"TILL_CANNOT", "ON_RETURN",
}

// String is the reason's stable name.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "REASON_" + strconv.Itoa(int(r))
}
