package journal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

func word(n uint64) *bundlev1.LaneRecord {
	return &bundlev1.LaneRecord{Number: n, IssuedAt: timestamppb.New(noon)}
}

func objection(n uint64, account [16]byte) *bundlev1.LaneRecord {
	r := word(n)
	r.Word = &bundlev1.LaneRecord_Preference{Preference: &outcomev1.Preference{
		AccountId: account[:], Purpose: outcomev1.Purpose_PURPOSE_ALL, OccurredAt: timestamppb.New(noon),
	}}
	return r
}

func blocking(n uint64, account [16]byte, blocked bool) *bundlev1.LaneRecord {
	r := word(n)
	r.Word = &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{Thing: &bundlev1.LaneBlock_AccountId{AccountId: account[:]}, Blocked: blocked}}
	return r
}

func merging(n uint64, from, into [16]byte) *bundlev1.LaneRecord {
	r := word(n)
	r.Word = &bundlev1.LaneRecord_Merge{Merge: &bundlev1.LaneMerge{Merged: from[:], Survivor: into[:]}}
	return r
}

// cardHash is the hash of a card under a made-up content key.
func cardHash(namespace, canonical string) [16]byte {
	sum := sha256.Sum256([]byte("content" + namespace + canonical))
	return [16]byte(sum[:])
}

// erasing erases an account and the card of all receipts of these tests.
func erasing(n uint64, account [16]byte) *bundlev1.LaneRecord {
	card := cardHash("card", "2900123456785")
	r := word(n)
	r.Word = &bundlev1.LaneRecord_Erasure{Erasure: &bundlev1.LaneErasure{AccountId: account[:], Identifiers: [][]byte{card[:]}}}
	return r
}

func keepLane(tb testing.TB, j *journal.Journal, records ...*bundlev1.LaneRecord) {
	tb.Helper()
	if err := j.KeepLane(tb.Context(), records); err != nil {
		tb.Fatal(err)
	}
}

func wishes(j *journal.Journal, account [16]byte, after uint64) (n int) {
	j.Overlay().Wishes(account, after, func(*outcomev1.Preference) { n++ })
	return n
}

