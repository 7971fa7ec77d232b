package office

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// lists are the lists that can be taken in.
var lists = map[officev1.ListKind]warehouse.List{
	officev1.ListKind_LIST_KIND_RECEIPTS:  warehouse.Receipts,
	officev1.ListKind_LIST_KIND_CUSTOMERS: warehouse.Customers,
	officev1.ListKind_LIST_KIND_ARTICLES:  warehouse.Articles,
	officev1.ListKind_LIST_KIND_STORES:    warehouse.Stores,
	officev1.ListKind_LIST_KIND_VOUCHERS:  warehouse.Vouchers,
}

// importList takes in a list. ErrRejected when rows were rejected; what is good was kept.
func (o *Office) importList(ctx context.Context, job *officev1.ImportJob, to hub.Terminal) error {
	mapping, err := warehouse.ReadMapping(job.GetMapping())
	if err != nil {
		return err
	}
	list, known := lists[job.GetList()]
	if !known {
		return fmt.Errorf("this version takes in no list of the kind %v", job.GetList())
	}
	recognise, err := o.recognise()
	if err != nil {
		return err
	}
	rejected, err := o.rejectedPath(job, list)
	if err != nil {
		return err
	}
	report, err := o.warehouse.Import(ctx, warehouse.ImportRequest{
		List: list, Files: job.GetFiles(), Mapping: mapping, DryRun: job.GetDryRun(), Replace: job.GetReplace(), RejectedPath: rejected,
		Accounts: register{o.inbox}, Recognise: recognise,
		Progress: func(step string, done, total int64) { to.Progress(step, done, total, "rows") },
	})
	if err != nil {
		return err
	}
	printImport(to, report)
	if n := report.RejectedRows(); n > 0 {
		return fmt.Errorf("%d of %d rows: %w, see %s", n, report.Rows, ErrRejected, report.RejectedPath)
	}
	return nil
}

// rejectedPath is where rows go that cannot be taken.
func (o *Office) rejectedPath(job *officev1.ImportJob, list warehouse.List) (string, error) {
	if job.GetRejected() != "" {
		return job.GetRejected(), nil
	}
	if err := os.MkdirAll(o.home.Rejected(), 0o700); err != nil {
		return "", err
	}
	return filepath.Join(o.home.Rejected(), fmt.Sprintf("%s-%s.csv", list, o.now().UTC().Format("20060102-150405"))), nil
}

// recognise brings identifiers in files into the form the tills will ask for: by the programme's own rules. A namespace the programme has no
// rule for keeps what the file says; a voucher must be one that tills recognise.
func (o *Office) recognise() (func(namespace, raw string) (string, bool), error) {
	doc, err := programme.Read(o.home.Programme())
	if doc == nil {
		return nil, err
	}
	rules, err := identify.Compile(doc.Programme.GetIdentifiers())
	if err != nil {
		return nil, fmt.Errorf("%s: %w: see `stamklant-office check`", o.home.Programme(), err)
	}
	known := map[string]bool{}
	for _, rule := range doc.Programme.GetIdentifiers() {
		known[namespaceOf(rule)] = true
	}
	return func(namespace, raw string) (string, bool) {
		raw = strings.TrimSpace(raw)
		if namespace == warehouse.VoucherNamespace {
			reading := rules.Read([]byte(raw))
			return reading.Canonical, reading.Outcome == identify.Voucher
		}
		if !known[namespace] {
			return raw, raw != ""
		}
		reading := rules.Read([]byte(raw))
		return reading.Canonical, reading.Outcome == identify.Card && reading.Namespace == namespace
	}, nil
}

// namespaceOf is the namespace a rule's identifiers live in: its own, or the kind's name.
func namespaceOf(rule *programmev1.IdentifierRule) string {
	if rule.GetNamespace() != "" {
		return rule.GetNamespace()
	}
	return strings.ToLower(strings.TrimPrefix(rule.GetKind().String(), "IDENTIFIER_KIND_"))
}

func printImport(to io.Writer, r *warehouse.ImportReport) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(count any, what string) { fmt.Fprintf(table, "%v\t  %s\n", count, what) }
	row(r.Rows, "rows in the files")
	if t := r.Receipts; t != nil {
		printReceipts(row, t)
	}
	if t := r.Customers; t != nil {
		printCustomers(row, t)
	}
	if t := r.Catalogue; t != nil {
		printCatalogue(row, r.List, t)
	}
	for _, c := range r.Rejected {
		row(c.Rows, "rejected: "+c.Reason)
	}
	_ = table.Flush() // the terminal reports its own failure
	for _, note := range r.Notes() {
		fmt.Fprintf(to, "Note: %s\n", note)
	}
	switch {
	case r.DryRun:
		fmt.Fprintln(to, "Dry run: nothing was kept.")
	case r.RejectedRows() > 0:
		fmt.Fprintf(to, "Rejected rows, each with its reason: %s\n", r.RejectedPath)
	}
}

func printCatalogue(row func(any, string), list warehouse.List, t *warehouse.CatalogueTotals) {
	row(t.Entries, string(list)+" read")
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		row(t.Fields[name], "with "+name)
	}
	row(t.New, "new")
	row(t.Changed, "changed")
	row(t.Same, "known already")
}

func printReceipts(row func(any, string), t *warehouse.ReceiptTotals) {
	row(t.Lines, "lines read")
	row(t.LinesWithoutCustomer, "lines without customer")
	row(t.ReceiptCount, "receipts, returns included")
	row(t.ReturnLines, fmt.Sprintf("lines of cancellations and returns, on %d receipts", t.ReturnReceipts))
	row(t.NegativeLines, "lines with a negative quantity")
	row(t.Customers, "customers")
	row(t.Amount, "sum of quantity × price "+strings.Join(t.Currencies, " "))
	row(t.First+" … "+t.Last, "first and last day")
	if t.ManyTimes > 0 {
		row(t.ManyTimes, fmt.Sprintf("receipts whose lines tell more than one time (%d of them more than one day): the first counts", t.ManyDays))
	}
	for _, c := range t.Skipped {
		row(c.Rows, "left out: "+c.Reason)
	}
	row(t.NewReceipts, fmt.Sprintf("new receipts, with %d lines", t.NewLines))
	row(t.KnownReceipts, "receipts known already, passed over")
	if t.ReplacedReceipts > 0 {
		row(t.ReplacedReceipts, "receipts replaced")
	}
	if t.OtherContent > 0 {
		row(t.OtherContent, "receipts known with other content: rejected; --replace takes the new one")
	}
}

func printCustomers(row func(any, string), t *warehouse.CustomerTotals) {
	row(t.Customers, "customers read")
	row(t.Identifiers, "cards and other identifiers on them")
	for _, field := range slices.Sorted(maps.Keys(t.Fields)) {
		row(t.Fields[field], "with "+field)
	}
	if t.Points != 0 {
		row(t.Points, "points in opening balances")
	}
	for _, segment := range slices.Sorted(maps.Keys(t.Segments)) {
		row(t.Segments[segment], "in segment "+segment)
	}
	for _, tier := range slices.Sorted(maps.Keys(t.Tiers)) {
		row(t.Tiers[tier], "with status "+tier)
	}
	row(t.New, "new")
	row(t.Changed, "changed")
	row(t.Same, "the same as before")
}
