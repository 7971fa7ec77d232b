package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

// tell prints who the customers are by the scores that stand.
func (o *Office) tell(ctx context.Context, job *officev1.InsightJob, to hub.Terminal) error {
	p, err := o.programme(job.GetProgramme())
	if err != nil {
		return err
	}
	t := &teller{ctx: ctx, office: o, p: p, to: to, top: int(job.GetTop())}
	if t.top == 0 {
		t.top = 10
	}
	if job.GetSince() != "" {
		day, err := time.Parse(time.DateOnly, job.GetSince())
		if err != nil {
			return fmt.Errorf("--since %q is not a day: write it YYYY-MM-DD", job.GetSince())
		}
		t.since = int32(day.Unix() / secondsPerDay)
	}
	for _, part := range []func() error{t.strategy, t.phases, t.levers, t.leaving, t.movement, t.health, t.profile} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// teller prints one part after the other.
type teller struct {
	ctx    context.Context
	office *Office
	p      *programmev1.Programme
	to     io.Writer
	top    int
	since  int32
}

// table starts a table under a heading; the caller flushes it.
func (t *teller) table(heading string) *tabwriter.Writer {
	fmt.Fprintf(t.to, "\n%s\n", heading)
	return tabwriter.NewWriter(t.to, 0, 0, 2, ' ', 0)
}

func (t *teller) money(minor int64) string {
	return decimal(minor, t.p.GetCurrencyDecimals(), t.p.GetCurrencyDecimals()) + " " + t.p.GetCurrency()
}

func (t *teller) strategy() error {
	m, err := insight.Strategy(t.ctx, t.office.warehouse)
	if err != nil {
		return err
	}
	table := t.table(fmt.Sprintf("Loyalty by value: long is a customer of %d days or more, high is %s or more; half of all are.", m.LongDays, t.money(m.HighMinor)))
	for _, q := range m.Quadrants {
		fmt.Fprintf(table, "  %s\t%d\t%s\t%s\n", strings.ReplaceAll(q.Code, "_", "-"), q.Accounts, t.money(q.MonetaryMinor), q.Strategy)
	}
	return table.Flush()
}

func (t *teller) phases() error {
	phases, err := insight.Phases(t.ctx, t.office.warehouse)
	if err != nil {
		return err
	}
	return t.counts("On their way with the shop", phases)
}

func (t *teller) levers() error {
	levers, err := insight.Levers(t.ctx, t.office.warehouse)
	if err != nil {
		return err
	}
	return t.counts("What would make them worth more, and what it would bring in a window", levers)
}

func (t *teller) counts(heading string, counts []insight.Count) error {
	table := t.table(heading)
	for _, c := range counts {
		fmt.Fprintf(table, "  %s\t%d\t%s\n", strings.ReplaceAll(c.Code, "_", " "), c.Accounts, t.money(c.MonetaryMinor))
	}
	return table.Flush()
}

func (t *teller) leaving() error {
	best, err := insight.Best(t.ctx, t.office.warehouse)
	if err != nil {
		return err
	}
	if err := t.counts("The best customers, by how near leaving they are", best); err != nil {
		return err
	}
	leaving, err := insight.Leaving(t.ctx, t.office.warehouse, t.top)
	if err != nil || len(leaving) == 0 {
		return err
	}
	table := t.table("Of them, late or leaving")
	for _, c := range leaving {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\taway %d days, comes every %d\n", c.ExternalID, c.Segment, c.Stage, t.money(c.MonetaryMinor), c.SinceDays, c.UsualDays)
	}
	return table.Flush()
}

func (t *teller) movement() error {
	m, err := insight.Move(t.ctx, t.office.warehouse, t.p, t.since)
	if errors.Is(err, insight.ErrNoEarlierRun) {
		fmt.Fprintf(t.to, "\nWho moved cannot be told: %v.\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	day := func(d int32) string { return time.Unix(int64(d)*secondsPerDay, 0).UTC().Format(time.DateOnly) }
	table := t.table(fmt.Sprintf("From %s to %s: %d rose, %d fell, %d stayed; %d came into %s, %d left it; %d are new, %d are no longer scored.",
		day(m.Since), day(m.Until), m.Up, m.Down, m.Stayed, m.Into, m.Ideal, m.OutOf, m.Arrived, m.Gone))
	for _, c := range m.Cells {
		fmt.Fprintf(table, "  %s\t→ %s\t%d\n", orNone(c.From), orNone(c.To), c.Accounts)
	}
	return table.Flush()
}

func orNone(segment string) string {
	if segment == "" {
		return "(none)"
	}
	return segment
}

func (t *teller) health() error {
	all, err := insight.Segments(t.ctx, t.office.warehouse)
	if err != nil {
		return err
	}
	table := t.table("Is each segment one to work with?")
	for _, h := range all {
		for i, v := range h.Verdicts() {
			code, answer := "", "unknown"
			if i == 0 {
				code = h.Code
			}
			if v.Known {
				answer = map[bool]string{true: "yes", false: "no"}[v.Holds]
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", code, v.Question, answer, v.Words)
		}
	}
	return table.Flush()
}

func (t *teller) profile() error {
	traits, err := insight.Profile(t.ctx, t.office.warehouse, t.p)
	if err != nil {
		return err
	}
	table := t.table("The best customers beside all")
	for _, trait := range traits {
		best, all := decimal(trait.Best, 2, 1)+" %", decimal(trait.All, 2, 1)+" %"
		switch {
		case trait.Kind != "basket":
		case trait.Value == "money":
			best, all = t.money(trait.Best), t.money(trait.All)
		default:
			best, all = decimal(trait.Best, 3, 1), decimal(trait.All, 3, 1)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\tall %s\n", trait.Kind, trait.Value, best, all)
	}
	return table.Flush()
}

// draft says who would move under another programme, and keeps nothing.
func (o *Office) draft(ctx context.Context, job *officev1.ScoreJob, to hub.Terminal) error {
	present, err := o.programme(job.GetProgramme())
	if err != nil {
		return err
	}
	draft, err := o.programme(job.GetDraft())
	if err != nil {
		return err
	}
	asOf, err := o.asOf(job.GetAsOf(), present)
	if err != nil {
		return err
	}
	c, err := scoring.Compare(ctx, o.warehouse, present, draft, asOf, 5, scoring.Options{
		Now: o.now, Progress: func(step string, done, total int64) { to.Progress(step, done, total, "accounts") },
	})
	if err != nil {
		return err
	}
	printComparison(to, c)
	return nil
}

func printComparison(to io.Writer, c *scoring.Comparison) {
	day := time.Unix(int64(c.AsOf)*secondsPerDay, 0).UTC().Format(time.DateOnly)
	fmt.Fprintf(to, "As of %s, under the draft %d of %d customers would move. Nothing was kept.\n", day, c.Moved, c.Moved+c.Stayed)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, m := range c.Moves {
		among := ""
		if len(m.Examples) > 0 {
			among = "among them " + strings.Join(m.Examples, ", ")
		}
		fmt.Fprintf(table, "  %s\t→ %s\t%d\t%s\n", orNone(m.From), orNone(m.To), m.Accounts, among)
	}
	_ = table.Flush() // the terminal reports its own failure
}
