package clv

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Weeks is a span of time as the models count it.
type Weeks float64

// WeeksOf returns a number of days in weeks.
func WeeksOf(days int32) Weeks { return Weeks(float64(days) / 7) }

// MaxAgeDays is the longest history a row may have, two hundred years: beyond it a date was misread.
const MaxAgeDays = 73_050

// ErrSummary is returned when a row cannot be the history of a customer.
var ErrSummary = errors.New("not a customer's history")

// Summary is the history of one customer, or of several with the same history, as BG/NBD needs it.
type Summary struct {
	// Repeats is x: on how many days the customer bought after the first one. 0 for a one-time customer.
	Repeats int32
	// RecencyDays is t_x in days: from the first purchase to the last. 0 for a one-time customer.
	RecencyDays int32
	// AgeDays is T in days: from the first purchase to the last day looked at, at most MaxAgeDays.
	AgeDays int32
	// Customers is how many customers share the history; 0 counts as 1.
	Customers int64
}

// Recency returns t_x.
func (s Summary) Recency() Weeks { return WeeksOf(s.RecencyDays) }

// Age returns T.
func (s Summary) Age() Weeks { return WeeksOf(s.AgeDays) }

// weight is how many customers the row stands for.
func (s Summary) weight() int64 { return max(s.Customers, 1) }

// check returns ErrSummary, wrapped with what is wrong.
func (s Summary) check() error {
	switch {
	case s.Repeats < 0:
		return fmt.Errorf("%w: %d repeat purchases; count purchase days after the first, from 0", ErrSummary, s.Repeats)
	case s.AgeDays < 0 || s.AgeDays > MaxAgeDays:
		return fmt.Errorf("%w: age of %d days; it must lie in 0..%d", ErrSummary, s.AgeDays, MaxAgeDays)
	case s.RecencyDays < 0 || s.RecencyDays > s.AgeDays:
		return fmt.Errorf("%w: last purchase %d days after the first, which was %d days ago", ErrSummary, s.RecencyDays, s.AgeDays)
	case s.Repeats == 0 && s.RecencyDays != 0:
		return fmt.Errorf("%w: no repeat purchase, yet the last one %d days after the first", ErrSummary, s.RecencyDays)
	case s.Customers < 0:
		return fmt.Errorf("%w: shared by %d customers", ErrSummary, s.Customers)
	}
	return nil
}

// Purchase is one receipt of a customer.
type Purchase struct {
	// Day is the store's civil day, in days since 1970-01-01.
	Day int32
	// Minor is what was spent, in minor units.
	Minor int64
}

// History is all that the models need of one customer.
type History struct {
	Summary
	// FirstDay is the day of the first purchase, in days since 1970-01-01.
	FirstDay int32
	// RepeatMinor is what was spent on the repeat days together, in minor units. The first day's spending is not in it: the Gamma-Gamma
	// literature leaves it out, as does this package.
	RepeatMinor int64
}

// Spend returns what Gamma-Gamma needs of the history.
func (h History) Spend() Spend {
	return Spend{Repeats: h.Repeats, TotalMinor: h.RepeatMinor, Customers: h.Customers}
}

// Summarise returns the history of one customer's purchases up to and including the day end, in days since 1970-01-01. Purchases may
// come in any order; those of one day are one; later ones are ignored. It returns false when none is left. The slice is not changed.
func Summarise(purchases []Purchase, end int32) (History, bool) {
	byDay := func(a, b Purchase) int { return cmp.Compare(a.Day, b.Day) }
	if !slices.IsSortedFunc(purchases, byDay) {
		purchases = slices.SortedStableFunc(slices.Values(purchases), byDay)
	}
	if len(purchases) == 0 || purchases[0].Day > end {
		return History{}, false
	}
	first := purchases[0].Day
	h := History{FirstDay: first, Summary: Summary{AgeDays: end - first, Customers: 1}}
	last := first
	for _, p := range purchases {
		if p.Day > end {
			break
		}
		if p.Day == first {
			continue
		}
		if p.Day != last {
			h.Repeats++
			last = p.Day
		}
		h.RepeatMinor += p.Minor
	}
	h.RecencyDays = last - first
	return h, true
}

// PurchaseDays returns on how many days of after < day ≤ until there was a purchase: what a hold-out compares a forecast with.
func PurchaseDays(purchases []Purchase, after, until int32) int32 {
	days := make([]int32, 0, len(purchases))
	for _, p := range purchases {
		if p.Day > after && p.Day <= until {
			days = append(days, p.Day)
		}
	}
	slices.Sort(days)
	return int32(len(slices.Compact(days)))
}

// cell is one distinct history and how many customers have it.
type cell struct {
	repeats, recency, age int32
	customers             int64
}

// census is rows grouped into cells, sorted by repeats, recency and age, with their totals.
type census struct {
	cells        []cell
	customers    int64
	repeatBuyers int64
	repeats      int64
	exposure     Weeks // the ages of all customers together
}

// group counts equal rows once. It returns ErrSummary, with the row's number, for a row that cannot be.
func group(rows []Summary) (census, error) {
	cells := make([]cell, len(rows))
	for i, row := range rows {
		if err := row.check(); err != nil {
			return census{}, fmt.Errorf("row %d: %w", i+1, err)
		}
		cells[i] = cell{row.Repeats, row.RecencyDays, row.AgeDays, row.weight()}
	}
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.repeats, b.repeats), cmp.Compare(a.recency, b.recency), cmp.Compare(a.age, b.age))
	})
	var all census
	var days float64
	kept := cells[:0]
	for _, c := range cells {
		all.customers += c.customers
		all.repeats += c.customers * int64(c.repeats)
		days += float64(c.customers) * float64(c.age)
		if c.repeats > 0 {
			all.repeatBuyers += c.customers
		}
		if n := len(kept); n > 0 && kept[n-1].repeats == c.repeats && kept[n-1].recency == c.recency && kept[n-1].age == c.age {
			kept[n-1].customers += c.customers
			continue
		}
		kept = append(kept, c)
	}
	all.cells = kept
	all.exposure = Weeks(days / 7)
	return all, nil
}
