package warehouse

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Told is what an account's customer said, or head office decided, beyond what lists say. Nil: nothing.
type Told struct {
	// AccountID is the account.
	AccountID [16]byte
	// Objected, Profiling, Marketing and LinkedAnswers are what the customer objected or agreed to.
	Objected, Profiling, Marketing, LinkedAnswers *bool
	// Blocked is whether the account is blocked.
	Blocked *bool
}

// Tell has what was told stand over what lists say. Who objected has no scores from then on. The same again changes nothing.
func (w *Warehouse) Tell(ctx context.Context, told iter.Seq[Told]) error {
	return w.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
		_, err = tx.Exec(ctx, `create temp table told (account_id uuid, objected boolean, profiling boolean, marketing boolean, linked_answers boolean,
			blocked boolean)`)
		if err != nil {
			return err
		}
		err = tx.Append(ctx, "told", func(yield func([]any, error) bool) {
			for t := range told {
				row := []any{t.AccountID, orNull(t.Objected), orNull(t.Profiling), orNull(t.Marketing), orNull(t.LinkedAnswers), orNull(t.Blocked)}
				if !yield(row, nil) {
					return
				}
			}
		})
		for _, name := range []string{"told_accounts", "told_customers", "told_flags", "told_scores"} {
			if err != nil {
				return err
			}
			if _, err = tx.Exec(ctx, statement(name)); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "drop table temp.main.told")
		return err
	})
}

func orNull(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// Forget takes an account out of everything: its receipts become anybody's, all else about it goes. The same again changes nothing.
func (w *Warehouse) Forget(ctx context.Context, account [16]byte) error {
	return w.Update(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.ofAccounts(ctx, func(table string) error {
			text := "delete from main." + table + " where account_id = $account::uuid"
			if table == "receipts" {
				text = "update main.receipts set account_id = null where account_id = $account::uuid"
			}
			_, err := tx.Exec(ctx, text, Arg("account", uuid(account)))
			return err
		})
	})
}

// Opening is the opening balance a list gave an account; 0 when none did.
func (w *Warehouse) Opening(ctx context.Context, account [16]byte) (points int64, err error) {
	err = w.View(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.One(ctx, "select coalesce(sum(points), 0)::bigint from main.customers where account_id = $account::uuid", []any{Arg("account", uuid(account))}, &points)
	})
	return points, err
}

// Merge has the receipts of one account be another's. Of what lists say of the first, what the second has nothing of is kept, and the higher status,
// by the order given, the lowest first; its opening balance is not: who merges books it. What was scored of the first goes. The same again changes
// nothing.
func (w *Warehouse) Merge(ctx context.Context, from, into [16]byte, tiers []string) error {
	return w.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.mergeCustomers(ctx, from, into, tiers); err != nil {
			return err
		}
		return tx.ofAccounts(ctx, func(table string) error {
			text, args := "delete from main."+table+" where account_id = $from::uuid", []any{Arg("from", uuid(from))}
			if table == "receipts" {
				text, args = "update main.receipts set account_id = $into::uuid where account_id = $from::uuid", append(args, Arg("into", uuid(into)))
			}
			_, err := tx.Exec(ctx, text, args...)
			return err
		})
	})
}

// mergeCustomers keeps, of what lists say of an account that ends, what the other needs.
func (t *Tx) mergeCustomers(ctx context.Context, from, into [16]byte, tiers []string) error {
	var tier *string
	err := t.One(ctx, "select tier from main.customers where account_id = $from::uuid", []any{Arg("from", uuid(from))}, &tier)
	if errors.Is(err, ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, statement("merge_customers_new"), Arg("into", uuid(into)))
	if err != nil {
		return fmt.Errorf("merge_customers_new: %w", err)
	}
	if _, err = t.Exec(ctx, statement("merge_customers"), Arg("from", uuid(from)), Arg("into", uuid(into))); err != nil {
		return fmt.Errorf("merge_customers: %w", err)
	}
	if tier == nil {
		return nil
	}
	lower := []string{*tier}
	for _, code := range tiers {
		if code == *tier {
			break
		}
		lower = append(lower, code)
	}
	for _, code := range lower { // a list of words is not worth a temporary table
		_, err = t.Exec(ctx, "update main.customers set tier = $tier where account_id = $into::uuid and coalesce(tier, $lower) = $lower",
			Arg("tier", *tier), Arg("into", uuid(into)), Arg("lower", code))
		if err != nil {
			return err
		}
	}
	return nil
}

// ofAccounts visits the tables that say something of single accounts.
func (t *Tx) ofAccounts(ctx context.Context, visit func(table string) error) error {
	var tables []string
	for row, err := range t.Query(ctx, statement("of_accounts")) {
		var name string
		if err == nil {
			err = row.Scan(&name)
		}
		if err != nil {
			return err
		}
		tables = append(tables, name)
	}
	for _, name := range tables {
		if err := visit(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// uuid writes an account id as the database reads one.
func uuid(id [16]byte) string { return fmt.Sprintf("%x", id[:]) }
