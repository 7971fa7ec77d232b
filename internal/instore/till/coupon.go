package till

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// atTheTill is how old a sale may be that still ends in a coupon for somebody without a card: later the customer has gone and nothing is printed.
const atTheTill = 5 * time.Minute

// couponCampaign is a campaign whose sales end in a coupon, compiled by itself, so that one whose share is used up makes room for the next.
type couponCampaign struct {
	source *programmev1.Campaign
	decide *decision.Programme
}

// compileCoupons makes the coupon campaigns ready, by priority class, then in the order of the document.
func (p *prepared) compileCoupons() error {
	for class := int32(9); class >= 0; class-- {
		for _, source := range p.programme.GetCampaigns() {
			if source.GetCoupon() == nil || source.GetPriority() != class {
				continue
			}
			decide, err := decision.Compile(soleOffer(p.programme, source))
			if err != nil {
				return err
			}
			p.coupons = append(p.coupons, couponCampaign{source, decide})
			p.couponsCapped = p.couponsCapped || decide.Capped()
		}
	}
	return nil
}

// soleOffer is a programme with one coupon campaign, put as the offer it comes to: conditions mean the same for both.
func soleOffer(p *programmev1.Programme, source *programmev1.Campaign) *programmev1.Programme {
	of := source.GetCoupon()
	offer := &programmev1.Offer{Percent: of.GetPercent(), Amount: of.GetAmount(), Groups: of.GetGroups(), AtMost: of.GetAtMost()}
	return &programmev1.Programme{
		Chain: p.GetChain(), Currency: p.GetCurrency(), CurrencyDecimals: p.GetCurrencyDecimals(), TimeZone: p.GetTimeZone(), Stores: p.GetStores(),
		Traits: p.GetTraits(), Groups: p.GetGroups(), NoPointsNoOffers: p.GetNoPointsNoOffers(), Restricted: p.GetRestricted(),
		Segments: p.GetSegments(), Tiers: p.GetTiers(), CustomerGroups: p.GetCustomerGroups(), Points: p.GetPoints(),
		Campaigns: []*programmev1.Campaign{{
			Code: source.GetCode(), Kind: &programmev1.Campaign_Offer{Offer: offer}, When: source.GetWhen(), Runs: source.GetRuns(),
			Limits: source.GetLimits(), HoldoutPercent: source.GetHoldoutPercent(), Salt: source.GetSalt(),
		}},
	}
}

// giveCoupon ends a sale in a coupon, where a campaign says so and this server still has one to give.
func (b *booking) giveCoupon(v *journal.View, before *standing, out *settled) error {
	if len(b.coupons) == 0 || len(b.release.Store.GetCouponShares()) == 0 || b.service.cfg.Journal.Time().Suspect {
		return nil
	}
	if b.service.cfg.Journal.Lives() > 1 && !b.heardOf() { // what was given before the journal was put back is not known here
		return nil
	}
	in, known := b.couponInput(before)
	if ended := b.receipt.GetEndedAt(); !known && ended != nil && b.now.Sub(ended.AsTime()) > atTheTill {
		return nil
	}
	for i := range b.coupons {
		campaign := &b.coupons[i]
		verdict := campaign.decide.Decide(in)
		if verdict.Campaign == nil {
			continue
		}
		if verdict.Shown() == nil {
			if known {
				out.shown = b.couponShown(campaign.source, verdict.Arm, outcomev1.Response_RESPONSE_GHOST)
			}
			return nil
		}
		share, code, err := b.nextCode(v, campaign.source.GetCode())
		if err != nil {
			return err
		}
		if code == nil {
			continue
		}
		b.end(campaign.source, share, code, known, out)
		if known {
			out.shown = b.couponShown(campaign.source, verdict.Arm, outcomev1.Response_RESPONSE_SHOWN)
		}
		return nil
	}
	return nil
}

// couponInput is what coupon campaigns ask about; known tells whether it is about a customer who may be addressed. Everybody else counts as somebody
// without a card.
func (b *booking) couponInput(before *standing) (in *decision.Input, known bool) {
	basket := b.saleOf(b.receipt.GetLines())
	if b.who.account != nil && before != nil && !before.silenced {
		return b.input(b.who, before, basket, decision.Payment), true
	}
	sum := sha256.Sum256(b.key)
	in = b.input(&who{}, &standing{}, basket, decision.Payment)
	in.Account = [16]byte(sum[:16])
	return in, false
}

// couponShown is what head office hears of a coupon that a customer was given, or spared.
func (b *booking) couponShown(source *programmev1.Campaign, arm outcomev1.Arm, response outcomev1.Response) *outcomev1.Exposure {
	sum := sha256.Sum256(append([]byte("stamklant/coupon/shown/v1"), b.key...))
	return &outcomev1.Exposure{SuggestionId: refs.EncodeToString(sum[:15]), Campaign: source.GetCode(), Arm: arm, Response: response}
}

// sharesGiven remembers up to where each share has been given, so that it is not searched from the beginning each time.
type sharesGiven struct {
	mu   sync.Mutex
	part *bundlev1.StorePart // of which release
	next map[*bundlev1.CouponShare]int
}

