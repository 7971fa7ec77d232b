package clv

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// MaxMinor bounds an amount, in minor units; beyond it something was multiplied that should not have been.
const MaxMinor = 1e15

// ErrSpend is returned when a row cannot be what a customer spent.
var ErrSpend = errors.New("not a customer's spending")

// Spend is what one customer spent on repeat purchases, or several with the same history, as Gamma-Gamma needs it.
type Spend struct {
	// Repeats is x: on how many days the customer bought after the first one. Rows with 0 take no part.
	Repeats int32
	// TotalMinor is what was spent on those days together, in minor units. Rows with 0 or less take no part and are counted: a gamma
	// distribution knows no gifts and no returns.
	TotalMinor int64
	// Customers is how many customers share the history; 0 counts as 1.
	Customers int64
}

// GammaGamma is the model of what customers spend on a purchase day. The zero value knows nothing: its methods answer 0, or what was
// observed. It is a plain value, safe for concurrent use.
type GammaGamma struct {
	// P is the shape of the gamma distribution of one customer's purchases: the smaller, the more uneven they are.
	P float64
	// Q is the shape of the gamma distribution of customers' rates. A mean over all customers exists when it is above 1.
	Q float64
	// V is that distribution's rate, in minor units; gamma in the literature.
	V float64
}

// Check returns ErrParameters, wrapped with the parameter's name, when the model cannot be reckoned with.
func (g GammaGamma) Check() error {
	switch {
	case !inRange(g.P):
		return fmt.Errorf("%w: p is %v; it must lie in %v..%v", ErrParameters, g.P, MinParameter, MaxParameter)
	case !inRange(g.Q):
		return fmt.Errorf("%w: q is %v; it must lie in %v..%v", ErrParameters, g.Q, MinParameter, MaxParameter)
	case !(g.V >= MinParameter && g.V <= MaxMinor):
		return fmt.Errorf("%w: v is %v; it must lie in %v..%v", ErrParameters, g.V, MinParameter, MaxMinor)
	}
	return nil
}

// LogDensity returns the log-likelihood of a mean spend per repeat day, in minor units, over x repeat days: formula (1a) of Fader & Hardie
// (2013), a density per minor unit. It is 0 for x ≤ 0 or a mean below MinParameter, which take no part.
func (g GammaGamma) LogDensity(x int, meanMinor float64) float64 {
	mean := within(meanMinor, 0, MaxMinor)
	if g.Check() != nil || x <= 0 || mean < MinParameter {
		return 0
	}
	n := float64(min(x, MaxRepeats))
	shape := g.P * n
	total := n * mean
	// x^(px) m^(px−1) V^q / (xm+V)^(px+q), as shares of xm and V in their sum.
	return -logBeta(shape, g.Q) - math.Log(mean) - shape*math.Log1p(g.V/total) - g.Q*math.Log1p(total/g.V)
}

// PopulationMean returns what a purchase day is worth on average over customers, in minor units: P·V/(Q−1). 0 when that does not exist.
func (g GammaGamma) PopulationMean() float64 { return g.ConditionalMeanSpend(0, 0) }

// ConditionalMeanSpend returns what a customer's purchase days are worth in the long run, in minor units, given x repeat days worth
// meanMinor on average: formula (5) of Fader & Hardie (2013), P·(V + x·mean)/(P·x + Q − 1), a mean of the population's and the customer's
// own in which her own weighs more the oftener she came. With x = 0 it is the population's. Where Q and x are too small for a mean to
// exist it is the observed mean. A negative x or mean counts as 0.
func (g GammaGamma) ConditionalMeanSpend(x int, meanMinor float64) float64 {
	n, mean := float64(min(max(x, 0), MaxRepeats)), within(meanMinor, 0, MaxMinor)
	if n == 0 {
		mean = 0
	}
	weight := g.P*n + g.Q - 1
	if g.Check() != nil || weight < MinParameter {
		return mean
	}
	return g.P * (g.V + n*mean) / weight
}

