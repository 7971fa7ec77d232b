package clv_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// near fails unless got is within a share of want.
func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: got %.12g, want %.12g (off by %.2g, allowed %.2g)", what, got, want, math.Abs(got/want-1), share)
	}
}

// TestExpectedReceiptsExtremes compares with formula (10) of the paper, worked out from its closed form with sixty digits.
func TestExpectedReceiptsExtremes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		model        clv.BGNBD
		x            int
		recency, age clv.Weeks
		ahead        clv.Weeks
		want         float64
	}{
		{"a just above 1", clv.BGNBD{R: .243, Alpha: 4.414, A: 1.0000000001, B: 2.426}, 3, 20, 39, 52, 1.16924595407828},
		{"a just below 1", clv.BGNBD{R: .243, Alpha: 4.414, A: 0.9999999999, B: 2.426}, 3, 20, 39, 52, 1.16924595427451},
		{"a tiny", clv.BGNBD{R: .5, Alpha: 10, A: 0.00001, B: 2}, 5, 30, 40, 52, 5.71994601436633},
		{"b tiny, one-time", clv.BGNBD{R: .5, Alpha: 10, A: 0.3, B: 0.0001}, 0, 0, 10, 52, 0.473164949923585},
		{"a+b below 1, one-time", clv.BGNBD{R: .5, Alpha: 10, A: 0.2, B: 0.3}, 0, 0, 10, 52, 0.895899088775202},
		{"a large", clv.BGNBD{R: 2, Alpha: 10, A: 400, B: 2000}, 4, 38, 40, 52, 2.95157162640887},
		{"one hour ahead", clv.BGNBD{R: .243, Alpha: 4.414, A: 0.793, B: 2.426}, 2, 30, 39, 0.00595238, 0.000221277355773248},
		{"x 1000", clv.BGNBD{R: 1, Alpha: 5, A: 0.5, B: 3}, 1000, 51.9, 52, 52, 764.417164049487},
		{"x 10000", clv.BGNBD{R: 1, Alpha: 5, A: 0.5, B: 3}, 10000, 51.99, 52, 52, 7655.75948419568},
		{"x 10000, a just above 1", clv.BGNBD{R: 1, Alpha: 5, A: 1.000001, B: 3}, 10000, 51.99, 52, 10, 1615.66583478363},
		{"far ahead", clv.BGNBD{R: 1, Alpha: 5, A: 1.5, B: 3}, 10000, 51.99, 52, 5200, 17907.9212607984},
		{"a thousand years", clv.BGNBD{R: .243, Alpha: 4.414, A: 0.793, B: 2.426}, 2, 30, 39, 52000, 40.1686027484914},
		{"tiny alpha, far ahead", clv.BGNBD{R: 0.1, Alpha: 0.001, A: 0.5, B: 1}, 1, 0.5, 0.6, 52000, 454.12222971588},
		{"all alike", clv.BGNBD{R: 50000, Alpha: 500000, A: 0.2, B: 3}, 3, 20, 39, 52, 3.83255789833025},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			near(t, "expected receipts", tc.model.ExpectedReceipts(tc.ahead, tc.x, tc.recency, tc.age), tc.want, 1e-9)
		})
	}
}

// TestSumAgreesWithIntegral works the same expectation out in two unrelated ways.
func TestSumAgreesWithIntegral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shape, leave := logUniform(-4, 4).Draw(t, "shape"), logUniform(-4, 4).Draw(t, "leave")
		stay, ratio := logUniform(-4, 4).Draw(t, "stay"), logUniform(-6, 2).Draw(t, "ratio")
		sum, integral := clv.SumAndIntegral(shape, leave, stay, ratio)
		if math.Abs(sum/integral-1) > 1e-8 {
			t.Fatalf("sum %.15g, integral %.15g", sum, integral)
		}
	})
}

// TestPMF: the probabilities of all numbers of purchases add up to 1, and their mean is the unconditional expectation.
func TestPMF(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		model clv.BGNBD
		weeks clv.Weeks
		most  int
	}{
		{"published", published2005, 39, 4000},
		{"hardly anybody leaves", clv.BGNBD{R: 2, Alpha: 3, A: 0.01, B: 5}, 20, 400},
		{"nearly everybody leaves", clv.BGNBD{R: 2, Alpha: 3, A: 5, B: 0.01}, 20, 400},
		{"no time", published2005, 0, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sum, mean := 0.0, 0.0
			for x := range tc.most {
				p := tc.model.PMF(x, tc.weeks)
				sum += p
				mean += float64(x) * p
			}
			near(t, "sum", sum, 1, 1e-9)
			near(t, "mean", mean, tc.model.Unconditional(tc.weeks), 1e-7)
		})
	}
	if p := published2005.PMF(-1, 39); p != 0 {
		t.Errorf("minus one purchase has probability %v", p)
	}
}

// TestNextPurchase: the median splits the waiting time of a customer who is alive, which the model knows in closed form.
func TestNextPurchase(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		model clv.BGNBD
		x     int
		age   clv.Weeks
		want  int
	}{
		// Shape 3, rate 10 weeks: 10·(2^(1/3) − 1) = 2.599 weeks = 18.19 days.
		{"three a ten weeks", clv.BGNBD{R: 1, Alpha: 4, A: 1, B: 1}, 2, 6, 19},
		{"hourly", clv.BGNBD{R: 1, Alpha: 1, A: 1, B: 1}, 100_000, 50, 1},
		{"never", clv.BGNBD{R: 0.001, Alpha: 4, A: 1, B: 1}, 0, 6, clv.MaxNextPurchaseDays},
		{"nothing known", clv.BGNBD{}, 2, 6, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.model.NextPurchase(tc.x, tc.age); got != tc.want {
				t.Errorf("got %d days, want %d", got, tc.want)
			}
		})
	}
}

