package scoring

import (
	"context"
	"fmt"
	"slices"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// picture replaces what is known of what customers like to buy, when and where, and what is bought together. Its temporary tables are
//
//	items         the items of each article code: the programme's product groups; null for a code that is sensitive
//	item_numbers  items, numbered from 0
//	bought        what receipts hold, by item
//	carts         what receipts came to
//	others        what else would go with what an account buys
//	together      what is bought together
func (r *runner) picture(ctx context.Context) error {
	if !r.rules.picture {
		_, err := r.tx.Exec(ctx, "delete from pictures; delete from mixes; delete from replenishments; delete from affinities")
		return err
	}
	r.options.Progress("look at what is bought", 0, 0)
	items, err := r.items(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"bought", "carts"} {
		if _, err := r.tx.Exec(ctx, statement(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.options.Progress("find what is bought together", 0, 0)
	if err := r.together(ctx, items); err != nil {
		return fmt.Errorf("what is bought together: %w", err)
	}
	r.options.Progress("picture customers", 0, 0)
	for _, step := range []struct {
		name string
		args []any
	}{{"mixes", nil}, {"pictures", nil}, {"replenishments", []any{warehouse.Arg("as_of", r.asOf)}}} {
		if _, err := r.tx.Exec(ctx, r.money(statement(step.name)), step.args...); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	_, err = r.tx.Exec(ctx, `drop table temp.main.items; drop table temp.main.item_numbers; drop table temp.main.bought; drop table temp.main.carts;
		drop table temp.main.others; drop table temp.main.together`)
	return err
}

// items fills items and item_numbers, and returns the items by their numbers.
func (r *runner) items(ctx context.Context) ([]string, error) {
	codes, err := r.codes(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.tx.Exec(ctx, "create temp table items (code varchar, item varchar)"); err != nil {
		return nil, err
	}
	if _, err := r.tx.Exec(ctx, "create temp table item_numbers (number bigint, item varchar)"); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	err = r.tx.Append(ctx, "items", func(yield func([]any, error) bool) {
		for i, names := range r.named(codes) {
			for _, name := range names {
				known[name] = true
				if !yield([]any{codes[i], name}, nil) {
					return
				}
			}
			if names == nil && !yield([]any{codes[i], nil}, nil) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]string, 0, len(known))
	for name := range known {
		all = append(all, name)
	}
	slices.Sort(all)
	return all, r.tx.Append(ctx, "item_numbers", func(yield func([]any, error) bool) {
		for i, name := range all {
			if !yield([]any{int64(i), name}, nil) {
				return
			}
		}
	})
}

// codes reads by what articles were bought.
func (r *runner) codes(ctx context.Context) ([]string, error) {
	var codes []string
	for row, err := range r.tx.Query(ctx, statement("codes")) {
		if err != nil {
			return nil, err
		}
		var code string
		if err := row.Scan(&code); err != nil {
			return nil, err
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// named returns the items of each code: the product groups it belongs to, empty for none; where the programme has no groups, the code itself. A
// code of a sensitive group has nil.
func (r *runner) named(codes []string) [][]string {
	lines := make([]*outcomev1.Line, len(codes))
	for i, code := range codes {
		lines[i] = &outcomev1.Line{Group: code}
	}
	groups := loyalty.CompileGroups(r.rules.groups)
	hidden := groups.Set(r.rules.hidden)
	all := make([][]string, len(codes))
	for i, set := range groups.Of(lines) {
		if set.Meets(hidden) {
			continue
		}
		all[i] = []string{}
		for g, group := range r.rules.groups {
			if set.Has(g) {
				all[i] = append(all[i], group.GetName())
			}
		}
		if len(r.rules.groups) == 0 {
			all[i] = append(all[i], codes[i])
		}
	}
	return all
}
