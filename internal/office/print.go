package office

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
)

func printServers(to io.Writer, servers []*officev1.Server) {
	if len(servers) == 0 {
		fmt.Fprintln(to, "No server has been enrolled: make one with `stamklant-office keys server NAME --store S`.")
		return
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STORE\tSERVER\tRUNS\tNEWEST\tWAITING\tERASED\tLAST SEEN")
	for _, s := range servers {
		seen := "never"
		if s.GetReportedAt() != nil {
			seen = s.GetReportedAt().AsTime().Format(time.DateTime)
		}
		erased := "–"
		if n := s.GetErasures(); n > 0 {
			erased = fmt.Sprintf("%d of %d", n-s.GetErasuresOpen(), n)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n",
			s.GetStore(), s.GetServerId(), s.GetManifestVersion(), s.GetNewestManifestVersion(), s.GetOutboxWaiting(), erased, seen)
	}
	_ = table.Flush() // the writer below reports its own failure
}

func printConflicts(to io.Writer, conflicts []*officev1.Conflict) {
	if len(conflicts) == 0 {
		fmt.Fprintln(to, "No receipt came back with other content.")
		return
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RECEIPT\tSTANDS\tREFUSED\tSERVER\tWHEN")
	for _, c := range conflicts {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", c.GetReceipt(), c.GetStandingTotalMinor(), c.GetRefusedTotalMinor(),
			c.GetServerId(), c.GetRefusedAt().AsTime().Format(time.DateTime))
	}
	_ = table.Flush() // the writer below reports its own failure
}

// printRuns prints one line per run, and below it what a person should know of it.
func printRuns(to io.Writer, runs []*officev1.Run) {
	if len(runs) == 0 {
		fmt.Fprintln(to, "No daily run yet: see `stamklant-office daily --help`.")
		return
	}
	for _, r := range runs {
		took := ""
		if r.GetEndedAt() != nil {
			took = ", " + r.GetEndedAt().AsTime().Sub(r.GetStartedAt().AsTime()).Round(100*time.Millisecond).String()
		}
		outcome := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "RUN_OUTCOME_")), "_", " ")
		fmt.Fprintf(to, "run %d  closes %s  %s  started %s%s\n", r.GetId(), r.GetAsOf(), outcome, r.GetStartedAt().AsTime().Local().Format(time.DateTime), took)
		for _, s := range r.GetSteps() {
			fmt.Fprintf(to, "  %-8s %8s  %s\n", s.GetName(), time.Duration(s.GetTookMillis())*time.Millisecond, s.GetCounted())
		}
		if r.GetMessage() != "" {
			fmt.Fprintf(to, "  %s\n", r.GetMessage())
		}
	}
}
