package warehouse

import (
	"context"
	"fmt"
)

// StoreDay is what a store took in on one day.
type StoreDay struct {
	// Store is its code.
	Store string
	// Day is the business day, as days since 1970-01-01.
	Day int32
	// Receipts is how many sales and returns.
	Receipts int64
	// Amount is what they come to, sales less returns, in ten-thousandths of the currency's unit.
	Amount int64
}

// Days returns what stores took in from one day to another, both included, by store and day; days without a receipt have no row.
func (w *Warehouse) Days(ctx context.Context, first, last int32) ([]StoreDay, error) {
	var all []StoreDay
	err := w.View(ctx, func(ctx context.Context, tx *Tx) (err error) {
		all, err = tx.storeDays(ctx, "days", Arg("first", first), Arg("last", last))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("receipts per store and day: %w", err)
	}
	return all, nil
}

// storeDays runs a statement that answers a StoreDay per row.
func (t *Tx) storeDays(ctx context.Context, name string, args ...any) ([]StoreDay, error) {
	var all []StoreDay
	for row, err := range t.Query(ctx, statement(name), args...) {
		if err != nil {
			return nil, err
		}
		var d StoreDay
		if err := row.Scan(&d.Store, &d.Day, &d.Receipts, &d.Amount); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
