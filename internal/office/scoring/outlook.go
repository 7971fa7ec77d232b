package scoring

import (
	"context"
	"fmt"
	"strings"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// outlook says how customers stand beyond their scores: phase, strategy, lever, and whether they are leaving. It works on purchases, and
// replaces what the run before said. Its temporary tables are
//
//	visited  days with a purchase
//	breadth  product groups per account
func (r *runner) outlook(ctx context.Context, run *Run) error {
	if _, err := r.tx.Exec(ctx, statement("outlook_visits")+"; delete from main.outlooks"); err != nil {
		return fmt.Errorf("days with a purchase: %w", err)
	}
	if _, err := r.tx.Exec(ctx, statement("outlook_groups"), warehouse.Arg("first", r.first()),
		warehouse.Arg("patterns", strings.Join(r.rules.sensitive, "\x1f"))); err != nil {
		return fmt.Errorf("product groups: %w", err)
	}
	for _, name := range []string{"outlook_marks", "outlook"} {
		if _, err := r.tx.Exec(ctx, statement(name), warehouse.Arg("run", run.ID), warehouse.Arg("as_of", r.asOf)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := r.tx.Exec(ctx, "drop table temp.main.visited; drop table temp.main.breadth")
	return err
}
