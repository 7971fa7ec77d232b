package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// pointShop is a shop with a server and a standby where 100 points are worth a euro and a server gives 300 of a customer's points by itself.
func pointShop(t *testing.T) *rushShops {
	t.Helper()
	s := openRush(t)
	programme := filepath.Join(s.home, "programme.yaml")
	text, err := os.ReadFile(programme)
	if err != nil {
		t.Fatal(err)
	}
	write(t, programme, strings.Replace(string(text), "points: 1, per_euro: 1}",
		"points: 1, per_euro: 1}\n  redeem: {points: 100, worth: 1.00, offline: floor, floor_points: 300}", 1))
	s.publish(write(t, filepath.Join(s.home, "cards.txt"), strings.Join(shopCards, "\n")))
	s.enrol("k1-a")
	enrolment, data := filepath.Join(s.home, "k1-b.json"), t.TempDir()
	office(t, s.home, 0, "keys", "server", "k1-b", "--store", "k1", "--standby", "--office", s.servers["office"].addr, "--out", enrolment)
	write(t, filepath.Join(data, "till.token"), "the-token-of-the-tills-of-k1\n")
	s.args["k1-b"] = []string{"serve", "--enrol", enrolment, "--data", data, "--poll", "1s", "--listen"}
	s.release()
	s.serve("k1-a")
	s.serve("k1-b")
	return s
}

// holdsPoints asks for points to be held for a sale.
func (c *till) holdsPoints(card, sale string, points int64) tillv1.ReserveResult {
	c.t.Helper()
	got, err := c.Reserve(c.t.Context(), &tillv1.ReserveRequest{
		Caller: c.caller(), ReceiptRef: sale, Thing: &tillv1.ReserveRequest_Points{Points: points},
		Customer: &tillv1.ReserveRequest_Identifier{Identifier: scanned(card)},
	})
	if err != nil {
		c.t.Fatalf("reserve: %v", err)
	}
	return got.GetResult()
}

// Points held for a suspended sale outlive a power cut, are nobody else's and not the standby's, pay once, and come back with the goods: at the till,
// at head office and in the next release.
func TestScenario17PointsOfASuspendedSale(t *testing.T) {
	t.Parallel()
	s := pointShop(t)
	c, standby, card := s.till("k1-a", "1"), s.till("k1-b", "1"), shopCards[0]
	c.record(c.sale(card, "1", 60000, "EUR"))
	s.delivered(c)
	s.next(c, standby)
	step := func(what string, at *till, sale string, points int64, want tillv1.ReserveResult) {
		t.Helper()
		if got := at.holdsPoints(card, sale, points); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	balance := func(what string, available, redeemable int64) {
		t.Helper()
		if got := c.card(card).GetLoyalty(); got.GetPointsAvailable() != available || got.GetRedeemablePoints() != redeemable {
			t.Errorf("%s: %d points, of which %d may be spent; want %d and %d", what, got.GetPointsAvailable(), got.GetRedeemablePoints(), available, redeemable)
		}
	}
	balance("before", 600, 300)
	step("more than a server gives", c, "suspended", 400, elsewhere)
	step("on till 1", c, "suspended", 300, isHeld)
	step("elsewhere meanwhile", s.till("k1-a", "2"), "another", 100, otherHas)
	step("at the standby", standby, "another", 100, elsewhere)
	s.servers["k1-a"].kill()
	s.serve("k1-a")
	c = s.till("k1-a", "4")
	released(t, c, 1)
	step("elsewhere after a power cut", s.till("k1-a", "2"), "another", 100, otherHas)
	step("recalled on till 4", c, "suspended", 300, isHeld)
	sale := hammers(c, card, "2")
	sale.Receipt.ReceiptRef = "suspended"
	sale.Receipt.Tenders = []*outcomev1.Tender{
		{Kind: outcomev1.TenderKind_TENDER_KIND_POINTS, AmountMinor: 300}, {Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: 4400},
	}
	for range 2 {
		if used := c.record(sale).GetUsed(); len(used) != 1 || used[0].GetPoints() != 300 || used[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
			t.Errorf("used: %v", used)
		}
	}
	balance("paid, and sent twice", 347, 0)
	step("once used", c, "third", 100, elsewhere)
	c.record(c.back(sale, "3", 1))
	balance("one of three hammers brought back", 432, 100)
	c.record(c.back(sale, "4", 2))
	balance("all of them", 600, 300)
	s.delivered(c)
	if got := s.ledger()[card]; got != 600 {
		t.Errorf("%d points at head office, want 600", got)
	}
	s.next(c)
	balance("in the next release", 600, 300)
}
