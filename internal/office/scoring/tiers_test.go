package scoring_test

import (
	"fmt"
	"testing"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// ladder is halves with silver from 100.00 or three visits, kept 60 days, and gold from 500.00.
func ladder() *programmev1.Programme {
	p := halves()
	p.Tiers = []*programmev1.Tier{
		{Code: "green"},
		{Code: "silver", KeepDays: 60, ReachAny: []*programmev1.TierRule{
			{Rule: &programmev1.TierRule_Spend{Spend: 10000}}, {Rule: &programmev1.TierRule_Visits{Visits: 3}},
		}},
		{Code: "gold", ReachAny: []*programmev1.TierRule{{Rule: &programmev1.TierRule_Spend{Spend: 50000}}}},
	}
	return p
}

// TestTiersKept follows one customer's tier through the year, worked out by hand: what was bought counts twelve months, and silver is kept sixty
// days after that.
func TestTiersKept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		receipts []string // customer, store, day, number, pieces, amount
		asOf     string
		want     string // tier until, all that counts until
	}{
		{"nothing bought that reaches silver", []string{"A,s1,2024-03-10,1,1,99.99"}, "2024-06-30", "- until -, counts until 2025-03-09"},
		{"100.00 at once: a year to the day, and sixty days", []string{"A,s1,2024-03-10,1,1,100"}, "2024-06-30", "silver until 2025-05-08, counts until 2025-03-09"},
		{"on the last day of grace", []string{"A,s1,2024-03-10,1,1,100"}, "2025-05-08", "silver until 2025-05-08, counts until -"},
		{"the day after it is gone", []string{"A,s1,2024-03-10,1,1,100"}, "2025-05-09", "nobody"},
		{"two halves: until the first of them no longer counts", []string{"A,s1,2024-03-10,1,1,60", "A,s1,2024-05-20,2,1,60"}, "2024-06-30", "silver until 2025-05-08, counts until 2025-03-09"},
		{"the halves a year apart never stood together", []string{"A,s1,2023-05-20,1,1,60", "A,s1,2024-05-20,2,1,60"}, "2024-06-30", "- until -, counts until 2025-05-19"},
		{"three visits, two of them in one store on one day count once", []string{"A,s1,2024-03-10,1,1,1", "A,s1,2024-03-10,2,1,1", "A,s1,2024-04-10,3,1,1"}, "2024-06-30", "- until -, counts until 2025-03-09"},
		{"three visits", []string{"A,s1,2024-03-10,1,1,1", "A,s2,2024-03-10,2,1,1", "A,s1,2024-04-10,3,1,1"}, "2024-06-30", "silver until 2025-05-08, counts until 2025-03-09"},
		{"gold has no grace and ends before silver does", []string{"A,s1,2024-03-10,1,1,500", "A,s1,2024-06-01,2,1,100"}, "2024-06-30", "gold until 2025-03-09, counts until 2025-03-09"},
		{"and then silver is left", []string{"A,s1,2024-03-10,1,1,500", "A,s1,2024-06-01,2,1,100"}, "2025-03-10", "silver until 2025-07-30, counts until 2025-05-31"},
		{"29 February counts through 28 February", []string{"A,s1,2024-02-29,1,1,100"}, "2024-06-30", "silver until 2025-04-29, counts until 2025-02-28"},
		{"brought back: silver once, and its grace since", []string{"A,s1,2024-03-10,1,1,100", "A,s1,2024-03-20,2,-1,-100"}, "2024-05-18", "silver until 2024-05-18, counts until 2025-03-09"},
		{"until that is over as well", []string{"A,s1,2024-03-10,1,1,100", "A,s1,2024-03-20,2,-1,-100"}, "2024-05-19", "- until -, counts until 2025-03-09"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			list(t, w, warehouse.Receipts, tc.receipts...)
			p := ladder()
			score(t, w, p, tc.asOf)
			got := "nobody"
			for a, err := range w.Published(t.Context(), p) {
				if err != nil {
					t.Fatal(err)
				}
				if counts := a.Account.GetLoyalty().GetCountsUntilDay(); a.KeptTier != "" || counts != 0 {
					got = fmt.Sprintf("%s until %s, counts until %s", orDash(a.KeptTier), date(a.KeptUntilDay), date(counts))
				}
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func date(day int32) string {
	if day == 0 {
		return "-"
	}
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}
