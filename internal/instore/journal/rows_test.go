package journal_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

func rows(tb testing.TB, j *journal.Journal, n int) journal.Batch {
	tb.Helper()
	batch, err := j.Rows(n, 1<<20)
	if err != nil {
		tb.Fatal(err)
	}
	return batch
}

func recordMany(tb testing.TB, j *journal.Journal, from, to int) {
	tb.Helper()
	for i := from; i < to; i++ {
		record(tb, j, request(fmt.Sprint(i), subject(1), 1))
	}
}

// TestChain recomputes the chain by its definition: SHA-256(chain before ‖ row), from 32 zero bytes.
func TestChain(t *testing.T) {
	j := open(t, file(t))
	recordMany(t, j, 0, 5)
	all := rows(t, j, 100)
	if all.First != 1 || all.ChainBefore != [32]byte{} || len(all.Rows) != 5 || all.Through() != 5 {
		t.Fatalf("batch %+v", all)
	}
	var sum [32]byte
	for i, row := range all.Rows {
		if got := decode(t, row).GetSequence(); got != uint64(i+1) {
			t.Errorf("row %d says it is %d", i+1, got)
		}
		sum = sha256.Sum256(append(sum[:], row...))
	}
	if all.ChainAfter() != sum {
		t.Error("the chain is not as defined")
	}
	if two := rows(t, j, 2); two.Through() != 2 {
		t.Errorf("at most two: %d", two.Through())
	}
	small, err := j.Rows(100, 1)
	if err != nil || len(small.Rows) != 1 {
		t.Errorf("at least one: %d, %v", len(small.Rows), err)
	}
}

func TestConfirm(t *testing.T) {
	path := file(t)
	j := open(t, path)
	recordMany(t, j, 0, 5)
	two, five := rows(t, j, 2), rows(t, j, 5)
	if err := j.Confirm(t.Context(), two.Incarnation, 2, [32]byte{9}); !errors.Is(err, journal.ErrForked) {
		t.Errorf("another chain: %v", err)
	}
	if err := j.Confirm(t.Context(), two.Incarnation, 6, [32]byte{9}); !errors.Is(err, journal.ErrForked) {
		t.Errorf("more than was recorded: %v", err)
	}
	if err := j.Confirm(t.Context(), [16]byte{9}, 2, two.ChainAfter()); !errors.Is(err, journal.ErrStale) {
		t.Errorf("another incarnation: %v", err)
	}
	if n := waiting(t, j); n != 5 {
		t.Errorf("%d wait after refusals", n)
	}
	for _, b := range []journal.Batch{two, two, five, two} { // twice, and late, is harmless
		if err := j.Confirm(t.Context(), b.Incarnation, b.Through(), b.ChainAfter()); err != nil {
			t.Fatal(err)
		}
	}
	if n := waiting(t, j); n != 0 {
		t.Errorf("%d wait", n)
	}
	recordMany(t, j, 5, 6)
	j.Close()
	next := rows(t, open(t, path), 10)
	if next.First != 6 || len(next.Rows) != 1 || next.ChainBefore != five.ChainAfter() {
		t.Errorf("after a restart: from %d, %d rows", next.First, len(next.Rows))
	}
}

// TestPruneNeedsBoth proves that a row goes only when it is confirmed and every openable release has counted it.
func TestPruneNeedsBoth(t *testing.T) {
	upTo := func(ledger, receipts uint64) journal.Counted {
		return journal.Counted{CutOff: func([16]byte) (uint64, uint64) { return ledger, receipts }}
	}
	scored := func(day int32) journal.Counted {
		c := upTo(9, 9)
		c.ScoredAsOf = day
		return c
	}
	const today = 20526 // 2026-03-14
	for _, tc := range []struct {
		name      string
		confirmed int
		openable  []journal.Counted
		want      int
	}{
		{"no release", 6, nil, 0},
		{"nothing confirmed", 0, []journal.Counted{upTo(6, 6)}, 0},
		{"confirmed in part", 2, []journal.Counted{upTo(6, 6)}, 2},
		{"counted in part", 6, []journal.Counted{upTo(3, 6)}, 3},
		{"scored in part", 6, []journal.Counted{upTo(6, 4)}, 4},
		{"an older release may still be opened", 6, []journal.Counted{upTo(6, 6), upTo(1, 6)}, 1},
		{"scored as of yesterday", 6, []journal.Counted{scored(today - 1)}, 0},
		{"scored as of today", 6, []journal.Counted{scored(today)}, 6},
		{"all", 6, []journal.Counted{upTo(6, 6)}, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := open(t, file(t))
			recordMany(t, j, 0, 6)
			if tc.confirmed > 0 {
				b := rows(t, j, tc.confirmed)
				if err := j.Confirm(t.Context(), b.Incarnation, b.Through(), b.ChainAfter()); err != nil {
					t.Fatal(err)
				}
			}
			got, err := j.Prune(t.Context(), tc.openable)
			if got != tc.want || err != nil {
				t.Errorf("%d rows went (%v), want %d", got, err, tc.want)
			}
			if left := points(t, j, subject(1), nothingCounted); left != int64(6-tc.want) {
				t.Errorf("%d points left", left)
			}
			if rec := record(t, j, request("0", subject(1), 1)); !rec.Replayed {
				t.Error("a pruned receipt's key was forgotten")
			}
		})
	}
}

