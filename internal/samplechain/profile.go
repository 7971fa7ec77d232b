package samplechain

import "math/rand/v2"

// rhythm is how a customer comes.
type rhythm int

// The rhythms, with what share of the customers keeps them.
const (
	weekly   rhythm = iota // 5 %: every week or so
	steady                 // 23 %: every month or two
	seasonal               // 28 %: in spring, and before Christmas
	fading                 // 14 %: was steady, comes ever less, then no more
	once                   // 18 %: once
	newcomer               // 12 %: for some weeks now
)

// Codes of the customer groups, as the programme declares them.
const (
	groupTrade = "hovenier"
	groupStaff = "personeel"
)

// person is what a customer is, apart from visits.
type person struct {
	index    int
	rhythm   rhythm
	home     int // a store's place in Chain.stores
	other    int // the store visited now and then
	language string
	group    string // customer group, or empty
	tastes   [2]int // two product groups bought more than others
	purse    int    // in percent of what others put in a basket
	// cards is one or two; the second is a partner's, or replaced the first when replaced is set.
	cards    int
	replaced bool
	blocked  bool
	minor    bool
	objected bool
	// profiling, marketing and answers are what was agreed to.
	profiling, marketing, answers bool
	children                      bool
	greeted                       string // the first name, when the customer asked to be greeted by it
}

// firstNames are for the few who asked to be greeted.
var firstNames = []string{"Anna", "Bram", "Chantal", "Daan", "Els", "Fatima", "Guus", "Hanneke", "Ivo", "Jolanda", "Karim", "Lotte", "Marie", "Noor", "Pieter", "Sanne"}

// person returns a customer, from 0 to Accounts−1.
func (c *Chain) person(index int) person {
	draw := c.draws(drawProfile, uint64(index))
	p := person{
		index:     index,
		rhythm:    drawRhythm(draw),
		home:      draw.IntN(len(c.stores)),
		other:     draw.IntN(len(c.stores)),
		tastes:    [2]int{draw.IntN(len(assortments)), draw.IntN(len(assortments))},
		purse:     40 + draw.IntN(60) + draw.IntN(60),
		cards:     1,
		blocked:   chance(draw, 5, 1000),
		minor:     chance(draw, 8, 1000),
		objected:  chance(draw, 3, 100),
		profiling: chance(draw, 88, 100),
		marketing: chance(draw, 60, 100),
		answers:   chance(draw, 40, 100),
		children:  chance(draw, 30, 100),
	}
	p.language = drawLanguage(draw, c.stores[p.home])
	switch {
	case chance(draw, 2, 100):
		p.group, p.purse = groupTrade, p.purse*4
	case chance(draw, 1, 100):
		p.group = groupStaff
	}
	switch {
	case chance(draw, 15, 100):
		p.cards = 2
	case chance(draw, 2, 100):
		p.cards, p.replaced = 2, true
	}
	if chance(draw, 6, 100) && !p.minor {
		p.greeted = firstNames[draw.IntN(len(firstNames))]
	}
	if p.objected {
		p.profiling, p.marketing, p.answers = false, false, false
	}
	return p
}

// chance is true n times in m.
func chance(draw *rand.Rand, n, m int) bool { return draw.IntN(m) < n }

func drawRhythm(draw *rand.Rand) rhythm {
	switch n := draw.IntN(100); {
	case n < 5:
		return weekly
	case n < 28:
		return steady
	case n < 56:
		return seasonal
	case n < 70:
		return fading
	case n < 88:
		return once
	default:
		return newcomer
	}
}

// drawLanguage returns the store's first language mostly, its second now and then, and English for a few. Empty means that the customer
// never said.
func drawLanguage(draw *rand.Rand, s Store) string {
	switch n := draw.IntN(100); {
	case n < 50:
		return ""
	case n < 85:
		return s.Languages[0]
	case n < 97:
		return s.Languages[1]
	default:
		return "en"
	}
}

// serial returns the serial number of one of the customer's cards, 0 or 1.
func (p *person) serial(card int) int {
	serial := firstSerial + 2*p.index + card
	if serial >= foundSerial { // the magic card stays out of customers' hands
		serial++
	}
	return serial
}
