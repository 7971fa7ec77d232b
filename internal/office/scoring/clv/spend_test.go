package clv_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// TestFitGammaGammaCDNOW fits the sample and compares with the published parameters, which are in dollars.
func TestFitGammaGammaCDNOW(t *testing.T) {
	t.Parallel()
	want := published(t)
	all := histories(t)
	spends := make([]clv.Spend, len(all))
	for i, h := range all {
		spends[i] = h.Spend()
	}
	g, report, err := clv.FitGammaGamma(spends)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%+v\n%s", g, report, report.Statement())
	if report.Verdict != clv.VerdictFitted || report.Agreed != report.Starts {
		t.Errorf("verdict %s, %d of %d starts agree", report.Verdict, report.Agreed, report.Starts)
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"gg.p", g.P}, {"gg.q", g.Q}, {"gg.gamma", g.V / 100}} {
		if math.Round(p.value*100)/100 != want[p.name] {
			t.Errorf("%s is %v, printed %v", p.name, p.value, want[p.name])
		}
	}
	if float64(report.Customers) != want["gg.subjects"] || report.LeftOut != 0 {
		t.Errorf("%d took part, %d left out; want %v, 0", report.Customers, report.LeftOut, want["gg.subjects"])
	}
	near(t, "correlation", report.Correlation, want["gg.corr_monetary_frequency"], 1e-3)
	// A density per dollar is a hundred times one per cent.
	if inDollars := report.LogLikelihood + float64(report.Customers)*math.Log(100); math.Abs(inDollars-want["gg.loglik"]) > 1e-3 {
		t.Errorf("log-likelihood %.4f in dollars, published %v", inDollars, want["gg.loglik"])
	}
	foretold, observed := 0.0, 0.0
	for _, h := range all {
		mean := 0.0
		if h.Repeats > 0 {
			mean = float64(h.RepeatMinor) / float64(h.Repeats)
			observed += mean / 100
		}
		foretold += g.ConditionalMeanSpend(int(h.Repeats), mean) / 100
	}
	near(t, "mean of observed means", observed/want["gg.subjects"], want["gg.mean_observed_repeat_value"], 1e-4)
	near(t, "mean of expected means", foretold/float64(len(all)), want["gg.mean_expected_average_value"], 1e-3)
}

// TestConditionalMeanSpend compares ten customers with the published values, under both sets of parameters.
func TestConditionalMeanSpend(t *testing.T) {
	t.Parallel()
	want := published(t)
	note := clv.GammaGamma{P: 6.25, Q: 3.74, V: 1544}
	software, _, err := clv.FitGammaGamma(rowsOf(t, table(t, "cdnow_calibration_summary.csv.gz")))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range table(t, "cdnow_calibration_summary.csv.gz")[:10] {
		x, mean := int(number(t, row[1])), number(t, row[4])*100
		name := fmt.Sprintf("gg.cond_expected_average_value.customer%d", i+1)
		near(t, name, software.ConditionalMeanSpend(x, mean)/100, want[name], 2e-4)
		// Printed to two decimals, from parameters rounded to two.
		name = fmt.Sprintf("gg.cond_expected_average_value_6.25_3.74_15.44.customer%d", i+1)
		if got := note.ConditionalMeanSpend(x, mean) / 100; math.Abs(got-want[name]) > 0.05 {
			t.Errorf("%s: got %.4f, printed %v", name, got, want[name])
		}
	}
}

// rowsOf reads spending off the published calibration summary, as the published software did.
func rowsOf(t *testing.T, summary [][]string) []clv.Spend {
	t.Helper()
	rows := make([]clv.Spend, len(summary))
	for i, row := range summary {
		x := number(t, row[1])
		rows[i] = clv.Spend{Repeats: int32(x), TotalMinor: int64(math.Round(x * number(t, row[4]) * 100))}
	}
	return rows
}

