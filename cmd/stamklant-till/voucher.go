package main

import (
	"fmt"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// reserve has every voucher held that the customer hands over, takes off what it gives, and notes it on the receipt. One that may not be used is not
// taken.
func (c *sellCommand) reserve(s *session, sale *tillclient.Sale, request *tillv1.RecordReceiptRequest) {
	receipt := request.GetReceipt()
	for _, code := range c.Voucher {
		got := sale.Reserve(s.ctx, &tillv1.ReserveRequest{
			Thing:  &tillv1.ReserveRequest_Voucher{Voucher: tillclient.Keyed(code).GetIdentifier()},
			Basket: &tillv1.Basket{Lines: receipt.GetLines(), Currency: c.Currency},
		})
		if !c.JSON {
			s.showReserved(got)
		}
		if !got.Held() {
			continue
		}
		takeOff(receipt, got.GetLineDiscounts())
		receipt.Uses = append(receipt.Uses, &outcomev1.Use{Thing: &outcomev1.Use_VoucherRef{VoucherRef: got.GetVoucher().GetVoucherRef()}})
	}
}

// takeOff takes discounts off the lines of a receipt, and off what is paid.
func takeOff(receipt *outcomev1.Receipt, discounts []*tillv1.LineDiscount) {
	for _, d := range discounts {
		for _, line := range receipt.GetLines() {
			if line.GetNo() == d.GetLine() {
				line.NetMinor -= d.GetAmountMinor()
				line.DiscountMinor += d.GetAmountMinor()
				receipt.TotalMinor -= d.GetAmountMinor()
			}
		}
	}
	receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: receipt.GetTotalMinor()}}
}

// showReserved draws what became of a voucher.
func (s *session) showReserved(r tillclient.Reserved) {
	p := s.out
	switch {
	case r.Why != nil:
		p.title(yellow, "no answer", "a till does not take a voucher without", "")
		p.row("Why", p.in(dim, inWords(r.Why)))
	case r.Held():
		p.title(green, "reserved", r.GetVoucher().GetMasked()+" · "+r.GetVoucher().GetCampaign(), "held until "+r.GetHeldUntil().AsTime().Local().Format("15:04"))
	default:
		p.title(red, word(r.GetResult(), "RESERVE_RESULT_"), r.GetVoucher().GetMasked(), "")
	}
	p.gap()
	p.row("Cashier", r.GetStaff().GetLines()...)
	s.showDisplay(r.GetCustomerDisplay())
	p.gap()
}

// showCoupon draws the coupon that a sale ends in.
func showCoupon(s *session, coupon *tillv1.IssuedCoupon) {
	if coupon == nil {
		return
	}
	what := "Coupon"
	if coupon.GetPrint() == tillv1.CouponPrint_COUPON_PRINT_ON_REQUEST {
		what = "If asked"
	}
	lines := append(append([]string{}, coupon.GetText().GetLines()...), "", fmt.Sprintf("%s  (%s)", coupon.GetCode(), word(coupon.GetSymbology(), "SYMBOLOGY_")))
	s.out.paper(what, int(s.till.Printer), lines)
}
