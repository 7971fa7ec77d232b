package samplechain

import (
	"math/rand/v2"
	"time"
)

// visit is one receipt before its lines are drawn: 24 bytes.
type visit struct {
	key       uint64 // decides the lines; a return has its sale's
	account   int32  // −1 for a receipt without a card
	day       int32  // from the first day
	minute    int16  // since midnight
	store     int16
	till      int8
	card      int8
	back      bool // a return
	comesBack bool // a sale of which something will be returned
}

// nobody is the account of receipts without a card.
const nobody = -1

// Opening hours, in minutes since midnight.
const (
	opens  = 9 * 60
	closes = 18 * 60
	noon   = 12 * 60
)

// dayWeight is how busy a day is.
type dayWeight struct {
	month   int // 0 to 11
	weekday time.Weekday
	busy    int // 0 when closed; an ordinary day is about 100
}

// makeCalendar says how busy each day is: Saturdays and Sundays, spring and Christmas; closed on 25 December and 1 January.
func makeCalendar(first time.Time, days int) []dayWeight {
	months := [12]int{45, 50, 95, 150, 160, 110, 75, 70, 85, 90, 110, 130}
	weekdays := [7]int{130, 70, 75, 75, 85, 100, 165} // Sunday first
	calendar := make([]dayWeight, days)
	for i := range calendar {
		date := first.AddDate(0, 0, i)
		busy := months[date.Month()-1] * weekdays[date.Weekday()] / 100
		if date.Month() == time.December && date.Day() == 25 || date.YearDay() == 1 {
			busy = 0
		}
		calendar[i] = dayWeight{month: int(date.Month()) - 1, weekday: date.Weekday(), busy: busy}
	}
	return calendar
}

// busiest bounds dayWeight.busy, for drawing days by their weight.
const busiest = 270

// open returns the day itself or the next busy enough to be drawn, −1 when there is none within two weeks.
func (c *Chain) open(draw *rand.Rand, day int) int {
	for range 14 {
		if day < 0 || day >= len(c.calendar) {
			return -1
		}
		if draw.IntN(busiest) < c.calendar[day].busy+40 && c.calendar[day].busy > 0 {
			return day
		}
		day++
	}
	return -1
}

// visitDays calls yield with each day a customer comes, in order.
func (c *Chain) visitDays(p *person, draw *rand.Rand, yield func(day int)) {
	days := c.config.Days
	switch p.rhythm {
	case weekly:
		c.every(draw, draw.IntN(7), days, 5, 5, 0, yield)
	case steady:
		apart := 22 + draw.IntN(40)
		c.every(draw, draw.IntN(apart), days, apart/2, apart, 0, yield)
	case seasonal:
		c.inSeason(draw, 3+draw.IntN(5), yield)
	case fading:
		apart := 18 + draw.IntN(25)
		start := draw.IntN(max(1, days/3))
		c.every(draw, start, days, apart/2, apart, 12+draw.IntN(20), yield)
	case once:
		if day := c.open(draw, draw.IntN(days)); day >= 0 {
			yield(day)
		}
	case newcomer:
		start := days - 1 - draw.IntN(min(days, 90))
		apart := 12 + draw.IntN(30)
		c.every(draw, start, days, apart/2, apart, 0, yield)
	}
}

// every yields days from start on, at least `least` and at most least+spread apart; each gap grows by growth percent.
func (c *Chain) every(draw *rand.Rand, start, until, least, spread, growth int, yield func(day int)) {
	stretch := 100
	for day := start; day < until; {
		day = c.open(draw, day)
		if day < 0 {
			return
		}
		yield(day)
		day += max(1, (least+draw.IntN(spread+1))*stretch/100)
		stretch += stretch * growth / 100
		if stretch > 3000 { // a gap of years is no rhythm any more
			return
		}
	}
}

// inSeason yields about so many days a year, from March to June, and in November and December.
func (c *Chain) inSeason(draw *rand.Rand, perYear int, yield func(day int)) {
	const seasonDays = 122 + 61
	for day := range c.calendar {
		month := c.calendar[day].month
		inSeason := month >= 2 && month <= 5 || month >= 10
		if inSeason && c.calendar[day].busy > 0 && chance(draw, perYear, seasonDays) {
			yield(day)
		}
	}
}

// visits calls yield with each of a customer's receipts, in order but for returns, which come right after the sale they belong to.
func (c *Chain) visits(p *person, yield func(visit)) {
	draw := c.draws(drawVisits, uint64(p.index))
	c.visitDays(p, draw, func(day int) {
		store := p.home
		if chance(draw, 12, 100) {
			store = p.other
		}
		v := c.visit(draw, day, store)
		v.account = int32(p.index)
		if p.cards == 2 && (p.replaced && 2*day > c.config.Days || !p.replaced && chance(draw, 45, 100)) {
			v.card = 1
		}
		back, returned := c.returnOf(draw, v)
		v.comesBack = returned
		yield(v)
		if returned {
			yield(back)
		}
	})
}

// visit draws a receipt of a day in a store.
func (c *Chain) visit(draw *rand.Rand, day, store int) visit {
	minute := opens + draw.IntN((closes-opens)/2) + draw.IntN((closes-opens)/2)
	weekday := c.calendar[day].weekday
	if (weekday == time.Tuesday || weekday == time.Wednesday) && minute < noon && chance(draw, 60, 100) {
		minute += noon - opens // the quiet mornings
	}
	return visit{
		key: draw.Uint64(), day: int32(day), minute: int16(minute), store: int16(store),
		till: int8(1 + draw.IntN(c.stores[store].Tills)),
	}
}

// returnOf draws whether something of a sale is brought back later, mostly where it was bought.
func (c *Chain) returnOf(draw *rand.Rand, sale visit) (visit, bool) {
	if !chance(draw, 25, 1000) {
		return visit{}, false
	}
	day := c.open(draw, int(sale.day)+2+draw.IntN(25))
	if day < 0 {
		return visit{}, false
	}
	store := int(sale.store)
	if chance(draw, 10, 100) {
		store = draw.IntN(len(c.stores))
	}
	back := c.visit(draw, day, store)
	back.key, back.account, back.card, back.back = sale.key, sale.account, sale.card, true
	return back, true
}

// passersBy calls yield with the receipts without a card: two for every three with one.
func (c *Chain) passersBy(withCard int, yield func(visit)) {
	all := 0
	for _, day := range c.calendar {
		all += day.busy
	}
	if all == 0 {
		return
	}
	draw := c.draws(drawPassersBy, 0)
	for day, weight := range c.calendar {
		expected := withCard * 2 * weight.busy
		n := expected / (3 * all)
		if chance(draw, expected%(3*all)+1, 3*all+1) {
			n++
		}
		for range n {
			v := c.visit(draw, day, draw.IntN(len(c.stores)))
			v.account = nobody
			back, returned := c.returnOf(draw, v)
			v.comesBack = returned
			yield(v)
			if returned {
				yield(back)
			}
		}
	}
}
