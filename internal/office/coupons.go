package office

import (
	"encoding/csv"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// couponsGiven are all coupons that stores were heard to give.
func couponsGiven(cut *inbox.Cut) ([]publisher.GivenCoupon, error) {
	var all []publisher.GivenCoupon
	for c, err := range cut.Coupons() {
		if err != nil {
			return nil, err
		}
		all = append(all, publisher.GivenCoupon{
			ServerID: c.ServerID, Known: &bundlev1.KnownCoupon{Coupon: c.Given, Used: c.Used, Withdrawn: c.Withdrawn},
		})
	}
	return all, nil
}

// exportCoupons writes every coupon that stores gave, and how it stands.
func exportCoupons(cut *inbox.Cut, to *csv.Writer) (rows int64, err error) {
	if err := to.Write([]string{"campaign", "server", "coupon", "valid_from", "valid_until", "state"}); err != nil {
		return 0, err
	}
	for c, err := range cut.Coupons() {
		if err != nil {
			return rows, err
		}
		state := "open"
		switch {
		case c.Used:
			state = "used"
		case c.Withdrawn:
			state = "withdrawn"
		}
		err = to.Write([]string{
			c.Given.GetCampaign(), c.ServerID, c.Given.GetMasked(), dayText(c.Given.GetValidFrom()), dayText(c.Given.GetValidUntil()), state,
		})
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// exportOutcomes writes every answer and correction that came after its receipt.
func exportOutcomes(cut *inbox.Cut, to *csv.Writer) (rows int64, err error) {
	if err := to.Write([]string{"campaign", "suggestion", "response", "kind", "occurred_at", "server", "receipt", "account_ref"}); err != nil {
		return 0, err
	}
	for one, err := range cut.Outcomes() {
		if err != nil {
			return rows, err
		}
		told, of := one.Told, one.Told.GetOutcome()
		key, receipt, account := told.GetReceipt(), "", ""
		if key != nil {
			receipt = key.GetStore() + "/" + key.GetTill() + "/" + key.GetBusinessDate() + "/" + key.GetReceiptNo()
		}
		if id := told.GetAccountId(); len(id) == 16 {
			account = accountRef([16]byte(id))
		}
		err = to.Write([]string{
			of.GetCampaign(), of.GetSuggestionId(), short(of.GetResponse().String(), "RESPONSE_"), short(told.GetKind().String(), "LATE_KIND_"),
			told.GetOccurredAt().AsTime().Format(time.RFC3339), one.ServerID, receipt, account,
		})
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// dayText is a day, given in days since 1970-01-01, as YYYY-MM-DD.
func dayText(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }
