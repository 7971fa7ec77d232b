package till

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// GetStatus tells how fresh the server's data is and what waits.
func (s *Service) GetStatus(ctx context.Context, req *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error) {
	var out *tillv1.GetStatusResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) error {
		waiting, err := s.cfg.Journal.Waiting()
		if err != nil {
			return err
		}
		_, contact, err := s.cfg.Journal.Times()
		if err != nil {
			return err
		}
		out = &tillv1.GetStatusResponse{
			Meta: c.meta(), Store: c.store, OutboxWaiting: waiting, Accounts: c.release.Header.GetAccounts(),
		}
		clock := s.cfg.Journal.Time()
		if out.ClockSuspect = clock.Suspect; !clock.Trusted.IsZero() {
			out.TrustedTime = timestamppb.New(clock.Trusted)
		}
		if !contact.IsZero() {
			out.OfficeSeenAt = timestamppb.New(contact)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
