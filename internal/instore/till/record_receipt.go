package till

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// maxMinor bounds every amount on a receipt: a hundred billion units of a currency with two decimals is a till gone wrong.
const maxMinor = 10_000_000_000_000

// RecordReceipt records the end of a sale, and answers once it is on disk.
func (s *Service) RecordReceipt(ctx context.Context, req *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	var out *tillv1.RecordReceiptResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		out, err = c.record(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// record checks what no field rule can, finds the customer, and has the journal book the receipt once.
func (c *call) record(ctx context.Context, req *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	if err := c.check(req.GetReceipt()); err != nil {
		return nil, err
	}
	if err := c.answers(req.GetExposures()); err != nil {
		return nil, err
	}
	b, recorded, err := c.keep(ctx, req)
	switch {
	case err != nil:
		return nil, err
	case recorded.Conflict:
		return nil, fmt.Errorf("%w (store %s, till %s, %s, receipt %s)", errConflict, b.receipt.GetKey().GetStore(),
			b.receipt.GetKey().GetTill(), b.receipt.GetKey().GetBusinessDate(), b.receipt.GetKey().GetReceiptNo())
	}
	if counted(b.receipt) {
		c.service.promises.close(b.receipt.GetReceiptRef())
		c.service.told.close(b.receipt.GetReceiptRef())
		c.service.presented.close(req.GetCaller().GetTill(), b.receipt.GetReceiptRef(), b.receipt.GetEndedAt().AsTime())
	}
	out := &tillv1.RecordReceiptResponse{}
	if err := proto.Unmarshal(recorded.Answer, out); err != nil {
		return nil, fmt.Errorf("%w: the stored answer cannot be read: %w", journal.ErrDamaged, err)
	}
	if out.Meta == nil {
		out.Meta = c.meta() // of an old answer only the points are kept
	}
	out.Meta.Replayed = recorded.Replayed
	return out, nil
}

// laneTries bounds how often a receipt is begun anew because urgent words came in between; more than one is rare.
const laneTries = 3

// keep finds the customer and has the journal book the receipt. When the lane said something new in between, the customer is looked for again: who
// was erased meanwhile is not booked on.
func (c *call) keep(ctx context.Context, req *tillv1.RecordReceiptRequest) (b *booking, recorded journal.Recorded, err error) {
	for range laneTries {
		w := &who{}
		if req.GetCustomer() != nil {
			if w, err = c.whom(ctx, req.GetIdentifier(), req.GetAccountRef()); err != nil {
				return nil, recorded, err
			}
		}
		b = c.begin(req, w)
		key, hash := b.key, contentHash(req, b.reading, c.release.Store.GetContentKey())
		if !counted(b.receipt) {
			key = trainingKey(key, hash)
		}
		recorded, err = c.service.cfg.Journal.Record(ctx, journal.RecordRequest{
			Key: key, Hash: hash, Receipt: b.receipt, Book: b.book,
			Reimaged: func(standing *journal.Standing) bool { return reimaged(standing.Sale.GetReceipt(), b.receipt) },
		})
		if !errors.Is(err, errLaneMoved) {
			break
		}
		c.overlay = c.service.cfg.Journal.Overlay()
	}
	return b, recorded, err
}

// check refuses receipts that say something impossible.
func (c *call) check(r *outcomev1.Receipt) error {
	if store := r.GetKey().GetStore(); store != c.store {
		return fmt.Errorf("%w: the receipt is of store %q, this server stands in %q", errWrongStore, store, c.store)
	}
	for name, day := range map[string]string{"receipt.key.business_date": r.GetKey().GetBusinessDate(), "receipt.original.business_date": r.GetOriginal().GetBusinessDate()} {
		if day == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("%w: %s %q is no day", errInvalid, name, day)
		}
	}
	if magnitude(r.GetTotalMinor()) > maxMinor {
		return fmt.Errorf("%w: receipt.total_minor %d is beyond any receipt", errInvalid, r.GetTotalMinor())
	}
	for i, line := range r.GetLines() {
		if magnitude(line.GetNetMinor()) > maxMinor || magnitude(line.GetDiscountMinor()) > maxMinor || magnitude(line.GetQuantityMilli()) > maxMinor {
			return fmt.Errorf("%w: receipt.lines[%d] has an amount beyond any receipt", errInvalid, i)
		}
	}
	return nil
}

// dayOf is a business date in days since 1970-01-01.
func dayOf(date string) int32 {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return 0
	}
	return loyalty.Day(day)
}

// anotherClock is how far apart the clocks of two receipts with one key are when they cannot be one sale.
const anotherClock = 10 * time.Minute

// reimaged reports whether a receipt under a key that is taken is another till's, or the same till's that was set up anew and counts from the
// beginning again: another clock, and other goods. A till that corrects a receipt sends the same moment.
func reimaged(stands, came *outcomev1.Receipt) bool {
	if stands.GetEndedAt() == nil || came.GetEndedAt() == nil {
		return false
	}
	apart := stands.GetEndedAt().AsTime().Sub(came.GetEndedAt().AsTime())
	return max(apart, -apart) > anotherClock && !slices.EqualFunc(stands.GetLines(), came.GetLines(), sameGoods)
}

// sameGoods reports whether two lines are of the same goods at the same price.
func sameGoods(a, b *outcomev1.Line) bool {
	return a.GetSku() == b.GetSku() && a.GetQuantityMilli() == b.GetQuantityMilli() && a.GetNetMinor() == b.GetNetMinor()
}
