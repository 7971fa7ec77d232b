package insight

import (
	"context"
	"errors"
	"fmt"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// ErrNoEarlierRun is returned when there is no scoring run of an earlier day to compare the newest one with.
var ErrNoEarlierRun = errors.New("no scoring run of an earlier day")

// Cell is how many customers went from one segment to another between two runs; both are the same for those who stayed.
type Cell struct {
	// From and To are the segments' codes; empty: in none then, or in none any more.
	From, To string
	// Accounts is how many.
	Accounts int64
}

// Movement is who moved where between two runs.
type Movement struct {
	// Since and Until are the days as of which the two runs were made, days since 1970-01-01.
	Since, Until int32
	// Cells are the migration matrix, by the two codes.
	Cells []Cell
	// Ideal is the segment that stands first in the programme.
	Ideal string
	// Up went to a better segment, Down to a worse one, Stayed did neither; Into and OutOf came into the ideal one and left it, Arrived and
	// Gone were in a segment in one of the two runs only.
	Up, Down, Stayed, Into, OutOf, Arrived, Gone int64
}

// Move returns who moved where between the newest run of a day at most since (days since 1970-01-01; 0 for the newest run of an earlier day
// than the last) and the newest run. Better is what stands earlier in the programme. It returns ErrNoEarlierRun, wrapped, when there is no such
// run.
func Move(ctx context.Context, w *warehouse.Warehouse, programme *programmev1.Programme, since int32) (*Movement, error) {
	m := &Movement{}
	rank := map[string]int{}
	for i, s := range programme.GetSegments() {
		if i == 0 {
			m.Ideal = s.GetCode()
		}
		rank[s.GetCode()] = i
	}
	found := false
	err := ask(ctx, w, "movement", []any{warehouse.Arg("since", since)}, func(row warehouse.Row) error {
		found = true
		var from, to *string
		var c Cell
		if err := row.Scan(&m.Since, &m.Until, &from, &to, &c.Accounts); err != nil || from == nil || to == nil {
			return err
		}
		c.From, c.To = *from, *to
		m.Cells = append(m.Cells, c)
		m.add(c, rank)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !found {
		text := "score as of a later day first"
		if since != 0 {
			text = "none was made as of " + time.Unix(int64(since)*86400, 0).UTC().Format(time.DateOnly) + " or before"
		}
		return nil, fmt.Errorf("%w: %s", ErrNoEarlierRun, text)
	}
	return m, nil
}

// add counts a cell.
func (m *Movement) add(c Cell, rank map[string]int) {
	from, wasKnown := rank[c.From]
	to, isKnown := rank[c.To]
	switch {
	case c.From == "":
		m.Arrived += c.Accounts
	case c.To == "":
		m.Gone += c.Accounts
	case !wasKnown || !isKnown || from == to:
		m.Stayed += c.Accounts
	case to < from:
		m.Up += c.Accounts
	default:
		m.Down += c.Accounts
	}
	if c.From != m.Ideal && c.To == m.Ideal {
		m.Into += c.Accounts
	}
	if c.From == m.Ideal && c.To != m.Ideal {
		m.OutOf += c.Accounts
	}
}
