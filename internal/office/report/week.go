package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/stamklant/stamklant/internal/office/scoring"
)

// The parts of a day, in store time.
const (
	wholeDay  = iota // where only the day of a sale is known
	morning          // before noon
	afternoon        // to five
	evening          // from five
)

// moment is a weekday and a part of the day in which stores are regularly open.
type moment struct {
	weekday, part int
	// receipts is how many sales there were in so many hours of opening; days where hours are not known.
	receipts, hours int64
}

// leastHours is how long a part of the day must be open to be one: the last half hour of the day is no quiet evening.
const leastHours = 2

// partOf is the part of the day an hour belongs to.
func partOf(hour int) int {
	switch {
	case hour < 0:
		return wholeDay
	case hour < 12:
		return morning
	case hour < 17:
		return afternoon
	default:
		return evening
	}
}

// openMoments are the moments in which stores are regularly open, by weekday and part: an hour is open that had a sale on at least half of the
// days of its weekday, and a weekday that had one in at least half of the weeks.
func openMoments(hours []scoring.Hour) []moment {
	timed := slices.ContainsFunc(hours, func(h scoring.Hour) bool { return h.Hour >= 0 })
	days := map[int]int64{}
	var most int64
	for _, h := range hours {
		days[h.Weekday] = max(days[h.Weekday], h.Days)
		most = max(most, h.Days)
	}
	sums := map[[2]int]moment{}
	for _, h := range hours {
		if timed != (h.Hour >= 0) || h.Days*2 < days[h.Weekday] || days[h.Weekday]*2 < most {
			continue
		}
		at := [2]int{h.Weekday, partOf(h.Hour)}
		m := sums[at]
		sums[at] = moment{at[0], at[1], m.receipts + h.Receipts, m.hours + days[h.Weekday]}
	}
	maps.DeleteFunc(sums, func(_ [2]int, m moment) bool { return m.part != wholeDay && m.hours < leastHours*days[m.weekday] })
	return slices.SortedFunc(maps.Values(sums), func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.weekday, b.weekday), cmp.Compare(a.part, b.part))
	})
}

// quietTime is the moment with the fewest receipts an hour, and the one with the most; ok is false where fewer than two are known.
func quietTime(hours []scoring.Hour) (quiet, busy moment, ok bool) {
	open := openMoments(hours)
	if len(open) < 2 {
		return quiet, busy, false
	}
	rate := func(a, b moment) int { return cmp.Compare(a.receipts*b.hours, b.receipts*a.hours) }
	quiet, busy = slices.MinFunc(open, rate), slices.MaxFunc(open, rate)
	return quiet, busy, rate(quiet, busy) < 0
}

// moment names a weekday and a part of the day.
func (w *words) moment(m moment) string { return w.weekdays[m.weekday-1] + w.parts[m.part] }

// per is what average counts by.
func (w *words) per(m moment) string {
	if m.part == wholeDay {
		return w.ADay
	}
	return w.AnHour
}

// average is how many receipts a moment has an hour, or a day: whole from ten on.
func (w *words) average(m moment) string {
	if m.receipts >= 10*m.hours {
		return w.number(over(m.receipts, m.hours))
	}
	return w.decimal(over(m.receipts*10, m.hours), 1, 1)
}

// week is when customers come.
type week struct {
	Text    string
	Columns []string
	Rows    []weekRow
}

// weekRow is one part of the day.
type weekRow struct {
	Name  string
	Cells []weekCell
}

// weekCell is one weekday and part of it.
type weekCell struct {
	Text  string
	Fill  string
	Ink   string
	Quiet bool
}

// weekOf shows receipts by weekday and part of the day; nil where fewer than two moments are known.
func weekOf(in *Input, w *words) *week {
	quiet, busy, ok := quietTime(in.Overview.Hours)
	if !ok {
		return nil
	}
	at, parts := map[[2]int]moment{}, map[int]bool{}
	for _, m := range openMoments(in.Overview.Hours) {
		at[[2]int{m.weekday, m.part}], parts[m.part] = m, true
	}
	k := &week{Columns: w.short[:], Text: w.WeekText + " " + w.per(quiet) + w.WeekFrame}
	for part := wholeDay; part <= evening; part++ {
		if !parts[part] {
			continue
		}
		row := weekRow{Name: w.Parts[part]}
		for day := 1; day <= 7; day++ {
			cell := weekCell{Text: "–", Fill: "#fbfaf6", Ink: "#a8aca4"}
			if m, open := at[[2]int{day, part}]; open {
				cell = weekCell{Text: w.average(m), Quiet: m == quiet}
				// From nought to the busiest, in as many steps as there are colours.
				cell.Fill, cell.Ink = shade(int(m.receipts * busy.hours * int64(len(colours)-1) / max(1, busy.receipts*m.hours)))
			}
			row.Cells = append(row.Cells, cell)
		}
		k.Rows = append(k.Rows, row)
	}
	return k
}
