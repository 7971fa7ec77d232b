package loyalty

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// graceDays is how long points that were spent and came back may be spent at least.
const graceDays = 30

// Lot is points that came in on one booking, and what became of them. Earned is the sum of Left, Spent and Lapsed.
type Lot struct {
	// Day is when they came in, in days since 1970-01-01.
	Day int32
	// LastDay is the last day they may be spent; 0 for never lapsing.
	LastDay int32
	// Earned is how many came in, Left how many are still there, Spent how many were spent or taken back, Lapsed how many lapsed.
	Earned, Left, Spent, Lapsed int64
}

// Statement is an account's points as lots.
type Statement struct {
	// Lots are what came in, in the order of the days.
	Lots []Lot
	// Balance is what is left less what is owed.
	Balance int64
	// Owed is what was taken back beyond what was left. What comes in next is set against it.
	Owed int64
	// Lapsed is what lapsed in all.
	Lapsed int64
	// Booked is what the entries book as lapsed; the books are right when it equals Lapsed.
	Booked int64
}

// Lots reckons from an account's entries which points are left on a day and until when. Months is how long points live; 0 for ever. A lot of a
// day may be spent up to and including the same day of the month so many months later, or the last day of that month.
//
// Points are spent oldest lot first. What goods brought back take is taken from the lot of their sale, as far as it is there, else from the
// oldest; what is there nowhere is owed, and set against what comes in next. Points that were spent and come back live as if they had been earned
// on the day they were spent, and at least thirty days more. A lot lapses with the end of its last day.
//
// Entries may come in any order, and each counts once by its id: the same set gives the same statement. What they themselves book as lapsed
// changes no lot.
func Lots(entries []*outcomev1.LedgerEntry, months int32, asOf int32) Statement {
	b := lotBook{months: months, seen: make(map[[EntryIDSize]byte]bool, len(entries))}
	for _, entry := range inOrder(entries) {
		id := [EntryIDSize]byte(entry.GetEntryId())
		if b.seen[id] {
			continue
		}
		b.seen[id] = true
		if entry.GetKind() == outcomev1.EntryKind_ENTRY_KIND_EXPIRE {
			b.statement.Booked -= entry.GetPoints()
			continue
		}
		b.lapse(entry.GetDay())
		if entry.GetPoints() >= 0 {
			b.comesIn(entry)
		} else {
			b.goesOut(entry)
		}
	}
	b.lapse(asOf)
	return b.close()
}

// NextToLapse is how many points lapse next, and the last day they may be spent; no points when none will.
func (s *Statement) NextToLapse() (points int64, lastDay int32) {
	for _, lot := range s.Lots {
		switch {
		case lot.Left == 0 || lot.LastDay == 0 || lastDay != 0 && lot.LastDay > lastDay:
		case lot.LastDay == lastDay:
			points += lot.Left
		default:
			points, lastDay = lot.Left, lot.LastDay
		}
	}
	return points, lastDay
}

// lotBook is a statement being made.
type lotBook struct {
	months    int32
	live      int // lots before this one have nothing left
	statement Statement
	seen      map[[EntryIDSize]byte]bool
}

// inOrder are the entries by day, what comes in before what goes out, then by id.
func inOrder(entries []*outcomev1.LedgerEntry) []*outcomev1.LedgerEntry {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b *outcomev1.LedgerEntry) int {
		return cmp.Or(cmp.Compare(a.GetDay(), b.GetDay()), direction(a)-direction(b), bytes.Compare(a.GetEntryId(), b.GetEntryId()))
	})
	return sorted
}

// direction is 0 for what comes in and 1 for what goes out.
func direction(entry *outcomev1.LedgerEntry) int {
	if entry.GetPoints() < 0 {
		return 1
	}
	return 0
}

// comesIn opens a lot, and sets it against what is owed.
func (b *lotBook) comesIn(entry *outcomev1.LedgerEntry) {
	lot := Lot{Day: entry.GetDay(), Earned: entry.GetPoints(), Left: entry.GetPoints()}
	if b.months > 0 {
		lot.LastDay = monthsLater(lot.Day, b.months)
		if entry.GetLotDay() != 0 { // spent once, and back
			lot.LastDay = max(monthsLater(entry.GetLotDay(), b.months), lot.Day+graceDays)
		}
	}
	back := min(lot.Left, b.statement.Owed)
	lot.Left -= back
	lot.Spent += back
	b.statement.Owed -= back
	b.statement.Lots = append(b.statement.Lots, lot)
}

// goesOut takes points from the lot they are from, then from the oldest, and owes the rest.
func (b *lotBook) goesOut(entry *outcomev1.LedgerEntry) {
	left := -entry.GetPoints()
	for b.live < len(b.statement.Lots) && b.statement.Lots[b.live].Left == 0 {
		b.live++
	}
	for _, own := range []bool{true, false} {
		for i := b.live; i < len(b.statement.Lots) && left > 0; i++ {
			lot := &b.statement.Lots[i]
			if own && (entry.GetLotDay() == 0 || lot.Day != entry.GetLotDay()) {
				continue
			}
			take := min(lot.Left, left)
			lot.Left -= take
			lot.Spent += take
			left -= take
		}
	}
	b.statement.Owed += left
}

// lapse ends the lots whose last day is over by the beginning of a day.
func (b *lotBook) lapse(day int32) {
	for i := b.live; i < len(b.statement.Lots); i++ {
		lot := &b.statement.Lots[i]
		if lot.LastDay != 0 && lot.LastDay < day && lot.Left > 0 {
			lot.Lapsed += lot.Left
			b.statement.Lapsed += lot.Left
			lot.Left = 0
		}
	}
}

func (b *lotBook) close() Statement {
	b.statement.Balance = -b.statement.Owed
	for _, lot := range b.statement.Lots {
		b.statement.Balance += lot.Left
	}
	return b.statement
}

// monthsLater is the same day of the month so many months later, or the last day of that month where it is shorter.
func monthsLater(day, months int32) int32 {
	year, month, dayOfMonth := time.Unix(int64(day)*86400, 0).UTC().Date()
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Day(first.AddDate(0, 0, min(dayOfMonth, last)-1))
}
