package daily

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// ErrRefused is returned when what came in, or what scoring made of it, does not look like a day of this chain.
var ErrRefused = errors.New("refused, and nothing was changed")

// Weeks is how far a day is looked back from.
const Weeks = 4

// Accepted is what a person lets pass.
type Accepted struct {
	// EmptyDay lets a day without receipts, or with next to none, pass.
	EmptyDay bool
	// TenfoldDay lets days with many times the usual pass.
	TenfoldDay bool
	// MissingStores may have no receipts.
	MissingStores []string
	// FewerCustomers lets a run pass that scores far fewer customers than the one before.
	FewerCustomers bool
}

// Arrivals is what a day is judged by.
type Arrivals struct {
	// Day is the day that is closed, as days since 1970-01-01.
	Day int32
	// Known is what the warehouse has per store and day, from Earliest on.
	Known []warehouse.StoreDay
	// New is what the files would add.
	New []warehouse.StoreDay
	// Files is how many files there are.
	Files int
}

// total is receipts and what they come to, in ten-thousandths.
type total struct{ receipts, amount int64 }

// chain is what is known and new, by day and by store and day.
type chain struct {
	days   map[int32]total
	stores map[string]map[int32]int64
	began  map[string]int32 // the first day of each store
	first  int32            // the first day of all
}

func newChain(a Arrivals) *chain {
	c := &chain{days: map[int32]total{}, stores: map[string]map[int32]int64{}, began: map[string]int32{}}
	for _, rows := range [][]warehouse.StoreDay{a.Known, a.New} {
		for _, d := range rows {
			if len(c.days) == 0 || d.Day < c.first {
				c.first = d.Day
			}
			sum := c.days[d.Day]
			c.days[d.Day] = total{sum.receipts + d.Receipts, sum.amount + d.Amount}
			if c.stores[d.Store] == nil {
				c.stores[d.Store], c.began[d.Store] = map[int32]int64{}, d.Day
			}
			c.stores[d.Store][d.Day] += d.Receipts
			c.began[d.Store] = min(c.began[d.Store], d.Day)
		}
	}
	return c
}

// Judge holds the day that is closed, and every day of the last four weeks that files add to, against the same weekday of the four weeks before. It returns an
// ErrRefused with one sentence per finding that was not accepted, nil when there is none. Where fewer than two such weekdays are known there is
// nothing to compare with, and the day passes.
func Judge(a Arrivals, limits Limits, closed []string, accepted Accepted) error {
	c := newChain(a)
	var findings []string
	if !slices.Contains(closed, date(a.Day)) {
		empty := c.empty(a, limits)
		if empty != "" && !accepted.EmptyDay {
			findings = append(findings, empty)
		}
		if empty == "" {
			findings = append(findings, c.missing(a.Day, accepted.MissingStores)...)
		}
	}
	if !accepted.TenfoldDay {
		findings = append(findings, c.tenfold(a, limits)...)
	}
	return refusal(findings)
}

// JudgeScored holds the number of customers scored against that of the run before; 0 when there was none.
func JudgeScored(scored, before int64, limits Limits, accepted Accepted) error {
	if accepted.FewerCustomers || scored*100 >= before*limits.CustomersAtLeastPercent {
		return nil
	}
	return refusal([]string{fmt.Sprintf("only %d customers were scored, the run before had %d: are receipts or customer numbers missing? "+
		"If it is right, run again with --accept-fewer-customers", scored, before)})
}

// refusal is the error for findings; nil without any.
func refusal(findings []string) error {
	if len(findings) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrRefused, strings.Join(findings, "; "))
}

// usual is the median of what the same weekday had in the weeks before; ok is false when fewer than two such days are known.
func (c *chain) usual(day int32, of func(total) int64) (median int64, ok bool) {
	var before []int64
	for week := int32(1); week <= Weeks; week++ {
		if same := day - 7*week; same >= c.first {
			before = append(before, of(c.days[same]))
		}
	}
	if len(before) < 2 {
		return 0, false
	}
	slices.Sort(before)
	middle := len(before) / 2
	if len(before)%2 == 1 {
		return before[middle], true
	}
	return (before[middle-1] + before[middle]) / 2, true
}

// empty says when the day has next to nothing.
func (c *chain) empty(a Arrivals, limits Limits) string {
	usual, ok := c.usual(a.Day, receipts)
	got := c.days[a.Day].receipts
	if !ok || got*100 >= usual*limits.AtLeastPercent {
		return ""
	}
	came := fmt.Sprintf("has %d receipts", got)
	if got == 0 {
		came = "has no receipt at all"
	}
	files := ""
	if a.Files == 0 {
		files = ", and no file lies in the import folder"
	}
	return fmt.Sprintf("%s %s, where %d are usual on a %s%s. If stores were closed, run again with --accept-empty-day",
		date(a.Day), came, usual, weekday(a.Day), files)
}

// missing names stores that nearly always had receipts on this weekday and have none.
func (c *chain) missing(day int32, accepted []string) []string {
	var gone []string
	for _, store := range slices.Sorted(maps.Keys(c.stores)) {
		if c.stores[store][day] == 0 && c.regular(store, day) && !slices.Contains(accepted, store) {
			gone = append(gone, store)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	has, was := "store %s has", "it was"
	if len(gone) > 1 {
		has, was = "stores %s have", "they were"
	}
	return []string{fmt.Sprintf(has+" no receipt on %s, and had some on nearly every %s before. Has the file come? If %s closed, run again with "+
		"--accept-missing-store %s", strings.Join(gone, ", "), date(day), weekday(day), was, strings.Join(gone, ","))}
}

// regular reports whether a store had receipts on at least three quarters of the same weekdays since it began, of which there are two at least.
func (c *chain) regular(store string, day int32) bool {
	known, had := 0, 0
	for week := int32(1); week <= Weeks; week++ {
		same := day - 7*week
		if same < c.began[store] {
			break
		}
		known++
		if c.stores[store][same] > 0 {
			had++
		}
	}
	return known >= 2 && had*4 >= known*3
}

// tenfold says which days have many times the usual.
func (c *chain) tenfold(a Arrivals, limits Limits) []string {
	days := map[int32]bool{a.Day: true}
	for _, d := range a.New {
		if d.Day > a.Day-7*Weeks { // what is older is history that somebody brings in
			days[d.Day] = true
		}
	}
	var findings []string
	for _, day := range slices.SortedFunc(maps.Keys(days), cmp.Compare) {
		got := c.days[day]
		for _, measure := range []struct {
			of   func(total) int64
			unit int64
			name string
		}{{receipts, 1, "receipts"}, {amount, amountUnit, "turnover"}} {
			usual, ok := c.usual(day, measure.of)
			if !ok || usual <= 0 || measure.of(got) <= usual*limits.AtMostTimes {
				continue
			}
			findings = append(findings, fmt.Sprintf("%s has %s of %d, where %d is usual on a %s. Was a file doubled, or read with the wrong mapping? "+
				"If it is right, run again with --accept-tenfold-day", date(day), measure.name, measure.of(got)/measure.unit, usual/measure.unit, weekday(day)))
			break
		}
	}
	return findings
}

// amountUnit is how many of the units in which amounts are counted make one of the currency's.
const amountUnit = 10_000

func receipts(t total) int64 { return t.receipts }

func amount(t total) int64 { return t.amount }

func date(day int32) string { return moment(day).Format(time.DateOnly) }

func weekday(day int32) string { return moment(day).Weekday().String() }

func moment(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// Earliest is the first day that must be known to judge the arrivals of a day: four weeks before any day that is judged.
func Earliest(day int32) int32 { return day - 2*7*Weeks }