// SpendReport is what a fit of Gamma-Gamma found.
type SpendReport struct {
	Report
	// LeftOut is how many customers came back but spent nothing, or less than nothing, and took no part.
	LeftOut int64
	// Correlation is that of repeat days and mean spend over the customers who took part, from −1 to 1. The model takes it for 0; beyond
	// about ±0.3 its values lean.
	Correlation float64
}

// FitGammaGamma fits the model to what customers who came back spent, by maximum likelihood, as FitBGNBD does. It returns ErrSpend,
// naming the row, when a row cannot be. A fit that cannot be had is no error: the report's verdict says why, and the model is the zero
// GammaGamma when nobody took part (VerdictEmpty), else a stand-in that puts the average in place of one more day of each customer (P = 1,
// Q = 2, V = average) for VerdictTooFew and VerdictNoMean. Standard errors and log-likelihood are those of V in minor units.
func FitGammaGamma(rows []Spend) (GammaGamma, SpendReport, error) {
	purses, report, err := groupSpend(rows)
	if err != nil {
		return GammaGamma{}, SpendReport{}, err
	}
	if report.Customers == 0 {
		return GammaGamma{}, report, nil
	}
	l := newSpendLikelihood(purses)
	report.Correlation = l.correlation()
	model := GammaGamma{P: 1, Q: 2, V: l.average}
	if report.RepeatBuyers < MinRepeatBuyers {
		report.Verdict = VerdictTooFew
		report.LogLikelihood = l.at(model)
		return model, report, nil
	}
	starts := [][]float64{
		{math.Log(2), math.Log(3), math.Log(1)}, {math.Log(6), math.Log(4), math.Log(0.5)}, {0, math.Log(10), math.Log(9)},
	}
	limits := bounds{
		lo: []float64{math.Log(1e-4), math.Log(1e-3), math.Log(1e-6)},
		hi: []float64{math.Log(1e4), math.Log(1e4), math.Log(1e6)},
	}
	found := search(l.slope, nil, limits, starts, float64(report.Customers))
	report.Starts = len(starts)
	report.settle(found, limits, []string{"p", "q", "v"})
	v := &report.Estimates[2]
	v.Value, v.StdErr = v.Value*l.average, v.StdErr*l.average
	if report.Estimates[1].Value <= 1 {
		report.Verdict = VerdictNoMean
		report.LogLikelihood = l.at(model)
		return model, report, nil
	}
	model = GammaGamma{P: report.Estimates[0].Value, Q: report.Estimates[1].Value, V: v.Value}
	report.LogLikelihood = l.at(model)
	return model, report, nil
}

// purse is one distinct spending and how many customers have it.
type purse struct {
	repeats   int32
	total     int64
	customers int64
}

// groupSpend counts equal rows once, sorted by repeats and total, and leaves out who takes no part.
func groupSpend(rows []Spend) ([]purse, SpendReport, error) {
	var report SpendReport
	purses := make([]purse, 0, len(rows))
	for i, row := range rows {
		weight := max(row.Customers, 1)
		switch {
		case row.Repeats < 0 || row.Customers < 0:
			return nil, report, fmt.Errorf("row %d: %w: %d repeat purchases of %d customers", i+1, ErrSpend, row.Repeats, row.Customers)
		case row.TotalMinor > MaxMinor:
			return nil, report, fmt.Errorf("row %d: %w: %d minor units; at most %g", i+1, ErrSpend, row.TotalMinor, float64(MaxMinor))
		case row.Repeats == 0:
		case row.TotalMinor <= 0:
			report.LeftOut += weight
		default:
			purses = append(purses, purse{row.Repeats, row.TotalMinor, weight})
		}
	}
	slices.SortFunc(purses, func(a, b purse) int {
		return cmp.Or(cmp.Compare(a.repeats, b.repeats), cmp.Compare(a.total, b.total))
	})
	kept := purses[:0]
	for _, p := range purses {
		report.Customers += p.customers
		if n := len(kept); n > 0 && kept[n-1].repeats == p.repeats && kept[n-1].total == p.total {
			kept[n-1].customers += p.customers
			continue
		}
		kept = append(kept, p)
	}
	report.RepeatBuyers, report.Distinct = report.Customers, len(kept)
	return kept, report, nil
}

