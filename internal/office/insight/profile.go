package insight

import (
	"context"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Trait is one thing the best customers are held against all for.
type Trait struct {
	// Kind is group (share of turnover), store, weekday or hour (share of receipts), or basket (a mean per receipt).
	Kind string
	// Value is which: the group's or store's code, mon … sun, the hour from 00 to 23; for a basket money or pieces.
	Value string
	// Best and All are shares in basis points; of a basket, minor units or thousandths of a piece.
	Best, All int64
}

// Profile says what sets the best customers (those with one of the two highest scores for frequency and for money) apart from all who were
// scored, over the newest run's window: what they buy, where, when, and how much at once. Of each kind come the values on which most depends
// first. Sensitive product groups are not looked at.
func Profile(ctx context.Context, w *warehouse.Warehouse, programme *programmev1.Programme) ([]Trait, error) {
	var all []Trait
	args := []any{
		warehouse.Arg("patterns", strings.Join(scoring.SensitivePatterns(programme), "\x1f")), warehouse.Arg("currency", programme.GetCurrency()),
		warehouse.Arg("decimals", programme.GetCurrencyDecimals()),
	}
	err := ask(ctx, w, "profile", args, func(row warehouse.Row) error {
		var t Trait
		err := row.Scan(&t.Kind, &t.Value, &t.Best, &t.All)
		all = append(all, t)
		return err
	})
	return all, err
}
