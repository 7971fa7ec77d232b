package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// couponProgramme is the shop's programme with coupons: timber for 20 euros ends in 5 euros off from 25 euros on.
var couponProgramme = strings.NewReplacer(
	"identifiers:\n", "identifiers:\n"+
		"  - {name: coupon, kind: voucher, starts_with: \"99\", length: 20, check: luhn}\n"+
		"  - {name: phone, kind: phone, country: NL}\n"+
		"  - {name: address, kind: postcode_and_house_number, country: NL}\n",
	"campaigns:\n", "groups: {timber: \"45*\"}\ncampaigns:\n"+
		"  come-back:\n"+
		"    coupon: {amount: 5.00, spend_at_least: 25.00, valid_days: 14, per_store: 20, till_code: BON5}\n"+
		"    when: {basket: {timber: {spend: 20.00}}}\n",
).Replace(ownProgramme)

// couponShop is head office of that shop, with its customers.
func couponShop(t *testing.T, programme string) (home string) {
	t.Helper()
	home = t.TempDir()
	write(t, filepath.Join(home, "programme.yaml"), programme)
	office(t, home, 0, "init", "--yes")
	return home
}

// atOnce has coupons be used on the day on which they are given.
var atOnce = strings.Replace(couponProgramme, "valid_days: 14,", "valid_after_days: 0, valid_days: 14,", 1)

// enrolled enrols a server that reads its bundles from the folder.
func enrolled(t *testing.T, home, name string, more ...string) string {
	t.Helper()
	office(t, home, 0, append([]string{"keys", "server", name, "--store", "k1", "--bundles", filepath.Join(home, "bundles")}, more...)...)
	return filepath.Join(home, "servers", name+".enrol.json")
}

// anybody is a sale of timber without a card, just now.
func (c *till) anybody(receiptNo string, minor int64) *tillv1.RecordReceiptRequest {
	request := c.sale("", receiptNo, minor, "EUR")
	request.Customer = nil
	return request
}

// coupon makes a sale that ends in one.
func (c *till) coupon(receiptNo string) *tillv1.IssuedCoupon {
	c.t.Helper()
	got := c.record(c.anybody(receiptNo, 2000)).GetCoupon()
	if got == nil {
		c.t.Fatal("the sale ends in no coupon")
	}
	return got
}

// holds asks for a coupon to be held for a sale.
func (c *till) holds(code, sale string) tillv1.ReserveResult {
	c.t.Helper()
	got, err := c.Reserve(c.t.Context(), &tillv1.ReserveRequest{
		Caller: c.caller(), ReceiptRef: sale, Thing: &tillv1.ReserveRequest_Voucher{Voucher: scanned(code)},
	})
	if err != nil {
		c.t.Fatalf("reserve: %v", err)
	}
	return got.GetResult()
}

// uses records a sale on which a coupon was used, and tells what became of it.
func (c *till) uses(ref, sale, receiptNo string) outcomev1.UseResult {
	c.t.Helper()
	request := c.anybody(receiptNo, 1000)
	request.Receipt.ReceiptRef = sale
	request.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_VoucherRef{VoucherRef: ref}}}
	got := c.record(request)
	if len(got.GetUsed()) != 1 {
		c.t.Fatalf("used: %v", got)
	}
	return got.GetUsed()[0].GetResult()
}

const (
	isHeld    = tillv1.ReserveResult_RESERVE_RESULT_RESERVED
	otherHas  = tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER
	isUsed    = tillv1.ReserveResult_RESERVE_RESULT_USED
	elsewhere = tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE
)

