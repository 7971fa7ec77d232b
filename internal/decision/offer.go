package decision

import (
	"cmp"
	"math/bits"
	"slices"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// maxAmount bounds the amounts discounts are reckoned on, so that sums never overflow: ten billion units of a currency with two decimals.
const maxAmount = 1_000_000_000_000

// offer is a benefit, compiled.
type offer struct {
	bp     int64
	amount int64
	groups []uint64 // nil for all
	atMost int64    // 0 for no bound
}

// LineDiscount is an amount to take off one line.
type LineDiscount struct {
	// Line is the line's place in the basket.
	Line int
	// Amount is minor units, above zero.
	Amount int64
}

// compileOffer prepares an offer; nil for campaigns of another kind.
func compileOffer(in *programmev1.Offer, groups map[string]int) *offer {
	if in == nil {
		return nil
	}
	return &offer{bp: int64(in.GetPercent()), amount: in.GetAmount(), groups: setOf(groups, in.GetGroups()), atMost: in.GetAtMost()}
}

// takesOff reports whether the offer is an amount off what lies in the basket.
func (o *offer) takesOff() bool {
	return o != nil && (o.bp > 0 || o.amount > 0)
}

// share is one line's part of a discount.
type share struct {
	line int
	most int64 // minor units that may be taken off it
	part int64 // what the discount is shared out by
}

// discounts reckons what an offer takes off which line. A percentage is rounded once over all lines, half up, and shared out so that the
// lines sum to exactly the whole: each rounded down, and what is left one by one to the largest remainders, the first of equals first. No
// line goes below zero, nor beyond what the law allows on its group.
func (p *Programme) discounts(o *offer, in *Input) []LineDiscount {
	var shares []share
	var parts, most int64
	for i, line := range in.Lines {
		if s := (share{line: i, most: p.mostOff(o, line, in.Groups[i])}); s.most > 0 {
			s.part = min(line.GetNetMinor(), maxAmount)
			shares = append(shares, s)
			parts += s.part
			most += s.most
		}
	}
	if parts == 0 {
		return nil
	}
	total := o.amount
	if o.bp > 0 {
		total = mulDiv(parts, o.bp, 10000, 5000)
	}
	if o.atMost > 0 {
		total = min(total, o.atMost)
	}
	return spread(shares, parts, min(total, most))
}

// mostOff is the most that may be taken off a line: nothing of what is no merchandise, comes back, is not in the offer's groups, or may not
// be offered at all.
func (p *Programme) mostOff(o *offer, line *outcomev1.Line, groups []uint64) int64 {
	if line.GetNotMerchandise() || line.GetNetMinor() <= 0 || line.GetQuantityMilli() < 0 || meets(p.excluded, groups) {
		return 0
	}
	if o.groups != nil && !meets(o.groups, groups) {
		return 0
	}
	most := min(line.GetNetMinor(), maxAmount)
	for _, b := range p.bounds {
		if has(groups, b.group) {
			taken := min(line.GetDiscountMinor(), maxAmount)
			most = min(most, mulDiv(most+taken, b.bp, 10000, 0)-taken)
		}
	}
	return most
}

// spread shares a total out over lines by their parts, and what does not fit on one line over the others.
func spread(shares []share, parts, total int64) []LineDiscount {
	out := make([]LineDiscount, len(shares))
	rests := make([]int64, len(shares))
	left := total
	for i, s := range shares {
		q, r := mulDivRest(s.part, total, parts)
		if q >= s.most {
			q, r = s.most, -1
		}
		out[i], rests[i] = LineDiscount{Line: s.line, Amount: q}, r
		left -= q
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rests[b], rests[a]) })
	for _, i := range order { // at most one minor unit a line, as rounding left it
		if left > 0 && rests[i] >= 0 && out[i].Amount < shares[i].most {
			out[i].Amount++
			left--
		}
	}
	for i := range out { // what bounded lines could not take
		more := min(left, shares[i].most-out[i].Amount)
		out[i].Amount += more
		left -= more
	}
	return slices.DeleteFunc(out, func(d LineDiscount) bool { return d.Amount == 0 })
}

// mulDiv is ⌊(a·b + add) / d⌋ for a, b, add ≥ 0 and d > 0, through 128 bits; the quotient must fit, which maxAmount sees to.
func mulDiv(a, b, d, add int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(add), 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(d))
	return int64(q)
}

// mulDivRest is ⌊a·b / d⌋ and what is left of it.
func mulDivRest(a, b, d int64) (quotient, rest int64) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, r := bits.Div64(hi, lo, uint64(d))
	return int64(q), int64(r)
}
