package till

import (
	"context"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// Release lets go of what a sale holds, and answers once that is on disk.
func (s *Service) Release(ctx context.Context, req *tillv1.ReleaseRequest) (*tillv1.ReleaseResponse, error) {
	var out *tillv1.ReleaseResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.letGo(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// letGo finds out what is meant and lets go of it.
func (c *call) letGo(ctx context.Context, req *tillv1.ReleaseRequest) (*tillv1.ReleaseResponse, error) {
	out := &tillv1.ReleaseResponse{Result: tillv1.ReleaseResult_RELEASE_RESULT_NOT_RESERVED, Meta: c.meta()}
	var thing [16]byte
	switch what := req.GetThing().(type) {
	case *tillv1.ReleaseRequest_Points:
		w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
		if err != nil || w.account == nil {
			return out, err
		}
		thing = pointsThing(w.id)
	case *tillv1.ReleaseRequest_Offer:
		w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
		if err != nil || w.account == nil {
			return out, err
		}
		thing = offerThing(w.id, what.Offer)
	default:
		id, ok := c.voucherID(req.GetVoucher(), req.GetVoucherRef())
		if !ok {
			return out, nil
		}
		thing = id
	}
	held, err := c.service.cfg.Journal.LetGo(ctx, thing, req.GetReceiptRef(), c.clock())
	if err != nil {
		return nil, err
	}
	if held {
		out.Result = tillv1.ReleaseResult_RELEASE_RESULT_RELEASED
		return out, nil
	}
	err = c.service.cfg.Journal.View(func(v *journal.View) error {
		right, err := c.coupon(v, thing)
		if right != nil && right.State == journal.RightUsed {
			out.Result = tillv1.ReleaseResult_RELEASE_RESULT_USED
		}
		return err
	})
	return out, err
}
