package clv

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// slope returns the mean negative log-likelihood of a customer at the logarithms of the parameters, and fills grad with its derivatives
// by them when grad is not nil.
type slope func(theta, grad []float64) float64

// bounds are within which the logarithms of a model's parameters are sought.
type bounds struct{ lo, hi []float64 }

// wall returns f with a smooth wall at the bounds, which rises with the square of the distance beyond them: gentle enough to walk along,
// steep enough to stop at where the likelihood is all but flat. Far beyond, f is no longer worked out, so that it never overflows.
func (b bounds) wall(f slope, calls *int) slope {
	const far = 5
	drawn := make([]float64, len(b.lo))
	return func(theta, grad []float64) float64 {
		*calls++
		wall := 0.0
		for i, v := range theta {
			drawn[i] = within(v, b.lo[i]-far, b.hi[i]+far)
			excess := v - within(v, b.lo[i], b.hi[i])
			wall += excess * excess
		}
		value := f(drawn, grad)
		for i := range grad {
			if drawn[i] != theta[i] {
				grad[i] = 0
			}
			grad[i] += 2 * (theta[i] - within(theta[i], b.lo[i], b.hi[i]))
		}
		return value + wall
	}
}

const (
	// agreed is how near two starts must end, in log-likelihood of all customers, to have found the same optimum.
	agreed = 1e-3
	// settled is how much log-likelihood of all customers may be left to gain at an optimum.
	settled = 1e-4
	// looseness is the standard error of a parameter's logarithm from which on the data do not pin the parameter down: its 95 %
	// interval then spans a factor of fifty and more both ways.
	looseness = 2.0
	// nearBound is how near, in logarithms, a parameter must come to a bound to have been stopped by it.
	nearBound = 0.05
)

// optimum is where a search ended.
type optimum struct {
	theta  []float64 // logarithms of the parameters
	value  float64   // mean negative log-likelihood
	errors []float64 // standard errors of theta; +Inf where the likelihood does not bend
	gain   float64   // the log-likelihood that one more Newton step would add, all customers together
	calls  int       // how often the likelihood was worked out
	agreed int       // how many starts ended here
}

// search minimises f, the mean over so many customers, from several starts. When there is a coarse version of f it is used to choose
// among the starts, and f only to finish.
func search(f, coarse slope, limits bounds, starts [][]float64, customers float64) optimum {
	best := optimum{value: math.Inf(1)}
	rough := f
	if coarse != nil {
		rough = coarse
	}
	walled := limits.wall(rough, &best.calls)
	values := make([]float64, 0, len(starts))
	for _, start := range starts {
		theta, value := descend(walled, start)
		values = append(values, value)
		if value < best.value {
			best.theta, best.value = theta, value
		}
	}
	for _, value := range values {
		if (value-best.value)*customers < agreed {
			best.agreed++
		}
	}
	walled = limits.wall(f, &best.calls)
	if best.theta == nil { // no start led anywhere
		best.theta = append([]float64(nil), starts[0]...)
	}
	best.theta, best.value = descend(walled, best.theta)
	best.polish(walled, customers)
	return best
}

// descend follows the gradient downhill (BFGS); where that stalls, a simplex (Nelder-Mead) finds the way on, and BFGS tries once more.
func descend(f slope, start []float64) ([]float64, float64) {
	theta, value := append([]float64(nil), start...), f(start, nil)
	problem := optimize.Problem{
		Func: func(x []float64) float64 { return f(x, nil) },
		Grad: func(grad, x []float64) { f(x, grad) },
	}
	for _, method := range []optimize.Method{&optimize.BFGS{}, &optimize.NelderMead{}, &optimize.BFGS{}} {
		// An error here is a line search that found no lower point, which at an optimum is as it should be; the gradient decides.
		result, _ := optimize.Minimize(problem, theta, &optimize.Settings{
			GradientThreshold: 1e-8, MajorIterations: 400, FuncEvaluations: 800,
			Converger: &optimize.FunctionConverge{Absolute: 1e-12, Relative: 1e-13, Iterations: 12},
		}, method)
		if result != nil && result.F <= value {
			theta, value = append([]float64(nil), result.X...), result.F
		}
		if steepness(f, theta) < 1e-6 {
			break
		}
	}
	return theta, value
}

