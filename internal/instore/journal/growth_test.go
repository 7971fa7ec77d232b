package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// TestGrowth fills a journal: first exposures are no longer kept, receipts later, lookups always go on; once room was made and the file written anew,
// all is taken again and the file is small.
func TestGrowth(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.MaxSize, cfg.MapSize = 24<<20, 1<<20
	j := openWith(t, file(t), cfg)
	id := subject(1)
	expose := func(n int) error {
		return j.RecordExposures(t.Context(), []*outcomev1.UnclaimedExposure{{
			AccountId: id[:], Exposure: &outcomev1.Exposure{SuggestionId: fmt.Sprint(n), Campaign: "thanks"},
		}})
	}
	sell := func(n int) error {
		req := request(fmt.Sprint(n), subject(1), 1)
		book := req.Book
		req.Book = func(v *journal.View) (*journal.Booking, error) {
			b, err := book(v)
			b.Answer = bytes.Repeat([]byte("x"), 20<<10)
			return b, err
		}
		_, err := j.Record(t.Context(), req)
		return err
	}
	exposuresUntil, n := -1, 0
	var err error
	for ; err == nil && n < 5000; n++ {
		if full := expose(n); exposuresUntil < 0 && errors.Is(full, journal.ErrFull) {
			exposuresUntil = n
		}
		err = sell(n)
	}
	if !errors.Is(err, journal.ErrFull) || exposuresUntil < 0 {
		t.Fatalf("after %d receipts: %v; exposures until %d", n, err, exposuresUntil)
	}
	// 90 and 97 percent of the same size: the shares of receipts taken tell them apart.
	if share := float64(exposuresUntil) / float64(n-1); share < 0.85 || share > 0.98 {
		t.Errorf("exposures end after %d of %d receipts, want about nine tenths", exposuresUntil, n-1)
	}
	if got := points(t, j, subject(1), nothingCounted); got != int64(n-1) {
		t.Errorf("%d points after %d acknowledged receipts", got, n-1)
	}
	full, _ := j.Size()
	deliver(t, j)
	prune(t, j, uint64(3*n))
	if _, err := j.Forget(t.Context(), noon.AddDate(1, 0, 0), noon.AddDate(-1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if size, free := j.Size(); free*2 < size {
		t.Errorf("%d of %d bytes are free after all was counted", free, size)
	}
	if err := errors.Join(expose(n), sell(n)); err != nil {
		t.Errorf("after room was made: %v", err)
	}
	if _, err := j.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if size, _ := j.Size(); size > full/2 {
		t.Errorf("%d bytes after it was written anew, %d when it was full", size, full)
	}
	if err := j.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
