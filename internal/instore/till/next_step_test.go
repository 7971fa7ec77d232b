package till_test

import (
	"strings"
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// stepWorld is a store with a silver tier from 250.00 or ten visits, gold from 750.00 or 2,000 points, and a customer who spent 226.60 on eight
// visits: 23.40 or two visits short.
func stepWorld(t *testing.T, until int32, campaigns ...*programmev1.Campaign) *world {
	t.Helper()
	w := newWorld(t)
	visits := &programmev1.TierRule{Rule: &programmev1.TierRule_Visits{Visits: 10}}
	points := &programmev1.TierRule{Rule: &programmev1.TierRule_Points{Points: 2000}}
	w.programme.Tiers[1].ReachAny = append(w.programme.Tiers[1].ReachAny, visits)
	w.programme.Tiers[2].ReachAny = append(w.programme.Tiers[2].ReachAny, points)
	w.programme.Campaigns = campaigns
	w.account(regular, &customerv1.Account{
		Loyalty: &customerv1.LoyaltyState{
			Balance: 226, Tier: "groen", QualifyingSpendMinor: 22660, QualifyingVisits: 8, QualifyingPoints: 226, CountsUntilDay: until, TierUntilDay: until,
		},
	})
	w.publish()
	return w
}

// paying is a basket of so much, at payment.
func paying(amount int64) func(*tillv1.LookupRequest) {
	return func(req *tillv1.LookupRequest) {
		req.Basket = &tillv1.Basket{Currency: "EUR", Lines: []*outcomev1.Line{line(1, "300", 1, amount)}}
		req.Stage = tillv1.Stage_STAGE_PAYMENT
	}
}

// TestNextStep: what is missing for the next tier, before and with the open basket; what was booked here counts at once.
func TestNextStep(t *testing.T) {
	t.Parallel()
	w := stepWorld(t, today+9)
	got := w.lookup(cardRegular, ref("r1"), paying(1000)).GetLoyalty()
	if s := got.GetNextStep(); s.GetTier() != "zilver" || s.GetTierName() != "Zilver" || s.GetSpendMinor() != 2340 || s.GetVisits() != 2 || s.GetPoints() != 0 || s.GetUntil() != "2026-03-25" {
		t.Errorf("next step %v", s)
	}
	if s := got.GetNextStepWithBasket(); s.GetTier() != "zilver" || s.GetSpendMinor() != 1340 || s.GetVisits() != 1 {
		t.Errorf("with the basket %v", s)
	}
	if got.GetTierUntil() != "2026-03-25" {
		t.Errorf("the tier is kept until %q", got.GetTierUntil())
	}
	across := w.lookup(cardRegular, ref("r2"), paying(2340)).GetLoyalty()
	if s := across.GetNextStepWithBasket(); across.GetTier() != "groen" || s.GetTier() != "goud" || s.GetSpendMinor() != 50000 || s.GetVisits() != 0 || s.GetPoints() != 2000-226-23 {
		t.Errorf("to the cent across it is %q, then %v", across.GetTier(), s)
	}
	booked := w.record(receipt("1", cardRegular, line(1, "300", 1, 2340)))
	if booked.GetLoyalty().GetTier() != "zilver" || booked.GetLoyalty().GetNextStep().GetSpendMinor() != 50000 || booked.GetLoyalty().GetTierUntil() != "" {
		t.Errorf("booked %v", booked.GetLoyalty())
	}
	if shown := words(booked.GetCustomerDisplay()); shown != "Gefeliciteerd!|U bent nu Zilver" {
		t.Errorf("the display says %q", shown)
	}
}

// TestNextStepInWords: the prompt tells in figures what the fields say, and by when only where that is known and to come.
func TestNextStepInWords(t *testing.T) {
	t.Parallel()
	prompt := &programmev1.Campaign{Code: "bijna", Kind: &programmev1.Campaign_Prompt{Prompt: &programmev1.Prompt{Kind: programmev1.PromptKind_PROMPT_KIND_TIER_PROGRESS}}}
	own := &programmev1.Campaign{Code: "bijna", Kind: prompt.GetKind(), Say: &programmev1.Say{Cashier: names("Bijna Zilver", "Almost Silver")}}
	for _, tc := range []struct {
		name                  string
		until                 int32
		campaign              *programmev1.Campaign
		staff, display, paper string
	}{
		{"by money or visits, by when", today + 9, prompt, "Nog € 23,40 tot Zilver, voor 25-03", "Nog € 23,40|en u bent Zilver", "Nog € 23,40 of 2 bezoeken tot Zilver,|vóór 25-03."},
		{"when is not known", 0, prompt, "Nog € 23,40 tot Zilver", "Nog € 23,40|en u bent Zilver", "Nog € 23,40 of 2 bezoeken tot Zilver."},
		{"when is past", today - 1, prompt, "Nog € 23,40 tot Zilver", "Nog € 23,40|en u bent Zilver", "Nog € 23,40 of 2 bezoeken tot Zilver."},
		{"the retailer's own words stay", today + 9, own, "Bijna Zilver", "Nog € 23,40|en u bent Zilver", "Nog € 23,40 of 2 bezoeken tot Zilver,|vóór 25-03."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := stepWorld(t, tc.until, tc.campaign).lookup(cardRegular, ref("r1"))
			lines := got.GetReceipt().GetLines()
			if len(lines) > 0 && lines[len(lines)-1] != "" {
				lines = lines[:len(lines)-1] // the balance
			}
			plain := func(b *tillv1.TextBlock) string { return strings.ReplaceAll(words(b), "\u00a0", " ") }
			if staff, shown, paper := plain(got.GetStaff()), plain(got.GetCustomerDisplay()), plain(&tillv1.TextBlock{Lines: lines}); staff != tc.staff || shown != tc.display || paper != tc.paper {
				t.Errorf("said %q, %q and %q", staff, shown, paper)
			}
		})
	}
}
