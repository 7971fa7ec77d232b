package till

import (
	"math"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// standing is how a customer stands: what head office published, and what was booked here since.
type standing struct {
	silenced bool   // may not be addressed, and has no segment
	segment  string // empty for who is silenced, and where nothing is known
	balance  int64  // may be below zero
	pending  int64
	tier     string
	progress loyalty.Standing
	days     map[string]bool  // business days with a receipt here that no release has counted
	times    map[string]int64 // how often each campaign was had, as far as this store knows
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
		if !s.silenced {
			s.segment = c.segmentOf(w.account)
		}
		s.progress = loyalty.Standing{Spend: published.GetQualifyingSpendMinor(), Visits: published.GetQualifyingVisits(), Segment: s.segment}
	}
	subjects, err := c.subjects(w, v)
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		points, err := v.LocalPoints(subject, c.after)
		if err != nil {
			return nil, err
		}
		s.balance = sum(s.balance, points)
	}
	if err := c.recent(w, v, s, subjects); err != nil {
		return nil, err
	}
	s.tier = c.tierOf(w.account.GetLoyalty().GetTier(), s.progress)
	return s, nil
}

// recent adds what this store knows and no release has counted yet: spend and visits towards tiers, and which campaigns were had.
func (c *call) recent(w *who, v *journal.View, s *standing, subjects [][16]byte) error {
	if w.account == nil {
		return nil
	}
	if top := len(c.programme.GetTiers()) - 1; top > 0 && c.tiers[w.account.GetLoyalty().GetTier()] < top {
		s.days = map[string]bool{}
		for _, subject := range subjects {
			err := v.LocalReceipts(subject, c.after, func(r *outcomev1.RecordedReceipt) error {
				s.achieve(r.GetReceipt())
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	if !c.decide.Capped() {
		return nil
	}
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		err := v.LocalContacts(account, never, func(contact journal.Contact) error {
			if s.times == nil {
				s.times = map[string]int64{}
			}
			s.times[contact.Exposure.GetCampaign()]++
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

// segmentOf is the customer's segment: as imported, else by the release's cut points; a fall that is held back has not happened yet.
func (c *call) segmentOf(a *customerv1.Account) string {
	if code := a.GetImported().GetSegment(); code != "" {
		return code
	}
	if c.segments == nil {
		return ""
	}
	return c.segments.Current(a.GetValues(), a.GetMemory(), c.release.Header.GetCutPoints(), loyalty.Day(c.now))
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
		out.ExpiringOn = time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
	}
	return out
}

// tierName is a tier's public name.
func (c *call) tierName(code, language string) string {
	if i, ok := c.tiers[code]; ok {
		return named(c.programme.GetTiers()[i].GetName(), language)
	}
	return ""
}

// entitlements are the customer's standing rights.
func (c *call) entitlements(a *customerv1.Account, language string) []*tillv1.Entitlement {
	var out []*tillv1.Entitlement
	for _, code := range a.GetCustomerGroups() {
		if group := c.groups[code]; group != nil {
			out = append(out, &tillv1.Entitlement{Code: code, Name: named(group.GetName(), language), BasisPoints: group.GetPercent()})
		}
	}
	return out
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

// achieve adds a receipt to what counts towards tiers: the money of its merchandise, taken off again by a return, and for a sale a visit
// unless the day already had one.
func (s *standing) achieve(r *outcomev1.Receipt) {
	switch r.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		if day := r.GetKey().GetBusinessDate(); !s.days[day] {
			s.days[day] = true
			s.progress.Visits++
		}
	case outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
	default:
		return
	}
	for _, line := range r.GetLines() {
		switch net := line.GetNetMinor(); {
		case line.GetNotMerchandise():
		case net > 0 && r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID: // repeats the receipt it voids
			s.progress.Spend = sum(s.progress.Spend, -net)
		default:
			s.progress.Spend = sum(s.progress.Spend, net)
		}
	}
}
