package warehouse_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestOnlineRetail reads a year of real receipts with the mapping that ships, first dry, then for good, then once more.
func TestOnlineRetail(t *testing.T) {
	t.Parallel()
	w := open(t)
	accounts := &register{}
	request := warehouse.ImportRequest{
		List: warehouse.Receipts, Files: []string{data(t, "online_retail/online_retail.csv.gz")},
		Mapping: shipped(t, "online-retail/mapping.yaml"), Accounts: accounts,
		RejectedPath: filepath.Join(t.TempDir(), "rejected.csv"),
	}
	// The source's own totals, as its README and its order form state them.
	totals := warehouse.ReceiptTotals{
		Lines: 541909, LinesWithoutCustomer: 135080, ReturnLines: 9288, ReturnReceipts: 3836, NegativeLines: 10624,
		ReceiptCount: 25900, ManyTimes: 43, Customers: 4372, Amount: "9747747.934", Currencies: []string{"GBP"},
		First: "2010-12-01", Last: "2011-12-09",
	}

	dry := request
	dry.DryRun = true
	report, err := w.Import(t.Context(), dry)
	if err != nil {
		t.Fatal(err)
	}
	got := *report.Receipts
	newReceipts, newLines := got.NewReceipts, got.NewLines
	if skipped := sum(got.Skipped); skipped+newLines != totals.Lines {
		t.Errorf("%d lines skipped and %d taken of %d", skipped, newLines, totals.Lines)
	}
	got.NewReceipts, got.NewLines, got.Skipped = 0, 0, nil
	if !reflect.DeepEqual(got, totals) {
		t.Errorf("dry run:\n got %+v\nwant %+v", got, totals)
	}
	if report.Rows != totals.Lines || len(report.Rejected) != 0 || report.RejectedPath != "" {
		t.Errorf("dry run: %d rows, rejected %v", report.Rows, report.Rejected)
	}
	if n := number(t, w, "select count(*) from receipts"); n != 0 || accounts.asked != 0 {
		t.Errorf("the dry run kept %d receipts and asked for %d accounts", n, accounts.asked)
	}

	report, err = w.Import(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Receipts; r.NewReceipts != newReceipts || r.NewLines != newLines {
		t.Errorf("took %d receipts with %d lines; the dry run said %d with %d", r.NewReceipts, r.NewLines, newReceipts, newLines)
	}
	before := state(t, w)
	// 4,371: of the 4,372 customers one has a single line, without a price.
	if before != [4]int64{newReceipts, newLines, 4371, 4371} || accounts.asked != 4371 {
		t.Errorf("holds %v: receipts, lines, accounts, customer numbers; asked for %d accounts", before, accounts.asked)
	}
	if n := number(t, w, "select count(distinct account_id) from receipts"); n != 4371 {
		t.Errorf("%d accounts have receipts, want 4371", n)
	}

	asked := accounts.asked
	report, err = w.Import(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Receipts; r.NewReceipts != 0 || r.KnownReceipts != newReceipts || r.OtherContent != 0 || len(report.Rejected) != 0 {
		t.Errorf("second import: %+v, rejected %v", r, report.Rejected)
	}
	if after := state(t, w); after != before || accounts.asked != asked {
		t.Errorf("the second import changed %v to %v", before, after)
	}
}

// state counts what a warehouse holds: receipts, lines, accounts, customer numbers.
func state(t *testing.T, w *warehouse.Warehouse) [4]int64 {
	t.Helper()
	return [4]int64{
		number(t, w, "select count(*) from receipts"),
		number(t, w, "select count(*) from lines"),
		number(t, w, "select count(*) from accounts"),
		number(t, w, "select count(distinct external_id) from accounts"),
	}
}

// sum adds up counts.
func sum(counts []warehouse.Count) int64 {
	var n int64
	for _, c := range counts {
		n += c.Rows
	}
	return n
}
