package replica_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// day is when the tests play.
var day = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// chain is a small chain of stores: its keys, its customers, and where it publishes.
type chain struct {
	t         testing.TB
	dir       string
	keys      *publisher.Keys
	now       time.Time
	every     int
	programme *programmev1.Programme
	balances  map[int]int64 // by number of the customer
	erased    [][16]byte
	cutOffs   []*bundlev1.CutOff

	lane                       []*bundlev1.LaneRecord
	laneThrough, erasedThrough uint64 // worked into the next release
}

func newChain(tb testing.TB, customers int) *chain {
	tb.Helper()
	dir := tb.TempDir()
	keys, err := publisher.CreateChain(filepath.Join(dir, "keys"), day)
	if err != nil {
		tb.Fatal(err)
	}
	c := &chain{t: tb, dir: dir, keys: keys, now: day, programme: &programmev1.Programme{Chain: "first"}, balances: make(map[int]int64)}
	for i := range customers {
		c.balances[i] = int64(100 + i)
	}
	return c
}

func (c *chain) enrol(server string) *bundlev1.Enrolment {
	c.t.Helper()
	e, err := c.keys.Enrol(publisher.Enrolment{Server: server, Store: "amsterdam"}, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

func (c *chain) bundles() string { return filepath.Join(c.dir, "bundles") }

func accountID(number int) [16]byte {
	return [16]byte(digest("account", number)[:16])
}

func card(number int) string {
	return "29" + string(binary.BigEndian.AppendUint32([]byte("card"), uint32(number)))
}

func digest(what string, number int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), uint64(number)))
	return sum[:]
}

func (c *chain) cardHash(number int) [16]byte {
	_, key := c.keys.IdentifierKey()
	return identify.Hash(key, "card", card(number))
}

func (c *chain) accounts() iter.Seq2[publisher.Account, error] {
	numbers := make([]int, 0, len(c.balances))
	for n := range c.balances {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, func(a, b int) int {
		x, y := accountID(a), accountID(b)
		return slices.Compare(x[:], y[:])
	})
	return func(yield func(publisher.Account, error) bool) {
		for _, n := range numbers {
			account := &customerv1.Account{
				State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE, HomeStore: "amsterdam", Language: "nl",
				Values:  &customerv1.Values{LastReceiptDay: 20_000, Frequency: int64(n % 50), MonetaryMinor: int64(n) * 137, FirstReceiptDay: 19_000},
				Loyalty: &customerv1.LoyaltyState{Balance: c.balances[n], Tier: "silver"},
			}
			if !yield(publisher.Account{ID: accountID(n), Account: account}, nil) {
				return
			}
		}
	}
}

func (c *chain) identifiers() iter.Seq2[publisher.Identifier, error] {
	return func(yield func(publisher.Identifier, error) bool) {
		for n := range c.balances {
			id := accountID(n)
			if !yield(publisher.Identifier{
				Namespace: "card", Canonical: card(n),
				Identifier: &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE, AccountIds: [][]byte{id[:]}},
			}, nil) {
				return
			}
		}
	}
}

