package till

import (
	"math"
	"slices"
	"strings"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/segment"
)

// standing is how a customer stands: what head office published, and what was booked here since.
type standing struct {
	silenced  bool   // may not be addressed, and has no segment
	segment   string // empty for who is silenced, and where nothing is known
	balance   int64  // may be below zero
	pending   int64
	tier      string
	progress  loyalty.Standing
	booked    int64              // points earned and taken back here that head office has not counted; what was spent lowers no tier
	redeemed  int64              // points spent here that head office has not counted, less those given back; below zero
	spendable int64              // points that this server would hold for the sale now
	visits    []segment.Visit    // what is known of them here
	seen      int32              // the last business day with a receipt, in days since 1970-01-01; 0 for none
	times     map[string]int64   // how often each campaign was had, as far as this store knows
	declined  int32              // the last day on which contact details were declined, in days since 1970-01-01; 0 for never
	sale      loyalty.Sale       // what the open basket's points are reckoned on, but for its goods
	asked     decision.LastAsked // when the customer was last asked something
}

// available is what may be spent.
func (s *standing) available() int64 {
	return max(0, s.balance-s.pending)
}

// stands reads how a customer stands.
func (c *call) stands(w *who, v *journal.View) (*standing, error) {
	s := &standing{}
	if w.account != nil {
		published := w.account.GetLoyalty()
		s.balance, s.pending = published.GetBalance(), published.GetPending()
		consents, err := c.consents(w, v)
		if err != nil {
			return nil, err
		}
		s.silenced = c.silenced(w.account, consents)
	}
	subjects, err := c.subjects(w, v)
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		local, err := v.LocalSums(subject, c.after)
		if err != nil {
			return nil, err
		}
		s.balance, s.booked = sum(s.balance, local.Points), sum(s.booked, local.Points-local.Redeemed)
		s.redeemed = sum(s.redeemed, local.Redeemed)
	}
	if w.account != nil {
		if s.visits, err = c.visits(v, subjects); err != nil {
			return nil, err
		}
		c.today(w.account, s)
		if err := c.contacts(w, v, s); err != nil {
			return nil, err
		}
		if err := c.lastAsked(w, v, s); err != nil {
			return nil, err
		}
	}
	s.tier = c.tierOf(w.account.GetLoyalty().GetTier(), s.progress)
	return s, nil
}

