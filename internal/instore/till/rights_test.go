package till_test

import (
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// rightsWorld is a store with staff at 20 %, and a gold tier with services.
func rightsWorld(t *testing.T, together programmev1.Combining) *world {
	t.Helper()
	w := newWorld(t)
	w.programme.DiscountsTogether = together
	w.programme.CustomerGroups = append(w.programme.CustomerGroups,
		&programmev1.CustomerGroup{Code: "personeel", Percent: 2000, AskProof: true, Gives: []string{"koffie"}, Name: names("Personeel", "Staff")})
	w.programme.Tiers[2].Gives = []string{"exchange_365_days", "koffie", "valet_parking"}
	w.programme.Services = []*programmev1.Service{{Code: "koffie", Name: names("Gratis koffie", "Free coffee")}}
	w.account(regular, &customerv1.Account{
		Imported: &customerv1.ImportedScores{Segment: "promising"}, CustomerGroups: []string{"personeel"},
		Loyalty: &customerv1.LoyaltyState{Balance: 1245, Tier: "goud"},
	})
	w.publish()
	return w
}

// basketOf is a lookup of timber and paint of 10.00 each.
func basketOf() func(*tillv1.LookupRequest) {
	return func(req *tillv1.LookupRequest) {
		req.Basket = &tillv1.Basket{Currency: "EUR", Lines: []*outcomev1.Line{line(1, "450", 6, 1000), line(2, "460", 1, 1000)}}
		req.Stage = tillv1.Stage_STAGE_PAYMENT
	}
}

// TestRightsAndOfferTogether: staff at 20 % and an offer of 20 % on paint; the points are those of what is then paid.
func TestRightsAndOfferTogether(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		together programmev1.Combining
		staff    []int64 // per line
		offer    int64   // on the paint
		points   int64
	}{
		{"the best one on each line", programmev1.Combining_COMBINING_BEST, []int64{200, 200}, 0, 16},
		{"added up", programmev1.Combining_COMBINING_ADD, []int64{200, 200}, 200, 14},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := rightsWorld(t, tc.together)
			got := w.lookup(cardRegular, ref("r1"), basketOf())
			var staff []int64
			for _, off := range got.GetEntitlements()[0].GetLineDiscounts() {
				staff = append(staff, off.GetAmountMinor())
			}
			var offered int64
			for _, off := range got.GetSuggestion().GetOffer().GetLineDiscounts() {
				offered += off.GetAmountMinor()
			}
			if len(staff) != 2 || staff[0] != tc.staff[0] || staff[1] != tc.staff[1] || offered != tc.offer || got.GetEstimatedPoints() != tc.points {
				t.Errorf("staff gets %v off, the offer %d, and %d points; want %v, %d and %d", staff, offered, got.GetEstimatedPoints(), tc.staff, tc.offer, tc.points)
			}
		})
	}
}

// TestServices: rights with a discount come first, then the services of tier and groups, each once and by its name.
func TestServices(t *testing.T) {
	t.Parallel()
	got := rightsWorld(t, programmev1.Combining_COMBINING_BEST).lookup(cardRegular, ref("r1")).GetEntitlements()
	want := []*tillv1.Entitlement{
		{Code: "personeel", Name: "Personeel", BasisPoints: 2000, AskProof: true},
		{Code: "exchange_365_days", Name: "365 dagen ruilen"},
		{Code: "koffie", Name: "Gratis koffie"},
		{Code: "valet_parking", Name: "valet parking"},
	}
	if len(got) != len(want) {
		t.Fatalf("rights %v", got)
	}
	for i, right := range want {
		if got[i].GetCode() != right.GetCode() || got[i].GetName() != right.GetName() || got[i].GetBasisPoints() != right.GetBasisPoints() || got[i].GetAskProof() != right.GetAskProof() {
			t.Errorf("right %d is %v, want %v", i, got[i], right)
		}
	}
}

// TestRightThatEnded: a group's right ends with its last day, in store time.
func TestRightThatEnded(t *testing.T) {
	t.Parallel()
	w := rightsWorld(t, programmev1.Combining_COMBINING_BEST)
	for _, tc := range []struct {
		until int32
		want  bool
	}{{today, true}, {today - 1, false}} {
		w.programme.CustomerGroups[1].Until = tc.until
		w.publish()
		got := w.lookup(cardRegular, ref("r1")).GetEntitlements()
		if has := got[0].GetCode() == "personeel"; has != tc.want {
			t.Errorf("until day %d the right is there: %v", tc.until, has)
		}
	}
}
