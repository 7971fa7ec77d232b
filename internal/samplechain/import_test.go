package samplechain_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestHeadOfficeReadsWhatIsWritten imports the lists, by their mappings, without keeping anything: nothing may be rejected, and all totals
// must be the chain's own.
func TestHeadOfficeReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	c := chain(t, small)
	files, err := c.Write(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	office, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{Threads: 2, MemoryLimit: "1GB"})
	if err != nil {
		t.Fatal(err)
	}
	defer office.Close()
	dryRun := func(list warehouse.List, file, mapping string) *warehouse.ImportReport {
		t.Helper()
		m, err := warehouse.ReadMapping(mapping)
		if err != nil {
			t.Fatal(err)
		}
		report, err := office.Import(t.Context(), warehouse.ImportRequest{List: list, Files: []string{file}, Mapping: m, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		if report.RejectedRows() > 0 {
			t.Errorf("%s: rejected %v", list, report.Rejected)
		}
		return report
	}
	var lines, withoutCard, receipts, returns, cents, cards int64
	buyers := make(map[string]bool)
	for r := range c.Receipts() {
		receipts++
		cents += r.TotalMinor
		lines += int64(len(r.Lines))
		if r.Return {
			returns++
		}
		if r.Card == "" {
			withoutCard += int64(len(r.Lines))
		} else {
			buyers[r.Card] = true
		}
	}
	got := dryRun(warehouse.Receipts, files.Receipts, files.ReceiptsMapping).Receipts
	for _, total := range []struct {
		name      string
		got, want int64
	}{
		{"lines", got.Lines, lines},
		{"lines without customer", got.LinesWithoutCustomer, withoutCard},
		{"receipts", got.ReceiptCount, receipts},
		{"new receipts", got.NewReceipts, receipts},
		{"returns", got.ReturnReceipts, returns},
		{"customers", got.Customers, int64(len(buyers))},
		{"receipts of many times", got.ManyTimes, 0},
	} {
		if total.got != total.want {
			t.Errorf("%s: %d read, %d written", total.name, total.got, total.want)
		}
	}
	if want := fmt.Sprintf("%d.%02d", cents/100, cents%100); got.Amount != want {
		t.Errorf("amount %s read, %s written", got.Amount, want)
	}
	for customer := range c.Customers() {
		cards += int64(len(customer.Cards))
	}
	people := dryRun(warehouse.Customers, files.Customers, files.CustomersMapping).Customers
	if people.Customers != int64(small.Accounts) || people.Identifiers != cards {
		t.Errorf("%d customers with %d cards read, %d with %d written", people.Customers, people.Identifiers, small.Accounts, cards)
	}
}
