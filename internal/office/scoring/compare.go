package scoring

import (
	"context"
	"fmt"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Move is how many customers one segment would lose to another.
type Move struct {
	// From and To are the segments' codes; empty for none.
	From, To string
	// Accounts is how many.
	Accounts int64
	// Examples are the shop's own numbers of those of them who spend most.
	Examples []string
}

// Comparison is what a draft would make of customers, beside what the present programme makes of them as of the same day.
type Comparison struct {
	// AsOf is the day, days since 1970-01-01.
	AsOf int32
	// Stayed is how many would stay where they are.
	Stayed int64
	// Moved is how many would move.
	Moved int64
	// Moves are those, the largest first.
	Moves []Move
}

// Compare says who would move if the draft took the present programme's place, as of a day, and keeps nothing. Both are scored from the same
// receipts, and no fall is held back: a move that a delay would put off is told of at once. At most top customers are named per move. It
// returns ErrProgramme, wrapped, when one of them cannot be scored by, or takes its scores from the customer list.
func Compare(ctx context.Context, w *warehouse.Warehouse, present, draft *programmev1.Programme, asOf int32, top int, options Options) (*Comparison, error) {
	now, err := newRunner(present, asOf, options)
	if err != nil {
		return nil, fmt.Errorf("the present programme: %w", err)
	}
	then, err := newRunner(draft, asOf, options)
	if err != nil {
		return nil, fmt.Errorf("the draft: %w", err)
	}
	for _, r := range []*runner{now, then} {
		if r.rules.imported {
			return nil, fmt.Errorf("%w: `scoring: imported` takes segments from the customer list, so that nobody would move", ErrProgramme)
		}
		r.rules.delay = 0
	}
	c := &Comparison{AsOf: asOf}
	err = w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		now.tx, then.tx = tx, tx
		if _, err := now.find(ctx); err != nil {
			return fmt.Errorf("the present programme: %w", err)
		}
		if _, err := tx.Exec(ctx, statement("compare_keep")); err != nil {
			return err
		}
		if err := now.uncount(ctx); err != nil {
			return err
		}
		if _, err := then.find(ctx); err != nil {
			return fmt.Errorf("the draft: %w", err)
		}
		return c.read(ctx, tx, top)
	})
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return c, nil
}

// read counts who would move; the temporary tables go when the transaction is undone.
func (c *Comparison) read(ctx context.Context, tx *warehouse.Tx, top int) error {
	for row, err := range tx.Query(ctx, statement("compare"), warehouse.Arg("top", top)) {
		if err != nil {
			return err
		}
		var m Move
		var examples any
		if err := row.Scan(&m.From, &m.To, &m.Accounts, &examples); err != nil {
			return err
		}
		if m.From == m.To {
			c.Stayed += m.Accounts
			continue
		}
		m.Examples = words(examples)
		c.Moved += m.Accounts
		c.Moves = append(c.Moves, m)
	}
	return nil
}

// words reads a list of words.
func words(list any) []string {
	items, _ := list.([]any)
	var all []string
	for _, item := range items {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
