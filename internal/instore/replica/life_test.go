package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDeltaIsSnapshot lets one server follow every day, one only now and then, and a new one start at the end: all hold the same state.
func TestDeltaIsSnapshot(t *testing.T) {
	t.Parallel()
	c := newChain(t, 300)
	daily, weekly := c.server("daily").open(), c.server("weekly").open()
	defer daily.stop()
	defer weekly.stop()
	random := rand.New(rand.NewPCG(2, 2))
	var snapshots, days int
	for day := range 45 {
		c.now = c.now.AddDate(0, 0, 1)
		for range random.IntN(12) { // some days nothing changes
			switch n := random.IntN(600); random.IntN(3) {
			case 0:
				delete(c.balances, n)
			default:
				c.balances[n] = random.Int64N(1000)
			}
		}
		if report := c.publish(); report.Snapshot {
			snapshots++
		}
		days++
		daily.apply()
		if day%9 == 1 {
			weekly.apply()
			weekly.serves(c, uint64(day+1), c.balances)
		}
	}
	weekly.apply() // 8 days behind
	fresh := c.server("fresh").open()
	defer fresh.stop()
	c.publish()
	for _, s := range []*server{daily, weekly, fresh} {
		s.apply()
	}
	last := daily.stateDigest()
	if weekly.stateDigest() != last || fresh.stateDigest() != last {
		t.Fatal("three ways, not one state")
	}
	daily.serves(c, uint64(days+1), c.balances)
	fresh.serves(c, 1, c.balances)
	if snapshots < 5 || snapshots > days/2 {
		t.Errorf("%d snapshots in %d days", snapshots, days)
	}
	// What is kept does not grow: two or three releases, as many files, no downloads.
	kept, _ := filepath.Glob(filepath.Join(daily.dir, "releases", "releases", "*"))
	files, _ := filepath.Glob(filepath.Join(daily.dir, "releases", "generations", "*"))
	if len(kept) < 2 || len(kept) > 3 || len(files) < 1 || len(files) > 2 {
		t.Errorf("%d releases and %d files kept", len(kept), len(files))
	}
}

func (s *server) stateDigest() [32]byte {
	s.t.Helper()
	r, done, ok := s.Active().Acquire()
	if !ok {
		s.t.Fatal("nothing serves")
	}
	defer done()
	return r.File().Info().State
}

// TestTooFarBehind starts from a state no change leads on from any more.
func TestTooFarBehind(t *testing.T) {
	t.Parallel()
	c := newChain(t, 200)
	s := c.server("amsterdam-1").open()
	defer s.stop()
	c.publish()
	s.apply()
	for day := range 40 {
		c.now = c.now.AddDate(0, 0, 1)
		c.balances[1] = int64(day)
		c.publish()
	}
	s.apply()
	s.serves(c, 41, c.balances)
}

// TestProgrammeOnly does not touch the customers' file when only the programme changed, nor the other way round.
func TestProgrammeOnly(t *testing.T) {
	t.Parallel()
	c := newChain(t, 200)
	s := c.server("amsterdam-1").open()
	defer s.stop()
	c.publish()
	s.apply()
	file := s.file()
	c.programme.Chain = "second"
	c.now = c.now.Add(time.Hour)
	c.publish()
	s.apply()
	if s.file() != file || s.prepared != 2 {
		t.Errorf("file %s after %s, prepared %d times", s.file(), file, s.prepared)
	}
	r, done, _ := s.Active().Acquire()
	if r.Programme.GetChain() != "second" || !r.Header.GetDataAsOf().AsTime().Equal(c.now) {
		t.Errorf("programme %q of %s", r.Programme.GetChain(), r.Header.GetDataAsOf().AsTime())
	}
	done()
	c.balances[1] = 1
	c.publish()
	s.apply()
	if s.file() == file || s.prepared != 2 {
		t.Errorf("file %s after %s, prepared %d times", s.file(), file, s.prepared)
	}
}

func (s *server) file() string {
	r, done, _ := s.Active().Acquire()
	defer done()
	return r.File().Info().Name
}

