package till

import (
	"fmt"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/segment"
)

// earning is what a customer's points are reckoned on, but for the goods: the moment, who it is, and what of the business day counts already.
func (c *call) earning(v *journal.View, w *who, s *standing, at time.Time, day int32) (loyalty.Sale, error) {
	sale := loyalty.Sale{Store: c.store, At: at, Tier: s.tier, Segment: s.segment}
	if !c.earn.CountsTheDay() {
		return sale, nil
	}
	numbers, err := c.rowsOf(v, w, day)
	if err != nil {
		return sale, err
	}
	done := map[string]*outcomev1.RecordedReceipt{}
	for _, number := range numbers {
		row, err := v.Booked(number)
		if err != nil {
			return sale, err
		}
		r := row.GetReceipt()
		switch {
		case r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM:
			done[string(loyalty.KeyBytes(r.GetOriginal()))] = row
		case r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
			delete(done, string(loyalty.KeyBytes(r.GetOriginal())))
		case r.GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_SALE || dayOf(r.GetKey().GetBusinessDate()) != day:
		case row.GetFork() > 0:
			done[string(loyalty.ForkedKeyBytes(loyalty.KeyBytes(r.GetKey()), row.GetFork()))] = row
		default:
			done[string(loyalty.KeyBytes(r.GetKey()))] = row
		}
	}
	sale.FirstOfVisit = true
	for _, row := range done {
		sale.FirstOfVisit = false
		if points := awardOf(row).GetPoints(); points > 0 {
			sale.EarnedToday += points
			sale.ReceiptsToday++
		}
	}
	return sale, nil
}

// rowsOf are the rows of a customer's receipts of one business day, oldest first.
func (c *call) rowsOf(v *journal.View, w *who, day int32) ([]uint64, error) {
	subjects, err := c.subjects(w, v)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, subject := range subjects {
		err := v.LocalNotes(subject, never, func(n journal.Note) error {
			if len(n.Note) == 0 { // booked before notes were taken
				numbers = append(numbers, n.Number)
				return nil
			}
			visit, err := segment.ParseVisit(n.Note)
			if err == nil && visit.Day == day {
				numbers = append(numbers, n.Number)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("receipts of the day: %w", err)
		}
	}
	return numbers, nil
}
