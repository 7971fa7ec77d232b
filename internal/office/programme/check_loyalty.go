package programme

import (
	"fmt"
	"math/big"
	"slices"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// tiers looks at the loyalty statuses, lowest first.
func (c *checker) tiers() {
	codes := map[string]string{}
	for i, t := range c.p.GetTiers() {
		path := entry("tiers", i)
		if first, again := codes[t.GetCode()]; again {
			c.wrong(path+".code", "Give each tier a code of its own.", "`%s` is also the code of the tier at %s", t.GetCode(), c.line(first))
		} else {
			codes[t.GetCode()] = path
		}
		if len(t.GetName()) == 0 {
			c.doubtful(path, "Give it a name in each language.", "customers would read its code, because it has no name")
		}
		c.reach(path, i, t)
	}
	c.rising()
}

// reach looks at how a tier is reached.
func (c *checker) reach(path string, i int, t *programmev1.Tier) {
	rules, bySegment := t.GetReachAny(), 0
	for k, r := range rules {
		switch r.GetRule().(type) {
		case nil:
			c.lacks(entry(path+".reach_any", k), "Write one of spend, visits, points or segments.", "this way to reach the tier says nothing")
		case *programmev1.TierRule_Segments:
			bySegment++
		}
	}
	imported := c.p.GetScoring().GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED
	switch {
	case i == 0 && len(rules) > 0:
		c.wrong(path+".reach_any", "Take it out, or put a tier without it first.", "the lowest tier is everybody's: it has no rules")
	case i > 0 && len(rules) == 0 && !imported:
		c.lacks(path, "Write `reach_any: [{spend: 250.00}]`, for example.", "nothing says how this tier is reached")
	case i > 0 && len(rules) > 0 && bySegment == len(rules):
		c.wrong(path+".reach_any", "Add a way by spend, visits or points.",
			"a segment is its only way: who objected to profiling has none and could never reach it")
	}
}

// rising refuses a tier that is as easy to reach as a lower one.
func (c *checker) rising() {
	type step struct {
		amount int64
		tier   string
	}
	lower := map[string]step{}
	for i, t := range c.p.GetTiers() {
		for k, r := range t.GetReachAny() {
			path := entry(entry("tiers", i)+".reach_any", k)
			unit, amount := threshold(r)
			if before, ok := lower[unit]; ok && unit != "" && before.tier != t.GetCode() && amount <= before.amount {
				c.wrong(path+"."+unit, "Let each tier ask more than the one before it.", "it asks no more %s than the lower tier `%s`", unit, before.tier)
			}
			if unit != "" {
				lower[unit] = step{amount, t.GetCode()}
			}
		}
	}
}

// threshold is what a rule asks, and of what; "" for a segment.
func threshold(r *programmev1.TierRule) (unit string, amount int64) {
	switch rule := r.GetRule().(type) {
	case *programmev1.TierRule_Spend:
		return "spend", rule.Spend
	case *programmev1.TierRule_Visits:
		return "visits", rule.Visits
	case *programmev1.TierRule_Points:
		return "points", rule.Points
	default:
		return "", 0
	}
}

// points looks at how points are earned and spent.
func (c *checker) points() {
	names, plain := map[string]string{}, false
	for i, r := range c.p.GetPoints().GetEarn() {
		path := entry("points.earn", i)
		if first, again := names[r.GetName()]; again {
			c.wrong(path+".name", "Give each rule a name of its own.", "`%s` is also the name of the rule at %s", clip(r.GetName()), c.line(first))
		}
		names[r.GetName()] = path
		plain = plain || r.GetTimes() == 0
		c.earnRule(path, r)
	}
	if len(names) > 0 && !plain {
		c.wrong("points.earn", "Add a plain rule, such as {name: basic, points: 1, per_euro: 1}.", "all rules multiply, and none gives points to multiply")
	}
	c.dailyLimits(c.p.GetPoints())
	c.redeem(c.p.GetPoints().GetRedeem())
}

// earnRule looks at one rule: points in exactly one way, or a multiple of what other rules give.
func (c *checker) earnRule(path string, r *programmev1.EarnRule) {
	c.period(path, r.GetFrom(), r.GetUntil())
	c.mayGive(path+".groups", r.GetGroups(), "earn points")
	ways := waysToEarn(r)
	switch {
	case r.GetTimes() > 0 && (r.GetPoints() > 0 || len(ways) > 0):
		c.wrong(path+".times", "Make two rules of it.", "a rule either gives points or multiplies what others give")
	case r.GetTimes() == 1:
		c.doubtful(path+".times", "Write 2 or more, or take the rule out.", "one times the points changes nothing")
	case r.GetTimes() > 0:
	case r.GetPoints() == 0:
		c.lacks(path, "Write `points: 1, per_euro: 1`, or `times: 2`, for example.", "the rule gives nothing")
	case len(ways) == 0:
		c.lacks(path, "Write `per_euro: 1`, `per_pieces: 1`, `per_visit: true` or `spend_at_least: 50.00`, for example.", "nothing says for what the points are given")
	case len(ways) > 1:
		c.wrong(path+"."+ways[1], "Make a rule of its own of each.", "`%s` and `%s` do not go together in one rule", ways[0], ways[1])
	}
	if most := c.p.GetPoints().GetAtMostPerReceipt(); most > 0 && r.GetTimes() == 0 && r.GetPoints() > most {
		c.doubtful(path+".points", "Raise at_most_per_receipt, or give fewer.", "no receipt gives more than %d points, so these %d are never given", most, r.GetPoints())
	}
}

// waysToEarn are the fields that say for what a rule gives its points.
func waysToEarn(r *programmev1.EarnRule) []string {
	var ways []string
	for _, way := range []struct {
		field string
		used  bool
	}{
		{"per_euro", r.GetPerEuro() > 0}, {"per_pieces", r.GetPerPieces() > 0}, {"per_visit", r.GetPerVisit()}, {"spend_at_least", r.GetSpendAtLeast() > 0},
	} {
		if way.used {
			ways = append(ways, way.field)
		}
	}
	return ways
}

// dailyLimits looks at bounds that could never be reached.
func (c *checker) dailyLimits(p *programmev1.Points) {
	if day, receipt := p.GetAtMostPerDay(), p.GetAtMostPerReceipt(); day > 0 && receipt > day {
		c.doubtful("points.at_most_per_receipt", "Make it smaller than at_most_per_day, or leave it out.", "a whole day gives at most %d points, so one receipt never gives %d", day, receipt)
	}
}

// redeem looks at what points are worth.
func (c *checker) redeem(r *programmev1.RedeemRule) {
	if r == nil || r.GetPoints() <= 0 || r.GetWorth() <= 0 {
		return
	}
	if r.GetAtLeast()%r.GetPoints() != 0 {
		c.doubtful("points.redeem.at_least", "Write a multiple of it.", "points are spent by %d, which %d is no multiple of", r.GetPoints(), r.GetAtLeast())
	}
	switch floored := r.GetOffline() == programmev1.RedeemOffline_REDEEM_OFFLINE_FLOOR; {
	case floored && r.GetFloorPoints() == 0:
		c.wrong("points.redeem.offline", "Write `floor_points`, or `offline: deny`.", "a server that gives up to a floor has to know how many points that is")
	case floored && r.GetFloorPoints() < max(r.GetAtLeast(), r.GetPoints()):
		c.wrong("points.redeem.floor_points", "Write that many or more.", "at least %d points are spent at once, so no server could ever give any", max(r.GetAtLeast(), r.GetPoints()))
	case !floored && r.GetFloorPoints() > 0:
		c.wrong("points.redeem.floor_points", "Write `offline: floor` as well, or leave it out.", "without `offline: floor` no server gives points")
	}
	const generous = 2000 // basis points of turnover
	if back := c.givenBack(r); back.Cmp(big.NewInt(generous)) > 0 {
		c.doubtful("points.redeem.worth", "Look at the amount, and at the points per euro.",
			"of every 100 that customers spend they would get %s back in points", new(big.Int).Div(back, big.NewInt(100)))
	}
}

// givenBack is the share of turnover that plain rules give back in points, in basis points.
func (c *checker) givenBack(r *programmev1.RedeemRule) *big.Int {
	one := big.NewInt(1) // the currency's unit in its smallest
	for range c.p.GetCurrencyDecimals() {
		one.Mul(one, big.NewInt(10))
	}
	sum := new(big.Int)
	for _, e := range c.p.GetPoints().GetEarn() {
		if e.GetTimes() > 0 || e.GetPerEuro() <= 0 || len(e.GetGroups()) > 0 {
			continue
		}
		given := big.NewInt(e.GetPoints())
		given.Mul(given, big.NewInt(r.GetWorth())).Mul(given, big.NewInt(10000))
		asked := new(big.Int).Mul(one, big.NewInt(e.GetPerEuro()))
		sum.Add(sum, given.Div(given, asked.Mul(asked, big.NewInt(r.GetPoints()))))
	}
	return sum
}

// customerGroups looks at trade, staff and other groups.
func (c *checker) customerGroups() {
	for i, g := range c.p.GetCustomerGroups() {
		path := entry("customer_groups", i)
		c.mayGive(path+".groups", g.GetGroups(), "be discounted")
		if len(g.GetName()) == 0 && g.GetPercent() > 0 {
			c.doubtful(path, "Give it a name in each language.", "customers would read its code, because it has no name")
		}
	}
}

// mayGive refuses product groups on which nothing may be given, by name or because their articles are the same.
func (c *checker) mayGive(path string, groups []string, what string) {
	for i, name := range groups {
		c.mayGiveOn(entry(path, i), name, groups, what)
	}
}

// mayGiveOn does so for one of the groups.
func (c *checker) mayGiveOn(path, name string, groups []string, what string) {
	for _, none := range c.p.GetNoPointsNoOffers() {
		switch {
		case name == none:
			c.wrong(path, "Take it out.", "`%s` may not %s: it is one of no_points_no_offers", name, what)
		case slices.Contains(groups, none):
		case overlap(c.group(name), c.group(none)):
			c.doubtful(path, fmt.Sprintf("Let the patterns of `%s` leave them out, so that nobody is promised what he does not get.", name),
				"some articles of `%s` are also `%s`, which may not %s", name, none, what)
		}
	}
}
