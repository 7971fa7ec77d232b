package till

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/segment"
)

// visits are what this store's receipts of a customer mean for how often and for how much she buys. Counted are those that the release's scores
// have: within the cut-off, and of no later day than the scores.
func (c *call) visits(v *journal.View, subjects [][16]byte) ([]segment.Visit, error) {
	var all []segment.Visit
	asOf := c.release.Header.GetCutPoints().GetAsOfDay()
	var bare []journal.Note // booked before notes were taken
	for _, subject := range subjects {
		err := v.LocalNotes(subject, c.scored, func(n journal.Note) error {
			if len(n.Note) == 0 {
				bare = append(bare, n)
				return nil
			}
			visit, err := segment.ParseVisit(n.Note)
			if err != nil {
				return fmt.Errorf("receipt of row %d: %w", n.Number, err)
			}
			visit.Counted = n.Counted && (asOf == 0 || visit.Day <= asOf)
			all = append(all, visit)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, n := range bare {
		visit, err := c.reread(v, n.Number)
		if err != nil {
			return nil, err
		}
		visit.Counted = n.Counted && (asOf == 0 || visit.Day <= asOf)
		all = append(all, visit)
	}
	return all, nil
}

// reread works out from its row what a receipt means.
func (c *call) reread(v *journal.View, number uint64) (segment.Visit, error) {
	row, err := v.Booked(number)
	if err != nil {
		return segment.Visit{}, err
	}
	return c.visitOf(v, row.GetReceipt(), number)
}

// visitOf works out what a receipt means, from its sale and what came back of that before: before the row of that number, where it is not 0.
func (c *call) visitOf(v *journal.View, r *outcomev1.Receipt, number uint64) (segment.Visit, error) {
	day := dayOf(r.GetKey().GetBusinessDate())
	original := r.GetOriginal()
	if original == nil {
		return c.counting.VisitOf(r, day, segment.Returned{}, 0), nil
	}
	from := segment.Returned{}
	sold, err := v.Receipt(loyalty.KeyBytes(original))
	switch {
	case errors.Is(err, journal.ErrNotFound): // head office knows the sale
	case err != nil:
		return segment.Visit{}, err
	default:
		from.Sale = sold.Sale.GetReceipt()
		if from.Earlier, err = earlier(v, sold.Sale, number); err != nil {
			return segment.Visit{}, err
		}
	}
	return c.counting.VisitOf(r, day, from, dayOf(original.GetBusinessDate())), nil
}

// earlier are the receipts that brought back goods of a sale before the row of that number; all there are for 0.
func earlier(v *journal.View, sale *outcomev1.RecordedReceipt, number uint64) ([]*outcomev1.Receipt, error) {
	subject := sale.GetAccountId()
	if earned := awardOf(sale); len(subject) == 0 && earned != nil {
		subject = earned.GetIdHash()
	}
	if len(subject) != 16 {
		return nil, nil
	}
	var numbers []uint64
	err := v.LocalNotes([16]byte(subject), never, func(n journal.Note) error {
		if number == 0 || n.Number < number {
			numbers = append(numbers, n.Number)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []*outcomev1.Receipt
	for _, n := range numbers {
		row, err := v.Booked(n)
		if err != nil {
			return nil, err
		}
		if proto.Equal(row.GetReceipt().GetOriginal(), sale.GetReceipt().GetKey()) {
			all = append(all, row.GetReceipt())
		}
	}
	return all, nil
}

// today is how the customer stands with the visits that head office does not have yet: towards tiers, since when, and in which segment.
func (c *call) today(a *customerv1.Account, s *standing) {
	more, spend := segment.Progress(s.visits)
	published := a.GetLoyalty()
	values := segment.SameDay(a.GetValues(), s.visits, c.programme.GetScoring(), c.release.Header.GetCutPoints().GetAsOfDay())
	s.seen = values.GetLastReceiptDay()
	if !s.silenced {
		s.segment = c.segmentOf(a, values)
	}
	s.progress = loyalty.Standing{
		Spend: sum(published.GetQualifyingSpendMinor(), spend), Visits: published.GetQualifyingVisits() + more, Segment: s.segment,
		Points: sum(published.GetQualifyingPoints(), s.booked),
	}
}

// segmentOf is the customer's segment: as given, else by the release's cut points; a fall that is held back has not happened yet. Who is in a
// group that the programme leaves out of scoring has none.
func (c *call) segmentOf(a *customerv1.Account, values *customerv1.Values) string {
	if code := a.GetImported().GetSegment(); code != "" {
		return code
	}
	if c.segments == nil {
		return ""
	}
	if a.GetValues() == nil && slices.ContainsFunc(a.GetCustomerGroups(), func(group string) bool {
		return slices.Contains(c.programme.GetScoring().GetLeaveOut(), group)
	}) {
		return ""
	}
	return c.segments.Current(values, a.GetMemory(), c.release.Header.GetCutPoints(), loyalty.Day(c.now))
}
