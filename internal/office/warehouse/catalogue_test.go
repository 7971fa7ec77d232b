package warehouse_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

const articlesMapping = `
list: articles
file: {delimiter: semicolon, decimals: comma}
columns: {sku: artikel, group: groep, brand: merk, cost: inkoop, margin_percent: marge, new_since: {column: sinds, format: DD-MM-YYYY}, pack_days: dagen}
skip: [{reason: deposits, where: {groep: "99"}}]
`

func TestArticles(t *testing.T) {
	t.Parallel()
	w := open(t)
	request := func(m, text string) warehouse.ImportRequest {
		return warehouse.ImportRequest{
			List: warehouse.Articles, Mapping: mapping(t, m), Files: []string{file(t, "articles.csv", text)}, RejectedPath: filepath.Join(t.TempDir(), "no.csv"),
		}
	}
	first := request(articlesMapping, "artikel;groep;merk;inkoop;marge;sinds;dagen\n"+
		"a1;10;Acme;1,25;;01-02-2024;14\na2;11;;;40;;\na3;99;;;;;\n;12;;;;;\na4;12;;free;;;\na5;12;;;;2024-02-01;\na6;12;;;;;1,5\na7;12;;;;;9999\na1;13;;;;;\n")
	first.DryRun = true
	if _, err := w.Import(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "select count(*) from articles"); n != 0 {
		t.Errorf("a dry run keeps %d", n)
	}
	first.DryRun = false
	report, err := w.Import(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	c := report.Catalogue
	if report.Rows != 9 || c.Entries != 2 || c.New != 2 || c.Changed != 0 || c.Fields["cost"] != 1 || c.Fields["group"] != 2 {
		t.Errorf("report: %+v", c)
	}
	var reasons []string
	for _, r := range report.Rejected {
		reasons = append(reasons, r.Reason)
	}
	slices.Sort(reasons)
	want := []string{
		"cost is not a number", "it stands in the list before", "new_since is not a date as the mapping writes them",
		"pack_days does not lie between 1 and 3650", "pack_days is not a whole number", "the sku is empty",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("rejected: %q", reasons)
	}
	if rejected := records(t, report.RejectedPath); len(rejected) != 7 || rejected[0][3] != "artikel" {
		t.Errorf("rejected file: %q", rejected)
	}
	if n := number(t, w, "select count(*) from articles where sku = 'a1' and cost = 1.25 and new_since = date '2024-02-01' and pack_days = 14 and group_code = '10'"); n != 1 {
		t.Error("a1 is not kept as it stands")
	}

	// A later list changes only what it names.
	report, err = w.Import(t.Context(), request("list: articles\ncolumns: {sku: sku, brand: brand}\n", "sku,brand\na1,Best\na2,\na9,New\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c := report.Catalogue; c.New != 1 || c.Changed != 1 || c.Same != 1 {
		t.Errorf("later: %+v", c)
	}
	if n := number(t, w, "select count(*) from articles where sku = 'a1' and brand = 'Best' and cost = 1.25"); n != 1 {
		t.Error("a1 lost what the later list does not name")
	}
}

// TestGoods gives lines without a group that of their article.
func TestGoods(t *testing.T) {
	t.Parallel()
	w := open(t)
	for list, files := range map[warehouse.List][2]string{
		warehouse.Articles: {"list: articles\ncolumns: {sku: sku, group: g}\n", "sku,g\na1,10\na2,20\n"},
		warehouse.Receipts: {
			"list: receipts\nreceipt: row\ncolumns: {store: {constant: s1}, date: day, amount: amount, sku: sku, group: g}\n",
			"day,amount,sku,g\n2024-01-01,1,a1,\n2024-01-01,2,a2,77\n2024-01-01,4,a3,\n",
		},
	} {
		if _, err := w.Import(t.Context(), warehouse.ImportRequest{List: list, Mapping: mapping(t, files[0]), Files: []string{file(t, "l.csv", files[1])}, Accounts: &register{}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, w, "select sum(case group_code when '10' then 1 when '77' then 10 else 100 end * amount)::bigint from goods"); n != 1+20+400 {
		t.Errorf("groups come to %d", n)
	}
	if n := number(t, w, "select count(*) from goods"); n != 3 {
		t.Errorf("%d lines", n)
	}
}

func TestStores(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := "list: stores\ncolumns: {store: code, name: naam, owner: eigenaar, region: regio, country: land, languages: {column: talen, separator: \" \"}, hours: uren}\n"
	report, err := w.Import(t.Context(), warehouse.ImportRequest{
		List: warehouse.Stores, Mapping: mapping(t, m),
		Files: []string{file(t, "stores.csv", "code,naam,eigenaar,regio,land,talen,uren\ns1,Utrecht,De Linde,midden,nl,nl en,ma-za 9-18\ns2,Antwerpen,,,Belgium,,\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Catalogue.New != 1 || report.RejectedRows() != 1 || report.Rejected[0].Reason != "the country is not a code of two letters" {
		t.Errorf("%+v, %v", report.Catalogue, report.Rejected)
	}
	if n := number(t, w, "select count(*) from stores where store = 's1' and country = 'NL' and languages = ['en', 'nl'] and owner = 'De Linde' and hours = 'ma-za 9-18'"); n != 1 {
		t.Error("s1 is not kept as it stands")
	}
}

func TestCatalogueMappings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"list: articles\ncolumns: {group: g}\n":                                              "`sku` is missing",
		"list: stores\ncolumns: {store: {constant: s1}}\n":                                   "`store` is missing",
		"list: articles\ncolumns: {sku: a, owner: b}\n":                                      "`owner` belongs into a list of stores",
		"list: stores\ncolumns: {store: a}\nreceipt: row\n":                                  "`receipt` belongs into a list of receipts",
		"list: articles\ncolumns: {sku: a}\ncustomer: {column: c, is: external_id}\n":        "`customer` belongs into a list of customers",
		"list: customers\ncustomer: {column: c, is: external_id}\ncolumns: {pack_days: a}\n": "`pack_days` belongs into a list of articles",
		"list: brands\ncolumns: {sku: a}\n":                                                  "list cannot be `brands`",
	} {
		_, err := warehouse.ParseMapping("m.yaml", []byte(text))
		if !errors.Is(err, warehouse.ErrMapping) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
