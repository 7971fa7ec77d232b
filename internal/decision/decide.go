package decision

import (
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Stage is where in the sale a verdict is asked for.
type Stage uint8

// The stages.
const (
	// Classify asks only what was scanned: nothing is suggested.
	Classify Stage = iota
	// Start is when the card comes.
	Start
	// Basket is while articles are scanned.
	Basket
	// Payment is when the customer is about to pay.
	Payment

	stages
)

// suits reports whether a campaign with this setting may speak at the stage.
func (s Stage) suits(at programmev1.At) bool {
	switch at {
	case programmev1.At_AT_START:
		return s == Start
	case programmev1.At_AT_PAYMENT:
		return s == Payment
	default:
		return s != Classify
	}
}

// Input is all that a verdict rests on.
type Input struct {
	// Account is who it is about; it decides who is in a holdout.
	Account [16]byte
	// Silenced tells that the customer may not be addressed: objected, without consent, under age.
	Silenced bool
	// Segment is the customer's; empty for none.
	Segment string
	// Tier is the customer's; empty for none.
	Tier string
	// HomeStore is the customer's own store; empty when unknown.
	HomeStore string
	// LastVisitDay is in days since 1970-01-01; 0 when the customer was never seen.
	LastVisitDay int32
	// Traits are what is known about the customer.
	Traits []*customerv1.Trait
	// Predictions are what is foretold of the customer; nil for nothing.
	Predictions *customerv1.Predictions
	// Picture is what the customer likes to buy; nil when nothing is known.
	Picture *customerv1.Picture
	// PointsAvailable are the customer's.
	PointsAvailable int64
	// Times tells how often the customer had a campaign, by code. Nil when nothing is known.
	Times map[string]int64
	// DetailsDeclinedDay is the last day on which the customer declined to give contact details or to have them checked, in days since
	// 1970-01-01; 0 for never.
	DetailsDeclinedDay int32

	// Asked is when the customer was last asked something.
	Asked LastAsked

	// Abilities are what the till can ask a question on.
	Abilities Abilities
	// Store is where it is asked.
	Store string
	// Day is the day there, in days since 1970-01-01.
	Day int32
	// Minute is the minute of the day there.
	Minute int32
	// Weekday is the day of the week there, 1 for Monday to 7 for Sunday.
	Weekday int32
	// ClockSuspect tells that Day, Minute and Weekday are not to be relied on: campaigns that rest on them are off.
	ClockSuspect bool
	// Stage is where in the sale.
	Stage Stage
	// Lines are the open basket's; nil when there is none yet.
	Lines []*outcomev1.Line
	// Groups are the product groups of each line: bit i for the i-th of the programme's.
	Groups [][]uint64
}

// Considered is one campaign that came into question, and what became of it.
type Considered struct {
	// Campaign is the campaign.
	Campaign *programmev1.Campaign
	// Reason is what became of it.
	Reason Reason
	// From is, of a reason that time alone ends, the first day on which it no longer holds, in days since 1970-01-01; 0 where none is known. Explain
	// tells it, Decide does not.
	From int32
}

// Verdict is what to say, and why.
type Verdict struct {
	// Campaign is the one that won; nil for none. When Reason is Holdout nothing is shown, and it is recorded as what would have been.
	Campaign *programmev1.Campaign
	// Reason is Won, Holdout, or why nothing is said.
	Reason Reason
	// Arm is the account's side where the campaign that won has a holdout.
	Arm outcomev1.Arm
	// Discounts are what an offer takes off, when a basket came.
	Discounts []LineDiscount
	// Considered are the campaigns that came into question, in order of choice: the first 32, and the one that won. Explain has them all.
	Considered []Considered
}

// maxConsidered bounds the reasons a verdict comes with, for every till asks for one with every lookup.
const maxConsidered = 32

// Shown is the campaign to put to the customer; nil for silence.
func (v *Verdict) Shown() *programmev1.Campaign {
	if v.Reason != Won {
		return nil
	}
	return v.Campaign
}

// Decide chooses the first campaign, by priority class and then in the order of the document, whose conditions all hold; or none. Campaigns
// that ask for another segment, store, tier or stage do not come into question; Explain has reasons for those too.
func (p *Programme) Decide(in *Input) Verdict {
	if in.Stage == Classify || in.Stage >= stages {
		return Verdict{Reason: NoStage}
	}
	if in.Silenced {
		return Verdict{Reason: Silenced}
	}
	v := Verdict{Reason: NothingMatched}
	look := look{p: p, in: in}
	p.index.candidates(in, func(i int) bool {
		c := &p.campaigns[i]
		reason := look.reason(c)
		if reason == Won {
			v.choose(c, &look)
			reason = v.Reason
		}
		if len(v.Considered) < maxConsidered || v.Campaign != nil {
			v.Considered = append(v.Considered, Considered{Campaign: c.source, Reason: reason})
		}
		return v.Campaign == nil
	})
	return v
}

// choose makes a campaign the winner. In its holdout it wins silence: the next one does not take its place, so that the two arms differ in
// this campaign alone.
func (v *Verdict) choose(c *campaign, look *look) {
	v.Campaign, v.Reason = c.source, Won
	if c.holdout > 0 {
		v.Arm = outcomev1.Arm_ARM_TREATMENT
		if In(Draw(ForArm, c.salt, look.in.Account), c.holdout) {
			v.Arm, v.Reason = outcomev1.Arm_ARM_HOLDOUT, Holdout
		}
	}
	if c.offer.takesOff() && len(look.in.Lines) > 0 {
		v.Discounts = look.p.discounts(c.offer, look.in)
	}
}

// Explain has a reason for every campaign, in order of choice: for the one that won, those behind it whose conditions hold too, and all
// the others.
func (p *Programme) Explain(in *Input) []Considered {
	out := make([]Considered, 0, len(p.campaigns))
	look := look{p: p, in: in}
	verdict := p.Decide(in)
	for i := range p.campaigns {
		c := &p.campaigns[i]
		reason := verdict.Reason
		switch {
		case reason == NoStage || reason == Silenced:
		case c.source == verdict.Campaign:
		default:
			if reason = look.indexed(c); reason == Unspecified {
				reason = look.reason(c)
			}
			if reason == Won {
				reason = Outranked
			}
		}
		out = append(out, Considered{Campaign: c.source, Reason: reason, From: look.from(c, reason)})
	}
	return out
}

// from is when a reason that time alone ends no longer holds.
func (l *look) from(c *campaign, reason Reason) int32 {
	switch {
	case reason == NotStarted:
		return c.first
	case reason == Quarantine && c.survey != nil:
		return l.freeFrom(c)
	case reason == Quarantine:
		return l.in.DetailsDeclinedDay + declinedDays
	case reason == VisitTooRecent && l.in.LastVisitDay != 0:
		return l.in.LastVisitDay + int32(min(c.atLeast, 1<<20))
	}
	return 0
}

// Discounts reckons what a campaign takes off the lines of a basket as it is now, whether or not the campaign would win again: a promise
// holds. Nil for campaigns that take nothing off.
func (p *Programme) Discounts(c *programmev1.Campaign, in *Input) []LineDiscount {
	for i := range p.campaigns {
		if own := &p.campaigns[i]; own.source == c && own.offer.takesOff() {
			return p.discounts(own.offer, in)
		}
	}
	return nil
}
