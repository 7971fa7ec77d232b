package segment_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

func TestCutPointsOfSmallSets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		sorted []int64
		n      int
		want   []int64
	}{
		{"nobody", nil, 5, nil},
		{"one customer", []int64{7}, 5, []int64{7, 7, 7, 7}},
		{"all equal", []int64{3, 3, 3, 3, 3, 3}, 5, []int64{3, 3, 3, 3}},
		{"on the values", []int64{0, 10, 20, 30, 40, 50}, 5, []int64{10, 20, 30, 40}},
		{"between, rounded down", []int64{1, 2}, 5, []int64{1, 1, 1, 1}},
		{"below zero, rounded down and not towards zero", []int64{-10, -1}, 5, []int64{-9, -7, -5, -3}},
		{"two scores", []int64{1, 2, 4, 9}, 2, []int64{3}},
		{"the widest step there is", []int64{math.MinInt64, math.MaxInt64}, 2, []int64{-1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := segment.CutPoints(tc.sorted, tc.n); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestCutPointsAgainstFractions holds the integers to the definition in exact fractions.
func TestCutPointsAgainstFractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64(), 1, 60).Draw(t, "values")
		n := rapid.IntRange(segment.MinScores, segment.MaxScores).Draw(t, "n")
		slices.Sort(values)
		got := segment.CutPoints(values, n)
		for k := 1; k < n; k++ {
			if want := quantile(values, k, n); !want.IsInt64() || got[k-1] != want.Int64() {
				t.Fatalf("cut point %d of %d: got %d, want %s", k, n, got[k-1], want)
			}
		}
	})
}

// quantile is ⌊a[i] + (a[i+1]−a[i])·(h−i)⌋ with h = (N−1)·k/n, as a fraction.
func quantile(a []int64, k, n int) *big.Int {
	h := big.NewRat(int64(len(a)-1)*int64(k), int64(n))
	i := new(big.Int).Quo(h.Num(), h.Denom())
	low := new(big.Rat).SetInt64(a[i.Int64()])
	high := new(big.Rat).SetInt64(a[min(i.Int64()+1, int64(len(a)-1))])
	part := new(big.Rat).Sub(h, new(big.Rat).SetInt(i))
	q := low.Add(low, part.Mul(part, high.Sub(high, low)))
	floor, rest := new(big.Int).DivMod(q.Num(), q.Denom(), new(big.Int))
	_ = rest // DivMod is Euclidean: with a positive denominator it rounds down
	return floor
}

// TestScoresOfPublishedSets scores two real sets of customers and compares with scores computed elsewhere.
func TestScoresOfPublishedSets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file string
		customers  int
		money      string
		cuts       [3][]int64
	}{
		{
			"Online Retail, gross", "online_retail/expected_rfm_12m_20111209.csv.gz", 4264, "gross_pence",
			[3][]int64{{12, 31, 68, 170}, {1, 2, 3, 5}, {24480, 48395, 93258, 203828}},
		},
		{
			"Online Retail, net", "online_retail/expected_rfm_12m_20111209.csv.gz", 4264, "net_pence",
			[3][]int64{{12, 31, 68, 170}, {1, 2, 3, 5}, {23657, 46772, 91057, 198311}},
		},
		{
			"CDNOW", "cdnow/expected_rfm_sample_12m_19980630.csv.gz", 812, "monetary_cents",
			[3][]int64{{37, 98, 159, 247}, {1, 1, 3, 4}, {2376, 4328, 8046, 17317}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rows := read(t, tc.file)
			days, visits, money := rows["recency_days"], rows["frequency"], rows[tc.money]
			if len(days) != tc.customers {
				t.Fatalf("read %d customers, want %d", len(days), tc.customers)
			}
			cuts := &customerv1.CutPoints{
				RecencyDays:   segment.CutPoints(slices.Sorted(slices.Values(days)), 5),
				Frequency:     segment.CutPoints(slices.Sorted(slices.Values(visits)), 5),
				MonetaryMinor: segment.CutPoints(slices.Sorted(slices.Values(money)), 5),
			}
			for i, got := range [][]int64{cuts.GetRecencyDays(), cuts.GetFrequency(), cuts.GetMonetaryMinor()} {
				if !slices.Equal(got, tc.cuts[i]) {
					t.Errorf("cut points %d: got %v, want %v", i, got, tc.cuts[i])
				}
			}
			for i := range days {
				got := segment.Score(days[i], visits[i], money[i], cuts)
				want := segment.Scores{
					R: int(rows["r_score_T"][i]), F: int(rows["f_score_T"][i]), M: int(rows[tc.money+"_score_T"][i]),
				}
				if got != want {
					t.Fatalf("customer %d: got %s, want %s", rows["customer_id"][i], got, want)
				}
			}
		})
	}
}

// read returns the columns of one of the sets, all of them whole numbers.
func read(t *testing.T, name string) map[string][]int64 {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the data set %s is missing: %v", name, err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]int64{}
	for _, record := range records[1:] {
		for i, text := range record {
			v, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			columns[records[0][i]] = append(columns[records[0][i]], v)
		}
	}
	return columns
}

