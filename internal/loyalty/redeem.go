package loyalty

import (
	"math"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Redeemable is the most that may be spent of some points on a receipt on which so much is due, minor units: a whole number of the rule's steps,
// at least what the rule asks for, and never more than is due. Both are 0 where nothing may be spent.
func Redeemable(rule *programmev1.RedeemRule, available, due int64) (points, worth int64) {
	if rule.GetPoints() <= 0 || rule.GetWorth() <= 0 {
		return 0, 0
	}
	steps := min(max(0, available)/rule.GetPoints(), max(0, due)/rule.GetWorth())
	if steps == 0 || steps*rule.GetPoints() < rule.GetAtLeast() {
		return 0, 0
	}
	return steps * rule.GetPoints(), steps * rule.GetWorth()
}

// Worth is what so many points pay for, minor units. It is not ok for points that are no whole number of the rule's steps, or fewer than the
// rule asks for.
func Worth(rule *programmev1.RedeemRule, points int64) (worth int64, ok bool) {
	if rule.GetPoints() <= 0 || rule.GetWorth() <= 0 || points <= 0 || points < rule.GetAtLeast() || points%rule.GetPoints() != 0 {
		return 0, false
	}
	steps := points / rule.GetPoints()
	if rule.GetWorth() > math.MaxInt64/steps {
		return 0, false
	}
	return steps * rule.GetWorth(), true
}

// Redeem shares the points spent on a receipt out over the lines they paid for, in proportion to money: what is no merchandise takes its part
// too, for it was paid for as well. The points are negative, per line and in all. Without a line that cost anything there is nothing to pay, and
// the award is empty.
func Redeem(lines []*outcomev1.Line, points int64) Award {
	shares := make([]wide, len(lines))
	var sum int64
	for i, line := range lines {
		if money := bound(line.GetNetMinor()); money > 0 {
			shares[i] = product(money, points)
			sum = add(sum, money)
		}
	}
	if sum == 0 || points <= 0 {
		return Award{}
	}
	award := Award{Points: -points, PerLine: spread(shares, sum, points)}
	for i := range award.PerLine {
		award.PerLine[i] = -award.PerLine[i]
	}
	return award
}

// GiveBack reckons the spent points that come back with goods: of each line brought back, the part of the points that paid for it, by the stored
// award of Redeem. Returned in parts, all of them come back, once. The arguments are TakeBack's; the points are positive or zero.
func GiveBack(sold []*outcomev1.Line, redeemed []int64, earlier [][]*outcomev1.Line, back []*outcomev1.Line) Award {
	return TakeBack(sold, redeemed, earlier, back)
}
