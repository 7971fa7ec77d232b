package groupcommit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"go.uber.org/goleak"

	"github.com/stamklant/stamklant/internal/groupcommit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rows = []byte("rows")

// open opens a file with an empty bucket.
func open(tb testing.TB, options *bbolt.Options) *bbolt.DB {
	tb.Helper()
	db, err := bbolt.Open(filepath.Join(tb.TempDir(), "rows.db"), 0o600, options)
	if err != nil {
		tb.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(rows)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func start(tb testing.TB, db *bbolt.DB) *groupcommit.Committer {
	tb.Helper()
	c := groupcommit.New(db)
	tb.Cleanup(c.Close)
	return c
}

func put(tx *bbolt.Tx, key, value string) error {
	return tx.Bucket(rows).Put([]byte(key), []byte(value))
}

// contents reads all rows.
func contents(t *testing.T, db *bbolt.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(rows).ForEach(func(k, v []byte) error {
			all[string(k)] = string(v)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hold occupies the committer until release is called, so that what comes meanwhile goes into one batch.
func hold(t *testing.T, c *groupcommit.Committer) (release func()) {
	t.Helper()
	taken, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var first sync.Once // it runs again when one that joined it fails
	go func() {
		done <- c.Do(context.Background(), func(*bbolt.Tx) error {
			first.Do(func() { close(taken) })
			<-gate
			return nil
		})
	}()
	<-taken
	return func() {
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestManyShareOneFlush(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	const callers = 64
	release := hold(t, c)
	var wg sync.WaitGroup
	var begun sync.WaitGroup
	for i := range callers {
		begun.Add(1)
		wg.Go(func() {
			begun.Done()
			if err := c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, fmt.Sprint(i), "x") }); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	release()
	wg.Wait()
	if got := len(contents(t, db)); got != callers {
		t.Errorf("%d rows, want %d", got, callers)
	}
	if s := c.Stats(); s.Commits > callers/2 || s.Functions != callers+1 {
		t.Errorf("%d commits for %d functions: they did not share", s.Commits, s.Functions)
	}
}

// TestJoinsWhileOthersRun proves that who comes while others' functions run shares their flush.
func TestJoinsWhileOthersRun(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	late := make(chan error, 1)
	err := c.Do(t.Context(), func(tx *bbolt.Tx) error {
		go func() { late <- c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, "late", "x") }) }()
		for c.Queued() == 0 {
			runtime.Gosched()
		}
		return put(tx, "early", "x")
	})
	if err := errors.Join(err, <-late); err != nil {
		t.Fatal(err)
	}
	if got := len(contents(t, db)); got != 2 {
		t.Errorf("%d rows, want 2", got)
	}
	if s := c.Stats(); s.Commits != 1 || s.Functions != 2 {
		t.Errorf("%d commits for %d functions, want 1 for 2", s.Commits, s.Functions)
	}
}

// TestFailuresSpoilNothing runs good functions together with ones that fail or panic after they wrote: the writes of the good are all there,
// those of the bad are not, and everybody gets his own answer.
func TestFailuresSpoilNothing(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	errNo := errors.New("no")
	release := hold(t, c)
	var wg sync.WaitGroup
	for i := range 90 {
		wg.Go(func() {
			err := c.Do(t.Context(), func(tx *bbolt.Tx) error {
				if err := put(tx, fmt.Sprint(i), "x"); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return errNo
				case 2:
					panic(fmt.Sprint("boom ", i))
				}
				return nil
			})
			var panicked *groupcommit.PanicError
			switch i % 3 {
			case 0:
				if err != nil {
					t.Errorf("%d: %v", i, err)
				}
			case 1:
				if !errors.Is(err, errNo) {
					t.Errorf("%d: %v", i, err)
				}
			case 2:
				if !errors.As(err, &panicked) || panicked.Value != fmt.Sprint("boom ", i) || len(panicked.Stack) == 0 {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	release()
	wg.Wait()
	all := contents(t, db)
	for i := range 90 {
		if _, there := all[fmt.Sprint(i)]; there != (i%3 == 0) {
			t.Errorf("row %d there: %t", i, there)
		}
	}
	if c.Suspect() != nil {
		t.Error(c.Suspect())
	}
}

// TestSeesEarlier proves that functions of one batch see what those before them wrote.
func TestSeesEarlier(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	release := hold(t, c)
	var wg sync.WaitGroup
	var sum atomic.Uint64
	for range 100 {
		wg.Go(func() {
			var n uint64
			err := c.Do(t.Context(), func(tx *bbolt.Tx) error {
				n = 0
				if b := tx.Bucket(rows).Get([]byte("n")); b != nil {
					n = binary.BigEndian.Uint64(b)
				}
				n++
				return tx.Bucket(rows).Put([]byte("n"), binary.BigEndian.AppendUint64(nil, n))
			})
			if err != nil {
				t.Error(err)
			}
			sum.Add(n)
		})
	}
	release()
	wg.Wait()
	if got := sum.Load(); got != 100*101/2 {
		t.Errorf("the hundred saw %d in all, want %d", got, 100*101/2)
	}
}

func TestGivesUpBeforeItsTurn(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	release := hold(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() { answer <- c.Do(ctx, func(tx *bbolt.Tx) error { return put(tx, "late", "x") }) }()
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if err := c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, "after", "x") }); err != nil {
		t.Fatal(err)
	}
	if all := contents(t, db); len(all) != 1 || all["after"] == "" {
		t.Errorf("rows: %v", all)
	}
	if err := c.Do(ctx, func(*bbolt.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestNoRoomRefuses fills a file to its largest size: the transaction that does not fit is refused, those that fit go on.
func TestNoRoomRefuses(t *testing.T) {
	db := open(t, &bbolt.Options{MaxSize: 1 << 20, InitialMmapSize: 32 << 10})
	c := start(t, db)
	big := make([]byte, 64<<10)
	var err error
	written := 0
	for ; err == nil && written < 100; written++ {
		err = c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, fmt.Sprint(written), string(big)) })
	}
	if !errors.Is(err, groupcommit.ErrFull) || !errors.Is(err, berrors.ErrMaxSizeReached) {
		t.Fatalf("after %d rows: %v", written, err)
	}
	if c.Suspect() != nil {
		t.Fatal(c.Suspect())
	}
	for i := range 5 {
		err := c.Do(t.Context(), func(tx *bbolt.Tx) error { return tx.Bucket(rows).Delete([]byte(fmt.Sprint(i))) })
		if err != nil {
			t.Fatalf("making room: %v", err)
		}
	}
	if err := c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, "small", "x") }); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

// TestSuspectAnswersAll takes the file away under the committer: everybody who waits, and everybody later, hears ErrSuspect.
func TestSuspectAnswersAll(t *testing.T) {
	db := open(t, nil)
	c := start(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := c.Do(t.Context(), func(*bbolt.Tx) error { return nil }); !errors.Is(err, groupcommit.ErrSuspect) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if !errors.Is(c.Suspect(), groupcommit.ErrSuspect) {
		t.Errorf("Suspect: %v", c.Suspect())
	}
}

// TestFailedFlushIsSuspect closes the file descriptor under bbolt: the disk can no longer be reached when it comes to the flush.
func TestFailedFlushIsSuspect(t *testing.T) {
	var file *os.File
	path := filepath.Join(t.TempDir(), "rows.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := groupcommit.New(db)
	lay := func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(rows)
		return err
	}
	if err := c.Do(t.Context(), lay); err != nil {
		t.Fatal(err)
	}
	file.Close()
	for range 3 {
		err := c.Do(t.Context(), func(tx *bbolt.Tx) error { return put(tx, "lost", "x") })
		if !errors.Is(err, groupcommit.ErrSuspect) || errors.Is(err, groupcommit.ErrFull) {
			t.Errorf("got %v", err)
		}
	}
	c.Close()
	db.Close() // answers that its file is closed, and lets the lock go
	again, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if all := contents(t, again); len(all) != 0 {
		t.Errorf("rows: %v", all)
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	db := open(t, nil)
	c := groupcommit.New(db)
	release := hold(t, c)
	answers := make(chan error, 10)
	var begun sync.WaitGroup
	for i := range 10 {
		begun.Add(1)
		go func() {
			begun.Done()
			answers <- c.Do(context.Background(), func(tx *bbolt.Tx) error { return put(tx, fmt.Sprint(i), "x") })
		}()
	}
	begun.Wait()
	release()
	c.Close()
	c.Close()
	there := len(contents(t, db))
	acknowledged := 0
	for range 10 {
		switch err := <-answers; {
		case err == nil:
			acknowledged++
		case !errors.Is(err, groupcommit.ErrClosed):
			t.Error(err)
		}
	}
	if there != acknowledged {
		t.Errorf("%d acknowledged, %d there", acknowledged, there)
	}
	if err := c.Do(t.Context(), func(*bbolt.Tx) error { return nil }); !errors.Is(err, groupcommit.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// value is of the size of a sealed receipt.
func value() []byte {
	v := make([]byte, 900)
	for i := range v {
		v[i] = byte(rand.Uint32())
	}
	return v
}

func key() []byte { return binary.BigEndian.AppendUint64(nil, rand.Uint64()) }

// BenchmarkCommit compares a row by a synced bbolt Update with one through a Committer, from one and from sixteen tills.
func BenchmarkCommit(b *testing.B) {
	for _, tills := range []int{1, 16} {
		b.Run(fmt.Sprintf("update/tills=%d", tills), func(b *testing.B) {
			db := open(b, nil)
			v := value()
			parallel(b, tills, func() error {
				return db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(rows).Put(key(), v) })
			})
		})
		b.Run(fmt.Sprintf("committer/tills=%d", tills), func(b *testing.B) {
			db := open(b, nil)
			c := start(b, db)
			v := value()
			parallel(b, tills, func() error {
				return c.Do(b.Context(), func(tx *bbolt.Tx) error { return tx.Bucket(rows).Put(key(), v) })
			})
		})
	}
}

// parallel spreads b.N runs over workers.
func parallel(b *testing.B, workers int, run func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := run(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
