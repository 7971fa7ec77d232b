package loyalty

import (
	"math"
	"math/big"
	"math/bits"
)

// wide is a signed whole number of 128 bits in two's complement: wide enough for any sum of amounts times rates.
type wide struct{ hi, lo uint64 }

// product is a·b, exactly.
func product(a, b int64) wide {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		hi -= uint64(b)
	}
	if b < 0 {
		hi -= uint64(a)
	}
	return wide{hi, lo}
}

// plus is w + v.
func (w wide) plus(v wide) wide {
	lo, carry := bits.Add64(w.lo, v.lo, 0)
	hi, _ := bits.Add64(w.hi, v.hi, carry)
	return wide{hi, lo}
}

// negative reports whether w < 0.
func (w wide) negative() bool { return int64(w.hi) < 0 }

// times is w·n for n ≥ 0, where it fits.
func (w wide) times(n int64) wide {
	hi, lo := bits.Mul64(w.lo, uint64(n))
	return wide{hi + w.hi*uint64(n), lo}
}

// magnitude is |w|.
func (w wide) magnitude() wide {
	if !w.negative() {
		return w
	}
	lo, borrow := bits.Sub64(0, w.lo, 0)
	hi, _ := bits.Sub64(0, w.hi, borrow)
	return wide{hi, lo}
}

// above reports whether w > v.
func (w wide) above(v wide) bool {
	if w.hi != v.hi {
		return int64(w.hi) > int64(v.hi)
	}
	return w.lo > v.lo
}

// big is w as a number of any size.
func (w wide) big() *big.Int {
	m := w.magnitude()
	n := new(big.Int).SetUint64(m.hi)
	n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(m.lo))
	if w.negative() {
		n.Neg(n)
	}
	return n
}

// wideOf is a number of any size that fits.
func wideOf(n *big.Int) wide {
	m := new(big.Int).Abs(n)
	w := wide{new(big.Int).Rsh(m, 64).Uint64(), new(big.Int).And(m, lowBits).Uint64()}
	if n.Sign() >= 0 {
		return w
	}
	lo, borrow := bits.Sub64(0, w.lo, 0)
	hi, _ := bits.Sub64(0, w.hi, borrow)
	return wide{hi, lo}
}

var lowBits = new(big.Int).SetUint64(math.MaxUint64)

// floorDiv is w divided by d > 0, rounded down, and the rest, 0 ≤ rest < d. What does not fit is held to the largest number that does.
func (w wide) floorDiv(d int64) (quotient, rest int64) {
	negative := w.negative()
	w = w.magnitude()
	if w.hi >= uint64(d) {
		return saturated(negative), 0
	}
	q, r := bits.Div64(w.hi, w.lo, uint64(d))
	if q >= math.MaxInt64 {
		return saturated(negative), 0
	}
	if !negative {
		return int64(q), int64(r)
	}
	if r == 0 {
		return -int64(q), 0
	}
	return -int64(q) - 1, d - int64(r)
}

func saturated(negative bool) int64 {
	if negative {
		return math.MinInt64
	}
	return math.MaxInt64
}