func (c *chain) publish() *publisher.Report {
	c.t.Helper()
	report, err := publisher.Publish(context.Background(), publisher.Inputs{
		Programme: c.programme, Accounts: c.accounts(), Identifiers: c.identifiers(), CutOffs: c.cutOffs, DataAsOf: c.now,
		LaneThrough: c.laneThrough, ErasedThrough: c.erasedThrough,
		Erased: func(yield func([16]byte, error) bool) {
			for _, hash := range c.erased {
				if !yield(hash, nil) {
					return
				}
			}
		},
	}, publisher.Target{
		Keys: c.keys, StateDir: filepath.Join(c.dir, "state"), Bundles: c.bundles(), Now: c.now, SnapshotEvery: c.every,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return report
}

// server is one store's server, as far as it follows head office.
type server struct {
	t         testing.TB
	enrolment *bundlev1.Enrolment
	dir       string
	source    replica.Source
	now       time.Time
	prepare   func(*programmev1.Programme) (any, error)
	log       *slog.Logger
	interval  time.Duration
	prepared  int
	crashed   bool
	mu        sync.Mutex
	journal   *journal.Journal
	*replica.Replica
}

func (c *chain) server(name string) *server {
	c.t.Helper()
	s := &server{t: c.t, enrolment: c.enrol(name), dir: c.t.TempDir(), source: replica.Folder(c.bundles()), now: c.now}
	s.log = discard()
	return s
}

// config is what the replica needs, with the server's own journal, opened anew.
func (s *server) config() replica.Config {
	s.t.Helper()
	key, err := generation.OpenDataKey(context.Background(), filepath.Join(s.dir, "data.key"), generation.Device{File: filepath.Join(s.dir, "device.key")})
	if err != nil {
		s.t.Fatal(err)
	}
	s.closeJournal()
	if s.journal, err = journal.Open(filepath.Join(s.dir, "journal"), journal.Config{
		ServerID: s.enrolment.GetServerId(), DataKey: key.Key(), Now: func() time.Time { return s.now }, Logger: s.log, MachineID: "one", MapSize: 1 << 20,
	}); err != nil {
		s.t.Fatal(err)
	}
	return replica.Config{
		Dir: filepath.Join(s.dir, "releases"), Enrolment: s.enrolment, DataKey: key, Source: s.source,
		Trusted: s.journal, Lane: s.journal, Now: func() time.Time { return s.now }, Logger: s.log, Interval: s.interval,
		RestPercent: -1,
		Prepare: func(p *programmev1.Programme) (any, error) {
			s.mu.Lock()
			s.prepared++
			s.mu.Unlock()
			if s.prepare != nil {
				return s.prepare(p)
			}
			return "prepared " + p.GetChain(), nil
		},
	}
}

func (s *server) open() *server {
	s.t.Helper()
	r, err := replica.Open(context.Background(), s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	s.Replica = r
	return s
}

func (s *server) stop() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.closeJournal()
}

func (s *server) closeJournal() {
	s.t.Helper()
	if s.journal == nil {
		return
	}
	if err := s.journal.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.journal = nil
}

func (s *server) apply() {
	s.t.Helper()
	if changed, err := s.Apply(context.Background()); err != nil || !changed {
		s.t.Fatalf("apply: changed %v, %v", changed, err)
	}
}

// serves checks that a release of this version serves, with exactly these customers.
func (s *server) serves(c *chain, version uint64, balances map[int]int64) {
	s.t.Helper()
	r, done, ok := s.Active().Acquire()
	if !ok {
		s.t.Fatal("nothing serves")
	}
	defer done()
	if got := r.Manifest.GetVersion(); got != version || s.Status().Version != version {
		s.t.Fatalf("version %d serves, status says %d, want %d", got, s.Status().Version, version)
	}
	for n := range 2*len(balances) + 10 {
		want, there := balances[n]
		account, err := r.Account(accountID(n))
		identifier, idErr := r.Identifier(c.cardHash(n))
		switch {
		case !there && errors.Is(err, generation.ErrNotFound) && errors.Is(idErr, generation.ErrNotFound):
		case !there:
			s.t.Fatalf("customer %d: %v, %v; want not found", n, err, idErr)
		case err != nil || idErr != nil:
			s.t.Fatalf("customer %d: %v, %v", n, err, idErr)
		case account.GetLoyalty().GetBalance() != want:
			s.t.Fatalf("customer %d has %d, want %d", n, account.GetLoyalty().GetBalance(), want)
		default:
			if id := accountID(n); string(identifier.GetAccountIds()[0]) != string(id[:]) {
				s.t.Fatalf("card of customer %d leads elsewhere", n)
			}
		}
	}
}

func clone(m map[int]int64) map[int]int64 {
	copied := make(map[int]int64, len(m))
	for k, v := range m {
		copied[k] = v
	}
	return copied
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
