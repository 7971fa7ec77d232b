package warehouse_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// minimal is the least a mapping of receipts says.
const minimal = `list: receipts
receipt: row
columns: {store: shop, date: day, amount: total}
`

func TestMappingRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []string // in the error, in this order
	}{
		{"nothing", "", []string{"mapping.yaml: is empty"}},
		{"no mapping", "- a\n- b\n", []string{"`name: value`"}},
		{"two documents", minimal + "---\nlist: receipts\n", []string{"more than one document"}},
		{"no YAML", "list: [", []string{"mapping.yaml: "}},
		{"no list", "receipt: row\n", []string{"`list` is missing"}},
		{"another list", "list: brands\n", []string{"mapping.yaml:1:7: ", "`brands`", "receipts, stores or vouchers"}},
		{"an unknown name", minimal + "recipt: row\n", []string{"mapping.yaml:4:1: ", "`recipt`", "receipt"}},
		{"a name twice", minimal + "receipt: row\n", []string{"mapping.yaml:4:1: `receipt` stands here twice"}},
		{"a column's name twice", "list: receipts\nreceipt: row\ncolumns: {store: a, date: b, amount: c, store: d}\n", []string{":3:41: ", "twice"}},
		{"an anchor", minimal + "customer: &c {column: x, is: external_id}\n", []string{":4:11: anchors"}},
		{"an alias", minimal + "file: &f {delimiter: tab}\nwords: *f\n", []string{"anchors", "anchors"}},
		{"no receipt", "list: receipts\ncolumns: {store: a, date: b, amount: c}\n", []string{"`receipt` is missing"}},
		{"no store", "list: receipts\nreceipt: row\ncolumns: {date: b, amount: c}\n", []string{"`store` is missing", "constant"}},
		{"no time", "list: receipts\nreceipt: row\ncolumns: {store: b, amount: c}\n", []string{"`time`", "`date`"}},
		{"no money", "list: receipts\nreceipt: row\ncolumns: {store: b, date: c}\n", []string{"`amount`"}},
		{"two moneys", "list: receipts\nreceipt: row\ncolumns: {store: b, date: c, amount: d, unit_price: e}\n", []string{"both"}},
		{"a receipt that is its day", "list: receipts\nreceipt: day\ncolumns: {store: b, date: c, amount: d}\n", []string{"more than its day"}},
		{"a field of another list", minimal + "returns: {a: b}\n", nil},
		{"points on receipts", "list: receipts\nreceipt: row\ncolumns: {store: a, date: b, amount: c, points: d}\n", []string{":3:1: `points` belongs into a list of customers"}},
		{"column and constant", "list: receipts\nreceipt: row\ncolumns: {store: {column: a, constant: b}, date: b, amount: c}\n", []string{"one of the two"}},
		{"a format in a text", "list: receipts\nreceipt: row\ncolumns: {store: {column: a, format: YYYY}, date: b, amount: c}\n", []string{"store has no `format`"}},
		{"minutes for months", "list: receipts\nreceipt: row\ncolumns: {store: a, date: {column: b, format: DD-mm-YYYY}, amount: c}\n", []string{"does not name day, month and year"}},
		{"a format of another kind", "list: receipts\nreceipt: row\ncolumns: {store: a, date: {column: b, format: \"%d-%m-%Y\"}, amount: c}\n", []string{"`%` means nothing here"}},
		{"a zone to nowhere", "list: receipts\nreceipt: row\ncolumns: {store: a, date: {column: b, zone: UTC}, amount: c}\n", []string{"say the shops' `time_zone`"}},
		{"a zone that is none", minimal + "time_zone: Europe/Utrecht\n", []string{"`Europe/Utrecht` is not a time zone"}},
		{"a customer of no kind", minimal + "customer: {column: a}\n", []string{"external_id", "identifier"}},
		{"a namespace of numbers", minimal + "customer: {column: a, is: external_id, namespace: card}\n", []string{"no namespace"}},
		{"one delimiter for all", minimal + "file: {decimals: comma, thousands: comma}\n", []string{"same character"}},
		{"a long delimiter", minimal + "file: {delimiter: \"||\"}\n", []string{"delimiter is one character"}},
		{"an encoding nobody has", minimal + "file: {encoding: ebcdic}\n", []string{"`ebcdic`", "utf-8", "windows-1252"}},
		{"a skip without reason", minimal + "skip: [{where: {a: b}}]\n", []string{"`reason`"}},
		{"a test nobody knows", minimal + "returns: [{a: {begins_with: C}}]\n", []string{"a test has no `begins_with`", "starts_with"}},
		{"a number that is none", minimal + "skip: [{reason: x, where: {a: {at_most: nil}}}]\n", []string{"at_most is a number"}},
		{"yes that means no", minimal + "words: {yes: [J], no: [j]}\n", []string{"`j` cannot mean yes and no"}},
		{"customers without customer", "list: customers\ncolumns: {language: l}\n", []string{"`customer` is missing"}},
		{"returns of customers", "list: customers\ncustomer: {column: a, is: external_id}\nreturns: [{a: b}]\n", []string{"`returns` belongs into a list of receipts"}},
		{"two things wrong", "list: receipts\nreceipt: row\nfoo: 1\ncolumns: {store: a, amount: c, bar: 1}\n", []string{":3:1:", ":4:32:"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := warehouse.ParseMapping("mapping.yaml", []byte(tc.text))
			if tc.want == nil {
				if err != nil || m.List() != warehouse.Receipts {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, warehouse.ErrMapping) {
				t.Fatalf("got %v", err)
			}
			rest := err.Error()
			for _, part := range tc.want {
				_, after, found := strings.Cut(rest, part)
				if !found && !strings.Contains(err.Error(), part) {
					t.Fatalf("%q does not say %q", err, part)
				}
				rest = after
			}
		})
	}
}

// TestMappingsThatShip reads every mapping that comes with the product.
func TestMappingsThatShip(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	for _, pattern := range []string{"docs/*/mapping*.yaml", "internal/samplechain/files/*.mapping.yaml"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(names) == 0 {
			t.Errorf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			if _, err := warehouse.ReadMapping(name); err != nil {
				t.Error(err)
			}
		}
	}
}

// FuzzParseMapping expects a mapping or a MappingError of any text, and SQL that holds what the text says as data only.
func FuzzParseMapping(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(shopMapping))
	for _, set := range []string{"online-retail", "cdnow"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", set, "mapping.yaml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("list: customers\ncustomer: {column: \"x');--\", is: identifier}\nskip: [{reason: \"'\", where: {a: {not: {empty: yes}}}}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := warehouse.ParseMapping("m", text)
		if err == nil && m == nil || err != nil && !errors.Is(err, warehouse.ErrMapping) {
			t.Errorf("got %v, %v", m, err)
		}
	})
}