func TestOf(t *testing.T) {
	t.Parallel()
	cuts := &customerv1.CutPoints{
		AsOfDay: 1000, RecencyDays: []int64{12, 31, 68, 170}, Frequency: []int64{1, 2, 3, 5}, MonetaryMinor: []int64{100, 200, 300, 400},
	}
	for _, tc := range []struct {
		name   string
		values *customerv1.Values
		want   string
	}{
		{"no values", nil, "000"},
		{"never bought", &customerv1.Values{}, "000"},
		{"on the cut points", &customerv1.Values{LastReceiptDay: 988, Frequency: 1, MonetaryMinor: 100}, "511"},
		{"just beyond them", &customerv1.Values{LastReceiptDay: 987, Frequency: 2, MonetaryMinor: 101}, "422"},
		{"a receipt of after the scoring", &customerv1.Values{LastReceiptDay: 1001, Frequency: 6, MonetaryMinor: 401}, "555"},
		{"nothing within the window", &customerv1.Values{LastReceiptDay: 300}, "111"},
		{"gave back more than bought", &customerv1.Values{LastReceiptDay: 1000, Frequency: 9, MonetaryMinor: -5}, "551"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := segment.Of(tc.values, cuts); got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	if got := segment.Score(1, 1, 1, &customerv1.CutPoints{}); got != (segment.Scores{}) {
		t.Errorf("without cut points: got %s", got)
	}
}

func TestParseCode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code string
		n    int
		want segment.Scores
		ok   bool
	}{
		{"543", 5, segment.Scores{R: 5, F: 4, M: 3}, true},
		{"5-4-3", 5, segment.Scores{R: 5, F: 4, M: 3}, true},
		{"10-9-1", 10, segment.Scores{R: 10, F: 9, M: 1}, true},
		{"643", 5, segment.Scores{}, false},
		{"10-9-1", 9, segment.Scores{}, false},
		{"540", 5, segment.Scores{}, false},
		{"54", 5, segment.Scores{}, false},
		{"5432", 5, segment.Scores{}, false},
		{"", 5, segment.Scores{}, false},
		{"5-4", 5, segment.Scores{}, false},
		{"5--4", 5, segment.Scores{}, false},
		{"+5-4-3", 5, segment.Scores{}, false},
		{"05-4-3", 5, segment.Scores{}, false},
		{"٥٤٣", 5, segment.Scores{}, false},
	} {
		t.Run(tc.code, func(t *testing.T) {
			t.Parallel()
			got, err := segment.ParseCode(tc.code, tc.n)
			if (err == nil) != tc.ok || got != tc.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// FuzzParseCode expects that what is read is written back as something that reads the same.
func FuzzParseCode(f *testing.F) {
	f.Add("555", 5)
	f.Add("10-1-10", 10)
	f.Add("1--", 3)
	f.Fuzz(func(t *testing.T, code string, n int) {
		n = segment.MinScores + (n&math.MaxInt)%(segment.MaxScores-segment.MinScores+1)
		s, err := segment.ParseCode(code, n)
		if err != nil {
			return
		}
		if again, err := segment.ParseCode(s.String(), n); err != nil || again != s {
			t.Errorf("%q read as %v, written as %s, read as %v, %v", code, s, s, again, err)
		}
	})
}

func TestMap(t *testing.T) {
	t.Parallel()
	low := &programmev1.Segment{Code: "low", Codes: []string{"111", "112", "121", "122"}}
	high := &programmev1.Segment{Code: "high", Codes: []string{"211", "212", "221", "222"}}
	m, err := segment.Compile([]*programmev1.Segment{low, high}, 2)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for s, code := range m.All {
		seen++
		if want := map[int]string{1: "low", 2: "high"}[s.R]; code != want || m.Lookup(s) != want {
			t.Errorf("%s lies in %s, %s; want %s", s, code, m.Lookup(s), want)
		}
	}
	if seen != 8 {
		t.Errorf("%d combinations, want 8", seen)
	}
	for _, s := range []segment.Scores{{}, {R: 3, F: 1, M: 1}, {R: 1, F: -1, M: 1}, {R: 1, F: 1}} {
		if got := m.Lookup(s); got != segment.Prospect {
			t.Errorf("%v lies in %s, want %s", s, got, segment.Prospect)
		}
	}
	for name, segments := range map[string][]*programmev1.Segment{
		"one missing": {low},
		"one twice":   {low, high, {Code: "more", Codes: []string{"222"}}},
		"one unknown": {low, high, {Code: "more", Codes: []string{"333"}}},
	} {
		if _, err := segment.Compile(segments, 2); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		asOf   string
		months int32
		want   string
	}{
		{"2011-12-09", 12, "2010-12-10"},
		{"2011-12-09", 0, "2010-12-10"},
		{"1998-06-30", 12, "1997-07-01"},
		{"2024-02-29", 12, "2023-03-01"},
		{"2025-02-28", 12, "2024-02-29"},
		{"2023-03-31", 1, "2023-03-01"},
		{"2024-03-30", 1, "2024-03-01"},
		{"2024-01-01", 1, "2023-12-02"},
		{"2024-12-31", 3, "2024-10-01"},
		{"2024-01-31", 240, "2004-02-01"},
	} {
		t.Run(tc.asOf+" over "+strconv.Itoa(int(tc.months)), func(t *testing.T) {
			t.Parallel()
			if got := segment.Window(day(t, tc.asOf), tc.months); got != day(t, tc.want) {
				t.Errorf("begins %s, want %s", time.Unix(int64(got)*86400, 0).UTC().Format(time.DateOnly), tc.want)
			}
		})
	}
}

// day is a date as days since 1970-01-01.
func day(t *testing.T, date string) int32 {
	t.Helper()
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		t.Fatal(err)
	}
	return int32(d.Unix() / 86400)
}
