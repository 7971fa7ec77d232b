package office

import (
	"context"
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// issueVouchers lets the server of each voucher's store hold it. A voucher of a store that has no server yet waits in the warehouse.
func (o *Office) issueVouchers(ctx context.Context, p *programmev1.Programme, keys *publisher.Keys) error {
	holders := map[string]string{}
	for _, s := range keys.Servers() { // ascending by name: a store's vouchers always lie with the same one
		if _, has := holders[s.Store]; !s.Standby && !has {
			holders[s.Store] = s.ID
		}
	}
	rules, err := identify.Compile(p.GetIdentifiers())
	if err != nil {
		return err
	}
	today := int32(o.now().Unix() / secondsPerDay)
	batches := map[string][]*outcomev1.Coupon{}
	for v, err := range o.warehouse.Vouchers(ctx, today-1) { // somewhere it is still yesterday
		if err != nil {
			return err
		}
		holder, has := holders[v.Store]
		reading := rules.Read([]byte(strings.TrimSpace(v.Code)))
		if has && reading.Outcome == identify.Voucher {
			batches[holder] = append(batches[holder], couponOf(v, reading, p))
		}
	}
	for holder, coupons := range batches {
		if _, err := o.inbox.Issue(ctx, holder, coupons); err != nil {
			return err
		}
	}
	return nil
}

// couponOf is a voucher as stores know one.
func couponOf(v warehouse.Voucher, reading identify.Reading, p *programmev1.Programme) *outcomev1.Coupon {
	unit := int64(10_000) // of the currency's unit, in which the warehouse keeps money
	for range p.GetCurrencyDecimals() {
		unit /= 10
	}
	id := identify.VoucherID(reading.Namespace, reading.Canonical)
	return &outcomev1.Coupon{
		VoucherId: id[:], Masked: reading.Masked, Campaign: v.Campaign, Percent: int32(v.Percent), AmountMinor: v.Amount / unit,
		AtMostMinor: v.AtMost / unit, SpendAtLeastMinor: v.SpendAtLeast / unit, Groups: v.Groups, Currency: p.GetCurrency(), ValidFrom: v.ValidFrom,
		ValidUntil: v.ValidUntil, TillCode: v.TillCode, Ordinal: inbox.IssuedOrdinal,
	}
}
