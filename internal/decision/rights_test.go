package decision_test

import (
	"fmt"
	"strings"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

// TestTake holds what rights and an offer take off together; the amounts were worked out by hand.
func TestTake(t *testing.T) {
	t.Parallel()
	const best, add = programmev1.Combining_COMBINING_BEST, programmev1.Combining_COMBINING_ADD
	line := func(net int64) *outcomev1.Line {
		return &outcomev1.Line{No: 1, QuantityMilli: 1000, NetMinor: net}
	}
	for _, tc := range []struct {
		name     string
		together programmev1.Combining
		offer    *programmev1.Offer // nil for none
		held     []string
		lines    []*outcomev1.Line
		groups   []int // of each line
		turn     func(*programmev1.Programme, *decision.Input)
		want     string // what the offer takes off, then each right
	}{
		{name: "staff, no offer", together: best, held: []string{"staff"}, lines: []*outcomev1.Line{line(1999)}, groups: []int{paint}, want: " | staff 0:400"}, // 399.8
		{name: "nobody's right", together: best, offer: &programmev1.Offer{Percent: 2000}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: "0:200"},
		{name: "staff 20 % and an offer of 20 %: one of them", together: best, offer: &programmev1.Offer{Percent: 2000}, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: " | staff 0:200"},
		{name: "staff 20 % and an offer of 20 %: both", together: add, offer: &programmev1.Offer{Percent: 2000}, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: "0:200 | staff 0:200"},
		{name: "the offer is better on one line", together: best, offer: &programmev1.Offer{Percent: 3000, Groups: []string{"paint"}}, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000), line(1000)}, groups: []int{paint, timber}, want: "0:300 | staff 1:200"},
		{name: "of two rights the better", together: best, held: []string{"trade", "staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{timber}, want: " | staff 0:200"},
		{name: "two rights added up", together: add, held: []string{"trade", "staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{timber}, want: " | trade 0:150 | staff 0:200"},
		{name: "trade is for timber alone", together: best, held: []string{"trade"}, lines: []*outcomev1.Line{line(1000), line(1000)}, groups: []int{timber, paint}, want: " | trade 0:150"},
		{name: "trade is not for lines on promotion", together: best, held: []string{"trade"}, lines: []*outcomev1.Line{{No: 1, QuantityMilli: 1000, NetMinor: 1000, OnPromotion: true}}, groups: []int{timber}, want: ""},
		{name: "a right that ended yesterday", together: best, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: "", turn: func(p *programmev1.Programme, in *decision.Input) {
			p.CustomerGroups[1].Until = in.Day - 1
		}},
		{name: "on its last day it holds", together: best, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: " | staff 0:200", turn: func(p *programmev1.Programme, in *decision.Input) {
			p.CustomerGroups[1].Until = in.Day
		}},
		{name: "not below nothing", together: add, offer: &programmev1.Offer{Amount: 950}, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: "0:800 | staff 0:200"},
		{name: "the law bounds the sum", together: add, offer: &programmev1.Offer{Percent: 2000}, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: "0:50 | staff 0:200", turn: func(p *programmev1.Programme, _ *decision.Input) {
			p.Restricted = []*programmev1.Restriction{{Group: "paint", AtMostPercent: 2500}}
		}},
		{name: "the law bounds one right", together: best, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: " | staff 0:100", turn: func(p *programmev1.Programme, _ *decision.Input) {
			p.Restricted = []*programmev1.Restriction{{Group: "paint", AtMostPercent: 1000}}
		}},
		{name: "never tobacco, a deposit or goods brought back", together: add, held: []string{"staff"}, lines: []*outcomev1.Line{line(1000), {No: 2, NetMinor: 500, NotMerchandise: true}, {No: 3, QuantityMilli: -1000, NetMinor: -500}}, groups: []int{tobacco, paint, paint}, want: ""},
		{name: "a group that is no more in the programme", together: best, held: []string{"gone"}, lines: []*outcomev1.Line{line(1000)}, groups: []int{paint}, want: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var campaigns []*programmev1.Campaign
			if tc.offer != nil {
				campaigns = append(campaigns, offer("o", tc.offer))
			}
			p := programme(campaigns...)
			p.DiscountsTogether = tc.together
			p.CustomerGroups = []*programmev1.CustomerGroup{
				{Code: "trade", Percent: 1500, Groups: []string{"timber"}, NotOnPromotion: true}, {Code: "staff", Percent: 2000}, {Code: "club"},
			}
			in := regular()
			if tc.turn != nil {
				tc.turn(p, in)
			}
			in.Lines, in.Groups = tc.lines, nil
			for _, group := range tc.groups {
				in.Groups = append(in.Groups, []uint64{1 << group})
			}
			compiled := compile(t, p)
			taken := compiled.Take(compiled.Decide(in).Discounts, tc.held, in)
			got := amounts(taken.Offer)
			for _, r := range taken.Rights {
				got += " | " + r.Code + " " + amounts(r.Lines)
			}
			if got != tc.want {
				t.Errorf("takes off %q, want %q", got, tc.want)
			}
		})
	}
}

func amounts(discounts []decision.LineDiscount) string {
	var out []string
	for _, d := range discounts {
		out = append(out, fmt.Sprintf("%d:%d", d.Line, d.Amount))
	}
	return strings.Join(out, " ")
}
