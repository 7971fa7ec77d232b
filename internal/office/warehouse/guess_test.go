package warehouse_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestGuess guesses mappings of files as they are found, and imports by them as they stand.
func TestGuess(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		list       warehouse.List
		want       []string // in the mapping
		missing    int
		check      func(*testing.T, *warehouse.ImportReport)
	}{
		{
			name: "receipts of a Dutch till", list: warehouse.Receipts,
			text: "Winkel;Kassa;Bonnr;Datum;Klantnr;Artikel;Groep;Aantal;Bedrag;Iets\n" +
				"s01;1;17;05-03-2024 09:58;4711;a1;10;2;1.012,50;x\ns01;1;17;05-03-2024 09:58;4711;a2;11;1;3,00;y\ns01;2;18;25-03-2024 10:00;;a2;11;1;3,00;y\n",
			want: []string{"delimiter: semicolon", "decimals: comma, thousands: point", "receipt: [day, Kassa, Bonnr]", "time: {column: Datum, format: \"DD-MM-YYYY HH:mm\"}", "# ?: Iets    # e.g. x   y"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Receipts.Amount != "1018.5" || r.Receipts.ReceiptCount != 2 || r.Receipts.First != "2024-03-05" || r.Receipts.Customers != 1 {
					t.Errorf("totals: %+v", r.Receipts)
				}
			},
		},
		{
			name: "American dates and a price per piece", list: warehouse.Receipts,
			text: "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Store\n536365,85123A,6,12/31/2010 08:26,2.55,17850,web\n536366,71053,6,01/02/2010 08:26,3.39,17850,web\n",
			want: []string{"format: \"MM/DD/YYYY HH:mm\"", "unit_price: UnitPrice", "receipt: [day, InvoiceNo]", "is: external_id"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Receipts.First != "2010-01-02" || r.Receipts.Amount != "35.64" {
					t.Errorf("totals: %+v", r.Receipts)
				}
			},
		},
		{
			name: "receipts of one store", list: warehouse.Receipts, text: "date\tamount\n2024-01-01\t5.00\n", missing: 1,
			want: []string{"receipt: row", "# MISSING: which store", "delimiter: tab"},
		},
		{
			name: "customers with cards", list: warehouse.Customers,
			text: "Klantnummer;Kaart;Telefoon;E-mail;Taal;Voornaam;Bezwaar;Punten;Opmerking\n1;2900;0612345678;a@b.nl;nl;André;nee;12;\n2;;;;fr;Zoë;ja;;kuch\n",
			want: []string{"customer: {column: Klantnummer, is: external_id}", "{column: Kaart, namespace: card}", "{column: \"E-mail\", namespace: email}", "objected: Bezwaar", "points: Punten"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Customers.Customers != 2 || r.Customers.Identifiers != 3 || r.Customers.Points != 12 {
					t.Errorf("totals: %+v", r.Customers)
				}
			},
		},
		{
			name: "customers nobody is named in", list: warehouse.Customers, text: "language,points\nnl,1\n", missing: 1, want: []string{"# MISSING: which column is the customer"},
		},
		{
			name: "articles", list: warehouse.Articles, text: "artikelnummer|merk|inkoopprijs|sinds\na1|Acme|1,25|01.02.2024\n",
			want: []string{"sku: artikelnummer", "cost: inkoopprijs", "format: \"DD.MM.YYYY\"", "delimiter: bar"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Catalogue.New != 1 || r.Catalogue.Fields["new_since"] != 1 || r.Catalogue.Fields["cost"] != 1 {
					t.Errorf("totals: %+v", r.Catalogue)
				}
			},
		},
		{
			name: "stores", list: warehouse.Stores, text: "code,naam,regio\ns01,\"Utrecht, centrum\",midden\n", want: []string{"store: code", "name: naam"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Catalogue.New != 1 {
					t.Errorf("totals: %+v", r.Catalogue)
				}
			},
		},
		{
			name: "vouchers", list: warehouse.Vouchers, text: "Boncode;Winkel;Bedrag;Geldig tot\n9912345678903;s01;5,00;31-12-2026\n9912345678910;s01;7,50;31-01-2027\n",
			want: []string{"code: Boncode", "amount: Bedrag", "valid_until: {column: \"Geldig tot\", format: \"DD-MM-YYYY\"}"},
			check: func(t *testing.T, r *warehouse.ImportReport) {
				t.Helper()
				if r.Catalogue.New != 2 {
					t.Errorf("totals: %+v", r.Catalogue)
				}
			},
		},
		{
			name: "vouchers of no store", list: warehouse.Vouchers, text: "code,amount,until\n1,5.00,2026-12-31\n", missing: 1,
			want: []string{"# MISSING: in which store they can be used"},
		},
	} {
		path := file(t, "list.csv", tc.text)
		g, err := warehouse.GuessMapping(path, tc.list)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		for _, line := range tc.want {
			if !strings.Contains(g.Mapping, line) {
				t.Errorf("%s: the mapping does not say %q:\n%s", tc.name, line, g.Mapping)
			}
		}
		if len(g.Missing) != tc.missing {
			t.Errorf("%s: missing %q", tc.name, g.Missing)
		}
		if tc.check == nil {
			continue
		}
		report, err := open(t).Import(t.Context(), warehouse.ImportRequest{List: tc.list, Files: []string{path}, Mapping: mapping(t, g.Mapping), Accounts: &register{}})
		if err != nil || report.RejectedRows() > 0 {
			t.Errorf("%s: %v, %+v\n%s", tc.name, err, report, g.Mapping)
			continue
		}
		tc.check(t, report)
	}
}

// TestGuessEncodings reads packed files and those of older programs.
func TestGuessEncodings(t *testing.T) {
	t.Parallel()
	text := "code;naam\ns01;Café Zoë\n"
	latin, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("\ufeff" + strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"latin.csv": latin, "packed.csv.gz": packed.String()} {
		g, err := warehouse.GuessMapping(file(t, name, content), warehouse.Stores)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if g.Columns[0].Field != "store" || !slices.Equal(g.Columns[1].Examples, []string{"Café Zoë"}) {
			t.Errorf("%s: %+v", name, g.Columns)
		}
		if strings.Contains(g.Mapping, "windows-1252") != (name == "latin.csv") {
			t.Errorf("%s: %s", name, g.Mapping)
		}
	}
	for name, content := range map[string]string{"empty.csv": "", "heading.csv": "a,b\n", "one.csv": "a\n1\n", "binary.csv": "a,b\n\x00\x01,2\n"} {
		if _, err := warehouse.GuessMapping(file(t, name, content), warehouse.Stores); !errors.Is(err, warehouse.ErrNoGuess) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := warehouse.GuessMapping(filepath.Join(t.TempDir(), "none.csv"), warehouse.Stores); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzGuess guesses at anything, and never writes a mapping that cannot be read when it says that nothing is missing.
func FuzzGuess(f *testing.F) {
	f.Add("store,date,amount\ns,2024-01-01,1\n")
	f.Add("st\"ore\n,date;amount\n;;\n")
	f.Add("code: [x\ty\n\tz\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "f.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, list := range []warehouse.List{warehouse.Receipts, warehouse.Customers, warehouse.Articles, warehouse.Stores} {
			g, err := warehouse.GuessMapping(path, list)
			if err != nil || len(g.Missing) > 0 {
				continue
			}
			if _, err := warehouse.ParseMapping("guess.yaml", []byte(g.Mapping)); err != nil {
				t.Errorf("%v\n%s", err, g.Mapping)
			}
		}
	})
}
