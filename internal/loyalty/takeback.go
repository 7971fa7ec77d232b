package loyalty

import (
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// TakeBack reckons what goods brought back take back of the points their sale earned. It looks at the sale's stored award alone, never at
// today's rules: sold are the lines of the sale and awarded their points, in the same order; earlier are the lines of every return of this
// sale so far, and back those brought now. Returned in parts, a line gives back in all exactly what it earned, and never more.
//
// A line brought back is found by its original_line, or, where that is 0, by its article among what is still out. What is found nowhere
// takes nothing back. The points are negative or zero, per line of back, and their sum.
func TakeBack(sold []*outcomev1.Line, awarded []int64, earlier [][]*outcomev1.Line, back []*outcomev1.Line) Award {
	out := make([]remaining, len(sold))
	for i, line := range sold {
		out[i] = remaining{line: line, whole: measure(line)}
		if i < len(awarded) {
			out[i].points = awarded[i]
		}
	}
	for _, lines := range earlier {
		for _, line := range lines {
			takeLine(out, line)
		}
	}
	award := Award{PerLine: make([]int64, len(back))}
	for i, line := range back {
		award.PerLine[i] = -takeLine(out, line)
		award.Points += award.PerLine[i]
	}
	return award
}

// Whole are all lines of a sale, brought back: what voiding a receipt takes back.
func Whole(sold []*outcomev1.Line) []*outcomev1.Line {
	back := make([]*outcomev1.Line, len(sold))
	for i, line := range sold {
		back[i] = &outcomev1.Line{No: line.GetNo(), Sku: line.GetSku(), QuantityMilli: -line.GetQuantityMilli(), NetMinor: -line.GetNetMinor(), OriginalLine: line.GetNo()}
	}
	return back
}

// remaining is one line of a sale, and how much of it came back.
type remaining struct {
	line     *outcomev1.Line
	points   int64
	whole    int64 // pieces in thousandths, or minor units where there are none
	returned int64
}

// BroughtBack reports whether a line is goods that came back: pieces below zero, or a line of another receipt. An amount below zero alone is
// no return: rewards and coupons have one too.
func BroughtBack(line *outcomev1.Line) bool {
	return line.GetQuantityMilli() < 0 || line.GetOriginalLine() != 0
}

// measure is by how much a line is counted: pieces, or money for a line without.
func measure(line *outcomev1.Line) int64 {
	if line.GetQuantityMilli() != 0 {
		return magnitude(line.GetQuantityMilli())
	}
	return magnitude(line.GetNetMinor())
}

// takeLine marks goods as brought back, and is the points that go with them. A line of which more comes back than is out counts for what
// is out.
func takeLine(out []remaining, back *outcomev1.Line) int64 {
	if !BroughtBack(back) {
		return 0
	}
	var points int64
	amount := measure(back)
	for i := range out {
		o := &out[i]
		if !o.is(back) || o.returned >= o.whole {
			continue
		}
		take := min(amount, o.whole-o.returned)
		before := o.gone()
		o.returned += take
		points += o.gone() - before
		if amount -= take; amount == 0 || back.GetOriginalLine() != 0 {
			break
		}
	}
	return points
}

// is reports whether goods brought back are of this line.
func (o *remaining) is(back *outcomev1.Line) bool {
	if back.GetOriginalLine() != 0 {
		return o.line.GetNo() == back.GetOriginalLine()
	}
	return o.line.GetSku() == back.GetSku() && o.line.GetNetMinor() > 0
}

// gone is the line's points that what came back takes with it: in proportion, rounded down, and all of them with the last piece.
func (o *remaining) gone() int64 {
	if o.whole == 0 {
		return 0
	}
	points, _ := product(o.points, o.returned).floorDiv(o.whole)
	return points
}

func magnitude(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
