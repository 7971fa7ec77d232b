package instore_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// sampleAge is how old a kept release may be: before it expires, and answers would be stale.
const sampleAge = 20 * 24 * time.Hour

// sample is a release on disk: what a server is enrolled with, some of its customers' cards, and what was published of those customers.
type sample struct {
	enrolment string
	cards     []string
	published []published // in the order of the cards
}

// published is what a release holds of a card's customer, as far as a lookup tells it: where it came from, not what a server made of it.
type published struct {
	account [16]byte
	state   customerv1.AccountState
	balance int64
	tier    string // a store may tell of a higher one
}

// line is how a card and its customer stand in the list beside the release.
func (p published) line(card string) string {
	return fmt.Sprintf("%s %x %d %d %q", card, p.account, p.state, p.balance, p.tier)
}

// add takes a line of the list.
func (s *sample) add(line string) error {
	var card string
	var account []byte
	var p published
	if _, err := fmt.Sscanf(line, "%s %x %d %d %q", &card, &account, &p.state, &p.balance, &p.tier); err != nil {
		return fmt.Errorf("card %q of the sample: %w", line, err)
	}
	copy(p.account[:], account)
	s.cards, s.published = append(s.cards, card), append(s.published, p)
	return nil
}

// openSample returns a release of so many accounts and benchCampaigns campaigns. Ten million take some minutes to make, so it is kept in the user's
// cache folder (XDG_CACHE_HOME) and used again until it is old.
func openSample(b *testing.B, accounts int) *sample {
	b.Helper()
	cache, err := os.UserCacheDir()
	must(b, err)
	dir := filepath.Join(cache, "stamklant-bench", fmt.Sprintf("release-%d-%d", accounts, benchCampaigns))
	list := filepath.Join(dir, "cards") // written last: a release with it is complete
	if stat, err := os.Stat(list); err != nil || time.Since(stat.ModTime()) > sampleAge {
		must(b, os.RemoveAll(dir))
		must(b, os.MkdirAll(dir, 0o700))
		makeSample(b, dir, list, accounts)
	}
	text, err := os.ReadFile(list)
	must(b, err)
	kept := &sample{enrolment: filepath.Join(dir, "enrolment.json")}
	for line := range strings.Lines(string(text)) {
		must(b, kept.add(line))
	}
	return kept
}

// crowd is a sample chain's customers, and as many others of the same kind beside each as it takes: a sample chain has two million at most. Those
// others have cards as real as theirs, of numbers nobody scans.
type crowd struct {
	chain *samplechain.Chain
	each  int   // how many there are for one of the chain's
	more  int64 // what is added to each one's points
	cards []string
	lines []string // each card and what was published of its customer
}

const (
	chainMost = 2_000_000
	everyCard = 23 // of so many customers one is looked up; prime, so that it does not beat with how customers are made
)

func newCrowd(b *testing.B, accounts, most int, lastDay time.Time) *crowd {
	b.Helper()
	each := (accounts + most - 1) / most
	chain, err := samplechain.New(samplechain.Config{Seed: 1, Accounts: accounts / each, LastDay: lastDay})
	must(b, err)
	return &crowd{chain: chain, each: each}
}

// of is the id of the n-th beside one of the chain's, 0 for itself: in order, and all before the chain's next. There are at most eight.
func of(id [16]byte, n int) [16]byte {
	binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])>>3|uint64(n)<<61)
	return id
}

func (c *crowd) accounts() iter.Seq2[[16]byte, *customerv1.Account] {
	return func(yield func([16]byte, *customerv1.Account) bool) {
		c.cards, c.lines = c.cards[:0], c.lines[:0]
		i := 0
		for customer := range c.chain.Customers() {
			if c.more != 0 {
				customer.Account.Loyalty = &customerv1.LoyaltyState{Balance: customer.Account.GetLoyalty().GetBalance() + c.more, Tier: customer.Account.GetLoyalty().GetTier()}
			}
			if i++; i%everyCard == 0 {
				card, account := customer.Cards[0].Number, customer.Account
				c.cards = append(c.cards, card)
				c.lines = append(c.lines, published{
					account: of(customer.ID, 0), state: account.GetState(), balance: account.GetLoyalty().GetBalance(), tier: account.GetLoyalty().GetTier(),
				}.line(card))
			}
			for n := range c.each {
				if !yield(of(customer.ID, n), customer.Account) {
					return
				}
			}
		}
	}
}

func (c *crowd) identifiers(hash func(namespace, canonical string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier] {
	return func(yield func([16]byte, *customerv1.Identifier) bool) {
		for customer := range c.chain.Customers() {
			for n := range c.each {
				numbered := func(number string) [16]byte {
					if n > 0 {
						number = fmt.Sprint(number, " ", n)
					}
					return hash(samplechain.CardNamespace, number)
				}
				for _, card := range customer.Cards {
					if !yield(numbered(card.Number), card.Identifier(of(customer.ID, n), numbered)) {
						return
					}
				}
			}
		}
	}
}

func makeSample(b *testing.B, dir, list string, accounts int) {
	b.Helper()
	asOf := time.Now().AddDate(0, 0, -1)
	programme, err := samplechain.Programme(asOf)
	must(b, err)
	addCampaigns(programme, benchCampaigns)
	began, people := time.Now(), newCrowd(b, accounts, chainMost, asOf)
	_, err = instore.Practice{
		Server: "bench", Store: "s01", Programme: programme, AsOf: asOf, Expires: asOf.AddDate(0, 1, 0),
		Accounts: people.accounts(), Identifiers: people.identifiers,
	}.Write(dir)
	must(b, err)
	must(b, os.WriteFile(list, []byte(strings.Join(people.lines, "\n")), 0o600))
	fmt.Printf("release of %d accounts made and kept in %s in %s\n", accounts, dir, time.Since(began).Round(time.Second))
}

// BenchmarkSample makes the release that the rows of the table are measured over, when it is not there yet, so that they can be measured one by one.
func BenchmarkSample(b *testing.B) { openSample(b, benchAccounts()) }
