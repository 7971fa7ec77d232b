package clv

// SumAndIntegral returns the expectation of a customer who is alive both ways.
func SumAndIntegral(shape, leave, stay, ratio float64) (sum, integral float64) {
	p := posterior{shape: shape, leave: leave, stay: stay, ratio: ratio}
	return p.sum(), p.integral()
}
