package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// The kinds of what is kept in holds.
const (
	holdThing byte = 1
	holdSale  byte = 2
)

// layHolds adds what vouchers, coupons and late outcomes are kept in.
func layHolds(tx *bbolt.Tx, s *sealer) error {
	var mem scratch
	for _, name := range []string{inCoupons, inWallets, inHolds, inOutcomes} {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		if b.Get(head) != nil {
			continue
		}
		if err := b.Put(head, s.seal(&mem, name, head, link(nil, nil))); err != nil {
			return err
		}
	}
	return nil
}

// Hold is something scarce that an open sale holds, so that no other sale gives it away.
type Hold struct {
	// Ref is the sale's receipt_ref.
	Ref string
	// Till is the till that asked last.
	Till string
	// Until is when it is free again, whether or not anybody lets go of it.
	Until time.Time
	// Amount is how much of it is held, where it can be divided; 0 for a thing that is whole.
	Amount int64
}

func (h Hold) encode() []byte {
	b := binary.AppendVarint(make([]byte, 0, 32+len(h.Ref)+len(h.Till)), h.Until.UnixNano())
	b = appendBytes(appendBytes(b, []byte(h.Ref)), []byte(h.Till))
	if h.Amount != 0 {
		b = binary.AppendVarint(b, h.Amount)
	}
	return b
}

func decodeHold(b []byte) (Hold, error) {
	r := reader{b: b}
	h := Hold{Until: time.Unix(0, r.varint()).UTC(), Ref: string(r.bytes()), Till: string(r.bytes())}
	if r.err == nil && len(r.b) > 0 {
		h.Amount = r.varint()
	}
	return h, r.end()
}

// HoldRequest asks for something to be held.
type HoldRequest struct {
	// Thing names what is held.
	Thing [16]byte
	// Hold is who holds it, and until when.
	Hold Hold
	// Now is the present by a clock that can be relied on (Clock.Best); what was held until before is free.
	Now time.Time
	// May decides whether the thing may be given at all. It runs inside the write transaction, after it is certain that no other sale holds the
	// thing, and may run more than once. Nil: it may.
	May func(v *View) (bool, error)
}

// HoldResult is what became of a request to hold something.
type HoldResult struct {
	// Granted says that it is held now.
	Granted bool
	// Replayed says that the same till held it for the same sale already.
	Replayed bool
	// Other says that another sale holds it.
	Other bool
}

// Hold holds something for a sale, and answers when that is on disk. The same sale holds it anew, also from another till. Errors: May's own;
// ErrFull; ErrUnavailable and ctx's error, after which it may simply be asked for again; ErrDamaged; ErrClosed.
func (j *Journal) Hold(ctx context.Context, req HoldRequest) (out HoldResult, err error) {
	if req.Hold.Ref == "" {
		return out, errors.New("journal: a hold needs the receipt_ref of its sale")
	}
	if err := j.room(fullForReceipts); err != nil {
		return out, err
	}
	err = j.update(ctx, func(w *writer) error {
		out = HoldResult{}
		had, err := w.Held(req.Thing, req.Now)
		if err != nil {
			return err
		}
		if out.Other = had != nil && had.Ref != req.Hold.Ref; out.Other {
			return nil
		}
		if req.May != nil {
			if out.Granted, err = req.May(w.View); err != nil || !out.Granted {
				return err
			}
		}
		out.Granted, out.Replayed = true, had != nil && had.Till == req.Hold.Till
		return w.hold(req.Thing, req.Hold)
	})
	return out, err
}

// LetGo lets go of what a sale holds, and answers when that is on disk. It answers false when the sale does not hold it, or no longer does.
func (j *Journal) LetGo(ctx context.Context, thing [16]byte, ref string, now time.Time) (held bool, err error) {
	err = j.update(ctx, func(w *writer) error {
		had, err := w.Held(thing, now)
		if held = had != nil && had.Ref == ref; err != nil || !held {
			return err
		}
		return w.letGo(thing, ref)
	})
	return held, err
}

// Held is who holds a thing at a moment; nil for nobody.
func (v *View) Held(thing [16]byte, now time.Time) (*Hold, error) {
	h, err := v.heldEver(thing)
	if err != nil || h == nil || !now.Before(h.Until) {
		return nil, err
	}
	return h, nil
}

