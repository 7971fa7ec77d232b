package warehouse

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// customers takes in a list of customers.
func (r *importRun) customers(ctx context.Context, report *ImportReport) error {
	e := expressions{mapping: r.Mapping, header: r.source.header}
	if err := r.read(ctx, e.customerRow); err != nil {
		return err
	}
	var err error
	if report.Rows, err = r.rows(ctx); err != nil {
		return err
	}
	if err := r.exec(ctx, "customers_doubles"); err != nil {
		return err
	}
	if err := r.recogniseCards(ctx); err != nil {
		return err
	}
	if report.Customers, err = r.customerTotals(ctx); err != nil {
		return fmt.Errorf("add up: %w", err)
	}
	if err := r.reject(ctx, report); err != nil || r.DryRun {
		return err
	}
	if err := r.register(ctx, report.Customers.Customers); err != nil {
		return err
	}
	return r.keepCustomers(ctx, e, report.Customers)
}

// keepCustomers writes the customers into the tables.
func (r *importRun) keepCustomers(ctx context.Context, e expressions, t *CustomerTotals) error {
	stage := strings.NewReplacer("/*changed*/", e.changed(), "/*fields*/", e.merged()).Replace(statement("customers_stage"))
	if _, err := r.tx.Exec(ctx, stage); err != nil {
		return fmt.Errorf("customers_stage: %w", err)
	}
	err := r.tx.One(ctx, `select count(*) filter (fresh), count(*) filter (changed and not fresh), count(*) filter (not changed and not fresh)
		from temp.main.staged`, nil, &t.New, &t.Changed, &t.Same)
	if err != nil {
		return err
	}
	if err := r.exec(ctx, "customers_replace"); err != nil {
		return err
	}
	if len(r.Mapping.traits) > 0 {
		if err := r.exec(ctx, "traits_replace"); err != nil {
			return err
		}
	}
	_, err = r.tx.Exec(ctx, statement("customers_accounts"), Arg("external", r.Mapping.customer.external))
	if err != nil {
		return fmt.Errorf("customers_accounts: %w", err)
	}
	return nil
}

// customerTotals adds up what the files hold.
func (r *importRun) customerTotals(ctx context.Context) (*CustomerTotals, error) {
	t := &CustomerTotals{Fields: map[string]int64{}, Segments: map[string]int64{}, Tiers: map[string]int64{}}
	err := r.tx.One(ctx, statement("customers_totals"), nil, &t.Customers, &t.Identifiers, &t.Points)
	if err != nil {
		return nil, err
	}
	for name := range r.Mapping.fields {
		var n int64
		if err := r.tx.One(ctx, "select count("+name+") from temp.main.parsed where problem is null and skip is null", nil, &n); err != nil {
			return nil, err
		}
		t.Fields[name] = n
	}
	for column, into := range map[string]map[string]int64{"segment": t.Segments, "tier": t.Tiers} {
		counts, err := r.counts(ctx, "select "+column+", count(*) from temp.main.parsed where problem is null and skip is null and "+
			column+" is not null group by 1")
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			into[c.Reason] = c.Rows
		}
	}
	return t, nil
}

// listed is one customer of the list.
type listed struct {
	row      int64
	identity CustomerIdentity
}

// listedCustomers yields the customers that can be taken, a batch at a time, with identifiers as they stand in the file.
func (r *importRun) listedCustomers(ctx context.Context) iter.Seq2[[]listed, error] {
	return func(yield func([]listed, error) bool) {
		for first, end := r.starts[0], r.starts[len(r.starts)-1]; first < end; first += batch {
			var all []listed
			for row, err := range r.tx.Query(ctx, statement("customers_listed"), Arg("first", first), Arg("after", first+batch)) {
				one, err := r.scanListed(row, err)
				if err != nil {
					yield(nil, err)
					return
				}
				all = append(all, one)
			}
			if len(all) > 0 && !yield(all, nil) {
				return
			}
		}
	}
}

