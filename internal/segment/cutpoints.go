package segment

// CutPoints returns the n−1 cut points between n scores over values sorted ascending: for k = 1..n−1 the type-7 quantile (Hyndman and
// Fan 1996: linear interpolation between order statistics) at k/n, rounded down to a whole number. Since values are whole, a value lies
// above the quantile exactly when it lies above the rounded one. No values give no cut points.
func CutPoints(sorted []int64, n int) []int64 {
	if len(sorted) == 0 {
		return nil
	}
	cuts := make([]int64, 0, n-1)
	for k := 1; k < n; k++ {
		i, next := Position(int64(len(sorted)), k, n)
		cuts = append(cuts, CutPoint(int64(len(sorted)), k, n, sorted[i], sorted[next]))
	}
	return cuts
}

// Position returns the two places, counted from 0 in ascending order, between whose values the k-th of n−1 cut points lies among count
// values. They are equal where the cut point falls on a value, or on the last one.
func Position(count int64, k, n int) (i, next int64) {
	h := (count - 1) * int64(k)
	i = h / int64(n)
	if h%int64(n) == 0 {
		return i, i
	}
	return i, i + 1
}

// CutPoint returns the k-th of n−1 cut points among count values, given the values at the two places that Position names: with
// h = (count−1)·k and r = h mod n it is low + ⌊(high−low)·r / n⌋, in integers throughout. Doubles would be one off now and then. The value
// below may be negative, the step between the two never is, so that rounding down is plain division.
func CutPoint(count int64, k, n int, low, high int64) int64 {
	r := uint64((count - 1) * int64(k) % int64(n))
	step, size := uint64(high)-uint64(low), uint64(n) // exact even from the least to the greatest int64
	// ⌊step·r / n⌋ without leaving 64 bits: whole n's first, then what is left.
	return int64(uint64(low) + step/size*r + step%size*r/size)
}
