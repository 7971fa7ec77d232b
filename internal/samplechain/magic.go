package samplechain

import (
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// MagicCard is a card that always gives the same answer, for whoever builds a till. All but "slow" and "stale" are ordinary accounts, and
// so are those two, but for the one thing the store does when it sees them.
type MagicCard struct {
	// Name is what it is called in the documents.
	Name string
	// Number is the card's number.
	Number string
	// Outcome is what a lookup answers.
	Outcome tillv1.Outcome
	// Delay is how long the store waits before it answers; 0 for all but "slow".
	Delay time.Duration
	// Stale has the answer say that the store's data has expired.
	Stale bool
	// Shows says in a sentence what there is to see.
	Shows string

	visits, spent, points int64
	lastSeen              int32 // days before as-of
	since                 int32 // days before as-of
	tier                  string
	blocked               bool
	registered            bool
}

// Serial numbers of the magic cards within the issued range; customers' own start far below and jump over the first.
const (
	foundSerial = 2345678 // 2900123456785, the card of all examples
	magicSerial = 4_900_000
)

// Magic returns the magic cards. The caller may change what it gets.
func Magic() []MagicCard {
	return []MagicCard{
		{
			Name: "found", Number: cardNumber(foundSerial), Outcome: tillv1.Outcome_OUTCOME_FOUND,
			Shows:  "a regular with silver status and 1,245 points",
			visits: 9, spent: 41250, points: 1245, lastSeen: 16, since: 700, tier: "zilver", registered: true,
		},
		{
			Name: "champion", Number: cardNumber(magicSerial + 1), Outcome: tillv1.Outcome_OUTCOME_FOUND,
			Shows:  "one of the best customers, gold status: a thank-you, no discount",
			visits: 48, spent: 289000, points: 8120, lastSeen: 2, since: 1500, tier: "goud", registered: true,
		},
		{
			Name: "new", Number: cardNumber(magicSerial + 2), Outcome: tillv1.Outcome_OUTCOME_NEW_CARD,
			Shows: "a card from the leaflet rack that nobody has used: it earns from this receipt on",
		},
		{
			Name: "unknown", Number: cardNumber(issuedSerials + 2345678), Outcome: tillv1.Outcome_OUTCOME_UNKNOWN_CARD,
			Shows: "looks like our card, but was never handed out",
		},
		{
			Name: "blocked", Number: cardNumber(magicSerial + 4), Outcome: tillv1.Outcome_OUTCOME_BLOCKED,
			Shows:  "reported lost: a neutral text that sends the customer to the service desk",
			visits: 5, spent: 12000, points: 310, lastSeen: 40, since: 400, tier: "groen", blocked: true, registered: true,
		},
		{
			Name: "slow", Number: cardNumber(magicSerial + 5), Outcome: tillv1.Outcome_OUTCOME_FOUND, Delay: 2 * time.Second,
			Shows:  "answered after two seconds: a till gives up after 150 ms and goes on",
			visits: 3, spent: 9900, points: 99, lastSeen: 20, since: 300, tier: "groen", registered: true,
		},
		{
			Name: "stale", Number: cardNumber(magicSerial + 6), Outcome: tillv1.Outcome_OUTCOME_FOUND, Stale: true,
			Shows:  "answered from data that has expired: meta.stale is set",
			visits: 4, spent: 15800, points: 158, lastSeen: 30, since: 500, tier: "groen", registered: true,
		},
	}
}

// Customer returns the account behind a magic card as head office would have published it on a day (days since 1970-01-01), and false
// for cards that have none.
func (m MagicCard) Customer(asOf int32) (Customer, bool) {
	if !m.registered {
		return Customer{}, false
	}
	account := &customerv1.Account{
		State:     customerv1.AccountState_ACCOUNT_STATE_ACTIVE,
		HomeStore: "s01",
		Values: &customerv1.Values{
			LastReceiptDay: asOf - m.lastSeen, FirstReceiptDay: asOf - m.since,
			Frequency: m.visits, MonetaryMinor: m.spent,
		},
		Loyalty: &customerv1.LoyaltyState{
			Balance: m.points, Tier: m.tier, TierSinceDay: asOf - m.since/2,
			QualifyingSpendMinor: m.spent, QualifyingVisits: m.visits,
		},
		Consents: &customerv1.Consents{Profiling: true, Marketing: true},
	}
	state := customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE
	if m.blocked {
		account.State = customerv1.AccountState_ACCOUNT_STATE_BLOCKED
		state = customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED
	}
	return Customer{
		ID:      magicID(m.Number),
		Account: account,
		Cards:   []Card{{Number: m.Number, State: state}},
	}, true
}

// magicID makes an account id of a card's number. They sort after all ids of customers, which begin with a zero bit.
func magicID(number string) [16]byte {
	id := [16]byte{0xff, 'm', 'a'}
	copy(id[3:], number)
	return id
}
