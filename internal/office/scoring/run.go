package scoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Run is what one scoring run found. It never changes.
type Run struct {
	// ID is its number; it rises.
	ID int64
	// AsOf and First are the last and the first day of the window, as days since 1970-01-01; First is 0 when all receipts count.
	AsOf, First int32
	// RanAt is when it was made.
	RanAt time.Time
	// Imported says that segments and scores came with the customer list.
	Imported bool
	// Scores is the number of scores per dimension.
	Scores int
	// Scored are the accounts that got scores, or came with a segment.
	Scored int64
	// Lapsed are those that bought before the window and not within it: they have a segment and move no cut point.
	Lapsed int64
	// LeftOut are those with receipts that may not or shall not be scored, and why.
	LeftOut []warehouse.Count
	// Cuts are the cut points; nil under imported scores, empty when nobody was scored.
	Cuts *customerv1.CutPoints
	// Bounds are, for recency, frequency and money, the lowest and the highest value that counted in cut points and means; nil where the ends were
	// not drawn in.
	Bounds [3][]int64
	// Segments are the segments with at least one account, the largest first.
	Segments []SegmentRow
	// Shares are how the accounts spread over each score: recency, frequency and money, score 1 first.
	Shares [3][]int64
	// Warnings are scores that nobody has, or that at least twice as many have as would be even.
	Warnings []string
	// Models are what foretells visits and spending; none when nothing is foretold.
	Models []Model
	// Calibration is how well the first part of the receipts foretold the rest; nil when it bore no model.
	Calibration *Calibration
}

// SegmentRow is one segment in a run.
type SegmentRow struct {
	// Code is the segment's.
	Code string
	// Accounts is its size.
	Accounts int64
	// RecencyDays, Frequency and MonetaryMinor are sums over its accounts.
	RecencyDays, Frequency, MonetaryMinor int64
}

// Mean is a sum over the segment's accounts divided by their number, in hundredths, rounded half up.
func (s SegmentRow) Mean(sum int64) int64 {
	if s.Accounts == 0 {
		return 0
	}
	scaled := sum*200 + s.Accounts
	quotient := scaled / (2 * s.Accounts)
	if scaled%(2*s.Accounts) < 0 {
		quotient--
	}
	return quotient
}

// Latest returns the newest run, or ErrNoRun.
func Latest(ctx context.Context, w *warehouse.Warehouse) (*Run, error) {
	var run *Run
	err := w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		var id int64
		if err := tx.One(ctx, "select coalesce(max(run_id), 0) from runs", nil, &id); err != nil {
			return err
		}
		if id == 0 {
			return ErrNoRun
		}
		var err error
		run, err = read(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("latest scoring run: %w", err)
	}
	return run, nil
}

// read returns a run; shares are those of the scores that stand, which are the newest run's.
func read(ctx context.Context, tx *warehouse.Tx, id int64) (*Run, error) {
	return readRun(ctx, tx, id, true)
}

// readRun returns a run; only the newest one's scores stand, so that there is more to tell of it.
func readRun(ctx context.Context, tx *warehouse.Tx, id int64, newest bool) (*Run, error) {
	run := &Run{ID: id}
	var source string
	var cuts, bounds [3]any
	err := tx.One(ctx, statement("run"), []any{warehouse.Arg("run", id)},
		&run.AsOf, &run.First, &run.RanAt, &source, &run.Scores, &run.Scored, &run.Lapsed, &cuts[0], &cuts[1], &cuts[2],
		&bounds[0], &bounds[1], &bounds[2])
	if err != nil {
		return nil, err
	}
	run.Imported = source == "imported"
	if err := run.readSegments(ctx, tx); err != nil {
		return nil, err
	}
	if run.Imported {
		run.Scored = 0
		for _, s := range run.Segments {
			run.Scored += s.Accounts
		}
		return run, nil
	}
	run.Cuts = &customerv1.CutPoints{
		AsOfDay: run.AsOf, RecencyDays: whole(cuts[0]), Frequency: whole(cuts[1]), MonetaryMinor: whole(cuts[2]),
	}
	for i, b := range bounds {
		if all := whole(b); len(all) == 2 {
			run.Bounds[i] = all
		}
	}
	if !newest {
		return run, nil
	}
	return run, errors.Join(run.readLeftOut(ctx, tx), run.readShares(ctx, tx), run.readModels(ctx, tx))
}