// TestPruneManySteps goes over the length of one transaction.
func TestPruneManySteps(t *testing.T) {
	j := open(t, file(t))
	recordMany(t, j, 0, 1203)
	deliver(t, j)
	if got := prune(t, j, 1200); got != 1200 {
		t.Errorf("%d rows went, want 1200", got)
	}
	if left := points(t, j, subject(1), nothingCounted); left != 3 {
		t.Errorf("%d points left", left)
	}
}

// TestSaleOutlivesItsRow: what a return needs is there after the row went, the card and what was shown are not.
func TestSaleOutlivesItsRow(t *testing.T) {
	j := open(t, file(t))
	record(t, j, request("1", subject(1), 7))
	deliver(t, j)
	prune(t, j, 1)
	err := j.View(func(v *journal.View) error {
		st, err := v.Receipt([]byte("key of 1"))
		if err != nil {
			return err
		}
		if e := st.Sale.GetEntries(); len(e) != 1 || e[0].GetPointsPerLine()[0] != 7 || len(st.Sale.GetReceipt().GetLines()) != 1 {
			t.Errorf("sale %v", st.Sale)
		}
		if st.Sale.GetReceipt().GetIdentifier() != nil {
			t.Error("the card is still there")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestForget(t *testing.T) {
	now := noon
	cfg := config()
	cfg.Now = func() time.Time { return now }
	j := openWith(t, file(t), cfg)
	record(t, j, request("old", subject(1), 7))
	now = now.AddDate(0, 0, 10)
	record(t, j, request("new", subject(1), 8))
	deliver(t, j)
	days := func(n int) time.Time { return noon.AddDate(0, 0, n).Add(time.Second) }
	if n, err := j.Forget(t.Context(), days(1), days(1)); n != 0 || err != nil {
		t.Errorf("%d keys forgotten whose rows are here, %v", n, err)
	}
	if rec := record(t, j, request("old", subject(1), 7)); !rec.Replayed || string(rec.Answer) != "7" {
		t.Errorf("after the whole answer's time: %+v", rec)
	}
	if rec := record(t, j, request("new", subject(1), 8)); !rec.Replayed || string(rec.Answer) != "8 points on new" {
		t.Errorf("before it: %+v", rec)
	}
	prune(t, j, 2)
	if n, err := j.Forget(t.Context(), days(1), days(1)); n != 1 || err != nil {
		t.Errorf("%d keys forgotten, %v", n, err)
	}
	if rec := record(t, j, request("old", subject(1), 7)); rec.Replayed {
		t.Error("its key was not forgotten")
	}
	if rec := record(t, j, request("new", subject(1), 8)); !rec.Replayed {
		t.Error("a newer key was forgotten")
	}
}

// TestForkKeepsWhatIsAgreed: rows both sides agree on stay as they are, the rest goes up under a new incarnation.
// TestPlaceMovesWithItsRow: a receipt is not written to ages nor to the set of entries while its key and its row say the same.
func TestPlaceMovesWithItsRow(t *testing.T) {
	j := open(t, file(t))
	recordMany(t, j, 0, 4)
	reward := request("reward", subject(1), 3)
	book := reward.Book
	reward.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		b.Own = false
		return b, err
	}
	record(t, j, reward)
	stand := func(when string, wantAges, wantEntries int) {
		t.Helper()
		ages, entries, err := j.Ages()
		if err != nil || len(ages) != wantAges || entries != wantEntries {
			t.Errorf("%s: %d places in ages, %d entries, %v; want %d and %d", when, len(ages), entries, err, wantAges, wantEntries)
		}
	}
	stand("recorded", 0, 1)
	deliver(t, j)
	prune(t, j, 3)
	stand("three rows are gone", 3, 1)
	if n, err := j.Forget(t.Context(), noon.Add(time.Hour), noon.Add(time.Hour)); n != 3 || err != nil {
		t.Errorf("%d keys forgotten, %v; want those 3 whose rows are gone", n, err)
	}
	stand("three keys are forgotten", 0, 1)
	if rec := record(t, j, request("3", subject(0), 1)); !rec.Replayed || string(rec.Answer) != "1" {
		t.Errorf("of the fourth, whose row is here, %+v is left; want its brief", rec)
	}
	prune(t, j, 5)
	stand("all rows are gone", 2, 1)
	if n, err := j.Forget(t.Context(), noon.Add(time.Hour), noon.Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("%d keys forgotten, %v; want the other 2", n, err)
	}
	stand("all keys are forgotten", 0, 0)
}

func TestForkKeepsWhatIsAgreed(t *testing.T) {
	j := open(t, file(t))
	recordMany(t, j, 0, 6)
	agreed := rows(t, j, 4)
	before := agreed.Incarnation
	if err := j.Fork(t.Context(), before, 4, agreed.ChainAfter()); err != nil {
		t.Fatal(err)
	}
	if err := j.Fork(t.Context(), before, 4, agreed.ChainAfter()); err != nil { // told twice
		t.Fatal(err)
	}
	next := rows(t, j, 10)
	if next.Incarnation == before || next.First != 1 || next.ChainBefore != [32]byte{} || len(next.Rows) != 2 {
		t.Fatalf("from %d, %d rows", next.First, len(next.Rows))
	}
	if no := decode(t, next.Rows[0]).GetReceipt().GetReceipt().GetKey().GetReceiptNo(); no != "4" {
		t.Errorf("begins with receipt %s", no)
	}
	if _, why := j.Born(); why != journal.Forked {
		t.Errorf("because %v", why)
	}
	// A release that counted ten rows of the old incarnation counted four of ours; the others were somebody else's.
	old := func(id [16]byte) uint64 {
		if id == before {
			return 10
		}
		return 0
	}
	if got := points(t, j, subject(1), old); got != 2 {
		t.Errorf("%d points beyond, want 2", got)
	}
}

// TestForkWithAnotherChain: when head office's word does not hold, the new incarnation begins after what was confirmed.
func TestForkWithAnotherChain(t *testing.T) {
	j := open(t, file(t))
	recordMany(t, j, 0, 3)
	deliver(t, j)
	recordMany(t, j, 3, 6)
	if err := j.Fork(t.Context(), j.Incarnation(), 5, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if next := rows(t, j, 10); len(next.Rows) != 3 || next.First != 1 {
		t.Errorf("from %d, %d rows", next.First, len(next.Rows))
	}
}

func TestRewind(t *testing.T) {
	confirmed := func(t *testing.T) (*journal.Journal, [16]byte) {
		t.Helper()
		j := open(t, file(t))
		recordMany(t, j, 0, 3)
		deliver(t, j)
		recordMany(t, j, 3, 6)
		deliver(t, j)
		return j, j.Incarnation()
	}
	t.Run("to what is still here", func(t *testing.T) {
		j, id := confirmed(t)
		if err := j.Rewind(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		next := rows(t, j, 10)
		if next.Incarnation != id || next.First != 4 || len(next.Rows) != 3 {
			t.Errorf("from %d, %d rows", next.First, len(next.Rows))
		}
		deliver(t, j)
	})
	t.Run("to the beginning", func(t *testing.T) {
		j, id := confirmed(t)
		if err := j.Rewind(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if next := rows(t, j, 10); next.Incarnation != id || next.First != 1 || next.ChainBefore != [32]byte{} {
			t.Errorf("from %d", next.First)
		}
	})
	t.Run("to what is gone", func(t *testing.T) {
		j, id := confirmed(t)
		prune(t, j, 5)
		if err := j.Rewind(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		next := rows(t, j, 10)
		if next.Incarnation == id || next.First != 1 || len(next.Rows) != 1 {
			t.Errorf("from %d, %d rows", next.First, len(next.Rows))
		}
		if _, why := j.Born(); why != journal.Lost {
			t.Errorf("because %v", why)
		}
		// The release before the loss counted all six; the row that goes up again is not counted twice.
		if got := points(t, j, subject(1), func(of [16]byte) uint64 {
			if of == id {
				return 6
			}
			return 0
		}); got != 0 {
			t.Errorf("%d points beyond, want 0", got)
		}
	})
}

// TestFutureDateKeepsNoRowForEver: a till whose calendar runs a century ahead.
func TestFutureDateKeepsNoRowForEver(t *testing.T) {
	j := open(t, file(t))
	req := request("1", subject(1), 1)
	book := req.Book
	req.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		b.Row.Receipt.Key = &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2126-03-14", ReceiptNo: "1"}
		return b, err
	}
	record(t, j, req)
	deliver(t, j)
	counted := journal.Counted{CutOff: func([16]byte) (uint64, uint64) { return 1, 1 }, ScoredAsOf: 20526 + 1}
	if n, err := j.Prune(t.Context(), []journal.Counted{counted}); n != 1 || err != nil {
		t.Errorf("%d rows went, %v", n, err)
	}
}
