package warehouse_test

import (
	"iter"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// sale is a receipt of store s01, till 1, on 1 March 2024, of two pieces for 12.50 and a deposit.
func sale(number string, card string) warehouse.Delivered {
	d := warehouse.Delivered{
		Journal: warehouse.Journal{ServerID: "s01-a", Incarnation: [16]byte{7}},
		Receipt: &outcomev1.RecordedReceipt{Receipt: &outcomev1.Receipt{
			Key:      &outcomev1.ReceiptKey{Store: "s01", Till: "1", BusinessDate: "2024-03-01", ReceiptNo: number},
			Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
			Currency: "EUR",
			EndedAt:  timestamppb.New(time.Date(2024, 3, 1, 8, 58, 0, 0, time.UTC)),
			Lines: []*outcomev1.Line{
				{No: 1, Sku: "100", QuantityMilli: 2000, NetMinor: 1250, DiscountMinor: 50, OnPromotion: true},
				{No: 2, Sku: "990", QuantityMilli: 1000, NetMinor: 25, NotMerchandise: true},
			},
		}},
	}
	if card != "" {
		d.AccountID = account("card", card)
	}
	return d
}

// delivered yields receipts with rising sequences from first.
func delivered(first uint64, all ...warehouse.Delivered) iter.Seq2[warehouse.Delivered, error] {
	return func(yield func(warehouse.Delivered, error) bool) {
		for i, d := range all {
			d.Sequence = first + uint64(i)
			if !yield(d, nil) {
				return
			}
		}
	}
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	w := open(t)
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	add := func(first uint64, all ...warehouse.Delivered) warehouse.DeliveredReport {
		t.Helper()
		report, err := w.AddDelivered(t.Context(), warehouse.DeliveredRequest{
			Receipts: delivered(first, all...), Decimals: 2, Zone: func(string) *time.Location { return amsterdam },
		})
		if err != nil {
			t.Fatal(err)
		}
		return *report
	}

	// Receipts 17 and 18 were imported before, 18 without a customer; 40 was not.
	imported(t, w, shopRequest(t, "a.csv", text("\n", shop...)))
	back := sale("41", "K1")
	back.Receipt.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN
	back.Receipt.Receipt.Original = sale("40", "").Receipt.GetReceipt().GetKey()
	back.Receipt.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "100", QuantityMilli: -2000, NetMinor: -1250}}
	if got := add(1, sale("17", "K1"), sale("18", "K1"), sale("40", "K1"), back, sale("40", "K1")); got != (warehouse.DeliveredReport{Added: 4, Known: 1, Imported: 2}) {
		t.Errorf("got %+v", got)
	}
	if got := add(6, sale("40", "K1"), sale("42", "")); got != (warehouse.DeliveredReport{Added: 1, Known: 1}) {
		t.Errorf("again: got %+v", got)
	}
	epoch := sale("40", "K1")
	epoch.Receipt = proto.CloneOf(epoch.Receipt)
	epoch.Receipt.Receipt.Key.TillEpoch = 1
	if got := add(8, epoch); got.Added != 1 {
		t.Errorf("a till that began anew: got %+v", got)
	}

	through, err := w.DeliveredThrough(t.Context())
	if err != nil || len(through) != 1 || through[epoch.Journal] != 8 {
		t.Errorf("taken in through %v, %v", through, err)
	}
	for query, want := range map[string]int64{
		"select count(*) from receipts where source = 'delivered'":                                                                              6,
		"select count(*) from receipts where source = 'delivered' and superseded":                                                               2,
		"select count(*) from receipts where source = 'imported' and receipt_no = '18' and account_id is not null":                              1,
		"select count(*) from receipts where source = 'delivered' and receipt_no = '40' and sold = 12.5 and bought = 1 and lines = 2":           2,
		"select count(*) from receipts where kind = 'return' and returned = -12.5 and original_receipt_no = '40'":                               1,
		"select count(*) from receipts where receipt_no = '42' and account_id is null and sold_at = '2024-03-01 09:58:00'":                      1,
		"select count(*) from lines join receipts using (receipt_id) where receipt_no = '42' and quantity = 2 and discount = 0.5 and promotion": 1,
		"select count(*) from accounts where external_id is null":                                                                               1,
	} {
		if got := number(t, w, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}

	// A list that tells of a delivered receipt afterwards stands for it, and leaves it its account.
	list := shopRequest(t, "b.csv", text("\n", "1-3-2024;9:58;1;40;;100;2;13,00;V"))
	list.RejectedPath = filepath.Join(t.TempDir(), "r.csv")
	if r := imported(t, w, list).Receipts; r.NewReceipts != 1 {
		t.Errorf("got %+v", *r)
	}
	if n := number(t, w, "select count(*) from receipts where receipt_no = '40' and not superseded and sold = 13 and account_id is not null"); n != 1 {
		t.Errorf("the imported receipt does not stand for the delivered one")
	}
}