// nextCode is the first code of the server's share for a campaign that has not been given; nil when there is none.
func (b *booking) nextCode(v *journal.View, campaign string) (*bundlev1.CouponShare, *bundlev1.CouponCode, error) {
	given := &b.service.shares
	given.mu.Lock()
	defer given.mu.Unlock()
	if given.part != b.release.Store {
		given.part, given.next = b.release.Store, map[*bundlev1.CouponShare]int{}
	}
	for _, share := range given.part.GetCouponShares() {
		if share.GetCampaign() != campaign {
			continue
		}
		for i := given.next[share]; i < len(share.GetCodes()); i++ {
			code := share.GetCodes()[i]
			_, err := v.Right(identify.VoucherID(share.GetNamespace(), code.GetCode()))
			if errors.Is(err, journal.ErrNotFound) {
				return share, code, nil
			}
			if err != nil {
				return nil, nil, err
			}
			given.next[share] = i + 1
		}
		return share, nil, nil
	}
	return nil, nil, nil
}

// end makes the coupon that the receipt ends in.
func (b *booking) end(source *programmev1.Campaign, share *bundlev1.CouponShare, code *bundlev1.CouponCode, known bool, out *settled) {
	of, id := source.GetCoupon(), identify.VoucherID(share.GetNamespace(), code.GetCode())
	after := int32(1)
	if of.ValidAfterDays != nil {
		after = of.GetValidAfterDays()
	}
	from := loyalty.Day(b.now) + after
	coupon := &outcomev1.Coupon{
		VoucherId: id[:], Masked: lastOf(code.GetCode()), Campaign: source.GetCode(), Percent: of.GetPercent(), AmountMinor: of.GetAmount(),
		AtMostMinor: of.GetAtMost(), SpendAtLeastMinor: of.GetSpendAtLeast(), Groups: of.GetGroups(), Currency: b.programme.GetCurrency(),
		ValidFrom: from, ValidUntil: from + max(of.GetValidDays(), 1) - 1, TillCode: of.GetTillCode(), GivenWith: b.receipt.GetKey(),
		Ordinal: code.GetOrdinal(),
	}
	if known {
		coupon.AccountId = b.who.id[:]
	}
	out.rights.Gives = coupon
	right := &journal.Right{Coupon: coupon, State: journal.RightOpen}
	out.issued = &tillv1.IssuedCoupon{
		Code: code.GetCode(), Symbology: tillv1.Symbology_SYMBOLOGY_CODE_128, Print: b.printed(of),
		Voucher: voucher(id, right, stateOf(right, false, loyalty.Day(b.now))), Text: b.couponText(source, coupon),
	}
	if identify.IsEAN13(code.GetCode()) {
		out.issued.Symbology = tillv1.Symbology_SYMBOLOGY_EAN_13
	}
}

// lastOf are the last characters of a code, behind an ellipsis.
func lastOf(code string) string { return "…" + code[max(0, len(code)-4):] }

// printed is whether a coupon is printed in this store without being asked for.
func (b *booking) printed(of *programmev1.Coupon) tillv1.CouponPrint {
	switch of.GetPrint() {
	case programmev1.Printed_PRINTED_ALWAYS:
		return tillv1.CouponPrint_COUPON_PRINT_ALWAYS
	case programmev1.Printed_PRINTED_ON_REQUEST:
		return tillv1.CouponPrint_COUPON_PRINT_ON_REQUEST
	default:
	}
	for _, country := range b.programme.GetCouponsOnRequest() {
		if b.place.country != "" && country == b.place.country {
			return tillv1.CouponPrint_COUPON_PRINT_ON_REQUEST
		}
	}
	return tillv1.CouponPrint_COUPON_PRINT_ALWAYS
}

// couponText are the words above the bar code: the retailer's own, with the days below them, else the ready-made ones.
func (b *booking) couponText(source *programmev1.Campaign, of *outcomev1.Coupon) *tillv1.TextBlock {
	speech := b.speechFor(b.req.GetStaffLanguage(), b.req.GetAbilities(), b.who)
	t, facts := speech.customer, factsOf(of)
	for _, own := range source.GetSay().GetReceipt() {
		if own.GetLanguage() == t.locale.code {
			return t.block(speech.devices[receipt], own.GetText(), t.say("coupon_days", receipt, facts))
		}
	}
	phrase := "coupon"
	switch {
	case of.GetPercent() > 0 && of.GetSpendAtLeastMinor() > 0:
		phrase = "coupon_percent_above"
	case of.GetPercent() > 0:
		phrase = "coupon_percent"
	case of.GetSpendAtLeastMinor() == 0:
		phrase = "coupon_amount"
	}
	return t.block(speech.devices[receipt], t.say(phrase, receipt, facts))
}

// settleInto adds to a booking and its answer what the receipt did to coupons.
func (b *booking) settleInto(row *outcomev1.RecordedReceipt, answer *tillv1.RecordReceiptResponse, s *settled) {
	row.CouponUses, row.Coupon = s.uses, s.rights.Gives
	answer.Used, answer.Coupon = s.told, s.issued
	if s.shown != nil && len(row.GetAccountId()) > 0 {
		row.Exposures = append(row.GetExposures(), s.shown)
	}
	if s.issued.GetPrint() != tillv1.CouponPrint_COUPON_PRINT_ON_REQUEST {
		return
	}
	speech := b.speechFor(b.req.GetStaffLanguage(), b.req.GetAbilities(), b.who)
	answer.Staff = speech.staff.block(speech.devices[cashier], speech.staff.say("coupon", cashier, &public{}))
	answer.CustomerDisplay = speech.customer.block(speech.devices[display], speech.customer.say("coupon", display, &public{}))
}
