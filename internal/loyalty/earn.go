package loyalty

import (
	"math"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Sale is what points are reckoned on.
type Sale struct {
	// Store is the store's code.
	Store string
	// At is when the sale ended, in the store's time zone: weekdays, hours and dates of rules are read from it.
	At time.Time
	// Currency is the receipt's; in another than the programme's nothing is earned. Empty means the programme's.
	Currency string
	// Lines are the receipt's.
	Lines []*outcomev1.Line
	// Groups are the product groups of each line, as Rules.Groups finds them.
	Groups []GroupSet
	// Tier is the customer's when the sale begins; empty for none.
	Tier string
	// Segment is the customer's; empty for none.
	Segment string
	// FirstOfVisit tells that the customer has no earlier receipt in this store on this business day.
	FirstOfVisit bool
	// Spending tells that points are spent on this receipt.
	Spending bool
	// Exchange tells that the receipt names another one its goods brought back are from: they are settled by TakeBack, not here.
	Exchange bool
	// Boosts are what was promised for this receipt.
	Boosts []Boost
	// Tenders are how it was paid; none while it is not paid yet.
	Tenders []*outcomev1.Tender
	// Rounding is what rounding to five or ten cents added to the sum of the lines, minor units; see Rounding.
	Rounding int64
	// EarnedToday are the points the customer earned earlier on this business day.
	EarnedToday int64
	// ReceiptsToday are the customer's earlier receipts of this business day in this store that earned.
	ReceiptsToday int
}

// Boost multiplies the points of some groups, by an offer.
type Boost struct {
	// Times is the factor.
	Times int64
	// Groups it is for; nil for all.
	Groups GroupSet
}

// Award is what a receipt earns.
type Award struct {
	// Points in all, never negative.
	Points int64
	// PerLine are the points of each line, in the order of the lines; they sum to Points. Nil when nothing is earned.
	PerLine []int64
	// HeldBack are the points a limit per receipt or day withheld. They go to nobody.
	HeldBack int64
}

// Earn reckons the points of a sale.
//
// First come the rules per euro and per piece: what several give on one line is added up, or the best one counts, as the programme says.
// A line earns by what was paid for it, less the part of it that was paid with means that earn nothing. Then the factors, of rules and of
// promises: the highest counts, or each adds what it would add alone. Last come the points for the visit and for reaching a spend, which no
// factor multiplies; they are given on the lines that bring them about, in proportion to money, so that goods brought back take their part
// with them. The sum over all lines is rounded once, down, and then held to the limits per receipt and day.
//
// Lines with a negative amount lessen what the others earn, at most to nothing: a sign alone is not a return.
//
// The points per line are rounded down each, and the points that are then still to be given go one by one to the lines with the largest
// remainder, the first of equals first.
func (r *Rules) Earn(sale Sale) Award {
	if sale.Currency != "" && sale.Currency != r.currency || sale.Spending && !r.whenSpending || len(sale.Lines) == 0 {
		return Award{}
	}
	c := calculation{rules: r, sale: &sale, lines: r.counted(&sale), units: make([]wide, len(sale.Lines))}
	c.rates()
	c.multiply()
	c.fixed()
	var sum wide
	for _, units := range c.units {
		sum = sum.plus(units)
	}
	points, _ := sum.floorDiv(r.denominator)
	if points <= 0 {
		return Award{}
	}
	given := min(points, r.headroom(&sale))
	award := Award{Points: given, HeldBack: points - given}
	switch given {
	case 0:
	case points:
		award.PerLine = spread(c.units, r.denominator, points)
	default:
		award.PerLine = spreadPart(c.units, given)
	}
	return award
}

// headroom is how many points the limits still leave.
func (r *Rules) headroom(sale *Sale) int64 {
	room := int64(math.MaxInt64)
	if r.perReceipt > 0 {
		room = r.perReceipt
	}
	if r.perDay > 0 {
		room = min(room, max(0, r.perDay-sale.EarnedToday))
	}
	if r.receiptsPerDay > 0 && sale.ReceiptsToday >= r.receiptsPerDay {
		return 0
	}
	return room
}

// calculation is one receipt being reckoned. Points are counted in units, so many of them to a point that every rule gives a whole number.
type calculation struct {
	rules  *Rules
	sale   *Sale
	lines  []counted
	units  []wide // per line
	bounds []bounded
}

// bounded is what one rule with a bound gives, per line, before the bound.
type bounded struct {
	rule  *earnRule
	units []wide
}

// rates gives points per euro and per piece.
func (c *calculation) rates() {
	held := c.inForce(c.rules.rates)
	for i := range c.lines {
		if !c.lines[i].earns {
			continue
		}
		var best *earnRule
		var most wide
		for _, rule := range held {
			if !rule.covers(c.sale.Groups[i]) {
				continue
			}
			units := product(c.lines[i].of(rule), rule.weight)
			switch {
			case !c.rules.bestRate:
				c.give(rule, i, units)
			case best == nil || units.magnitude().above(most.magnitude()):
				best, most = rule, units
			}
		}
		if best != nil {
			c.give(best, i, most)
		}
	}
	c.settle()
}

// multiply adds what factors make of it.
func (c *calculation) multiply() {
	held := c.inForce(c.rules.factors)
	if len(held) == 0 && len(c.sale.Boosts) == 0 {
		return
	}
	plain := append([]wide(nil), c.units...)
	for i := range plain {
		if plain[i] == (wide{}) {
			continue
		}
		left := int64(maxTimes - 1) // what all factors together may add
		best, most := (*earnRule)(nil), int64(1)
		for _, rule := range held {
			switch {
			case !rule.covers(c.sale.Groups[i]):
			case !c.rules.addFactors && rule.weight > most:
				best, most = rule, rule.weight
			case c.rules.addFactors:
				more := min(rule.weight-1, left)
				left -= more
				c.give(rule, i, plain[i].times(more))
			}
		}
		for _, boost := range c.sale.Boosts {
			if boost.Groups != nil && !boost.Groups.Meets(c.sale.Groups[i]) {
				continue
			}
			switch times := min(boost.Times, maxTimes); {
			case !c.rules.addFactors && times > most:
				best, most = nil, times
			case c.rules.addFactors && times > 1:
				more := min(times-1, left)
				left -= more
				c.give(nil, i, plain[i].times(more))
			}
		}
		c.give(best, i, plain[i].times(most-1))
	}
	c.settle()
}

// fixed gives the points for the visit and for reaching a spend.
func (c *calculation) fixed() {
	for _, rule := range c.inForce(c.rules.once) {
		var spent int64
		for i := range c.lines {
			if c.lines[i].earns && rule.covers(c.sale.Groups[i]) {
				spent = add(spent, c.lines[i].money)
			}
		}
		if spent <= 0 || spent < rule.atLeast {
			continue
		}
		c.award(rule)
	}
}

// award gives the points of one rule to the lines it holds for, in proportion to what was paid for them.
func (c *calculation) award(rule *earnRule) {
	var whole int64
	for i := range c.lines {
		if c.pays(i, rule) {
			whole = add(whole, c.lines[i].money)
		}
	}
	units := rule.weight * c.rules.denominator
	left, last := units, -1
	for i := range c.lines {
		if !c.pays(i, rule) {
			continue
		}
		share, _ := product(units, c.lines[i].money).floorDiv(whole)
		c.units[i] = c.units[i].plus(product(share, 1))
		if left -= share; last < 0 {
			last = i
		}
	}
	if last >= 0 { // what rounding left, less than a unit per line
		c.units[last] = c.units[last].plus(product(left, 1))
	}
}

// pays reports whether a line brings in money that a rule counts.
func (c *calculation) pays(line int, rule *earnRule) bool {
	return c.lines[line].earns && c.lines[line].money > 0 && rule.covers(c.sale.Groups[line])
}

// give books what a rule gives on a line; of a rule with a bound when all of it is known. A promise has no rule.
func (c *calculation) give(rule *earnRule, line int, units wide) {
	if rule == nil || rule.atMost == 0 {
		c.units[line] = c.units[line].plus(units)
		return
	}
	for i := range c.bounds {
		if c.bounds[i].rule == rule {
			c.bounds[i].units[line] = c.bounds[i].units[line].plus(units)
			return
		}
	}
	b := bounded{rule: rule, units: make([]wide, len(c.lines))}
	b.units[line] = units
	c.bounds = append(c.bounds, b)
}

// settle holds the rules with a bound to it, and books them.
func (c *calculation) settle() {
	for _, b := range c.bounds {
		for line, units := range within(b.units, b.rule.atMost, c.rules.denominator) {
			c.units[line] = c.units[line].plus(units)
		}
	}
	c.bounds = nil
}

// inForce are the rules that hold for the sale.
func (c *calculation) inForce(rules []earnRule) []*earnRule {
	held := make([]*earnRule, 0, len(rules))
	for i := range rules {
		if rules[i].holds(c.sale) {
			held = append(held, &rules[i])
		}
	}
	return held
}