// whole reads a list of whole numbers.
func whole(list any) []int64 {
	items, _ := list.([]any)
	all := make([]int64, 0, len(items))
	for _, item := range items {
		if v, ok := item.(int64); ok {
			all = append(all, v)
		}
	}
	return all
}

// readSegments reads the table of segments.
func (r *Run) readSegments(ctx context.Context, tx *warehouse.Tx) error {
	for row, err := range tx.Query(ctx, statement("run_segments"), warehouse.Arg("run", r.ID)) {
		if err != nil {
			return err
		}
		var s SegmentRow
		if err := row.Scan(&s.Code, &s.Accounts, &s.RecencyDays, &s.Frequency, &s.MonetaryMinor); err != nil {
			return err
		}
		r.Segments = append(r.Segments, s)
	}
	return nil
}

// readLeftOut reads who was not scored, and why.
func (r *Run) readLeftOut(ctx context.Context, tx *warehouse.Tx) error {
	for row, err := range tx.Query(ctx, statement("run_left_out")) {
		if err != nil {
			return err
		}
		var c warehouse.Count
		if err := row.Scan(&c.Reason, &c.Rows); err != nil {
			return err
		}
		r.LeftOut = append(r.LeftOut, c)
	}
	return nil
}

// readShares reads how accounts spread over the scores, and warns of what is uneven.
func (r *Run) readShares(ctx context.Context, tx *warehouse.Tx) error {
	for i := range r.Shares {
		r.Shares[i] = make([]int64, r.Scores)
	}
	for row, err := range tx.Query(ctx, statement("run_shares")) {
		if err != nil {
			return err
		}
		var dimension, score int
		var accounts int64
		if err := row.Scan(&dimension, &score, &accounts); err != nil {
			return err
		}
		if score >= 1 && score <= r.Scores {
			r.Shares[dimension][score-1] = accounts
		}
	}
	if r.Scored > 0 {
		r.warn()
	}
	return nil
}

// warn notes scores that are empty or doubly filled.
func (r *Run) warn() {
	for i, dimension := range []string{"recency", "frequency", "money"} {
		for score, accounts := range r.Shares[i] {
			switch {
			case accounts == 0:
				r.Warnings = append(r.Warnings, fmt.Sprintf("%s score %d: nobody has it, because too many customers are equal there",
					dimension, score+1))
			case accounts*int64(r.Scores) >= 2*r.Scored:
				r.Warnings = append(r.Warnings, fmt.Sprintf("%s score %d: %d of %d customers have it, at least twice an even share",
					dimension, score+1, accounts, r.Scored))
			}
		}
	}
}

// String sums the run up in a line.
func (r *Run) String() string {
	day := func(d int32) string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }
	var out strings.Builder
	since := day(r.First) + " to "
	if r.First == 0 {
		since = "all receipts up to "
	}
	fmt.Fprintf(&out, "run %d: %d customers scored over %s%s", r.ID, r.Scored, since, day(r.AsOf))
	if r.Lapsed > 0 {
		fmt.Fprintf(&out, ", %d who bought before", r.Lapsed)
	}
	for _, c := range r.LeftOut {
		fmt.Fprintf(&out, ", %d left out (%s)", c.Rows, c.Reason)
	}
	return out.String()
}

// History returns all runs, the newest first. Only the newest one has shares, warnings and who was left out: they are of the scores that stand.
func History(ctx context.Context, w *warehouse.Warehouse) ([]*Run, error) {
	var runs []*Run
	err := w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		var ids []int64
		for row, err := range tx.Query(ctx, "select run_id from runs order by run_id desc") {
			if err != nil {
				return err
			}
			var id int64
			if err := row.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		for i, id := range ids {
			run, err := readRun(ctx, tx, id, i == 0)
			if err != nil {
				return err
			}
			runs = append(runs, run)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("scoring runs: %w", err)
	}
	return runs, nil
}
