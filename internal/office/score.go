package office

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

const secondsPerDay = 24 * 60 * 60

// score takes over what stores delivered, scores all customers and prints what was found.
func (o *Office) score(ctx context.Context, job *officev1.ScoreJob, to hub.Terminal) error {
	if job.GetDraft() != "" {
		return o.draft(ctx, job, to)
	}
	p, err := o.programme(job.GetProgramme())
	if err != nil {
		return err
	}
	asOf, err := o.asOf(job.GetAsOf(), p)
	if err != nil {
		return err
	}
	if err := o.takeDelivered(ctx, p, to); err != nil {
		return err
	}
	run, err := scoring.Score(ctx, o.warehouse, p, asOf, scoring.Options{
		Now: o.now, Progress: func(step string, done, total int64) { to.Progress(step, done, total, "accounts") },
	})
	if err != nil {
		return err
	}
	in, err := o.look(ctx, p, run)
	if err != nil {
		return err
	}
	printRun(to, run, p)
	printModels(to, run)
	printSentences(to, in)
	if job.GetReport() == "" {
		return nil
	}
	if err := writeReport(job.GetReport(), in); err != nil {
		return err
	}
	fmt.Fprintf(to, "\nThe page about this run: %s\n", job.GetReport())
	return nil
}

// asOf is the day to score as of: the one given, or yesterday in the chain's time zone.
func (o *Office) asOf(given string, p *programmev1.Programme) (int32, error) {
	if given != "" {
		day, err := time.Parse(time.DateOnly, given)
		if err != nil {
			return 0, fmt.Errorf("--as-of %q is not a day: write it YYYY-MM-DD", given)
		}
		return int32(day.Unix() / secondsPerDay), nil
	}
	zone, err := time.LoadLocation(p.GetTimeZone())
	if err != nil {
		return 0, err
	}
	year, month, day := o.now().In(zone).Date()
	return int32(time.Date(year, month, day-1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay), nil
}

// printRun prints the segments, the largest first, and how customers spread over the scores.
func printRun(to io.Writer, run *scoring.Run, p *programmev1.Programme) {
	fmt.Fprintln(to, strings.ToUpper(run.String()[:1])+run.String()[1:])
	if len(run.Segments) == 0 {
		return
	}
	names := segmentNames(p, run)
	total := run.Scored
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\n%s\tcustomers\tshare\tdays ago\tfrequency\t%s\t\n", names("segment"), p.GetCurrency())
	for _, s := range run.Segments {
		if run.Imported {
			fmt.Fprintf(table, "%s\t%d\t%s\t\t\t\t\n", names(s.Code), s.Accounts, share(s.Accounts, total))
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t\n", names(s.Code), s.Accounts, share(s.Accounts, total),
			decimal(s.Mean(s.RecencyDays), 2, 0), decimal(s.Mean(s.Frequency), 2, 1), decimal(s.Mean(s.MonetaryMinor), 2+p.GetCurrencyDecimals(), p.GetCurrencyDecimals()))
	}
	_ = table.Flush() // the terminal reports its own failure
	printShares(to, run)
	for _, warning := range run.Warnings {
		fmt.Fprintf(to, "Note: %s.\n", warning)
	}
}

func printShares(to io.Writer, run *scoring.Run) {
	if run.Imported || run.Scored == 0 {
		return
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\nscore\t")
	for score := 1; score <= run.Scores; score++ {
		fmt.Fprintf(table, "%d\t", score)
	}
	fmt.Fprintln(table, "cut points\t")
	cuts := [3][]int64{run.Cuts.GetRecencyDays(), run.Cuts.GetFrequency(), run.Cuts.GetMonetaryMinor()}
	for i, name := range []string{"recency", "frequency", "money"} {
		fmt.Fprintf(table, "%s\t", name)
		for _, accounts := range run.Shares[i] {
			fmt.Fprintf(table, "%s\t", share(accounts, run.Scored))
		}
		fmt.Fprintf(table, "%s\t\n", strings.Trim(fmt.Sprint(cuts[i]), "[]"))
	}
	_ = table.Flush() // the terminal reports its own failure
}

// segmentNames names a segment in the chain's first language, or by its code, all as wide as the widest: the first column of a table.
func segmentNames(p *programmev1.Programme, run *scoring.Run) func(code string) string {
	names := map[string]string{}
	for _, s := range p.GetSegments() {
		for _, t := range s.GetName() {
			if t.GetLanguage() == p.GetLanguages()[0] {
				names[s.GetCode()] = t.GetText()
			}
		}
	}
	name := func(code string) string {
		if name, ok := names[code]; ok {
			return fmt.Sprintf("%s (%s)", name, code)
		}
		return code
	}
	width := 0
	for _, s := range run.Segments {
		width = max(width, utf8.RuneCountInString(name(s.Code)))
	}
	return func(code string) string { return fmt.Sprintf("%-*s", width, name(code)) }
}

// share is a part of a whole in percent with one decimal.
func share(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	return decimal((part*2000+whole)/(2*whole), 1, 1) + " %"
}

// decimal writes n, which counts units of 10^−places, with so many decimals, rounded half away from zero.
func decimal(n int64, places, show int32) string {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	return new(big.Rat).SetFrac(big.NewInt(n), unit).FloatString(int(show))
}
