package till_test

import (
	"context"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

func (w *world) explain(card string, change ...func(*tillv1.ExplainRequest)) (*tillv1.ExplainResponse, map[string]string) {
	w.t.Helper()
	req := &tillv1.ExplainRequest{
		Caller: &tillv1.Caller{Till: "3"}, Stage: tillv1.Stage_STAGE_START, Customer: &tillv1.ExplainRequest_Identifier{Identifier: typed(card)},
	}
	for _, c := range change {
		c(req)
	}
	out, err := w.service.Explain(context.Background(), req)
	if err != nil {
		w.t.Fatalf("explain: %v", err)
	}
	reasons := map[string]string{}
	for _, e := range out.GetCampaigns() {
		reasons[e.GetCampaign()] = e.GetReason()
	}
	return out, reasons
}

// Every campaign has its reason; what a lookup says wins here too, and asking promises nothing.
func TestExplain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := func(r *tillv1.ExplainRequest) {
		r.ReceiptRef = "sale-1"
		r.Basket = &tillv1.Basket{Currency: "EUR", Lines: []*outcomev1.Line{line(1, "450", 6, 6000), line(2, "460", 1, 2495)}}
	}
	if _, got := w.explain(cardRegular); got["verf-bij-tuinhout"] != "BASKET_MISSING" || got["dubbel"] != "WRONG_SEGMENT" || len(got) != 2 {
		t.Errorf("without basket: %v", got)
	}
	out, got := w.explain(cardRegular, lines)
	if got["verf-bij-tuinhout"] != "WON" || out.GetCampaign() != "verf-bij-tuinhout" || out.GetPromised() {
		t.Errorf("with the basket: %v", out)
	}
	w.lookup(cardRegular, ref("sale-1"), basket(line(1, "450", 6, 6000), line(2, "460", 1, 2495)))
	out, got = w.explain(cardRegular, func(r *tillv1.ExplainRequest) { r.ReceiptRef, r.Campaign = "sale-1", "dubbel" })
	if !out.GetPromised() || out.GetCampaign() != "verf-bij-tuinhout" || len(got) != 1 {
		t.Errorf("after the lookup: %v", out)
	}
	w.prefer(cardRegular, objects(outcomev1.Purpose_PURPOSE_ALL))
	if out, got := w.explain(cardRegular, lines); out.GetCampaign() != "" || got["verf-bij-tuinhout"] != "SILENCED" || got["dubbel"] != "SILENCED" {
		t.Errorf("after an objection: %v", out)
	}
	if out, got := w.explain(cardUnknown); out.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD || len(got) != 0 {
		t.Errorf("an unknown card: %v", out)
	}
}