// steepness returns the largest derivative.
func steepness(f slope, theta []float64) float64 {
	grad := make([]float64, len(theta))
	f(theta, grad)
	largest := 0.0
	for _, g := range grad {
		largest = max(largest, math.Abs(g))
	}
	return largest
}

// polish takes Newton steps to the last digits and reads standard errors and the remaining gain off the curvature.
func (o *optimum) polish(f slope, customers float64) {
	const mostSteps = 5
	for step := 0; ; step++ {
		bend := curvature(f, o.theta)
		move, gain, errors := bend.newton(customers)
		o.gain, o.errors = gain, errors
		if gain < settled*1e-4 || step == mostSteps {
			return
		}
		next := make([]float64, len(o.theta))
		for i := range next {
			next[i] = o.theta[i] + within(move[i], -1, 1)
		}
		value := f(next, nil)
		if !(value < o.value) {
			return
		}
		o.theta, o.value = next, value
	}
}

// bend is gradient and Hessian at a point, the Hessian by its eigenvalues and -vectors.
type bend struct {
	grad    []float64
	values  []float64
	vectors mat.Dense
}

// curvature works out the Hessian numerically, as central differences of the gradient.
func curvature(f slope, theta []float64) bend {
	const step = 1e-4
	n := len(theta)
	hessian := mat.NewSymDense(n, nil)
	up, down, at := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		copy(at, theta)
		at[i] = theta[i] + step
		f(at, up)
		at[i] = theta[i] - step
		f(at, down)
		for j := range n {
			d := (up[j] - down[j]) / (2 * step)
			if i == j {
				hessian.SetSym(i, j, hessian.At(i, j)+d)
			} else { // each pair comes twice, from both sides
				hessian.SetSym(i, j, hessian.At(i, j)+d/2)
			}
		}
	}
	b := bend{grad: make([]float64, n)}
	f(theta, b.grad)
	var eigen mat.EigenSym
	if !eigen.Factorize(hessian, true) {
		b.values = make([]float64, n) // as if flat
		b.vectors.CloneFrom(mat.NewDiagDense(n, ones(n)))
		return b
	}
	b.values = eigen.Values(nil)
	eigen.VectorsTo(&b.vectors)
	return b
}

// flat is below which share of the steepest direction's curvature a direction counts as flat: nothing but noise of the differences.
const flat = 1e-9

// newton returns the step to the optimum of the parabola that fits here, the log-likelihood it would gain, and the standard errors.
// Directions in which the likelihood does not bend upwards are left alone; parameters with a part in them have an infinite error.
func (b bend) newton(customers float64) (move []float64, gain float64, errors []float64) {
	n := len(b.grad)
	move, errors = make([]float64, n), make([]float64, n)
	steepest := 0.0
	for _, v := range b.values {
		steepest = max(steepest, math.Abs(v))
	}
	for k, v := range b.values {
		along := 0.0
		for i := range n {
			along += b.vectors.At(i, k) * b.grad[i]
		}
		if v <= flat*steepest || v == 0 {
			for i := range n {
				if math.Abs(b.vectors.At(i, k)) > 0.1 {
					errors[i] = math.Inf(1)
				}
			}
			continue
		}
		gain += along * along / v / 2 * customers
		for i := range n {
			part := b.vectors.At(i, k)
			move[i] -= part * along / v
			errors[i] += part * part / (v * customers)
		}
	}
	for i := range errors {
		errors[i] = math.Sqrt(errors[i])
	}
	return move, gain, errors
}

// ones returns n ones.
func ones(n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = 1
	}
	return all
}
