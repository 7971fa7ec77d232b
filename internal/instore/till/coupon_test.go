package till_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// comeBack is a campaign: timber for 20 euros ends in 5 euros off from 25 euros on, from tomorrow for two weeks.
func comeBack(p *programmev1.Programme) {
	p.Campaigns = append(p.Campaigns, &programmev1.Campaign{
		Code: "kom-terug", Salt: "s", When: &programmev1.Condition{Basket: []*programmev1.BasketCondition{{Group: "timber", Spend: 2000}}},
		Kind: &programmev1.Campaign_Coupon{Coupon: &programmev1.Coupon{Amount: 500, SpendAtLeast: 2500, ValidDays: 14, PerStore: 3, TillCode: "BON5"}},
	})
}

// withCoupons is a world whose server may give three coupons.
func withCoupons(tb testing.TB, change ...func(*programmev1.Programme)) *world {
	tb.Helper()
	w := newWorld(tb, append([]func(*programmev1.Programme){comeBack}, change...)...)
	share := &bundlev1.CouponShare{Campaign: "kom-terug", Namespace: "voucher"}
	for i := range uint32(3) {
		share.Codes = append(share.Codes, &bundlev1.CouponCode{Code: fmt.Sprintf("BON-%04d", 7000+i), Ordinal: i})
	}
	w.shares = []*bundlev1.CouponShare{share}
	w.publish()
	return w
}

// reserve asks for a voucher to be held.
func (w *world) reserve(code, sale, at string, change ...func(*tillv1.ReserveRequest)) *tillv1.ReserveResponse {
	w.t.Helper()
	req := &tillv1.ReserveRequest{
		Caller: &tillv1.Caller{Till: at}, ReceiptRef: sale,
		Thing: &tillv1.ReserveRequest_Voucher{Voucher: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: code}}},
	}
	for _, c := range change {
		c(req)
	}
	out, err := w.service.Reserve(context.Background(), req)
	if err != nil {
		w.t.Fatalf("reserve: %v", err)
	}
	return out
}

// using is a receipt of a later day on which a voucher was used.
func (w *world) using(no, sale, ref string) *tillv1.RecordReceiptRequest {
	req := receipt(no, "", line(1, "4600001", 1, 3000))
	req.Receipt.Key.BusinessDate, req.Receipt.ReceiptRef = w.clock().Format(time.DateOnly), sale
	req.Receipt.EndedAt = timestamppb.New(w.clock())
	req.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_VoucherRef{VoucherRef: ref}}}
	return req
}

const (
	reserved = tillv1.ReserveResult_RESERVE_RESULT_RESERVED
	byOther  = tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER
	used     = tillv1.ReserveResult_RESERVE_RESULT_USED
)

func TestASaleEndsInACoupon(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	if small := w.record(receipt("0", "", line(1, "4500001", 1, 1999))); small.GetCoupon() != nil {
		t.Errorf("a sale below what the campaign asks: %v", small.GetCoupon())
	}
	sale := receipt("1", "", line(1, "4500001", 1, 2000))
	got := w.record(sale).GetCoupon()
	want := "€\u00a05 korting bij besteding vanaf €\u00a025,|van 17-03 t/m 30-03, in deze winkel.|Code onder deze tekst, 1x te gebruiken."
	if got.GetCode() != "BON-7000" || words(got.GetText()) != want || got.GetPrint() != tillv1.CouponPrint_COUPON_PRINT_ALWAYS ||
		got.GetSymbology() != tillv1.Symbology_SYMBOLOGY_CODE_128 {
		t.Errorf("got %v", got)
	}
	if v := got.GetVoucher(); v.GetMasked() != "…7000" || v.GetValidFrom() != "2026-03-17" || v.GetValidUntil() != "2026-03-30" || v.GetTillCode() != "BON5" ||
		v.GetState() != tillv1.VoucherState_VOUCHER_STATE_NOT_VALID_YET {
		t.Errorf("the coupon: %v", v)
	}
	if again := w.record(sale); !again.GetMeta().GetReplayed() || again.GetCoupon().GetCode() != "BON-7000" {
		t.Errorf("sent again: %v", again)
	}
	for i, want := range []string{"BON-7001", "BON-7002", ""} {
		if got := w.record(receipt(fmt.Sprint(2+i), "", line(1, "4500001", 1, 2000))).GetCoupon().GetCode(); got != want {
			t.Errorf("coupon %d: %q, want %q", i, got, want)
		}
	}
	w.publish() // the same share again
	if got := w.record(receipt("9", "", line(1, "4500001", 1, 2000))).GetCoupon(); got != nil {
		t.Errorf("more coupons than its share: %v", got)
	}
}

