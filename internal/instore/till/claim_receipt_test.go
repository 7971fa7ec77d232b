package till_test

import (
	"context"
	"testing"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// claim claims a receipt of 16 March for a card.
func (w *world) claim(no, card string) *tillv1.ClaimReceiptResponse {
	w.t.Helper()
	out, err := w.service.ClaimReceipt(context.Background(), &tillv1.ClaimReceiptRequest{
		Caller: &tillv1.Caller{Till: "4"}, StaffLanguage: "en", Customer: &tillv1.ClaimReceiptRequest_Identifier{Identifier: typed(card)},
		Receipt: &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: no},
	})
	if err != nil {
		w.t.Fatalf("claim: %v", err)
	}
	return out
}

// The sale was on a Monday morning, when points are doubled; it is claimed on Thursday afternoon, when they are not.
func TestClaimReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *programmev1.Programme) {
		p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{Name: "quiet", Times: 2, Days: []programmev1.Weekday{programmev1.Weekday_WEEKDAY_MON}})
	})
	w.record(receipt("1", "", line(1, "450", 1, 1050), line(2, "460", 1, 2050)))
	w.wait(3*24*time.Hour + 4*time.Hour)
	got := w.claim("1", cardRegular)
	if got.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_CLAIMED || got.GetPoints() != 62 || got.GetLoyalty().GetPointsAvailable() != 1245+62 {
		t.Fatalf("claimed: %v", got)
	}
	if words(got.GetStaff()) != "Booked: 62 points" || words(got.GetReceipt()) != "Gespaard op uw eerdere bon: 62|Nieuw saldo: 1.307 punten" {
		t.Errorf("says %q and %q", words(got.GetStaff()), words(got.GetReceipt()))
	}
	if again := w.claim("1", cardRegular); again.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED || again.GetPoints() != 62 || !again.GetMeta().GetReplayed() {
		t.Errorf("again: %v", again)
	}
	if other := w.claim("1", cardTrade); other.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED || other.GetPoints() != 0 || words(other.GetStaff()) != "This receipt was claimed before" {
		t.Errorf("by another customer: %v", other)
	}
	if balance := w.lookup(cardRegular, ref("")).GetLoyalty().GetPointsAvailable(); balance != 1245+62 {
		t.Errorf("%d points at the next lookup", balance)
	}
	row := w.rows()[1].GetReceipt()
	if row.GetReceipt().GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM || [16]byte(row.GetAccountId()) != regular || row.GetReceipt().GetOriginal().GetReceiptNo() != "1" || len(row.GetReceipt().GetLines()) != 0 {
		t.Errorf("goes up as %v", row)
	}
	// What is brought back of it takes its points with it, to the point.
	if returned := w.record(back("2", "1", cardRegular, returned(2, "460", 1, 2050, 2))); returned.GetPoints() != -41 {
		t.Errorf("the return takes %d points back, want 41", returned.GetPoints())
	}
	if rest := w.record(back("3", "1", cardRegular, returned(1, "450", 1, 1050, 1))); rest.GetPoints() != -21 || rest.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Errorf("the rest: %d points, then %d", rest.GetPoints(), rest.GetLoyalty().GetPointsAvailable())
	}
}

func TestClaimReceiptRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("anonymous", "", line(1, "450", 1, 1000)))
	w.record(receipt("somebody's", cardTrade, line(1, "450", 1, 1000)))
	w.record(receipt("returned", "", line(1, "450", 1, 1000), line(2, "460", 1, 1000)))
	w.record(back("back", "returned", "", returned(1, "450", 1, 1000, 1)))
	training := receipt("training", "", line(1, "450", 1, 1000))
	training.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
	w.record(training)
	for _, tc := range []struct {
		name, no, card, staff string
		want                  tillv1.ClaimResult
	}{
		{"unknown receipt", "none", cardRegular, "Receipt not found in this store", tillv1.ClaimResult_CLAIM_RESULT_UNKNOWN_RECEIPT},
		{"had a card", "somebody's", cardRegular, "This receipt was claimed before", tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED},
		{"goods came back", "returned", cardRegular, "No points on this receipt", tillv1.ClaimResult_CLAIM_RESULT_NOT_CLAIMABLE},
		{"a return", "back", cardRegular, "No points on this receipt", tillv1.ClaimResult_CLAIM_RESULT_NOT_CLAIMABLE},
		{"training", "training", cardRegular, "Receipt not found in this store", tillv1.ClaimResult_CLAIM_RESULT_UNKNOWN_RECEIPT},
		{"unknown card", "anonymous", cardUnknown, "Card unknown. Go on", tillv1.ClaimResult_CLAIM_RESULT_NO_CUSTOMER},
	} {
		if got := w.claim(tc.no, tc.card); got.GetResult() != tc.want || words(got.GetStaff()) != tc.staff || got.GetPoints() != 0 {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if rows := w.rows(); len(rows) != 5 {
		t.Errorf("%d rows, want the five receipts alone", len(rows))
	}
	w.wait(15 * 24 * time.Hour)
	if late := w.claim("anonymous", cardRegular); late.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_TOO_LATE || words(late.GetStaff()) != "Too late: receipt older than 14 days" || words(late.GetCustomerDisplay()) != "Bon is te oud:|hoogstens 14 dagen" {
		t.Errorf("after 15 days: %v", late)
	}
}

// A new card may claim too, on the fourteenth day.
func TestClaimReceiptNewCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", "", line(1, "450", 1, 1000)))
	w.wait(14 * 24 * time.Hour)
	if got := w.claim("1", cardNew); got.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_CLAIMED || got.GetPoints() != 10 {
		t.Errorf("claimed: %v", got)
	}
	if after := w.lookup(cardNew, ref("")); after.GetLoyalty().GetPointsAvailable() != 10 {
		t.Errorf("then: %v", after.GetLoyalty())
	}
}
