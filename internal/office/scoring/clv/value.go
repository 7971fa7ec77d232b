package clv

import "math"

// DaysAYear is what twelve months count as.
const DaysAYear = 365

// Horizon is how far ahead a customer's value is reckoned, and how later money is discounted.
type Horizon struct {
	// Steps is how many periods are reckoned; less than 1 counts as 1.
	Steps int
	// Step is the length of one.
	Step Weeks
	// Rate is by how much money is worth less for each step it comes later: 0.01 for one in a hundred. What comes in during a step is
	// discounted to its end, the first step by one step's rate. Negative counts as 0.
	Rate float64
}

// Year returns twelve equal months of together 365 days, at a yearly discount rate: 0.1 for ten in a hundred. A negative rate counts as 0.
func Year(yearlyRate float64) Horizon {
	rate := within(yearlyRate, 0, 1000)
	return Horizon{Steps: 12, Step: WeeksOf(DaysAYear) / 12, Rate: math.Expm1(math.Log1p(rate) / 12)}
}

// Value is what a customer is expected to bring over a horizon. Money is turnover in minor units; times the share that is margin, it is
// profit.
type Value struct {
	// Receipts is on how many days she will buy.
	Receipts float64
	// MeanSpendMinor is what such a day is worth.
	MeanSpendMinor float64
	// Minor is the one times the other.
	Minor float64
	// DiscountedMinor is the same, each step's share discounted.
	DiscountedMinor float64
}

// Over returns what a customer with this history brings over the horizon, if a purchase day is worth meanMinor.
func (m BGNBD) Over(h Horizon, meanMinor float64, x int, recency, age Weeks) Value {
	steps := max(h.Steps, 1)
	rate := within(h.Rate, 0, 1000)
	mean := within(meanMinor, 0, MaxMinor)
	v := Value{MeanSpendMinor: mean, Receipts: m.ExpectedReceipts(Weeks(steps)*h.Step, x, recency, age)}
	v.Minor = v.Receipts * mean
	if rate == 0 {
		v.DiscountedMinor = v.Minor
		return v
	}
	factor, before, discounted := 1.0, 0.0, 0.0
	for i := 1; i <= steps; i++ {
		factor /= 1 + rate
		through := v.Receipts
		if i < steps {
			through = m.ExpectedReceipts(Weeks(i)*h.Step, x, recency, age)
		}
		discounted += (through - before) * factor
		before = through
	}
	v.DiscountedMinor = discounted * mean
	return v
}

// Value12Months returns what a customer is expected to bring in the twelve months after the day her history ends, undiscounted and
// discounted at a yearly rate, month by month, at each month's end.
func Value12Months(m BGNBD, g GammaGamma, h History, yearlyRate float64) Value {
	mean := 0.0
	if h.Repeats > 0 {
		mean = float64(h.RepeatMinor) / float64(h.Repeats)
	}
	return m.Over(Year(yearlyRate), g.ConditionalMeanSpend(int(h.Repeats), mean), int(h.Repeats), h.Recency(), h.Age())
}

// Prediction is what the models foretell of one customer.
type Prediction struct {
	// Alive is the probability that she has not left.
	Alive float64
	// NextPurchaseDays is the median number of days to her next purchase, given that she is alive.
	NextPurchaseDays int
	// Value is what she is expected to bring in twelve months.
	Value Value
}

// Predict returns what the models foretell of one customer, from the day her history ends.
func Predict(m BGNBD, g GammaGamma, h History, yearlyRate float64) Prediction {
	return Prediction{
		Alive:            m.PAlive(int(h.Repeats), h.Recency(), h.Age()),
		NextPurchaseDays: m.NextPurchase(int(h.Repeats), h.Age()),
		Value:            Value12Months(m, g, h, yearlyRate),
	}
}
