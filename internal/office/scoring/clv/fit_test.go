package clv_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// draw makes up customers who live by the model, first seen over the first half of the days looked at.
func draw(m clv.BGNBD, customers int, days int32, seed uint64) []clv.Summary {
	source := rand.NewPCG(seed, seed)
	random := rand.New(source)
	rates := distuv.Gamma{Alpha: m.R, Beta: m.Alpha, Src: source}
	leaving := distuv.Beta{Alpha: m.A, Beta: m.B, Src: source}
	rows := make([]clv.Summary, customers)
	for i := range rows {
		age := days - random.Int32N(days/2)
		rate, leave := rates.Rand()/7, leaving.Rand()
		row := clv.Summary{AgeDays: age}
		for at := random.ExpFloat64() / rate; at < float64(age); at += random.ExpFloat64() / rate {
			row.Repeats++
			row.RecencyDays = int32(at)
			if random.Float64() < leave {
				break
			}
		}
		rows[i] = row
	}
	return rows
}

// TestFitRecoversParameters: the parameters that customers were drawn with lie within four standard errors of the fitted ones.
func TestFitRecoversParameters(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		model clv.BGNBD
	}{
		{"like the published sample", published2005},
		{"a supermarket", clv.BGNBD{R: 1.5, Alpha: 2, A: 0.3, B: 6}},
		{"a furniture shop", clv.BGNBD{R: 0.6, Alpha: 40, A: 1.5, B: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, report, err := clv.FitBGNBD(draw(tc.model, 60_000, 730, 7))
			if err != nil || report.Verdict != clv.VerdictFitted || report.Agreed == 0 {
				t.Fatalf("%s, %v: %+v", report.Verdict, err, report)
			}
			truth := []float64{tc.model.R, tc.model.Alpha, tc.model.A, tc.model.B}
			for i, e := range report.Estimates {
				if math.Abs(e.Value-truth[i]) > 4*e.StdErr {
					t.Errorf("%s is %.4f ± %.4f, drawn with %v", e.Name, e.Value, e.StdErr, truth[i])
				}
			}
			if better := tc.model.LogLikelihood(draw(tc.model, 60_000, 730, 7)); better > report.LogLikelihood {
				t.Errorf("the truth is likelier (%v) than the fit (%v, %+v)", better, report.LogLikelihood, m)
			}
		})
	}
}

// TestFitGroupsAndOrder: counted rows, single rows, and rows in another order are the same customers.
func TestFitGroupsAndOrder(t *testing.T) {
	t.Parallel()
	single := draw(published2005, 3000, 280, 1)
	counts := map[clv.Summary]int64{}
	for _, row := range single {
		counts[row]++
	}
	var counted []clv.Summary
	for row, n := range counts {
		row.Customers = n
		counted = append(counted, row)
	}
	want, report, _ := clv.FitBGNBD(single)
	got, countedReport, _ := clv.FitBGNBD(counted)
	if got != want || report.LogLikelihood != countedReport.LogLikelihood || report.Customers != countedReport.Customers {
		t.Errorf("single rows: %+v, counted: %+v", want, got)
	}
	if report.Distinct != len(counted) {
		t.Errorf("%d distinct histories, want %d", report.Distinct, len(counted))
	}
}