// TestFitGammaGammaRecovers: the parameters that spending was drawn with lie within four standard errors of the fitted ones.
func TestFitGammaGammaRecovers(t *testing.T) {
	t.Parallel()
	truth := clv.GammaGamma{P: 3, Q: 5, V: 4000}
	source := rand.NewPCG(3, 3)
	random := rand.New(source)
	rows := make([]clv.Spend, 30_000)
	for i := range rows {
		rate := distuv.Gamma{Alpha: truth.Q, Beta: truth.V, Src: source}.Rand()
		x := 1 + random.Int32N(8)
		rows[i] = clv.Spend{Repeats: x, TotalMinor: int64(distuv.Gamma{Alpha: truth.P * float64(x), Beta: rate, Src: source}.Rand())}
	}
	g, report, err := clv.FitGammaGamma(rows)
	if err != nil || report.Verdict != clv.VerdictFitted {
		t.Fatalf("%v, %+v", err, report)
	}
	for i, want := range []float64{truth.P, truth.Q, truth.V} {
		if e := report.Estimates[i]; math.Abs(e.Value-want) > 4*e.StdErr {
			t.Errorf("%s is %.4f ± %.4f, drawn with %v", e.Name, e.Value, e.StdErr, want)
		}
	}
	near(t, "population mean", g.PopulationMean(), truth.P*truth.V/(truth.Q-1), 0.02)
}

// TestFitGammaGammaDegenerate: what cannot be fitted is said so, and a plain average stands in.
func TestFitGammaGammaDegenerate(t *testing.T) {
	t.Parallel()
	uneven := []clv.Spend{}
	for i := range 1000 { // by far the most money with very few
		uneven = append(uneven, clv.Spend{Repeats: 20, TotalMinor: int64(2000 * math.Pow(float64(i+1)/1000, -3))})
	}
	for _, tc := range []struct {
		name      string
		rows      []clv.Spend
		verdict   clv.Verdict
		statement string
		mean      float64 // of a new customer
		leftOut   int64
	}{
		{"no rows", nil, clv.VerdictEmpty, "no customers", 0, 0},
		{"one-time only", []clv.Spend{{Customers: 500}}, clv.VerdictEmpty, "no customers", 0, 0},
		{"gifts and returns", []clv.Spend{{1, 0, 40}, {2, -500, 2}}, clv.VerdictEmpty, "no customers", 0, 42},
		{"one customer", []clv.Spend{{4, 8000, 1}}, clv.VerdictTooFew, "at least 30", 2000, 0},
		{"all alike", []clv.Spend{{4, 8000, 1000}}, clv.VerdictLoose, "do not pin down", 2000, 0},
		{"same basket, other counts", []clv.Spend{{1, 2000, 300}, {2, 4000, 200}, {7, 14_000, 100}}, clv.VerdictLoose, "do not pin down", 2000, 0},
		{"so uneven that no mean exists", uneven, clv.VerdictNoMean, "so uneven", 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g, report, err := clv.FitGammaGamma(tc.rows)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v %+v", g, report)
			if report.Verdict != tc.verdict || report.LeftOut != tc.leftOut || !strings.Contains(report.Statement(), tc.statement) {
				t.Errorf("%s, %d left out: %s; want %s, %d: %s", report.Verdict, report.LeftOut, report.Statement(), tc.verdict, tc.leftOut, tc.statement)
			}
			if math.IsNaN(report.LogLikelihood+report.Correlation) || math.IsInf(report.LogLikelihood, 0) {
				t.Errorf("not a number in %+v", report)
			}
			if tc.verdict == clv.VerdictNoMean {
				if g.PopulationMean() < 1000 {
					t.Errorf("a new customer is worth %v", g.PopulationMean())
				}
				return
			}
			if got := g.PopulationMean(); math.Abs(got-tc.mean) > 0.01*tc.mean {
				t.Errorf("a new customer is worth %v, want %v", got, tc.mean)
			}
		})
	}
}

