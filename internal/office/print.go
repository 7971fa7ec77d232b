package office

import (
	"fmt"
	"io"
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
	fmt.Fprintln(table, "STORE\tSERVER\tRUNS\tNEWEST\tWAITING\tLAST SEEN")
	for _, s := range servers {
		seen := "never"
		if s.GetReportedAt() != nil {
			seen = s.GetReportedAt().AsTime().Format(time.DateTime)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\n",
			s.GetStore(), s.GetServerId(), s.GetManifestVersion(), s.GetNewestManifestVersion(), s.GetOutboxWaiting(), seen)
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
