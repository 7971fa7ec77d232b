package warehouse_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// shopMapping reads an export as a till system in the Netherlands writes it.
const shopMapping = `
list: receipts
file: {delimiter: ";", decimals: comma, thousands: point}
time_zone: Europe/Amsterdam
receipt: [day, kassa, bon]
customer: {column: klant, is: external_id, anonymous: ["0"]}
columns:
  store: {constant: s01}
  till: kassa
  receipt_no: bon
  time: {column: [datum, tijd], format: D-M-YYYY HH:mm}
  sku: artikel
  quantity: aantal
  amount: bedrag
returns:
  - soort: [R]
not_merchandise:
  - artikel: {starts_with: "99"}
skip:
  - {reason: lines without value, where: {bedrag: {at_least: 0, at_most: 0}}}
`

const shopHeading = "datum;tijd;kassa;bon;klant;artikel;aantal;bedrag;soort"

// shop is what that shop exports: decimal commas, a receipt over two minutes with two equal lines, one after midnight with the number of the
// day before, an anonymous one, a return, a deposit, a line of nothing.
var shop = []string{
	"1-3-2024;9:58;1;17;K7;100;2;1.234,50;V",
	"1-3-2024;9:59;1;17;K7;100;2;1.234,50;V",
	"1-3-2024;9:59;1;17;K7;990;1;0,25;V",
	"1-3-2024;10:05;1;18;;200;0,345;4,4825;V",
	"1-3-2024;10:06;1;18;;201;1;0,00;V",
	"2-3-2024;0:01;1;17;K8;100;1;617,25;V",
	"2-3-2024;11:00;2;4;K7;100;-1;-617,25;R",
	"2-3-2024;12:00;2;5;0;\"say \"\"hé\"\"; €\";1;3;V",
}

// text is the export as a file's text.
func text(newline string, lines ...string) string {
	return shopHeading + newline + strings.Join(lines, newline) + newline
}

// shopRequest imports one file of the shop.
func shopRequest(t *testing.T, name, content string) warehouse.ImportRequest {
	t.Helper()
	return warehouse.ImportRequest{
		List: warehouse.Receipts, Files: []string{file(t, name, content)}, Mapping: mapping(t, shopMapping), Accounts: &register{},
		RejectedPath: filepath.Join(t.TempDir(), "rejected.csv"),
	}
}