// contacts counts which campaigns were had, and notes when contact details were declined.
func (c *call) contacts(w *who, v *journal.View, s *standing) error {
	if !c.decide.Capped() && !c.couponsCapped {
		return nil
	}
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		err := v.LocalContacts(account, never, func(contact journal.Contact) error {
			if s.times == nil {
				s.times = map[string]int64{}
			}
			code := contact.Exposure.GetCampaign()
			s.times[code]++
			if known := c.campaigns[code]; known != nil && decision.AsksDetails(known.source) && contact.Exposure.GetResponse() == outcomev1.Response_RESPONSE_DECLINED {
				s.declined = max(s.declined, loyalty.Day(contact.At.In(c.place.zone)))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// never is the cut-off of a release that has counted nothing: what was shown is published nowhere, so the whole journal counts.
func never([16]byte) uint64 { return 0 }

// silenced reports whether a customer may not be addressed: who objected, is under age, or never agreed where the programme asks for that.
func (c *call) silenced(a *customerv1.Account, consents *customerv1.Consents) bool {
	if consents.GetObjected() || a.GetMinor() {
		return true
	}
	switch c.programme.GetProfiling() {
	case programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST:
		return false
	case programmev1.Profiling_PROFILING_CONSENT:
		return !consents.GetProfiling()
	default:
		return true // no basis was chosen
	}
}

// tierOf is the higher of the tier head office published and the one that what was done since reaches.
func (c *call) tierOf(published string, done loyalty.Standing) string {
	reached := loyalty.Tier(c.programme.GetTiers(), done)
	if published == "" || reached != "" && c.tiers[reached] > c.tiers[published] {
		return reached
	}
	return published
}

// loyaltyOf is points and status as a till shows them.
func (c *call) loyaltyOf(w *who, s *standing, language string) *tillv1.Loyalty {
	published := w.account.GetLoyalty()
	out := &tillv1.Loyalty{
		Tier: s.tier, TierName: c.tierName(s.tier, language), PointsAvailable: s.available(), PointsPending: s.pending,
		ExpiringPoints: published.GetNextExpiry().GetPoints(), AsOf: c.release.Header.GetDataAsOf(),
	}
	if day := published.GetNextExpiry().GetDay(); day != 0 {
		out.ExpiringOn = dateOf(day)
	}
	out.NextStep = c.nextStep(w.account, s.tier, s.progress, language)
	if day := published.GetTierUntilDay(); day != 0 && s.tier == published.GetTier() {
		out.TierUntil = dateOf(day)
	}
	return out
}

// nextStep is what is missing for the next tier; nil when there is none, or no way there that could be told. Until when is known only while no
// part of what counts has left the window.
func (c *call) nextStep(a *customerv1.Account, tier string, done loyalty.Standing, language string) *tillv1.NextStep {
	step, ok := loyalty.NextStep(c.programme.GetTiers(), tier, done)
	if !ok || a == nil {
		return nil
	}
	out := &tillv1.NextStep{Tier: step.Tier, TierName: c.tierName(step.Tier, language), SpendMinor: step.Spend, Visits: step.Visits, Points: step.Points}
	if day := a.GetLoyalty().GetCountsUntilDay(); day >= loyalty.Day(c.now) {
		out.Until = dateOf(day)
	}
	return out
}

// withBasket is how the customer would stand towards tiers, and in which one, once the basket is paid and so many points are earned with it. The
// segment stays what it is.
func (c *call) withBasket(w *who, s *standing, currency string, basket sale, points int64) (tier string, done loyalty.Standing) {
	bought := &outcomev1.Receipt{Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: currency, Lines: basket.lines}
	visit := c.counting.VisitOf(bought, loyalty.Day(c.now), segment.Returned{}, 0)
	published := w.account.GetLoyalty()
	more, spend := int64(0), visit.SpendMinor
	switch {
	case len(s.visits) > 0:
		more, spend = segment.Progress(append(slices.Clip(s.visits), visit))
	case visit.AllBought:
		more = 1
	}
	done = loyalty.Standing{
		Spend: sum(published.GetQualifyingSpendMinor(), spend), Visits: published.GetQualifyingVisits() + more, Segment: s.segment,
		Points: sum(s.progress.Points, points),
	}
	return c.tierOf(s.tier, done), done
}

// tierName is a tier's public name.
func (c *call) tierName(code, language string) string {
	if i, ok := c.tiers[code]; ok {
		return named(c.programme.GetTiers()[i].GetName(), language)
	}
	return ""
}

// entitlements are the customer's standing rights: the discounts of the customer's groups that have not ended, then the services of tier and
// groups.
func (c *call) entitlements(a *customerv1.Account, tier, language string) []*tillv1.Entitlement {
	var out []*tillv1.Entitlement
	var services []string
	if i, ok := c.tiers[tier]; ok {
		services = append(services, c.programme.GetTiers()[i].GetGives()...)
	}
	for _, code := range a.GetCustomerGroups() {
		group := c.groups[code]
		if group == nil || group.GetUntil() != 0 && loyalty.Day(c.now) > group.GetUntil() {
			continue
		}
		out = append(out, &tillv1.Entitlement{
			Code: code, Name: named(group.GetName(), language), BasisPoints: group.GetPercent(), AskProof: group.GetAskProof(),
		})
		services = append(services, group.GetGives()...)
	}
	for i, code := range services {
		if !slices.Contains(services[:i], code) {
			out = append(out, &tillv1.Entitlement{Code: code, Name: c.serviceName(code, language)})
		}
	}
	return out
}

// serviceName is what customers read of a service: as the programme calls it, else by a ready-made name, else its code.
func (c *call) serviceName(code, language string) string {
	if name := named(c.services[code].GetName(), language); name != "" {
		return name
	}
	if tongue := c.tongues[language]; tongue != nil {
		if name := tongue.say("service_"+code, receipt, &public{}); name != "" {
			return name
		}
	}
	return strings.ReplaceAll(code, "_", " ")
}

// shownSegment is the segment for the cashier, where the programme shows it; nil for who is silenced.
func (c *call) shownSegment(s *standing, language string) *tillv1.Segment {
	if s.segment == "" || s.silenced || !c.programme.GetShowSegmentToCashier() {
		return nil
	}
	known := c.named[s.segment]
	return &tillv1.Segment{Code: s.segment, Name: named(known.GetName(), language), Hint: named(known.GetHint(), language)}
}

// sum adds points and holds the result within what fits.
func sum(a, b int64) int64 {
	switch total := a + b; {
	case a > 0 && b > 0 && total < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && total >= 0:
		return math.MinInt64
	default:
		return total
	}
}
