package journal

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// RightState is how a coupon stands.
type RightState byte

// How a coupon can stand.
const (
	// RightOpen may be used.
	RightOpen RightState = iota + 1
	// RightUsed was used.
	RightUsed
	// RightWithdrawn was taken back before it was used.
	RightWithdrawn
)

// Right is a coupon that this server has given, and how it stands.
type Right struct {
	// Coupon is what was printed.
	Coupon *outcomev1.Coupon
	// State is how it stands.
	State RightState
	// By is the key of the receipt it was used on or withdrawn by; empty while it is open.
	By []byte
}

func (r *Right) encode() ([]byte, error) {
	b, err := proto.Marshal(r.Coupon)
	if err != nil {
		return nil, err
	}
	return append(appendBytes([]byte{byte(r.State)}, r.By), b...), nil
}

func decodeRight(b []byte) (*Right, error) {
	r := reader{b: b}
	right := &Right{State: RightState(r.byte()), By: slices.Clone(r.bytes()), Coupon: &outcomev1.Coupon{}}
	if r.err != nil {
		return nil, fmt.Errorf("%w: a coupon: %w", ErrDamaged, r.err)
	}
	if err := proto.Unmarshal(r.b, right.Coupon); err != nil || right.State < RightOpen || right.State > RightWithdrawn {
		return nil, errors.Join(fmt.Errorf("%w: a coupon cannot be read", ErrDamaged), err)
	}
	return right, nil
}

// Rights is what a receipt did to coupons.
type Rights struct {
	// Gives is the coupon the receipt ends in; nil for none.
	Gives *outcomev1.Coupon
	// Sets are coupons that stand otherwise from now on; of each, By is filled in.
	Sets []*Right
}

// Right is a coupon this server has given or was told of, or ErrNotFound.
func (v *View) Right(id [16]byte) (*Right, error) {
	plain, err := v.get(inCoupons, id[:])
	if err != nil {
		return nil, err
	}
	if plain == nil {
		return nil, ErrNotFound
	}
	return decodeRight(plain)
}

// Wallet returns the coupons that were given to an account.
func (v *View) Wallet(account [16]byte) ([]*Right, error) {
	var ids [][16]byte
	err := v.scan(inWallets, account[:], func(key, _ []byte) (bool, error) {
		if len(key) != 32 {
			return false, fmt.Errorf("%w: wallets %x is no key", ErrDamaged, key)
		}
		ids = append(ids, [16]byte(key[16:]))
		return true, nil
	})
	rights := make([]*Right, 0, len(ids))
	for _, id := range ids {
		if err != nil {
			return nil, err
		}
		var r *Right
		r, err = v.Right(id)
		rights = append(rights, r)
	}
	return rights, err
}

// settle keeps what a receipt did to coupons, and lets go of all that its sale held.
func (w *writer) settle(req *RecordRequest, r *Rights) error {
	for _, right := range r.Sets {
		right.By = req.Key
		if right.State == RightOpen {
			right.By = nil
		}
		if err := w.putRight(right); err != nil {
			return err
		}
	}
	if r.Gives != nil {
		if err := w.putRight(&Right{Coupon: r.Gives, State: RightOpen}); err != nil {
			return err
		}
	}
	return w.letAllGo(req.Receipt.GetReceiptRef())
}

// putRight writes a coupon, and into whose wallet it belongs.
func (w *writer) putRight(r *Right) error {
	id := r.Coupon.GetVoucherId()
	if len(id) != 16 {
		return fmt.Errorf("journal: a coupon's id has %d bytes, not 16", len(id))
	}
	plain, err := r.encode()
	if err != nil {
		return err
	}
	if err := w.put(inCoupons, id, plain); err != nil || len(r.Coupon.GetAccountId()) != 16 {
		return err
	}
	w.gave = true
	return w.put(inWallets, slices.Concat(r.Coupon.GetAccountId(), id), nil)
}

// forgetRight removes a coupon.
func (w *writer) forgetRight(id [16]byte, r *Right) error {
	if err := w.remove(inCoupons, id[:]); err != nil || len(r.Coupon.GetAccountId()) != 16 {
		return err
	}
	return w.remove(inWallets, slices.Concat(r.Coupon.GetAccountId(), id[:]))
}

// emptyWallet makes the coupons of an account anybody's: whoever has the paper may still use it.
func (w *writer) emptyWallet(account [16]byte) error {
	rights, err := w.Wallet(account)
	if err != nil {
		return err
	}
	for _, r := range rights {
		id := [16]byte(r.Coupon.GetVoucherId())
		if err := w.forgetRight(id, r); err != nil {
			return err
		}
		r.Coupon.AccountId, r.Coupon.GivenWith = nil, nil
		if err := w.putRight(r); err != nil {
			return err
		}
	}
	return nil
}

// HasCoupons reports whether any account was ever given a coupon here: while it says no, every Wallet is empty.
func (j *Journal) HasCoupons() bool { return j.coupons.Load() }

// Lives is how many lives the file has had; more than one means that it was put back or copied, so that what it gave since may not stand in it.
func (j *Journal) Lives() int { return len(j.lives.Load().lives) }
