package samplechain

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// What a Config left at zero means.
const (
	defaultAccounts = 20_000
	defaultStores   = 12
	defaultDays     = 2 * 365
)

// Bounds of a Config: cards must fit the issued range, codes three digits, days ten years.
const (
	mostAccounts = 2_000_000
	fewestStores = 2
	mostStores   = 999
	mostDays     = 3653
)

// Config says how large the chain is and when it ends.
type Config struct {
	// Seed decides everything that is drawn.
	Seed int64
	// Accounts is how many customers have a card; 0 means 20,000.
	Accounts int
	// Stores is how many stores there are, 2 to 999; 0 means 12.
	Stores int
	// Days is how many days of receipts there are; 0 means 730.
	Days int
	// LastDay is the last business day. Its date counts, as written, without its hours and zone. Required.
	LastDay time.Time
}

// Chain is a made-up chain. It is not changed after New.
type Chain struct {
	config   Config
	firstDay time.Time // UTC midnight
	stores   []Store
	articles []article
	shelf    shelf
	calendar []dayWeight
}

// New makes up a chain. An error says which number is out of bounds.
func New(config Config) (*Chain, error) {
	config.Accounts = orDefault(config.Accounts, defaultAccounts)
	config.Stores = orDefault(config.Stores, defaultStores)
	config.Days = orDefault(config.Days, defaultDays)
	switch {
	case config.LastDay.IsZero():
		return nil, fmt.Errorf("sample chain: no last day: name the last business day")
	case config.Accounts < 1 || config.Accounts > mostAccounts:
		return nil, fmt.Errorf("sample chain: %d accounts: choose 1 to %d", config.Accounts, mostAccounts)
	case config.Stores < fewestStores || config.Stores > mostStores:
		return nil, fmt.Errorf("sample chain: %d stores: choose %d to %d", config.Stores, fewestStores, mostStores)
	case config.Days < 1 || config.Days > mostDays:
		return nil, fmt.Errorf("sample chain: %d days: choose 1 to %d", config.Days, mostDays)
	}
	year, month, day := config.LastDay.Date()
	config.LastDay = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	c := &Chain{
		config:   config,
		firstDay: config.LastDay.AddDate(0, 0, 1-config.Days),
		stores:   makeStores(config.Stores),
		articles: makeArticles(),
	}
	c.shelf = newShelf(c.articles)
	c.calendar = makeCalendar(c.firstDay, config.Days)
	return c, nil
}

// orDefault returns n, or what zero means.
func orDefault(n, zero int) int {
	if n == 0 {
		return zero
	}
	return n
}

// Stores returns the stores. The caller may keep the slice.
func (c *Chain) Stores() []Store { return append([]Store(nil), c.stores...) }

// LastDay returns the last business day, at midnight UTC.
func (c *Chain) LastDay() time.Time { return c.config.LastDay }

// draws returns the numbers drawn for one subject of one kind. Each has its own sequence, so that a chain with more customers has the
// same first ones.
func (c *Chain) draws(kind, subject uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(c.config.Seed)^kind<<56, subject))
}

// Kinds of sequences.
const (
	drawProfile = iota + 1
	drawVisits
	drawBasket
	drawReturn
	drawPassersBy
	drawIdentity
)

// epochDay returns a date's number of days since 1970-01-01.
func epochDay(date time.Time) int32 { return int32(date.Unix() / (24 * 60 * 60)) }
