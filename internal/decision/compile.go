package decision

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ErrCampaign is returned when a campaign cannot be decided about.
var ErrCampaign = errors.New("campaign cannot be used")

// Programme is a programme's campaigns, compiled. It is immutable and safe for use by many goroutines.
type Programme struct {
	campaigns []campaign // by priority class, then in the order of the document
	groups    int
	excluded  []uint64
	bounds    []bound
	rights    map[string]*right // by the customer group's code
	adding    bool              // discounts on one line are added up
	index     index
	variables map[string]variable // nil when no campaign has a further condition
	capped    bool
	surveys   bool
}

// campaign is one campaign, compiled.
type campaign struct {
	source    *programmev1.Campaign
	salt      string
	first     int32
	last      int32
	homeStore bool
	traits    []string
	basket    []basketNeed
	atLeast   int64 // days since the last visit; -1 for no bound
	atMost    int64
	perLife   int64
	holdout   int32
	offer     *offer
	survey    *survey      // nil for what is no question
	picture   *pictureNeed // nil when it asks for nothing of the kind
	also      *condition
	// asksDetails is set where the customer is asked for contact details.
	asksDetails bool
}

// basketNeed is a product group that must lie in the basket.
type basketNeed struct {
	group int
	milli int64 // pieces in thousandths; 0 for any
	spend int64 // minor units; 0 for any
}

// bound is the most all discounts on a product group may come to.
type bound struct {
	group int
	bp    int64
}

// Compile prepares a programme's campaigns. It returns ErrCampaign, with the campaign's code and what is wrong, for one that names a group
// the programme does not have, or whose condition cannot be evaluated.
func Compile(p *programmev1.Programme) (*Programme, error) {
	groups := make(map[string]int, len(p.GetGroups()))
	for i, group := range p.GetGroups() {
		groups[group.GetName()] = i
	}
	out := &Programme{groups: len(p.GetGroups()), excluded: setOf(groups, p.GetNoPointsNoOffers())}
	for _, r := range p.GetRestricted() {
		if group, ok := groups[r.GetGroup()]; ok {
			out.bounds = append(out.bounds, bound{group: group, bp: int64(r.GetAtMostPercent())})
		}
	}
	out.rights, out.adding = compileRights(p, groups), p.GetDiscountsTogether() == programmev1.Combining_COMBINING_ADD
	conditions := newConditions(p)
	for _, source := range p.GetCampaigns() {
		c, err := compileCampaign(source, groups, conditions)
		if err != nil {
			return nil, fmt.Errorf("campaigns %q: %w", source.GetCode(), err)
		}
		out.campaigns = append(out.campaigns, c)
		out.capped = out.capped || c.perLife > 0 || c.asksDetails
		out.surveys = out.surveys || c.survey != nil
	}
	out.variables = conditions.table
	slices.SortStableFunc(out.campaigns, func(a, b campaign) int {
		return cmp.Compare(b.source.GetPriority(), a.source.GetPriority())
	})
	out.index = newIndex(out.campaigns)
	return out, nil
}

// Capped reports whether any campaign rests on what the customer had before: how often, or that it was declined.
func (p *Programme) Capped() bool { return p.capped }

// Surveys reports whether any campaign asks customers something, now or ever.
func (p *Programme) Surveys() bool { return p.surveys }

// AsksDetails reports whether a campaign has the customer asked for contact details; nil does not.
func AsksDetails(c *programmev1.Campaign) bool {
	return c.GetPrompt().GetKind() == programmev1.PromptKind_PROMPT_KIND_VERIFY_DETAILS
}

// compileCampaign prepares one campaign.
func compileCampaign(in *programmev1.Campaign, groups map[string]int, conditions *conditions) (campaign, error) {
	when := in.GetWhen()
	c := campaign{
		source: in, salt: in.GetSalt(), first: in.GetRuns().GetFrom(), last: in.GetRuns().GetUntil(), homeStore: when.GetHomeStore(),
		traits: when.GetTraits(), atLeast: -1, atMost: -1, perLife: in.GetLimits().GetPerCustomer(), holdout: in.GetHoldoutPercent(),
	}
	c.asksDetails = AsksDetails(in)
	if c.salt == "" {
		c.salt = in.GetCode() // two campaigns never share who is left out
	}
	if bounds := when.GetDaysSinceVisit(); bounds != nil {
		if bounds.AtLeast != nil {
			c.atLeast = bounds.GetAtLeast()
		}
		if bounds.AtMost != nil {
			c.atMost = bounds.GetAtMost()
		}
	}
	for _, need := range when.GetBasket() {
		group, ok := groups[need.GetGroup()]
		if !ok {
			return campaign{}, fmt.Errorf("%w: its basket asks for the group %q, which the programme does not have", ErrCampaign, need.GetGroup())
		}
		c.basket = append(c.basket, basketNeed{group: group, milli: need.GetPieces() * 1000, spend: need.GetSpend()})
	}
	for _, name := range in.GetOffer().GetGroups() {
		if _, ok := groups[name]; !ok {
			return campaign{}, fmt.Errorf("%w: it is for the group %q, which the programme does not have", ErrCampaign, name)
		}
	}
	c.offer, c.survey, c.picture = compileOffer(in.GetOffer(), groups), compileSurvey(in), compilePicture(when)
	var err error
	if c.also, err = conditions.compile(when.GetAlso()); err != nil {
		return campaign{}, fmt.Errorf("%w: also: %w", ErrCampaign, err)
	}
	return c, nil
}

// setOf is the set of the named groups; nil for none.
func setOf(groups map[string]int, names []string) []uint64 {
	var set []uint64
	for _, name := range names {
		if i, ok := groups[name]; ok {
			if set == nil {
				set = make([]uint64, (len(groups)+63)/64)
			}
			set[i/64] |= 1 << (i % 64)
		}
	}
	return set
}

// meets reports whether two sets of groups share one.
func meets(a, b []uint64) bool {
	for i := range min(len(a), len(b)) {
		if a[i]&b[i] != 0 {
			return true
		}
	}
	return false
}

// has reports whether a set holds a group.
func has(set []uint64, group int) bool {
	return group/64 < len(set) && set[group/64]&(1<<(group%64)) != 0
}
