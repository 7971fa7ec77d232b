package till

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// holdTime is how long a sale that is not paid keeps others from what it holds: longer than anybody queues, shorter than a customer comes back.
const holdTime = 15 * time.Minute

// Reserve holds something scarce for a sale, and answers once that is on disk.
func (s *Service) Reserve(ctx context.Context, req *tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
	var out *tillv1.ReserveResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		r := &reservation{call: c, req: req, now: c.clock(), out: &tillv1.ReserveResponse{Meta: c.meta()}}
		if err := r.reserve(ctx); err != nil {
			return err
		}
		out = r.out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reservation is one request to hold something, on its way.
type reservation struct {
	*call

	req *tillv1.ReserveRequest
	now time.Time
	out *tillv1.ReserveResponse
}

// reserve finds out what is asked for and for whom, holds it, and says so.
func (r *reservation) reserve(ctx context.Context) error {
	w := &who{}
	if r.req.GetCustomer() != nil {
		var err error
		if w, err = r.whom(ctx, r.req.GetIdentifier(), r.req.GetAccountRef()); err != nil {
			return err
		}
	}
	var phrase string
	var err error
	facts := &public{}
	switch thing := r.req.GetThing().(type) {
	case *tillv1.ReserveRequest_Points:
		phrase, facts, err = r.points(ctx, w, thing.Points)
	case *tillv1.ReserveRequest_Offer:
		phrase, err = r.offer(ctx, w, thing.Offer)
	default:
		phrase, facts, err = r.voucher(ctx)
	}
	if err != nil {
		return err
	}
	if r.out.GetResult() == tillv1.ReserveResult_RESERVE_RESULT_RESERVED {
		r.out.HeldUntil = timestamppb.New(r.now.Add(holdTime))
	}
	speech := r.speechFor(r.req.GetStaffLanguage(), r.req.GetAbilities(), w)
	r.out.Staff = speech.staff.block(speech.devices[cashier], speech.staff.say(phrase, cashier, facts))
	r.out.CustomerDisplay = speech.customer.block(speech.devices[display], speech.customer.say(phrase, display, facts))
	return nil
}

// hold has the journal hold a thing, where may says that it may be given.
func (r *reservation) hold(ctx context.Context, thing [16]byte, may func(v *journal.View) (bool, error)) error {
	return r.holdSome(ctx, thing, 0, may)
}

// holdSome has the journal hold so much of a thing that can be divided.
func (r *reservation) holdSome(ctx context.Context, thing [16]byte, amount int64, may func(v *journal.View) (bool, error)) error {
	hold := journal.Hold{Ref: r.req.GetReceiptRef(), Till: r.req.GetCaller().GetTill(), Until: r.now.Add(holdTime), Amount: amount}
	got, err := r.service.cfg.Journal.Hold(ctx, journal.HoldRequest{Thing: thing, Hold: hold, Now: r.now, May: may})
	if err != nil {
		return err
	}
	switch {
	case got.Other:
		r.out.Result = tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER
	case got.Granted:
		r.out.Result, r.out.Meta.Replayed = tillv1.ReserveResult_RESERVE_RESULT_RESERVED, got.Replayed
	}
	return nil
}

// voucherResults are what a voucher that may not be used comes to.
var voucherResults = map[tillv1.VoucherState]tillv1.ReserveResult{
	tillv1.VoucherState_VOUCHER_STATE_NOT_HERE:      tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE,
	tillv1.VoucherState_VOUCHER_STATE_USED:          tillv1.ReserveResult_RESERVE_RESULT_USED,
	tillv1.VoucherState_VOUCHER_STATE_WITHDRAWN:     tillv1.ReserveResult_RESERVE_RESULT_WITHDRAWN,
	tillv1.VoucherState_VOUCHER_STATE_EXPIRED:       tillv1.ReserveResult_RESERVE_RESULT_EXPIRED,
	tillv1.VoucherState_VOUCHER_STATE_NOT_VALID_YET: tillv1.ReserveResult_RESERVE_RESULT_NOT_VALID_YET,
}

// voucherPhrases are the words for a voucher that is not given.
var voucherPhrases = map[tillv1.ReserveResult]string{
	tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER: "voucher_other",
	tillv1.ReserveResult_RESERVE_RESULT_USED:              "voucher_used",
	tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN:           "voucher_unknown",
	tillv1.ReserveResult_RESERVE_RESULT_NOT_VALID_YET:     "voucher_early",
	tillv1.ReserveResult_RESERVE_RESULT_EXPIRED:           "voucher_over",
	tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE:          "voucher_elsewhere",
	tillv1.ReserveResult_RESERVE_RESULT_WITHDRAWN:         "voucher_withdrawn",
	tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE:        "voucher_more",
}

// voucher holds a voucher: for whoever has it, whosever it was.
func (r *reservation) voucher(ctx context.Context) (phrase string, facts *public, err error) {
	facts = &public{}
	id, ok := r.voucherID(r.req.GetVoucher(), r.req.GetVoucherRef())
	if !ok {
		r.out.Result = tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN
		return voucherPhrases[r.out.GetResult()], facts, nil
	}
	var right *journal.Right
	var refused tillv1.ReserveResult
	err = r.hold(ctx, id, func(v *journal.View) (bool, error) {
		var err error
		if right, err = r.coupon(v, id); err != nil {
			return false, err
		}
		refused = voucherResults[stateOf(right, false, loyalty.Day(r.now))]
		if refused == 0 && r.req.GetBasket() != nil && r.spent(right.Coupon) < right.Coupon.GetSpendAtLeastMinor() {
			refused = tillv1.ReserveResult_RESERVE_RESULT_SPEND_MORE
		}
		return refused == 0, nil
	})
	if err != nil {
		return "", nil, err
	}
	state := tillv1.VoucherState_VOUCHER_STATE_RESERVED
	switch r.out.GetResult() {
	case tillv1.ReserveResult_RESERVE_RESULT_RESERVED:
		r.out.LineDiscounts = r.takenOff(right.Coupon)
	case tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER:
	default:
		r.out.Result, state = refused, stateOf(right, false, loyalty.Day(r.now))
	}
	r.out.Voucher = voucher(id, right, state)
	if phrase = voucherPhrases[r.out.GetResult()]; right != nil {
		facts = factsOf(right.Coupon)
	}
	switch {
	case phrase != "":
	case facts.percent > 0:
		phrase = "voucher_percent"
	default:
		phrase = "voucher_amount"
	}
	return phrase, facts, nil
}

// factsOf is what may be said of a coupon.
func factsOf(of *outcomev1.Coupon) *public {
	return &public{
		percent: of.GetPercent(), money: of.GetAmountMinor(), least: of.GetSpendAtLeastMinor(), from: of.GetValidFrom(), by: of.GetValidUntil(),
	}
}

// spent is what of the basket counts towards what a coupon asks to be spent: goods of its groups that may be offered at all.
func (r *reservation) spent(of *outcomev1.Coupon) int64 {
	lines := r.req.GetBasket().GetLines()
	groups := r.earn.Groups().Of(lines)
	wanted, never := r.earn.Groups().Set(of.GetGroups()), r.earn.Groups().Set(r.programme.GetNoPointsNoOffers())
	var total int64
	for i, line := range lines {
		if line.GetNotMerchandise() || line.GetNetMinor() > maxMinor || never != nil && groups[i].Meets(never) || wanted != nil && !groups[i].Meets(wanted) {
			continue
		}
		total = sum(total, line.GetNetMinor())
	}
	return total
}

// takenOff is what a coupon takes off the lines of the basket, by what was printed on it.
func (r *reservation) takenOff(of *outcomev1.Coupon) []*tillv1.LineDiscount {
	if len(r.req.GetBasket().GetLines()) == 0 {
		return nil
	}
	source := &programmev1.Campaign{Code: of.GetCampaign(), Kind: &programmev1.Campaign_Offer{Offer: &programmev1.Offer{
		Percent: of.GetPercent(), Amount: of.GetAmountMinor(), AtMost: of.GetAtMostMinor(), Groups: of.GetGroups(),
	}}}
	terms, err := decision.Compile(&programmev1.Programme{
		Groups: r.programme.GetGroups(), NoPointsNoOffers: r.programme.GetNoPointsNoOffers(), Restricted: r.programme.GetRestricted(),
		Campaigns: []*programmev1.Campaign{source},
	})
	if err != nil {
		return nil // a group that the programme no longer has: the till takes off what the coupon says
	}
	basket := r.saleOf(r.req.GetBasket().GetLines())
	var out []*tillv1.LineDiscount
	for _, d := range terms.Discounts(source, &decision.Input{Lines: basket.lines, Groups: basket.sets}) {
		out = append(out, &tillv1.LineDiscount{Line: basket.lines[d.Line].GetNo(), AmountMinor: d.Amount, Why: of.GetTillCode()})
	}
	return out
}

// offer holds one of the times that a customer may have an offer, so that two cards of a household do not have the last one at two tills.
func (r *reservation) offer(ctx context.Context, w *who, code string) (phrase string, err error) {
	r.out.Result = tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN
	offered := r.campaigns[code]
	if w.account == nil || offered == nil || offered.source.GetOffer() == nil || offered.source.GetLimits().GetPerCustomer() == 0 {
		return "offer_unknown", nil
	}
	most, runs, day := offered.source.GetLimits().GetPerCustomer(), offered.source.GetRuns(), loyalty.Day(r.now)
	promised, ok := r.service.promises.of(r.req.GetReceiptRef(), r.service.cfg.Now())
	ok = ok && promised.account == w.id && promised.campaign == code && !promised.silent
	refused, phrase := tillv1.ReserveResult_RESERVE_RESULT_UNSPECIFIED, "offer_reserved"
	err = r.hold(ctx, offerThing(w.id, code), func(v *journal.View) (bool, error) {
		st, err := r.stands(w, v)
		switch {
		case err != nil:
			return false, err
		case w.lost || st.silenced:
			refused, phrase = tillv1.ReserveResult_RESERVE_RESULT_UNKNOWN, "offer_unknown"
		case st.times[code] >= most:
			refused, phrase = tillv1.ReserveResult_RESERVE_RESULT_USED, "offer_used"
		case !ok && runs.GetFrom() != 0 && day < runs.GetFrom():
			refused, phrase = tillv1.ReserveResult_RESERVE_RESULT_NOT_VALID_YET, "offer_unknown"
		case !ok && runs.GetUntil() != 0 && day > runs.GetUntil():
			refused, phrase = tillv1.ReserveResult_RESERVE_RESULT_EXPIRED, "offer_unknown"
		default:
			refused, phrase = tillv1.ReserveResult_RESERVE_RESULT_UNSPECIFIED, "offer_reserved"
		}
		return refused == 0, nil
	})
	switch {
	case refused != 0:
		r.out.Result = refused
	case r.out.GetResult() == tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER:
		phrase = "offer_other"
	}
	return phrase, err
}

// offerThing names what is held of an offer: this customer's share of it.
func offerThing(account [16]byte, campaign string) [16]byte {
	message := slices.Concat([]byte("stamklant/hold/offer/v1"), account[:], []byte(campaign))
	sum := sha256.Sum256(binary.AppendUvarint(message, uint64(len(campaign))))
	return [16]byte(sum[:16])
}
