package till_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// spending has points spent by the hundred, each hundred worth a euro, from 500 on, and a server gives up to a floor of them.
func spending(floor int64) func(*programmev1.Programme) {
	return func(p *programmev1.Programme) {
		p.Points.Redeem = &programmev1.RedeemRule{
			Points: 100, Worth: 100, AtLeast: 500, Offline: programmev1.RedeemOffline_REDEEM_OFFLINE_FLOOR, FloorPoints: floor,
		}
	}
}

// reservePoints asks for points to be held for a sale.
func (w *world) reservePoints(card, sale string, points int64, lines ...*outcomev1.Line) *tillv1.ReserveResponse {
	w.t.Helper()
	return w.reserve("", sale, "3", func(r *tillv1.ReserveRequest) {
		r.Thing = &tillv1.ReserveRequest_Points{Points: points}
		r.Customer = &tillv1.ReserveRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}}}
		if len(lines) > 0 {
			r.Basket = &tillv1.Basket{Lines: lines, Currency: "EUR"}
		}
	})
}

// paid is a receipt of a sale that was paid with points for so much, the rest by card.
func paid(no, sale, card string, minor int64, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
	req := receipt(no, card, lines...)
	req.Receipt.ReceiptRef = sale
	req.Receipt.Tenders = []*outcomev1.Tender{
		{Kind: outcomev1.TenderKind_TENDER_KIND_POINTS, AmountMinor: minor},
		{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: req.GetReceipt().GetTotalMinor() - minor},
	}
	return req
}

const notHere = tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE

func TestPointsAreSpentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1000))
	if got := w.lookup(cardRegular).GetLoyalty(); got.GetRedeemablePoints() != 1000 || got.GetRedeemableMinor() != 1000 {
		t.Errorf("of 1245 points, where a server gives 1000, may be spent %d for %d", got.GetRedeemablePoints(), got.GetRedeemableMinor())
	}
	goods := line(1, "4700001", 1, 750)
	if got := w.lookup(cardRegular, basket(goods)).GetLoyalty(); got.GetRedeemablePoints() != 700 || got.GetRedeemableMinor() != 700 {
		t.Errorf("on 7.50 may be spent %d for %d", got.GetRedeemablePoints(), got.GetRedeemableMinor())
	}
	if got := w.reservePoints(cardRegular, "a", 800, goods).GetResult(); got != tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE {
		t.Errorf("8 euros on 7.50: %v", got)
	}
	held := w.reservePoints(cardRegular, "a", 500, goods)
	if held.GetResult() != reserved || held.GetWorthMinor() != 500 || held.GetHeldUntil() == nil || words(held.GetStaff()) != "Trek €\u00a05 af: 500 punten" {
		t.Fatalf("held: %v", held)
	}
	if got := w.reservePoints(cardMerged, "b", 500).GetResult(); got != tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER {
		t.Errorf("another card of the customer at another till: %v", got)
	}
	if got := w.lookup(cardRegular, ref("b")).GetLoyalty().GetRedeemablePoints(); got != 0 {
		t.Errorf("another sale may spend %d meanwhile", got)
	}
	sale := paid("1", "a", cardRegular, 500, goods)
	got := w.record(sale)
	if used := got.GetUsed(); len(used) != 1 || used[0].GetPoints() != 500 || used[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", used)
	}
	if got.GetPoints() != 7 || got.GetLoyalty().GetPointsAvailable() != 752 {
		t.Errorf("earned %d, %d left of 1245; want 7 and 752", got.GetPoints(), got.GetLoyalty().GetPointsAvailable())
	}
	if printed := words(got.GetReceipt()); printed != "Ingewisseld: 500 punten|Gespaard op deze bon: 7 punten|Nieuw saldo: 752 punten" {
		t.Errorf("printed %q", printed)
	}
	if again := w.record(sale); !again.GetMeta().GetReplayed() || again.GetLoyalty().GetPointsAvailable() != 752 {
		t.Errorf("sent again: %v", again)
	}
	if got := w.lookup(cardRegular, ref("c")).GetLoyalty(); got.GetPointsAvailable() != 752 || got.GetRedeemablePoints() != 500 {
		t.Errorf("afterwards %d points, of which %d may be spent here; want 752 and 500", got.GetPointsAvailable(), got.GetRedeemablePoints())
	}
	if got := w.reservePoints(cardRegular, "c", 600).GetResult(); got != notHere {
		t.Errorf("more than this server gives: %v", got)
	}
}

