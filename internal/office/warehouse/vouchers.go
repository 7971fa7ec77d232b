package warehouse

import (
	"context"
	"iter"
	"time"
)

// VoucherNamespace is what Recognise is asked with for the code of a voucher, whatever namespace the programme's own rule gives it.
const VoucherNamespace = "voucher"

// Voucher is a right of an earlier system that can be used once. Money is in ten-thousandths of the currency's unit, 0 for none.
type Voucher struct {
	// Code is what is printed.
	Code string
	// Store is where it can be used.
	Store string
	// Campaign is what it belongs to; TillCode is how the till knows its discount. Empty where the list does not tell.
	Campaign, TillCode string
	// Percent is a discount in basis points, Amount so much off; one of the two is 0.
	Percent, Amount int64
	// AtMost bounds a percentage, SpendAtLeast is from what spending on it holds; 0 for no bound.
	AtMost, SpendAtLeast int64
	// Groups are the product groups it is for; none for all.
	Groups []string
	// ValidFrom and ValidUntil are its first and last day, in days since 1970-01-01; ValidFrom is 0 where the list does not tell.
	ValidFrom, ValidUntil int32
}

// Vouchers yields all vouchers that lists told of and that may still be used on a day (days since 1970-01-01), in the order of their codes. An error
// ends it.
func (w *Warehouse) Vouchers(ctx context.Context, day int32) iter.Seq2[Voucher, error] {
	return func(yield func(Voucher, error) bool) {
		stopped := false
		err := w.View(ctx, func(ctx context.Context, tx *Tx) error {
			for row, err := range tx.Query(ctx, statement("vouchers"), Arg("day", day)) {
				if err != nil {
					return err
				}
				var v Voucher
				var groups any
				var from, until *time.Time
				if err := row.Scan(&v.Code, &v.Store, &v.Campaign, &v.TillCode, &v.Percent, &v.Amount, &v.AtMost, &v.SpendAtLeast, &groups, &from, &until); err != nil {
					return err
				}
				v.Groups, v.ValidFrom, v.ValidUntil = listOf(groups), dayOf(from), dayOf(until)
				if stopped = !yield(v, nil); stopped {
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(Voucher{}, err)
		}
	}
}

// recogniseVouchers refuses the rows whose code no till would read as a voucher.
func (r *importRun) recogniseVouchers(ctx context.Context) error {
	if r.Recognise == nil {
		return nil
	}
	if _, err := r.tx.Exec(ctx, "create temp table unrecognised (row bigint, problem varchar)"); err != nil {
		return err
	}
	var none []int64
	for row, err := range r.tx.Query(ctx, "select rowid, key from temp.main.parsed where problem is null and skip is null") {
		if err != nil {
			return err
		}
		var id int64
		var code string
		if err := row.Scan(&id, &code); err != nil {
			return err
		}
		if _, ok := r.Recognise(VoucherNamespace, code); !ok {
			none = append(none, id)
		}
	}
	err := r.tx.Append(ctx, "unrecognised", func(yield func([]any, error) bool) {
		for _, id := range none {
			if !yield([]any{id, "its code is not a voucher the programme knows"}, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return r.exec(ctx, "customers_unrecognised")
}
