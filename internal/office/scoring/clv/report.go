package clv

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// MinRepeatBuyers is how many customers must have come back before a model is fitted. Three or four parameters from fewer are noise: on
// published data a tenth of a cohort of 20,000 already leaves standard errors of a quarter of the parameter.
const MinRepeatBuyers = 30

// Verdict says how a fit ended.
type Verdict uint8

const (
	// VerdictEmpty means that there was no customer: the model knows nothing and answers 0.
	VerdictEmpty Verdict = iota
	// VerdictTooFew means that fewer than MinRepeatBuyers customers came back: the model is a stand-in.
	VerdictTooFew
	// VerdictNoMean means that spending is so uneven that by the model no average exists (q ≤ 1): the model is a stand-in. Gamma-Gamma
	// only.
	VerdictNoMean
	// VerdictNotConverged means that the search ended where the likelihood still rises: do not publish.
	VerdictNotConverged
	// VerdictLoose means that an optimum was found, but that the data do not pin down the parameters marked Loose: what the model
	// foretells is as likely as the data allow, the loose parameters themselves mean nothing.
	VerdictLoose
	// VerdictFitted means that the optimum was found and all parameters are pinned down.
	VerdictFitted
)

// String returns a word for logs and reports.
func (v Verdict) String() string {
	switch v {
	case VerdictEmpty:
		return "empty"
	case VerdictTooFew:
		return "too few"
	case VerdictNoMean:
		return "no mean"
	case VerdictNotConverged:
		return "not converged"
	case VerdictLoose:
		return "loose"
	case VerdictFitted:
		return "fitted"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Estimate is one parameter as the data have it.
type Estimate struct {
	// Name is the parameter's name in the literature: r, alpha, a, b; p, q, v.
	Name string
	// Value is the parameter.
	Value float64
	// StdErr is its standard error, from the curvature of the log-likelihood at the optimum. 0 when Loose.
	StdErr float64
	// Loose means that the data do not pin the parameter down: it stands at a bound, or nearly any other value would do as well.
	Loose bool
}

// Interval returns the 95 % confidence interval, reckoned on the logarithm, as the parameter is positive. For a loose parameter it is
// MinParameter to MaxParameter.
func (e Estimate) Interval() (low, high float64) {
	if e.Loose || !(e.Value > 0) {
		return MinParameter, MaxParameter
	}
	factor := math.Exp(min(1.959963984540054*e.StdErr/e.Value, 2*looseness))
	return e.Value / factor, e.Value * factor
}

// Report is what a fit found, and how far to trust it.
type Report struct {
	// Verdict says how the fit ended.
	Verdict Verdict
	// Customers is how many customers took part.
	Customers int64
	// RepeatBuyers is how many of them came back at least once.
	RepeatBuyers int64
	// Distinct is how many different histories they had; equal ones are reckoned once.
	Distinct int
	// LogLikelihood is that of all customers together, at the parameters returned.
	LogLikelihood float64
	// Estimates are the parameters in the order of the model's fields; none when nothing was fitted.
	Estimates []Estimate
	// Gain is how much more log-likelihood another step of the search would bring; next to nothing when converged.
	Gain float64
	// Starts is from how many points the search set out, Agreed how many of them led to the best optimum.
	Starts, Agreed int
	// Evaluations is how often the likelihood was worked out.
	Evaluations int
}

// Converged reports whether the parameters are an optimum of the likelihood.
func (r Report) Converged() bool { return r.Verdict == VerdictFitted || r.Verdict == VerdictLoose }

// Usable reports whether what the model foretells may be published. It is the same as Converged: a stand-in is for looking at, not for
// addressing customers by.
func (r Report) Usable() bool { return r.Converged() }

// Statement says in a sentence what the fit is worth and, when it is not worth publishing, why.
func (r Report) Statement() string {
	switch r.Verdict {
	case VerdictEmpty:
		return "There are no customers to learn from."
	case VerdictTooFew:
		return fmt.Sprintf("Of %d customers %d came back; at least %d must have before their future can be foretold. Until then a plain average stands in.",
			r.Customers, r.RepeatBuyers, MinRepeatBuyers)
	case VerdictNoMean:
		return fmt.Sprintf("What %d customers spend is so uneven that no average can be expected of a new one; a plain average stands in.", r.Customers)
	case VerdictNotConverged:
		return fmt.Sprintf("The search for the best parameters did not settle: another step would still gain %.3g. Do not publish.", r.Gain)
	case VerdictLoose:
		return fmt.Sprintf("The model fits %d customers, but they do not pin down %s.", r.Customers, strings.Join(r.loose(), ", "))
	case VerdictFitted:
		return fmt.Sprintf("The model fits %d customers, of whom %d came back; %d of %d starts agree.", r.Customers, r.RepeatBuyers, r.Agreed, r.Starts)
	}
	return r.Verdict.String()
}

// loose names the loose parameters.
func (r Report) loose() []string {
	var names []string
	for _, e := range r.Estimates {
		if e.Loose {
			names = append(names, e.Name)
		}
	}
	return names
}

// settle fills in what a search found and judges it.
func (r *Report) settle(found optimum, limits bounds, names []string) {
	r.Gain, r.Evaluations, r.Agreed = found.gain, found.calls, found.agreed
	r.Estimates = make([]Estimate, len(names))
	for i, name := range names {
		e := Estimate{Name: name, Value: math.Exp(found.theta[i])}
		atBound := found.theta[i] < limits.lo[i]+nearBound || found.theta[i] > limits.hi[i]-nearBound
		if atBound || !(found.errors[i] < looseness) {
			e.Loose = true
		} else {
			e.StdErr = e.Value * found.errors[i]
		}
		r.Estimates[i] = e
	}
	switch {
	case !(r.Gain < settled):
		r.Verdict = VerdictNotConverged
	case slices.ContainsFunc(r.Estimates, func(e Estimate) bool { return e.Loose }):
		r.Verdict = VerdictLoose
	default:
		r.Verdict = VerdictFitted
	}
}
