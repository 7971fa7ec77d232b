package insight

import (
	"context"
	"fmt"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// What a segment must be to be worth working with.
const (
	// FewestAccounts is how many customers a segment needs for a campaign of its own to pay, and for its effect to be seen.
	FewestAccounts = 100
	// LeastTurnover is the least share of turnover, basis points, that is worth the work.
	LeastTurnover = 100
	// SteadyWithin is how far, basis points, a segment's size may lie from that of the runs before.
	SteadyWithin = 2000
	// LeastReachable is the least share of customers, basis points, who may be addressed.
	LeastReachable = 3000
	// LeastDistance is how far, in hundredths of what customers differ by (a standard deviation of recency, frequency or money), a segment's
	// middle must lie from the nearest other one's.
	LeastDistance = 25
)

// Health is what is known of a segment in its own right.
type Health struct {
	Count
	// Turnover is the segment's share of what all spent, basis points.
	Turnover int64
	// Runs is how many earlier days it can be held against; Usual is its mean size then, Before its size and BeforeMinor its turnover in the last
	// of them.
	Runs, Usual, Before, BeforeMinor int64
	// Reachable is how many of its customers agreed to marketing.
	Reachable int64
	// Nearest is the segment it resembles most, Distance how far away that is, in hundredths of a standard deviation.
	Nearest  string
	Distance int64
}

// Verdict is the answer to one question about a segment.
type Verdict struct {
	// Question is what is asked: stable, large, growing, identifiable, distinguishable.
	Question string
	// Known says whether there is an answer, Holds what it is.
	Known, Holds bool
	// Words say why.
	Words string
}

// Segments returns the health of every segment that has customers, the largest first.
func Segments(ctx context.Context, w *warehouse.Warehouse) ([]Health, error) {
	var all []Health
	err := ask(ctx, w, "health", nil, func(row warehouse.Row) error {
		var h Health
		var nearest *string
		var distance *int64
		err := row.Scan(&h.Code, &h.Accounts, &h.MonetaryMinor, &h.Turnover, &h.Runs, &h.Usual, &h.Before, &h.BeforeMinor, &h.Reachable, &nearest, &distance)
		if nearest != nil && distance != nil {
			h.Nearest, h.Distance = *nearest, *distance
		}
		all = append(all, h)
		return err
	})
	return all, err
}

// Verdicts judges the segment: whether its size is stable, whether it is large enough to pay, whether it grows, whether its customers can be
// identified, and whether it can be told from the others.
func (h Health) Verdicts() []Verdict {
	return []Verdict{h.stable(), h.large(), h.growing(), h.identifiable(), h.distinguishable()}
}

func (h Health) stable() Verdict {
	v := Verdict{Question: "stable"}
	if h.Runs == 0 || h.Usual == 0 {
		v.Words = "there is no earlier day to hold it against"
		return v
	}
	change := (h.Accounts - h.Usual) * 10000 / h.Usual
	v.Known, v.Holds = true, change <= SteadyWithin && change >= -SteadyWithin
	v.Words = fmt.Sprintf("%d customers, %d as a rule on the %s (%+d %%)", h.Accounts, h.Usual, daysBefore(h.Runs), change/100)
	return v
}

func (h Health) large() Verdict {
	v := Verdict{Question: "large", Known: true, Holds: h.Accounts >= FewestAccounts && h.Turnover >= LeastTurnover}
	v.Words = fmt.Sprintf("%d customers with %s of turnover; below %d customers or %s it does not pay to treat them apart",
		h.Accounts, percent(h.Turnover), FewestAccounts, percent(LeastTurnover))
	return v
}

func (h Health) growing() Verdict {
	v := Verdict{Question: "growing"}
	if h.Runs == 0 {
		v.Words = "there is no earlier day to hold it against"
		return v
	}
	v.Known, v.Holds = true, h.Accounts > h.Before && h.MonetaryMinor >= h.BeforeMinor
	v.Words = fmt.Sprintf("%d customers, %d before", h.Accounts, h.Before)
	if h.Accounts > h.Before && !v.Holds {
		v.Words += ", but they spend less together"
	}
	return v
}

func (h Health) identifiable() Verdict {
	share := int64(0)
	if h.Accounts > 0 {
		share = h.Reachable * 10000 / h.Accounts
	}
	return Verdict{
		Question: "identifiable", Known: true, Holds: share >= LeastReachable,
		Words: fmt.Sprintf("%d of %d agreed to being addressed; the till knows all of them by their card", h.Reachable, h.Accounts),
	}
}

func (h Health) distinguishable() Verdict {
	v := Verdict{Question: "distinguishable"}
	if h.Nearest == "" {
		v.Words = "there is no other segment to tell it from"
		return v
	}
	v.Known, v.Holds = true, h.Distance >= LeastDistance
	v.Words = fmt.Sprintf("%d.%02d standard deviations from %s, which is nearest; below 0.%02d they are one group", h.Distance/100, h.Distance%100, h.Nearest, LeastDistance)
	return v
}

// percent writes basis points.
func percent(bp int64) string { return fmt.Sprintf("%d.%d %%", bp/100, bp%100/10) }

// daysBefore writes how many earlier days something is held against.
func daysBefore(n int64) string {
	if n == 1 {
		return "day before"
	}
	return fmt.Sprintf("%d days before", n)
}