// imported imports and returns the report.
func imported(t *testing.T, w *warehouse.Warehouse, request warehouse.ImportRequest) *warehouse.ImportReport {
	t.Helper()
	report, err := w.Import(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestFirstEvening(t *testing.T) {
	t.Parallel()
	want := warehouse.ReceiptTotals{
		Lines: 8, LinesWithoutCustomer: 3, ReturnLines: 1, NegativeLines: 1, ReturnReceipts: 1, ReceiptCount: 5, ManyTimes: 2,
		Customers: 2, Amount: "2476.7325", First: "2024-03-01", Last: "2024-03-02",
		Skipped: []warehouse.Count{{Reason: "lines without value", Rows: 1}}, NewReceipts: 5, NewLines: 7,
	}
	latin, err := charmap.Windows1252.NewEncoder().String(text("\r\n", shop...))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(text("\n", shop...))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w := open(t)
	for i, tc := range []struct{ name, file, text, mapping string }{
		{"as Unix writes it", "a.csv", text("\n", shop...), shopMapping},
		{"with CRLF", "b.csv", text("\r\n", shop...), shopMapping},
		{"with a byte order mark", "c.csv", "\ufeff" + text("\r\n", shop...), shopMapping},
		{"without a last newline", "d.csv", strings.TrimRight(text("\n", shop...), "\n"), shopMapping},
		{"packed", "e.csv.gz", packed.String(), shopMapping},
		{"with a name as browsers give", "export (1) [2]*.csv", text("\n", shop...), shopMapping},
		{"in windows-1252", "f[1].csv", latin, strings.Replace(shopMapping, "file: {", "file: {encoding: windows-1252, ", 1)},
		{"in another order", "g.csv", text("\n", backward(shop)...), shopMapping},
	} {
		request := shopRequest(t, tc.file, tc.text)
		request.Mapping = mapping(t, tc.mapping)
		request.DryRun = true
		report := imported(t, w, request)
		if i > 0 { // the first one was imported below
			want.NewReceipts, want.NewLines, want.KnownReceipts = 0, 0, 5
		}
		if !reflect.DeepEqual(*report.Receipts, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.name, *report.Receipts, want)
		}
		request.DryRun = false
		imported(t, w, request)
		if n := number(t, w, "select count(*) from lines"); n != 7 {
			t.Fatalf("%s: %d lines, want 7", tc.name, n)
		}
	}
	for query, want := range map[string]int64{
		"select count(*) from receipts": 5,
		"select count(*) from receipts where kind = 'return' and returned = -617.25 and sold = 0 and bought = 0":                    1,
		"select count(*) from receipts where receipt_no = '17' and bought = 2 and sold = 2469 and lines = 3":                        1,
		"select count(*) from receipts where receipt_no = '17' and sold_at = '2024-03-01 09:58:00'":                                 1,
		"select count(*) from receipts where account_id is null":                                                                    2,
		"select count(*) from lines where sku = 'say \"hé\"; €'":                                                                    1,
		"select count(*) from lines where quantity = 0.345 and amount = 4.4825":                                                     1,
		"select count(*) from lines where not merchandise and amount = 0.25":                                                        1,
		"select count(*) from accounts where external_id in ('K7', 'K8')":                                                           2,
		"select count(*) from lines join receipts using (receipt_id) where receipt_no = '17' and line_no in (1, 2) and sku = '100'": 3,
	} {
		if got := number(t, w, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestOtherContent(t *testing.T) {
	t.Parallel()
	w := open(t)
	imported(t, w, shopRequest(t, "first.csv", text("\n", shop...)))

	// Receipt 18 of day one has another amount, receipt 5 one line more; a receipt is new.
	changed := slices.Clone(shop)
	changed[3] = "1-3-2024;10:05;1;18;;200;0,345;4,49;V"
	changed = append(changed, "2-3-2024;12:00;2;5;0;300;1;1;V", "3-3-2024;9:00;1;1;K9;100;1;10;V")
	request := shopRequest(t, "second.csv", text("\n", changed...))
	report := imported(t, w, request)
	if r := report.Receipts; r.NewReceipts != 1 || r.KnownReceipts != 3 || r.OtherContent != 2 || r.ReplacedReceipts != 0 {
		t.Errorf("got %+v", *r)
	}
	rows := records(t, request.RejectedPath)
	if len(rows) != 4 || rows[1][1] != "5" || rows[2][1] != "9" || rows[3][1] != "10" || !strings.Contains(rows[1][2], "--replace") ||
		!slices.Equal(rows[1][3:], strings.Split(changed[3], ";")) {
		t.Errorf("rejected rows: %v", rows)
	}
	if n := number(t, w, "select count(*) from lines where amount = 4.4825"); n != 1 {
		t.Errorf("the receipt that was known does not stand")
	}

	request.Replace = true
	report = imported(t, w, request)
	if r := report.Receipts; r.NewReceipts != 0 || r.KnownReceipts != 4 || r.OtherContent != 0 || r.ReplacedReceipts != 2 {
		t.Errorf("replacing: %+v", *r)
	}
	if n := number(t, w, "select count(*) from lines where amount in (4.49, 1)"); n != 2 || len(report.Rejected) != 0 {
		t.Errorf("replacing: %d of 2 lines, rejected %v", n, report.Rejected)
	}
	if n := number(t, w, "select count(*) - count(distinct (store, till, business_date, receipt_no)) from receipts"); n != 0 {
		t.Errorf("%d receipts stand twice", n)
	}
	if n := number(t, w, "select count(*) from lines where receipt_id not in (select receipt_id from receipts)"); n != 0 {
		t.Errorf("%d lines lost their receipt", n)
	}
}

func TestRejectedRows(t *testing.T) {
	t.Parallel()
	w := open(t)
	lines := []string{
		shop[0], // row 2
		"1-3-2024;10:00;1;30;K1;1;1;1;V;too;much",    // 3
		"1-3-2024;10:00;1;31;K1;1;1;1.5;V",           // 4: a point is for thousands
		"1-3-2024;10:00;1;32;K1",                     // 5
		"1-3-2024;10:00;1;;K1;1;1;1;V",               // 6
		"2024-03-01;10:00;1;33;K1;1;1;1;V",           // 7
		"1-3-2024;10:00;1;34;K1;1;een;1;V",           // 8
		"31-2-2024;10:00;1;35;K1;1;1;1;V",            // 9
		"1-3-2024;10:00;1;36;K1;1;1;\xff;V",          // 10
		"1-3-2024;10:00;1;37;K1;1;1;1;V",             // 11
		"1-3-2024;10:00;1;37;K2;1;1;1;V",             // 12: another customer
		"1-3-2024;10:00;1;38;K1;1;1;9999999999999;V", // 13
		"1-3-2024;10:00;1;39;K1;1;1;1e3;V",           // 14
		shop[5],                                      // 15
	}
	request := shopRequest(t, "bad.csv", text("\n", lines...))
	report := imported(t, w, request)
	if report.Rows != 14 || report.RejectedRows() != 11 || report.Receipts.Lines != 5 || report.Receipts.NewReceipts != 3 {
		t.Errorf("%d rows, %d rejected, %+v", report.Rows, report.RejectedRows(), *report.Receipts)
	}
	want := map[string]string{
		"3": "more columns", "4": "amount is not a number", "5": "fewer columns", "6": "bon is empty", "7": "time is not written",
		"8": "quantity is not a number", "9": "time is not written", "10": "is not text", "11": "more than one customer",
		"12": "more than one customer", "14": "amount is not a number",
	}
	rows := records(t, report.RejectedPath)
	if len(rows) != len(want)+1 {
		t.Errorf("%d rejected rows, want %d", len(rows)-1, len(want))
	}
	for _, row := range rows[1:] {
		if reason := want[row[1]]; reason == "" || !strings.Contains(row[2], reason) || row[0] != request.Files[0] {
			t.Errorf("row %s: %s, want %q", row[1], row[2], reason)
		}
		delete(want, row[1])
	}
	if len(want) != 0 {
		t.Errorf("not rejected: %v", want)
	}

	// What was rejected, put right, is taken; what was good is passed over.
	request = shopRequest(t, "good.csv", text("\n", shop[0], "1-3-2024;10:00;1;31;K1;1;1;1,5;V"))
	if r := imported(t, w, request).Receipts; r.NewReceipts != 1 || r.KnownReceipts != 1 {
		t.Errorf("put right: %+v", *r)
	}
}

func TestRowIsReceipt(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := mapping(t, `
list: receipts
receipt: row
customer: {column: who, is: identifier, namespace: card}
columns:
  store: {constant: web}
  date: when
  amount: amount
`)
	rows := "who,when,amount\n1,2024-01-01,5\n1,2024-01-01,5\n2,2024-01-01,5\nx,2024-01-02,1\n"
	request := warehouse.ImportRequest{
		List: warehouse.Receipts, Files: []string{file(t, "a.csv", rows)}, Mapping: m, Accounts: &register{},
		Recognise: func(_, raw string) (string, bool) { return "00" + raw, raw != "x" },
	}
	if r := imported(t, w, request); r.Receipts.NewReceipts != 3 || r.RejectedRows() != 1 {
		t.Errorf("%+v, rejected %v", *r.Receipts, r.Rejected)
	}
	id := account("card", "001")
	if n := number(t, w, "select count(*) from receipts where account_id = $id::uuid", warehouse.Arg("id", hex(id))); n != 2 {
		t.Errorf("%d receipts on the card in its one form, want 2", n)
	}
	// The same rows in another order, one of them now three times.
	request.Files = []string{file(t, "b.csv", "who,when,amount\n2,2024-01-01,5\n1,2024-01-01,5\n1,2024-01-01,5\n1,2024-01-01,5\n")}
	if r := imported(t, w, request).Receipts; r.NewReceipts != 1 || r.KnownReceipts != 3 {
		t.Errorf("again: %+v", *r)
	}
}

func TestManyFiles(t *testing.T) {
	t.Parallel()
	w := open(t)
	request := shopRequest(t, "a.csv", text("\n", shop[:4]...))
	request.Files = append(request.Files, file(t, "b.csv", text("\r\n", append([]string{"bad"}, shop[4:]...)...)))
	report := imported(t, w, request)
	if r := report.Receipts; r.Lines != 8 || r.NewReceipts != 5 || report.Rows != 9 {
		t.Errorf("%d rows, %+v", report.Rows, *r)
	}
	if rows := records(t, report.RejectedPath); len(rows) != 2 || rows[1][0] != request.Files[1] || rows[1][1] != "2" {
		t.Errorf("rejected: %v", rows)
	}
	request.Files = []string{request.Files[0], file(t, "c.csv", "other;columns\n1;2\n")}
	if _, err := w.Import(t.Context(), request); !errors.Is(err, warehouse.ErrFile) {
		t.Errorf("files with other columns: %v", err)
	}
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, tc := range []struct {
		name   string
		change func(*warehouse.ImportRequest)
		want   error
		says   string
	}{
		{"another list", func(r *warehouse.ImportRequest) { r.List = warehouse.Customers }, warehouse.ErrWrongList, "reads receipts"},
		{"no file", func(r *warehouse.ImportRequest) { r.Files = nil }, warehouse.ErrFile, "no file"},
		{"an empty file", func(r *warehouse.ImportRequest) { r.Files = []string{file(t, "e.csv", "")} }, warehouse.ErrFile, "empty"},
		{"not packed", func(r *warehouse.ImportRequest) { r.Files = []string{file(t, "e.csv.gz", "a;b")} }, warehouse.ErrFile, ".gz"},
		{"no such column", func(r *warehouse.ImportRequest) {
			r.Files = []string{file(t, "e.csv", strings.Replace(text("\n", shop...), "bedrag", "totaal", 1))}
		}, warehouse.ErrFile, "`bedrag`"},
		{"a column twice", func(r *warehouse.ImportRequest) {
			r.Files = []string{file(t, "e.csv", strings.Replace(text("\n", shop...), "soort", "klant", 1))}
		}, warehouse.ErrFile, "klant"},
	} {
		request := shopRequest(t, "a.csv", text("\n", shop...))
		tc.change(&request)
		_, err := w.Import(t.Context(), request)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if n := number(t, w, "select count(*) from receipts"); n != 0 {
		t.Errorf("%d receipts were kept", n)
	}
}

// backward returns lines in the opposite order.
func backward(lines []string) []string {
	all := slices.Clone(lines)
	slices.Reverse(all)
	return all
}

// hex writes an id as SQL reads a UUID.
func hex(id [16]byte) string { return fmt.Sprintf("%x", id) }
