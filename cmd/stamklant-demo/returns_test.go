package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// shopCards are the cards that the shops know.
var shopCards = []string{withCheckDigit("290010000000"), withCheckDigit("290010000001"), withCheckDigit("290010000002")}

// openShops sets up head office and some servers of two shops.
func openShops(t *testing.T, servers ...string) *rushShops {
	t.Helper()
	s := openRush(t)
	s.publish(write(t, filepath.Join(s.home, "cards.txt"), strings.Join(shopCards, "\n")))
	for _, id := range servers {
		s.enrol(id)
	}
	s.release()
	for _, id := range servers {
		s.serve(id)
	}
	return s
}

// till is a till of a server.
func (s *rushShops) till(id, code string) *till {
	s.t.Helper()
	store, _, _ := strings.Cut(id, "-")
	return newTill(s.t, s.servers[id].addr, s.args[id][4], store, code)
}

// delivered waits until a server's rows are all at head office.
func (s *rushShops) delivered(tills ...*till) {
	s.t.Helper()
	for _, c := range tills {
		eventually(s.t, "all is at head office", func() bool { return c.status().GetOutboxWaiting() == 0 })
	}
}

// ledger sums the points that head office counts, by card.
func (s *rushShops) ledger() map[string]int64 {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "ledger.csv")
	office(s.t, s.home, 0, "export", "ledger", file)
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	points := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, ",")
		if n, err := strconv.ParseInt(cells[3], 10, 64); err == nil {
			points[cells[1]] += n
		}
	}
	return points
}

// next has the next release serve at the tills' servers.
func (s *rushShops) next(tills ...*till) {
	s.t.Helper()
	var before []uint64
	for _, c := range tills {
		before = append(before, c.status().GetMeta().GetRelease())
	}
	s.release()
	for i, c := range tills {
		released(s.t, c, before[i]+1)
	}
}

// hammers is a sale of three hammers for 47 euros.
func hammers(c *till, card, no string) *tillv1.RecordReceiptRequest {
	r := c.sale(card, no, 4700, "EUR")
	r.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "4501001", QuantityMilli: 3000, NetMinor: 4700}}
	return r
}

// back brings hammers back at a till.
func (c *till) back(of *tillv1.RecordReceiptRequest, no string, pieces int64) *tillv1.RecordReceiptRequest {
	r := proto.CloneOf(of)
	r.Caller = c.caller()
	r.Receipt.Kind, r.Receipt.Original = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, of.GetReceipt().GetKey()
	r.Receipt.Key = &outcomev1.ReceiptKey{Store: c.store, Till: c.code, BusinessDate: time.Now().Format(time.DateOnly), ReceiptNo: no}
	r.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "4501001", QuantityMilli: -1000 * pieces, NetMinor: -4700 * pieces / 3, OriginalLine: 1}}
	r.Receipt.TotalMinor = r.GetReceipt().GetLines()[0].GetNetMinor()
	r.Receipt.Tenders = nil
	return r
}

func TestScenario13SentTwice(t *testing.T) {
	t.Parallel()
	s := openShops(t, "k1-a", "k1-b")
	c, standby, card := s.till("k1-a", "1"), s.till("k1-b", "1"), shopCards[0]
	sale := hammers(c, card, "1")
	var sending sync.WaitGroup
	answers := make([]*tillv1.RecordReceiptResponse, 5)
	for i := range answers {
		again := proto.CloneOf(sale)
		again.Caller.RequestId = strconv.Itoa(i)
		sending.Go(func() {
			var err error
			if answers[i], err = c.RecordReceipt(t.Context(), again); err != nil {
				t.Errorf("sent for the %d. time: %v", i+1, err)
			}
		})
	}
	sending.Wait()
	replayed := 0
	for _, a := range answers {
		if a.GetMeta().GetReplayed() {
			replayed++
		}
		a.GetMeta().Replayed = false
		if !proto.Equal(a, answers[0]) || a.GetPoints() != 47 {
			t.Errorf("answered %v, and %v", a, answers[0])
		}
	}
	if replayed != 4 {
		t.Errorf("%d of five answers are told to be repeated, want four", replayed)
	}
	other := proto.CloneOf(sale)
	other.Receipt.TotalMinor = 4800
	if _, err := c.RecordReceipt(t.Context(), other); status.Code(err) != codes.AlreadyExists || reasonOf(err) != "RECEIPT_CONFLICT" {
		t.Errorf("with another total: %v", err)
	}
	standby.record(sale)
	s.delivered(c, standby)
	if got := s.ledger()[card]; got != 47 {
		t.Errorf("%d points at head office, want 47 once", got)
	}
	if out := office(t, s.home, 0, "conflicts"); !strings.Contains(out, "4700") || !strings.Contains(out, "4800") {
		t.Errorf("head office does not list the conflict:\n%s", out)
	}
	s.next(c, standby)
	for _, c := range []*till{c, standby} {
		if got := c.card(card).GetLoyalty().GetPointsAvailable(); got != 47 {
			t.Errorf("%d points at the till, want 47", got)
		}
	}
}

func TestScenario15Returns(t *testing.T) {
	t.Parallel()
	s := openShops(t, "k1-a")
	c, card := s.till("k1-a", "1"), shopCards[0]
	points := func() int64 { return c.card(card).GetLoyalty().GetPointsAvailable() }
	want := func(what string, n int64) {
		t.Helper()
		if got := points(); got != n {
			t.Errorf("%s: %d points, want %d", what, got, n)
		}
	}
	whole := hammers(c, card, "1")
	c.record(whole)
	c.record(c.back(whole, "2", 3))
	want("all brought back", 0)
	parts := hammers(c, card, "3")
	c.record(parts)
	for i, left := range []int64{32, 16, 0} {
		c.record(c.back(parts, fmt.Sprint("4", i), 1))
		want(fmt.Sprintf("hammer %d of 3", i+1), left)
	}
	for i := range 10 {
		again := hammers(c, card, fmt.Sprint("5", i))
		c.record(again)
		c.record(c.back(again, fmt.Sprint("6", i), 3))
	}
	want("bought and brought back ten times", 0)
	s.delivered(c)
	if got := s.ledger()[card]; got != 0 {
		t.Errorf("%d points at head office, want none", got)
	}
	s.next(c)
	want("in the next release", 0)
}

