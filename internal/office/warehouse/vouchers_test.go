package warehouse_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

const vouchersMapping = `
list: vouchers
file: {delimiter: semicolon, decimals: comma}
columns:
  code: bon
  store: winkel
  campaign: actie
  percent: procent
  amount: bedrag
  spend_at_least: vanaf
  groups: {column: groepen, separator: " "}
  valid_from: {column: van, format: DD-MM-YYYY}
  valid_until: {column: tot, format: DD-MM-YYYY}
skip: [{reason: used already, where: {status: op}}]
`

func day(t *testing.T, date string) int32 {
	t.Helper()
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		t.Fatal(err)
	}
	return int32(d.Unix() / 86400)
}

func openVouchers(t *testing.T, w *warehouse.Warehouse, on string) []warehouse.Voucher {
	t.Helper()
	var all []warehouse.Voucher
	for v, err := range w.Vouchers(t.Context(), day(t, on)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func TestVouchers(t *testing.T) {
	t.Parallel()
	w := open(t)
	text := "bon;winkel;actie;procent;bedrag;vanaf;groepen;van;tot;status\n" +
		"b1;s1;lente;;5,00;25,00;verf hout;01-03-2026;31-03-2026;open\n" + // taken
		"b2;s1;;12,5;;;;;31-12-2026;open\n" + // taken
		"b3;s2;;10;;;;;31-12-2026;op\n" + // used: left out
		"b1;s1;;10;;;;;31-12-2026;open\n" + // twice
		"b4;;;10;;;;;31-12-2026;open\n" + // no store
		"b5;s1;;10;5,00;;;;31-12-2026;open\n" + // two discounts
		"b6;s1;;;;;;;31-12-2026;open\n" + // none
		"b7;s1;;101;;;;;31-12-2026;open\n" + // more than all
		"b8;s1;;;5,00;;;;;open\n" + // no end
		"b9;s1;;;5,00;;;02-04-2026;31-03-2026;open\n" + // ends before it begins
		"?;s1;;;5,00;;;;31-12-2026;open\n" + // no code of ours
		";s1;;;5,00;;;;31-12-2026;open\n" // no code at all
	request := warehouse.ImportRequest{
		List: warehouse.Vouchers, Mapping: mapping(t, vouchersMapping), Files: []string{file(t, "vouchers.csv", text)},
		RejectedPath: filepath.Join(t.TempDir(), "no.csv"), DryRun: true,
		Recognise: func(namespace, raw string) (string, bool) {
			return raw, namespace == warehouse.VoucherNamespace && strings.HasPrefix(raw, "b")
		},
	}
	if _, err := w.Import(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if all := openVouchers(t, w, "2026-03-01"); len(all) != 0 {
		t.Errorf("a dry run keeps %v", all)
	}
	request.DryRun = false
	report, err := w.Import(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if c := report.Catalogue; report.Rows != 12 || c.Entries != 2 || c.New != 2 || c.Fields["campaign"] != 1 {
		t.Errorf("report: %d rows, %+v", report.Rows, c)
	}
	var reasons []string
	for _, r := range report.Rejected {
		reasons = append(reasons, r.Reason)
	}
	slices.Sort(reasons)
	want := []string{
		"it ends before it begins", "it says neither percent nor amount, or both", "it stands in the list before", "its code is not a voucher the programme knows",
		"percent does not lie between 0.01 and 100, or has more than two decimals", "the code is empty", "the last day is empty",
		"the store where it can be used is empty",
	}
	if !slices.Equal(reasons, want) || report.RejectedRows() != 9 {
		t.Errorf("%d rejected: %q", report.RejectedRows(), reasons)
	}
	if rejected := records(t, report.RejectedPath); len(rejected) != 10 {
		t.Errorf("rejected file: %q", rejected)
	}

	all := openVouchers(t, w, "2026-03-31")
	if len(all) != 2 {
		t.Fatalf("open: %+v", all)
	}
	one, two := all[0], all[1]
	if one.Code != "b1" || one.Store != "s1" || one.Campaign != "lente" || one.Amount != 50_000 || one.SpendAtLeast != 250_000 || one.Percent != 0 ||
		!slices.Equal(one.Groups, []string{"hout", "verf"}) || one.ValidFrom != day(t, "2026-03-01") || one.ValidUntil != day(t, "2026-03-31") {
		t.Errorf("b1: %+v", one)
	}
	if two.Code != "b2" || two.Percent != 1250 || two.Amount != 0 || two.ValidFrom != 0 || len(two.Groups) != 0 {
		t.Errorf("b2: %+v", two)
	}
	if all := openVouchers(t, w, "2026-04-01"); len(all) != 1 || all[0].Code != "b2" {
		t.Errorf("a day later: %+v", all)
	}

	// The same list again changes nothing.
	if report, err = w.Import(t.Context(), request); err != nil || report.Catalogue.Same != 2 || report.Catalogue.New+report.Catalogue.Changed != 0 {
		t.Errorf("again: %v, %+v", err, report.Catalogue)
	}
}
