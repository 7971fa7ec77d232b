package clv_test

import (
	"testing"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

func TestBandKeepsToTheNext(t *testing.T) {
	t.Parallel()
	edges := clv.Edges{100, 200, 500, 1000}
	for _, test := range []struct {
		name string
		from int64
		v    float64
		want bool
	}{
		{"in its band", 200, 350, true},
		{"in the band below", 200, 100, true},
		{"below that", 200, 99.9, false},
		{"in the band above", 200, 999.9, true},
		{"above that", 200, 1000, false},
		{"below the first edge", 0, 0, true},
		{"from below into the first band", 0, 199, true},
		{"from below into the second", 0, 200, false},
		{"from the first to below it", 100, 0, true},
		{"the last has no end", 1000, 1e12, true},
		{"from the last but one there is one above", 500, 1e12, true},
		{"no band begins there", 150, 150, false},
	} {
		if got := edges.Keeps(test.from, test.v); got != test.want {
			t.Errorf("%s: Keeps(%d, %v) = %t, want %t", test.name, test.from, test.v, got, test.want)
		}
	}
	if (clv.Edges{}).Keeps(0, 0) {
		t.Error("without bands something stays")
	}
}

// TestIdleCustomersAreSeldomSentAnew follows the customers of the CDNOW sample through a year in which none of them buys, and counts on what
// share of days what is published of one changes: by bands alone, and when what was published stays until a value has left the bands beside it.
func TestIdleCustomersAreSeldomSentAnew(t *testing.T) {
	t.Parallel()
	const days = 365
	bands, spend := clv.DefaultBands(), clv.GammaGamma{P: 6.25, Q: 3.74, V: 1544}
	all := histories(t)
	var alone, kept int
	for i := 0; i < len(all); i += 20 { // 118 of them
		h := all[i]
		before := bands.Publish(clv.Predict(published2005, spend, h, 0))
		stands := before
		for range days {
			h.AgeDays++
			p := clv.Predict(published2005, spend, h, 0)
			now := bands.Publish(p)
			if now.AliveMillionths != before.AliveMillionths || now.ReceiptsThousandths != before.ReceiptsThousandths ||
				now.NextPurchaseDays != before.NextPurchaseDays || now.ValueMinor != before.ValueMinor {
				alone++
			}
			before = now
			if !bands.Alive.Keeps(stands.AliveMillionths, p.Alive*1e6) || !bands.Receipts.Keeps(stands.ReceiptsThousandths, p.Value.Receipts*1e3) ||
				!bands.NextPurchaseDays.Keeps(stands.NextPurchaseDays, float64(p.NextPurchaseDays)) ||
				!bands.Minor.Keeps(stands.ValueMinor, p.Value.Minor) {
				kept++
				stands = now
			}
		}
	}
	told := (len(all) + 19) / 20 * days
	share := func(n int) float64 { return 100 * float64(n) / float64(told) }
	t.Logf("of %d customer-days %.2f %% changed by bands alone, %.2f %% when what was published stays", told, share(alone), share(kept))
	if kept*3 > alone || kept*100 > told {
		t.Errorf("%d of %d customer-days send a customer anew, %d by bands alone: want at most a third, and one in a hundred", kept, told, alone)
	}
}
