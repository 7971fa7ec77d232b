package scoring

import (
	"context"
	"errors"
	"strings"

	"github.com/stamklant/stamklant/internal/office/scoring/affinity"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

const (
	// mostBaskets is how many receipts rules are learnt from, the newest: more tell hardly anything more.
	mostBaskets = 1_000_000
	// leastReceipts is in how many receipts a rule has to be: fewer are chance.
	leastReceipts = 20
	// leastSupport is in what share of the receipts, in millionths.
	leastSupport = 500
	// leastConfidence is how often the right must stand beside the left, in millionths.
	leastConfidence = 100_000
	// leastLift is how many times likelier the right must be beside the left than anywhere: below it the two hardly have to do with each other.
	leastLift = 1.2
	// longestRule is how many items a rule has at most.
	longestRule = 3
	// mostRules is how many rules are kept, the strongest.
	mostRules = 5_000
	// mostOthers is how many items are suggested to an account.
	mostOthers = 3
)

// together learns from the receipts what is bought together, replaces the rules, and fills others with what goes with what each account buys
// and it never bought.
func (r *runner) together(ctx context.Context, items []string) error {
	if _, err := r.tx.Exec(ctx, "delete from affinities"); err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, "create temp table others (account_id uuid, place integer, item varchar)"); err != nil {
		return err
	}
	baskets, err := r.baskets(ctx, len(items))
	if err != nil {
		return err
	}
	rules, err := mine(ctx, baskets)
	if err != nil {
		return err
	}
	if err := r.noteRules(ctx, rules, items, int64(baskets.Len())); err != nil {
		return err
	}
	return r.suggest(ctx, affinity.NewIndex(rules), items)
}

// noteRules writes the rules down.
func (r *runner) noteRules(ctx context.Context, rules []affinity.Rule, items []string, receipts int64) error {
	if _, err := r.tx.Exec(ctx, `create temp table together (rank integer, left_items varchar, right_item varchar, receipts bigint,
		left_receipts bigint, right_receipts bigint)`); err != nil {
		return err
	}
	err := r.tx.Append(ctx, "together", func(yield func([]any, error) bool) {
		for i, rule := range rules {
			left := make([]string, len(rule.Left))
			for k, item := range rule.Left {
				left[k] = items[item]
			}
			if !yield([]any{
				int32(i + 1), strings.Join(left, "\x1f"), items[rule.Right], rule.Count, rule.LeftCount, rule.RightCount,
			}, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	_, err = r.tx.Exec(ctx, statement("affinities"), warehouse.Arg("receipts", receipts))
	return err
}

// baskets reads the receipts to learn from. Items beyond what the miner can number take no part.
func (r *runner) baskets(ctx context.Context, items int) (*affinity.Baskets, error) {
	baskets := &affinity.Baskets{}
	if items > int(affinity.MaxItem) {
		return baskets, nil
	}
	for row, err := range r.tx.Query(ctx, statement("baskets"), warehouse.Arg("as_of", r.asOf), warehouse.Arg("most", mostBaskets)) {
		if err != nil {
			return nil, err
		}
		var list any
		if err := row.Scan(&list); err != nil {
			return nil, err
		}
		if err := baskets.Add(numbered(list)...); err != nil {
			return nil, err
		}
	}
	return baskets, nil
}

// numbered reads a list of item numbers.
func numbered(list any) []affinity.Item {
	numbers := whole(list)
	all := make([]affinity.Item, len(numbers))
	for i, n := range numbers {
		all[i] = affinity.Item(n)
	}
	return all
}

// mine finds the rules worth having. Where there would be more frequent sets than a machine should hold, sets must be more frequent.
func mine(ctx context.Context, baskets *affinity.Baskets) ([]affinity.Rule, error) {
	if baskets.Len() < leastReceipts {
		return nil, nil
	}
	support := max(leastSupport, min(1_000_000, (leastReceipts*1_000_000+int64(baskets.Len())-1)/int64(baskets.Len())))
	for {
		found, err := affinity.Mine(ctx, baskets, affinity.Options{
			SupportMillionths: support, ConfidenceMillionths: leastConfidence, MaxLength: longestRule, MaxRules: mostRules,
		})
		if errors.Is(err, affinity.ErrTooManySets) && support < 500_000 {
			support *= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		rules := found.List
		for i, rule := range rules { // the strongest first
			if rule.Lift < leastLift {
				return rules[:i], nil
			}
		}
		return rules, nil
	}
}

// suggest fills others.
func (r *runner) suggest(ctx context.Context, index *affinity.Index, items []string) error {
	type suggestion struct {
		account [16]byte
		others  []affinity.Suggestion
	}
	var all []suggestion
	for row, err := range r.tx.Query(ctx, statement("wardrobes")) {
		if err != nil {
			return err
		}
		var id []byte
		var list any
		if err := row.Scan(&id, &list); err != nil {
			return err
		}
		if others := index.AlsoBought(numbered(list), mostOthers); len(others) > 0 {
			all = append(all, suggestion{[16]byte(id), others})
		}
	}
	return r.tx.Append(ctx, "others", func(yield func([]any, error) bool) {
		for _, s := range all {
			for place, other := range s.others {
				if !yield([]any{s.account, int32(place + 1), items[other.Item]}, nil) {
					return
				}
			}
		}
	})
}
