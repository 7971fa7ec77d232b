package clv

import (
	"math"
	"slices"
)

// Edges are the lower ends of bands, ascending. A value is published as the greatest edge it reaches, so that what is published is
// never more than what was reckoned, changes seldom, and compares exactly with a condition that names an edge.
type Edges []int64

// Band returns the greatest edge that v reaches: v in 12.7 among 5, 10, 20 is 10. Below the first edge, and for a NaN, it returns 0.
// Without edges it returns v rounded down.
func (e Edges) Band(v float64) int64 {
	whole := int64(math.Floor(within(v, 0, 1<<62)))
	if len(e) == 0 {
		return whole
	}
	above, reached := slices.BinarySearch(e, whole)
	switch {
	case reached:
		return whole
	case above == 0:
		return 0
	}
	return e[above-1]
}

// Keeps reports whether v lies in the band that begins at from, or in one of the two beside it. A customer who does nothing drifts through
// bands slowly; what was published of her may stay for so long, and is then never off by more than one band. It is false when no band begins
// at from, and without edges.
func (e Edges) Keeps(from int64, v float64) bool {
	at, found := slices.BinarySearch(e, from)
	if !found && from != 0 || len(e) == 0 {
		return false
	}
	if !found {
		at = -1 // below the first edge
	}
	whole := int64(math.Floor(within(v, 0, 1<<62)))
	return (at < 1 || whole >= e[at-1]) && (at+2 >= len(e) || whole < e[at+2])
}

// Bands are the bands of what is published about customers.
type Bands struct {
	// Alive is in millionths.
	Alive Edges
	// Receipts is in thousandths of a receipt.
	Receipts Edges
	// NextPurchaseDays is in days.
	NextPurchaseDays Edges
	// Minor is in minor units, for values and mean spend.
	Minor Edges
}

// DefaultBands returns bands wide enough that a customer who does nothing seldom moves from one day to the next: probabilities in steps of
// five in a hundred, receipts in halves and wholes, days in weeks and months, money in steps of 1, 2, 5, 10, 20, 50 and so on.
func DefaultBands() Bands {
	var b Bands
	for p := int64(50_000); p <= 1_000_000; p += 50_000 {
		b.Alive = append(b.Alive, p)
	}
	b.Receipts = Edges{100, 250, 500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 12_000, 16_000, 20_000, 26_000, 39_000, 52_000, 78_000, 104_000, 156_000, 208_000, 300_000}
	b.NextPurchaseDays = Edges{1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 56, 84, 112, 140, 182, 273, 365, 730, 1461, MaxNextPurchaseDays}
	for ten := int64(100); ten <= 1e14; ten *= 10 {
		b.Minor = append(b.Minor, ten, 2*ten, 5*ten)
	}
	return b
}

// Published is a prediction as it is published: banded, in integers.
type Published struct {
	// AliveMillionths is the probability that the customer has not left.
	AliveMillionths int64
	// ReceiptsThousandths is how often she is expected to buy in twelve months.
	ReceiptsThousandths int64
	// NextPurchaseDays is the median number of days to her next purchase.
	NextPurchaseDays int64
	// MeanSpendMinor is what a purchase day of hers is worth.
	MeanSpendMinor int64
	// ValueMinor is her turnover in twelve months.
	ValueMinor int64
	// DiscountedMinor is the same, discounted.
	DiscountedMinor int64
}

// Publish returns the bands a prediction falls into.
func (b Bands) Publish(p Prediction) Published {
	// A value a rounding error below an edge has reached it.
	const slack = 1e-6
	return Published{
		AliveMillionths:     b.Alive.Band(p.Alive*1e6 + slack),
		ReceiptsThousandths: b.Receipts.Band(p.Value.Receipts*1e3 + slack),
		NextPurchaseDays:    b.NextPurchaseDays.Band(float64(p.NextPurchaseDays)),
		MeanSpendMinor:      b.Minor.Band(p.Value.MeanSpendMinor + slack),
		ValueMinor:          b.Minor.Band(p.Value.Minor + slack),
		DiscountedMinor:     b.Minor.Band(p.Value.DiscountedMinor + slack),
	}
}
