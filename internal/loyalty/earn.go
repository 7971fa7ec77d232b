package loyalty

import (
	"slices"
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
	// Spending tells that points are spent on this receipt.
	Spending bool
	// Exchange tells that the receipt names another one its goods brought back are from: they are settled by TakeBack, not here.
	Exchange bool
	// Boosts are what was promised for this receipt.
	Boosts []Boost
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
}

// Earn reckons the points of a sale. Plain rules that hold for a line add up; of the factors that hold for it, by rule or by promise, the
// highest counts. The sum over all lines is rounded once, down. Lines with a negative amount lessen what the others earn, at most to
// nothing: a sign alone is not a return.
//
// The points per line are rounded down each, and the points that are then still to be given go one by one to the lines with the largest
// remainder, the first of equals first.
func (r *Rules) Earn(sale Sale) Award {
	if sale.Currency != "" && sale.Currency != r.currency || sale.Spending && !r.whenSpending || len(sale.Lines) == 0 {
		return Award{}
	}
	shares := make([]wide, len(sale.Lines))
	var sum wide
	for i, line := range sale.Lines {
		if r.earns(line, sale.Groups[i]) && (!sale.Exchange || !BroughtBack(line)) {
			shares[i] = product(line.GetNetMinor(), r.weight(sale, i))
			sum = sum.plus(shares[i])
		}
	}
	points, _ := sum.floorDiv(r.denominator)
	if points <= 0 {
		return Award{}
	}
	return Award{Points: points, PerLine: r.spread(shares, points)}
}

// earns reports whether a line may earn at all.
func (r *Rules) earns(line *outcomev1.Line, groups GroupSet) bool {
	return !line.GetNotMerchandise() && !r.excluded.Meets(groups) && (r.onDiscounted || line.GetDiscountMinor() == 0)
}

// weight is the points per denominator that a line earns for each minor unit.
func (r *Rules) weight(sale Sale, line int) int64 {
	groups := sale.Groups[line]
	var weight int64
	for i := range r.plain {
		if rule := &r.plain[i]; rule.covers(groups) && rule.holds(sale.Store, sale.At) {
			weight += rule.weight
		}
	}
	factor := int64(1)
	for i := range r.times {
		if rule := &r.times[i]; rule.weight > factor && rule.covers(groups) && rule.holds(sale.Store, sale.At) {
			factor = rule.weight
		}
	}
	for _, boost := range sale.Boosts {
		if boost.Groups == nil || boost.Groups.Meets(groups) {
			factor = max(factor, min(boost.Times, maxTimes))
		}
	}
	return weight * factor
}

// spread shares the points out over the lines by largest remainder.
func (r *Rules) spread(shares []wide, points int64) []int64 {
	perLine := make([]int64, len(shares))
	rests := make([]int64, len(shares))
	left := points
	for i, share := range shares {
		perLine[i], rests[i] = share.floorDiv(r.denominator)
		left -= perLine[i]
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rests[a] > rests[b]:
			return -1
		case rests[a] < rests[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		if left <= 0 {
			break
		}
		perLine[i]++
		left--
	}
	return perLine
}