// TestCutOffs hands on up to where journals are counted, of the release that serves and of those that may be stepped back to.
func TestCutOffs(t *testing.T) {
	t.Parallel()
	c := newChain(t, 20)
	s := c.server("amsterdam-1").open()
	life := [16]byte{7}
	for through := uint64(10); through <= 50; through += 10 {
		c.cutOffs = []*bundlev1.CutOff{{ServerId: "amsterdam-1", Incarnation: life[:], LedgerThrough: through, ReceiptsThrough: through - 2}}
		c.balances[1] = int64(through)
		c.publish()
		s.apply()
		r, done, _ := s.Active().Acquire()
		if ledger, receipts := r.CutOff("amsterdam-1", life); ledger != through || receipts != through-2 {
			t.Fatalf("cut-off %d, %d; want %d", ledger, receipts, through)
		}
		done()
	}
	check := func() {
		t.Helper()
		var got []uint64
		for _, header := range s.Openable() {
			got = append(got, header.GetCutOffs()[0].GetLedgerThrough())
		}
		if !slices.Equal(got, []uint64{50, 40}) {
			t.Fatalf("releases that have counted %d", got)
		}
	}
	check()
	s.stop()
	s.open()
	defer s.stop()
	check()
}

// TestErased steps back over an erasure never: what was before is gone from the disk.
func TestErased(t *testing.T) {
	t.Parallel()
	c := newChain(t, 50)
	s := c.server("amsterdam-1").open()
	defer s.stop()
	c.publish()
	s.apply()
	c.balances[1] = 5
	c.publish()
	s.apply()
	gone := c.cardHash(9)
	delete(c.balances, 9)
	c.erased = [][16]byte{identify.Hash(c.keys.ContentKey(), "card", card(9))}
	c.publish()
	s.apply()
	s.serves(c, 3, c.balances)
	r, done, _ := s.Active().Acquire()
	if erased, err := r.Erased(c.erased[0]); !erased || err != nil {
		t.Errorf("erased %v, %v", erased, err)
	}
	done()
	if _, _, ok := s.Active().AcquirePrevious(); ok {
		t.Error("a release with the customer is kept")
	}
	// Not a byte of the customer is left, not even the keys.
	id := accountID(9)
	if err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, id[:]) || bytes.Contains(data, gone[:]) {
			t.Errorf("%s still holds the erased customer's keys", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedFiles spoils what lies on the disk while the server is down: it starts with the newest that is whole, and builds the rest anew.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(s *server)
		want  uint64 // serves after the start, 0 for none
	}{
		{"nothing", func(*server) {}, 2},
		{"CURRENT", func(s *server) { spoil(t, filepath.Join(s.dir, "releases", "CURRENT")) }, 2},
		{"no CURRENT", func(s *server) { os.Remove(filepath.Join(s.dir, "releases", "CURRENT")) }, 2},
		{"the file, after an unclean stop", func(s *server) {
			spoil(t, filepath.Join(s.dir, "releases", "generations", s.file()))
			s.crash()
		}, 1},
		{"the file is gone", func(s *server) { os.Remove(filepath.Join(s.dir, "releases", "generations", s.file())) }, 1},
		{"the manifest", func(s *server) { spoil(t, filepath.Join(s.current(), "manifest.skm")) }, 1},
		{"the keyset", func(s *server) { spoil(t, filepath.Join(s.current(), "keyset.skm")) }, 1},
		{"the description", func(s *server) { spoil(t, filepath.Join(s.current(), "generation")) }, 1},
		{"the sealed pieces", func(s *server) {
			names, _ := filepath.Glob(filepath.Join(s.current(), "pieces", "*"))
			for _, name := range names {
				spoil(t, name)
			}
		}, 1},
		{"everything", func(s *server) { os.RemoveAll(filepath.Join(s.dir, "releases")) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, 100)
			s := c.server("amsterdam-1").open()
			c.publish()
			s.apply()
			first := clone(c.balances)
			c.balances[1] = 5
			c.publish()
			s.apply()
			old := s.Replica
			tc.spoil(s)
			if err := old.Close(); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if s.crashed {
				s.markUnclean()
			}
			s.open()
			defer s.stop()
			switch tc.want {
			case 2:
				s.serves(c, 2, c.balances)
			case 1:
				s.serves(c, 1, first)
			default:
				if _, _, ok := s.Active().Acquire(); ok {
					t.Fatal("something serves")
				}
			}
			if changed, err := s.Apply(context.Background()); err != nil || changed != (tc.want != 2) {
				t.Fatalf("changed %v, %v", changed, err)
			}
			s.serves(c, 2, c.balances)
		})
	}
}

// current is the folder of the release that serves.
func (s *server) current() string {
	r, done, _ := s.Active().Acquire()
	defer done()
	return filepath.Join(s.dir, "releases", "releases", fmt.Sprintf("%x", r.Digest))
}

// crash has the folder look as after a crash, once the server is down.
func (s *server) crash() { s.crashed = true }

