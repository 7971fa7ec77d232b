package till

import (
	"errors"
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// givenBackFor is how many days a coupon can still be used, at the least, when the goods it was used on were brought back.
const givenBackFor = 30

// settled is what a receipt does to coupons and limited offers.
type settled struct {
	rights journal.Rights
	uses   []*outcomev1.CouponUse // as they go up
	told   []*tillv1.UsedThing    // as the till is told
	issued *tillv1.IssuedCoupon   // what the receipt ends in
	shown  *outcomev1.Exposure    // that it did, or that the customer is in the holdout
}

// usesNamed leaves of what was used on a receipt what may be kept: names of vouchers, never their codes.
func (c *call) usesNamed(uses []*outcomev1.Use) []*outcomev1.Use {
	out := make([]*outcomev1.Use, len(uses))
	for i, use := range uses {
		out[i] = use
		code, is := use.GetThing().(*outcomev1.Use_VoucherCode)
		if !is {
			continue
		}
		name := ""
		if id, ok := voucherOf(c.rules.Read([]byte(code.VoucherCode))); ok {
			name = refs.EncodeToString(id[:])
		}
		out[i] = &outcomev1.Use{Thing: &outcomev1.Use_VoucherRef{VoucherRef: name}}
	}
	return out
}

// settle works out what the receipt does to coupons: those used on it are used up, those of a sale whose goods all come back are given back or
// withdrawn, and it may end in a new one. What was given away at the till is a fact; that it should not have been is told, never refused.
func (b *booking) settle(v *journal.View, before *standing) (*settled, error) {
	out := &settled{}
	switch b.receipt.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		for _, use := range b.receipt.GetUses() {
			if err := b.use(v, use, out); err != nil {
				return nil, err
			}
		}
		if b.receipt.GetOriginal() == nil {
			return out, b.giveCoupon(v, before, out)
		}
		return out, b.undo(v, out)
	case outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
		return out, b.undo(v, out)
	default:
		return out, nil
	}
}

// use uses one thing up.
func (b *booking) use(v *journal.View, use *outcomev1.Use, out *settled) error {
	if use.GetPoints() > 0 { // booked with the points of the receipt
		return nil
	}
	result, campaign := outcomev1.UseResult_USE_RESULT_NOT_HERE, use.GetOffer()
	if campaign != "" {
		held, err := v.Held(offerThing(b.who.id, campaign), b.clock())
		if err != nil {
			return err
		}
		if result = outcomev1.UseResult_USE_RESULT_USED; held != nil && held.Ref != b.receipt.GetReceiptRef() {
			result = outcomev1.UseResult_USE_RESULT_RESERVED_BY_OTHER
		}
		out.tell(nil, campaign, result)
		return nil
	}
	id, ok := b.voucherID(nil, use.GetVoucherRef())
	if !ok {
		out.tell(nil, "", result)
		return nil
	}
	right, err := b.coupon(v, id)
	if err != nil {
		return err
	}
	if right == nil {
		out.tell(id[:], "", result)
		return nil
	}
	held, err := v.Held(id, b.clock())
	if err != nil {
		return err
	}
	day := dayOf(b.receipt.GetKey().GetBusinessDate())
	switch {
	case right.State != journal.RightOpen || out.hasUsed(id):
		result = outcomev1.UseResult_USE_RESULT_USED_BEFORE
	case held != nil && held.Ref != b.receipt.GetReceiptRef():
		result = outcomev1.UseResult_USE_RESULT_RESERVED_BY_OTHER
	case day < right.Coupon.GetValidFrom()-1 || day > right.Coupon.GetValidUntil()+1: // a business day may begin and end in another one
		result = outcomev1.UseResult_USE_RESULT_NOT_VALID
	default:
		result = outcomev1.UseResult_USE_RESULT_USED
	}
	if result != outcomev1.UseResult_USE_RESULT_USED_BEFORE {
		right.State = journal.RightUsed
		out.rights.Sets = append(out.rights.Sets, right)
	}
	out.tell(id[:], right.Coupon.GetCampaign(), result)
	return nil
}

// hasUsed reports whether a voucher was used by an earlier line of the same receipt.
func (s *settled) hasUsed(id [16]byte) bool {
	for _, right := range s.rights.Sets {
		if string(right.Coupon.GetVoucherId()) == string(id[:]) {
			return true
		}
	}
	return false
}

