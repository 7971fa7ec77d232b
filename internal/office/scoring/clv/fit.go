package clv

import "math"

// manyHistories is from how many distinct histories on the starts are tried on a sample; all of them finish the search.
const manyHistories = 40_000

// FitBGNBD fits the model to the histories of all customers, one-time customers among them, by maximum likelihood. Rows may be one per
// customer or counted; equal ones are reckoned once, weighted.
//
// The likelihood is climbed in the logarithms of the parameters with exact gradients, from several starts, and finished by Newton steps;
// standard errors come from the numerical Hessian there. It returns ErrSummary, naming the row, when a row cannot be a history. A fit
// that cannot be had is no error: the report's verdict says why, and the model is
//
//   - the zero BGNBD, which answers 0, when there are no rows (VerdictEmpty);
//   - a stand-in with the chain's average rate of coming back, and nothing known of how differently customers behave or when they leave
//     (R = A = B = 1), when fewer than MinRepeatBuyers came back (VerdictTooFew);
//   - the best parameters met with, when the search did not settle (VerdictNotConverged).
//
// A million histories take about three seconds on one core.
func FitBGNBD(rows []Summary) (BGNBD, Report, error) {
	all, err := group(rows)
	if err != nil {
		return BGNBD{}, Report{}, err
	}
	report := Report{Customers: all.customers, RepeatBuyers: all.repeatBuyers, Distinct: len(all.cells)}
	switch {
	case all.customers == 0:
		return BGNBD{}, report, nil
	case all.repeatBuyers < MinRepeatBuyers:
		model := standIn(all)
		report.Verdict = VerdictTooFew
		report.LogLikelihood = model.LogLikelihood(rows)
		return model, report, nil
	}
	starts := startsFor(all)
	limits := bounds{
		lo: []float64{math.Log(1e-5), math.Log(1e-5), math.Log(1e-5), math.Log(1e-5)},
		hi: []float64{math.Log(1e5), math.Log(1e7), math.Log(1e5), math.Log(1e5)},
	}
	var coarse slope
	if len(all.cells) > manyHistories {
		coarse = newLikelihood(sample(all.cells, manyHistories/2)).slope
	}
	found := search(newLikelihood(all.cells).slope, coarse, limits, starts, float64(all.customers))
	report.Starts = len(starts)
	report.settle(found, limits, []string{"r", "alpha", "a", "b"})
	report.LogLikelihood = -found.value * float64(all.customers)
	e := report.Estimates
	return BGNBD{R: e[0].Value, Alpha: e[1].Value, A: e[2].Value, B: e[3].Value}, report, nil
}

// standIn is the model when too few customers came back: rates around the average of all, with half a purchase added so that it is not 0,
// and nothing known about leaving.
func standIn(all census) BGNBD {
	alpha := max(float64(all.exposure), 1) / (float64(all.repeats) + 0.5)
	return BGNBD{R: 1, Alpha: within(alpha, MinParameter, MaxParameter), A: 1, B: 1}
}

// startsFor returns the logarithms of the points from which the optimum is sought: few and many customers alike, leaving early or late,
// each with the average rate of coming back that the data show.
func startsFor(all census) [][]float64 {
	rate := float64(all.repeats) / max(float64(all.exposure), 1)
	var starts [][]float64
	for _, s := range []struct{ r, a, b float64 }{{0.3, 0.8, 2.5}, {1, 0.2, 2}, {3, 2, 20}} {
		alpha := within(s.r/rate, 1e-3, 1e5)
		starts = append(starts, []float64{math.Log(s.r), math.Log(alpha), math.Log(s.a), math.Log(s.b)})
	}
	return starts
}

// sample returns about so many cells, evenly from the sorted ones.
func sample(cells []cell, about int) []cell {
	every := max(len(cells)/about, 1)
	thinned := make([]cell, 0, len(cells)/every+1)
	for i := every / 2; i < len(cells); i += every {
		thinned = append(thinned, cells[i])
	}
	return thinned
}