func TestWhoGetsNoCoupon(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, req *tillv1.RecordReceiptRequest){
		"training": func(_ *world, req *tillv1.RecordReceiptRequest) {
			req.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
		},
		"voided": func(_ *world, req *tillv1.RecordReceiptRequest) {
			req.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_VOID
		},
		"nobody at the till": func(w *world, _ *tillv1.RecordReceiptRequest) { w.wait(6 * time.Minute) },
		"without a share":    func(w *world, _ *tillv1.RecordReceiptRequest) { w.shares = nil; w.publish() },
		"ended before yesterday": func(w *world, _ *tillv1.RecordReceiptRequest) {
			w.programme.Campaigns[len(w.programme.Campaigns)-1].Runs = &programmev1.Period{Until: today - 1}
			w.publish()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := withCoupons(t)
			req := receipt("1", "", line(1, "4500001", 1, 2000))
			change(w, req)
			if got := w.record(req).GetCoupon(); got != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestACouponIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	coupon := w.record(receipt("1", "", line(1, "4500001", 1, 2000))).GetCoupon()
	step := func(what string, got *tillv1.ReserveResponse, want tillv1.ReserveResult, said string) {
		t.Helper()
		if got.GetResult() != want || words(got.GetStaff()) != said || (got.GetHeldUntil() != nil) != (want == reserved) {
			t.Errorf("%s: %v, %q; want %v, %q", what, got.GetResult(), words(got.GetStaff()), want, said)
		}
	}
	ok := "Verreken de bon: €\u00a05 korting"
	step("the same day", w.reserve(coupon.GetCode(), "a", "1"), tillv1.ReserveResult_RESERVE_RESULT_NOT_VALID_YET, "Bon is pas geldig vanaf 17-03")
	w.wait(24 * time.Hour)
	step("of nobody", w.reserve("BON-9999", "a", "1"), tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE, "Bon niet van deze winkel. Weiger")
	step("a card", w.reserve(cardRegular, "a", "1"), tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN, "Geen bon van ons. Neem niet aan")
	small := func(r *tillv1.ReserveRequest) {
		r.Basket = &tillv1.Basket{Lines: []*outcomev1.Line{line(1, "4600001", 1, 2499)}}
	}
	step("too small", w.reserve(coupon.GetCode(), "a", "1", small), tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE, "Bon geldt pas vanaf €\u00a025")
	step("next day", w.reserve(coupon.GetCode(), "a", "1"), reserved, ok)
	step("a copy", w.reserve(coupon.GetCode(), "b", "2"), byOther, "Bon ligt al bij een andere kassa")
	step("recalled", w.reserve(coupon.GetCode(), "a", "4"), reserved, ok)
	scan := w.lookup(coupon.GetCode())
	if scan.GetOutcome() != tillv1.Outcome_OUTCOME_VOUCHER || scan.GetVoucher().GetState() != tillv1.VoucherState_VOUCHER_STATE_RESERVED {
		t.Errorf("scanned: %v", scan)
	}
	booked := w.record(w.using("2", "a", coupon.GetVoucher().GetVoucherRef()))
	if len(booked.GetUsed()) != 1 || booked.GetUsed()[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED || booked.GetUsed()[0].GetCampaign() != "kom-terug" {
		t.Errorf("used: %v", booked.GetUsed())
	}
	step("afterwards", w.reserve(coupon.GetCode(), "b", "2"), used, "Bon is al gebruikt. Neem niet aan")
	twice := w.using("3", "b", "")
	twice.Receipt.Uses = []*outcomev1.Use{{Thing: &outcomev1.Use_VoucherCode{VoucherCode: coupon.GetCode()}}} // by a till that could not ask
	if again := w.record(twice); again.GetUsed()[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED_BEFORE {
		t.Errorf("used again: %v", again.GetUsed())
	}
	for _, row := range w.rows() {
		if uses := row.GetReceipt().GetReceipt().GetUses(); len(uses) > 0 && uses[0].GetVoucherCode() != "" {
			t.Errorf("a code goes up: %v", uses)
		}
	}
}

func TestHoldsEndByThemselvesAndByRelease(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	code := w.record(receipt("1", "", line(1, "4500001", 1, 2000))).GetCoupon().GetCode()
	w.wait(24 * time.Hour)
	w.reserve(code, "a", "1")
	w.wait(15*time.Minute - time.Second)
	if got := w.reserve(code, "b", "2").GetResult(); got != byOther {
		t.Errorf("within a quarter of an hour: %v", got)
	}
	w.wait(time.Second)
	if got := w.reserve(code, "b", "2").GetResult(); got != reserved {
		t.Errorf("after it: %v", got)
	}
	release := &tillv1.ReleaseRequest{
		Caller: &tillv1.Caller{Till: "2"}, ReceiptRef: "b",
		Thing: &tillv1.ReleaseRequest_Voucher{Voucher: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: code}}},
	}
	for _, want := range []tillv1.ReleaseResult{tillv1.ReleaseResult_RELEASE_RESULT_RELEASED, tillv1.ReleaseResult_RELEASE_RESULT_NOT_RESERVED} {
		if got, err := w.service.Release(t.Context(), release); err != nil || got.GetResult() != want {
			t.Errorf("released: %v, %v; want %v", got, err, want)
		}
	}
	if got := w.reserve(code, "c", "3").GetResult(); got != reserved {
		t.Errorf("after it was let go: %v", got)
	}
	w.wait(14 * 24 * time.Hour)
	if got := w.reserve(code, "c", "3"); got.GetResult() != tillv1.ReserveResult_RESERVE_RESULT_EXPIRED || words(got.GetStaff()) != "Bon was geldig t/m 30-03" {
		t.Errorf("after its time: %v", got)
	}
}

func TestACustomersCouponsAreNamed(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	coupon := w.record(receipt("1", cardRegular, line(1, "4500001", 1, 2000))).GetCoupon()
	if got := w.lookup(cardRegular).GetVouchers(); len(got) != 1 || got[0].GetMasked() != "…7000" || got[0].GetState() != tillv1.VoucherState_VOUCHER_STATE_NOT_VALID_YET {
		t.Errorf("at the next visit: %v", got)
	}
	if other := w.lookup(cardTrade).GetVouchers(); len(other) != 0 {
		t.Errorf("somebody else: %v", other)
	}
	w.wait(24 * time.Hour)
	byName := func(r *tillv1.ReserveRequest) {
		r.Thing = &tillv1.ReserveRequest_VoucherRef{VoucherRef: coupon.GetVoucher().GetVoucherRef()}
		r.Basket = &tillv1.Basket{Lines: []*outcomev1.Line{line(1, "4600001", 1, 2000), line(2, "4500001", 1, 1000)}}
	}
	got := w.reserve("", "a", "1", byName)
	var off int64
	for _, d := range got.GetLineDiscounts() {
		off += d.GetAmountMinor()
	}
	if got.GetResult() != reserved || off != 500 {
		t.Errorf("without the paper: %v", got)
	}
	w.record(w.using("2", "a", coupon.GetVoucher().GetVoucherRef()))
	if got := w.lookup(cardRegular).GetVouchers(); len(got) != 0 {
		t.Errorf("once used: %v", got)
	}
	sale := receipt("3", cardObjected, line(1, "4500001", 1, 2000))
	sale.Receipt.EndedAt = timestamppb.New(w.clock())
	objected := w.record(sale)
	if objected.GetCoupon() == nil || len(w.lookup(cardObjected).GetVouchers()) != 0 {
		t.Errorf("who objected gets one as anybody does, and it is not kept with the account: %v", objected)
	}
}

func TestGoodsThatComeBackTakeTheirCouponWithThem(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	timber := []*outcomev1.Line{line(1, "4500001", 2, 2000)}
	first, second := w.record(receipt("1", cardRegular, timber...)).GetCoupon(), w.record(receipt("2", cardRegular, timber...)).GetCoupon()
	w.record(back("3", "1", cardRegular, returned(1, "4500001", 1, 1000, 1)))
	if got := w.lookup(cardRegular).GetVouchers(); len(got) != 2 {
		t.Errorf("after half came back: %v", got)
	}
	if got := w.record(back("4", "1", cardRegular, returned(1, "4500001", 1, 1000, 1))).GetUsed(); len(got) != 1 || got[0].GetResult() != outcomev1.UseResult_USE_RESULT_WITHDRAWN {
		t.Errorf("after the rest: %v", got)
	}
	w.wait(24 * time.Hour)
	if got := w.reserve(first.GetCode(), "a", "1").GetResult(); got != tillv1.ReserveResult_RESERVE_RESULT_WITHDRAWN {
		t.Errorf("its coupon: %v", got)
	}
	use := w.using("5", "b", second.GetVoucher().GetVoucherRef())
	w.record(use)
	w.wait(13 * 24 * time.Hour) // its last day but one
	undo := receipt("6", "", returned(1, "4600001", 1, 3000, 1))
	undo.Receipt.Kind, undo.Receipt.Original = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, use.GetReceipt().GetKey()
	undo.Receipt.Key.BusinessDate = w.clock().Format(time.DateOnly)
	for i, want := range []int{1, 0} {
		undo.Receipt.Key.ReceiptNo = fmt.Sprint(6 + i)
		if got := w.record(undo).GetUsed(); len(got) != want || want > 0 && got[0].GetResult() != outcomev1.UseResult_USE_RESULT_GIVEN_BACK {
			t.Errorf("what it was used on came back, time %d: %v", i, got)
		}
	}
	w.wait(20 * 24 * time.Hour)
	if got := w.reserve(second.GetCode(), "c", "1"); got.GetResult() != reserved || got.GetVoucher().GetValidUntil() != "2026-04-29" {
		t.Errorf("given back: %v", got)
	}
}

func TestPrintedOnRequestByCountry(t *testing.T) {
	t.Parallel()
	w := withCoupons(t, func(p *programmev1.Programme) { p.Stores[0].Country, p.CouponsOnRequest = "FR", []string{"FR"} })
	got := w.record(receipt("1", "", line(1, "4500001", 1, 2000)))
	if got.GetCoupon().GetPrint() != tillv1.CouponPrint_COUPON_PRINT_ON_REQUEST || words(got.GetStaff()) != "Bon printen? Vraag het de klant" {
		t.Errorf("got %v", got)
	}
}

func TestPointsAreNotHeldWithoutAGrant(t *testing.T) {
	t.Parallel()
	ask := func(w *world, card string, points int64) tillv1.ReserveResult {
		t.Helper()
		return w.reserve("", "a", "1", func(r *tillv1.ReserveRequest) {
			r.Thing = &tillv1.ReserveRequest_Points{Points: points}
			r.Customer = &tillv1.ReserveRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}}}
		}).GetResult()
	}
	without := newWorld(t)
	if got := ask(without, cardRegular, 500); got != tillv1.ReserveResult_RESERVE_RESULT_DENIED {
		t.Errorf("where points are not spent: %v", got)
	}
	w := newWorld(t, func(p *programmev1.Programme) {
		p.Points.Redeem = &programmev1.RedeemRule{Points: 100, Worth: 100, AtLeast: 500}
	})
	for _, tc := range []struct {
		card   string
		points int64
		want   tillv1.ReserveResult
	}{
		{cardRegular, 500, tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE},
		{cardRegular, 499, tillv1.ReserveResult_RESERVE_RESULT_TOO_FEW},
		{cardRegular, 1246, tillv1.ReserveResult_RESERVE_RESULT_TOO_FEW},
		{cardReplaced, 500, tillv1.ReserveResult_RESERVE_RESULT_DENIED},
		{cardUnknown, 500, tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN},
	} {
		if got := ask(w, tc.card, tc.points); got != tc.want {
			t.Errorf("%s, %d points: %v, want %v", tc.card, tc.points, got, tc.want)
		}
	}
}

