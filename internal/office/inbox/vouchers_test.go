package inbox_test

import (
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func TestVouchersOfAListAreIssuedOnce(t *testing.T) {
	box := open(t, file(t))
	voucher := func(n byte, until int32) *outcomev1.Coupon {
		return &outcomev1.Coupon{VoucherId: voucherNo(n), AmountMinor: 500, ValidUntil: until, Ordinal: inbox.IssuedOrdinal}
	}
	issue := func(server string, want int, all ...*outcomev1.Coupon) {
		t.Helper()
		if fresh, err := box.Issue(t.Context(), server, all); err != nil || fresh != want {
			t.Fatalf("%d are new (%v), want %d", fresh, err, want)
		}
	}
	issue("gent-1", 2, voucher(1, 20530), voucher(2, 20530))
	one := newServer("gent-1")
	r := sale("1", account(2), 5)
	r.CouponUses = []*outcomev1.CouponUse{{VoucherId: voucherNo(1), Result: outcomev1.UseResult_USE_RESULT_USED}}
	one.receipt(t, r)
	deliver(t, box, one.all())
	// The list again, with another store and a later end: what was used stays used, nothing moves, nothing is new.
	issue("brugge-1", 1, voucher(1, 20600), voucher(2, 20600), voucher(3, 20600))
	want := map[byte]string{1: "gent-1 used", 2: "gent-1 open", 3: "brugge-1 open"}
	got := couponsOf(t, box)
	for n, state := range want {
		if got[n] != state {
			t.Errorf("voucher %d: %q, want %q", n, got[n], state)
		}
	}
	if _, err := box.Issue(t.Context(), "gent-1", []*outcomev1.Coupon{{VoucherId: []byte{1}}}); err == nil {
		t.Error("a voucher without a whole name is issued")
	}
}