func (s *server) markUnclean() {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "releases", "running"), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// spoil flips a bit in the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// heard is a log that can be waited for.
type heard struct {
	slog.Handler
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newHeard() *heard { return &heard{Handler: slog.DiscardHandler, more: make(chan struct{}, 1000)} }

func (h *heard) Enabled(context.Context, slog.Level) bool { return true }

func (h *heard) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	h.mu.Lock()
	h.lines = append(h.lines, line)
	h.mu.Unlock()
	h.more <- struct{}{}
	return nil
}

// wait returns once a line holds the text.
func (h *heard) wait(t *testing.T, text string) {
	t.Helper()
	h.waitFor(t, 1, text)
}

// waitFor returns once so many lines hold the text.
func (h *heard) waitFor(t *testing.T, lines int, text string) {
	t.Helper()
	for {
		if h.count(text) >= lines {
			return
		}
		select {
		case <-h.more:
		case <-time.After(time.Minute):
			t.Fatalf("never said %q: %q", text, h.lines)
		}
	}
}

func (h *heard) count(text string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// running starts Run and ends it with the test.
func (s *server) running() (log *heard, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	log, _ = s.log.Handler().(*heard)
	return log, func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
}

// TestRun follows, says once what is wrong, and that it is over.
func TestRun(t *testing.T) {
	t.Parallel()
	c := newChain(t, 50)
	s := c.server("amsterdam-1")
	s.log, s.interval = slog.New(newHeard()), time.Millisecond
	s.open()
	defer s.stop()
	log, stop := s.running()
	defer stop()
	log.wait(t, "cannot follow head office")
	for range 20 { // many more attempts, not a word more
		s.Wake()
	}
	if n := log.count("cannot follow"); n != 1 {
		t.Errorf("said %d times that it cannot follow", n)
	}
	c.publish()
	log.wait(t, "follows head office again")
	log.wait(t, "release serves version=1")
	c.balances[1] = 3
	c.publish()
	log.wait(t, "release serves version=2")
	s.serves(c, 2, c.balances)
	if status := s.Status(); status.Err != nil || !status.InStepAt.Equal(day) || status.Stale(c.now) || !status.Stale(c.now.AddDate(0, 0, 15)) {
		t.Errorf("%+v", status)
	}
}

// TestHeal finds the file that serves damaged, serves the one before, and builds it anew.
func TestHeal(t *testing.T) {
	t.Parallel()
	c := newChain(t, 3000)
	s := c.server("amsterdam-1")
	s.log, s.interval = slog.New(newHeard()), time.Hour
	s.open()
	defer s.stop()
	c.publish()
	s.apply()
	c.balances[1] = 3
	c.publish()
	s.apply()
	bad := s.file()
	wipe(t, filepath.Join(s.dir, "releases", "generations", bad))
	log, stop := s.running()
	defer stop()
	failed := 0
	for n := range 3000 { // tills ask on meanwhile
		r, done, ok := s.Active().Acquire()
		if !ok {
			t.Fatal("nothing serves")
		}
		account, err := r.Account(accountID(n))
		switch {
		case errors.Is(err, generation.ErrDamaged):
			failed++
		case err != nil || n != 1 && account.GetLoyalty().GetBalance() != c.balances[n]:
			t.Fatalf("customer %d: %v, %v", n, account, err)
		}
		done()
	}
	log.wait(t, "generation file is damaged")
	log.wait(t, "release serves from the disk version=1")
	s.Wake()
	log.waitFor(t, 2, "release serves version=2") // when it was new, and when it was built anew
	s.serves(c, 2, c.balances)
	if _, err := os.Stat(filepath.Join(s.dir, "releases", "generations", bad)); s.file() == bad || err == nil {
		t.Error("the damaged file is still there")
	}
	t.Logf("%d of 3000 lookups were answered with an error meanwhile", failed)
}

// wipe zeroes pages in the middle of a file that is open elsewhere.
func wipe(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(make([]byte, 10*4096), stat.Size()/2/4096*4096); err != nil {
		t.Fatal(err)
	}
}

// TestEnrolmentFile reads what head office wrote.
func TestEnrolmentFile(t *testing.T) {
	t.Parallel()
	c := newChain(t, 1)
	e := c.enrol("amsterdam-1")
	path := filepath.Join(t.TempDir(), "amsterdam-1.json")
	if err := publisher.WriteEnrolment(path, e); err != nil {
		t.Fatal(err)
	}
	got, err := replica.ReadEnrolment(path)
	if err != nil || got.GetServerId() != "amsterdam-1" || !bytes.Equal(got.GetPrivateKey(), e.GetPrivateKey()) {
		t.Fatalf("%v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replica.ReadEnrolment(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("an empty file: %v", err)
	}
}
