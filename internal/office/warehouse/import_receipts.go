package warehouse

import (
	"context"
	"fmt"
	"strings"
)

// receipts takes in a list of receipts.
func (r *importRun) receipts(ctx context.Context, report *ImportReport) error {
	e := expressions{mapping: r.Mapping, header: r.source.header}
	if err := r.read(ctx, e.receiptRow); err != nil {
		return err
	}
	if r.Mapping.receipt.row {
		if err := r.exec(ctx, "receipts_ordinals", "receipts_number"); err != nil {
			return err
		}
	}
	var err error
	if report.Rows, err = r.rows(ctx); err != nil {
		return err
	}
	r.Progress("put receipts together", 0, report.Rows)
	if report.Receipts, err = r.receiptTotals(ctx); err != nil {
		return fmt.Errorf("add up: %w", err)
	}
	if err := r.exec(ctx, "receipts_stage", "receipts_doubles", "receipts_known"); err != nil {
		return err
	}
	if err := r.standings(ctx, report.Receipts); err != nil {
		return err
	}
	if !r.Replace {
		if err := r.exec(ctx, "receipts_refuse"); err != nil {
			return err
		}
	}
	if err := r.exec(ctx, "receipts_customers"); err != nil {
		return err
	}
	if err := r.recognise(ctx); err != nil {
		return err
	}
	if err := r.exec(ctx, "receipts_rejected_rows"); err != nil {
		return err
	}
	if err := r.reject(ctx, report); err != nil {
		return err
	}
	if err := r.taken(ctx, report.Receipts); err != nil {
		return err
	}
	if report.Days, err = r.tx.storeDays(ctx, "receipts_days"); err != nil || r.DryRun {
		return err
	}
	return r.keepReceipts(ctx, report)
}

// keepReceipts writes what was staged into the tables.
func (r *importRun) keepReceipts(ctx context.Context, report *ImportReport) error {
	if err := r.resolve(ctx); err != nil {
		return err
	}
	r.Progress("write receipts", 0, report.Receipts.NewReceipts+report.Receipts.ReplacedReceipts)
	external := r.Mapping.customer.external
	if _, err := r.tx.Exec(ctx, statement("accounts_insert"), Arg("external", external)); err != nil {
		return fmt.Errorf("accounts_insert: %w", err)
	}
	if external {
		if err := r.exec(ctx, "accounts_name"); err != nil {
			return err
		}
	}
	if err := r.exec(ctx, "receipts_forget", "receipts_ids", "receipts_insert", "lines_insert", "receipts_supersede"); err != nil {
		return err
	}
	n := report.Receipts.NewReceipts + report.Receipts.ReplacedReceipts
	r.Progress("write receipts", n, n)
	return nil
}

// receiptTotals adds up what the files hold.
func (r *importRun) receiptTotals(ctx context.Context) (*ReceiptTotals, error) {
	t := &ReceiptTotals{}
	var currencies string
	err := r.tx.One(ctx, statement("receipts_totals"), nil,
		&t.Lines, &t.LinesWithoutCustomer, &t.ReturnLines, &t.NegativeLines, &t.ReceiptCount, &t.ReturnReceipts,
		&t.ManyTimes, &t.ManyDays, &t.Customers, &t.Amount, &currencies, &t.First, &t.Last)
	if err != nil {
		return nil, err
	}
	t.Amount = plain(t.Amount)
	if currencies != "" {
		t.Currencies = strings.Split(currencies, " ")
	}
	t.Skipped, err = r.counts(ctx, "select skip, count(*) from temp.main.parsed where skip is not null group by 1 order by min(rowid)")
	return t, err
}

// plain writes a decimal number without noughts at its end.
func plain(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// standings counts what is known already.
func (r *importRun) standings(ctx context.Context, t *ReceiptTotals) error {
	var other int64
	err := r.tx.One(ctx, `select count(*) filter (standing = 'known'), count(*) filter (standing = 'other')
		from temp.main.staged where problem is null`, nil, &t.KnownReceipts, &other)
	if r.Replace {
		t.ReplacedReceipts = other
	} else {
		t.OtherContent = other
	}
	return err
}

// taken counts what will be kept.
func (r *importRun) taken(ctx context.Context, t *ReceiptTotals) error {
	return r.tx.One(ctx, `select count(*) filter (standing = 'new'), count(*) filter (standing = 'other'),
			coalesce(sum(lines) filter (standing in ('new', 'other')), 0)::bigint
		from temp.main.staged where problem is null`, nil, &t.NewReceipts, &t.ReplacedReceipts, &t.NewLines)
}
