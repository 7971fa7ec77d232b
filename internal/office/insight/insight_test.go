package insight_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// register is a register of accounts whose answers follow from the questions.
type register struct{}

func (register) ByExternal(_ context.Context, ids []string) ([][16]byte, error) {
	all := make([][16]byte, len(ids))
	for i, id := range ids {
		sum := sha256.Sum256([]byte(id))
		all[i] = [16]byte(sum[:16])
	}
	return all, nil
}

func (r register) ByIdentifier(ctx context.Context, _ string, canonical []string) ([][16]byte, error) {
	return r.ByExternal(ctx, canonical)
}

func (r register) Register(ctx context.Context, customers []warehouse.CustomerIdentity) ([][16]byte, error) {
	ids := make([]string, len(customers))
	for i, c := range customers {
		ids[i] = c.ExternalID
	}
	return r.ByExternal(ctx, ids)
}

// chain is a warehouse and the programme it is scored by.
type chain struct {
	w *warehouse.Warehouse
	p *programmev1.Programme
}

func open(t *testing.T) *chain {
	t.Helper()
	w, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{Threads: 2, MemoryLimit: "1GB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &chain{w: w, p: &programmev1.Programme{
		Currency: "EUR", CurrencyDecimals: 2, Profiling: programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST,
		Groups: []*programmev1.ProductGroup{{Name: "medicine", Patterns: []string{"80*"}}}, Sensitive: []string{"medicine"},
		Scoring: &programmev1.Scoring{
			Months: 12, Scores: 2, Method: programmev1.ScoringMethod_SCORING_METHOD_FIXED,
			RecencyCuts: []int64{40}, FrequencyCuts: []int64{3}, MonetaryCuts: []int64{10000},
		},
		Segments: []*programmev1.Segment{
			{Code: "best", Codes: []string{"222"}},
			{Code: "here", Codes: []string{"211", "212", "221"}},
			{Code: "away", Codes: []string{"111", "112", "121", "122"}},
		},
	}}
}

