package warehouse

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// batch is how many customers are asked for at once: enough that a question costs little, few enough that the register's transaction
// stays short.
const batch = 10_000

// recognise brings the identifiers of wanted customers into their one form and refuses the receipts of those that are none. It makes the
// table resolved, still without accounts.
func (r *importRun) recognise(ctx context.Context) error {
	_, err := r.tx.Exec(ctx, "create temp table resolved (customer varchar, account_id uuid)")
	if err != nil || r.Mapping.customer.external || r.Recognise == nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, "create temp table unrecognised (customer varchar, canonical varchar)"); err != nil {
		return err
	}
	for values, err := range r.wanted(ctx) {
		if err != nil {
			return err
		}
		if err := r.tx.Append(ctx, "unrecognised", r.forms(values)); err != nil {
			return err
		}
	}
	return r.exec(ctx, "receipts_unrecognised")
}

// forms yields each value with its one form, null when it has none.
func (r *importRun) forms(values []string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, raw := range values {
			row := []any{raw, nil}
			if canonical, ok := r.Recognise(r.Mapping.customer.namespace, raw); ok {
				row[1] = canonical
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// wanted yields the customers of the table wanted, a batch at a time.
func (r *importRun) wanted(ctx context.Context) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		var first int64 // within a transaction rowids are consecutive and do not begin at 0
		if err := r.tx.One(ctx, "select coalesce(min(rowid), 0) from temp.main.wanted", nil, &first); err != nil {
			yield(nil, err)
			return
		}
		for ; ; first += batch {
			var values []string
			for row, err := range r.tx.Query(ctx, statement("wanted"), Arg("first", first), Arg("after", first+batch)) {
				if err != nil {
					yield(nil, err)
					return
				}
				var v string
				if err := row.Scan(&v); err != nil {
					yield(nil, err)
					return
				}
				values = append(values, v)
			}
			if len(values) == 0 || !yield(values, nil) {
				return
			}
		}
	}
}

// resolve asks the register for the accounts of wanted customers and fills resolved.
func (r *importRun) resolve(ctx context.Context) error {
	var all, done int64
	if err := r.tx.One(ctx, "select count(*) from temp.main.wanted", nil, &all); err != nil {
		return err
	}
	for values, err := range r.wanted(ctx) {
		if err != nil {
			return err
		}
		r.Progress("find accounts", done, all)
		accounts, err := r.accounts(ctx, values)
		if err != nil {
			return fmt.Errorf("find accounts: %w", err)
		}
		if err := r.tx.Append(ctx, "resolved", pairs(values, accounts)); err != nil {
			return err
		}
		done += int64(len(values))
	}
	r.Progress("find accounts", all, all)
	return nil
}

// accounts asks for a batch of customers as the mapping names them.
func (r *importRun) accounts(ctx context.Context, values []string) ([][16]byte, error) {
	var accounts [][16]byte
	var err error
	switch c := r.Mapping.customer; {
	case c.shown != "":
		accounts, err = r.registered(ctx, values)
	case c.external:
		accounts, err = r.Accounts.ByExternal(ctx, values)
	default:
		accounts, err = r.Accounts.ByIdentifier(ctx, c.namespace, r.canonical(values))
	}
	if err == nil && len(accounts) != len(values) {
		err = fmt.Errorf("the register answered %d of %d questions", len(accounts), len(values))
	}
	return accounts, err
}

// registered asks for customers whose own number is also what they show at the till. One who became another account is that account here.
func (r *importRun) registered(ctx context.Context, values []string) ([][16]byte, error) {
	accounts, err := r.Accounts.Register(ctx, r.shown(values))
	if err != nil || !slices.Contains(accounts, [16]byte{}) {
		return accounts, err
	}
	now, err := r.Accounts.ByExternal(ctx, values)
	for i := range now {
		if i < len(accounts) && accounts[i] == ([16]byte{}) {
			accounts[i] = now[i]
		}
	}
	return accounts, err
}

// shown are customers whose own number is also what they show at the till. A number that is no identifier is only the shop's own.
func (r *importRun) shown(values []string) []CustomerIdentity {
	all := make([]CustomerIdentity, len(values))
	for i, number := range values {
		all[i].ExternalID = number
		canonical, ok := number, true
		if r.Recognise != nil {
			canonical, ok = r.Recognise(r.Mapping.customer.shown, number)
		}
		if ok {
			all[i].Identifiers = []CustomerIdentifier{{Namespace: r.Mapping.customer.shown, Canonical: canonical}}
		}
	}
	return all
}

// canonical is each value in its one form; all of them were recognised before.
func (r *importRun) canonical(values []string) []string {
	if r.Recognise == nil {
		return values
	}
	all := make([]string, len(values))
	for i, raw := range values {
		all[i], _ = r.Recognise(r.Mapping.customer.namespace, raw)
	}
	return all
}

// pairs yields rows of resolved.
func pairs(values []string, accounts [][16]byte) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for i, v := range values {
			if !yield([]any{v, accountOrNull(accounts[i])}, nil) {
				return
			}
		}
	}
}

// accountOrNull is null for a customer who is nobody any more.
func accountOrNull(id [16]byte) any {
	if id == ([16]byte{}) {
		return nil
	}
	return id
}