// TestFitDegenerate: what cannot be fitted is said so, and the model that comes with it answers in range.
func TestFitDegenerate(t *testing.T) {
	t.Parallel()
	same := func(n int64, x, recency, age int32) []clv.Summary {
		return []clv.Summary{{Repeats: x, RecencyDays: recency, AgeDays: age, Customers: n}}
	}
	for _, tc := range []struct {
		name      string
		rows      []clv.Summary
		verdict   clv.Verdict
		statement string
	}{
		{"no rows", nil, clv.VerdictEmpty, "no customers"},
		{"all one-time", same(5000, 0, 0, 200), clv.VerdictTooFew, "Of 5000 customers 0 came back"},
		{"all one-time, today", same(5000, 0, 0, 0), clv.VerdictTooFew, "0 came back"},
		{"one customer", same(1, 12, 150, 200), clv.VerdictTooFew, "Of 1 customers 1 came back"},
		{"few repeat buyers", append(same(29, 2, 60, 100), same(900, 0, 0, 100)...), clv.VerdictTooFew, "29 came back"},
		{"all alike", same(1000, 3, 140, 210), clv.VerdictLoose, "do not pin down"},
		{"all alike, all on the last day", same(1000, 3, 210, 210), clv.VerdictLoose, "do not pin down"},
		{"all alike, none for long", same(1000, 1, 1, 2000), clv.VerdictLoose, "do not pin down"},
		{"all on one day", same(1000, 4, 0, 0), clv.VerdictLoose, "do not pin down"},
		{"ten thousand purchases each", same(1000, 10_000, 700, 700), clv.VerdictLoose, "do not pin down"},
		{"two kinds", append(same(500, 0, 0, 300), same(500, 40, 300, 300)...), clv.VerdictLoose, "do not pin down"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, report, err := clv.FitBGNBD(tc.rows)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v %+v", m, report)
			if report.Verdict != tc.verdict || !strings.Contains(report.Statement(), tc.statement) {
				t.Errorf("%s: %s; want %s: %s", report.Verdict, report.Statement(), tc.verdict, tc.statement)
			}
			if report.Usable() != (tc.verdict == clv.VerdictLoose) {
				t.Errorf("usable is %v", report.Usable())
			}
			if err := m.Check(); (err != nil) != (tc.verdict == clv.VerdictEmpty) {
				t.Errorf("model %+v: %v", m, err)
			}
			for _, v := range []float64{
				report.LogLikelihood, report.Gain, m.PAlive(3, 20, 30), m.ExpectedReceipts(52, 3, 20, 30), m.ExpectedReceipts(52, 0, 0, 30),
			} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("not a number among %+v", report)
				}
			}
			for _, e := range report.Estimates {
				if math.IsNaN(e.StdErr) || math.IsInf(e.StdErr, 0) {
					t.Errorf("standard error of %s is %v", e.Name, e.StdErr)
				}
			}
		})
	}
}

// TestLooseModelsForetell: parameters that the data do not pin down still foretell what the data say.
func TestLooseModelsForetell(t *testing.T) {
	t.Parallel()
	// A thousand customers who came every ten weeks, the last time today: they are alive, and will come five times in fifty weeks.
	m, _, err := clv.FitBGNBD([]clv.Summary{{Repeats: 5, RecencyDays: 350, AgeDays: 350, Customers: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	if alive := m.PAlive(5, 50, 50); alive < 0.99 {
		t.Errorf("alive with %v", alive)
	}
	near(t, "receipts in fifty weeks", m.ExpectedReceipts(50, 5, 50, 50), 5, 0.02)
}

// TestFitRefusesRows: a row that cannot be a history is named.
func TestFitRefusesRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		row  clv.Summary
		want string
	}{
		{"negative repeats", clv.Summary{Repeats: -1}, "-1 repeat purchases"},
		{"negative age", clv.Summary{AgeDays: -1}, "age of -1 days"},
		{"from another age", clv.Summary{AgeDays: clv.MaxAgeDays + 1}, "age of 73051 days"},
		{"last after today", clv.Summary{Repeats: 1, RecencyDays: 11, AgeDays: 10}, "11 days after the first"},
		{"last before the first", clv.Summary{Repeats: 1, RecencyDays: -1, AgeDays: 10}, "-1 days after the first"},
		{"one-time with recency", clv.Summary{RecencyDays: 5, AgeDays: 10}, "no repeat purchase"},
		{"negative count", clv.Summary{Customers: -2}, "-2 customers"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := clv.FitBGNBD([]clv.Summary{{}, tc.row})
			if !errors.Is(err, clv.ErrSummary) || !strings.Contains(err.Error(), "row 2") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ErrSummary, row 2, %q", err, tc.want)
			}
		})
	}
}

// TestCheck: parameters are refused by name.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]clv.BGNBD{
		"r": {R: 0, Alpha: 1, A: 1, B: 1}, "alpha": {R: 1, Alpha: math.NaN(), A: 1, B: 1},
		"a is": {R: 1, Alpha: 1, A: math.Inf(1), B: 1}, "b": {R: 1, Alpha: 1, A: 1, B: -1},
	} {
		if err := m.Check(); !errors.Is(err, clv.ErrParameters) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
