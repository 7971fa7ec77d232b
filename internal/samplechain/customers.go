package samplechain

import (
	"encoding/binary"
	"iter"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// Customer is one account with its cards, as head office would publish them.
type Customer struct {
	// ID is the account's id.
	ID [16]byte
	// Account is what is published under it.
	Account *customerv1.Account
	// Cards lead to it.
	Cards []Card
}

// Card is one card of a customer.
type Card struct {
	// Number is the card's number: its canonical form in CardNamespace.
	Number string
	// State says what became of it.
	State customerv1.IdentifierState
	// ReplacedBy is the number of the card that stands now, when this one was replaced.
	ReplacedBy string
}

// Identifier returns what is published for the card, under the hash of its number. hash is the chain's keyed hash of a card's number.
func (c Card) Identifier(account [16]byte, hash func(number string) [16]byte) *customerv1.Identifier {
	identifier := &customerv1.Identifier{State: c.State, AccountIds: [][]byte{account[:]}, Masked: masked(c.Number)}
	if c.ReplacedBy != "" {
		to := hash(c.ReplacedBy)
		identifier.ResolvesTo = to[:]
	}
	return identifier
}

// Customers walks through all customers in the order of their account ids, each with what the receipts of the last twelve months add up to.
// It keeps nothing, so a million take no memory. Magic cards are not among them.
func (c *Chain) Customers() iter.Seq[Customer] {
	return func(yield func(Customer) bool) {
		for i := range c.config.Accounts {
			p := c.person(i)
			if !yield(Customer{ID: c.accountID(i), Account: c.account(&p), Cards: p.ownCards()}) {
				return
			}
		}
	}
}

// accountID returns the id of a customer: spread evenly, so that they come in order, and otherwise drawn. The first bit is zero.
func (c *Chain) accountID(index int) [16]byte {
	draw := c.draws(drawIdentity, uint64(index))
	step := uint64(1) << 63 / uint64(c.config.Accounts)
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(index)*step+draw.Uint64N(step))
	binary.BigEndian.PutUint64(id[8:], draw.Uint64())
	return id
}

// ownCards returns the customer's cards.
func (p *person) ownCards() []Card {
	cards := make([]Card, p.cards)
	for i := range cards {
		cards[i] = Card{Number: cardNumber(p.serial(i)), State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE}
		if p.blocked {
			cards[i].State = customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED
		}
	}
	if p.replaced {
		cards[0].State = customerv1.IdentifierState_IDENTIFIER_STATE_REPLACED
		cards[0].ReplacedBy = cards[1].Number
	}
	return cards
}

// account adds up a customer's receipts.
func (c *Chain) account(p *person) *customerv1.Account {
	sums := c.sums(p)
	account := &customerv1.Account{
		State:     customerv1.AccountState_ACCOUNT_STATE_ACTIVE,
		HomeStore: c.stores[p.home].Code,
		Language:  p.language,
		Loyalty: &customerv1.LoyaltyState{
			Balance: sums.points, Tier: tierOf(sums), QualifyingSpendMinor: sums.spent, QualifyingVisits: sums.visits,
		},
		Consents: &customerv1.Consents{
			Objected: p.objected, Profiling: p.profiling, Marketing: p.marketing, LinkedAnswers: p.answers,
		},
		FirstName: p.greeted,
		Minor:     p.minor,
	}
	if p.blocked {
		account.State = customerv1.AccountState_ACCOUNT_STATE_BLOCKED
	}
	if p.group != "" {
		account.CustomerGroups = []string{p.group}
	}
	if p.children && p.marketing {
		account.Traits = []*customerv1.Trait{{Name: traitChildren, Value: &customerv1.Trait_Yes{Yes: true}}}
	}
	if p.scored() && sums.visits > 0 {
		account.Values = &customerv1.Values{
			LastReceiptDay: sums.last, FirstReceiptDay: sums.first, Frequency: sums.visits, MonetaryMinor: sums.spent,
		}
	}
	return account
}

// scored reports whether a customer agreed to be scored and is among those who are.
func (p *person) scored() bool { return p.profiling && !p.objected && !p.minor && p.group == "" }

// sums is what a customer's receipts add up to.
type sums struct {
	first, last   int32 // days since 1970-01-01, of sales
	visits, spent int64 // within the last twelve months
	points        int64
}

// sums adds up a customer's receipts: points over all, visits and money over the last twelve months.
func (c *Chain) sums(p *person) sums {
	from := int32(c.config.LastDay.AddDate(-1, 0, 1).Sub(c.firstDay).Hours() / 24)
	first := epochDay(c.firstDay)
	var s sums
	var lines []Line
	lastVisit := int32(-1)
	c.visits(p, func(v visit) {
		if v.back { // comes right after its sale
			counted := merchandise(c.broughtBack(lines, v))
			s.points += points(counted)
			if v.day >= from {
				s.spent += counted
			}
			return
		}
		lines = c.basket(lines, v, p)
		counted := merchandise(lines)
		s.points += points(counted)
		if s.first == 0 {
			s.first = first + v.day
		}
		s.last = first + v.day
		if v.day < from {
			return
		}
		s.spent += counted
		if v.day != lastVisit {
			s.visits++
			lastVisit = v.day
		}
	})
	return s
}

// merchandise adds up what counts for scores and points.
func merchandise(lines []Line) int64 {
	var sum int64
	for _, l := range lines {
		if !l.NotMerchandise {
			sum += l.NetMinor
		}
	}
	return sum
}

// points is what a receipt earns: one per whole euro, rounded down, and the same taken back.
func points(cents int64) int64 { return cents / 100 }

// Limits of the tiers, as in the programme.
const (
	silverSpend  = 250_00
	silverVisits = 10
	goldSpend    = 750_00
)

// tierOf returns the tier the sums reach.
func tierOf(s sums) string {
	switch {
	case s.spent >= goldSpend:
		return "goud"
	case s.spent >= silverSpend || s.visits >= silverVisits:
		return "zilver"
	default:
		return "groen"
	}
}

// traitChildren is the trait the programme declares.
const traitChildren = "household_with_children"
