package till

import (
	"context"

	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// tabletAbilities are what a scanner or tablet can show that says nothing else.
var tabletAbilities = &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20}

// PresentCard takes a card that a scanner or tablet presents for a till, and answers with the customer's words alone.
func (s *Service) PresentCard(ctx context.Context, req *tillv1.PresentCardRequest) (*tillv1.PresentCardResponse, error) {
	var out *tillv1.PresentCardResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.present(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// present classifies the card, keeps it for the till, and says what the customer may read.
func (c *call) present(ctx context.Context, req *tillv1.PresentCardRequest) (*tillv1.PresentCardResponse, error) {
	abilities := req.GetAbilities()
	if abilities == nil {
		abilities = tabletAbilities
	}
	seen, err := c.lookup(ctx, &tillv1.LookupRequest{
		Caller: req.GetCaller(), Customer: &tillv1.LookupRequest_Identifier{Identifier: req.GetIdentifier()},
		Stage: tillv1.Stage_STAGE_CLASSIFY, Abilities: abilities,
	})
	if err != nil {
		return nil, err
	}
	out := &tillv1.PresentCardResponse{Result: tillv1.PresentResult_PRESENT_RESULT_NOT_A_CARD, Meta: seen.GetMeta()}
	switch seen.GetOutcome() {
	case tillv1.Outcome_OUTCOME_NOT_A_CARD, tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT:
		return out, nil
	default:
	}
	watched, err := c.service.presented.present(req.GetCaller().GetTill(), proto.CloneOf(req.GetIdentifier()), c.now)
	if err != nil {
		return nil, err
	}
	out.Result, out.CustomerDisplay = tillv1.PresentResult_PRESENT_RESULT_KEPT, seen.GetCustomerDisplay()
	if watched {
		out.Result = tillv1.PresentResult_PRESENT_RESULT_ACCEPTED
	}
	return out, nil
}
