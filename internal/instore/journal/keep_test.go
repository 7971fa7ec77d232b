package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

func TestRestart(t *testing.T) {
	path := file(t)
	j := open(t, path)
	for i := range 5 {
		record(t, j, request(fmt.Sprint(i), subject(1), 10))
	}
	incarnation := j.Incarnation()
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Record(t.Context(), request("9", subject(1), 10)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := j.View(func(*journal.View) error { return nil }); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	j = open(t, path)
	if j.Incarnation() != incarnation {
		t.Error("a restart began a new incarnation")
	}
	if rec := record(t, j, request("3", subject(1), 10)); !rec.Replayed || string(rec.Answer) != "10 points on 3" {
		t.Errorf("sent again: %+v", rec)
	}
	if got := points(t, j, subject(1), nothingCounted); got != 50 {
		t.Errorf("%d points, want 50", got)
	}
	select {
	case <-j.Arrived():
	default:
		t.Error("nobody is told that rows wait from before")
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := file(t)
	open(t, path)
	_, err := journal.Open(path, config())
	if !errors.Is(err, journal.ErrBusy) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the holder's process id and the file", err)
	}
}

func TestOtherDataKeyIsRefused(t *testing.T) {
	path := file(t)
	j := open(t, path)
	record(t, j, request("1", subject(1), 5))
	j.Close()
	cfg := config()
	cfg.DataKey[0]++
	if _, err := journal.Open(path, cfg); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestNoReadableByteInTheFile(t *testing.T) {
	path := file(t)
	j := open(t, path)
	record(t, j, request("1", subject(1), 5))
	record(t, j, request("1", subject(1), 6))
	var backup bytes.Buffer
	if _, err := j.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	deliver(t, j)
	prune(t, j, 2)
	j.Close()
	main, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := os.ReadFile(path + ".seal")
	if err != nil {
		t.Fatal(err)
	}
	// The store with its length, as it is marshalled: a random byte before the bucket's name entries can be a g.
	for _, word := range []string{"2900123456785", "\x04gent", "tulip", "points on", "key of", "2026-03-14"} {
		for name, content := range map[string][]byte{"journal": main, "back-up": backup.Bytes(), "seal": seal} {
			if bytes.Contains(content, []byte(word)) {
				t.Errorf("%q can be read in the %s", word, name)
			}
		}
	}
}

func TestTrustOnlyRises(t *testing.T) {
	path := file(t)
	j := open(t, path)
	first, other := [32]byte{1}, [32]byte{2}
	for _, step := range []struct {
		version uint64
		digest  [32]byte
		want    error
	}{{5, first, nil}, {5, first, nil}, {5, other, journal.ErrRollback}, {4, other, journal.ErrRollback}, {7, other, nil}, {6, first, journal.ErrRollback}} {
		if err := j.SetTrustedVersion(t.Context(), step.version, step.digest); !errors.Is(err, step.want) {
			t.Errorf("version %d: got %v, want %v", step.version, err, step.want)
		}
	}
	j.Close()
	if v, d := open(t, path).TrustedManifest(); v != 7 || d != other {
		t.Errorf("after a restart: %d %x", v, d)
	}
}

// TestTrustSurvivesTheJournal loses the journal, and then puts an old one back: the trusted version is still the newest.
func TestTrustSurvivesTheJournal(t *testing.T) {
	path := file(t)
	j := open(t, path)
	if err := j.SetTrustedVersion(t.Context(), 5, [32]byte{5}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if err := j.SetTrustedVersion(t.Context(), 9, [32]byte{9}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if v := j.TrustedVersion(); v != 9 {
		t.Errorf("with the old journal: %d", v)
	}
	j.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if v, d := j.TrustedManifest(); v != 9 || d != [32]byte{9} {
		t.Errorf("with a new journal: %d", v)
	}
}

func TestTrustedTime(t *testing.T) {
	path := file(t)
	j := open(t, path)
	if floor, contact, err := j.Times(); !floor.IsZero() || !contact.IsZero() || err != nil {
		t.Errorf("at first: %v %v %v", floor, contact, err)
	}
	steps := errors.Join(
		j.SetContact(t.Context(), noon), j.RaiseFloor(t.Context(), noon.Add(time.Hour)), j.RaiseFloor(t.Context(), noon.Add(time.Minute)),
		j.SetContact(t.Context(), noon.Add(time.Second)),
	)
	if steps != nil {
		t.Fatal(steps)
	}
	j.Close()
	floor, contact, err := open(t, path).Times()
	if !floor.Equal(noon.Add(time.Hour)) || !contact.Equal(noon.Add(time.Second)) || err != nil {
		t.Errorf("floor %v, contact %v, %v", floor, contact, err)
	}
}

func TestFull(t *testing.T) {
	cfg := config()
	cfg.MaxSize, cfg.MapSize = 20<<20, 1<<20
	j := openWith(t, file(t), cfg)
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		req := request(fmt.Sprint(n), subject(1), 1)
		book := req.Book
		req.Book = func(v *journal.View) (*journal.Booking, error) {
			b, err := book(v)
			b.Answer = bytes.Repeat([]byte("x"), 60<<10)
			return b, err
		}
		_, err = j.Record(t.Context(), req)
	}
	if !errors.Is(err, journal.ErrFull) {
		t.Fatalf("after %d receipts: %v", n, err)
	}
	if got := points(t, j, subject(1), nothingCounted); got != int64(n-1) {
		t.Errorf("%d points after %d acknowledged receipts", got, n-1)
	}
	deliver(t, j)
	prune(t, j, uint64(n))
	if _, err := j.Forget(t.Context(), noon.Add(time.Hour), noon.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Record(t.Context(), request("after", subject(1), 1)); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	cfg := config()
	cfg.MinFree = 1 << 62
	j := openWith(t, file(t), cfg)
	if _, err := j.Record(t.Context(), request("1", subject(1), 1)); !errors.Is(err, journal.ErrFull) {
		t.Errorf("got %v", err)
	}
	if err := j.View(func(*journal.View) error { return nil }); err != nil {
		t.Errorf("lookups go on: %v", err)
	}
}

func TestUnfinishedCreationIsRepaired(t *testing.T) {
	path := file(t)
	if err := os.WriteFile(path+".new", []byte("a power cut left this"), 0o600); err != nil {
		t.Fatal(err)
	}
	record(t, open(t, path), request("1", subject(1), 1))
}

func TestCanceledBeforeItsTurn(t *testing.T) {
	j := open(t, file(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Record(ctx, request("1", subject(1), 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := waiting(t, j); n != 0 {
		t.Errorf("%d rows", n)
	}
}
