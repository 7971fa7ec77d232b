package till_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// A till that was set up anew counts from the beginning again: another clock and other goods under a key that is taken are another sale, which
// is kept beside the first and earns; sent again it is found. Other goods at the same moment stay a conflict.
func TestRecordReceiptReimagedTill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "450", 1, 1000)))
	other := receipt("1", cardRegular, line(1, "460", 2, 2500))
	if _, err := w.service.RecordReceipt(context.Background(), other); status.Code(err) != codes.AlreadyExists {
		t.Errorf("other goods at the same moment: %v", err)
	}
	other.Receipt.EndedAt = timestamppb.New(now.Add(11 * time.Minute))
	first := w.record(other)
	if first.GetPoints() != 25 || first.GetMeta().GetReplayed() || first.GetLoyalty().GetPointsAvailable() != 1245+10+25 {
		t.Errorf("of a till that was set up anew: %v", first)
	}
	again := w.record(other)
	if !again.GetMeta().GetReplayed() || again.GetPoints() != 25 {
		t.Errorf("the same again: %v", again)
	}
	rows := w.rows()
	if len(rows) != 3 || rows[2].GetReceipt().GetFork() != 1 || bytes.Equal(rows[2].GetReceipt().GetEntries()[0].GetEntryId(), rows[0].GetReceipt().GetEntries()[0].GetEntryId()) {
		t.Errorf("goes up as %v", rows)
	}
	same := receipt("1", cardTrade, line(1, "450", 1, 1000))
	same.Receipt.EndedAt = timestamppb.New(now.Add(time.Hour))
	if _, err := w.service.RecordReceipt(context.Background(), same); status.Code(err) != codes.AlreadyExists {
		t.Errorf("the same goods at another time: %v", err)
	}
}

// What was suggested for a sale whose receipt never came is kept half an hour later, and counts like what was shown.
func TestUnclaimedExposures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := basket(line(1, "450", 6, 6000), line(2, "460", 1, 2495))
	made := w.lookup(cardRegular, ref("left"), lines).GetSuggestion()
	w.lookup(cardRegular, ref("paid"), lines)
	paid := receipt("1", cardRegular, line(1, "450", 6, 6000))
	paid.Receipt.ReceiptRef = "paid"
	w.record(paid)
	keep := func() {
		t.Helper()
		if err := w.service.KeepUnclaimed(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	if rows := w.rows(); len(rows) != 1 {
		t.Fatalf("while the sale is open, %d rows", len(rows))
	}
	w.wait(31 * time.Minute)
	keep()
	keep()
	rows := w.rows()
	if len(rows) != 2 {
		t.Fatalf("%d rows go up, want the receipt and what was shown without one", len(rows))
	}
	e := rows[1].GetExposure()
	if e.GetExposure().GetSuggestionId() != made.GetId() || e.GetExposure().GetResponse() != outcomev1.Response_RESPONSE_SHOWN_ASSUMED || !e.GetShownAt().AsTime().Equal(now) {
		t.Errorf("goes up as %v", e)
	}
}
