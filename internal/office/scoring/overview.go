package scoring

import (
	"context"
	"errors"
	"fmt"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Overview is what a person wants to see of the newest run besides its table of segments. It never changes.
type Overview struct {
	// TurnoverMinor is what all who were scored spent within the window.
	TurnoverMinor int64
	// Once is how many of them came once.
	Once int64
	// Fading are regular customers, in the upper two fifths of frequency scores, who have not been seen for long: the lower two fifths of recency
	// scores. FadingMinor is what they spent.
	Fading, FadingMinor int64
	// Grid are the customers by recency and frequency score: Grid[r-1][f-1].
	Grid [][]Cell
	// Hours are sales by weekday and hour.
	Hours []Hour
	// Before is the day as of which the run before was made, in days since 1970-01-01; 0 when there was none.
	Before int32
	// New are customers whose first receipt is younger than that.
	New int64
	// Moves are the changes of segment since, of those who were scored, the largest first.
	Moves []Flow
	// Value is what is foretold per segment, the most valuable first; none where nothing is.
	Value []SegmentValue
}

// Cell is the customers with one recency and one frequency score.
type Cell struct {
	// Accounts is how many.
	Accounts int64
	// MonetaryMinor is what they spent, MoneyScores the sum of their money scores.
	MonetaryMinor, MoneyScores int64
}

// Hour is an hour of the week.
type Hour struct {
	// Weekday is 1 for Monday to 7 for Sunday.
	Weekday int
	// Hour is 0 to 23, in store time; -1 where only the day of a sale is known.
	Hour int
	// Receipts is how many sales there were, on Days days.
	Receipts, Days int64
}

// Flow is how many customers went from one segment to another.
type Flow struct {
	// From and To are the segments' codes.
	From, To string
	// Accounts is how many.
	Accounts int64
}

// SegmentValue is what is foretold of a segment's customers for twelve months.
type SegmentValue struct {
	// Code is the segment's.
	Code string
	// Accounts is its size.
	Accounts int64
	// AliveMillionths is the sum of the probabilities that they still buy here; VisitsThousandths and ValueMinor what is expected of them all.
	AliveMillionths, VisitsThousandths, ValueMinor int64
}

// Look returns the overview of a run, which MUST be the newest: its scores stand. Under imported scores, and where nobody was scored, only hours
// can be told.
func Look(ctx context.Context, w *warehouse.Warehouse, run *Run) (*Overview, error) {
	o := &Overview{}
	err := w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		if err := o.readHours(ctx, tx, run); err != nil || run.Imported || run.Scored == 0 {
			return err
		}
		return errors.Join(o.readGroups(ctx, tx, run), o.readGrid(ctx, tx, run), o.readMoves(ctx, tx, run), o.readValue(ctx, tx, run))
	})
	if err != nil {
		return nil, fmt.Errorf("overview of run %d: %w", run.ID, err)
	}
	return o, nil
}

func (o *Overview) readGroups(ctx context.Context, tx *warehouse.Tx, run *Run) error {
	var scored int64
	return tx.One(ctx, statement("overview_groups"), []any{warehouse.Arg("scores", run.Scores)},
		&scored, &o.TurnoverMinor, &o.Once, &o.Fading, &o.FadingMinor)
}

func (o *Overview) readGrid(ctx context.Context, tx *warehouse.Tx, run *Run) error {
	o.Grid = make([][]Cell, run.Scores)
	for r := range o.Grid {
		o.Grid[r] = make([]Cell, run.Scores)
	}
	for row, err := range tx.Query(ctx, statement("overview_grid")) {
		if err != nil {
			return err
		}
		var r, f int
		var c Cell
		if err := row.Scan(&r, &f, &c.Accounts, &c.MonetaryMinor, &c.MoneyScores); err != nil {
			return err
		}
		if r < 1 || f < 1 || r > run.Scores || f > run.Scores {
			return fmt.Errorf("scores %d and %d, of %d", r, f, run.Scores)
		}
		o.Grid[r-1][f-1] = c
	}
	return nil
}

func (o *Overview) readHours(ctx context.Context, tx *warehouse.Tx, run *Run) error {
	for row, err := range tx.Query(ctx, statement("overview_hours"), warehouse.Arg("first", run.First), warehouse.Arg("as_of", run.AsOf)) {
		if err != nil {
			return err
		}
		var h Hour
		if err := row.Scan(&h.Weekday, &h.Hour, &h.Receipts, &h.Days); err != nil {
			return err
		}
		o.Hours = append(o.Hours, h)
	}
	return nil
}

func (o *Overview) readMoves(ctx context.Context, tx *warehouse.Tx, run *Run) error {
	err := tx.One(ctx, statement("overview_before"), []any{warehouse.Arg("run", run.ID), warehouse.Arg("as_of", run.AsOf)}, &o.Before, &o.New)
	if errors.Is(err, warehouse.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	for row, err := range tx.Query(ctx, statement("overview_moves"), warehouse.Arg("as_of", run.AsOf)) {
		if err != nil {
			return err
		}
		var f Flow
		if err := row.Scan(&f.From, &f.To, &f.Accounts); err != nil {
			return err
		}
		o.Moves = append(o.Moves, f)
	}
	return nil
}

// readValue reads what is foretold, where both models may be used.
func (o *Overview) readValue(ctx context.Context, tx *warehouse.Tx, run *Run) error {
	usable := map[string]bool{}
	for _, m := range run.Models {
		usable[m.Name] = m.Usable
	}
	if !usable["visits"] || !usable["spend"] {
		return nil
	}
	for row, err := range tx.Query(ctx, statement("overview_value")) {
		if err != nil {
			return err
		}
		var v SegmentValue
		if err := row.Scan(&v.Code, &v.Accounts, &v.AliveMillionths, &v.VisitsThousandths, &v.ValueMinor); err != nil {
			return err
		}
		o.Value = append(o.Value, v)
	}
	return nil
}
