package clv

import "math"

// ExpectedReceipts returns how many purchases a customer with this history is expected to make in the coming time t: formula (10) of
// Fader, Hardie & Lee (2005). It is never negative, rises with t, and is at most (R+x)/(Alpha+age)·t. Spans and histories outside their
// domain are drawn to its edge.
//
// The closed form, with its Gaussian hypergeometric function 2F1 and its division by a−1, cancels and overflows where it matters (a near
// 1, short spans, thousands of purchases). It is worked out here as the same series with all terms positive; see whileAlive.
func (m BGNBD) ExpectedReceipts(t Weeks, x int, recency, age Weeks) float64 {
	if !m.known() {
		return 0
	}
	n, _, looked := drawn(x, recency, age)
	return m.PAlive(x, recency, age) * m.whileAlive(t, n, looked)
}

// Unconditional returns how many repeat purchases a customer of whom nothing is known yet is expected to make in the time t after the
// first one: formula (9) of Fader, Hardie & Lee (2005).
func (m BGNBD) Unconditional(t Weeks) float64 {
	if !m.known() {
		return 0
	}
	return m.whileAlive(t, 0, 0)
}

// NextPurchase returns the median number of days until the next purchase of a customer who is alive: with even odds she comes sooner.
// It is rounded up, at least 1, and at most MaxNextPurchaseDays, which stands for "not in a hundred years". It is a statement about
// customers who still buy here; ask PAlive first.
//
// Given the history, the customer's rate follows a gamma distribution with shape R+x and rate Alpha+age, so that no purchase in the
// next s weeks has probability ((Alpha+age)/(Alpha+age+s))^(R+x). The median solves that for one half. Leaving does not come into it: by
// the model's story a customer leaves only after a purchase.
func (m BGNBD) NextPurchase(x int, age Weeks) int {
	if !m.known() {
		return 0
	}
	n, _, looked := drawn(x, 0, age)
	median := (m.Alpha + looked) * math.Expm1(math.Ln2/(m.R+float64(n)))
	return int(math.Ceil(within(median*7, 1, MaxNextPurchaseDays)))
}

// whileAlive returns the purchases expected in the coming time t of a customer who is alive, after x repeat purchases in the time age.
//
// Given that she is alive, her purchase rate follows a gamma distribution with shape M = R+x and rate Alpha+age, and her probability q to
// stay after a purchase a beta distribution with parameters B+x and A, independently. If she never left, she would make N purchases, and
// N would be negative binomial; the (j+1)-th of these happens if she stayed after each of the j before, with probability E[q^j]. So
//
//	E = Σ_{n≥1} P(N = n) · Σ_{j<n} E[q^j],   E[q^j] = (B+x)_j / (A+B+x)_j
//
// where all terms are positive, and each follows from the one before by a multiplication. Expanding 2F1 in formula (10) and collecting
// powers leads to the same sum. When it would be long, which takes spans far beyond the history, an integral gives the same; see integral.
func (m BGNBD) whileAlive(t Weeks, n int, age float64) float64 {
	span := within(float64(t), 0, float64(MaxWeeks))
	if span == 0 {
		return 0
	}
	alive := posterior{shape: m.R + float64(n), leave: m.A, stay: m.B + float64(n), ratio: span / (m.Alpha + age)}
	if alive.terms() > longSum {
		return alive.integral()
	}
	return alive.sum()
}

// posterior is what is known of a customer who is alive, and how far ahead one looks.
type posterior struct {
	shape float64 // of the gamma distribution of the purchase rate
	leave float64 // first parameter of the beta distribution of the probability to leave after a purchase
	stay  float64 // second one
	ratio float64 // the time looked ahead, divided by the gamma distribution's rate
}

const (
	// longSum is how many terms the sum may have before the integral is faster.
	longSum = 5_000
	// negligible is when a sum stops: a part below the last digit of a float64.
	negligible = 1e-17
	// stride is how many terms are added between two looks at whether they still count.
	stride = 8
	// huge is when a running sum is scaled down, far below the largest float64.
	huge = 1e200
)

