package till_test

import (
	"context"
	"fmt"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// busy is a programme with 1,000 live campaigns: 20 that come into question for a regular customer, and 500 near misses.
func busy(p *programmev1.Programme) {
	for i := range 1000 {
		c := &programmev1.Campaign{
			Code: fmt.Sprintf("c%d", i), Limits: &programmev1.Limits{PerCustomer: 1},
			Kind: &programmev1.Campaign_Prompt{Prompt: &programmev1.Prompt{Kind: programmev1.PromptKind_PROMPT_KIND_EVENT}},
			When: &programmev1.Condition{Segments: []string{"champions"}},
		}
		if i < 520 {
			c.When = &programmev1.Condition{Segments: []string{"promising"}, Traits: []string{"garden"}}
			switch {
			case i >= 500:
			case i%3 == 0:
				c.When.Stores = []string{"s03"}
			case i%3 == 1:
				c.Runs = &programmev1.Period{From: 30000}
			default:
				c.When.Basket = []*programmev1.BasketCondition{{Group: "paint", Pieces: 50}}
			}
		}
		p.Campaigns = append(p.Campaigns, c)
	}
	for i := range 40 {
		p.Groups = append(p.Groups, &programmev1.ProductGroup{Name: fmt.Sprintf("g%d", i), Patterns: []string{fmt.Sprintf("%d*", 100+i)}})
	}
}

// BenchmarkLookup calls the handler directly: 1,000 live campaigns, a basket of 12 lines, and so many receipts of the customer that no
// release has counted yet.
func BenchmarkLookup(b *testing.B) {
	for _, uncounted := range []int{0, 1, 5} {
		b.Run(fmt.Sprint(uncounted), func(b *testing.B) {
			w := newWorld(b, busy)
			for i := range uncounted {
				w.record(receipt(fmt.Sprint(i), cardRegular, line(1, "300", 1, 4700)))
			}
			lookUp(b, w)
		})
	}
}

// lookUp asks over and over again about the regular customer.
func lookUp(b *testing.B, w *world) {
	b.Helper()
	var lines []*outcomev1.Line
	for i := range 12 {
		lines = append(lines, line(int32(i+1), []string{"4501", "1031", "1122", "300"}[i%4], 1, int64(499+i*350)))
	}
	req := &tillv1.LookupRequest{
		Caller: &tillv1.Caller{Till: "3"}, ReceiptRef: "bench", Stage: tillv1.Stage_STAGE_BASKET_CHANGED,
		Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte("]E0" + cardRegular)}}},
		Basket:   &tillv1.Basket{Lines: lines, Currency: "EUR"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.service.Lookup(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}
