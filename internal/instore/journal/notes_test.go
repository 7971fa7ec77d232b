package journal_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// TestLocalNotes keeps with a receipt what it was booked with, tells what a release has counted, and lets go of it with the row.
func TestLocalNotes(t *testing.T) {
	j := open(t, file(t))
	for i, note := range []string{"first", "", "third"} {
		req := request(fmt.Sprint(i), subject(1), 10)
		book := req.Book
		req.Book = func(v *journal.View) (*journal.Booking, error) {
			b, err := book(v)
			b.Note = []byte(note)
			return b, err
		}
		record(t, j, req)
	}
	record(t, j, request("9", subject(2), 10))
	look := func(through uint64) (notes []string) {
		t.Helper()
		err := j.View(func(v *journal.View) error {
			return v.LocalNotes(subject(1), func([16]byte) uint64 { return through }, func(n journal.Note) error {
				notes = append(notes, fmt.Sprintf("%d %s %t", n.Number, n.Note, n.Counted))
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return notes
	}
	if got := look(2); !slices.Equal(got, []string{"1 first true", "2  true", "3 third false"}) {
		t.Errorf("notes: %q", got)
	}
	err := j.View(func(v *journal.View) error {
		row, err := v.Booked(2)
		if err == nil && row.GetReceipt().GetKey().GetReceiptNo() != "1" {
			t.Errorf("row 2 is %v", row)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, j)
	prune(t, j, 2)
	if got := look(0); !slices.Equal(got, []string{"3 third false"}) {
		t.Errorf("after two rows went: %q", got)
	}
}
