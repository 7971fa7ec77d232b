package inbox

import (
	"encoding/binary"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// The states of a coupon, as they are kept.
const (
	couponOpen byte = iota + 1
	couponUsed
	couponWithdrawn
)

// givenBackDays is for how many days a coupon can still be used, at the least, when the goods it was used on were brought back; as in the stores.
const givenBackDays = 30

// Coupon is a coupon that a server gave, as far as head office has heard.
type Coupon struct {
	// ServerID is who gave it: the server that holds it, and lets it be used.
	ServerID string
	// Given is what was printed, without whom it was given to.
	Given *outcomev1.Coupon
	// Used and Withdrawn tell how it stands; open when neither is set.
	Used, Withdrawn bool
}

// takeCoupons works in what a receipt did to coupons. What is delivered again changes nothing.
func (t *transaction) takeCoupons(server string, r *outcomev1.RecordedReceipt) error {
	if given := r.GetCoupon(); len(given.GetVoucherId()) == 16 {
		known, err := t.get(inCoupons, given.GetVoucherId())
		if err != nil {
			return err
		}
		if known == nil {
			anybodys := proto.CloneOf(given)
			anybodys.AccountId, anybodys.GivenWith = nil, nil
			if err := t.putCoupon(&Coupon{ServerID: server, Given: anybodys}); err != nil {
				return err
			}
		}
	}
	for _, use := range r.GetCouponUses() {
		if len(use.GetVoucherId()) != 16 {
			continue
		}
		if err := t.useCoupon(use, int32(r.GetRecordedAt().GetSeconds()/86400)); err != nil {
			return err
		}
	}
	return nil
}

// useCoupon works in what became of one coupon. Of one that no server was heard to give nothing is kept.
func (t *transaction) useCoupon(use *outcomev1.CouponUse, day int32) error {
	c, err := t.coupon(use.GetVoucherId())
	if err != nil || c == nil {
		return err
	}
	switch use.GetResult() {
	case outcomev1.UseResult_USE_RESULT_USED, outcomev1.UseResult_USE_RESULT_RESERVED_BY_OTHER, outcomev1.UseResult_USE_RESULT_NOT_VALID:
		c.Used = true
	case outcomev1.UseResult_USE_RESULT_WITHDRAWN:
		c.Withdrawn = true
	case outcomev1.UseResult_USE_RESULT_GIVEN_BACK:
		c.Used = false
		c.Given.ValidUntil = max(c.Given.GetValidUntil(), day+givenBackDays)
	default:
		return nil
	}
	return t.putCoupon(c)
}

// coupon reads a coupon; nil for one nobody gave.
func (t *transaction) coupon(id []byte) (*Coupon, error) {
	value, err := t.get(inCoupons, id)
	if err != nil || value == nil {
		return nil, err
	}
	return decodeCoupon(id, value)
}

func decodeCoupon(id, value []byte) (*Coupon, error) {
	damaged := fmt.Errorf("%w: coupon %x", ErrDamaged, id)
	if len(value) < 2 || value[0] < couponOpen || value[0] > couponWithdrawn {
		return nil, damaged
	}
	n, used := binary.Uvarint(value[1:])
	if used <= 0 || n > uint64(len(value)-1-used) {
		return nil, damaged
	}
	rest := value[1+used:]
	c := &Coupon{ServerID: string(rest[:n]), Given: &outcomev1.Coupon{}, Used: value[0] == couponUsed, Withdrawn: value[0] == couponWithdrawn}
	if err := proto.Unmarshal(rest[n:], c.Given); err != nil {
		return nil, damaged
	}
	return c, nil
}

func (t *transaction) putCoupon(c *Coupon) error {
	given, err := proto.Marshal(c.Given)
	if err != nil {
		return err
	}
	state := couponOpen
	switch {
	case c.Used:
		state = couponUsed
	case c.Withdrawn:
		state = couponWithdrawn
	}
	value := binary.AppendUvarint([]byte{state}, uint64(len(c.ServerID)))
	return t.put(inCoupons, c.Given.GetVoucherId(), append(append(value, c.ServerID...), given...))
}

// Coupons visits every coupon that servers were heard to give. After an error the visit ends.
func (c *Cut) Coupons() iter.Seq2[*Coupon, error] {
	return visits(func(visit func(*Coupon) (bool, error)) error {
		return c.t.each(inCoupons, nil, nil, func(key, value []byte) (bool, error) {
			one, err := decodeCoupon(key, value)
			if err != nil {
				return false, err
			}
			return visit(one)
		})
	})
}
