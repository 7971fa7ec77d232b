package till

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// freshEvery is how often those who watch are told when the data has become stale by itself. A switch of releases is told at once.
const freshEvery = 5 * time.Second

// WatchTill tells a till what is presented at it, and how fresh the data is, until the till or the server ends it.
func (s *Service) WatchTill(req *tillv1.WatchTillRequest, stream tillv1.CheckoutService_WatchTillServer) error {
	w, err := s.presented.watch(req.GetCaller().GetTill(), req.GetAfter(), s.cfg.Now())
	if err != nil {
		return toStatus(err)
	}
	defer w.end()
	every := time.NewTicker(freshEvery)
	defer every.Stop()
	told := &tillv1.Meta{}
	for {
		before := w.after
		cards, missed, more := w.next(s.cfg.Now())
		if told, err = s.tellFreshness(req, stream, told, before); err != nil {
			return err
		}
		for _, card := range cards {
			if err := s.tellCard(req, stream, card, missed); err != nil {
				return err
			}
			missed = 0
		}
		select {
		case <-more:
		case <-every.C:
		case <-stream.Context().Done():
			return toStatus(errWatchEnds)
		}
	}
}

// tellFreshness tells what answers rest on, when that is not what was told before.
func (s *Service) tellFreshness(req *tillv1.WatchTillRequest, stream tillv1.CheckoutService_WatchTillServer, told *tillv1.Meta, number uint64) (*tillv1.Meta, error) {
	var meta *tillv1.Meta
	err := s.answer(stream.Context(), req.GetCaller(), func(c *call) error {
		meta = c.meta()
		return nil
	})
	if err != nil {
		return told, err
	}
	if told.GetServer() != "" && told.GetRelease() == meta.GetRelease() && told.GetStale() == meta.GetStale() && proto.Equal(told.GetDataAsOf(), meta.GetDataAsOf()) {
		return told, nil
	}
	return meta, stream.Send(&tillv1.WatchTillResponse{
		Number: number, Event: &tillv1.WatchTillResponse_Freshness{Freshness: &tillv1.Freshness{Meta: meta}},
	})
}

// tellCard tells of one card, with what a lookup answers now.
func (s *Service) tellCard(req *tillv1.WatchTillRequest, stream tillv1.CheckoutService_WatchTillServer, card presentedCard, missed uint32) error {
	answer, err := s.asIfScanned(stream.Context(), req, card.identifier)
	if err != nil {
		return err
	}
	return stream.Send(&tillv1.WatchTillResponse{
		Number: card.number, Missed: missed, Event: &tillv1.WatchTillResponse_Card{Card: &tillv1.PresentedCard{
			Identifier: card.identifier, Answer: answer, PresentedAt: timestamppb.New(card.at),
		}},
	})
}

// asIfScanned is what a till that scanned the card itself at the start of a sale would be answered. No sale is promised anything: it has no name
// yet, and asks again with its own.
func (s *Service) asIfScanned(ctx context.Context, req *tillv1.WatchTillRequest, identifier *tillv1.Identifier) (*tillv1.LookupResponse, error) {
	var out *tillv1.LookupResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		out, err = c.lookup(ctx, &tillv1.LookupRequest{
			Caller: req.GetCaller(), Customer: &tillv1.LookupRequest_Identifier{Identifier: identifier}, Stage: tillv1.Stage_STAGE_START,
			Abilities: req.GetAbilities(), StaffLanguage: req.GetStaffLanguage(),
		})
		return err
	})
	return out, err
}

// Switched tells those who watch that another release serves.
func (s *Service) Switched() { s.presented.wake() }
