package loyalty

import (
	"math"
	"slices"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// maxAmount bounds what one line counts for, so that the points of a thousand such lines still fit: ninety million million in a currency of
// two decimals.
const maxAmount = 1 << 53

// mostRounding is the most that rounding to a coin changes a total, minor units: half of ten cents.
const mostRounding = 5

// counted is what a line counts for.
type counted struct {
	earns  bool
	money  int64 // minor units
	pieces int64 // in thousandths
}

// of is how much of what a rule counts is on the line.
func (c *counted) of(rule *earnRule) int64 {
	if rule.byPiece {
		return c.pieces
	}
	return c.money
}

// Rounding is what rounding to a coin added to a receipt's lines, or took off: the difference between the total and their sum, when cash was
// paid and it is at most five of the smallest units; else 0.
func Rounding(receipt *outcomev1.Receipt) int64 {
	cash := slices.ContainsFunc(receipt.GetTenders(), func(t *outcomev1.Tender) bool { return t.GetKind() == outcomev1.TenderKind_TENDER_KIND_CASH })
	if !cash {
		return 0
	}
	difference := receipt.GetTotalMinor()
	for _, line := range receipt.GetLines() {
		difference = add(difference, -bound(line.GetNetMinor()))
	}
	if difference < -mostRounding || difference > mostRounding {
		return 0
	}
	return difference
}

// counted reckons what each line counts for.
func (r *Rules) counted(sale *Sale) []counted {
	lines := make([]counted, len(sale.Lines))
	for i, line := range sale.Lines {
		c := &lines[i]
		c.earns = r.earns(line, sale.Groups[i]) && (!sale.Exchange || !BroughtBack(line))
		c.money, c.pieces = bound(line.GetNetMinor()), pieces(line)
		if r.beforeDiscount && c.money > 0 {
			c.money = bound(add(c.money, line.GetDiscountMinor()))
		}
	}
	if r.afterRounding && sale.Rounding != 0 {
		round(lines, sale.Rounding)
	}
	if r.unpaid != 0 {
		r.leaveOut(lines, sale)
	}
	return lines
}

// earns reports whether a line may earn at all.
func (r *Rules) earns(line *outcomev1.Line, groups GroupSet) bool {
	return !line.GetNotMerchandise() && !r.excluded.Meets(groups) && (r.onDiscounted || line.GetDiscountMinor() == 0)
}

// pieces are how many pieces a line counts for: those that were paid for, one where the till tells none. What is struck off again on the same
// receipt lessens them. A coupon has none.
func pieces(line *outcomev1.Line) int64 {
	n, money := line.GetQuantityMilli(), line.GetNetMinor()
	switch {
	case n == 0 && money > 0:
		return 1000
	case n > 0 && money > 0, n < 0 && money < 0:
		return bound(n)
	default:
		return 0
	}
}

// round lets the rounding of the total count with the line of the largest amount.
func round(lines []counted, rounding int64) {
	largest := -1
	for i := range lines {
		if lines[i].earns && lines[i].money > 0 && (largest < 0 || lines[i].money > lines[largest].money) {
			largest = i
		}
	}
	if largest >= 0 {
		lines[largest].money += rounding
	}
}

// leaveOut takes off what was paid with means that earn nothing: from every line that earns the same part of its money. The sum is rounded
// down to a whole minor unit, and its units go to the lines by largest remainder.
func (r *Rules) leaveOut(lines []counted, sale *Sale) {
	var without, total, earning int64
	for _, tender := range sale.Tenders {
		if r.unpaid&(1<<tender.GetKind()) != 0 {
			without = add(without, bound(tender.GetAmountMinor()))
		}
	}
	for i, line := range sale.Lines {
		total = add(total, bound(line.GetNetMinor()))
		if lines[i].earns {
			earning = add(earning, lines[i].money)
		}
	}
	if without <= 0 || total <= 0 {
		return
	}
	left := max(0, total-without)
	shares := make([]wide, len(lines))
	for i := range lines {
		if lines[i].earns {
			shares[i] = product(lines[i].money, left)
		}
	}
	sum, _ := product(earning, left).floorDiv(total)
	for i, money := range spread(shares, total, sum) {
		if lines[i].earns {
			lines[i].money = money
		}
	}
}

// bound holds an amount within what can be reckoned with.
func bound(n int64) int64 { return max(-maxAmount, min(n, maxAmount)) }

// add is a + b, held within what fits.
func add(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}
