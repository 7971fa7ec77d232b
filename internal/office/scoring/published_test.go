package scoring_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestRanks scores both sets by ranks, ties broken by customer number, and expects not one difference.
func TestRanks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, docs, file, want, asOf, money string }{
		{
			"Online Retail", "online-retail", "online_retail/online_retail.csv.gz", "online_retail/expected_rfm_12m_20111209.csv.gz",
			"2011-12-09", "net_pence",
		},
		{"CDNOW", "cdnow", "cdnow/cdnow_sample.csv.gz", "cdnow/expected_rfm_sample_12m_19980630.csv.gz", "1998-06-30", "monetary_cents"},
	} {
		w := open(t)
		p := shipped(t, w, tc.docs, tc.file)
		p.Scoring.Method = programmev1.ScoringMethod_SCORING_METHOD_NTILE
		score(t, w, p, tc.asOf)
		rows := exported(t, w)
		number := func(s string) string { return strings.TrimLeft(s, "0") }
		compare(t, rows, expected(t, tc.want), number, map[string]string{"r": "r_score_N", "f": "f_score_N", "m": tc.money + "_score_N"})

		// Stores get such scores as given: no cut points lead to them.
		given := 0
		for a, err := range w.Published(t.Context(), p) {
			if err != nil {
				t.Fatal(err)
			}
			if a.Account.GetValues() != nil {
				t.Fatalf("%s: values are published: %v", tc.name, a.Account)
			}
			if a.Account.GetImported() != nil {
				given++
			}
		}
		if given < len(rows) {
			t.Errorf("%s: %d of %d have a segment as given", tc.name, given, len(rows))
		}
	}
}

// ordersMapping reads the orders of the R package rfm.
const ordersMapping = `
list: receipts
receipt: row
customer: {column: customer_id, is: external_id}
columns: {store: {constant: shop}, date: order_date, amount: revenue}
`

// ordersProgramme scores them by that package's cut points: it adds 1 to each and counts lower ≤ value < upper, so that its 115 is 114 here.
const ordersProgramme = `
chain: Orders
starts_from: [eleven-segments]
currency: USD
time_zone: UTC
languages: [en]
profiling: legitimate_interest
stores: {shop: {name: Shop}}
scoring:
  window: all
  method: fixed
  frequency: receipts
  monetary: gross
  recency_cuts: [114, 180, 297, 481]
  frequency_cuts: [3, 4, 5, 7]
  monetary_cuts: [255.00, 381.00, 506.00, 665.00]
`