// TestAServerGivesAgainWhatHeadOfficeHasCounted: the floor bounds what nobody but this server knows of.
func TestAServerGivesAgainWhatHeadOfficeHasCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(500))
	w.record(paid("1", "a", cardRegular, 500, line(1, "4700001", 1, 750)))
	if got := w.reservePoints(cardRegular, "b", 500).GetResult(); got != notHere {
		t.Errorf("beyond the floor: %v", got)
	}
	w.wait(24 * time.Hour)
	if got := w.reservePoints(cardRegular, "b", 500).GetResult(); got != notHere {
		t.Errorf("beyond the floor, a day later without head office: %v", got)
	}
	life := w.journal.Incarnation()
	w.account(regular, &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: 752}})
	w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: life[:], LedgerThrough: 1})
	if got := w.reservePoints(cardRegular, "b", 500).GetResult(); got != reserved {
		t.Errorf("once head office has counted it: %v", got)
	}
}

func TestPointsATillGaveUnaskedAreBookedAndTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*programmev1.Programme)
		card   string
		want   int64 // available afterwards
		result outcomev1.UseResult
	}{
		"beyond the floor":  {spending(500), cardRegular, 1245 - 700 + 7, outcomev1.UseResult_USE_RESULT_NOT_HERE},
		"within the floor":  {spending(1000), cardRegular, 1245 - 700 + 7, outcomev1.UseResult_USE_RESULT_USED},
		"no server gives":   {func(p *programmev1.Programme) { spending(0)(p); p.Points.Redeem.Offline = 0 }, cardRegular, 552, outcomev1.UseResult_USE_RESULT_NOT_HERE},
		"an old card":       {spending(1000), cardOld, 552, outcomev1.UseResult_USE_RESULT_NOT_HERE},
		"more than he has":  {spending(1000), cardObjected, 0, outcomev1.UseResult_USE_RESULT_NOT_HERE},
		"a card just given": {spending(1000), cardNew, 0, outcomev1.UseResult_USE_RESULT_NOT_HERE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.change)
			got := w.record(paid("1", "a", tc.card, 700, line(1, "4700001", 1, 750)))
			if used := got.GetUsed(); len(used) != 1 || used[0].GetPoints() != 700 || used[0].GetResult() != tc.result {
				t.Errorf("used: %v", used)
			}
			if got.GetLoyalty().GetPointsAvailable() != tc.want {
				t.Errorf("%d points left, want %d", got.GetLoyalty().GetPointsAvailable(), tc.want)
			}
		})
	}
}

// TestSpentPointsComeBackWithTheGoods: 1000 points on 6.00 and 4.00 of goods; 600 of them paid for the three of the first.
func TestSpentPointsComeBackWithTheGoods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1000), func(p *programmev1.Programme) { no := false; p.Points.WhenRedeeming = &no })
	w.record(paid("1", "a", cardRegular, 1000, line(1, "4700001", 3, 600), line(2, "4700002", 1, 400)))
	balance := func(want int64) {
		t.Helper()
		if got := w.lookup(cardRegular, ref("x")).GetLoyalty().GetPointsAvailable(); got != want {
			t.Errorf("%d points, want %d", got, want)
		}
	}
	balance(245)
	one := w.record(back("2", "1", cardRegular, returned(1, "4700001", 1, 200, 1)))
	balance(445)
	if printed := words(one.GetReceipt()); printed != "Terug op het saldo: 200 punten|Saldo: 445 punten" {
		t.Errorf("printed %q", printed)
	}
	w.record(back("3", "1", "", returned(1, "4700001", 2, 400, 1)))
	balance(845)
	undo := back("5", "3", cardRegular)
	undo.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
	w.record(undo)
	balance(445)
	whole := back("6", "1", cardRegular)
	whole.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
	w.record(whole)
	balance(1245)
	w.record(back("7", "1", cardRegular, returned(1, "4700002", 1, 400, 2))) // it is back already
	balance(1245)
}

