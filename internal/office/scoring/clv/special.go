package clv

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// shortRise is up to how many steps a rising factorial is multiplied out: that is exact, and as fast.
const shortRise = 32

// logRise returns ln(s (s+1) … (s+n−1)) = ln Γ(s+n) − ln Γ(s), for s > 0 and n ≥ 0.
func logRise(s float64, n int) float64 {
	if n > shortRise {
		return logGammaRise(s, float64(n))
	}
	sum := 0.0
	for i := range n {
		sum += math.Log(s + float64(i))
	}
	return sum
}

// logGammaRise returns ln Γ(s+d) − ln Γ(s), for s > 0 and d ≥ 0. For a large s both logarithms are enormous and nearly the same; Stirling's
// series gives their difference without loss.
func logGammaRise(s, d float64) float64 {
	const large = 100
	if s < large {
		hi, _ := math.Lgamma(s + d)
		lo, _ := math.Lgamma(s)
		return hi - lo
	}
	return (s-0.5)*math.Log1p(d/s) + d*(math.Log(s+d)-1) + stirling(s+d) - stirling(s)
}

// stirling returns what Stirling's formula for ln Γ(z) lacks, for z ≥ 100 to the last digit.
func stirling(z float64) float64 {
	inverse := 1 / z
	square := inverse * inverse
	return inverse * (1.0/12 - square*(1.0/360-square/1260))
}

// digammaRise returns ψ(s+n) − ψ(s), the derivative of logRise by s.
func digammaRise(s float64, n int) float64 {
	if n > shortRise {
		return mathext.Digamma(s+float64(n)) - mathext.Digamma(s)
	}
	sum := 0.0
	for i := range n {
		sum += 1 / (s + float64(i))
	}
	return sum
}

// logBeta returns ln B(a, b), for a, b > 0.
func logBeta(a, b float64) float64 {
	a, b = min(a, b), max(a, b)
	la, _ := math.Lgamma(a)
	return la - logGammaRise(b, a)
}

// logSum returns ln(e^a + e^b) without overflow.
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// within returns v drawn into lo..hi; a NaN becomes lo.
func within(v, lo, hi float64) float64 {
	if !(v > lo) {
		return lo
	}
	return min(v, hi)
}
