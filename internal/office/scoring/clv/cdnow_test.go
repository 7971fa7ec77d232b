package clv_test

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// published2005 are the parameters as printed by Fader, Hardie & Lee (2005).
var published2005 = clv.BGNBD{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}

// calibrationEnd and holdoutEnd are the last days of the two halves, 39 weeks each.
var calibrationEnd, holdoutEnd = civil("1997-09-30"), civil("1998-06-30")

// civil returns a day in days since 1970-01-01.
func civil(date string) int32 {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return int32(day.Unix() / 86_400)
}

// table reads a CSV file of the shared data, gzipped or not, without its header. It skips the test when the file is not there.
func table(tb testing.TB, name string) [][]string {
	tb.Helper()
	file := filepath.Join("..", "..", "..", "..", "..", "shared", "data", "cdnow", name)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("no data: %s is missing", file)
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	if strings.HasSuffix(name, ".gz") {
		unzipped, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		r = csv.NewReader(unzipped)
	}
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return rows[1:]
}

// published reads the reference numbers by name.
func published(t *testing.T) map[string]float64 {
	t.Helper()
	numbers := map[string]float64{}
	for _, row := range table(t, "published.csv") {
		numbers[row[0]] = number(t, row[1])
	}
	return numbers
}

// number reads a number.
func number(tb testing.TB, s string) float64 {
	tb.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// cdnow returns the purchases of the sample's customers in their order, amounts in cents.
func cdnow(tb testing.TB) [][]clv.Purchase {
	tb.Helper()
	var all [][]clv.Purchase
	last := ""
	for _, row := range table(tb, "cdnow_sample.csv.gz") {
		if row[1] != last {
			all, last = append(all, nil), row[1]
		}
		p := clv.Purchase{Day: civil(row[2]), Minor: int64(math.Round(number(tb, row[4]) * 100))}
		all[len(all)-1] = append(all[len(all)-1], p)
	}
	return all
}

// histories returns the sample's histories at the end of the calibration.
func histories(tb testing.TB) []clv.History {
	tb.Helper()
	var all []clv.History
	for _, purchases := range cdnow(tb) {
		h, ok := clv.Summarise(purchases, calibrationEnd)
		if !ok {
			tb.Fatal("a customer without a purchase in the calibration")
		}
		all = append(all, h)
	}
	return all
}

// summaries returns what BG/NBD needs of histories.
func summaries(all []clv.History) []clv.Summary {
	rows := make([]clv.Summary, len(all))
	for i, h := range all {
		rows[i] = h.Summary
	}
	return rows
}

// TestSummariseCDNOW compares with the published calibration summary: x, t_x and T to two decimals, mean repeat value to a cent.
func TestSummariseCDNOW(t *testing.T) {
	t.Parallel()
	all := histories(t)
	want := table(t, "cdnow_calibration_summary.csv.gz")
	if len(all) != len(want) {
		t.Fatalf("%d customers, want %d", len(all), len(want))
	}
	for i, h := range all {
		mean := 0.0
		if h.Repeats > 0 {
			mean = float64(h.RepeatMinor) / float64(h.Repeats) / 100
		}
		if int(h.Repeats) != int(number(t, want[i][1])) ||
			math.Abs(float64(h.Recency())-number(t, want[i][2])) > 0.00501 ||
			math.Abs(float64(h.Age())-number(t, want[i][3])) > 0.00501 ||
			math.Abs(mean-number(t, want[i][4])) > 0.00501 {
			t.Errorf("customer %s: got %+v, mean %.4f, want %v", want[i][0], h, mean, want[i])
		}
	}
}

// TestFitBGNBDCDNOW fits the sample and compares with all published optima.
func TestFitBGNBDCDNOW(t *testing.T) {
	t.Parallel()
	want := published(t)
	m, report, err := clv.FitBGNBD(summaries(histories(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%+v\n%s", m, report, report.Statement())
	if report.Verdict != clv.VerdictFitted || report.Agreed != report.Starts {
		t.Errorf("verdict %s, %d of %d starts agree", report.Verdict, report.Agreed, report.Starts)
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"r", m.R}, {"alpha", m.Alpha}, {"a", m.A}, {"b", m.B}} {
		if rounded := math.Round(p.value*1000) / 1000; rounded != want["bgnbd."+p.name] {
			t.Errorf("%s is %v, rounded %v, printed %v", p.name, p.value, rounded, want["bgnbd."+p.name])
		}
		near(t, p.name+" of CLVTools", p.value, want["bgnbd."+p.name+".clvtools"], 1e-4)
		near(t, p.name+" of BTYD", p.value, want["bgnbd."+p.name+".btyd"], 3e-4)
		near(t, p.name+" of lifetimes", p.value, want["bgnbd."+p.name+".lifetimes"], 3e-4)
	}
	for _, e := range report.Estimates {
		near(t, "standard error of "+e.Name, e.StdErr, want["bgnbd."+e.Name+".se"], 0.02)
		if low, high := e.Interval(); !(low < e.Value && e.Value < high) {
			t.Errorf("%s: interval %v..%v around %v", e.Name, low, high, e.Value)
		}
	}
	if math.Abs(report.LogLikelihood-want["bgnbd.loglik.clvtools"]) > 6e-4 {
		t.Errorf("log-likelihood %.4f, published %.3f", report.LogLikelihood, want["bgnbd.loglik.clvtools"])
	}
	near(t, "log-likelihood by rows", m.LogLikelihood(summaries(histories(t))), report.LogLikelihood, 1e-12)
}

// TestIndividualLogLikelihood compares with the two published ones of the note on overflow.
func TestIndividualLogLikelihood(t *testing.T) {
	t.Parallel()
	want := published(t)
	m := clv.BGNBD{R: 0.25, Alpha: 4, A: 0.8, B: 2.5}
	near(t, "x 0", m.LogDensity(0, 0, 40), want["bgnbd.individual_loglik.a.8_b2.5_r.25_alpha4.x0_tx0_T40"], 1e-7)
	near(t, "x 200", m.LogDensity(200, 38, 40), want["bgnbd.individual_loglik.a.8_b2.5_r.25_alpha4.x200_tx38_T40"], 1e-6)
}

// TestPublishedPredictions compares P(alive), expectations and probabilities with the published ones, under the parameters they were
// published for.
func TestPublishedPredictions(t *testing.T) {
	t.Parallel()
	want := published(t)
	btyd := clv.BGNBD{R: want["bgnbd.r.btyd"], Alpha: want["bgnbd.alpha.btyd"], A: want["bgnbd.a.btyd"], B: want["bgnbd.b.btyd"]}
	near(t, "new customer", btyd.Unconditional(52), want["bgnbd.expectation_new_customer_t52"], 1e-4)
	near(t, "P(alive) of 1516", btyd.PAlive(26, 30.85714, 31), want["bgnbd.cust1516.p_alive"], 1e-4)
	near(t, "expectation of 1516", btyd.ExpectedReceipts(52, 26, 30.85714, 31), want["bgnbd.cust1516.cond_expectation_52w"], 1e-4)
	near(t, "x 10", btyd.ExpectedReceipts(52, 10, 20, 39), want["bgnbd.cond_exp_52w.x10_tx20_T39"], 1e-4)
	near(t, "x 15", btyd.ExpectedReceipts(52, 15, 20, 39), want["bgnbd.cond_exp_52w.x15_tx20_T39"], 1e-4)
	near(t, "x 20", btyd.ExpectedReceipts(52, 20, 20, 39), want["bgnbd.cond_exp_52w.x20_tx20_T39"], 1e-4)
	near(t, "x 25", btyd.ExpectedReceipts(52, 25, 20, 39), want["bgnbd.cond_exp_52w.x25_tx20_T39"], 1e-4)

	printed := published2005
	for name, figure := range want {
		switch {
		case strings.HasPrefix(name, "bgnbd.expectation_t"): // at the full optimum, printed to four decimals
			weeks := number(t, strings.TrimPrefix(name, "bgnbd.expectation_t"))
			sheet := closedForm(btyd, weeks, 150)
			if math.Abs(sheet-figure) > 0.5e-4 {
				t.Errorf("%s: the sheet's series gives %.6f, printed %v", name, sheet, figure)
			}
			// 78 weeks is printed as 1.8576; the terms that the sheet leaves out add 0.0003.
			near(t, name, btyd.Unconditional(clv.Weeks(weeks)), closedForm(btyd, weeks, 5000), 1e-10)
			near(t, name, btyd.Unconditional(clv.Weeks(weeks)), figure, max(0.5e-4/figure, 2e-4))
		case strings.HasPrefix(name, "bgnbd.P(X("):
			weeks, rest, _ := strings.Cut(strings.TrimPrefix(name, "bgnbd.P(X("), ")=")
			x, _, _ := strings.Cut(rest, ")")
			near(t, name, printed.PMF(int(number(t, x)), clv.Weeks(number(t, weeks))), figure, 1e-4)
		}
	}
	if got := printed.ExpectedReceipts(39, 2, 30.43, 38.86); math.Abs(got-want["bgnbd.cond_exp_39w.x2_tx30.43_T38.86"]) > 0.0005 {
		t.Errorf("customer 1: got %.5f, printed 1.226", got)
	}
}

// closedForm is formula (9) of the paper with so many terms of its hypergeometric series. The spreadsheet from which expectations were
// published adds up 150.
func closedForm(m clv.BGNBD, weeks float64, terms int) float64 {
	z := weeks / (m.Alpha + weeks)
	term, sum := 1.0, 1.0
	for j := 1.0; j <= float64(terms); j++ {
		term *= (m.R + j - 1) * (m.B + j - 1) / ((m.A + m.B + j - 2) * j) * z
		sum += term
	}
	return (m.A + m.B - 1) / (m.A - 1) * (1 - math.Pow(m.Alpha/(m.Alpha+weeks), m.R)*sum)
}