// loaded reads a programme from text.
func loaded(t *testing.T, text string) *programmev1.Programme {
	t.Helper()
	path := filepath.Join(t.TempDir(), "programme.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _, err := programme.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// imported imports a data set by a mapping.
func imported(t *testing.T, w *warehouse.Warehouse, mapping, file string) {
	t.Helper()
	m, err := warehouse.ParseMapping("mapping.yaml", []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), warehouse.ImportRequest{
		List: warehouse.Receipts, Files: []string{data(t, file)}, Mapping: m, Accounts: register{},
	}); err != nil {
		t.Fatal(err)
	}
}

// TestFixedCutPoints scores the orders of the R package rfm by its own cut points, and expects its scores.
func TestFixedCutPoints(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := loaded(t, ordersProgramme)
	imported(t, w, ordersMapping, "rfm_r/rfm_data_orders.csv.gz")
	run := score(t, w, p, "2006-12-31")
	if run.Scored != 995 || !slices.Equal(run.Cuts.GetMonetaryMinor(), []int64{25500, 38100, 50600, 66500}) {
		t.Errorf("%s by %v", run, run.Cuts)
	}
	rows := exported(t, w)
	for _, row := range rows {
		row["amount"] = strings.TrimSuffix(row["monetary_minor"], "00")
	}
	same := func(s string) string { return s }
	compare(t, rows, expected(t, "rfm_r/expected_rfm_orders_20061231.csv.gz"), same, map[string]string{
		"recency_days": "recency_days", "frequency": "transaction_count", "amount": "amount",
		"r": "recency_score", "f": "frequency_score", "m": "monetary_score",
	})
	for name, cuts := range map[string][]int64{"too few": {1, 2, 3}, "falling": {3, 2, 4, 5}} {
		broken := proto.CloneOf(p)
		broken.Scoring.FrequencyCuts = cuts
		_, err := scoring.Score(t.Context(), w, broken, day(t, "2006-12-31"), scoring.Options{Now: now})
		if !errors.Is(err, scoring.ErrProgramme) {
			t.Errorf("cut points that are %s: %v", name, err)
		}
	}
}

// published are the segments of the widely copied procedure, by recency and frequency alone.
var published = map[string]string{
	"hibernating": "11 12 21 22", "at_risk": "13 14 23 24", "cannot_lose": "15 25", "about_to_sleep": "31 32", "needs_attention": "33",
	"loyal": "34 35 44 45", "promising": "41", "new_customer": "51", "potential_loyalist": "42 43 52 53", "champions": "54 55",
}

// publishedProgramme is that procedure's settings: all receipts, recency in whole days from the time, frequency by ranks.
func publishedProgramme() string {
	var out strings.Builder
	out.WriteString(`
chain: Published
currency: GBP
time_zone: Europe/London
languages: [en]
profiling: legitimate_interest
stores: {online: {name: Online}}
scoring: {window: all, recency_from: time, frequency: receipts, frequency_on_full_return: keep, monetary: gross, frequency_method: ntile}
segments:
`)
	for _, code := range slices.Sorted(maps.Keys(published)) {
		var codes []string
		for _, rf := range strings.Fields(published[code]) {
			for m := 1; m <= 5; m++ {
				codes = append(codes, fmt.Sprint(rf, m))
			}
		}
		fmt.Fprintf(&out, "  %s: {name: {en: %s}, codes: %q}\n", code, code, strings.Join(codes, " "))
	}
	return out.String()
}

// TestPublishedTable reproduces the published table of segments from a programme with that procedure's settings.
func TestPublishedTable(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := loaded(t, publishedProgramme())
	_ = shipped(t, w, "online-retail", "online_retail/online_retail.csv.gz")
	run := score(t, w, p, "2011-12-11")
	if run.Scored != 4338 {
		t.Errorf("%s, want 4338", run)
	}
	// D. C. Oguz 2022, as data/online_retail/published.csv has it.
	want := map[string]int64{
		"hibernating": 1071, "loyal": 819, "champions": 633, "at_risk": 593, "potential_loyalist": 484, "about_to_sleep": 352,
		"needs_attention": 187, "promising": 94, "cannot_lose": 63, "new_customer": 42,
	}
	for _, s := range run.Segments {
		if s.Accounts != want[s.Code] {
			t.Errorf("%s: %d, want %d", s.Code, s.Accounts, want[s.Code])
		}
		delete(want, s.Code)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	same := func(s string) string { return s }
	compare(t, exported(t, w), expected(t, "online_retail/expected_rfm_published_procedure_20111211.csv.gz"), same, map[string]string{
		"recency_days": "recency_days", "frequency": "frequency", "r": "recency_score", "f": "frequency_score", "m": "monetary_score",
	})
}

// TestBins scores with two to ten scores per dimension: every score is in range, equal values have equal scores.
func TestBins(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := loaded(t, ordersProgramme)
	imported(t, w, ordersMapping, "rfm_r/rfm_data_orders.csv.gz")
	p.Scoring.Method = programmev1.ScoringMethod_SCORING_METHOD_QUANTILE
	for n := 2; n <= 10; n++ {
		p.Scoring.Scores = int32(n)
		p.Segments = []*programmev1.Segment{{Code: "all"}}
		for i := range n * n * n {
			p.Segments[0].Codes = append(p.Segments[0].Codes, fmt.Sprintf("%d-%d-%d", i/n/n+1, i/n%n+1, i%n+1))
		}
		run := score(t, w, p, "2006-12-31")
		if len(run.Cuts.GetRecencyDays()) != n-1 || len(run.Shares[0]) != n {
			t.Errorf("%d scores: %v", n, run.Cuts)
		}
		scores := map[string]string{}
		for _, row := range exported(t, w) {
			for value, score := range map[string]string{"recency_days": "r", "frequency": "f", "monetary_minor": "m"} {
				key := value + row[value]
				if known, ok := scores[key]; ok && known != row[score] {
					t.Fatalf("%d scores: %s has the scores %s and %s", n, key, known, row[score])
				}
				scores[key] = row[score]
				if s, err := strconv.Atoi(row[score]); err != nil || s < 1 || s > n {
					t.Fatalf("%d scores: %v", n, row)
				}
			}
		}
	}
}
