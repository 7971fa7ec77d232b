package till

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// What head office said in its lane, and what customers said in this store, over what was published.

// laneThrough is the last lane record the release has worked in.
func (c *call) laneThrough() uint64 { return c.release.Header.GetLaneThrough() }

// suppressed is an identifier under the key that never rotates: what the lane and the list of erased customers know it by.
func (c *call) suppressed(r identify.Reading) [16]byte {
	return identify.Hash(c.release.Store.GetContentKey(), r.Namespace, r.Canonical)
}

// forget leaves nothing of whom an identifier or a reference led to: they were erased. A receipt is then anybody's, and waits for nobody.
func (w *who) forget() {
	w.outcome, w.erased = tillv1.Outcome_OUTCOME_UNKNOWN_CARD, true
	w.hashes, w.merged, w.reading = nil, nil, identify.Reading{Outcome: identify.Card}
}

// urgent applies what the lane says about a scanned card. settled is true when nothing else is to be found out; unblocked when the card is no longer
// blocked, whatever the release says.
func (c *call) urgent(w *who) (settled, unblocked bool) {
	if !c.overlay.AboutCards() {
		return false, false
	}
	hash := c.suppressed(w.reading)
	if c.overlay.ErasedCard(hash) {
		w.forget()
		return true, false
	}
	blocked, said := c.overlay.BlockedCard(hash, c.laneThrough())
	if blocked {
		w.outcome = tillv1.Outcome_OUTCOME_BLOCKED
	}
	return blocked, said && !blocked
}

// fold adds what was published of an account that was merged into another. Tiers are ranked; the higher is kept.
func (c *call) fold(into, other *customerv1.Account) {
	if into.Loyalty == nil {
		into.Loyalty = &customerv1.LoyaltyState{}
	}
	l, o := into.GetLoyalty(), other.GetLoyalty()
	l.Balance, l.Pending = sum(l.GetBalance(), o.GetBalance()), sum(l.GetPending(), o.GetPending())
	l.QualifyingSpendMinor = sum(l.GetQualifyingSpendMinor(), o.GetQualifyingSpendMinor())
	l.QualifyingVisits = sum(l.GetQualifyingVisits(), o.GetQualifyingVisits())
	if l.GetTier() == "" || o.GetTier() != "" && c.tiers[o.GetTier()] > c.tiers[l.GetTier()] {
		l.Tier, l.TierSinceDay = o.GetTier(), o.GetTierSinceDay()
	}
	if e := o.GetNextExpiry(); e != nil && (l.GetNextExpiry() == nil || e.GetDay() < l.GetNextExpiry().GetDay()) {
		l.NextExpiry = e
	}
	if into.GetImported() == nil {
		into.Imported = other.GetImported()
	}
	foldValues(into, other.GetValues())
	mine, theirs := into.GetConsents(), other.GetConsents()
	into.Consents = &customerv1.Consents{
		Objected: mine.GetObjected() || theirs.GetObjected(), Profiling: mine.GetProfiling() && theirs.GetProfiling(),
		Marketing: mine.GetMarketing() && theirs.GetMarketing(), LinkedAnswers: mine.GetLinkedAnswers() && theirs.GetLinkedAnswers(),
	}
	into.Minor = into.GetMinor() || other.GetMinor()
	for _, group := range other.GetCustomerGroups() {
		if !slices.Contains(into.GetCustomerGroups(), group) {
			into.CustomerGroups = append(into.CustomerGroups, group)
		}
	}
}

func foldValues(into *customerv1.Account, other *customerv1.Values) {
	v := into.GetValues()
	if v == nil || other == nil {
		if v == nil {
			into.Values = other
		}
		return
	}
	v.LastReceiptDay, v.FirstReceiptDay = max(v.GetLastReceiptDay(), other.GetLastReceiptDay()), min(v.GetFirstReceiptDay(), other.GetFirstReceiptDay())
	v.Frequency, v.MonetaryMinor = sum(v.GetFrequency(), other.GetFrequency()), sum(v.GetMonetaryMinor(), other.GetMonetaryMinor())
}

// utterance is the newest objection and the newest agreement to a purpose.
type utterance struct{ objected, agreed time.Time }

func (s *utterance) hear(p *outcomev1.Preference) {
	at := &s.objected
	if p.GetAgreed() {
		at = &s.agreed
	}
	if said := p.GetOccurredAt().AsTime(); said.After(*at) {
		*at = said
	}
}

// consents are what the customer agrees to now: as published, and what was said since, in the lane and here.
func (c *call) consents(w *who, v *journal.View) (*customerv1.Consents, error) {
	heard := map[outcomev1.Purpose]*utterance{}
	language := time.Time{}
	hear := func(p *outcomev1.Preference) {
		switch p.GetPurpose() {
		case outcomev1.Purpose_PURPOSE_LANGUAGE:
			if at := p.GetOccurredAt().AsTime(); !at.Before(language) {
				language, w.account.Language = at, p.GetLanguage()
			}
			return
		case outcomev1.Purpose_PURPOSE_CARD_LOST:
			if !w.isLost(p.GetCard()) {
				return
			}
		default:
		}
		if heard[p.GetPurpose()] == nil {
			heard[p.GetPurpose()] = &utterance{}
		}
		heard[p.GetPurpose()].hear(p)
	}
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		c.overlay.Wishes(account, c.laneThrough(), hear)
		err := v.LocalPreferences(account, c.after, func(p *outcomev1.Preference) error {
			hear(p)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	published := w.account.GetConsents()
	if len(heard) == 0 {
		return published, nil
	}
	agreed := func(purpose outcomev1.Purpose, before bool) bool {
		if s := heard[purpose]; s != nil {
			return decision.Agreed(before, s.objected, s.agreed)
		}
		return before
	}
	w.lost = !agreed(outcomev1.Purpose_PURPOSE_CARD_LOST, true)
	return &customerv1.Consents{
		// Without a profile there is neither segment nor suggestion: who objects to that objects to all of it.
		Objected:      !agreed(outcomev1.Purpose_PURPOSE_ALL, !published.GetObjected()) || !agreed(outcomev1.Purpose_PURPOSE_PROFILING, true),
		Profiling:     agreed(outcomev1.Purpose_PURPOSE_PROFILING, published.GetProfiling()),
		Marketing:     agreed(outcomev1.Purpose_PURPOSE_MARKETING, published.GetMarketing()),
		LinkedAnswers: agreed(outcomev1.Purpose_PURPOSE_LINKED_ANSWERS, published.GetLinkedAnswers()),
	}, nil
}

// Anonymous is what may stay of a stored answer to a till once the customer it was about was erased.
func Anonymous([]byte) []byte {
	b, err := proto.Marshal(&tillv1.RecordReceiptResponse{Outcome: tillv1.Outcome_OUTCOME_UNKNOWN_CARD})
	if err != nil {
		return nil
	}
	return b
}
