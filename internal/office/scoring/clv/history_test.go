package clv_test

import (
	"slices"
	"testing"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// TestSummarise: same-day purchases are one, order does not matter, what comes after the end is not there.
func TestSummarise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		purchases []clv.Purchase
		end       int32
		want      clv.History
		none      bool
	}{
		{name: "nothing", end: 100, none: true},
		{name: "only later", purchases: []clv.Purchase{{101, 5}}, end: 100, none: true},
		{
			name: "one-time", purchases: []clv.Purchase{{90, 500}}, end: 100,
			want: clv.History{Summary: clv.Summary{AgeDays: 10, Customers: 1}, FirstDay: 90},
		},
		{
			name: "twice on the first day", purchases: []clv.Purchase{{90, 500}, {90, 700}}, end: 100,
			want: clv.History{Summary: clv.Summary{AgeDays: 10, Customers: 1}, FirstDay: 90},
		},
		{
			name: "in any order", purchases: []clv.Purchase{{97, 30}, {120, 9}, {90, 500}, {95, 20}, {97, 4}}, end: 100,
			want: clv.History{Summary: clv.Summary{Repeats: 2, RecencyDays: 7, AgeDays: 10, Customers: 1}, FirstDay: 90, RepeatMinor: 54},
		},
		{
			name: "on the last day", purchases: []clv.Purchase{{90, 500}, {100, 20}}, end: 100,
			want: clv.History{Summary: clv.Summary{Repeats: 1, RecencyDays: 10, AgeDays: 10, Customers: 1}, FirstDay: 90, RepeatMinor: 20},
		},
		{
			name: "before 1970", purchases: []clv.Purchase{{-20, 1}, {-10, 2}}, end: -5,
			want: clv.History{Summary: clv.Summary{Repeats: 1, RecencyDays: 10, AgeDays: 15, Customers: 1}, FirstDay: -20, RepeatMinor: 2},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(tc.purchases)
			got, ok := clv.Summarise(tc.purchases, tc.end)
			if ok == tc.none || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, ok, tc.want)
			}
			if !slices.Equal(before, tc.purchases) {
				t.Errorf("the purchases were changed to %v", tc.purchases)
			}
		})
	}
	purchases := []clv.Purchase{{10, 1}, {12, 1}, {11, 1}, {12, 1}, {15, 1}}
	if got := clv.PurchaseDays(purchases, 10, 14); got != 2 {
		t.Errorf("%d purchase days after day 10 until day 14, want 2", got)
	}
}
