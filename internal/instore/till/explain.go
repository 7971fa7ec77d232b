package till

import (
	"context"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// maxExplained bounds how many campaigns one answer is about.
const maxExplained = 500

// Explain tells staff why this suggestion and not the others. It promises nothing.
func (s *Service) Explain(ctx context.Context, req *tillv1.ExplainRequest) (*tillv1.ExplainResponse, error) {
	var out *tillv1.ExplainResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.explain(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// explain reads the customer as a lookup does, and has the decision give its reasons.
func (c *call) explain(ctx context.Context, req *tillv1.ExplainRequest) (*tillv1.ExplainResponse, error) {
	w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
	if err != nil {
		return nil, err
	}
	out := &tillv1.ExplainResponse{Outcome: w.outcome, Meta: c.meta()}
	if w.account == nil {
		return out, nil
	}
	var st *standing
	err = c.service.cfg.Journal.View(func(v *journal.View) error {
		st, err = c.stands(w, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	if w.lost {
		out.Outcome = w.withoutCustomer().outcome
		return out, nil
	}
	in, tongue := c.input(w, st, c.saleOf(req.GetBasket().GetLines()), stageOf(req.GetStage())), c.staffTongue(req.GetStaffLanguage(), c.place)
	in.Abilities, in.Asked.Elsewhere = abilitiesOf(req.GetAbilities()), c.service.asking.elsewhere(req.GetReceiptRef(), w.id, c.now)
	for _, considered := range c.decide.Explain(in) {
		code := considered.Campaign.GetCode()
		if considered.Reason == decision.Won {
			out.Campaign = code
		}
		if (req.GetCampaign() == "" || req.GetCampaign() == code) && len(out.Campaigns) < maxExplained {
			out.Campaigns = append(out.Campaigns, &tillv1.ExplainedCampaign{
				Campaign: code, Reason: considered.Reason.String(), Change: c.explained(tongue, &considered),
			})
		}
	}
	if kept, ok := c.service.promises.of(req.GetReceiptRef(), c.now); ok && kept.account == w.id && !kept.silent && !st.silenced {
		out.Campaign, out.Promised = kept.campaign, true
	}
	return out, nil
}