// A sale is suspended with a voucher on it, over a power cut: recalled on another till it is still its own, and nobody else's. Never recalled, the
// voucher is free after a quarter of an hour.
func TestScenario17Suspended(t *testing.T) {
	t.Parallel()
	home := couponShop(t, atOnce)
	enrolment, data := enrolled(t, home, "k1-a"), t.TempDir()
	office(t, home, 0, "publish")
	store, one := serveStore(t, enrolment, data)
	released(t, one, 1)
	coupon := one.coupon("1")
	step := func(what, at, sale string, want tillv1.ReserveResult) {
		t.Helper()
		if got := newTill(t, store.addr, data, "k1", at).holds(coupon.GetCode(), sale); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	step("on till 1", "1", "suspended", isHeld)
	step("elsewhere meanwhile", "2", "another", otherHas)
	store.kill()
	store, _ = serveStore(t, enrolment, data)
	released(t, newTill(t, store.addr, data, "k1", "9"), 1)
	step("elsewhere after a power cut", "2", "another", otherHas)
	step("recalled on till 4", "4", "suspended", isHeld)
	store.stop()
	store = start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s", "--clock-skew=14m")
	released(t, newTill(t, store.addr, data, "k1", "9"), 1)
	step("within a quarter of an hour", "2", "another", otherHas)
	store.stop()
	store = start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s", "--clock-skew=16m")
	released(t, newTill(t, store.addr, data, "k1", "9"), 1)
	step("after it", "2", "another", isHeld)
	step("and then recalled", "4", "suspended", otherHas)
	if got := newTill(t, store.addr, data, "k1", "2").uses(coupon.GetVoucher().GetVoucherRef(), "another", "2"); got != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", got)
	}
	step("once used", "4", "suspended", isUsed)
}

