package inbox_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// couponsOf are the coupons head office knows, by the first byte of their name: the server that gave each, and how it stands.
func couponsOf(t *testing.T, box *inbox.Inbox) map[byte]string {
	t.Helper()
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	known := map[byte]string{}
	for c, err := range cut.Coupons() {
		if err != nil {
			t.Fatal(err)
		}
		state := "open"
		switch {
		case c.Used:
			state = "used"
		case c.Withdrawn:
			state = "withdrawn"
		}
		if len(c.Given.GetAccountId()) > 0 || c.Given.GetGivenWith() != nil {
			t.Errorf("a coupon says whose it is: %v", c.Given)
		}
		known[c.Given.GetVoucherId()[0]] = c.ServerID + " " + state
	}
	return known
}

func voucherNo(n byte) []byte { return append([]byte{n}, make([]byte, 15)...) }

func TestCouponsAreFollowedFromReceiptToReceipt(t *testing.T) {
	box := open(t, file(t))
	one := newServer("gent-1")
	given := func(no string, n byte) *outcomev1.RecordedReceipt {
		r, id := sale(no, account(1), 5), account(1)
		r.Coupon = &outcomev1.Coupon{VoucherId: voucherNo(n), Campaign: "come-back", AccountId: id[:], GivenWith: r.GetReceipt().GetKey(), ValidUntil: 20530}
		return r
	}
	used := func(no string, n byte, result outcomev1.UseResult) *outcomev1.RecordedReceipt {
		r := sale(no, account(2), 5)
		r.CouponUses = []*outcomev1.CouponUse{{VoucherId: voucherNo(n), Campaign: "come-back", Result: result}}
		return r
	}
	one.receipt(t, given("1", 1))
	one.receipt(t, given("2", 2))
	one.receipt(t, given("3", 3))
	one.receipt(t, used("4", 2, outcomev1.UseResult_USE_RESULT_USED))
	one.receipt(t, used("5", 3, outcomev1.UseResult_USE_RESULT_WITHDRAWN))
	one.receipt(t, used("6", 9, outcomev1.UseResult_USE_RESULT_NOT_HERE))
	deliver(t, box, one.all())
	want := map[byte]string{1: "gent-1 open", 2: "gent-1 used", 3: "gent-1 withdrawn"}
	for range 2 {
		got := couponsOf(t, box)
		for n, state := range want {
			if got[n] != state {
				t.Errorf("coupon %d: %q, want %q", n, got[n], state)
			}
		}
		if len(got) != len(want) {
			t.Errorf("known are %v", got)
		}
		deliver(t, box, one.all()) // again, and by another life of the journal
		life := *one
		life.incarnation = account(77)
		deliver(t, box, life.all())
	}
	one.receipt(t, used("7", 2, outcomev1.UseResult_USE_RESULT_GIVEN_BACK))
	deliver(t, box, one.all())
	if got := couponsOf(t, box)[2]; got != "gent-1 open" {
		t.Errorf("given back: %q", got)
	}
}

func TestALateOutcomeCountsOnce(t *testing.T) {
	box := open(t, file(t))
	late := func(kind outcomev1.LateKind, response outcomev1.Response) *outcomev1.OutboxRow {
		return &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Outcome{Outcome: &outcomev1.LateOutcome{
			Receipt: sale("1", account(1), 5).GetReceipt().GetKey(), Kind: kind, OccurredAt: timestamppb.New(noon),
			Outcome: &outcomev1.Exposure{SuggestionId: "s", Campaign: "c", Response: response},
		}}}
	}
	answer, correction := outcomev1.LateKind_LATE_KIND_LATE_ANSWER, outcomev1.LateKind_LATE_KIND_CORRECTION
	one, standby := newServer("gent-1"), newServer("gent-2")
	one.add(t, late(answer, outcomev1.Response_RESPONSE_ACCEPTED))
	one.add(t, late(correction, outcomev1.Response_RESPONSE_DECLINED))
	standby.add(t, late(answer, outcomev1.Response_RESPONSE_ACCEPTED)) // the till told both
	deliver(t, box, one.all())
	deliver(t, box, standby.all())
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	n := 0
	for o, err := range cut.Outcomes() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; o.ServerID != "gent-1" {
			t.Errorf("counted of %s: %v", o.ServerID, o.Told)
		}
	}
	if n != 2 {
		t.Errorf("%d count, want 2", n)
	}
}