func TestALimitedOfferIsGivenAtOneTill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *programmev1.Programme) { p.Campaigns[0].Limits = &programmev1.Limits{PerCustomer: 1} })
	offer := func(sale, at, card string) tillv1.ReserveResult {
		t.Helper()
		return w.reserve("", sale, at, func(r *tillv1.ReserveRequest) {
			r.Thing = &tillv1.ReserveRequest_Offer{Offer: "verf-bij-tuinhout"}
			r.Customer = &tillv1.ReserveRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}}}
		}).GetResult()
	}
	if got := offer("a", "1", cardRegular); got != reserved {
		t.Errorf("first: %v", got)
	}
	if got := offer("b", "2", cardMerged); got != byOther { // another card of the same household
		t.Errorf("the other card: %v", got)
	}
	sale := receipt("1", cardRegular, line(1, "4600001", 1, 3000))
	sale.Receipt.ReceiptRef, sale.Receipt.Uses = "a", []*outcomev1.Use{{Thing: &outcomev1.Use_Offer{Offer: "verf-bij-tuinhout"}}}
	sale.Exposures = []*outcomev1.Exposure{{SuggestionId: "x", Campaign: "verf-bij-tuinhout", Response: outcomev1.Response_RESPONSE_ACCEPTED}}
	if got := w.record(sale).GetUsed(); len(got) != 1 || got[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", got)
	}
	if got := offer("b", "2", cardMerged); got != used {
		t.Errorf("afterwards: %v", got)
	}
}

