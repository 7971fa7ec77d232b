package programme

import (
	"fmt"
	"slices"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// perCode is of how many codes at most one may be a coupon's, so that nobody finds one by trying.
const perCode = 1_000_000

// couponLines is how many lines a coupon's own words may come to: below them stand its days, and that its code follows.
const couponLines = 2

// coupon looks at a right to be used on a later visit.
func (c *checker) coupon(path string, o *programmev1.Coupon, campaign *programmev1.Campaign) {
	at := path + ".coupon"
	c.mayGive(at+".groups", o.GetGroups(), "be offered")
	switch {
	case o.GetPercent() == 0 && o.GetAmount() == 0:
		c.lacks(at, "Write one of percent or amount.", "the coupon gives nothing")
	case o.GetPercent() != 0 && o.GetAmount() != 0:
		c.wrong(at, "Keep one of percent and amount.", "the coupon gives more than one thing")
	case o.GetAtMost() > 0 && o.GetPercent() == 0:
		c.doubtful(at+".at_most", "Leave it out.", "only a percentage is bounded by it")
	}
	if o.GetValidDays() == 0 {
		c.lacks(at, "Write `valid_days: 14`.", "nothing says for how many days the coupon may be used")
	}
	if o.GetPerStore() == 0 {
		c.lacks(at, "Write `per_store: 250`.", "nothing says how many coupons each store may give")
	}
	c.couponBudget(path, o, campaign)
	c.couponWords(path, campaign)
	if campaign.GetWhen().GetAt() != programmev1.At_AT_UNSPECIFIED {
		c.doubtful(path+".when.at", "Leave it out.", "a coupon always comes at the end of a sale")
	}
}

// couponBudget compares what all coupons together can come to with what the campaign may cost.
func (c *checker) couponBudget(path string, o *programmev1.Coupon, campaign *programmev1.Campaign) {
	budget := campaign.GetLimits().GetBudget()
	worth := max(o.GetAmount(), o.GetAtMost())
	if budget == 0 || o.GetPerStore() == 0 {
		return
	}
	if worth == 0 {
		if o.GetPercent() > 0 {
			c.lacks(path+".coupon", "Write `at_most`, the most one coupon may come to.", "a percentage without bound can come to more than any budget")
		}
		return
	}
	stores := int64(c.couponStores(campaign))
	most := int64(o.GetPerStore()) * stores * worth
	if most <= budget {
		return
	}
	fits := budget / (stores * worth)
	remedy := fmt.Sprintf("Write `per_store: %d` or less, or raise the budget.", fits)
	if fits == 0 {
		remedy = "Raise the budget, or give the coupon in fewer stores."
	}
	c.wrong(path+".coupon.per_store", remedy, "%d coupons of %s in each of %d stores can come to %s, and the budget is %s",
		o.GetPerStore(), c.moneyText(worth), stores, c.moneyText(most), c.moneyText(budget))
}

// moneyText is an amount as it is written in the document.
func (c *checker) moneyText(minor int64) string {
	places := int(c.p.GetCurrencyDecimals())
	digits := fmt.Sprintf("%0*d", places+1, minor)
	if places == 0 {
		return digits
	}
	return digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// couponStores is how many stores give a campaign's coupons.
func (c *checker) couponStores(campaign *programmev1.Campaign) int {
	if named := campaign.GetWhen().GetStores(); len(named) > 0 {
		return len(named)
	}
	return len(c.p.GetStores())
}

// couponWords looks at the words of a coupon: they stand on the paper alone, above the days.
func (c *checker) couponWords(path string, campaign *programmev1.Campaign) {
	say := campaign.GetSay()
	for _, unsaid := range []struct {
		name string
		text []*programmev1.Translation
	}{{"cashier", say.GetCashier()}, {"display", say.GetDisplay()}} {
		if len(unsaid.text) > 0 {
			c.doubtful(path+".say."+unsaid.name, "Leave it out.", "a coupon is printed and not announced, so nobody hears it")
		}
	}
	for i, t := range say.GetReceipt() {
		if lines := strings.Count(t.GetText(), lineBreak) + 1; lines > couponLines {
			c.wrong(entry(path+".say.receipt", i)+".text", "Shorten it.",
				"%d lines, a coupon has room for %d above its days", lines, couponLines)
		}
	}
}

// couponCodes looks at whether coupons have codes: that a rule says what they look like, that they are read as coupons, and that there are so many
// that nobody finds one by trying.
func (c *checker) couponCodes() {
	wanted, path := uint64(0), ""
	for i, campaign := range c.p.GetCampaigns() {
		if of := campaign.GetCoupon(); of != nil {
			wanted += uint64(of.GetPerStore()) * uint64(c.couponStores(campaign))
			if path == "" {
				path = entry("campaigns", i) + ".coupon"
			}
		}
	}
	rules, err := identify.Compile(c.p.GetIdentifiers())
	if path == "" || err != nil { // what is wrong with a rule was said
		return
	}
	form, ok := rules.CouponForm()
	if !ok {
		c.lacks(path, "Write {name: coupon, kind: voucher, starts_with: \"99\", length: 20, check: luhn} under `identifiers`.",
			"no rule says what the code of a coupon looks like: a voucher with starts_with and length")
		return
	}
	at := "identifiers"
	if i := slices.IndexFunc(c.p.GetIdentifiers(), func(r *programmev1.IdentifierRule) bool {
		return r.GetKind() == programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER && r.GetStartsWith() != "" && r.GetLength() > 0
	}); i >= 0 {
		at = entry("identifiers", i)
	}
	switch {
	case !form.Reads():
		c.wrong(at, "Put it first, or let the codes begin with other digits.", "a rule above it takes the codes of coupons for something else")
	case form.Codes()/perCode < wanted:
		c.wrong(at, "Write a longer `length`, such as 20, printed as Code 128.",
			"its form has %d codes, and %d of them are coupons: one in fewer than %d could be found by trying", form.Codes(), wanted, perCode)
	}
}