// tell notes what became of a thing, for the till and for head office.
func (s *settled) tell(id []byte, campaign string, result outcomev1.UseResult) {
	s.uses = append(s.uses, &outcomev1.CouponUse{VoucherId: id, Campaign: campaign, Result: result})
	told := &tillv1.UsedThing{Campaign: campaign, Result: result}
	if len(id) > 0 {
		told.VoucherRef = refs.EncodeToString(id)
	}
	s.told = append(s.told, told)
}

// undo gives back what was used on a sale whose goods have all come back, or that was voided, and withdraws the coupon it ended in.
func (b *booking) undo(v *journal.View, out *settled) error {
	if b.receipt.GetOriginal() == nil {
		return nil
	}
	sold, err := v.Receipt(loyalty.KeyBytes(b.receipt.GetOriginal()))
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil || sold.Sale.GetCoupon() == nil && len(sold.Sale.GetCouponUses()) == 0 {
		return err
	}
	whole, err := b.allBack(v, sold.Sale)
	if err != nil || !whole {
		return err
	}
	if err := b.withdraw(v, sold.Sale.GetCoupon(), out); err != nil {
		return err
	}
	for _, use := range sold.Sale.GetCouponUses() {
		if err := b.giveBack(v, use, loyalty.KeyBytes(b.receipt.GetOriginal()), out); err != nil {
			return err
		}
	}
	return nil
}

// allBack reports whether all goods of a sale have come back with this receipt.
func (b *booking) allBack(v *journal.View, sale *outcomev1.RecordedReceipt) (bool, error) {
	if b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
		return sale.GetReceipt().GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_SALE, nil
	}
	earned, err := b.awarded(v, sale)
	if err != nil {
		return false, err
	}
	back := [][]*outcomev1.Line{b.receipt.GetLines()}
	if earned != nil {
		earlier, err := b.returned(v, earned, sale.GetReceipt())
		if err != nil {
			return false, err
		}
		back = append(back, earlier...)
	}
	left := map[string]int64{}
	for _, line := range sale.GetReceipt().GetLines() {
		if !line.GetNotMerchandise() && line.GetQuantityMilli() > 0 {
			left[strings.TrimSpace(line.GetSku())] += line.GetQuantityMilli()
		}
	}
	for _, lines := range back {
		for _, line := range lines {
			if line.GetQuantityMilli() < 0 {
				left[strings.TrimSpace(line.GetSku())] += line.GetQuantityMilli()
			}
		}
	}
	for _, milli := range left {
		if milli > 0 {
			return false, nil
		}
	}
	return true, nil
}

// withdraw takes back a coupon that was given with a sale and not used yet.
func (b *booking) withdraw(v *journal.View, given *outcomev1.Coupon, out *settled) error {
	if given == nil {
		return nil
	}
	right, err := b.coupon(v, [16]byte(given.GetVoucherId()))
	if err != nil || right == nil || right.State != journal.RightOpen {
		return err
	}
	right.State = journal.RightWithdrawn
	out.rights.Sets = append(out.rights.Sets, right)
	out.tell(given.GetVoucherId(), given.GetCampaign(), outcomev1.UseResult_USE_RESULT_WITHDRAWN)
	return nil
}

// giveBack opens a coupon again that the sale used up, once.
func (b *booking) giveBack(v *journal.View, use *outcomev1.CouponUse, sale []byte, out *settled) error {
	switch use.GetResult() {
	case outcomev1.UseResult_USE_RESULT_USED, outcomev1.UseResult_USE_RESULT_RESERVED_BY_OTHER, outcomev1.UseResult_USE_RESULT_NOT_VALID:
	default:
		return nil
	}
	if len(use.GetVoucherId()) != 16 {
		return nil
	}
	right, err := b.coupon(v, [16]byte(use.GetVoucherId()))
	if err != nil || right == nil || right.State != journal.RightUsed || string(right.By) != string(sale) {
		return err
	}
	right.State = journal.RightOpen
	right.Coupon.ValidUntil = max(right.Coupon.GetValidUntil(), loyalty.Day(b.clock())+givenBackFor)
	out.rights.Sets = append(out.rights.Sets, right)
	out.tell(use.GetVoucherId(), use.GetCampaign(), outcomev1.UseResult_USE_RESULT_GIVEN_BACK)
	return nil
}