// take imports receipts (who,store,day,amount,group) or customers (who,objected,marketing).
func (c *chain) take(t *testing.T, kind warehouse.List, lines ...string) {
	t.Helper()
	text, heading := `
list: receipts
receipt: row
customer: {column: who, is: external_id}
columns: {store: store, time: day, amount: amount, quantity: pieces, group: group, till: {constant: "1"}}
`, "who,store,day,amount,pieces,group"
	if kind == warehouse.Customers {
		text, heading = "list: customers\ncustomer: {column: who, is: external_id}\ncolumns: {objected: objected, marketing: marketing}\n", "who,objected,marketing"
	}
	m, err := warehouse.ParseMapping("mapping.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(heading+"\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := c.w.Import(t.Context(), warehouse.ImportRequest{List: kind, Files: []string{path}, Mapping: m, Accounts: register{}})
	if err != nil {
		t.Fatal(err)
	}
	if report.RejectedRows() != 0 {
		t.Fatalf("rejected: %v", report.Rejected)
	}
}

func (c *chain) score(t *testing.T, asOf string) {
	t.Helper()
	d, err := time.Parse(time.DateOnly, asOf)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	if _, err := scoring.Score(t.Context(), c.w, c.p, int32(d.Unix()/86400), scoring.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
}

// visits are receipts of one customer, on days of 2024, in store s1 at ten o'clock.
func visits(who string, amount int, group string, days ...string) []string {
	var lines []string
	for _, d := range days {
		lines = append(lines, fmt.Sprintf("%s,s1,2024-%s 10:00:00,%d,1,%s", who, d, amount, group))
	}
	return lines
}

// people are customers whose phases can be told by hand, as of 30 June 2024.
func people(t *testing.T, c *chain) {
	t.Helper()
	var lines []string
	for _, more := range [][]string{
		visits("weekly", 30, "10", "05-26", "06-02", "06-09", "06-16", "06-23", "06-30"), // regular, the best
		visits("late", 50, "10", "05-01", "05-11", "05-21", "05-31", "06-10"),            // every ten days, away for twenty: late, the best
		visits("leaver", 60, "11", "04-01", "04-11", "04-21", "05-01", "05-31"),          // every ten days, away for thirty: leaving
		visits("new", 20, "12", "06-29"), visits("again", 20, "12", "06-20", "06-28"),
		visits("back", 20, "12", "01-01", "01-11", "01-21", "06-29"), // away for 160 days, where ten are usual
		visits("gone", 20, "12", "01-02"),
		visits("objector", 900, "10", "06-01", "06-02", "06-03", "06-29"),
		visits("weekly", 500, "801", "06-30"), // medicine, which nobody is told of
	} {
		lines = append(lines, more...)
	}
	c.take(t, warehouse.Receipts, lines...)
	c.take(t, warehouse.Customers, "objector,yes,", "weekly,,yes", "new,,no")
}

func TestOutlooks(t *testing.T) {
	t.Parallel()
	c := open(t)
	if _, err := insight.Phases(t.Context(), c.w); !errors.Is(err, scoring.ErrNoRun) {
		t.Errorf("before any run: %v", err)
	}
	people(t, c)
	c.score(t, "2024-06-30")

	phases, err := insight.Phases(t.Context(), c.w)
	if err != nil {
		t.Fatal(err)
	}
	want := []insight.Count{
		{Code: "first", Accounts: 1, MonetaryMinor: 2000},
		{Code: "second", Accounts: 1, MonetaryMinor: 4000},
		{Code: "regular", Accounts: 2, MonetaryMinor: 18000 + 25000},
		{Code: "fading", Accounts: 2, MonetaryMinor: 30000 + 2000},
		{Code: "returned", Accounts: 1, MonetaryMinor: 8000},
	}
	if !slices.Equal(phases, want) {
		t.Errorf("phases %v\nwant   %v", phases, want)
	}

	best, err := insight.Best(t.Context(), c.w)
	if want := []insight.Count{{Code: "steady", Accounts: 1, MonetaryMinor: 18000}, {Code: "late", Accounts: 1, MonetaryMinor: 25000}, {Code: "leaving", Accounts: 1, MonetaryMinor: 30000}}; err != nil || !slices.Equal(best, want) {
		t.Errorf("the best: %v, %v", best, err)
	}
	leaving, err := insight.Leaving(t.Context(), c.w, 5)
	if want := []insight.Customer{
		{ExternalID: "leaver", Segment: "best", Stage: "leaving", MonetaryMinor: 30000, SinceDays: 30, UsualDays: 10},
		{ExternalID: "late", Segment: "best", Stage: "late", MonetaryMinor: 25000, SinceDays: 20, UsualDays: 10},
	}; err != nil || !slices.Equal(leaving, want) {
		t.Errorf("leaving: %v, %v", leaving, err)
	}

	// By days as a customer: new 1, again 10, weekly 35, late 60, leaver 90, gone 180, back 181. By money: new, gone 2000, again 4000, back 8000, ….
	m, err := insight.Strategy(t.Context(), c.w)
	if err != nil {
		t.Fatal(err)
	}
	if m.LongDays != 60 || m.HighMinor != 8000 {
		t.Errorf("long is %d days, high is %d", m.LongDays, m.HighMinor)
	}
	var got []insight.Count
	for _, q := range m.Quadrants {
		got = append(got, q.Count)
		if q.Strategy == "" {
			t.Errorf("%s has no strategy", q.Code)
		}
	}
	if want := []insight.Count{
		{Code: "supporter", Accounts: 3, MonetaryMinor: 25000 + 30000 + 8000},
		{Code: "friend", Accounts: 1, MonetaryMinor: 2000},
		{Code: "acquaintance", Accounts: 1, MonetaryMinor: 18000},
		{Code: "passer_by", Accounts: 2, MonetaryMinor: 6000},
	}; !slices.Equal(got, want) {
		t.Errorf("strategy %v\nwant     %v", got, want)
	}

	// A quarter comes five times or more and spends 50 or more at once; nobody buys from more than one group. weekly (6 × 30) gains 6 × 20; late has
	// nothing to gain; leaver neither; new (1 × 20) gains 4 × 20; again (2 × 20) 3 × 20 or 2 × 30, which is as much; back (4 × 20) 4 × 30; gone 4 × 20.
	levers, err := insight.Levers(t.Context(), c.w)
	if want := []insight.Count{
		{Code: "frequency", Accounts: 3, MonetaryMinor: 8000 + 6000 + 8000}, {Code: "basket", Accounts: 2, MonetaryMinor: 12000 + 12000}, {Code: "pamper", Accounts: 2},
	}; err != nil || !slices.Equal(levers, want) {
		t.Errorf("levers %v, want %v; %v", levers, want, err)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	c := open(t)
	people(t, c)
	c.score(t, "2024-06-30")
	traits, err := insight.Profile(t.Context(), c.w, c.p)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]insight.Trait{}
	for _, trait := range traits {
		got[trait.Kind+" "+trait.Value] = trait
	}
	// The best spend 180 + 250 on group 10 and 300 on 11; all spend 160 more, on 12. They have 16 of 24 receipts.
	for name, want := range map[string][2]int64{
		"group 10": {5890, 4831}, "group 11": {4109, 3370}, "group 12": {0, 1797}, "store s1": {10000, 10000}, "hour 10": {10000, 10000},
		"basket money": {73000 / 16, 89000 / 24}, "basket pieces": {1000, 1000},
	} {
		if g := got[name]; g.Best != want[0] || g.All != want[1] {
			t.Errorf("%s: %v, want %v", name, g, want)
		}
	}
	if _, shown := got["group 801"]; shown {
		t.Error("what medicines the best buy is told")
	}
}

func TestMovement(t *testing.T) {
	t.Parallel()
	c := open(t)
	people(t, c)
	c.score(t, "2024-06-30")
	if _, err := insight.Move(t.Context(), c.w, c.p, 0); !errors.Is(err, insight.ErrNoEarlierRun) {
		t.Errorf("after one run: %v", err)
	}
	c.take(t, warehouse.Receipts, append(visits("stranger", 20, "12", "07-20"), visits("back", 50, "12", "07-20")...)...)
	c.take(t, warehouse.Customers, "again,yes,")
	c.score(t, "2024-07-31")
	c.score(t, "2024-07-31") // twice on a day is one day
	m, err := insight.Move(t.Context(), c.w, c.p, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []insight.Cell{
		{From: "", To: "here", Accounts: 1},
		{From: "away", To: "away", Accounts: 1},
		{From: "best", To: "away", Accounts: 2},
		{From: "best", To: "best", Accounts: 1},
		{From: "here", To: "best", Accounts: 1},
		{From: "here", To: "here", Accounts: 1},
	}
	if !slices.Equal(m.Cells, want) {
		t.Errorf("cells %v\nwant  %v", m.Cells, want)
	}
	got := [7]int64{m.Up, m.Down, m.Stayed, m.Into, m.OutOf, m.Arrived, m.Gone}
	if want := [7]int64{1, 2, 3, 1, 2, 1, 0}; got != want || m.Ideal != "best" {
		t.Errorf("movement %v, want %v", got, want)
	}
	if _, err := insight.Move(t.Context(), c.w, c.p, m.Since-1); !errors.Is(err, insight.ErrNoEarlierRun) {
		t.Errorf("before the first: %v", err)
	}
	same, err := insight.Move(t.Context(), c.w, c.p, m.Until-1)
	if err != nil || !reflect.DeepEqual(same, m) {
		t.Errorf("since the day before: %v, %v", same, err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	c := open(t)
	people(t, c)
	c.score(t, "2024-06-30")
	first, err := insight.Segments(t.Context(), c.w)
	if err != nil {
		t.Fatal(err)
	}
	c.score(t, "2024-07-31")
	then, err := insight.Segments(t.Context(), c.w)
	if err != nil {
		t.Fatal(err)
	}
	of := func(all []insight.Health, code string) insight.Health {
		for _, h := range all {
			if h.Code == code {
				return h
			}
		}
		t.Fatalf("no segment %s in %v", code, all)
		return insight.Health{}
	}
	// best: weekly, late, leaver, with 730 of 890; then weekly alone, since late and leaver are away.
	if h := of(first, "best"); h.Accounts != 3 || h.MonetaryMinor != 73000 || h.Turnover != 8202 || h.Runs != 0 || h.Reachable != 1 || h.Nearest == "" {
		t.Errorf("first: %+v", h)
	}
	if h := of(then, "best"); h.Accounts != 1 || h.Runs != 1 || h.Usual != 3 || h.Before != 3 || h.BeforeMinor != 73000 {
		t.Errorf("then: %+v", h)
	}
	if len(first) != 3 || first[0].Accounts < first[2].Accounts {
		t.Errorf("the largest first: %v", first)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	good := insight.Health{
		Count: insight.Count{Code: "x", Accounts: 1000, MonetaryMinor: 500}, Turnover: 2000, Runs: 3, Usual: 900, Before: 950, BeforeMinor: 400,
		Reachable: 600, Nearest: "y", Distance: 140,
	}
	for _, tc := range []struct {
		name   string
		change func(*insight.Health)
		want   string // holds, fails, or unknown: stable, large, growing, identifiable, distinguishable
	}{
		{"all well", func(*insight.Health) {}, "yyyyy"},
		{"grown by a half", func(h *insight.Health) { h.Accounts = 1350 }, "nyyyy"},
		{"shrunk", func(h *insight.Health) { h.Accounts = 700 }, "nynyy"},
		{"small", func(h *insight.Health) { h.Accounts, h.Usual, h.Before, h.Reachable = 99, 99, 98, 99 }, "ynyyy"},
		{"worth little", func(h *insight.Health) { h.Turnover = 99 }, "ynyyy"},
		{"more customers with less money", func(h *insight.Health) { h.BeforeMinor = 501 }, "yynyy"},
		{"few may be addressed", func(h *insight.Health) { h.Reachable = 299 }, "yyyny"},
		{"like another", func(h *insight.Health) { h.Distance = 24 }, "yyyyn"},
		{"the first run", func(h *insight.Health) { h.Runs, h.Usual, h.Before, h.BeforeMinor = 0, 0, 0, 0 }, "?y?yy"},
		{"the only segment", func(h *insight.Health) { h.Nearest = "" }, "yyyy?"},
	} {
		h := good
		tc.change(&h)
		var got strings.Builder
		for _, v := range h.Verdicts() {
			switch {
			case !v.Known:
				got.WriteByte('?')
			case v.Holds:
				got.WriteByte('y')
			default:
				got.WriteByte('n')
			}
			if v.Words == "" || v.Question == "" {
				t.Errorf("%s: a verdict without words: %+v", tc.name, v)
			}
		}
		if got.String() != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got.String(), tc.want)
		}
	}
}