// scanListed reads one row of the statement customers_listed.
func (r *importRun) scanListed(row Row, err error) (listed, error) {
	if err != nil {
		return listed{}, err
	}
	var one listed
	var customer string
	var cards any
	if err := row.Scan(&one.row, &customer, &cards); err != nil {
		return listed{}, err
	}
	if r.Mapping.customer.external {
		one.identity.ExternalID = customer
	} else {
		one.identity.Identifiers = append(one.identity.Identifiers, CustomerIdentifier{Namespace: r.Mapping.customer.namespace, Canonical: customer})
	}
	list, _ := cards.([]any)
	for i, card := range list {
		if text, ok := card.(string); ok {
			one.identity.Identifiers = append(one.identity.Identifiers, CustomerIdentifier{Namespace: r.Mapping.cards[i].namespace, Canonical: text})
		}
	}
	return one, nil
}

// recogniseCards refuses the rows with an identifier that is none.
func (r *importRun) recogniseCards(ctx context.Context) error {
	if r.Recognise == nil {
		return nil
	}
	if _, err := r.tx.Exec(ctx, "create temp table unrecognised (row bigint, problem varchar)"); err != nil {
		return err
	}
	for batch, err := range r.listedCustomers(ctx) {
		if err != nil {
			return err
		}
		if err := r.tx.Append(ctx, "unrecognised", r.unrecognised(batch)); err != nil {
			return err
		}
	}
	return r.exec(ctx, "customers_unrecognised")
}

// unrecognised yields the rows with an identifier that is none, and what to say.
func (r *importRun) unrecognised(batch []listed) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, c := range batch {
			for _, id := range c.identity.Identifiers {
				if _, ok := r.Recognise(id.Namespace, id.Canonical); ok {
					continue
				}
				if !yield([]any{c.row, "its " + id.Namespace + " is not an identifier the programme knows"}, nil) {
					return
				}
				break
			}
		}
	}
}

// register tells the register of the customers and fills resolved with their accounts.
func (r *importRun) register(ctx context.Context, all int64) error {
	if _, err := r.tx.Exec(ctx, "create temp table resolved (row bigint, customer varchar, account_id uuid)"); err != nil {
		return err
	}
	var done int64
	for batch, err := range r.listedCustomers(ctx) {
		if err != nil {
			return err
		}
		r.Progress("register customers", done, all)
		identities := make([]CustomerIdentity, len(batch))
		for i, c := range batch {
			identities[i] = r.inOneForm(c.identity)
		}
		accounts, err := r.Accounts.Register(ctx, identities)
		if err == nil && len(accounts) != len(batch) {
			err = fmt.Errorf("the register answered %d of %d questions", len(accounts), len(batch))
		}
		if err != nil {
			return fmt.Errorf("register customers: %w", err)
		}
		if err := r.tx.Append(ctx, "resolved", rowsOf(batch, accounts)); err != nil {
			return err
		}
		done += int64(len(batch))
	}
	r.Progress("register customers", all, all)
	_, err := r.tx.Exec(ctx, "delete from temp.main.resolved where account_id is null") // erased, or another account by now
	return err
}

// inOneForm brings the identifiers into their one form; all of them were recognised before.
func (r *importRun) inOneForm(c CustomerIdentity) CustomerIdentity {
	if r.Recognise == nil {
		return c
	}
	for i, id := range c.Identifiers {
		c.Identifiers[i].Canonical, _ = r.Recognise(id.Namespace, id.Canonical)
	}
	return c
}

// rowsOf yields rows of resolved.
func rowsOf(batch []listed, accounts [][16]byte) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for i, c := range batch {
			var customer any
			if c.identity.ExternalID != "" {
				customer = c.identity.ExternalID
			}
			if !yield([]any{c.row, customer, accountOrNull(accounts[i])}, nil) {
				return
			}
		}
	}
}
