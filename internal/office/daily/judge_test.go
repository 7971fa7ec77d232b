package daily_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/daily"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// monday is 2026-11-16.
const monday = 20773

// normal limits are those of a daily.yaml that is silent.
var normal = daily.Limits{AtLeastPercent: 10, AtMostTimes: 5, CustomersAtLeastPercent: 50}

// weeks are so many weeks before a Monday in which store a had 100 receipts and b 40 a day, of 10.00 each, closed on Sundays.
func weeks(n int32) []warehouse.StoreDay {
	var all []warehouse.StoreDay
	for day := int32(monday) - 7*n; day < monday; day++ {
		if (day-monday)%7 == -1 {
			continue
		}
		all = append(all, day1("a", day, 100), day1("b", day, 40))
	}
	return all
}

func day1(store string, day int32, receipts int64) warehouse.StoreDay {
	return warehouse.StoreDay{Store: store, Day: day, Receipts: receipts, Amount: receipts * 100_000}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		day      int32
		known    []warehouse.StoreDay
		added    []warehouse.StoreDay
		closed   []string
		accepted daily.Accepted
		want     string // of the refusal; empty when the day passes
	}{
		{"as usual", monday, weeks(4), []warehouse.StoreDay{day1("a", monday, 90), day1("b", monday, 55)}, nil, daily.Accepted{}, ""},
		{"nothing came", monday, weeks(4), nil, nil, daily.Accepted{}, "2026-11-16 has no receipt at all, where 140 are usual on a Monday, and no file lies"},
		{"next to nothing came", monday, weeks(4), []warehouse.StoreDay{day1("a", monday, 12), day1("b", monday, 1)}, nil, daily.Accepted{}, "has 13 receipts"},
		{"a tenth came", monday, weeks(4), []warehouse.StoreDay{day1("a", monday, 12), day1("b", monday, 2)}, nil, daily.Accepted{}, ""},
		{"nothing came, and that is right", monday, weeks(4), nil, nil, daily.Accepted{EmptyDay: true, MissingStores: []string{"a", "b"}}, ""},
		{"an empty holiday", monday, weeks(4), nil, []string{"2026-11-16"}, daily.Accepted{}, ""},
		{"Sunday, when it is always empty", monday - 1, weeks(4), nil, nil, daily.Accepted{}, ""},
		{"the first day ever", monday, nil, []warehouse.StoreDay{day1("a", monday, 90)}, nil, daily.Accepted{}, ""},
		{"one week known: nothing to compare with", monday, weeks(1), nil, nil, daily.Accepted{}, ""},
		{"two weeks known", monday, weeks(2), nil, nil, daily.Accepted{}, "has no receipt at all"},
		{"a store is missing", monday, weeks(4), []warehouse.StoreDay{day1("a", monday, 90)}, nil, daily.Accepted{}, "store b has no receipt on 2026-11-16"},
		{
			"another store was accepted", monday, weeks(4),
			[]warehouse.StoreDay{day1("a", monday, 90)},
			nil,
			daily.Accepted{MissingStores: []string{"a"}},
			"--accept-missing-store b",
		},
		{
			"a missing store was accepted", monday, weeks(4),
			[]warehouse.StoreDay{day1("a", monday, 90)},
			nil,
			daily.Accepted{MissingStores: []string{"b"}},
			"",
		},
		{
			"a new store is not there yet", monday, append(weeks(4), day1("c", monday-7, 50)),
			[]warehouse.StoreDay{day1("a", monday, 90), day1("b", monday, 55)},
			nil,
			daily.Accepted{},
			"",
		},
		{
			"ten times the receipts", monday, weeks(4),
			[]warehouse.StoreDay{day1("a", monday, 1000), day1("b", monday, 400)},
			nil,
			daily.Accepted{},
			"2026-11-16 has receipts of 1400, where 140 is usual",
		},
		{
			"a file in cents", monday, weeks(4),
			[]warehouse.StoreDay{{Store: "a", Day: monday, Receipts: 90, Amount: 90 * 10_000_000}, day1("b", monday, 40)},
			nil,
			daily.Accepted{},
			"turnover of 90400, where 1400 is usual",
		},
		{
			"ten times, and that is right", monday, weeks(4),
			[]warehouse.StoreDay{day1("a", monday, 1000), day1("b", monday, 400)},
			nil,
			daily.Accepted{TenfoldDay: true},
			"",
		},
		{
			"a day of last week ten times over", monday, weeks(6),
			[]warehouse.StoreDay{day1("a", monday, 90), day1("b", monday, 55), day1("a", monday-4, 2000)},
			nil,
			daily.Accepted{},
			"2026-11-12 has receipts",
		},
		{
			"history is brought in", monday, weeks(4),
			[]warehouse.StoreDay{day1("a", monday, 90), day1("b", monday, 55), day1("a", monday-40, 2000)},
			nil,
			daily.Accepted{},
			"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := 0
			if len(test.added) > 0 {
				files = 1
			}
			err := daily.Judge(daily.Arrivals{Day: test.day, Known: test.known, New: test.added, Files: files}, normal, test.closed, test.accepted)
			expect(t, err, test.want)
		})
	}
}

func TestJudgeScored(t *testing.T) {
	t.Parallel()
	expect(t, daily.JudgeScored(0, 0, normal, daily.Accepted{}), "")
	expect(t, daily.JudgeScored(50, 100, normal, daily.Accepted{}), "")
	expect(t, daily.JudgeScored(49, 100, normal, daily.Accepted{}), "only 49 customers were scored, the run before had 100")
	expect(t, daily.JudgeScored(49, 100, normal, daily.Accepted{FewerCustomers: true}), "")
}

// expect checks a verdict: a refusal that says want, or none.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!errors.Is(err, daily.ErrRefused) || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want a refusal that says %q", err, want)
	}
}