// spendLikelihood works out the log-likelihood of many purses at once, with money in units of the average mean, so that the search looks
// the same in every currency.
type spendLikelihood struct {
	purses    []purse
	average   float64   // of customers' mean spend, minor units
	totals    []float64 // each purse's total in units of average
	logs      []float64 // its logarithm
	customers float64
}

// newSpendLikelihood prepares the purses, of which there is at least one.
func newSpendLikelihood(purses []purse) *spendLikelihood {
	l := &spendLikelihood{purses: purses, totals: make([]float64, len(purses)), logs: make([]float64, len(purses))}
	for _, p := range purses {
		l.customers += float64(p.customers)
		l.average += float64(p.customers) * float64(p.total) / float64(p.repeats)
	}
	l.average /= l.customers
	for i, p := range purses {
		l.totals[i] = float64(p.total) / l.average
		l.logs[i] = math.Log(l.totals[i])
	}
	return l
}

// correlation returns that of repeats and mean spend; 0 when one of them does not vary.
func (l *spendLikelihood) correlation() float64 {
	x, mean, weight := make([]float64, len(l.purses)), make([]float64, len(l.purses)), make([]float64, len(l.purses))
	for i, p := range l.purses {
		x[i], mean[i], weight[i] = float64(p.repeats), l.totals[i]/float64(p.repeats), float64(p.customers)
	}
	r := stat.Correlation(x, mean, weight)
	if math.IsNaN(r) {
		return 0
	}
	return within(r, -1, 1)
}

// at returns the log-likelihood of all customers together.
func (l *spendLikelihood) at(g GammaGamma) float64 {
	sum := 0.0
	for _, p := range l.purses {
		sum += float64(p.customers) * g.LogDensity(int(p.repeats), float64(p.total)/float64(p.repeats))
	}
	return sum
}

// slope is the mean negative log-likelihood of a customer, by the logarithms of p, q, v.
func (l *spendLikelihood) slope(theta, grad []float64) float64 {
	p, q, v := math.Exp(theta[0]), math.Exp(theta[1]), math.Exp(theta[2])
	var value, byP, byQ, byV float64
	for from := 0; from < len(l.purses); {
		n := float64(l.purses[from].repeats)
		var customers, logs, logsV, inversesV float64 // Σ of 1, ln xm, ln(xm+v), 1/(xm+v)
		to := from
		for ; to < len(l.purses) && l.purses[to].repeats == l.purses[from].repeats; to++ {
			k, both := float64(l.purses[to].customers), l.totals[to]+v
			customers += k
			logs += k * l.logs[to]
			logsV += k * math.Log(both)
			inversesV += k / both
		}
		shape := p * n
		value += customers*(math.Log(n)-logBeta(shape, q)) + (shape-1)*logs - (shape+q)*logsV
		byP += n * (customers*(mathext.Digamma(shape+q)-mathext.Digamma(shape)) + logs - logsV)
		byQ += customers*mathext.Digamma(shape+q) - logsV
		byV -= (shape + q) * inversesV
		from = to
	}
	value += l.customers * q * math.Log(v)
	if grad != nil {
		grad[0] = -p * byP / l.customers
		grad[1] = -q * (byQ + l.customers*(math.Log(v)-mathext.Digamma(q))) / l.customers
		grad[2] = -v * (byV + l.customers*q/v) / l.customers
	}
	return -value / l.customers
}
