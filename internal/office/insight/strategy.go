package insight

import (
	"context"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Quadrant is one field of the matrix of loyalty by value.
type Quadrant struct {
	Count
	// Strategy says how customers like these are best treated.
	Strategy string
}

// Matrix is customers by how long they have been customers and how much they spend. Long and high are at least as much as half of all.
type Matrix struct {
	// LongDays is from how many days on somebody has been a customer for long.
	LongDays int64
	// HighMinor is from how much on a customer's value is high.
	HighMinor int64
	// Quadrants are supporter, friend, acquaintance and passer_by, in that order, also those that are empty.
	Quadrants []Quadrant
}

// strategies say how the customers of a quadrant are best treated.
var strategies = []struct{ code, text string }{
	{"supporter", "Long with you and worth much: keep them. Thank, give first access and good service, ask them to bring a friend; no discounts they do not need."},
	{"friend", "Long with you, spending little: let them grow. Show what else there is, in what they already buy; never cost more than they bring."},
	{"acquaintance", "New or seldom, spending much: win them. Let the next visits come soon and go well; make saving points worthwhile from the start."},
	{"passer_by", "New or seldom, spending little: welcome them, and spend nothing beyond that until they come back."},
}

// Strategy returns the matrix of loyalty by value.
func Strategy(ctx context.Context, w *warehouse.Warehouse) (*Matrix, error) {
	m := &Matrix{}
	found := map[string]Count{}
	err := ask(ctx, w, "strategy", nil, func(row warehouse.Row) error {
		var c Count
		err := row.Scan(&c.Code, &c.Accounts, &c.MonetaryMinor, &m.LongDays, &m.HighMinor)
		found[c.Code] = c
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range strategies {
		c := found[s.code]
		c.Code = s.code
		m.Quadrants = append(m.Quadrants, Quadrant{Count: c, Strategy: s.text})
	}
	return m, nil
}