// What the server gave is held and used there alone: its standby neither holds it, nor gives any.
func TestScenario23Reservation(t *testing.T) {
	t.Parallel()
	home := couponShop(t, atOnce)
	first, second := enrolled(t, home, "k1-a"), enrolled(t, home, "k1-b", "--standby")
	office(t, home, 0, "publish")
	firstData, secondData := t.TempDir(), t.TempDir()
	primary, one := serveStore(t, first, firstData)
	standby, two := serveStore(t, second, secondData)
	released(t, one, 1)
	released(t, two, 1)
	coupon := one.coupon("1")
	if got := one.holds(coupon.GetCode(), "a"); got != isHeld {
		t.Errorf("at the server: %v", got)
	}
	if got := two.holds(coupon.GetCode(), "b"); got != elsewhere {
		t.Errorf("at the standby: %v", got)
	}
	if got := two.uses(coupon.GetVoucher().GetVoucherRef(), "b", "2"); got != outcomev1.UseResult_USE_RESULT_NOT_HERE {
		t.Errorf("used at the standby: %v", got)
	}
	if got := two.record(two.anybody("3", 2000)).GetCoupon(); got != nil {
		t.Errorf("the standby gives %v", got)
	}
	token, err := os.ReadFile(filepath.Join(firstData, "till.token"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(secondData, "till.token"), string(token)) // a till shows one token to both
	standby.stop()
	standby, _ = serveStore(t, second, secondData)
	client, err := tillclient.Open(tillclient.Config{
		Addresses: []string{standby.addr, primary.addr}, Token: strings.TrimSpace(string(token)), Store: "k1", Till: "5",
		Timing: tillclient.Timing{Reserve: 20 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ask := &tillv1.ReserveRequest{Thing: &tillv1.ReserveRequest_Voucher{Voucher: scanned(coupon.GetCode())}}
	if got := client.NewSale().Reserve(t.Context(), ask); got.Held() || got.GetResult() != otherHas {
		t.Errorf("a till that asks the standby first, for another sale: %v, %v", got.GetResult(), got.Why)
	}
	if got := client.ResumeSale("a").Reserve(t.Context(), ask); !got.Held() || got.Server != primary.addr {
		t.Errorf("and for the sale that holds it: %v by %q, %v", got.GetResult(), got.Server, got.Why)
	}
}

// A sale without a card ends in a coupon while head office cannot be reached. The next day it is good for one sale in this store, over a power cut; a
// copy is not.
func TestScenario28TillCoupon(t *testing.T) {
	t.Parallel()
	home := couponShop(t, couponProgramme)
	enrolment, data := enrolled(t, home, "k1-a"), t.TempDir()
	office(t, home, 0, "publish")
	store, one := serveStore(t, enrolment, data) // it reads a folder: there is nobody to ask
	released(t, one, 1)
	sale := one.anybody("1", 2000)
	coupon := one.record(sale).GetCoupon()
	if len(coupon.GetCode()) != 20 || !strings.HasPrefix(coupon.GetCode(), "99") || coupon.GetSymbology() != tillv1.Symbology_SYMBOLOGY_CODE_128 {
		t.Fatalf("the coupon: %v", coupon)
	}
	tomorrow := time.Now().AddDate(0, 0, 1)
	text := strings.Join(coupon.GetText().GetLines(), "|")
	if !strings.HasPrefix(text, "€5 off when you spend €25 or more,|") || !strings.HasSuffix(text, "in this store.|Code below this text, valid once.") ||
		len(coupon.GetText().GetLines()) > 4 {
		t.Errorf("its words: %q", text)
	}
	if again := one.record(sale); !again.GetMeta().GetReplayed() || again.GetCoupon().GetCode() != coupon.GetCode() {
		t.Errorf("sent again, the sale ends in %v", again.GetCoupon())
	}
	if other := one.coupon("2"); other.GetCode() == coupon.GetCode() {
		t.Error("two sales end in one coupon")
	}
	if got := one.holds(coupon.GetCode(), "a"); got != tillv1.ReserveResult_RESERVE_RESULT_NOT_VALID_YET {
		t.Errorf("on the same day: %v", got)
	}
	store.kill()
	next := []string{"serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s", "--clock-skew=24h"}
	store = start(t, "stamklant-store", next...)
	one, two := newTill(t, store.addr, data, "k1", "1"), newTill(t, store.addr, data, "k1", "2")
	released(t, one, 1)
	if got := one.card(coupon.GetCode()); got.GetOutcome() != tillv1.Outcome_OUTCOME_VOUCHER || got.GetVoucher().GetState() != tillv1.VoucherState_VOUCHER_STATE_OPEN ||
		got.GetVoucher().GetValidFrom() != tomorrow.In(amsterdam(t)).Format(time.DateOnly) {
		t.Errorf("scanned the next day: %v", got)
	}
	if got := one.holds(coupon.GetCode(), "a"); got != isHeld {
		t.Errorf("the next day: %v", got)
	}
	if got := two.holds(coupon.GetCode(), "b"); got != otherHas {
		t.Errorf("a copy at another till: %v", got)
	}
	store.kill()
	store = start(t, "stamklant-store", next...)
	one, two = newTill(t, store.addr, data, "k1", "1"), newTill(t, store.addr, data, "k1", "2")
	released(t, one, 1)
	if got := two.holds(coupon.GetCode(), "b"); got != otherHas {
		t.Errorf("a copy after a power cut: %v", got)
	}
	use := one.anybody("3", 2500)
	use.Receipt.Key.BusinessDate, use.Receipt.ReceiptRef = tomorrow.Format(time.DateOnly), "a"
	use.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_VoucherCode{VoucherCode: coupon.GetCode()}}}
	if got := one.record(use).GetUsed(); len(got) != 1 || got[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", got)
	}
	if got := two.holds(coupon.GetCode(), "b"); got != isUsed {
		t.Errorf("a copy afterwards: %v", got)
	}
	token, err := os.ReadFile(filepath.Join(data, "till.token"))
	if err != nil {
		t.Fatal(err)
	}
	out, code := try(t, "stamklant-till", "sell", "--anonymous", "--address", store.addr, "--token", strings.TrimSpace(string(token)), "--store", "k1", "--till", "7",
		"--line", "4501001:45010:1:30.00", "--voucher", coupon.GetCode())
	if code != 0 || !strings.Contains(out, "Coupon was used before") {
		t.Errorf("stamklant-till sell --voucher: exit code %d\n%s", code, out)
	}
}

func amsterdam(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Coupons given and used, and answers that came after their receipt, are at head office once, whichever server was told.
func TestCouponsAndLateAnswersAtHeadOffice(t *testing.T) {
	t.Parallel()
	home := couponShop(t, atOnce)
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	tills := make([]*till, 2)
	for i, name := range []string{"k1-a", "k1-b"} {
		file := filepath.Join(t.TempDir(), name+".json")
		office(t, home, 0, "keys", "server", name, "--store", "k1", "--office", head.addr, "--out", file)
		if i == 0 {
			office(t, home, 0, "keys", "server", "k1-c", "--store", "k1", "--standby", "--office", head.addr, "--out", filepath.Join(t.TempDir(), "c.json"))
		}
		office(t, home, 0, "publish")
		_, tills[i] = serveStore(t, file, t.TempDir())
		released(t, tills[i], 1)
	}
	a, b := tills[0], tills[1]
	used := a.coupon("1")
	a.coupon("2")
	if got := a.uses(used.GetVoucher().GetVoucherRef(), "x", "3"); got != outcomev1.UseResult_USE_RESULT_USED {
		t.Fatalf("used: %v", got)
	}
	late := &tillv1.RecordOutcomeRequest{
		Caller: a.caller(), About: &tillv1.RecordOutcomeRequest_Receipt{Receipt: a.anybody("1", 2000).GetReceipt().GetKey()},
		Outcome: &outcomev1.Exposure{SuggestionId: "s1", Campaign: "thanks", Response: outcomev1.Response_RESPONSE_ACCEPTED},
		Kind:    outcomev1.LateKind_LATE_KIND_LATE_ANSWER, OccurredAt: timestamppb.Now(),
	}
	for i, at := range []*till{a, a, b} {
		got, err := at.RecordOutcome(t.Context(), late)
		if err != nil || got.GetResult() != tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED || got.GetMeta().GetReplayed() != (i == 1) {
			t.Errorf("late answer, time %d: %v, %v", i, got, err)
		}
	}
	for _, c := range tills {
		eventually(t, "it is at head office", func() bool { return c.status().GetOutboxWaiting() == 0 })
	}
	list := func(what string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), what+".csv")
		office(t, home, 0, "export", what, file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := list("coupons"); strings.Count(got, "come-back,k1-a,") != 2 || strings.Count(got, ",used\n") != 1 || strings.Count(got, ",open\n") != 1 || strings.Contains(got, used.GetCode()) {
		t.Errorf("coupons:\n%s", got)
	}
	if got := list("outcomes"); strings.Count(got, "thanks,s1,") != 1 {
		t.Errorf("late outcomes:\n%s", got)
	}
}

// However a phone number is written it leads to the same customer; one that two have offers a choice, masked, and what else the customer tells narrows
// it.
func TestScenario05Phone(t *testing.T) {
	t.Parallel()
	home := couponShop(t, couponProgramme)
	dir := t.TempDir()
	office(t, home, 0, "import", "customers", write(t, filepath.Join(dir, "customers.csv"), "no,card,phone,address,segment,r,f,m\n"+
		"1,2900123456785,06-12345678,3511 AB 12,champions,5,5,5\n"+
		"2,2900100000017,0687654321,3511 AB 14,hibernating,2,2,2\n"+
		"3,2900100000024,0687654321,1012 XY 3,hibernating,2,2,2\n"),
		"--mapping", write(t, filepath.Join(dir, "mapping.yaml"), "list: customers\ncustomer: {column: no, is: external_id}\nidentifiers:\n"+
			"  - {column: card, namespace: card}\n  - {column: phone, namespace: phone}\n  - {column: address, namespace: postcode_and_house_number}\n"+
			"columns: {segment: segment, r: r, f: f, m: m}\n"))
	office(t, home, 0, "score")
	enrolment, data := enrolled(t, home, "k1-a"), t.TempDir()
	office(t, home, 0, "publish")
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	own := c.card(cardOfMine).GetAccountRef()
	for _, number := range []string{"06-12345678", "+31 6 1234 5678", "0031612345678"} {
		if got := c.card(number); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetAccountRef() != own || own == "" {
			t.Errorf("%s: %v of %q, want the customer with the card", number, got.GetOutcome(), got.GetAccountRef())
		}
	}
	c = newTill(t, store.addr, data, "k1", "2")
	two := c.card("06-87654321")
	if two.GetOutcome() != tillv1.Outcome_OUTCOME_AMBIGUOUS || len(two.GetChoices()) != 2 || two.GetAccountRef() != "" || two.GetLoyalty() != nil {
		t.Fatalf("a phone of two: %v", two)
	}
	third := c.card("2900100000024").GetAccountRef()
	refs := map[string]bool{}
	for _, choice := range two.GetChoices() {
		if strings.Contains(choice.GetMasked(), "687654321") || !strings.Contains(choice.GetMasked(), "4321") {
			t.Errorf("not masked: %q", choice.GetMasked())
		}
		refs[choice.GetAccountRef()] = true
	}
	request := c.lookup("")
	request.Customer = &tillv1.LookupRequest_AccountRef{AccountRef: third}
	if got, err := c.Lookup(t.Context(), request); err != nil || got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || !refs[third] {
		t.Errorf("the chosen one: %v, %v", got, err)
	}
	narrowed := c.lookup("0687654321")
	narrowed.NarrowedBy = scanned("1012XY 3")
	if got, err := c.Lookup(t.Context(), narrowed); err != nil || got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetAccountRef() != third {
		t.Errorf("with the address: %v, %v", got, err)
	}
	narrowed.NarrowedBy = scanned("3511AB 12") // somebody else's
	if got, err := c.Lookup(t.Context(), narrowed); err != nil || len(got.GetChoices()) != 2 {
		t.Errorf("with somebody else's address: %v, %v", got, err)
	}
	for tries := 5; ; tries++ { // a phone, a phone and an address, a phone and an address were asked for
		if _, err := c.Lookup(t.Context(), c.lookup("0687654321")); err != nil {
			if tries != 6 {
				t.Errorf("refused at lookup %d: %v", tries+1, err)
			}
			break
		}
	}
}

// Double points were told before the hours ended and the sale is paid after them: it is double. Without having been told it is not.
func TestScenario34PromiseKept(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	zone := fmt.Sprintf("Etc/GMT%+d", now.Hour()-12) // where it is noon now; the signs of these zones are the other way round
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	until := now.In(place).Add(4 * time.Minute).Truncate(time.Minute)
	programme := strings.NewReplacer("Europe/Amsterdam", zone, "    - {name: base, points: 1, per_euro: 1}\n", "    - {name: base, points: 1, per_euro: 1}\n"+
		"    - {name: quiet, times: 2, hours: "+until.Add(-time.Hour).Format("15:04")+"-"+until.Format("15:04")+"}\n").Replace(ownProgramme)
	home := couponShop(t, programme)
	importOwn(t, home)
	office(t, home, 0, "score")
	enrolment, data := enrolled(t, home, "k1-a"), t.TempDir()
	office(t, home, 0, "publish")
	_, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	pay := func(no, ref string) int64 {
		t.Helper()
		sale := c.sale(cardOfMine, no, 2000, "EUR")
		sale.Receipt.Key.BusinessDate = until.Format(time.DateOnly)
		sale.Receipt.ReceiptRef, sale.Receipt.EndedAt = ref, timestamppb.New(until.Add(3*time.Minute))
		return c.record(sale).GetPoints()
	}
	ask := c.lookup(cardOfMine)
	ask.ReceiptRef, ask.Basket = "told", &tillv1.Basket{Lines: c.sale(cardOfMine, "", 2000, "EUR").GetReceipt().GetLines()}
	if told, err := c.Lookup(t.Context(), ask); err != nil || told.GetEstimatedPoints() != 40 {
		t.Fatalf("told %d points, %v", told.GetEstimatedPoints(), err)
	}
	if got := pay("1", "told"); got != 40 {
		t.Errorf("paid after the hours: %d points, want the 40 that were told", got)
	}
	if got := pay("2", "not told"); got != 20 {
		t.Errorf("without having been told: %d points, want 20", got)
	}
}
