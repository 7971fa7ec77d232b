package insight

import (
	"context"
	"embed"
	"fmt"

	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

//go:embed sql/*.sql
var statements embed.FS

// statement returns the text of a file in sql/. The files are part of the program: a missing one is a mistake in it.
func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Count is a number of customers and what they spent in the window.
type Count struct {
	// Code names what is counted.
	Code string
	// Accounts is how many, MonetaryMinor what they spent, minor units.
	Accounts, MonetaryMinor int64
}

// ask runs a statement of the newest run and hands each row to take.
func ask(ctx context.Context, w *warehouse.Warehouse, name string, args []any, take func(warehouse.Row) error) error {
	err := w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		var runs int64
		if err := tx.One(ctx, "select count(*) from runs", nil, &runs); err != nil {
			return err
		}
		if runs == 0 {
			return scoring.ErrNoRun
		}
		for row, err := range tx.Query(ctx, statement(name), args...) {
			if err != nil {
				return err
			}
			if err := take(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// counts reads rows of code, accounts, money.
func counts(ctx context.Context, w *warehouse.Warehouse, name string) ([]Count, error) {
	var all []Count
	err := ask(ctx, w, name, nil, func(row warehouse.Row) error {
		var c Count
		err := row.Scan(&c.Code, &c.Accounts, &c.MonetaryMinor)
		all = append(all, c)
		return err
	})
	return all, err
}

// Phases counts customers by where they are on their way with the shop: first, second, regular, fading, returned. Lapsed customers, who have
// not bought within the window, are among the fading.
func Phases(ctx context.Context, w *warehouse.Warehouse) ([]Count, error) {
	return counts(ctx, w, "phases")
}

// Levers counts customers by what would make them worth more; the money is what it would bring in a window.
func Levers(ctx context.Context, w *warehouse.Warehouse) ([]Count, error) {
	return counts(ctx, w, "levers")
}

// Best counts the best customers, those with one of the two highest scores for frequency and for money, by how near leaving they are: steady,
// late, leaving, gone.
func Best(ctx context.Context, w *warehouse.Warehouse) ([]Count, error) {
	return counts(ctx, w, "best")
}

// Customer is one customer by name.
type Customer struct {
	// ExternalID is the shop's own number; empty where only a card is known.
	ExternalID string
	// Segment is the customer's.
	Segment string
	// Stage is how near leaving the customer is.
	Stage string
	// MonetaryMinor is what the customer spent in the window.
	MonetaryMinor int64
	// SinceDays is how long the customer has been away, UsualDays what lies between two visits as a rule.
	SinceDays, UsualDays int64
}

// Leaving names the best customers who are late or leaving, those who spend most first, at most top of them.
func Leaving(ctx context.Context, w *warehouse.Warehouse, top int) ([]Customer, error) {
	var all []Customer
	err := ask(ctx, w, "leaving", []any{warehouse.Arg("top", top)}, func(row warehouse.Row) error {
		var c Customer
		err := row.Scan(&c.ExternalID, &c.Segment, &c.Stage, &c.MonetaryMinor, &c.SinceDays, &c.UsualDays)
		all = append(all, c)
		return err
	})
	return all, err
}
