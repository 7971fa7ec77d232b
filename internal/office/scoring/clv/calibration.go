package clv

import "fmt"

// Outcome is a history up to some day, and what came of it afterwards.
type Outcome struct {
	Summary
	// Later is on how many days the row's customers bought in the hold-out after that day, all together. See PurchaseDays.
	Later int64
}

// Class is customers with the same number of repeat purchases, what was foretold of them, and what they did.
type Class struct {
	// Repeats is x.
	Repeats int
	// OrMore means that customers with a greater x are in the class too.
	OrMore bool
	// Customers is how many there are.
	Customers int64
	// Actual is how many purchase days they had in the hold-out.
	Actual int64
	// Predicted is how many the model expected.
	Predicted float64
}

// ActualMean returns the purchase days of one customer; 0 for an empty class.
func (c Class) ActualMean() float64 { return ratio(float64(c.Actual), float64(c.Customers)) }

// PredictedMean returns what the model expected of one customer; 0 for an empty class.
func (c Class) PredictedMean() float64 { return ratio(c.Predicted, float64(c.Customers)) }

// Error returns by what share of the actual number the prediction is off, negative when too low: −0.1 for one in ten too few. 0 when there
// was nothing to foretell.
func (c Class) Error() float64 { return ratio(c.Predicted-float64(c.Actual), float64(c.Actual)) }

// Label returns "3", or "7+" for a class with more.
func (c Class) Label() string {
	if c.OrMore {
		return fmt.Sprintf("%d+", c.Repeats)
	}
	return fmt.Sprint(c.Repeats)
}

// Table is a model's forecast against what happened, by class and in total.
type Table struct {
	// Horizon is the length of the hold-out.
	Horizon Weeks
	// Classes are x = 0, 1, 2 … and the last one with all that is more.
	Classes []Class
	// Total is all customers together.
	Total Class
}

// CalibrationTable foretells of each customer the purchases in the horizon after her history ends, and sets the sum beside what happened,
// for x from 0 to last, where the last class holds all customers with last repeat purchases or more. It is the comparison of Figure 4 of
// Fader, Hardie & Lee (2005), whose last class is 7. Fit the model to the same histories, never to the hold-out. It returns ErrSummary,
// naming the row, when a row cannot be.
func CalibrationTable(m BGNBD, rows []Outcome, horizon Weeks, last int) (Table, error) {
	last = min(max(last, 0), 1000)
	t := Table{Horizon: horizon, Classes: make([]Class, last+1)}
	for x := range t.Classes {
		t.Classes[x].Repeats = x
	}
	t.Classes[last].OrMore = true
	for i, row := range rows {
		if err := row.check(); err != nil {
			return Table{}, fmt.Errorf("row %d: %w", i+1, err)
		}
		if row.Later < 0 {
			return Table{}, fmt.Errorf("row %d: %w: %d purchases in the hold-out", i+1, ErrSummary, row.Later)
		}
		expected := float64(row.weight()) * m.ExpectedReceipts(horizon, int(row.Repeats), row.Recency(), row.Age())
		for _, c := range []*Class{&t.Classes[min(int(row.Repeats), last)], &t.Total} {
			c.Customers += row.weight()
			c.Actual += row.Later
			c.Predicted += expected
		}
	}
	t.Total.OrMore = true
	return t, nil
}

// ratio returns a/b, or 0 when b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
