package programme

import (
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Shares of customers in a holdout, in basis points, beyond which it does not do what it is for.
const (
	tinyHoldout = 100  // one in a hundred: the difference drowns in chance
	wideHoldout = 5000 // more are left out than addressed
)

// campaigns looks at what may be suggested.
func (c *checker) campaigns() {
	for i, campaign := range c.p.GetCampaigns() {
		path := entry("campaigns", i)
		c.period(path+".runs", campaign.GetRuns().GetFrom(), campaign.GetRuns().GetUntil())
		c.holdout(path, campaign.GetHoldoutPercent())
		c.condition(path+".when", campaign.GetWhen())
		switch kind := campaign.GetKind().(type) {
		case *programmev1.Campaign_Offer:
			c.offer(path+".offer", kind.Offer)
			c.noQuestion(path, campaign)
		case *programmev1.Campaign_Coupon:
			c.coupon(path, kind.Coupon, campaign)
			c.noQuestion(path, campaign)
		case *programmev1.Campaign_Survey:
			c.survey(path, kind.Survey, campaign)
		case *programmev1.Campaign_Prompt:
			c.noQuestion(path, campaign)
		}
	}
	c.couponCodes()
}

// holdout looks at whether the effect of a campaign can be measured at all.
func (c *checker) holdout(path string, share int32) {
	switch {
	case share > 0 && share < tinyHoldout:
		c.doubtful(path+".holdout_percent", "Write 5 to 20, or leave it out.", "so few are left out that no effect can be measured")
	case share > wideHoldout && share <= 9000:
		c.doubtful(path+".holdout_percent", "Write 5 to 20.", "more customers are left out than addressed")
	}
}

// offer looks at a benefit.
func (c *checker) offer(path string, o *programmev1.Offer) {
	c.mayGive(path+".groups", o.GetGroups(), "be offered")
	benefits := 0
	for _, given := range []bool{o.GetPercent() != 0, o.GetAmount() != 0, o.GetTimesPoints() != 0} {
		if given {
			benefits++
		}
	}
	switch {
	case benefits == 0:
		c.lacks(path, "Write one of percent, amount or times_points.", "the offer gives nothing")
	case benefits > 1:
		c.wrong(path, "Keep one of percent, amount and times_points.", "the offer gives more than one thing")
	case o.GetTimesPoints() == 1:
		c.wrong(path+".times_points", "Write 2 or more.", "one times the points changes nothing")
	case o.GetAtMost() > 0 && o.GetPercent() == 0:
		c.doubtful(path+".at_most", "Leave it out.", "only a percentage is bounded by it")
	case o.GetPercent() == 10000 && o.GetAtMost() == 0:
		c.doubtful(path+".percent", "Add `at_most`, if that is not meant.", "it gives goods away without bound")
	}
}

// noQuestion refuses what only a survey has.
func (c *checker) noQuestion(path string, campaign *programmev1.Campaign) {
	if campaign.GetAsk() != nil {
		c.wrong(path+".ask", "Take it out, or make the campaign a survey.", "only a survey asks")
	}
	if campaign.GetThen() != nil {
		c.wrong(path+".then", "Take it out, or make the campaign a survey.", "only a survey has a question after it")
	}
}

// Days for which a customer who was asked is left in peace; asking sooner has no effect.
const (
	quietDays    = 90  // after any question
	quietDaysNPS = 180 // after the same question whether one would recommend us
)

// survey looks at a question.
func (c *checker) survey(path string, s *programmev1.Survey, campaign *programmev1.Campaign) {
	choice := s.GetKind() == programmev1.SurveyKind_SURVEY_KIND_CHOICE
	switch {
	case choice && len(s.GetChoices()) < 2:
		c.lacks(path+".survey", "Write `survey: {kind: choice, choices: [{nl: …, en: …}, …]}`.", "a choice question needs two to fifteen choices")
	case !choice && len(s.GetChoices()) > 0:
		c.wrong(path+".survey.choices", "Leave them out, or write `kind: choice`.", "only a choice question has choices")
	}
	quiet := int32(quietDays)
	if s.GetKind() == programmev1.SurveyKind_SURVEY_KIND_NPS {
		quiet = quietDaysNPS
	}
	if again := campaign.GetAsk().GetAgainAfterDays(); again > 0 && again < quiet {
		c.doubtful(path+".ask.again_after_days", "Write a longer time, or leave it out.",
			"nobody is asked this again within %d days, so %d has no effect", quiet, again)
	}
	c.followUp(path+".then", s.GetKind(), campaign.GetThen())
	c.asked(path, s.GetKind(), campaign)
}

// followUp looks at the question after a low answer.
func (c *checker) followUp(path string, kind programmev1.SurveyKind, then *programmev1.FollowUp) {
	if then == nil {
		return
	}
	switch kind {
	case programmev1.SurveyKind_SURVEY_KIND_NPS:
		if then.GetIfAtMost() == 10 {
			c.doubtful(path+".if_at_most", "Write 6 for those who would not recommend you.", "every answer is at most 10, so everybody is asked again")
		}
	case programmev1.SurveyKind_SURVEY_KIND_CSAT:
		if then.GetIfAtMost() < 1 || then.GetIfAtMost() > 4 {
			c.wrong(path+".if_at_most", "Write 1 to 4.", "answers go from 1 to 5")
		}
	case programmev1.SurveyKind_SURVEY_KIND_YES_NO, programmev1.SurveyKind_SURVEY_KIND_CHOICE:
		c.wrong(path, "Take it out, or ask for a figure (nps or csat).", "there is no low answer to a question without figures")
	case programmev1.SurveyKind_SURVEY_KIND_UNSPECIFIED:
	}
}

// condition looks at to whom and when.
func (c *checker) condition(path string, when *programmev1.Condition) {
	days := when.GetDaysSinceVisit()
	switch {
	case days == nil:
	case days.AtLeast != nil && days.GetAtLeast() < 0 || days.AtMost != nil && days.GetAtMost() < 0:
		c.wrong(path+".days_since_visit", "Write 0 or more.", "days since a visit are never fewer than none")
	case days.AtLeast != nil && days.AtMost != nil && days.GetAtMost() < days.GetAtLeast():
		c.wrong(path+".days_since_visit", "Let at_most be the larger one.", "no number of days is both at least %d and at most %d", days.GetAtLeast(), days.GetAtMost())
	}
	if when.GetAt() == programmev1.At_AT_START && len(when.GetBasket()) > 0 {
		c.doubtful(path+".basket", "Write `at: payment`, or leave `at` out.", "at the start of a sale the basket is empty")
	}
	for i, b := range when.GetBasket() {
		c.mayGiveOn(entry(path+".basket", i)+".group", b.GetGroup(), nil, "lead to an offer or question")
	}
	for i, name := range when.GetTraits() {
		c.trait(entry(path+".traits", i), name)
	}
}

// trait refuses a trait that a condition cannot use, or may not.
func (c *checker) trait(path, name string) {
	for _, t := range c.p.GetTraits() {
		switch {
		case t.GetName() != name:
		case t.GetPurpose() == programmev1.Purpose_PURPOSE_SAVING:
			c.wrong(path, "Ask customers for it for marketing, and say so under `traits`.", "`%s` was given for saving points, not for choosing whom to address", name)
		case t.GetType() != programmev1.TraitType_TRAIT_TYPE_YES_NO && t.GetType() != programmev1.TraitType_TRAIT_TYPE_UNSPECIFIED:
			c.wrong(path, "Use it in `also`, which can compare.", "`%s` is not a yes or no", name)
		}
	}
}
