package main_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

const listsProgramme = `
chain: Café en Crème
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [en, nl]
profiling: legitimate_interest
stores: {s1: {name: Centrum}}
identifiers:
  - {name: card, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900199999999}
  - {name: bon, kind: voucher, starts_with: "981", length: 13, check: gs1}
`

// ownLists is a head office that starts from the files its shop's systems write.
type ownLists struct {
	t    *testing.T
	home string
}

func newOwnLists(t *testing.T) *ownLists {
	t.Helper()
	o := &ownLists{t: t, home: t.TempDir()}
	write(t, filepath.Join(o.home, "programme.yaml"), listsProgramme)
	office(t, o.home, 0, "init", "--yes")
	return o
}

// takes guesses the mapping of a file, tries it, takes the file in twice, and expects words of the first time and of the second.
func (o *ownLists) takes(list, path string, first, again string) {
	o.t.Helper()
	mapping := filepath.Join(o.home, "guessed-"+list+".yaml")
	office(o.t, o.home, 0, "guess", list, path, "--yes", "--out", mapping)
	o.takesBy(list, path, mapping, first, again)
}

func (o *ownLists) takesBy(list, path, mapping, first, again string) {
	o.t.Helper()
	run := func(words string, flags ...string) {
		o.t.Helper()
		out := office(o.t, o.home, 0, append([]string{"import", list, path, "--mapping", mapping}, flags...)...)
		if !strings.Contains(out, words) {
			text, _ := os.ReadFile(mapping)
			o.t.Errorf("import %s %v does not say %q:\n%s\n%s", list, flags, words, out, text)
		}
	}
	run("Dry run: nothing was kept", "--dry-run")
	run(first)
	run(again)
}

// history is half a year of receipts as an old till system writes them: semicolons, decimal commas, Windows-1252.
func (o *ownLists) history() string {
	o.t.Helper()
	var rows strings.Builder
	rows.WriteString("Winkel;Kassa;Bonnummer;Datum;Klantnummer;Artikel;Omschrijving;Aantal;Bedrag\r\n")
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range 180 {
		customer := fmt.Sprintf("K%d", 1+(i*i)%23) // twelve of them
		fmt.Fprintf(&rows, "s1;1;%d;%s;%s;a%d;Crème brûlée;1;%d,50\r\n", i, start.AddDate(0, 0, i).Format("02-01-2006"), customer, 1+i%4, 3+i%17)
	}
	text, err := charmap.Windows1252.NewEncoder().String(rows.String())
	if err != nil {
		o.t.Fatal(err)
	}
	return write(o.t, filepath.Join(o.home, "bonnen.csv"), text)
}

// TestKnowingFromTheShopsOwnLists: a shop's own files, their columns guessed, become scores, a page about them, and answers to what head office
// asks; what a draft would change is told before it counts; a voucher of the old system is used at a till, once.
func TestKnowingFromTheShopsOwnLists(t *testing.T) {
	t.Parallel()
	o := newOwnLists(t)
	var customers strings.Builder
	customers.WriteString("Klantnummer;Kaart;Taal;Voornaam;Bezwaar\n")
	for i := 1; i <= 23; i++ {
		fmt.Fprintf(&customers, "K%d;;nl;Zoë;nee\n", i)
	}
	o.takes("customers", write(t, filepath.Join(o.home, "klanten.csv"), customers.String()), "23  new", "23  the same as before")
	o.takes("receipts", o.history(), "180  new receipts", "180  receipts known already")
	o.takes("articles", write(t, filepath.Join(o.home, "artikelen.csv"),
		"Artikelnummer;Omschrijving;Groep;Merk;Inkoopprijs\na1;Crème;10;Acme;1,25\na2;Thé;10;Acme;0,75\na3;Café;20;Best;1,00\na4;Pâte;20;Best;2,00\n"), "4  new", "4  known already")
	o.takes("stores", write(t, filepath.Join(o.home, "winkels.csv"), "winkelcode,naam,regio\ns1,Centrum,midden\n"), "1  new", "1  known already")
	o.takesBy("receipts", "testdata/receipts.parquet", write(t, filepath.Join(o.home, "parquet.yaml"), "list: receipts\nreceipt: [Bon nr]\n"+
		"customer: {column: Klantnr, is: external_id}\ncolumns: {store: {constant: s1}, till: {constant: \"2\"}, receipt_no: Bon nr, time: Tijdstip, sku: Artikel, quantity: Aantal, amount: Bedrag}\n"),
		"12  new receipts", "12  receipts known already")

	page := filepath.Join(o.home, "page.html")
	if out := office(t, o.home, 0, "score", "--as-of", "2026-09-30", "--report", page); !strings.Contains(out, "12 customers scored") {
		t.Errorf("score: %s", out)
	}
	o.opens(page, "Your customers on", "Champions")
	out := office(t, o.home, 0, "insight")
	for _, words := range []string{"Loyalty by value", "supporter", "On their way with the shop", "regular", "What would make them worth more", "best customers"} {
		if !strings.Contains(out, words) {
			t.Errorf("insight does not say %q:\n%s", words, out)
		}
	}
	o.drafts()
	o.voucherIsUsedOnce()
}

