package scoring

import (
	"context"
	"strings"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// found is what a run finds in the values: cut points, and per value the lowest and the highest that count, where its ends are drawn in.
type found struct {
	cuts   *customerv1.CutPoints
	bounds [3][]int64
}

// cut takes the cut points over all who are scored.
func (r *runner) cut(ctx context.Context) (found, error) {
	f := found{cuts: &customerv1.CutPoints{AsOfDay: r.asOf}}
	var count int64
	if err := r.tx.One(ctx, "select count(*) from temp.main.measured where standing = 'scored'", nil, &count); err != nil {
		return f, err
	}
	for i, into := range []*[]int64{&f.cuts.RecencyDays, &f.cuts.Frequency, &f.cuts.MonetaryMinor} {
		var err error
		if *into, f.bounds[i], err = r.cutOf(ctx, r.rules.dims[i], count); err != nil {
			return f, err
		}
	}
	return f, nil
}

// cutOf takes the cut points of one value among count accounts: the retailer's own, or else the database puts the values in order and tells
// those at the places that matter. Where scores are given by ranks the cut points are only told, not used.
func (r *runner) cutOf(ctx context.Context, d dimension, count int64) (cuts, bounds []int64, err error) {
	fixed := d.method == programmev1.ScoringMethod_SCORING_METHOD_FIXED
	if fixed {
		cuts = d.fixed
	}
	if count == 0 || fixed && d.drawn == 0 {
		return cuts, nil, nil
	}
	n := r.rules.scores
	lowest, highest := d.bounds(count)
	wanted := []int64{lowest, highest}
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		wanted = append(wanted, low, high)
	}
	at, err := r.at(ctx, d, wanted)
	if err != nil {
		return nil, nil, err
	}
	if d.drawn > 0 {
		bounds = []int64{at[lowest], at[highest]}
	}
	if fixed {
		return cuts, bounds, nil
	}
	within := func(place int64) int64 { return at[min(max(place, lowest), highest)] }
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		cuts = append(cuts, segment.CutPoint(count, k, n, within(low), within(high)))
	}
	return cuts, bounds, nil
}

// at returns the values at places among all who are scored, in ascending order.
func (r *runner) at(ctx context.Context, d dimension, places []int64) (map[int64]int64, error) {
	at := map[int64]int64{}
	query := strings.ReplaceAll(statement("in_order"), "/*value*/", d.column)
	for row, err := range r.tx.Query(ctx, query, warehouse.Arg("places", join(places))) {
		if err != nil {
			return nil, err
		}
		var place, value int64
		if err := row.Scan(&place, &value); err != nil {
			return nil, err
		}
		at[place] = value
	}
	return at, nil
}
