package loyalty

import (
	"slices"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Standing is what a customer has done towards tiers.
type Standing struct {
	// Spend that counts, minor units.
	Spend int64
	// Visits that count.
	Visits int64
	// Points earned that count.
	Points int64
	// Segment is the customer's segment; empty for who has none, as who objected.
	Segment string
}

// Tier is the code of the highest tier of which any rule holds. A tier without rules, as the lowest, is everybody's. Without tiers, and
// where none is reached, it is empty.
func Tier(tiers []*programmev1.Tier, s Standing) string {
	code := ""
	for _, tier := range tiers {
		if len(tier.GetReachAny()) == 0 || slices.ContainsFunc(tier.GetReachAny(), s.reaches) {
			code = tier.GetCode()
		}
	}
	return code
}

// reaches reports whether one rule holds.
func (s Standing) reaches(rule *programmev1.TierRule) bool {
	switch rule := rule.GetRule().(type) {
	case *programmev1.TierRule_Spend:
		return s.Spend >= rule.Spend
	case *programmev1.TierRule_Visits:
		return s.Visits >= rule.Visits
	case *programmev1.TierRule_Points:
		return s.Points >= rule.Points
	case *programmev1.TierRule_Segments:
		return s.Segment != "" && slices.Contains(rule.Segments.GetAny(), s.Segment)
	}
	return false
}

// Step is what is missing for a tier. Any one of the ways is enough; a way that does not lead there is 0.
type Step struct {
	// Tier is the tier's code.
	Tier string
	// Spend is minor units, Visits and Points are numbers.
	Spend, Visits, Points int64
}

// NextStep is what is missing for the tier above the current one. It is not ok for who is in the highest, for a programme without tiers, and
// where only a segment leads there, which nobody can be told how to reach.
func NextStep(tiers []*programmev1.Tier, current string, s Standing) (step Step, ok bool) {
	next := 1 + slices.IndexFunc(tiers, func(t *programmev1.Tier) bool { return t.GetCode() == current })
	if next >= len(tiers) {
		return Step{}, false
	}
	step.Tier = tiers[next].GetCode()
	for _, rule := range tiers[next].GetReachAny() {
		switch rule := rule.GetRule().(type) {
		case *programmev1.TierRule_Spend:
			step.Spend = nearer(step.Spend, rule.Spend-s.Spend)
		case *programmev1.TierRule_Visits:
			step.Visits = nearer(step.Visits, rule.Visits-s.Visits)
		case *programmev1.TierRule_Points:
			step.Points = nearer(step.Points, rule.Points-s.Points)
		}
	}
	return step, step.Spend > 0 || step.Visits > 0 || step.Points > 0
}

// nearer is the shorter of two ways, at least 1; the first is 0 where there is none yet.
func nearer(known, missing int64) int64 {
	missing = max(1, missing)
	if known == 0 {
		return missing
	}
	return min(known, missing)
}
