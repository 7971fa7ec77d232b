package scoring

import (
	"context"
	"fmt"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// deepen adds to the scores what the programme asks for beyond them: what the models foretell, and what customers like to buy. It works on all of the past, of those who were
// scored or have lapsed; nobody else is looked at. Its temporary tables are
//
//	purchases  receipts that tell what customers do
//
// and those of the run that say what counts.
func (r *runner) deepen(ctx context.Context, run *Run) error {
	if _, err := r.tx.Exec(ctx, statement("purchases"), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency)); err != nil {
		return fmt.Errorf("gather receipts: %w", err)
	}
	if err := r.foretell(ctx, run); err != nil {
		return fmt.Errorf("foretell visits: %w", err)
	}
	if err := r.picture(ctx); err != nil {
		return fmt.Errorf("look at what is bought: %w", err)
	}
	if err := r.outlook(ctx, run); err != nil {
		return fmt.Errorf("tell how customers stand: %w", err)
	}
	if _, err := r.tx.Exec(ctx, "drop table temp.main.purchases"); err != nil {
		return err
	}
	return run.readModels(ctx, r.tx)
}