func TestSpendingLowersNoTier(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1200), func(p *programmev1.Programme) {
		p.Tiers[2].ReachAny = []*programmev1.TierRule{{Rule: &programmev1.TierRule_Points{Points: 100}}}
	})
	w.account(regular, &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: 1245, Tier: "zilver", QualifyingPoints: 93}})
	w.publish()
	if got := w.record(paid("1", "a", cardRegular, 700, line(1, "4700001", 1, 750))); got.GetLoyalty().GetTier() != "goud" {
		t.Errorf("7 points beyond 93, and 700 spent: %s, want goud", got.GetLoyalty().GetTier())
	}
}

func TestNobodyGivesPointsByAClockThatCannotBeRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1000))
	if err := w.journal.RaiseFloor(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	w.wait(-30 * 24 * time.Hour)
	if got := w.reservePoints(cardRegular, "a", 500).GetResult(); got != notHere {
		t.Errorf("set back by a month: %v", got)
	}
	w.wait(30 * 24 * time.Hour)
	if got := w.reservePoints(cardRegular, "a", 500).GetResult(); got != tillv1.ReserveResult_RESERVE_RESULT_RESERVED {
		t.Errorf("put right: %v", got)
	}
}

func TestAStandbyGivesNoPoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1000))
	w.standby = true
	w.publish()
	if got := w.reservePoints(cardRegular, "a", 500).GetResult(); got != notHere {
		t.Errorf("got %v", got)
	}
	if got := w.lookup(cardRegular).GetLoyalty().GetRedeemablePoints(); got != 0 {
		t.Errorf("%d points may be spent", got)
	}
}

func TestAJournalThatWasPutBackGivesNoPoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(1000))
	if err := w.journal.Fork(t.Context(), w.journal.Incarnation(), 0, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	if got := w.reservePoints(cardRegular, "a", 500).GetResult(); got != notHere {
		t.Errorf("before head office has heard of it: %v", got)
	}
	life := w.journal.Incarnation()
	w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: life[:]})
	if got := w.reservePoints(cardRegular, "a", 500).GetResult(); got != reserved {
		t.Errorf("once head office has: %v", got)
	}
}

// TestWhatGoesUpOfSpentPoints: head office gets the booking, points per line, and that the till was asked.
func TestWhatGoesUpOfSpentPoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spending(500))
	req := receipt("1", cardRegular, line(1, "4700001", 1, 600), line(2, "4700002", 1, 400))
	req.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_Points{Points: 500}}}
	req.Receipt.EndedAt = timestamppb.New(now)
	w.record(req)
	var row *outcomev1.RecordedReceipt
	err := w.journal.View(func(v *journal.View) error {
		stands, err := v.Receipt(loyalty.KeyBytes(req.GetReceipt().GetKey()))
		row = stands.Sale
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	spent := row.GetEntries()[1]
	id := loyalty.EntryID(loyalty.KeyBytes(req.GetReceipt().GetKey()), outcomev1.EntryKind_ENTRY_KIND_REDEEM, 0)
	if [16]byte(spent.GetEntryId()) != id || spent.GetPoints() != -500 || len(spent.GetPointsPerLine()) != 2 || spent.GetPointsPerLine()[0] != -300 || spent.GetPointsPerLine()[1] != -200 {
		t.Errorf("booked %v", spent)
	}
	if uses := row.GetCouponUses(); len(uses) != 1 || uses[0].GetPoints() != 500 || uses[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("told %v", uses)
	}
}
