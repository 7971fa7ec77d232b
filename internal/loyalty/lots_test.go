package loyalty_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// booked is an entry of so many points on a day; the n-th.
func booked(n int, day int32, points int64, from int32) *outcomev1.LedgerEntry {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, uint64(n))
	kind := outcomev1.EntryKind_ENTRY_KIND_EARN
	switch {
	case points < 0 && from != 0:
		kind = outcomev1.EntryKind_ENTRY_KIND_REVERSE
	case points < 0 || from != 0:
		kind = outcomev1.EntryKind_ENTRY_KIND_REDEEM
	}
	return &outcomev1.LedgerEntry{EntryId: id, Kind: kind, Day: day, Points: points, LotDay: from}
}

func on(tb testing.TB, date string) int32 {
	tb.Helper()
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		tb.Fatal(err)
	}
	return loyalty.Day(day)
}

// TestLots holds accounts whose points were followed by hand. Points live 24 months.
func TestLots(t *testing.T) {
	t.Parallel()
	type move struct {
		date   string
		points int64
		from   string // the day of the sale
	}
	for _, tc := range []struct {
		name  string
		moves []move
		asOf  string
		left  string // per lot: left/lapsed, and what is owed
		next  string
	}{
		{"a point lives to the same day two years on", []move{{"2024-03-16", 100, ""}}, "2026-03-16", "100/0 owed 0", "100 until 2026-03-16"},
		{"and is gone the day after", []move{{"2024-03-16", 100, ""}}, "2026-03-17", "0/100 owed 0", "none"},
		{"of 29 February to the 28th", []move{{"2024-02-29", 100, ""}}, "2026-02-28", "100/0 owed 0", "100 until 2026-02-28"},
		{"spent oldest first", []move{{"2025-01-10", 100, ""}, {"2025-06-10", 50, ""}, {"2025-07-01", -120, ""}}, "2025-07-02", "0/0 30/0 owed 0", "30 until 2027-06-10"},
		{"spent before it lapses is not lapsed", []move{{"2024-03-16", 100, ""}, {"2026-03-16", -70, ""}}, "2026-03-17", "0/30 owed 0", "none"},
		{"a return takes from its own sale's points, not from the oldest", []move{{"2025-01-10", 100, ""}, {"2025-06-10", 50, ""}, {"2025-06-20", -50, "2025-06-10"}}, "2025-07-01", "100/0 0/0 owed 0", "100 until 2027-01-10"},
		{"47 back, 35 of them spent: 35 owed", []move{{"2025-06-10", 47, ""}, {"2025-06-12", -35, ""}, {"2025-06-20", -47, "2025-06-10"}}, "2025-07-01", "0/0 owed 35", "none"},
		{"what comes next is set against it", []move{{"2025-06-10", 47, ""}, {"2025-06-12", -35, ""}, {"2025-06-20", -47, "2025-06-10"}, {"2025-06-25", 40, ""}}, "2025-07-01", "0/0 5/0 owed 0", "5 until 2027-06-25"},
		{"a return after its points lapsed is taken from what is there", []move{{"2023-06-10", 50, ""}, {"2025-06-09", 20, ""}, {"2025-08-01", -50, "2023-06-10"}}, "2025-08-02", "0/50 0/0 owed 30", "none"},
		{"spent points that come back live thirty days at least", []move{{"2023-06-10", 500, ""}, {"2023-06-20", -500, ""}, {"2025-06-15", 500, "2023-06-20"}}, "2025-07-15", "0/0 500/0 owed 0", "500 until 2025-07-15"},
		{"or as long as they would have", []move{{"2025-06-10", 500, ""}, {"2025-06-20", -500, ""}, {"2025-06-25", 500, "2025-06-20"}}, "2025-07-15", "0/0 500/0 owed 0", "500 until 2027-06-20"},
		{"two lots lapse on one day", []move{{"2025-02-28", 10, ""}, {"2025-03-01", 5, ""}, {"2025-02-28", 7, ""}}, "2025-04-01", "10/0 7/0 5/0 owed 0", "17 until 2027-02-28"},
		{"nothing", nil, "2025-04-01", "owed 0", "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var entries []*outcomev1.LedgerEntry
			for i, m := range tc.moves {
				from := int32(0)
				if m.from != "" {
					from = on(t, m.from)
				}
				entries = append(entries, booked(i, on(t, m.date), m.points, from))
			}
			got := loyalty.Lots(entries, 24, on(t, tc.asOf))
			var left []string
			var sum int64
			for _, lot := range got.Lots {
				left = append(left, fmt.Sprintf("%d/%d", lot.Left, lot.Lapsed))
				sum += lot.Left
				if lot.Earned != lot.Left+lot.Spent+lot.Lapsed {
					t.Errorf("lot %+v does not add up", lot)
				}
			}
			if text := strings.Join(append(left, fmt.Sprintf("owed %d", got.Owed)), " "); text != tc.left {
				t.Errorf("left %s, want %s", text, tc.left)
			}
			if got.Balance != sum-got.Owed {
				t.Errorf("balance %d of %d left and %d owed", got.Balance, sum, got.Owed)
			}
			next := "none"
			if points, day := got.NextToLapse(); points != 0 {
				next = fmt.Sprintf("%d until %s", points, time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly))
			}
			if next != tc.next {
				t.Errorf("next to lapse %s, want %s", next, tc.next)
			}
		})
	}
}

