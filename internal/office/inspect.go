package office

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// inspected are the buckets of the inbox that mean something to people, and what they call what is in them.
var inspected = []struct{ bucket, what string }{
	{"accounts", "accounts"},
	{"identifiers", "cards and other identifiers"},
	{"receipts", "receipts"},
	{"entries", "entries of points"},
	{"waiting", "entries that wait for their card's account"},
	{"conflicts", "rows a person should look at: stamklant-office conflicts"},
	{"lane", "urgent words sent to all stores"},
	{"suppressed", "identifiers of customers who were erased"},
	{"audit", "lines in the book of what was done to customers: inspect --audit"},
}

// inspect reads the inbox whole and tells what it holds.
func (o *Office) inspect(ctx context.Context, job *officev1.InspectJob, to hub.Terminal) error {
	held, err := o.inbox.Check(ctx)
	if err != nil {
		return fmt.Errorf("%w\nRestore the last back-up of this file. What came since is delivered again: stores keep it until a release has counted it", err)
	}
	fmt.Fprintf(to, "%s is whole: every value is what was written, and every chain is sound.\n\n", o.home.Inbox())
	for _, one := range inspected {
		fmt.Fprintf(to, "%10d  %s\n", held.Values[one.bucket], one.what)
	}
	printJournals(to, held.Journals)
	if !job.GetAudit() {
		return nil
	}
	lines, err := o.inbox.Audit()
	if err != nil {
		return err
	}
	fmt.Fprintln(to)
	for _, line := range lines {
		fmt.Fprintf(to, "%s  %s\n", line.At.Local().Format(time.DateTime), line.Text)
	}
	return nil
}

// printJournals lists the lives of the stores' journals, the last to deliver last.
func printJournals(to hub.Terminal, journals []inbox.JournalHeld) {
	if len(journals) == 0 {
		fmt.Fprintln(to, "\nNo server has delivered yet.")
		return
	}
	slices.SortFunc(journals, func(a, b inbox.JournalHeld) int {
		return cmp.Or(cmp.Compare(a.ServerID, b.ServerID), a.Last.Compare(b.Last))
	})
	fmt.Fprintln(to)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tINCARNATION\tROWS\tMADE ANONYMOUS\tLAST DELIVERED")
	for _, j := range journals {
		fmt.Fprintf(table, "%s\t%x\t%d\t%d\t%s\n", j.ServerID, j.Incarnation[:4], j.Rows, j.Anonymous, j.Last.Local().Format(time.DateTime))
	}
	_ = table.Flush() // to a terminal
}
