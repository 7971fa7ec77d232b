package loyalty

import (
	"cmp"
	"math/big"
	"slices"
)

// spread shares whole points out over lines: each its share divided by the denominator, rounded down, and what is then still to be given one
// by one to the largest remainders, the first of equals first. Points are the shares' sum divided by the denominator, rounded down.
func spread(shares []wide, denominator, points int64) []int64 {
	perLine := make([]int64, len(shares))
	rests := make([]int64, len(shares))
	left := points
	for i, share := range shares {
		perLine[i], rests[i] = share.floorDiv(denominator)
		left -= perLine[i]
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rests[b], rests[a]) })
	for _, i := range order {
		if left <= 0 {
			break
		}
		perLine[i]++
		left--
	}
	return perLine
}

// spreadPart shares fewer points out than the shares come to, in proportion to them, by largest remainder as spread does.
func spreadPart(shares []wide, points int64) []int64 {
	sum := new(big.Int)
	whole := make([]*big.Int, len(shares))
	for i, share := range shares {
		whole[i] = share.big()
		sum.Add(sum, whole[i])
	}
	perLine := make([]int64, len(shares))
	rests := make([]*big.Int, len(shares))
	left, times := points, big.NewInt(points)
	for i := range whole {
		quotient, rest := new(big.Int).DivMod(whole[i].Mul(whole[i], times), sum, new(big.Int)) // the rest is never below zero: rounded down
		perLine[i], rests[i] = quotient.Int64(), rest
		left -= perLine[i]
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rests[b].Cmp(rests[a]) })
	for _, i := range order {
		if left <= 0 {
			break
		}
		perLine[i]++
		left--
	}
	return perLine
}

// within holds what a rule gives to so many points: unchanged where it is no more, else in proportion. Units are rounded down per line, and
// the few that are left go to the first lines.
func within(units []wide, points, denominator int64) []wide {
	limit := product(points, denominator)
	var sum wide
	for _, u := range units {
		sum = sum.plus(u)
	}
	if !sum.above(limit) {
		return units
	}
	whole, most := sum.big(), limit.big()
	left := limit.big()
	held := make([]wide, len(units))
	for i, u := range units {
		part := u.big()
		part.Div(part.Mul(part, most), whole)
		held[i] = wideOf(part)
		left.Sub(left, part)
	}
	for i := range held {
		if left.Sign() <= 0 {
			break
		}
		if units[i] != (wide{}) {
			held[i] = held[i].plus(product(1, 1))
			left.Sub(left, one)
		}
	}
	return held
}

var one = big.NewInt(1)
