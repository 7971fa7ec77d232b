package scoring_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestExclusions adds, to a crowd whose scores are known, what must not count: it moves nobody's values, cut points or segments.
func TestExclusions(t *testing.T) {
	t.Parallel()
	sensitive := func(p *programmev1.Programme) {
		p.Groups = []*programmev1.ProductGroup{
			{Name: "medicine", Patterns: []string{"80* 81_5 pill*small"}}, {Name: "plants", Patterns: []string{"1*"}},
		}
		p.Sensitive = []string{"medicine"}
	}
	consent := func(p *programmev1.Programme) { p.Profiling = programmev1.Profiling_PROFILING_CONSENT }
	for _, tc := range []struct {
		name      string
		receipts  []string // who, store, day, number, pieces, amount, currency, original, note, group, sku
		customers []string
		change    func(*programmev1.Programme)
		leftOut   string
		scored    int64 // more than the crowd
	}{
		{name: "who objected", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,"}, customers: []string{"X,yes,,,yes,,,"}, leftOut: "objected"},
		{name: "a child", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,"}, customers: []string{"X,,yes,,yes,,,"}, leftOut: "minor"},
		{name: "staff", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,"}, customers: []string{"X,,,staff,yes,,,"}, leftOut: "group"},
		{name: "the trade, among other groups", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,"}, customers: []string{"X,,,other|trade,yes,,,"}, leftOut: "group"},
		{
			name: "who did not agree", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,"},
			customers: []string{"X,,,,,,,", "C0,,,,yes,,,", "C1,,,,yes,,,", "C2,,,,yes,,,", "C3,,,,yes,,,", "C4,,,,yes,,,", "C5,,,,yes,,,", "C6,,,,yes,,,", "C7,,,,yes,,,", "C8,,,,yes,,,", "C9,,,,yes,,,"},
			change:    consent, leftOut: "no_consent",
		},
		{name: "a gift card", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,deposit"}},
		{name: "a deposit beside goods", receipts: []string{"X,s1,2024-12-01,900,1,0.25,,,deposit"}},
		{name: "a voided receipt", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,void"}},
		{name: "training", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,training"}},
		{name: "another currency", receipts: []string{"C0,s1,2024-12-01,900,1,9999,USD,,"}},
		{name: "nobody's receipt", receipts: []string{",s1,2024-12-01,900,1,9999,,,"}},
		{name: "a receipt after the day", receipts: []string{"C0,s1,2025-01-01,900,1,9999,,,"}},
		{name: "medicine, by its group", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,,801,"}, change: sensitive},
		{name: "medicine, by its article", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,,,pill-16-small"}, change: sensitive},
		{name: "medicine whose pattern has an underscore", receipts: []string{"C0,s1,2024-12-01,900,1,9999,,,,81_5,"}, change: sensitive},
		{name: "medicine that comes back", receipts: []string{"C0,s1,2024-12-01,900,-1,-9999,,,,801,"}, change: sensitive},
		{name: "who buys nothing but medicine", receipts: []string{"X,s1,2024-12-01,900,1,9999,,,,801,"}, change: sensitive},
	} {
		w := open(t)
		p := halves()
		if tc.change != nil {
			tc.change(p)
		}
		list(t, w, warehouse.Receipts, crowd()...)
		before := score(t, w, halves(), "2024-12-31")
		rows := exported(t, w)
		list(t, w, warehouse.Receipts, tc.receipts...)
		list(t, w, warehouse.Customers, append(tc.customers, "nobody,,,,,,,")...)
		run := score(t, w, p, "2024-12-31")
		if !proto.Equal(run.Cuts, before.Cuts) || run.Scored != 10+tc.scored || !reflect.DeepEqual(run.Shares, before.Shares) ||
			!reflect.DeepEqual(run.Segments, before.Segments) {
			t.Errorf("%s: %s, cut points %v, before %v", tc.name, run, run.Cuts, before.Cuts)
		}
		if got := exported(t, w); !reflect.DeepEqual(got, rows) {
			t.Errorf("%s: scores moved from\n%v to\n%v", tc.name, rows, got)
		}
		var want []warehouse.Count
		if tc.leftOut != "" {
			want = []warehouse.Count{{Reason: tc.leftOut, Rows: 1}}
		}
		if !slices.Equal(run.LeftOut, want) {
			t.Errorf("%s: left out %v, want %v", tc.name, run.LeftOut, want)
		}
	}
}

// TestSensitiveBesideGoods leaves a receipt's other goods counted, and lets all of it count towards tiers.
func TestSensitiveBesideGoods(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := halves()
	p.Groups = []*programmev1.ProductGroup{{Name: "medicine", Patterns: []string{"80*"}}}
	p.Sensitive = []string{"medicine"}
	list(t, w, warehouse.Receipts,
		"A,s1,2024-06-01,1,1,10,,,,10,", "A,s1,2024-06-01,1,1,7,,,,801,", "A,s1,2024-06-05,2,1,30,,,,802,", "A,s1,2024-06-06,3,-1,-2,,1,,801,")
	score(t, w, p, "2024-06-30")
	if got := values(exported(t, w), "A"); got != "29 1 1000 211 here" {
		t.Errorf("got %s", got)
	}
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		if l := a.Account.GetLoyalty(); l.GetQualifyingVisits() != 2 || l.GetQualifyingSpendMinor() != 4500 {
			t.Errorf("towards tiers: %v", l)
		}
	}
}

// TestObjecting forgets all that scoring knew of who objects, and keeps what saving points needs.
func TestObjecting(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := halves()
	p.Segments[0], p.Segments[1] = p.GetSegments()[1], p.GetSegments()[0]
	p.Scoring.DaysBeforeAFall = 30
	list(t, w, warehouse.Receipts, crowd()...)
	score(t, w, p, "2024-12-31")
	list(t, w, warehouse.Receipts, "C0,s1,2025-01-02,900,1,1,,,")
	score(t, w, p, "2025-01-02")
	if row := exported(t, w)["C0"]; row["previous_segment"] != "away" {
		t.Fatalf("before: %v", row)
	}
	list(t, w, warehouse.Customers, "C0,yes,,,yes,here,,3")
	score(t, w, p, "2025-01-03")
	if row, found := exported(t, w)["C0"]; found {
		t.Errorf("exported: %v", row)
	}
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != account("", "C0") {
			continue
		}
		if a.Account.GetValues() != nil || a.Account.GetMemory() != nil || a.Account.GetImported() != nil || !a.Account.GetConsents().GetObjected() ||
			a.Account.GetLoyalty().GetBalance() != 3 || a.Account.GetLoyalty().GetQualifyingVisits() != 2 {
			t.Errorf("published: %v", a.Account)
		}
	}
	n := number(t, w, `select count(*) from scores where why = 'objected'
		and coalesce(r, f, m) is null and coalesce(segment, previous_segment, falling_to, before_segment, before_previous) is null`)
	if n != 1 {
		t.Error("scores remember where who objected stood")
	}
	for _, table := range []string{"outlooks", "moves"} {
		if n := number(t, w, `select count(*) from `+table+` join scores using (account_id) where why = 'objected'`); n != 0 {
			t.Errorf("%s tell of who objected", table)
		}
	}
}

// TestWinsorise draws in the ends: one enormous customer moves neither means nor cut points, and keeps the score that was measured.
func TestWinsorise(t *testing.T) {
	t.Parallel()
	w := open(t)
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("C%d,s1,2024-06-%02d,%d,1,%d,,,", i, i+1, i, 100+i))
	}
	list(t, w, warehouse.Receipts, append(lines, "C19,s1,2024-06-20,99,1,999999,,,", "C0,s1,2024-06-01,98,-1,-99,,,")...)
	p := halves()
	plain := score(t, w, p, "2024-06-30")
	if !reflect.DeepEqual(plain.Bounds, [3][]int64{}) {
		t.Errorf("nothing is drawn in: %v", plain.Bounds)
	}
	p.Scoring.Winsorise = &programmev1.Winsorise{Monetary: 500}
	run := score(t, w, p, "2024-06-30")
	// C0 spent 1 and C19 a million; one of twenty at each end counts as the next one further in.
	if want := [3][]int64{nil, nil, {10100, 11800}}; !reflect.DeepEqual(run.Bounds, want) {
		t.Errorf("bounds %v, want %v", run.Bounds, want)
	}
	var sum int64
	for _, s := range run.Segments {
		sum += s.MonetaryMinor
	}
	if want := int64(10100 + 11800 + (101+118)*18/2*100); sum != want {
		t.Errorf("together %d, want %d", sum, want)
	}
	if !proto.Equal(run.Cuts, plain.Cuts) || !reflect.DeepEqual(run.Shares, plain.Shares) {
		t.Errorf("halves do not lie in the ends: %v, %v", run.Cuts, plain.Cuts)
	}
	if got := exported(t, w)["C19"]["monetary_minor"]; got != "100011800" {
		t.Errorf("what was measured is %s", got)
	}
	// A cut point that lies in what is drawn in.
	p.Scoring.Scores, p.Segments = 10, allInOne(10)
	p.Scoring.Winsorise.Monetary = 2000
	if cuts := score(t, w, p, "2024-06-30").Cuts.GetMonetaryMinor(); cuts[0] != 10400 || cuts[8] != 11500 || cuts[4] != 10950 {
		t.Errorf("cut points %v", cuts)
	}
}

// allInOne is one segment that claims every combination of n scores.
func allInOne(n int) []*programmev1.Segment {
	s := &programmev1.Segment{Code: "all"}
	for r := 1; r <= n; r++ {
		for f := 1; f <= n; f++ {
			for m := 1; m <= n; m++ {
				s.Codes = append(s.Codes, fmt.Sprintf("%d-%d-%d", r, f, m))
			}
		}
	}
	return []*programmev1.Segment{s}
}

// TestRunsAreNumbered keeps every run.
func TestRunsAreNumbered(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Receipts, crowd()...)
	for i, day := range []string{"2024-11-30", "2024-12-31"} {
		if run := score(t, w, halves(), day); run.ID != int64(i+1) {
			t.Errorf("%s: run %d", day, run.ID)
		}
	}
	runs, err := scoring.History(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[0].ID != 2 || runs[0].AsOf != day(t, "2024-12-31") || runs[1].Scored != 10 || len(runs[1].Segments) == 0 {
		t.Errorf("history: %v", runs)
	}
}

// TestPostVoid takes out a receipt that was voided after it was closed, and none but that.
func TestPostVoid(t *testing.T) {
	t.Parallel()
	w := open(t)
	receipt := func(no string, kind outcomev1.ReceiptKind, of string) warehouse.Delivered {
		r := &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "s1", Till: "1", TillEpoch: 1, BusinessDate: "2024-06-0" + no, ReceiptNo: no},
			Kind: kind, Currency: "EUR",
			Lines: []*outcomev1.Line{{No: 1, Sku: "a", QuantityMilli: 1000, NetMinor: 500}},
		}
		if of != "" {
			r.Original = &outcomev1.ReceiptKey{Store: "s1", Till: "1", TillEpoch: 1, BusinessDate: "2024-06-0" + of, ReceiptNo: of}
		}
		return warehouse.Delivered{
			Journal: warehouse.Journal{ServerID: "a"}, Sequence: 1, AccountID: account("", "A"), Receipt: &outcomev1.RecordedReceipt{Receipt: r},
		}
	}
	_, err := w.AddDelivered(t.Context(), warehouse.DeliveredRequest{Decimals: 2, Receipts: func(yield func(warehouse.Delivered, error) bool) {
		_ = yield(receipt("1", outcomev1.ReceiptKind_RECEIPT_KIND_SALE, ""), nil) &&
			yield(receipt("2", outcomev1.ReceiptKind_RECEIPT_KIND_SALE, ""), nil) &&
			yield(receipt("3", outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID, "2"), nil)
	}})
	if err != nil {
		t.Fatal(err)
	}
	score(t, w, halves(), "2024-06-30")
	if got := values(exported(t, w), ""); got != "29 1 500 211 here" {
		t.Errorf("got %s", got)
	}
}
