package scoring_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// receiptsMapping and customersMapping read the small lists of these tests.
const (
	receiptsMapping = `
list: receipts
receipt: [day, no]
customer: {column: who, is: external_id}
columns: {store: store, date: day, receipt_no: no, quantity: pieces, amount: amount, currency: currency, original_receipt_no: of, group: group, sku: sku}
returns: {of: {empty: no}}
voids: {note: void}
training: {note: training}
not_merchandise: {note: deposit}
`
	customersMapping = `
list: customers
customer: {column: who, is: external_id}
columns: {objected: objected, minor: minor, groups: groups, profiling: agreed, segment: segment, tier: tier, points: points}
`
)

// list imports lines as one of the small lists.
func list(t *testing.T, w *warehouse.Warehouse, kind warehouse.List, lines ...string) {
	t.Helper()
	text, heading := receiptsMapping, "who,store,day,no,pieces,amount,currency,of,note,group,sku"
	if kind == warehouse.Customers {
		text, heading = customersMapping, "who,objected,minor,groups,agreed,segment,tier,points"
	}
	m, err := warehouse.ParseMapping("mapping.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines { // what stands at the end may be left out
		lines[i] = line + strings.Repeat(",", max(0, strings.Count(heading, ",")-strings.Count(line, ",")))
	}
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(heading+"\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := w.Import(t.Context(), warehouse.ImportRequest{List: kind, Files: []string{path}, Mapping: m, Accounts: register{}})
	if err != nil {
		t.Fatal(err)
	}
	if report.RejectedRows() != 0 {
		t.Fatalf("rejected: %v", report.Rejected)
	}
}

// halves is a programme of two scores per dimension and two segments: who was here lately, and who was not.
func halves() *programmev1.Programme {
	return &programmev1.Programme{
		Currency: "EUR", CurrencyDecimals: 2, Profiling: programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST,
		Scoring: &programmev1.Scoring{Months: 12, Scores: 2, LeaveOut: []string{"staff", "trade"}},
		Segments: []*programmev1.Segment{
			{Code: "away", Codes: []string{"111", "112", "121", "122"}},
			{Code: "here", Codes: []string{"211", "212", "221", "222"}},
		},
	}
}

// values are what a customer was measured at: recency, frequency, money, scores, segment.
func values(rows map[string]map[string]string, customer string) string {
	row, found := rows[customer]
	if !found {
		return "not scored"
	}
	return strings.Join([]string{row["recency_days"], row["frequency"], row["monetary_minor"], row["r"] + row["f"] + row["m"], row["segment"]}, " ")
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		lines  []string
		change func(*programmev1.Scoring)
		want   string // of customer A: recency, frequency, money
	}{
		{"two receipts on a day are a visit", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-01,2,1,5,,,"}, nil, "29 1 1500"},
		{"in two stores they are two", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s2,2024-06-01,2,1,5,,,"}, nil, "29 2 1500"},
		{
			"or each is one",
			[]string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-01,2,1,5,,,"},
			func(s *programmev1.Scoring) { s.Frequency = programmev1.FrequencyCounts_FREQUENCY_COUNTS_RECEIPTS }, "29 2 1500",
		},
		{"the window's first day counts, the day before does not", []string{"A,s1,2023-07-01,1,1,10,,,", "A,s1,2023-06-30,2,1,5,,,"}, nil, "365 1 1000"},
		{"the day itself counts, the next does not", []string{"A,s1,2024-06-30,1,1,10,,,", "A,s1,2024-07-01,2,1,5,,,"}, nil, "0 1 1000"},
		{
			"a window that begins after a shorter month",
			[]string{"A,s1,2024-03-01,1,1,10,,,", "A,s1,2024-02-29,2,1,5,,,"},
			func(s *programmev1.Scoring) { s.Months = 4 }, "121 1 1000",
		},
		{"another currency does not", []string{"A,s1,2024-06-01,1,1,10,EUR,,", "A,s1,2024-06-02,2,1,5,GBP,,"}, nil, "29 1 1000"},
		{"voided and training receipts do not", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-02,2,1,5,,,void", "A,s1,2024-06-03,3,1,5,,,training"}, nil, "29 1 1000"},
		{"deposits do not", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-01,1,1,0.25,,,deposit", "A,s1,2024-06-02,2,1,5,,,deposit"}, nil, "29 1 1000"},
		{"what comes back is taken off", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-02,2,-1,-4,,1,"}, nil, "29 1 600"},
		{"what comes back in an exchange too", []string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-01,1,-1,-4,,,"}, nil, "29 1 600"},
		{
			"unless money is gross",
			[]string{"A,s1,2024-06-01,1,1,10,,,", "A,s1,2024-06-01,1,-1,-3,,,", "A,s1,2024-06-02,2,-1,-4,,1,"},
			func(s *programmev1.Scoring) { s.Monetary = programmev1.MonetaryBasis_MONETARY_BASIS_GROSS }, "29 1 1000",
		},
		{"what came back whole is no visit", []string{"A,s1,2024-05-01,1,1,10,,,", "A,s1,2024-06-01,2,1,4,,,", "A,s1,2024-06-02,3,-1,-4,,2,"}, nil, "60 1 1000"},
		{
			"unless that stays",
			[]string{"A,s1,2024-05-01,1,1,10,,,", "A,s1,2024-06-01,2,1,4,,,", "A,s1,2024-06-02,3,-1,-4,,2,"},
			func(s *programmev1.Scoring) { s.FrequencyOnFullReturn = programmev1.FullReturn_FULL_RETURN_KEEP }, "29 2 1000",
		},
		{"what came back in parts is no visit", []string{"A,s1,2024-05-01,1,1,10,,,", "A,s1,2024-06-01,2,2,4,,,", "A,s1,2024-06-02,3,-1,-2,,2,", "A,s1,2024-06-03,4,-1,-2,,2,"}, nil, "60 1 1000"},
		{"half a cent is rounded up once", []string{"A,s1,2024-06-01,1,1,0.0025,,,", "A,s1,2024-06-02,2,1,0.0025,,,"}, nil, "28 2 1"},
		{"and away from nothing below it", []string{"A,s1,2024-06-01,1,1,1,,,", "A,s1,2024-06-02,2,-1,-1.005,,9,"}, nil, "29 1 -1"},
		{"less than half a cent is nothing", []string{"A,s1,2024-06-01,1,1,0.0049,,,"}, nil, "29 1 0"},
	} {
		w := open(t)
		list(t, w, warehouse.Receipts, tc.lines...)
		p := halves()
		if tc.change != nil {
			tc.change(p.GetScoring())
		}
		score(t, w, p, "2024-06-30")
		if got := values(exported(t, w), "A"); !strings.HasPrefix(got, tc.want+" ") {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

// crowd are ten customers with one receipt each, in ten different months, of ten different amounts.
func crowd() []string {
	var lines []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf("C%d,s1,2024-%02d-28,%d,1,%d,,,", i, i+1, i, 10*(i+1)))
	}
	return lines
}

func TestLeftOut(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Receipts, crowd()...)
	alone := score(t, w, halves(), "2024-12-31")

	// Five more with receipts that would move every cut point.
	for i, who := range []string{"objector", "child", "cashier", "gardener"} {
		for n := range 3 {
			list(t, w, warehouse.Receipts, fmt.Sprintf("%s,s1,2024-12-%02d,%d,1,9999,,,", who, 10+n, 100*(i+1)+n))
		}
	}
	list(t, w, warehouse.Customers,
		"objector,yes,,,yes,,,", "child,,yes,,yes,,,", "cashier,,,staff,yes,,,", "gardener,,,other|trade,yes,,,", "C0,,,other,yes,,,", "C1,no,no,,no,,,")
	run := score(t, w, halves(), "2024-12-31")
	if !proto.Equal(run.Cuts, alone.Cuts) || run.Scored != 10 || !reflect.DeepEqual(run.Shares, alone.Shares) {
		t.Errorf("cut points moved from %v to %v; %d scored", alone.Cuts, run.Cuts, run.Scored)
	}
	want := []warehouse.Count{{Reason: "group", Rows: 2}, {Reason: "minor", Rows: 1}, {Reason: "objected", Rows: 1}}
	if !slices.Equal(run.LeftOut, want) {
		t.Errorf("left out: %v, want %v", run.LeftOut, want)
	}
	for a, err := range w.Published(t.Context(), halves()) {
		if err != nil {
			t.Fatal(err)
		}
		out := a.ID == account("", "objector") || a.ID == account("", "child") || a.ID == account("", "cashier") || a.ID == account("", "gardener")
		if out != (a.Account.GetValues() == nil) {
			t.Errorf("left out is %v, published is %v", out, a.Account)
		}
		if out && (a.Account.GetLoyalty().GetQualifyingVisits() != 3 || a.Account.GetLoyalty().GetQualifyingSpendMinor() != 2999700) {
			t.Errorf("a tier is beyond who is not scored: %v", a.Account)
		}
	}

	// By consent only who agreed is scored; without a basis nobody.
	p := halves()
	p.Profiling = programmev1.Profiling_PROFILING_CONSENT
	if run := score(t, w, p, "2024-12-31"); run.Scored != 1 || values(exported(t, w), "C0") == "not scored" {
		t.Errorf("by consent: %s", run)
	}
	p.Profiling = programmev1.Profiling_PROFILING_UNSPECIFIED
	if run := score(t, w, p, "2024-12-31"); run.Scored != 0 || len(exported(t, w)) != 0 || len(run.Cuts.GetRecencyDays()) != 0 {
		t.Errorf("without a basis: %s", run)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := open(t)
	if _, err := scoring.Latest(t.Context(), w); !errors.Is(err, scoring.ErrNoRun) {
		t.Errorf("before any run: %v", err)
	}
	if _, err := scoring.Export(t.Context(), w, &bytes.Buffer{}); !errors.Is(err, scoring.ErrNoRun) {
		t.Errorf("export before any run: %v", err)
	}
	if run := score(t, w, halves(), "2024-12-31"); run.Scored != 0 {
		t.Errorf("without receipts: %s", run)
	}
	list(t, w, warehouse.Receipts, crowd()...)
	first := score(t, w, halves(), "2024-12-31")
	again := score(t, w, halves(), "2024-12-31")
	if again.ID != first.ID+1 || !proto.Equal(again.Cuts, first.Cuts) || !slices.Equal(again.Segments, first.Segments) {
		t.Errorf("scored twice: %v, then %v", first, again)
	}
	before := exported(t, w)
	if got := values(before, "C9"); got != "64 1 10000 212 here" {
		t.Errorf("C9: %s", got)
	}

	// C0 comes back: it moves up, and where it was is remembered, also when the day is scored again.
	list(t, w, warehouse.Receipts, "C0,s1,2025-01-02,900,1,1,,,")
	for range 2 {
		score(t, w, halves(), "2025-01-02")
		row := exported(t, w)["C0"]
		if row["segment"] != "here" || row["previous_segment"] != "away" || row["segment_since"] != "2025-01-02" {
			t.Errorf("came back: %v", row)
		}
	}
	score(t, w, halves(), "2025-01-03")
	if row := exported(t, w)["C0"]; row["previous_segment"] != "away" || row["segment_since"] != "2025-01-02" {
		t.Errorf("the day after: %v", row)
	}

	// A map with a hole is refused, and what was scored stands.
	broken := halves()
	broken.Segments[0].Codes = broken.GetSegments()[0].GetCodes()[1:]
	_, err := scoring.Score(t.Context(), w, broken, day(t, "2025-01-04"), scoring.Options{Now: now})
	if !errors.Is(err, scoring.ErrProgramme) || !strings.Contains(err.Error(), "111") {
		t.Errorf("a map with a hole: %v", err)
	}
	if run, err := scoring.Latest(t.Context(), w); err != nil || run.AsOf != day(t, "2025-01-03") || len(exported(t, w)) != 10 {
		t.Errorf("afterwards: %v, %v", run, err)
	}
}

// TestStoresAgree expects a store that has the published values and cut points to come to the very segments of head office, also for who did
// not buy within the window.
func TestStoresAgree(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Receipts, append(crowd(), "old,s1,2020-01-01,1,1,50,,,", "giver,s1,2024-12-01,800,1,50,,,", "giver,s1,2024-12-02,801,-2,-80,,1,")...)
	p := halves()
	run := score(t, w, p, "2024-12-31")
	if run.Lapsed != 1 || run.Scored != 11 {
		t.Errorf("%s", run)
	}
	segments, err := segment.Compile(p.GetSegments(), 2)
	if err != nil {
		t.Fatal(err)
	}
	rows := exported(t, w)
	seen := map[string]bool{}
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		scores := segment.Of(a.Account.GetValues(), run.Cuts)
		for customer, row := range rows {
			if a.ID != account("", customer) {
				continue
			}
			seen[customer] = true
			if scores.String() != row["r"]+row["f"]+row["m"] || segments.Lookup(scores) != row["segment"] {
				t.Errorf("%s: the store says %s, head office %v", customer, scores, row)
			}
		}
		if a.ID == account("", "old") && (segments.Lookup(scores) != "away" || scores.F != 1) {
			t.Errorf("who bought long ago stands at %s", scores)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d accounts compared", len(seen))
	}
	if rows["giver"]["monetary_minor"] != "-3000" {
		t.Errorf("who gave back more than bought: %v", rows["giver"])
	}
}

// TestImported publishes scores made elsewhere, without a receipt.
func TestImported(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Customers, "1,,,,yes,here,gold,10", "2,,,,yes,here,,", "3,,,,yes,away,,", "4,yes,,,,away,,", "5,,,,,,,7")
	p := halves()
	p.Scoring = &programmev1.Scoring{Source: programmev1.ScoringSource_SCORING_SOURCE_IMPORTED}
	p.Segments = nil
	run := score(t, w, p, "2024-12-31")
	want := []scoring.SegmentRow{{Code: "here", Accounts: 2}, {Code: "away", Accounts: 1}}
	if !run.Imported || run.Scored != 3 || run.Cuts != nil || !slices.Equal(run.Segments, want) {
		t.Errorf("got %+v", run)
	}
	if rows := exported(t, w); len(rows) != 3 || rows["1"]["segment"] != "here" || rows["1"]["recency_days"] != "" {
		t.Errorf("export: %v", rows)
	}
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ID == account("", "1") && !proto.Equal(a.Account.GetImported(), &customerv1.ImportedScores{Segment: "here"}) {
			t.Errorf("published: %v", a.Account)
		}
		if a.ID == account("", "4") && a.Account.GetImported() != nil {
			t.Errorf("published of who objected: %v", a.Account)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Receipts, crowd()...)
	run := score(t, w, halves(), "2024-12-31")
	want := []string{
		"frequency score 1: 10 of 10 customers have it, at least twice an even share",
		"frequency score 2: nobody has it, because too many customers are equal there",
	}
	if !slices.Equal(run.Warnings, want) || !slices.Equal(run.Shares[1], []int64{10, 0}) {
		t.Errorf("got %q, %v", run.Warnings, run.Shares)
	}
}

func TestMean(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ accounts, sum, want int64 }{{3, 10, 333}, {3, 20, 667}, {2, 1, 50}, {8, 1, 13}, {3, -10, -333}, {8, -1, -12}, {0, 5, 0}} {
		if got := (scoring.SegmentRow{Accounts: tc.accounts}).Mean(tc.sum); got != tc.want {
			t.Errorf("%d over %d: %d hundredths, want %d", tc.sum, tc.accounts, got, tc.want)
		}
	}
}
