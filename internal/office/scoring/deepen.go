package scoring

import (
	"context"
	"fmt"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// deepen adds to the scores what the programme asks for beyond them: what the models foretell, and what customers like to buy. It works on all of the past, of those who were
// scored or have lapsed; nobody else is looked at. Its temporary tables are
//
//	sensitive  what receipts hold of sensitive groups
//	purchases  receipts that tell what customers do
func (r *runner) deepen(ctx context.Context, run *Run) error {
	if err := r.hide(ctx); err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, statement("purchases"), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency),
		warehouse.Arg("remove", r.rules.remove)); err != nil {
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
	if _, err := r.tx.Exec(ctx, "drop table temp.main.purchases; drop table temp.main.sensitive"); err != nil {
		return err
	}
	return run.readModels(ctx, r.tx)
}
