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