// likelihood works out the log-likelihood of many cells at once. What depends only on a day is tabled for each set of parameters, what
// depends only on x reckoned once for all customers with that x, so that a cell costs an exponential and a logarithm.
type likelihood struct {
	cells     []cell // sorted by repeats
	customers float64
	logAt     []float64 // ln(alpha + d/7) by day d
	inverseAt []float64 // 1/(alpha + d/7) by day d
}

// newLikelihood prepares the cells.
func newLikelihood(cells []cell) *likelihood {
	l := &likelihood{cells: cells}
	longest := int32(0)
	for _, c := range cells {
		l.customers += float64(c.customers)
		longest = max(longest, c.age)
	}
	l.logAt = make([]float64, longest+1)
	l.inverseAt = make([]float64, longest+1)
	return l
}

// slope is the mean negative log-likelihood of a customer, by the logarithms of r, alpha, a, b.
func (l *likelihood) slope(theta, grad []float64) float64 {
	m := BGNBD{math.Exp(theta[0]), math.Exp(theta[1]), math.Exp(theta[2]), math.Exp(theta[3])}
	for d := range l.logAt {
		at := m.Alpha + float64(d)/7
		l.logAt[d], l.inverseAt[d] = math.Log(at), 1/at
	}
	var total sums
	for from := 0; from < len(l.cells); {
		to := from + 1
		for to < len(l.cells) && l.cells[to].repeats == l.cells[from].repeats {
			to++
		}
		total.add(l.run(m, l.cells[from:to]))
		from = to
	}
	if grad != nil {
		grad[0] = -total.r * m.R / l.customers
		grad[1] = -total.alpha * m.Alpha / l.customers
		grad[2] = -total.a * m.A / l.customers
		grad[3] = -total.b * m.B / l.customers
	}
	return -total.value / l.customers
}

// sums are a log-likelihood and its derivatives by the parameters.
type sums struct{ value, r, alpha, a, b float64 }

// add adds another's.
func (s *sums) add(o sums) {
	s.value += o.value
	s.r += o.r
	s.alpha += o.alpha
	s.a += o.a
	s.b += o.b
}

// run returns the sums over cells that share x. With x ≥ 1 the likelihood of a history is that of being alive plus that of having left,
// see LogDensity; w is the share of the first, which is P(alive), and weighs the derivatives of both.
func (l *likelihood) run(m BGNBD, cells []cell) sums {
	x := int(cells[0].repeats)
	n := float64(x)
	shape := m.R + n
	logLeave := math.Log(m.A) - math.Log(m.B+n-1)
	var customers, value, alive, logs, inverses float64
	for _, c := range cells {
		k := float64(c.customers)
		customers += k
		logAge, inverseAge := l.logAt[c.age], l.inverseAt[c.age]
		if x == 0 {
			value -= k * shape * logAge
			logs += k * logAge
			inverses += k * inverseAge
			continue
		}
		logLast, inverseLast := l.logAt[c.recency], l.inverseAt[c.recency]
		odds := logLeave + shape*(logAge-logLast) // ln of the odds of having left
		var w float64
		if odds > 0 {
			e := math.Exp(-odds)
			w = e / (1 + e)
			value += k * (logLeave - shape*logLast + math.Log1p(e))
		} else {
			e := math.Exp(odds)
			w = 1 / (1 + e)
			value += k * (-shape*logAge + math.Log1p(e))
		}
		alive += k * w
		logs += k * (w*logAge + (1-w)*logLast)
		inverses += k * (w*inverseAge + (1-w)*inverseLast)
	}
	s := sums{
		value: value + customers*(logRise(m.R, x)+logRise(m.B, x)-logRise(m.A+m.B, x)+m.R*math.Log(m.Alpha)),
		r:     customers*(digammaRise(m.R, x)+math.Log(m.Alpha)) - logs,
		alpha: customers*m.R/m.Alpha - shape*inverses,
	}
	if x > 0 {
		left := customers - alive
		rise := digammaRise(m.A+m.B, x)
		s.a = left/m.A - customers*rise
		s.b = customers*(digammaRise(m.B, x)-rise) - left/(m.B+n-1)
	}
	return s
}