func TestAJournalThatWasPutBackKnowsWhatHeadOfficeKnows(t *testing.T) {
	t.Parallel()
	w := withCoupons(t)
	old := w.record(receipt("1", "", line(1, "4500001", 1, 2000))).GetCoupon()
	if err := w.journal.Fork(t.Context(), w.journal.Incarnation(), 0, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	w.wait(24 * time.Hour)
	elsewhere := tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE
	if got := w.reserve(old.GetCode(), "a", "1").GetResult(); got != elsewhere {
		t.Errorf("before head office has heard of it: %v", got)
	}
	late := receipt("2", "", line(1, "4500001", 1, 2000))
	late.Receipt.EndedAt = timestamppb.New(w.clock())
	if got := w.record(late).GetCoupon(); got != nil {
		t.Errorf("a coupon is given: %v", got)
	}
	incarnation := w.journal.Incarnation()
	given := &outcomev1.Coupon{VoucherId: voucherID("BON-7001"), Campaign: "kom-terug", AmountMinor: 500, ValidFrom: today, ValidUntil: today + 9}
	w.known = []*bundlev1.KnownCoupon{
		{Coupon: &outcomev1.Coupon{VoucherId: voucherID("BON-7000"), ValidFrom: today, ValidUntil: today + 9}, Used: true}, // used since
		{Coupon: given}, // given since
	}
	w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: incarnation[:]})
	if got := w.reserve(old.GetCode(), "a", "1").GetResult(); got != used {
		t.Errorf("what was used since: %v", got)
	}
	if got := w.reserve("BON-7001", "a", "1").GetResult(); got != reserved {
		t.Errorf("what was given since: %v", got)
	}
	if got := w.record(w.using("3", "a", refOf([16]byte(voucherID("BON-7001"))))).GetUsed()[0].GetResult(); got != outcomev1.UseResult_USE_RESULT_USED {
		t.Errorf("used: %v", got)
	}
	if got := w.reserve("BON-7001", "b", "1").GetResult(); got != used {
		t.Errorf("once used: %v", got)
	}
}

func TestAVoucherThatHeadOfficeBringsIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.known = []*bundlev1.KnownCoupon{
		{Coupon: &outcomev1.Coupon{VoucherId: voucherID("BON-1234"), Campaign: "verjaardag", AmountMinor: 1000, ValidFrom: today, ValidUntil: today}},
		{Coupon: &outcomev1.Coupon{VoucherId: voucherID("BON-1235"), Campaign: "verjaardag", AmountMinor: 1000, ValidFrom: today, ValidUntil: today}, Used: true},
	}
	w.publish()
	if got := w.reserve("BON-1235", "a", "1").GetResult(); got != used {
		t.Errorf("one that was used: %v", got)
	}
	got := w.reserve("BON-1234", "a", "1")
	if got.GetResult() != reserved || words(got.GetStaff()) != "Verreken de bon: €\u00a010 korting" {
		t.Errorf("reserved: %v", got)
	}
	w.record(w.using("1", "a", got.GetVoucher().GetVoucherRef()))
	w.publish() // head office has not heard of it yet
	if got := w.reserve("BON-1234", "b", "2").GetResult(); got != used {
		t.Errorf("once used: %v", got)
	}
}

func voucherID(code string) []byte {
	id := identify.VoucherID("voucher", code)
	return id[:]
}

func TestALateAnswerIsRecordedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "4500001", 1, 2000)))
	say := func(response outcomev1.Response, kind outcomev1.LateKind) *tillv1.RecordOutcomeResponse {
		t.Helper()
		out, err := w.service.RecordOutcome(t.Context(), &tillv1.RecordOutcomeRequest{
			Caller: &tillv1.Caller{Till: "3"}, About: &tillv1.RecordOutcomeRequest_Receipt{Receipt: receipt("1", "").GetReceipt().GetKey()},
			Outcome: &outcomev1.Exposure{SuggestionId: "x", Campaign: "dubbel", Response: response}, Kind: kind, OccurredAt: timestamppb.New(now),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	late, correction := outcomev1.LateKind_LATE_KIND_LATE_ANSWER, outcomev1.LateKind_LATE_KIND_CORRECTION
	for i, tc := range []struct {
		response outcomev1.Response
		kind     outcomev1.LateKind
		want     tillv1.OutcomeResult
		replayed bool
	}{
		{outcomev1.Response_RESPONSE_ACCEPTED, late, tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED, false},
		{outcomev1.Response_RESPONSE_ACCEPTED, late, tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED, true},
		{outcomev1.Response_RESPONSE_DECLINED, late, tillv1.OutcomeResult_OUTCOME_RESULT_ANOTHER_STANDS, false},
		{outcomev1.Response_RESPONSE_DECLINED, correction, tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED, false},
	} {
		if got := say(tc.response, tc.kind); got.GetResult() != tc.want || got.GetMeta().GetReplayed() != tc.replayed {
			t.Errorf("word %d: %v, want %v, replayed %v", i, got, tc.want, tc.replayed)
		}
	}
	var words []*outcomev1.LateOutcome
	for _, row := range w.rows() {
		if row.GetOutcome() != nil {
			words = append(words, row.GetOutcome())
		}
	}
	if len(words) != 2 || [16]byte(words[0].GetAccountId()) != regular {
		t.Errorf("went up: %v", words)
	}
}

func TestTwoIdentifiersNarrowTheChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := func(card string) func(*tillv1.LookupRequest) {
		return func(r *tillv1.LookupRequest) {
			r.NarrowedBy = &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}}
		}
	}
	if got := w.lookup(phoneTwo); got.GetOutcome() != tillv1.Outcome_OUTCOME_AMBIGUOUS || len(got.GetChoices()) != 2 {
		t.Errorf("by phone: %v", got)
	}
	if got := w.lookup(phoneTwo, by(cardRegular)); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetAccountRef() != refOf(regular) || len(got.GetChoices()) != 0 {
		t.Errorf("by phone and card: %v", got)
	}
	if got := w.lookup(phoneTwo, by(cardTrade)); got.GetOutcome() != tillv1.Outcome_OUTCOME_AMBIGUOUS || len(got.GetChoices()) != 2 {
		t.Errorf("by phone and somebody else's card: %v", got)
	}
}
