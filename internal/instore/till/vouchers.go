package till

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// maxVouchers bounds how many vouchers of a customer an answer names.
const maxVouchers = 10

// voucherID is the voucher that a till names: as it was scanned, or as an earlier answer named it. False for what is no voucher of ours.
func (c *call) voucherID(scanned *tillv1.Identifier, ref string) (id [16]byte, ok bool) {
	if scanned != nil {
		return voucherOf(c.rules.Read(bytesOf(scanned)))
	}
	n, err := refs.Decode(id[:], []byte(ref))
	return id, err == nil && n == len(id)
}

// voucherOf is the voucher that was read; false for anything else.
func voucherOf(r identify.Reading) (id [16]byte, ok bool) {
	if r.Outcome != identify.Voucher {
		return id, false
	}
	return identify.VoucherID(r.Namespace, r.Canonical), true
}

// coupon is a coupon and how it stands; nil for one this server does not hold: neither given here, nor brought by head office. A journal that was put
// back may not know what was given and used since: then head office has to have heard of that first, and what it published counts beside it.
func (c *call) coupon(v *journal.View, id [16]byte) (*journal.Right, error) {
	right, err := v.Right(id)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return nil, err
	}
	again := c.service.cfg.Journal.Lives() > 1
	if right != nil && !again {
		return right, nil
	}
	if again && !c.heardOf() {
		return nil, nil
	}
	known := c.service.known.of(c.release.Store)[id]
	if known == nil {
		return right, nil
	}
	if right == nil {
		right = &journal.Right{Coupon: known.GetCoupon(), State: journal.RightOpen}
	}
	switch {
	case right.State != journal.RightOpen:
	case known.GetUsed():
		right.State = journal.RightUsed
	case known.GetWithdrawn():
		right.State = journal.RightWithdrawn
	}
	return right, nil
}

// heardOf reports whether the release was cut after head office had heard of the journal's present life.
func (c *call) heardOf() bool {
	life := c.service.cfg.Journal.Incarnation()
	return slices.ContainsFunc(c.release.Header.GetCutOffs(), func(off *bundlev1.CutOff) bool {
		return off.GetServerId() == c.service.cfg.ServerID && bytes.Equal(off.GetIncarnation(), life[:])
	})
}

// knownCoupons finds coupons that head office published, by their names. It remembers the last release's.
type knownCoupons struct {
	last atomic.Pointer[knownIn]
}

type knownIn struct {
	part *bundlev1.StorePart
	byID map[[16]byte]*bundlev1.KnownCoupon
}

func (k *knownCoupons) of(part *bundlev1.StorePart) map[[16]byte]*bundlev1.KnownCoupon {
	if last := k.last.Load(); last != nil && last.part == part {
		return last.byID
	}
	byID := make(map[[16]byte]*bundlev1.KnownCoupon, len(part.GetCoupons()))
	for _, known := range part.GetCoupons() {
		if id := known.GetCoupon().GetVoucherId(); len(id) == 16 {
			byID[[16]byte(id)] = known
		}
	}
	k.last.Store(&knownIn{part, byID})
	return byID
}

// clock is the time holds and coupons are judged by: the wall clock, or trusted time while that is suspect.
func (c *call) clock() time.Time { return c.service.cfg.Journal.Time().Best().In(c.place.zone) }

// stateOf is how a coupon stands on a day.
func stateOf(r *journal.Right, held bool, day int32) tillv1.VoucherState {
	switch {
	case r == nil:
		return tillv1.VoucherState_VOUCHER_STATE_NOT_HERE
	case r.State == journal.RightUsed:
		return tillv1.VoucherState_VOUCHER_STATE_USED
	case r.State == journal.RightWithdrawn:
		return tillv1.VoucherState_VOUCHER_STATE_WITHDRAWN
	case day > r.Coupon.GetValidUntil():
		return tillv1.VoucherState_VOUCHER_STATE_EXPIRED
	case day < r.Coupon.GetValidFrom():
		return tillv1.VoucherState_VOUCHER_STATE_NOT_VALID_YET
	case held:
		return tillv1.VoucherState_VOUCHER_STATE_RESERVED
	default:
		return tillv1.VoucherState_VOUCHER_STATE_OPEN
	}
}

// voucher is a coupon as tills may know it.
func voucher(id [16]byte, r *journal.Right, state tillv1.VoucherState) *tillv1.Voucher {
	out := &tillv1.Voucher{VoucherRef: refs.EncodeToString(id[:]), State: state}
	if r == nil {
		return out
	}
	of := r.Coupon
	out.Masked, out.Campaign, out.TillCode = of.GetMasked(), of.GetCampaign(), of.GetTillCode()
	out.BasisPoints, out.AmountMinor, out.AtMostMinor, out.SpendAtLeastMinor = of.GetPercent(), of.GetAmountMinor(), of.GetAtMostMinor(), of.GetSpendAtLeastMinor()
	out.ValidFrom, out.ValidUntil = dateOf(of.GetValidFrom()), dateOf(of.GetValidUntil())
	return out
}

// dateOf is a day, given in days since 1970-01-01, as YYYY-MM-DD.
func dateOf(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// scannedVoucher is how a voucher stands that was scanned to be looked up.
func (c *call) scannedVoucher(w *who) (out *tillv1.Voucher, err error) {
	id, ok := voucherOf(w.scanned)
	if !ok {
		return nil, nil
	}
	now := c.clock()
	err = c.service.cfg.Journal.View(func(v *journal.View) error {
		right, err := c.coupon(v, id)
		if err != nil {
			return err
		}
		held, err := v.Held(id, now)
		out = voucher(id, right, stateOf(right, held != nil, loyalty.Day(now)))
		return err
	})
	return out, err
}

// wallet are the coupons of a customer that may be used now or later, those that end first.
func (c *call) wallet(w *who, v *journal.View) ([]*tillv1.Voucher, error) {
	if !c.service.cfg.Journal.HasCoupons() {
		return nil, nil
	}
	now, seen := c.clock(), map[[16]byte]bool{}
	var out []*tillv1.Voucher
	add := func(coupon *outcomev1.Coupon) error {
		id := [16]byte(coupon.GetVoucherId())
		if seen[id] {
			return nil
		}
		seen[id] = true
		right, err := c.coupon(v, id)
		if err != nil {
			return err
		}
		held, err := v.Held(id, now)
		if err != nil {
			return err
		}
		switch state := stateOf(right, held != nil, loyalty.Day(now)); state {
		case tillv1.VoucherState_VOUCHER_STATE_OPEN, tillv1.VoucherState_VOUCHER_STATE_RESERVED, tillv1.VoucherState_VOUCHER_STATE_NOT_VALID_YET:
			out = append(out, voucher(id, right, state))
		default:
		}
		return nil
	}
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		rights, err := v.Wallet(account)
		if err != nil {
			return nil, err
		}
		for _, right := range rights {
			if err := add(right.Coupon); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *tillv1.Voucher) int {
		return bytes.Compare([]byte(a.GetValidUntil()), []byte(b.GetValidUntil()))
	})
	return out[:min(len(out), maxVouchers)], nil
}

// voucherFacts is what may be said of a voucher that was looked up.
func voucherFacts(v *tillv1.Voucher) *public {
	facts := &public{percent: v.GetBasisPoints(), money: v.GetAmountMinor(), least: v.GetSpendAtLeastMinor()}
	if v.GetValidFrom() != "" {
		facts.from, facts.by = dayOf(v.GetValidFrom()), dayOf(v.GetValidUntil())
	}
	return facts
}
