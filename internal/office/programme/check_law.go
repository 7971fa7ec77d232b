package programme

import (
	"slices"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// restrictions looks at benefits beyond what the law allows on a product group: single ones, and what a customer group and an offer come to
// together where discounts are added up. What names the group is refused. What only happens to fall on its articles is bounded by the till, line
// by line, and warned of, because it promises more than it gives. Groups of no_points_no_offers get nothing anyway.
func (c *checker) restrictions() {
	for _, x := range c.p.GetRestricted() {
		g := c.group(x.GetGroup())
		if g == nil || slices.Contains(c.p.GetNoPointsNoOffers(), x.GetGroup()) {
			continue
		}
		standing, by := c.standing(x, g)
		for i, campaign := range c.p.GetCampaigns() {
			if o := campaign.GetOffer(); o != nil {
				c.restrictedOffer(entry("campaigns", i)+".offer", o, restricted{x, g}, standing, by)
			}
			if o := campaign.GetCoupon(); o != nil {
				same := &programmev1.Offer{Percent: o.GetPercent(), Amount: o.GetAmount(), Groups: o.GetGroups()}
				c.restrictedOffer(entry("campaigns", i)+".coupon", same, restricted{x, g}, standing, by)
			}
		}
	}
}

// restricted is a product group and the bound on it.
type restricted struct {
	*programmev1.Restriction
	group *programmev1.ProductGroup
}

// standing looks at the discounts of customer groups on a restricted group and returns the highest, and whose it is.
func (c *checker) standing(x *programmev1.Restriction, g *programmev1.ProductGroup) (highest int32, by string) {
	for i, cg := range c.p.GetCustomerGroups() {
		if len(cg.GetGroups()) > 0 && !c.touches(cg.GetGroups(), g) {
			continue
		}
		if cg.GetPercent() > x.GetAtMostPercent() {
			c.wrong(entry("customer_groups", i)+".percent", lawRemedy(x, cg.GetGroups()), "%s%% on `%s`, on which %s%% is the most%s",
				percentText(cg.GetPercent()), x.GetGroup(), percentText(x.GetAtMostPercent()), because(x))
		}
		if cg.GetPercent() > highest {
			highest, by = cg.GetPercent(), cg.GetCode()
		}
	}
	return highest, by
}

// restrictedOffer looks at one offer on a restricted group.
func (c *checker) restrictedOffer(path string, o *programmev1.Offer, x restricted, standing int32, by string) {
	most, named := x.GetAtMostPercent(), slices.Contains(o.GetGroups(), x.GetGroup())
	switch {
	case !named && c.touches(o.GetGroups(), x.group) && o.GetPercent() > most:
		c.doubtful(path+".groups", "Let the patterns leave them out, so that nobody is promised what he does not get.",
			"some of its articles are also `%s`, on which %s%% is the most%s", x.GetGroup(), percentText(most), because(x.Restriction))
	case !named:
	case o.GetTimesPoints() > 0 && x.GetNoPoints():
		c.wrong(path+".times_points", lawRemedy(x.Restriction, o.GetGroups()), "points on `%s`, which may not earn any%s", x.GetGroup(), because(x.Restriction))
	case o.GetAmount() > 0 && most < 10000:
		c.wrong(path+".amount", "Write a percentage.", "an amount off can come to more than %s%% on `%s`%s", percentText(most), x.GetGroup(), because(x.Restriction))
	case o.GetPercent() > most:
		c.wrong(path+".percent", lawRemedy(x.Restriction, o.GetGroups()),
			"%s%% on `%s`, on which %s%% is the most%s", percentText(o.GetPercent()), x.GetGroup(), percentText(most), because(x.Restriction))
	case o.GetPercent() > 0 && c.p.GetDiscountsTogether() == programmev1.Combining_COMBINING_ADD && o.GetPercent()+standing > most:
		c.wrong(path+".percent", "Let discounts go together by `best`, or lower one of the two.",
			"%s%% and the %s%% of `%s` add up to more than the %s%% that `%s` may have%s",
			percentText(o.GetPercent()), percentText(standing), by, percentText(most), x.GetGroup(), because(x.Restriction))
	}
}

// touches reports whether a benefit on some groups can fall on an article of another group.
func (c *checker) touches(groups []string, g *programmev1.ProductGroup) bool {
	return slices.ContainsFunc(groups, func(name string) bool { return overlap(c.group(name), g) })
}

// lawRemedy is the way out for a benefit that goes beyond what the law allows.
func lawRemedy(x *programmev1.Restriction, groups []string) string {
	if len(groups) == 0 {
		return "Lower it, name the groups it is for, or add " + x.GetGroup() + " to no_points_no_offers."
	}
	return "Lower it, or take the group out."
}

// because repeats the reason that a restriction gives.
func because(x *programmev1.Restriction) string {
	if x.GetBecause() == "" {
		return ""
	}
	return " (" + trimStop(x.GetBecause()) + ")"
}
