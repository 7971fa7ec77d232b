package till_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// voidOf voids a receipt that was closed.
func voidOf(no, original string) *tillv1.RecordReceiptRequest {
	req := back(no, original, cardRegular)
	req.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
	return req
}

// TestVoidedReturns: goods whose return is voided are out again, once, and may come back again.
func TestVoidedReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	points := func() int64 { return w.lookup(cardRegular).GetLoyalty().GetPointsAvailable() }
	w.record(receipt("1", cardRegular, line(1, "300", 3, 4700)))
	w.record(back("2", "1", cardRegular, returned(1, "300", 1, 1567, 1)))
	if got := w.record(voidOf("3", "2")); got.GetPoints() != 15 || got.GetProvisional() || points() != 1292 {
		t.Errorf("voided: %d points, %d in all", got.GetPoints(), points())
	}
	if got := w.record(voidOf("4", "2")); got.GetPoints() != 0 || points() != 1292 {
		t.Errorf("voided twice: %d points, %d in all", got.GetPoints(), points())
	}
	if got := w.record(back("5", "1", cardRegular, returned(1, "300", 3, 4700, 1))); got.GetPoints() != -47 || points() != 1245 {
		t.Errorf("brought back after all: %d points, %d in all", got.GetPoints(), points())
	}
	if got := w.record(voidOf("6", "4")); got.GetPoints() != 0 || points() != 1245 {
		t.Errorf("a void of a void: %d points, %d in all", got.GetPoints(), points())
	}
}

// TestVoidedExchange: what it earned goes, and what it took comes back.
func TestVoidedExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	swap := receipt("2", cardRegular, returned(1, "300", 1, 4700, 1), line(2, "301", 1, 6050))
	swap.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: "1"}
	w.record(swap)
	if got := w.record(voidOf("3", "2")); got.GetPoints() != -13 || got.GetLoyalty().GetPointsAvailable() != 1292 {
		t.Errorf("voided for %d points, %d in all", got.GetPoints(), got.GetLoyalty().GetPointsAvailable())
	}
	if again := w.record(back("4", "1", cardRegular, returned(1, "300", 1, 4700, 1))); again.GetPoints() != -47 {
		t.Errorf("the article that is out again took %d", again.GetPoints())
	}
}

// TestExchangeAcrossCustomers: what one customer bought and another exchanges is left to head office; what the other buys counts at once.
func TestExchangeAcrossCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	swap := receipt("2", cardObjected, returned(1, "300", 1, 4700, 1), line(2, "301", 1, 6050))
	swap.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: "1"}
	if got := w.record(swap); got.GetPoints() != 60 || !got.GetProvisional() || got.GetLoyalty().GetPointsAvailable() != 70 {
		t.Errorf("exchanged: %v", got)
	}
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Errorf("the buyer has %d points before head office settled it", got)
	}
}

// TestMixedReceipt: goods of no known sale that come back on a sale lessen what it earns.
func TestMixedReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.record(receipt("1", cardRegular, line(1, "300", 1, 4700), returned(2, "301", 1, 1200, 0))); got.GetPoints() != 35 {
		t.Errorf("earned %d", got.GetPoints())
	}
	if got := w.record(receipt("2", cardRegular, line(1, "300", 1, 1000), returned(2, "301", 1, 1200, 0))); got.GetPoints() != 0 {
		t.Errorf("more came back than was bought: earned %d", got.GetPoints())
	}
}

// TestMergedCustomersReturn: what was exchanged on the account that remains is not taken back again of the sale that the other one made.
func TestMergedCustomersReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardNew, line(1, "300", 1, 4700)))
	w.card(cardNew, &customerv1.Identifier{AccountIds: [][]byte{second[:]}})
	w.publish()
	swap := receipt("2", cardNew, returned(1, "300", 1, 4700, 1), line(2, "301", 1, 6050))
	swap.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: "1"}
	if got := w.record(swap); got.GetPoints() != 13 {
		t.Fatalf("exchanged for %d", got.GetPoints())
	}
	if got := w.record(back("3", "1", cardNew, returned(1, "300", 1, 4700, 1))); got.GetPoints() != 0 {
		t.Errorf("the exchanged article took %d once more", got.GetPoints())
	}
}

// TestTraining: practice is recorded, answered alike when it is sent again, changes nothing, and leaves number and promise to the real sale.
func TestTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(regular, &customerv1.Account{Imported: &customerv1.ImportedScores{Segment: "champions"}, Loyalty: &customerv1.LoyaltyState{Balance: 1245}})
	w.publish()
	w.lookup(cardRegular, basket(line(1, "300", 1, 4750)))
	practice := receipt("1", cardRegular, line(1, "300", 1, 100000))
	practice.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
	if got := w.record(practice); got.GetPoints() != 0 || len(got.GetReceipt().GetLines()) != 0 {
		t.Errorf("practice: %v", got)
	}
	if got := w.record(practice); !got.GetMeta().GetReplayed() {
		t.Error("practice sent again is not known")
	}
	if got := w.record(receipt("1", cardRegular, line(1, "300", 1, 4750))); got.GetPoints() != 95 || got.GetMeta().GetReplayed() {
		t.Errorf("the real sale with the same number: %v", got)
	}
	if got := w.lookup(cardRegular, ref("r2")).GetLoyalty(); got.GetPointsAvailable() != 1340 || got.GetTier() != "groen" {
		t.Errorf("afterwards: %v", got)
	}
}

// TestParked: what a card nobody knows would have earned goes up, and counts for nobody here.
func TestParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := receipt("1", cardUnknown, line(1, "300", 1, 4700))
	if got := w.record(req); got.GetPoints() != 0 || !got.GetProvisional() {
		t.Errorf("recorded %v", got)
	}
	row := w.rows()[0].GetReceipt()
	if len(row.GetEntries()) != 0 || len(row.GetParked()) != 1 || row.GetParked()[0].GetPoints() != 47 ||
		string(row.GetParked()[0].GetIdHash()) != string(w.hash(cardUnknown)) {
		t.Errorf("row %v", row)
	}
	if got := w.record(back("2", "1", "", returned(1, "300", 1, 4700, 1))); got.GetPoints() != 0 || !got.GetProvisional() {
		t.Errorf("its return: %v", got)
	}
	// Once it is registered, head office counts it; this store's own books know nothing of it.
	w.card(cardUnknown, &customerv1.Identifier{AccountIds: [][]byte{second[:]}})
	w.publish()
	if got := w.lookup(cardUnknown).GetLoyalty().GetPointsAvailable(); got != 0 {
		t.Errorf("%d points that head office has not counted", got)
	}
}

// TestOutdated: a receipt from before this server's memory is head office's to count, and so is the return of an old sale.
func TestOutdated(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]int64{3: 47, 120: 47, 121: 0, 200: 0} {
		w := newWorld(t)
		req := receipt("1", cardRegular, line(1, "300", 1, 4700))
		ended := now.AddDate(0, 0, -days)
		req.Receipt.Key.BusinessDate, req.Receipt.EndedAt = ended.Format(time.DateOnly), timestamppb.New(ended)
		got := w.record(req)
		if got.GetPoints() != want || got.GetProvisional() != (want == 0) || w.lookup(cardRegular).GetLoyalty().GetPointsAvailable() != 1245+want {
			t.Errorf("%d days old: %v", days, got)
		}
		row := w.rows()[0].GetReceipt()
		if all := append(row.GetEntries(), row.GetParked()...); len(all) != 1 || all[0].GetPoints() != 47 || len(row.GetParked()) != 0 != (want == 0) {
			t.Errorf("%d days old: row %v", days, row)
		}
	}
}

// TestLateReceipt: the hours and days of rules are those of the sale, whenever its receipt comes; a till that does not say when goes by the day.
func TestLateReceipt(t *testing.T) {
	t.Parallel()
	friday := now.AddDate(0, 0, -3)
	for _, tc := range []struct {
		name  string
		ended *timestamppb.Timestamp
		want  int64
	}{
		{"in the bonus hour", timestamppb.New(friday), 94},
		{"an hour later", timestamppb.New(friday.Add(time.Hour)), 47},
		{"no time told: noon of that day", nil, 47},
	} {
		w := newWorld(t, func(p *programmev1.Programme) {
			p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{
				Name: "vrijdag", Times: 2, Days: []programmev1.Weekday{programmev1.Weekday_WEEKDAY_FRI}, Hours: &programmev1.Hours{FromMinute: 11 * 60, UntilMinute: 12 * 60},
			})
		})
		req := receipt("1", cardRegular, line(1, "300", 1, 4700))
		req.Receipt.Key.BusinessDate, req.Receipt.EndedAt = friday.Format(time.DateOnly), tc.ended
		if got := w.record(req); got.GetPoints() != tc.want {
			t.Errorf("%s: %d points, want %d", tc.name, got.GetPoints(), tc.want)
		}
	}
}

// TestRecalledElsewhere: a sale that is suspended at one till and recalled at another keeps what it was promised, and is booked under one key.
func TestRecalledElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(regular, &customerv1.Account{Imported: &customerv1.ImportedScores{Segment: "champions"}, Loyalty: &customerv1.LoyaltyState{Balance: 1245}})
	w.publish()
	w.lookup(cardRegular, basket(line(1, "300", 1, 4750)))
	w.programme.Campaigns = w.programme.Campaigns[:1]
	w.publish()
	w.wait(20 * time.Minute)
	req := receipt("77", cardRegular, line(1, "300", 1, 4750))
	req.Caller.Till, req.Receipt.Key.Till = "4", "4"
	if got := w.record(req); got.GetPoints() != 95 {
		t.Errorf("the promise was forgotten: %d points", got.GetPoints())
	}
	if _, err := w.service.RecordReceipt(context.Background(), receipt("77", cardRegular, line(1, "300", 1, 4750))); status.Code(err) != codes.OK {
		t.Errorf("another till's own receipt of that number: %v", err)
	}
}