// terms estimates how many terms the sum needs: the mean of N, some standard deviations, and its geometric tail.
func (p posterior) terms() float64 {
	mean := p.shape * p.ratio
	return mean + 9*math.Sqrt(mean*(1+p.ratio)) + 40*(1+p.ratio)
}

// sum adds up the series. P(N = n) is kept as a multiple of P(N = 0), which alone may be too small for a float64; what grows is scaled
// down as it goes, and the scale kept as a logarithm.
func (p posterior) sum() float64 {
	share := p.ratio / (1 + p.ratio)
	scale := -p.shape * math.Log1p(p.ratio) // ln P(N = 0)
	chance, reached, stays, total := 1.0, 0.0, 1.0, 0.0
	for n := 0.0; ; {
		for range stride {
			chance *= (p.shape + n) * share / (n + 1)
			reached += stays
			stays *= (p.stay + n) / (p.leave + p.stay + n)
			total += chance * reached
			n++
		}
		// The next terms shrink at least as fast as this.
		term, shrink := chance*reached, share*max(1, (p.shape+n)/(n+1))*(1+stays/reached)
		if shrink < 1 && term*shrink <= negligible*total*(1-shrink) {
			return within(math.Exp(scale+math.Log(total)), 0, p.shape*p.ratio)
		}
		if term > huge {
			chance, total, scale = chance/huge, total/huge, scale+math.Log(huge)
		}
	}
}

// integral returns the same expectation as a mean over the probability p to leave after a purchase,
//
//	E = ∫ w(p) (1 − (1 + p·ratio)^−shape)/p dp / ∫ w(p) dp,   w(p) = p^(leave−1) (1−p)^(stay−1)
//
// by the trapezoidal rule over the log odds of p, on which both integrands are smooth, have one hill, and fall off exponentially on both
// sides: there the rule converges exponentially fast (L. N. Trefethen, J. A. C. Weideman, The Exponentially Convergent Trapezoidal Rule,
// SIAM Review 56(3), 2014). Beyond the ends of the grid both are exponential, and their remaining points are geometric series. Points and
// weights are the same above and below the line, so that their rounding cancels.
func (p posterior) integral() float64 {
	step := min(0.25, math.Sqrt(1/p.leave+1/p.stay)/5)
	top := math.Log(p.leave / p.stay) // where the weight is highest
	weights, total := 1.0, p.reach(top)
	peak := p.logWeight(top)
	for _, side := range []struct{ direction, rate, end float64 }{
		{-1, p.leave, -40 - math.Log1p(p.shape*p.ratio+p.stay)},
		{1, p.stay, 40 + math.Log1p(p.leave)},
	} {
		for i := 1.0; ; i++ {
			y := top + side.direction*i*step
			weight := math.Exp(p.logWeight(y) - peak)
			part := weight * p.reach(y)
			weights, total = weights+weight, total+part
			if weight <= negligible*weights && part <= negligible*total {
				break
			}
			if side.direction*(y-side.end) > 0 {
				rest := 1 / math.Expm1(side.rate*step)
				weights, total = weights+weight*rest, total+part*rest
				break
			}
		}
	}
	return within(total/weights, 0, p.shape*p.ratio)
}

// logWeight returns the logarithm of the weight of log odds y, without the beta function.
func (p posterior) logWeight(y float64) float64 {
	return -p.leave*logOnePlusExp(-y) - p.stay*logOnePlusExp(y)
}

// reach returns the purchases expected of a customer who leaves after each with the probability that has log odds y.
func (p posterior) reach(y float64) float64 {
	leave := 1 / (1 + math.Exp(-y))
	return -math.Expm1(-p.shape*math.Log1p(leave*p.ratio)) / leave
}

// logOnePlusExp returns ln(1 + e^y).
func logOnePlusExp(y float64) float64 {
	if y > 0 {
		return y + math.Log1p(math.Exp(-y))
	}
	return math.Log1p(math.Exp(y))
}