func TestScenario16ReturnBeforeItsSale(t *testing.T) {
	t.Parallel()
	s := openShops(t, "k1-a")
	then := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3).Add(12 * time.Hour)
	programme := filepath.Join(s.home, "programme.yaml")
	text, err := os.ReadFile(programme)
	if err != nil {
		t.Fatal(err)
	}
	day := then.Format(time.DateOnly)
	write(t, programme, strings.Replace(string(text), "points: 1, per_euro: 1}", "points: 1, per_euro: 1}\n    - {name: that day, times: 2, from: "+day+", until: "+day+"}", 1))
	c, card := s.till("k1-a", "1"), shopCards[0]
	s.next(c)
	sale := hammers(c, card, "1")
	sale.Receipt.Key.BusinessDate, sale.Receipt.EndedAt = day, timestamp(then)
	back := c.back(sale, "2", 1)
	back.StaffLanguage = "en"
	if got := c.record(back); got.GetPoints() != 0 || !got.GetProvisional() || len(got.GetReceipt().GetLines()) == 0 {
		t.Errorf("the return of a sale that is not here: %v", got)
	}
	if got := c.record(sale); got.GetPoints() != 94 {
		t.Errorf("three days late, from a day of double points: %d", got.GetPoints())
	}
	s.delivered(c)
	if got := s.ledger()[card]; got != 63 {
		t.Errorf("%d points at head office, want 94 less a third", got)
	}
	s.next(c)
	if got := c.card(card).GetLoyalty().GetPointsAvailable(); got != 63 {
		t.Errorf("%d points at the till, want 63", got)
	}
}

func TestScenario30ReturnElsewhere(t *testing.T) {
	t.Parallel()
	s := openShops(t, "k1-a", "k2-a")
	here, there := s.till("k1-a", "1"), s.till("k2-a", "1")
	fresh, old := hammers(here, shopCards[0], "1"), hammers(here, shopCards[1], "2")
	long := time.Now().AddDate(0, 0, -200)
	old.Receipt.Key.BusinessDate, old.Receipt.EndedAt = long.Format(time.DateOnly), timestamp(long)
	here.record(fresh)
	here.record(old)
	s.delivered(here)
	s.next(here, there)
	head := s.servers["office"]
	head.kill()
	for i, sale := range []*tillv1.RecordReceiptRequest{fresh, old} {
		back := there.back(sale, fmt.Sprint(i), 3)
		back.StaffLanguage, back.Abilities = "en", &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42}
		got := there.record(back)
		if got.GetPoints() != 0 || !got.GetProvisional() || len(got.GetCustomerDisplay().GetLines()) == 0 || len(got.GetReceipt().GetLines()) == 0 {
			t.Errorf("brought back elsewhere: %v", got)
		}
		for _, line := range append(got.GetCustomerDisplay().GetLines(), got.GetReceipt().GetLines()...) {
			if strings.ContainsAny(line, "0123456789") {
				t.Errorf("not neutral: %q", line)
			}
		}
	}
	for _, card := range shopCards[:2] {
		if got := here.card(card).GetLoyalty().GetPointsAvailable(); got != 47 {
			t.Errorf("card %s has %d points before head office knows, want 47", card, got)
		}
	}
	s.servers["office"] = start(t, "stamklant-office", "--data", s.home, "serve", "--listen", head.addr)
	s.delivered(here, there)
	for _, card := range shopCards[:2] {
		if got, ok := s.ledger()[card]; got != 0 || !ok {
			t.Errorf("card %s has %d points at head office, want none", card, got)
		}
	}
	s.next(here, there)
	for _, card := range shopCards[:2] {
		for _, c := range []*till{here, there} {
			if got := c.card(card).GetLoyalty().GetPointsAvailable(); got != 0 {
				t.Errorf("card %s has %d points in store %s, want none", card, got, c.store)
			}
		}
	}
}

// TestCardRegisteredLater: what was bought and brought back on a card that nobody knew is on the account once the card is registered.
func TestCardRegisteredLater(t *testing.T) {
	t.Parallel()
	s := openShops(t, "k1-a", "k2-a")
	here, there, card := s.till("k1-a", "1"), s.till("k2-a", "1"), withCheckDigit("290019000001")
	sale := hammers(here, card, "1")
	sale.StaffLanguage = "en"
	if got := here.record(sale); got.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD || !got.GetProvisional() || len(got.GetReceipt().GetLines()) == 0 {
		t.Errorf("on an unknown card: %v", got)
	}
	there.record(there.back(sale, "2", 1))
	s.delivered(here, there)
	s.publish(write(t, filepath.Join(s.home, "more.txt"), strings.Join(append(shopCards[:3:3], card), "\n")))
	s.next(here, there)
	for _, c := range []*till{here, there} {
		if got := c.card(card); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetLoyalty().GetPointsAvailable() != 32 {
			t.Errorf("in store %s: %v with %d points, want 47 less a third", c.store, got.GetOutcome(), got.GetLoyalty().GetPointsAvailable())
		}
	}
	here.record(here.back(sale, "3", 2))
	s.delivered(here)
	if got := s.ledger()[card]; got != 0 {
		t.Errorf("%d points when all came back", got)
	}
}
