package journal_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// TestOneViewAnswersLikeMany asks one view about many subjects, of which most have nothing here and some only some of all kinds, in any order: it
// answers as views do that are asked once.
func TestOneViewAnswersLikeMany(t *testing.T) {
	t.Parallel()
	j := open(t, file(t))
	random := rand.New(rand.NewPCG(4, 7))
	for i := range 40 {
		req := request(fmt.Sprint(i), subject(3*random.IntN(10)), int64(1+i))
		if i%3 == 0 { // a receipt that earned nothing
			book := req.Book
			req.Book = func(v *journal.View) (*journal.Booking, error) {
				b, err := book(v)
				b.Row.Entries = nil
				return b, err
			}
		}
		record(t, j, req)
	}
	questions := []func(v *journal.View, of [16]byte) (string, error){
		func(v *journal.View, of [16]byte) (string, error) {
			sum, err := v.LocalPoints(of, nothingCounted)
			return fmt.Sprint("points ", sum), err
		},
		func(v *journal.View, of [16]byte) (said string, err error) {
			err = v.LocalNotes(of, nothingCounted, func(n journal.Note) error {
				said += fmt.Sprint(" note ", n.Number)
				return nil
			})
			return said, err
		},
		func(v *journal.View, of [16]byte) (said string, err error) {
			err = v.LocalContacts(of, nothingCounted, func(journal.Contact) error {
				said += " contact"
				return nil
			})
			return said, err
		},
		func(v *journal.View, of [16]byte) (said string, err error) {
			err = v.LocalPreferences(of, nothingCounted, func(*outcomev1.Preference) error {
				said += " wish"
				return nil
			})
			return said, err
		},
	}
	heard := 0
	for range 200 {
		err := j.View(func(many *journal.View) error {
			for range 12 {
				of, ask := subject(random.IntN(32)), questions[random.IntN(len(questions))]
				got, err := ask(many, of)
				if err != nil {
					return err
				}
				var want string
				err = j.View(func(once *journal.View) (err error) {
					want, err = ask(once, of)
					return err
				})
				if err != nil {
					return err
				}
				if got != want {
					t.Fatalf("of %x one view says %q, a new one %q", of, got, want)
				}
				if want != "" && want != "points 0" {
					heard++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if heard < 100 {
		t.Errorf("only %d of 2,400 questions were about something", heard)
	}
}