// heldEver is who held a thing last, as far as it was not swept.
func (v *View) heldEver(thing [16]byte) (*Hold, error) {
	plain, err := v.get(inHolds, thingKey(thing))
	if err != nil || plain == nil {
		return nil, err
	}
	h, err := decodeHold(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: hold %x: %w", ErrDamaged, thing, err)
	}
	return &h, nil
}

func thingKey(thing [16]byte) []byte { return append([]byte{holdThing}, thing[:]...) }

// saleKey is the beginning of where all that a sale holds is found.
func saleKey(ref string) []byte {
	sum := sha256.Sum256([]byte(ref))
	return append([]byte{holdSale}, sum[:16]...)
}

// hold writes a hold, in place of an earlier one.
func (w *writer) hold(thing [16]byte, h Hold) error {
	before, err := w.heldEver(thing)
	if err != nil {
		return err
	}
	if before != nil && before.Ref != h.Ref {
		if err := w.letGo(thing, before.Ref); err != nil {
			return err
		}
	}
	if err := w.put(inHolds, thingKey(thing), h.encode()); err != nil {
		return err
	}
	return w.put(inHolds, append(saleKey(h.Ref), thing[:]...), nil)
}

// letGo removes a hold.
func (w *writer) letGo(thing [16]byte, ref string) error {
	if err := w.remove(inHolds, thingKey(thing)); err != nil {
		return err
	}
	return w.remove(inHolds, append(saleKey(ref), thing[:]...))
}

// letAllGo lets go of all that a sale holds, when it ends.
func (w *writer) letAllGo(ref string) error {
	if ref == "" {
		return nil
	}
	var things [][16]byte
	err := w.scan(inHolds, saleKey(ref), func(key, _ []byte) (bool, error) {
		if len(key) != 1+16+16 {
			return false, fmt.Errorf("%w: holds %x is no key", ErrDamaged, key)
		}
		things = append(things, [16]byte(key[17:]))
		return true, nil
	})
	for _, thing := range things {
		if err != nil {
			break
		}
		err = w.letGo(thing, ref)
	}
	return err
}

// Sweep removes what is of no use any more: holds that ended before now, coupons that could last be used before a day (days since 1970-01-01) and
// what is known of outcomes recorded before a time. Times must be trusted ones. It returns how much went; what went and what expired are the same
// to everybody who reads.
func (j *Journal) Sweep(ctx context.Context, now time.Time, couponsBefore int32, outcomesBefore time.Time) (swept int, err error) {
	for {
		n := 0
		err := j.update(ctx, func(w *writer) (err error) {
			n, err = w.sweep(now, couponsBefore, outcomesBefore)
			return err
		})
		swept += n
		if err != nil || n < pruneStep {
			return swept, err
		}
	}
}

// sweep removes at most about pruneStep values.
func (w *writer) sweep(now time.Time, couponsBefore int32, outcomesBefore time.Time) (n int, err error) {
	var steps []func() error
	err = w.scan(inHolds, []byte{holdThing}, func(key, plain []byte) (bool, error) {
		h, err := decodeHold(plain)
		if err == nil && !now.Before(h.Until) {
			thing := [16]byte(key[1:])
			steps = append(steps, func() error { return w.letGo(thing, h.Ref) })
		}
		return len(steps) < pruneStep, err
	})
	if err != nil {
		return 0, err
	}
	err = w.scan(inCoupons, nil, func(key, plain []byte) (bool, error) {
		r, err := decodeRight(plain)
		if err == nil && r.Coupon.GetValidUntil() < couponsBefore {
			id := [16]byte(key)
			steps = append(steps, func() error { return w.forgetRight(id, r) })
		}
		return len(steps) < pruneStep, err
	})
	if err != nil {
		return 0, err
	}
	err = w.scan(inOutcomes, nil, func(key, plain []byte) (bool, error) {
		r := reader{b: plain}
		if at := r.varint(); r.err == nil && at < outcomesBefore.UnixNano() {
			place := slices.Clone(key)
			steps = append(steps, func() error { return w.remove(inOutcomes, place) })
		}
		return len(steps) < pruneStep, r.err
	})
	for _, step := range steps {
		if err != nil {
			break
		}
		err = step()
	}
	return len(steps), err
}
