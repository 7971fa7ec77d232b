package warehouse

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// ErrWrongList is returned when a mapping is for another list than the one that is imported.
var ErrWrongList = errors.New("the mapping is for another list")

// ErrFile is returned when a file cannot be what the mapping says: a column is missing, it is no text, it is empty.
var ErrFile = errors.New("the file does not fit the mapping")

// ImportRequest is one import.
type ImportRequest struct {
	// List is what the files hold; the mapping must be for it.
	List List
	// Files are read in this order, as one list. All must have the same columns. A name that ends in .gz is unpacked.
	Files []string
	// Mapping says what the columns mean.
	Mapping *Mapping
	// DryRun counts and adds up and keeps nothing: no account is asked for, none minted.
	DryRun bool
	// Replace lets a receipt with other content take the place of the one that is known. Without it, it is rejected.
	Replace bool
	// RejectedPath is the CSV file that rows which cannot be taken go to, with file, row and reason; empty for none. It is made only when
	// there are any, and an older one is replaced.
	RejectedPath string
	// Accounts is the register; not used, and may be nil, in a dry run.
	Accounts Accounts
	// Recognise brings an identifier as it stands in a file into the one form of its namespace; it returns false for what is none. Nil when
	// files hold identifiers in that form already. It MUST be safe to call with anything.
	Recognise func(namespace, raw string) (canonical string, ok bool)
	// Progress is told how far a step is; total is 0 when it is not known. May be nil.
	Progress func(step string, done, total int64)
}

// Count is a number of rows for one reason.
type Count struct {
	// Reason is in plain words.
	Reason string
	// Rows is how many.
	Rows int64
}

// ImportReport says what was in the files and what became of it. Totals are over all rows that could be read, before any rule of the
// mapping left some out, so that they can be held against the source's own.
type ImportReport struct {
	// List is what was read.
	List List
	// DryRun says that nothing was kept.
	DryRun bool
	// Rows is how many the files have, without their headings.
	Rows int64
	// Rejected is how many of them could not be taken, and why.
	Rejected []Count
	// RejectedPath is the file they went to; empty when there were none, or no file was asked for.
	RejectedPath string
	// Receipts is set for a list of receipts.
	Receipts *ReceiptTotals
	// Days are the receipts of the list that nothing told of before, neither a list nor a store, by store and day. In a dry run, what would be
	// added.
	Days []StoreDay
	// Customers is set for a list of customers.
	Customers *CustomerTotals
	// Catalogue is set for a list of articles, stores or vouchers.
	Catalogue *CatalogueTotals
}

// RejectedRows is the sum over all reasons.
func (r *ImportReport) RejectedRows() int64 {
	var sum int64
	for _, c := range r.Rejected {
		sum += c.Rows
	}
	return sum
}

// Notes are things in the totals that a person should look at before the list is imported for good.
func (r *ImportReport) Notes() []string {
	t := r.Receipts
	if t == nil {
		return nil
	}
	var all []string
	if t.ManyDays > 0 {
		all = append(all, fmt.Sprintf("%d receipts have lines of more than one day. If numbers start anew every day, say so in the mapping: "+
			"`receipt: [day, …]`.", t.ManyDays))
	}
	if t.Lines > 0 && t.Lines == t.ReceiptCount {
		all = append(all, "Every line is a receipt of its own. If that is not so, look at `receipt` in the mapping.")
	}
	return all
}

// ReceiptTotals are the totals of a list of receipts.
type ReceiptTotals struct {
	// Lines are rows that could be read.
	Lines int64
	// LinesWithoutCustomer are those that name no customer.
	LinesWithoutCustomer int64
	// ReturnLines are those that the mapping's rule `returns` calls so, on ReturnReceipts receipts.
	ReturnLines, ReturnReceipts int64
	// NegativeLines are lines with a negative quantity, by that rule or not.
	NegativeLines int64
	// ReceiptCount is the number of receipts, returns included.
	ReceiptCount int64
	// ManyTimes are receipts whose lines tell more than one time, ManyDays those whose lines tell more than one day.
	ManyTimes, ManyDays int64
	// Customers are the different customers.
	Customers int64
	// Amount is the sum of the lines' amounts (quantity × price), exact, as a decimal number ("9747747.934").
	Amount string
	// Currencies are the codes that occur, in order; none when the list tells none.
	Currencies []string
	// First and Last are the first and last business date, YYYY-MM-DD; empty without lines.
	First, Last string
	// Skipped are lines that a rule of the mapping left out.
	Skipped []Count
	// NewReceipts and NewLines were taken in; in a dry run, would be.
	NewReceipts, NewLines int64
	// KnownReceipts were known with the same content and passed over.
	KnownReceipts int64
	// ReplacedReceipts were known with other content; Replace was asked for.
	ReplacedReceipts int64
	// OtherContent receipts were known with other content and rejected.
	OtherContent int64
}

// CustomerTotals are the totals of a list of customers.
type CustomerTotals struct {
	// Customers are rows that could be read.
	Customers int64
	// Identifiers are the cards and such on them.
	Identifiers int64
	// Fields says for how many customers each field of the mapping has a value, by name.
	Fields map[string]int64
	// Points is the sum of opening balances.
	Points int64
	// Segments and Tiers count the customers in each, by code.
	Segments, Tiers map[string]int64
	// New are customers no list told of before; Changed are known ones of whom this list says something else; Same are the rest.
	New, Changed, Same int64
}

// Import takes in a list, all that is good in it or, when it fails, nothing. It returns ErrWrongList for a mapping of another list, ErrFile
// for a file that lacks a column the mapping names, and the context's error when it was cancelled.
func (w *Warehouse) Import(ctx context.Context, request ImportRequest) (*ImportReport, error) {
	if request.Mapping.list != request.List {
		return nil, fmt.Errorf("%w: it reads %s, not %s", ErrWrongList, request.Mapping.list, request.List)
	}
	if len(request.Files) == 0 {
		return nil, fmt.Errorf("%w: no file is named", ErrFile)
	}
	if request.Progress == nil {
		request.Progress = func(string, int64, int64) {}
	}
	var report *ImportReport
	err := w.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
		run := &importRun{ImportRequest: request, tx: tx, folder: filepath.Dir(w.path)}
		defer func() { err = errors.Join(err, run.close()) }()
		report, err = run.run(ctx)
		if err == nil && request.DryRun {
			return errDryRun
		}
		return err
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, fmt.Errorf("import %s: %w", request.List, err)
	}
	return report, nil
}

// errDryRun undoes the transaction of a dry run.
var errDryRun = errors.New("dry run: nothing is kept")
