package clv

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

const (
	// MaxRepeats is the largest x a formula is worked out for; a larger one counts as this.
	MaxRepeats = 1_000_000
	// MaxWeeks is the longest span a formula is worked out for, some two thousand years; a longer one counts as this.
	MaxWeeks Weeks = 100_000
	// MaxNextPurchaseDays stands for "not in a hundred years" in answers of NextPurchase.
	MaxNextPurchaseDays = 36_525
	// MinParameter and MaxParameter bound what the parameters of a model may be: what lies outside is no customer base, but a
	// misunderstanding of units or a fit that ran away.
	MinParameter = 1e-6
	// MaxParameter is the upper bound.
	MaxParameter = 1e9
)

// ErrParameters is returned when a model's parameters are not finite numbers between MinParameter and MaxParameter.
var ErrParameters = errors.New("not the parameters of a model")

// BGNBD is the model of how often customers come and when they stop. The zero value knows nothing: its methods answer 0. A BGNBD is a
// plain value, safe for concurrent use.
type BGNBD struct {
	// R is the shape of the gamma distribution of purchase rates: the smaller, the more customers differ.
	R float64
	// Alpha is its rate, in weeks: R/Alpha is the mean number of purchases in a week, of customers who are alive.
	Alpha float64
	// A is the first parameter of the beta distribution of the probability of leaving after a purchase.
	A float64
	// B is the second one: A/(A+B) is the mean probability of leaving after a purchase.
	B float64
}

// Check returns ErrParameters, wrapped with the parameter's name, when the model cannot be reckoned with.
func (m BGNBD) Check() error {
	for _, p := range []struct {
		name  string
		value float64
	}{{"r", m.R}, {"alpha", m.Alpha}, {"a", m.A}, {"b", m.B}} {
		if !inRange(p.value) {
			return fmt.Errorf("%w: %s is %v; it must lie in %v..%v", ErrParameters, p.name, p.value, MinParameter, MaxParameter)
		}
	}
	return nil
}

// known reports whether the model can be reckoned with.
func (m BGNBD) known() bool { return inRange(m.R) && inRange(m.Alpha) && inRange(m.A) && inRange(m.B) }

// inRange reports whether v may be a parameter; a NaN may not.
func inRange(v float64) bool { return v >= MinParameter && v <= MaxParameter }

// drawn returns a history drawn into the domain of the formulas: 0 ≤ x ≤ MaxRepeats, 0 ≤ t_x ≤ T ≤ MaxWeeks, and t_x = 0 when x = 0.
func drawn(x int, recency, age Weeks) (n int, tx, t float64) {
	n = min(max(x, 0), MaxRepeats)
	t = within(float64(age), 0, float64(MaxWeeks))
	if n > 0 {
		tx = within(float64(recency), 0, t)
	}
	return n, tx, t
}

// LogDensity returns the log-likelihood of one history of x repeat purchases, the last one recency after the first, which was age ago.
// Formula (6) of Fader, Hardie & Lee (2005) in the rearrangement of "Overcoming the BG/NBD Model's #NUM! Error Problem"
// (brucehardie.com/notes/027, 2013), wholly in logarithms: it does not overflow for any x. A history outside 0 ≤ recency ≤ age is drawn
// to the nearest inside.
func (m BGNBD) LogDensity(x int, recency, age Weeks) float64 {
	if !m.known() {
		return 0
	}
	n, tx, t := drawn(x, recency, age)
	if n == 0 {
		return -m.R * math.Log1p(t/m.Alpha)
	}
	shape := m.R + float64(n)
	common := logRise(m.R, n) + logRise(m.B, n) - logRise(m.A+m.B, n) + m.R*math.Log(m.Alpha)
	alive := -shape * math.Log(m.Alpha+t)
	gone := math.Log(m.A) - math.Log(m.B+float64(n)-1) - shape*math.Log(m.Alpha+tx)
	return common + logSum(alive, gone)
}

// LogLikelihood returns the log-likelihood of all rows together, each counted as often as it has customers.
func (m BGNBD) LogLikelihood(rows []Summary) float64 {
	sum := 0.0
	for _, row := range rows {
		sum += float64(row.weight()) * m.LogDensity(int(row.Repeats), row.Recency(), row.Age())
	}
	return sum
}

// PAlive returns the probability that a customer has not left, from 0 to 1. By the model's story nobody leaves before a repeat
// purchase, so it is 1 for x = 0: whether a one-time customer comes back is told by ExpectedReceipts, not here. It rises with recency
// and falls with age. Fader, Hardie & Lee, "Computing P(alive) Using the BG/NBD Model" (brucehardie.com/notes/021, 2008), in
// logarithms. A history outside 0 ≤ recency ≤ age is drawn to the nearest inside.
func (m BGNBD) PAlive(x int, recency, age Weeks) float64 {
	if !m.known() {
		return 0
	}
	n, tx, t := drawn(x, recency, age)
	if n == 0 {
		return 1
	}
	return 1 / (1 + math.Exp(m.logOddsGone(n, tx, t)))
}

// logOddsGone returns the logarithm of the odds of having left to being alive, for x ≥ 1, bounded so that its exponential is finite.
func (m BGNBD) logOddsGone(n int, tx, t float64) float64 {
	odds := math.Log(m.A) - math.Log(m.B+float64(n)-1) + (m.R+float64(n))*math.Log1p((t-tx)/(m.Alpha+tx))
	return min(odds, 700)
}

// PMF returns the probability that a customer of whom nothing is known yet makes exactly x repeat purchases in the time t after the
// first one. Formula (8) of Fader, Hardie & Lee (2005); the sum in it is the tail of a negative binomial distribution, taken from the
// incomplete beta function so that nothing cancels. It is 0 for a negative x or one above MaxRepeats.
func (m BGNBD) PMF(x int, t Weeks) float64 {
	if !m.known() || x < 0 || x > MaxRepeats {
		return 0
	}
	span := within(float64(t), 0, float64(MaxWeeks))
	if span == 0 {
		if x == 0 {
			return 1
		}
		return 0
	}
	if x == 0 {
		return math.Exp(-m.R * math.Log1p(span/m.Alpha))
	}
	n := float64(x)
	factorial, _ := math.Lgamma(n + 1)
	share := span / (m.Alpha + span)
	stays := logRise(m.B, x) - logRise(m.A+m.B, x) // ln of the probability to stay through x purchases
	exactly := stays + logRise(m.R, x) - factorial - m.R*math.Log1p(span/m.Alpha) + n*math.Log(share)
	leaves := math.Log(m.A) + logRise(m.B, x-1) - logRise(m.A+m.B, x) // ln of the probability to leave right after the x-th
	return within(math.Exp(exactly)+math.Exp(leaves)*mathext.RegIncBeta(n, m.R, share), 0, 1)
}
