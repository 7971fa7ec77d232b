package office

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Guess shows what the columns of a file seem to mean, and returns the text of the mapping that says so.
func Guess(file, list string, to io.Writer) (string, error) {
	g, err := warehouse.GuessMapping(file, warehouse.List(list))
	if err != nil {
		return "", err
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "column\tseems to be\tfor example")
	for _, c := range g.Columns {
		field := c.Field
		if field == "" {
			field = "?"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Column, field, strings.Join(c.Examples, "   "))
	}
	if err := table.Flush(); err != nil {
		return "", err
	}
	fmt.Fprintf(to, "\n%s", g.Mapping)
	for _, missing := range g.Missing {
		fmt.Fprintf(to, "Still to be said: %s.\n", missing)
	}
	return g.Mapping, nil
}