func TestTheLaneHoldsOverReleasesThatDoNotKnowIt(t *testing.T) {
	path := file(t)
	j := open(t, path)
	keepLane(t, j, objection(1, subject(1)), blocking(2, subject(2), true), merging(3, subject(3), subject(4)), merging(4, subject(4), subject(5)))
	check := func(when string) {
		t.Helper()
		o := j.Overlay()
		if wishes(j, subject(1), 0) != 1 || wishes(j, subject(1), 1) != 0 || wishes(j, subject(2), 0) != 0 {
			t.Errorf("%s: the objection holds over the wrong releases", when)
		}
		if blocked, said := o.Blocked(subject(2), 1); !blocked || !said {
			t.Errorf("%s: not blocked", when)
		}
		if _, said := o.Blocked(subject(2), 2); said {
			t.Errorf("%s: blocked over a release that has worked it in", when)
		}
		if o.Survivor(subject(3)) != subject(5) || o.Survivor(subject(1)) != subject(1) || len(o.Merged(subject(5))) != 2 || o.Merged(subject(3)) != nil {
			t.Errorf("%s: merged into %x, from %x", when, o.Survivor(subject(3)), o.Merged(subject(5)))
		}
	}
	check("at once")
	j.Close()
	j = open(t, path)
	check("after a restart")
	keepLane(t, j, objection(4, subject(9)), blocking(5, subject(2), false)) // one that is known again, and one that is new
	if blocked, said := j.Overlay().Blocked(subject(2), 0); blocked || !said {
		t.Error("still blocked")
	}
	if err := j.KeepLane(t.Context(), []*bundlev1.LaneRecord{objection(7, subject(1))}); !errors.Is(err, journal.ErrLaneGap) {
		t.Errorf("a gap: %v", err)
	}
	// Once every release has worked them in they go; merges stay.
	if err := j.PruneLane(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if wishes(j, subject(1), 0) != 0 || j.Overlay().Survivor(subject(3)) != subject(5) || j.LaneThrough() != 5 {
		t.Error("pruned the wrong words")
	}
}

func TestMergesInACircleEnd(t *testing.T) {
	j := open(t, file(t))
	keepLane(t, j, merging(1, subject(1), subject(2)), merging(2, subject(2), subject(1)))
	j.Overlay().Survivor(subject(1))
	if n := len(j.Overlay().Merged(subject(1))); n != 1 {
		t.Errorf("%d accounts in a circle of two", n)
	}
}

func TestTheLaneBeginsOnce(t *testing.T) {
	j := open(t, file(t))
	for _, at := range []uint64{7, 50} { // a later release does not make the journal miss what lies between
		if err := j.BeginLane(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	if j.LaneThrough() != 7 {
		t.Errorf("the lane begins after %d, want 7", j.LaneThrough())
	}
}

func TestPreferenceIsKeptOnceAndGoesUp(t *testing.T) {
	j := open(t, file(t))
	id := subject(1)
	p := &outcomev1.Preference{AccountId: id[:], Purpose: outcomev1.Purpose_PURPOSE_ALL, OccurredAt: timestamppb.New(noon)}
	for i := range 2 {
		replayed, err := j.SetPreference(t.Context(), proto.CloneOf(p))
		if err != nil || replayed != (i > 0) {
			t.Fatalf("time %d: replayed %v, %v", i, replayed, err)
		}
	}
	count := func(after func([16]byte) uint64) (n int) {
		t.Helper()
		if err := j.View(func(v *journal.View) error {
			return v.LocalPreferences(id, after, func(*outcomev1.Preference) error { n++; return nil })
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(nothingCounted); n != 1 {
		t.Errorf("%d preferences, want 1", n)
	}
	if n := count(func([16]byte) uint64 { return 1 }); n != 0 {
		t.Errorf("%d preferences over a release that has counted it", n)
	}
	if n := waiting(t, j); n != 1 {
		t.Errorf("%d rows wait, want 1", n)
	}
	deliver(t, j)
	if n := prune(t, j, 1); n != 1 || count(nothingCounted) != 0 {
		t.Errorf("pruned %d rows, %d preferences left", n, count(nothingCounted))
	}
}

var forgetting = journal.Forgetting{Hash: cardHash, Answer: func([]byte) []byte { return []byte("anybody") }}

// anonymise does what is open about the erased.
func anonymise(tb testing.TB, j *journal.Journal) int {
	tb.Helper()
	todo, err := j.Erasing()
	if err != nil {
		tb.Fatal(err)
	}
	n, err := j.Anonymise(tb.Context(), todo.Anonymise, forgetting)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// holds reports whether any file beside a journal holds these bytes.
func holds(tb testing.TB, path string, what []byte) bool {
	tb.Helper()
	all, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if bytes.Contains(b, what) {
			return true
		}
	}
	return false
}

func TestErasedToTheLastByte(t *testing.T) {
	path := file(t)
	j := open(t, path)
	gone, stays := subject(1), subject(2)
	other := request("3", stays, 20)
	book := other.Book
	other.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		if err == nil {
			b.Row.Receipt.Identifier = nil
		}
		return b, err
	}
	record(t, j, request("1", gone, 5))
	record(t, j, request("2", gone, 7))
	record(t, j, other)
	const more = 300 // enough that deleted bytes stay where they are
	for i := range more {
		record(t, j, request(fmt.Sprint("more ", i), gone, 1))
	}
	deliver(t, j)
	if n := prune(t, j, 1); n != 1 { // of the first only the key and what a return needs are left
		t.Fatalf("pruned %d", n)
	}
	if err := j.RecordExposures(t.Context(), []*outcomev1.UnclaimedExposure{{AccountId: gone[:], Exposure: &outcomev1.Exposure{Campaign: "c"}, ShownAt: timestamppb.New(noon)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.SetPreference(t.Context(), &outcomev1.Preference{AccountId: gone[:], Purpose: 1, OccurredAt: timestamppb.New(noon)}); err != nil {
		t.Fatal(err)
	}
	keepLane(t, j, objection(1, gone), merging(2, gone, stays), erasing(3, gone))
	if !j.Overlay().Erased(gone) || !j.Overlay().ErasedCard(cardHash("card", "2900123456785")) || j.Overlay().Erased(stays) {
		t.Error("not erased at once")
	}
	if n := anonymise(t, j); n != 5+2*more { // row and receipt of 2, the receipt of 1, contact, preference; row and receipt of each that was more
		t.Errorf("%d rows and receipts were changed, want %d", n, 5+2*more)
	}
	if !holds(t, path, gone[:]) {
		t.Error("the test shows nothing: a bbolt file keeps deleted bytes, and these are not there")
	}
	done, err := j.Compact(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if holds(t, path, gone[:]) {
		t.Error("the account's id is still in a file")
	}
	if !holds(t, path, stays[:]) {
		t.Error("the other account's id is not in the file: what was searched?")
	}
	if done.Values == 0 || points(t, j, stays, nothingCounted) != 20 || points(t, j, gone, nothingCounted) != 0 {
		t.Errorf("after compaction: %+v, %d points stay, %d are gone", done, points(t, j, stays, nothingCounted), points(t, j, gone, nothingCounted))
	}
	if err := j.View(func(v *journal.View) error {
		for _, no := range []string{"1", "2"} {
			st, err := v.Receipt([]byte("key of " + no))
			if err != nil {
				return err
			}
			if string(st.Answer) != "anybody" || len(st.Sale.GetAccountId()) > 0 || len(st.Sale.GetEntries()) > 0 || st.Sale.GetReceipt().GetIdentifier() != nil {
				t.Errorf("receipt %s still points to somebody: %v", no, st)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if rec := record(t, j, request("2", gone, 7)); !rec.Replayed || string(rec.Answer) != "anybody" {
		t.Errorf("a re-send of an erased customer's receipt: %+v", rec)
	}
	// Head office is told, once, and only of what is done.
	if err := j.ReceiptErasures(t.Context(), 4, noon); err == nil {
		t.Error("told of an erasure that is not done")
	}
	before := waiting(t, j)
	for range 2 {
		if err := j.ReceiptErasures(t.Context(), 3, noon); err != nil {
			t.Fatal(err)
		}
	}
	if n := waiting(t, j); n != before+1 {
		t.Errorf("%d rows more, want 1", n-before)
	}
	batch, err := j.Rows(1000, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range batch.Rows {
		if bytes.Contains(row, gone[:]) || bytes.Contains(row, []byte("2900123456785")) {
			t.Errorf("a row that goes up points to somebody: %v", decode(t, row))
		}
	}
	if last := decode(t, batch.Rows[len(batch.Rows)-1]); last.GetErasure().GetLaneNumber() != 3 {
		t.Errorf("the last row is %v, want the receipt of erasure 3", last)
	}
	todo, err := j.Erasing()
	if err != nil || len(todo.Anonymise) != 0 || todo.Compact || len(todo.Receipt) != 0 {
		t.Errorf("left to do: %+v, %v", todo, err)
	}
	j.Close()
	j = open(t, path)
	if err := j.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if j.Overlay().Survivor(gone) != gone || wishes(j, gone, 0) != 0 || !j.Overlay().Erased(gone) {
		t.Error("the lane still tells of somebody who is gone, or no longer that they are")
	}
}

func TestCompactionWhileTheShopIsOpen(t *testing.T) {
	path := file(t)
	j := open(t, path)
	for i := range 200 {
		record(t, j, request(fmt.Sprint("before ", i), subject(i%5), 1))
	}
	ctx, stop := context.WithCancel(t.Context())
	var tills sync.WaitGroup
	var recorded int64
	var refused error
	tills.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, err := j.Record(context.Background(), request(fmt.Sprint("during ", i), subject(1), 1))
			switch {
			case err == nil:
				recorded++
			case !errors.Is(err, journal.ErrUnavailable):
				refused = err
				return
			}
		}
	})
	var looked int
	var failed error
	tills.Go(func() {
		for ctx.Err() == nil && failed == nil {
			failed = j.View(func(v *journal.View) error {
				sum, err := v.LocalPoints(subject(2), nothingCounted)
				if err == nil && sum != 40 {
					err = fmt.Errorf("%d points, want 40", sum)
				}
				return err
			})
			looked++
		}
	})
	var longest time.Duration
	for range 20 {
		done, err := j.Compact(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, done.Took)
	}
	stop()
	tills.Wait()
	if refused != nil || failed != nil {
		t.Fatalf("recording: %v; reading: %v", refused, failed)
	}
	t.Logf("%d receipts and %d readings beside 20 compactions, the longest of %s", recorded, looked, longest)
	if got := points(t, j, subject(1), nothingCounted); got != 40+recorded {
		t.Errorf("%d points, %d were acknowledged", got, 40+recorded)
	}
	j.Close()
	j = open(t, path)
	if got := points(t, j, subject(1), nothingCounted); got != 40+recorded {
		t.Errorf("after a restart: %d points, %d were acknowledged", got, 40+recorded)
	}
	if got, why := j.Born(); why != journal.Created {
		t.Errorf("a new incarnation began at %s: %s", got, why)
	}
}

func TestCompactionThatCannotEndChangesNothing(t *testing.T) {
	path := file(t)
	j := open(t, path)
	record(t, j, request("1", subject(1), 5))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := j.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the draft is left: %v", err)
	}
	record(t, j, request("2", subject(1), 6))
	if got := points(t, j, subject(1), nothingCounted); got != 11 {
		t.Errorf("%d points, want 11", got)
	}
	// A power cut in the middle leaves the draft beside the file; the next start removes it.
	j.Close()
	if err := os.WriteFile(path+".compact", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if got := points(t, j, subject(1), nothingCounted); got != 11 {
		t.Errorf("%d points, want 11", got)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the draft is left: %v", err)
	}
}

func TestCompactionWithoutRoomIsRefused(t *testing.T) {
	path := file(t)
	j := open(t, path)
	record(t, j, request("1", subject(1), 5))
	j.Close()
	cfg := config()
	cfg.MinFree = 1 << 60
	j = openWith(t, path, cfg)
	if _, err := j.Compact(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("got %v", err)
	}
	if got := points(t, j, subject(1), nothingCounted); got != 5 {
		t.Errorf("%d points, want 5", got)
	}
	j.Close()
	j = open(t, path)
	if _, err := j.Compact(t.Context()); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	record(t, j, request("2", subject(1), 6))
}