// drafts tries a programme with fewer segments, which would move everybody and changes nothing.
func (o *ownLists) drafts() {
	t := o.t
	t.Helper()
	export := func() string {
		path := filepath.Join(o.home, "scores.csv")
		office(t, o.home, 0, "export", "scores", path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := export()
	draft := write(t, filepath.Join(o.home, "draft.yaml"), strings.Replace(listsProgramme, "eleven-segments", "nine-segments", 1))
	out := office(t, o.home, 0, "score", "--as-of", "2026-09-30", "--draft", draft)
	rows, err := csv.NewReader(strings.NewReader(before)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	named := slices.ContainsFunc(rows[1:], func(row []string) bool { return strings.Contains(out, "among them "+row[1]) })
	if !strings.Contains(out, "would move") || !named {
		t.Errorf("the draft names nobody who would move:\n%s", out)
	}
	if export() != before {
		t.Error("a draft changed the scores")
	}
}

// opens has a browser show the page, and expects words on it.
func (o *ownLists) opens(page string, words ...string) {
	o.t.Helper()
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		o.t.Log("the page was not opened: no Chromium on this machine")
		return
	}
	dom, err := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+o.t.TempDir(), "--dump-dom", "file://"+page).Output()
	if err != nil {
		o.t.Fatalf("chromium: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(string(dom), w) {
			o.t.Errorf("the page in the browser does not show %q", w)
		}
	}
}

// voucherIsUsedOnce brings a voucher of the old system to the till, uses it, and brings the list again.
func (o *ownLists) voucherIsUsedOnce() {
	t := o.t
	t.Helper()
	const code = "9812345678902"
	until := time.Now().AddDate(0, 1, 0).Format("02-01-2006")
	list := write(t, filepath.Join(o.home, "bonnen-open.csv"), "Boncode;Winkel;Bedrag;Geldig tot\n"+code+";s1;5,00;"+until+"\n")
	o.takes("vouchers", list, "1  new", "1  known already")
	bad := write(t, filepath.Join(o.home, "bonnen-fout.csv"), "Boncode;Winkel;Bedrag;Geldig tot\n9812345678900;s1;5,00;"+until+"\n")
	if out := office(t, o.home, 3, "import", "vouchers", bad, "--mapping", filepath.Join(o.home, "guessed-vouchers.yaml")); !strings.Contains(out, "not a voucher the programme knows") {
		t.Errorf("a code with a wrong check digit: %s", out)
	}

	head := start(t, "stamklant-office", "--data", o.home, "serve", "--listen", "127.0.0.1:0")
	enrolment := filepath.Join(t.TempDir(), "s1.json")
	office(t, o.home, 0, "keys", "server", "s1-a", "--store", "s1", "--office", head.addr, "--out", enrolment)
	office(t, o.home, 0, "publish")
	data := t.TempDir()
	store := start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s")
	c := newTill(t, store.addr, data, "s1", "1")
	released(t, c, 1)
	expect := func(want tillv1.VoucherState) {
		t.Helper()
		if got := c.card(code); got.GetOutcome() != tillv1.Outcome_OUTCOME_VOUCHER || got.GetVoucher().GetState() != want || got.GetVoucher().GetAmountMinor() != 500 {
			t.Errorf("the voucher: %v %v, want %v", got.GetOutcome(), got.GetVoucher(), want)
		}
	}
	expect(tillv1.VoucherState_VOUCHER_STATE_OPEN)
	sale := c.sale(code, "1", 2000, "EUR")
	sale.Customer = nil // a voucher needs nobody
	sale.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_VoucherRef{VoucherRef: c.card(code).GetVoucher().GetVoucherRef()}}}
	if used := c.record(sale).GetUsed(); len(used) != 1 || used[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", used)
	}
	expect(tillv1.VoucherState_VOUCHER_STATE_USED)

	eventually(t, "head office has the receipt", func() bool {
		answer, err := c.GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: c.caller()})
		return err == nil && answer.GetOutboxWaiting() == 0
	})
	office(t, o.home, 0, "import", "vouchers", list, "--mapping", filepath.Join(o.home, "guessed-vouchers.yaml"))
	before := c.status().GetMeta().GetRelease()
	office(t, o.home, 0, "publish")
	released(t, c, before+1)
	expect(tillv1.VoucherState_VOUCHER_STATE_USED)
	out := filepath.Join(o.home, "coupons.csv")
	office(t, o.home, 0, "export", "coupons", out)
	if text, err := os.ReadFile(out); err != nil || !strings.Contains(string(text), "used") || strings.Contains(string(text), code) {
		t.Errorf("export of coupons: %s, %v", text, err)
	}
}
