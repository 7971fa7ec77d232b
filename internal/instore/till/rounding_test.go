package till_test

import (
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// paidInCash is a sale of one article whose total was rounded to five cents.
func paidInCash(no, card string, net, total int64) *tillv1.RecordReceiptRequest {
	sold := receipt(no, card, line(1, "300", 1, net))
	sold.Receipt.TotalMinor = total
	sold.Receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CASH, AmountMinor: total}}
	return sold
}

// TestCashRounding: a total that was rounded to a coin is recorded as it was paid, earns by what the programme counts, is one receipt however
// often it is sent, and its points come back to the point; claimed afterwards it brings the same.
func TestCashRounding(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		paid       bool // the programme counts what was paid
		net, total int64
		want       int64
	}{
		{"rounded up, and what was paid counts", true, 998, 1000, 10},
		{"rounded up, and the lines count", false, 998, 1000, 9},
		{"rounded down, and what was paid counts", true, 1002, 1000, 10},
		{"rounded down below a point", true, 1001, 999, 9},
		{"more apart than a coin is no rounding", true, 994, 1000, 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *programmev1.Programme) { p.Points.AfterCashRounding = tc.paid })
			first := w.record(paidInCash("1", cardRegular, tc.net, tc.total))
			if first.GetPoints() != tc.want || first.GetLoyalty().GetPointsAvailable() != 1245+tc.want {
				t.Fatalf("booked %d points, want %d: %v", first.GetPoints(), tc.want, first)
			}
			if again := w.record(paidInCash("1", cardRegular, tc.net, tc.total)); !again.GetMeta().GetReplayed() || again.GetPoints() != tc.want {
				t.Errorf("sent again: %v", again)
			}
			up := w.rows()[0].GetReceipt().GetReceipt()
			if up.GetTotalMinor() != tc.total || up.GetLines()[0].GetNetMinor() != tc.net || up.GetTenders()[0].GetAmountMinor() != tc.total {
				t.Errorf("goes up as %v", up)
			}
			brought := back("2", "1", cardRegular, returned(1, "300", 1, tc.net, 1))
			brought.Receipt.TotalMinor = -tc.total
			brought.Receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CASH, AmountMinor: -tc.total}}
			if got := w.record(brought); got.GetPoints() != -tc.want || got.GetLoyalty().GetPointsAvailable() != 1245 {
				t.Errorf("brought back: %v", got)
			}
			w.record(paidInCash("3", "", tc.net, tc.total))
			if claimed := w.claim("3", cardTrade); claimed.GetPoints() != tc.want {
				t.Errorf("claimed: %d points, want %d", claimed.GetPoints(), tc.want)
			}
		})
	}
}
