package tillclient_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

func (s *store) Reserve(ctx context.Context, r *tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
	s.mu.Lock()
	reserves := s.reserves
	s.mu.Unlock()
	if reserves == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return reserves(r)
}

func (s *store) Release(_ context.Context, r *tillv1.ReleaseRequest) (*tillv1.ReleaseResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = append(s.released, r)
	return &tillv1.ReleaseResponse{Result: tillv1.ReleaseResult_RELEASE_RESULT_NOT_RESERVED}, nil
}

func (s *store) RecordOutcome(_ context.Context, r *tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
	return s.outcomes(r)
}

// says is a server that answers every reservation alike.
func says(result tillv1.ReserveResult) func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
	return func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
		return &tillv1.ReserveResponse{Result: result}, nil
	}
}

func TestSomethingScarceIsGivenByTheServerThatHasIt(t *testing.T) {
	t.Parallel()
	const (
		here, elsewhere = tillv1.ReserveResult_RESERVE_RESULT_RESERVED, tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE
		taken           = tillv1.ReserveResult_RESERVE_RESULT_RESERVED_BY_OTHER
	)
	gone := func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
		return nil, status.Error(codes.Unavailable, "draining")
	}
	wrong := func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
		return nil, status.Error(codes.InvalidArgument, "no")
	}
	for _, tc := range []struct {
		name          string
		first, second func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error)
		want          tillv1.ReserveResult
		by            int // 1, 2; 0 for nobody
	}{
		{"the first has it", says(here), says(taken), here, 1},
		{"it is the standby's", says(elsewhere), says(here), here, 2},
		{"another sale has it", says(taken), says(here), taken, 1},
		{"neither has it", says(elsewhere), says(elsewhere), elsewhere, 2},
		{"the first is going down", gone, says(elsewhere), elsewhere, 2},
		{"neither answers in time", nil, nil, 0, 0},
		{"the request is wrong", wrong, says(here), 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			first, second := open(t, "first"), open(t, "second")
			first.reserves, second.reserves = tc.first, tc.second
			c := client(t, func(c *tillclient.Config) {
				if tc.first != nil {
					c.Timing.Reserve = patience
				}
			}, first.address, second.address)
			got := c.NewSale().Reserve(t.Context(), &tillv1.ReserveRequest{Thing: &tillv1.ReserveRequest_Points{Points: 5}})
			if got.GetResult() != tc.want || got.Server != []string{"", first.address, second.address}[tc.by] || (got.Why == nil) != (tc.by > 0) {
				t.Errorf("%v by %q, %v", got.GetResult(), got.Server, got.Why)
			}
			if got.Held() != (tc.want == here) {
				t.Errorf("held: %v", got.Held())
			}
		})
	}
}

func TestTheSaleIsNamedInWhatItHolds(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	asked := make(chan *tillv1.ReserveRequest, 1)
	first.reserves = func(r *tillv1.ReserveRequest) (*tillv1.ReserveResponse, error) {
		asked <- r
		return &tillv1.ReserveResponse{Result: tillv1.ReserveResult_RESERVE_RESULT_RESERVED}, nil
	}
	c := client(t, func(c *tillclient.Config) { c.Timing.Reserve = patience }, first.address, second.address)
	sale := c.NewSale()
	sale.Reserve(t.Context(), &tillv1.ReserveRequest{Thing: &tillv1.ReserveRequest_Offer{Offer: "x"}})
	if r := <-asked; r.GetReceiptRef() != sale.Ref() || r.GetCaller().GetTill() != "3" || r.GetStaffLanguage() != "en" {
		t.Errorf("asked %v", r)
	}
	if err := sale.Release(t.Context(), &tillv1.ReleaseRequest{Thing: &tillv1.ReleaseRequest_Offer{Offer: "x"}}); err != nil {
		t.Error(err)
	}
	for _, s := range []*store{first, second} { // whichever held it
		if len(s.released) != 1 || s.released[0].GetReceiptRef() != sale.Ref() {
			t.Errorf("%s was told %v", s.name, s.released)
		}
	}
}

func TestALateOutcomeIsToldToOne(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	first.outcomes = func(*tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
		return nil, status.Error(codes.Unavailable, "compacting")
	}
	second.outcomes = func(r *tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
		return &tillv1.RecordOutcomeResponse{Result: tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED, Meta: &tillv1.Meta{Server: r.GetCaller().GetTill()}}, nil
	}
	c := client(t, func(c *tillclient.Config) { c.Timing.Outcome = patience }, first.address, second.address)
	got, err := c.RecordOutcome(t.Context(), &tillv1.RecordOutcomeRequest{About: &tillv1.RecordOutcomeRequest_DecisionId{DecisionId: "d"}})
	if err != nil || got.GetResult() != tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED || got.GetMeta().GetServer() != "3" {
		t.Errorf("%v, %v", got, err)
	}
}
