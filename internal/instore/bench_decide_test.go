package instore_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

// What a busy programme holds for one customer.
const (
	candidates = 20  // of the right segment, whose last condition alone does not hold: the whole of each is looked at
	nearMisses = 500 // of the right segment, for another store, another date or another basket
)

// Verdicts are timed some at a time: one is shorter than a clock is worth looking at.
const (
	decideTimes = 200
	decideEach  = 20
)

// BenchmarkTableDecide is what choosing a suggestion costs, and how little that grows with campaigns that are for others.
func BenchmarkTableDecide(b *testing.B) {
	if b.N > 1 {
		return
	}
	thousand, ten := newDecideBench(b, 1_000), newDecideBench(b, 10_000)
	among := &row{what: "Decide, 20 candidates and 500 near misses among 1,000; a loop that asks all for segment and store", unit: "µs", target: "≤ 15 µs"}
	grown := &row{what: "the same among 10,000; among 1,000", unit: "µs", target: "≤ 1.3 ×"}
	alternate(among, benchRounds, thousand.decide, thousand.walk)
	alternate(grown, benchRounds, ten.decide, thousand.decide)
	printTable(os.Stdout, []*row{among, grown})
}

// decideBench is a programme and somebody in a shop.
type decideBench struct {
	campaigns []*programmev1.Campaign
	programme *decision.Programme
	in        *decision.Input
	fits      int // so many the walk found
}

func newDecideBench(b *testing.B, n int) *decideBench {
	b.Helper()
	d := &decideBench{in: &decision.Input{
		Account: [16]byte{1}, Segment: "promising", Tier: "silver", HomeStore: "s01", LastVisitDay: 19_990, Store: "s01", Day: 20_000,
		Minute: 600, Weekday: 3, Stage: decision.Payment, Traits: []*customerv1.Trait{{Name: "balcony", Value: &customerv1.Trait_Yes{Yes: true}}},
	}}
	for i := range basketLines {
		d.in.Lines = append(d.in.Lines, &outcomev1.Line{No: int32(i + 1), QuantityMilli: 1000, NetMinor: 499})
		d.in.Groups = append(d.in.Groups, []uint64{1})
	}
	for i := range n {
		c := &programmev1.Campaign{
			Code: fmt.Sprintf("c%d", i), Limits: &programmev1.Limits{PerCustomer: 1},
			Kind: &programmev1.Campaign_Prompt{Prompt: &programmev1.Prompt{Kind: programmev1.PromptKind_PROMPT_KIND_EVENT}},
			When: &programmev1.Condition{Segments: []string{fmt.Sprintf("other%d", i%50)}},
		}
		if i < candidates+nearMisses {
			c.When.Segments = []string{"promising"}
			switch {
			case i < candidates:
				c.When.Basket, c.When.Traits = []*programmev1.BasketCondition{{Group: "timber"}}, []string{"balcony"}
				c.When.DaysSinceVisit = &programmev1.Bounds{AtMost: new(int64(5))}
			case i%3 == 0:
				c.When.Stores = []string{"s99"}
			case i%3 == 1:
				c.Runs = &programmev1.Period{From: 30_000}
			default:
				c.When.Basket = []*programmev1.BasketCondition{{Group: "plants"}}
			}
		}
		d.campaigns = append(d.campaigns, c)
	}
	var err error
	d.programme, err = decision.Compile(&programmev1.Programme{
		Campaigns: d.campaigns, Groups: []*programmev1.ProductGroup{{Name: "timber", Patterns: []string{"1*"}}, {Name: "plants", Patterns: []string{"2*"}}},
	})
	must(b, err)
	if v := d.programme.Decide(d.in); v.Campaign != nil || len(v.Considered) < candidates {
		b.Fatalf("chose %v, considered %d", v.Campaign, len(v.Considered))
	}
	return d
}

// decide is the median time of a verdict, in microseconds.
func (d *decideBench) decide() float64 {
	return medianOf(func() { d.programme.Decide(d.in) })
}

// walk is the median time of asking every campaign for segment and store alone.
func (d *decideBench) walk() float64 {
	return medianOf(func() {
		for _, c := range d.campaigns {
			if when := c.GetWhen(); slices.Contains(when.GetSegments(), d.in.Segment) && (len(when.GetStores()) == 0 || slices.Contains(when.GetStores(), d.in.Store)) {
				d.fits++
			}
		}
	})
}

// medianOf is the median time of what is done some times in a row, in microseconds each.
func medianOf(do func()) float64 {
	took := make([]float64, decideTimes)
	for i := range took {
		began := time.Now()
		for range decideEach {
			do()
		}
		took[i] = float64(time.Since(began).Nanoseconds()) / 1e3 / decideEach
	}
	return median(took)
}