// TestFitGammaGammaRefusesRows: a row that cannot be is named.
func TestFitGammaGammaRefusesRows(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]clv.Spend{
		"-1 repeat purchases": {Repeats: -1}, "minor units": {Repeats: 1, TotalMinor: 2e15}, "-3 customers": {Customers: -3},
	} {
		if _, _, err := clv.FitGammaGamma([]clv.Spend{{}, row}); !errors.Is(err, clv.ErrSpend) ||
			!strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "row 2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, g := range map[string]clv.GammaGamma{"p is": {0, 2, 1}, "q is": {1, math.NaN(), 1}, "v is": {1, 2, math.Inf(1)}} {
		if err := g.Check(); !errors.Is(err, clv.ErrParameters) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestValueOfTenCustomers compares with the published values. The published software took weeks for days: its twelve months are twelve
// times thirty weeks.
func TestValueOfTenCustomers(t *testing.T) {
	t.Parallel()
	want := published(t)
	m := clv.BGNBD{
		R: want["bgnbd.r.lifetimes"], Alpha: want["bgnbd.alpha.lifetimes"], A: want["bgnbd.a.lifetimes"], B: want["bgnbd.b.lifetimes"],
	}
	summary := table(t, "cdnow_calibration_summary.csv.gz")
	g, _, err := clv.FitGammaGamma(rowsOf(t, summary))
	if err != nil {
		t.Fatal(err)
	}
	horizon := clv.Horizon{Steps: 12, Step: 30, Rate: 0.01}
	for i, row := range summary[:10] {
		x, recency, age := int(number(t, row[1])), clv.Weeks(number(t, row[2])), clv.Weeks(number(t, row[3]))
		value := m.Over(horizon, g.ConditionalMeanSpend(x, number(t, row[4])*100), x, recency, age)
		name := fmt.Sprintf("clv_12x30units_d0.01.customer%d", i+1)
		near(t, name, value.DiscountedMinor/100, want[name], 2e-4)
	}
}

// TestValue12Months: twelve months are 365 days, and discounting takes what it should.
func TestValue12Months(t *testing.T) {
	t.Parallel()
	g := clv.GammaGamma{P: 6.25, Q: 3.74, V: 1544}
	h := clv.History{Summary: clv.Summary{Repeats: 7, RecencyDays: 206, AgeDays: 272}, RepeatMinor: 51_618}
	plain := clv.Value12Months(published2005, g, h, 0)
	near(t, "receipts", plain.Receipts, published2005.ExpectedReceipts(365.0/7, 7, 206.0/7, 272.0/7), 1e-12)
	near(t, "mean spend", plain.MeanSpendMinor, 6.25*(1544+51_618)/(6.25*7+3.74-1), 1e-12)
	near(t, "value", plain.Minor, plain.Receipts*plain.MeanSpendMinor, 1e-12)
	near(t, "at no rate", plain.DiscountedMinor, plain.Minor, 1e-12)
	discounted := clv.Value12Months(published2005, g, h, 0.21)
	if discounted.Minor != plain.Minor {
		t.Errorf("the undiscounted value changes with the rate: %v, %v", discounted.Minor, plain.Minor)
	}
	// More than a full year's discount, less than a month's.
	if d := discounted.DiscountedMinor / plain.Minor; d < 1/1.21 || d > math.Pow(1.21, -1.0/12) {
		t.Errorf("discounted to %v", d)
	}
	if none := clv.Predict(clv.BGNBD{}, clv.GammaGamma{}, h, 0.1); none.Alive != 0 || none.Value.Minor != 0 {
		t.Errorf("models that know nothing foretell %+v", none)
	}
}

// TestBands: a value is published as the greatest edge it reaches.
func TestBands(t *testing.T) {
	t.Parallel()
	edges := clv.Edges{5, 10, 20}
	for _, tc := range []struct {
		name  string
		edges clv.Edges
		v     float64
		want  int64
	}{
		{"between", edges, 12.7, 10},
		{"on an edge", edges, 10, 10},
		{"just below", edges, 9.999, 5},
		{"above the last", edges, 1e30, 20},
		{"below the first", edges, 4.99, 0},
		{"negative", edges, -3, 0},
		{"not a number", edges, math.NaN(), 0},
		{"without edges", nil, 12.7, 12},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.edges.Band(tc.v); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
	bands := clv.DefaultBands()
	for _, e := range []clv.Edges{bands.Alive, bands.Receipts, bands.NextPurchaseDays, bands.Minor} {
		if !slices.IsSorted(e) || len(slices.Compact(slices.Clone(e))) != len(e) {
			t.Errorf("edges do not ascend: %v", e)
		}
	}
	got := bands.Publish(clv.Prediction{
		Alive: 0.7, NextPurchaseDays: 19,
		Value: clv.Value{Receipts: 2.6, MeanSpendMinor: 3517, Minor: 9144, DiscountedMinor: 8730},
	})
	want := clv.Published{
		AliveMillionths: 700_000, ReceiptsThousandths: 2000, NextPurchaseDays: 14, MeanSpendMinor: 2000, ValueMinor: 5000, DiscountedMinor: 5000,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