// TestLotsAgainstDays follows random accounts point by point, day by day.
func TestLotsAgainstDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const months, last = 2, 200
		var entries []*outcomev1.LedgerEntry
		var earnedOn []int32
		for n := range rapid.IntRange(0, 25).Draw(t, "entries") {
			day := rapid.Int32Range(1, last).Draw(t, "day")
			points := rapid.Int64Range(-40, 40).Draw(t, "points")
			from := int32(0)
			if points < 0 && len(earnedOn) > 0 && rapid.Bool().Draw(t, "return") {
				from = rapid.SampledFrom(earnedOn).Draw(t, "from")
			}
			if points > 0 {
				earnedOn = append(earnedOn, day)
			}
			entries = append(entries, booked(n, day, points, from))
		}
		asOf := rapid.Int32Range(1, last+100).Draw(t, "as of")
		want, lapsed := pointByPoint(entries, months, asOf)
		shuffled := append(slices.Clone(rapid.Permutation(entries).Draw(t, "order")), entries...) // and each a second time
		got := loyalty.Lots(shuffled, months, asOf)
		if got.Balance != want || got.Lapsed != lapsed {
			t.Fatalf("balance %d with %d lapsed, want %d with %d", got.Balance, got.Lapsed, want, lapsed)
		}
	})
}

// pointByPoint keeps every single point as one item with its day, and walks through the days.
func pointByPoint(entries []*outcomev1.LedgerEntry, months int, asOf int32) (balance, lapsed int64) {
	type point struct{ day, last int32 }
	var purse []point
	var owed int64
	lastOf := func(day int32) int32 {
		at := time.Unix(int64(day)*86400, 0).UTC()
		same := time.Date(at.Year(), at.Month()+time.Month(months), at.Day(), 0, 0, 0, 0, time.UTC)
		if same.Day() != at.Day() { // the month is shorter: its last day
			same = same.AddDate(0, 0, -same.Day())
		}
		return loyalty.Day(same)
	}
	through := asOf
	for _, e := range entries { // what is booked ahead counts as well
		through = max(through, e.GetDay())
	}
	for day := int32(0); day <= through; day++ {
		kept := purse[:0]
		for _, p := range purse {
			if p.last < day {
				lapsed++
			} else {
				kept = append(kept, p)
			}
		}
		purse = kept
		for _, in := range entries {
			for range max(0, in.GetPoints()) {
				if in.GetDay() != day {
					break
				}
				if owed > 0 {
					owed--
				} else {
					purse = append(purse, point{day, lastOf(day)})
				}
			}
		}
		for _, out := range entries { // in the order of their numbers, as ids go
			for range max(0, -out.GetPoints()) {
				if out.GetDay() != day {
					break
				}
				at := slices.IndexFunc(purse, func(p point) bool { return out.GetLotDay() != 0 && p.day == out.GetLotDay() })
				switch {
				case at >= 0:
				case len(purse) > 0:
					at = 0
				default:
					owed++
					continue
				}
				purse = slices.Delete(purse, at, at+1)
			}
		}
	}
	return int64(len(purse)) - owed, lapsed
}