// logUniform draws 10^e with e from lo to hi.
func logUniform(lo, hi float64) *rapid.Generator[float64] {
	return rapid.Map(rapid.Float64Range(lo, hi), func(e float64) float64 { return math.Pow(10, e) })
}

// models draws parameters over far more than any customer base has.
func models() *rapid.Generator[clv.BGNBD] {
	return rapid.Custom(func(t *rapid.T) clv.BGNBD {
		wide := logUniform(-6, 9)
		return clv.BGNBD{R: wide.Draw(t, "r"), Alpha: wide.Draw(t, "alpha"), A: wide.Draw(t, "a"), B: wide.Draw(t, "b")}
	})
}

// finite fails on a NaN, an infinity, or a negative number.
func finite(t *rapid.T, what string, v float64) {
	t.Helper()
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		t.Fatalf("%s is %v", what, v)
	}
}

// TestEverythingIsFinite holds all functions to the package's promise over wide parameters and histories, sensible or not.
func TestEverythingIsFinite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := models().Draw(t, "model")
		span := rapid.OneOf(logUniform(-6, 5), rapid.Float64())
		x := rapid.IntRange(0, 10_000).Draw(t, "x")
		age := clv.Weeks(span.Draw(t, "age"))
		recency, ahead := clv.Weeks(span.Draw(t, "recency")), clv.Weeks(span.Draw(t, "ahead"))

		alive := m.PAlive(x, recency, age)
		if !(alive >= 0 && alive <= 1) {
			t.Fatalf("P(alive) is %v", alive)
		}
		finite(t, "expected receipts", m.ExpectedReceipts(ahead, x, recency, age))
		finite(t, "unconditional", m.Unconditional(ahead))
		if p := m.PMF(x, ahead); !(p >= 0 && p <= 1) {
			t.Fatalf("PMF is %v", p)
		}
		if l := m.LogDensity(x, recency, age); math.IsNaN(l) || math.IsInf(l, 0) {
			t.Fatalf("log density is %v", l)
		}
		if d := m.NextPurchase(x, age); d < 1 || d > clv.MaxNextPurchaseDays {
			t.Fatalf("next purchase in %d days", d)
		}
		g := clv.GammaGamma{P: logUniform(-6, 9).Draw(t, "p"), Q: logUniform(-6, 9).Draw(t, "q"), V: logUniform(-6, 15).Draw(t, "v")}
		mean := rapid.Float64().Draw(t, "mean")
		finite(t, "mean spend", g.ConditionalMeanSpend(x, mean))
		if l := g.LogDensity(x, mean); math.IsNaN(l) || math.IsInf(l, 0) {
			t.Fatalf("spend's log density is %v", l)
		}
		v := m.Over(clv.Year(rapid.Float64().Draw(t, "rate")), g.ConditionalMeanSpend(x, mean), x, recency, age)
		finite(t, "value", v.Minor)
		finite(t, "discounted value", v.DiscountedMinor)
		if v.DiscountedMinor > v.Minor*(1+1e-9) {
			t.Fatalf("discounted %v above undiscounted %v", v.DiscountedMinor, v.Minor)
		}
	})
}

// TestShapeOfPredictions: who was here more recently is likelier alive; who is looked at longer buys more, at a falling pace.
func TestShapeOfPredictions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := models().Draw(t, "model")
		x := rapid.IntRange(1, 10_000).Draw(t, "x")
		age := rapid.Float64Range(0, 520).Draw(t, "age")
		early := rapid.Float64Range(0, age).Draw(t, "early")
		late := rapid.Float64Range(early, age).Draw(t, "late")
		if before, after := m.PAlive(x, clv.Weeks(early), clv.Weeks(age)), m.PAlive(x, clv.Weeks(late), clv.Weeks(age)); after < before-1e-12 {
			t.Fatalf("P(alive) falls from %v to %v as recency grows", before, after)
		}
		if sooner, later := m.PAlive(x, clv.Weeks(early), clv.Weeks(late)), m.PAlive(x, clv.Weeks(early), clv.Weeks(age)); later > sooner+1e-12 {
			t.Fatalf("P(alive) grows from %v to %v with silence", sooner, later)
		}
		ahead := logUniform(-3, 3).Draw(t, "ahead")
		once := m.ExpectedReceipts(clv.Weeks(ahead), x, clv.Weeks(late), clv.Weeks(age))
		twice := m.ExpectedReceipts(clv.Weeks(2*ahead), x, clv.Weeks(late), clv.Weeks(age))
		if twice < once*(1-1e-6) || twice > 2*once*(1+1e-6) { // far out, ten digits of a parameter take as many from the answer
			t.Fatalf("%v purchases in %v weeks, but %v in twice that", once, ahead, twice)
		}
		if most := (m.R + float64(x)) / (m.Alpha + age) * ahead; once > most*(1+1e-9) {
			t.Fatalf("%v purchases, at most %v", once, most)
		}
	})
}
