package office

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/stamklant/stamklant/internal/office/scoring"
)

// modelTitles are what a model of a run is about.
var modelTitles = map[string]string{
	"visits":      "How often customers come",
	"spend":       "What they spend",
	"calibration": "Forecast of the newest receipts",
}

// printModels prints how far to trust what is foretold, and what a forecast from the older receipts made of the newest.
func printModels(to io.Writer, run *scoring.Run) {
	if len(run.Models) == 0 {
		return
	}
	fmt.Fprintln(to)
	for _, m := range run.Models {
		fmt.Fprintf(to, "%s: %s\n", modelTitles[m.Name], m.Statement)
	}
	c := run.Calibration
	if c == nil {
		return
	}
	from := time.Unix(int64(run.AsOf-c.HorizonDays+1)*secondsPerDay, 0).UTC().Format(time.DateOnly)
	fmt.Fprintf(to, "\nVisit days since %s, foretold from what was before:\n", from)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "came back before\tcustomers\tforetold\tcame\toff by\t")
	for _, class := range append(c.Classes[:len(c.Classes):len(c.Classes)], c.Total()) {
		name := fmt.Sprint(class.Repeats)
		switch {
		case class == c.Total():
			name = "all"
		case class.OrMore:
			name += " or more"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t%s %%\t\n", name, class.Customers, decimal(class.PredictedThousandths, 3, 1), class.Actual,
			decimal(class.ErrorPermille(), 1, 1))
	}
	_ = table.Flush() // the terminal reports its own failure
}
