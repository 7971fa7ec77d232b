package till_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

// published is what a release says of the customer.
type published struct {
	balance int64
	offs    []*bundlev1.CutOff
}

// chain is stores that know of each other through head office alone, and one customer who goes round them. Head office is a naive one: a sum over
// entries by their id.
type chain struct {
	t       *testing.T
	servers []*store
	release published
	floor   int64

	opening  int64
	entries  map[string]int64               // that head office has
	heard    map[string]map[[16]byte]uint64 // through which row of whom
	truth    int64                          // the balance, had everybody known everything
	restores int64
	sales    int
	given    int64 // points spent in all
}

// store is one server, and the customer's sales that are in its journal.
type store struct {
	*world

	name  string
	paid  []*tillv1.RecordReceiptRequest
	saved int // how many of these a back-up has
}

func newChain(t *testing.T, servers int, opening, floor int64) *chain {
	t.Helper()
	c := &chain{
		t: t, floor: floor, opening: opening, truth: opening, entries: map[string]int64{}, heard: map[string]map[[16]byte]uint64{},
		release: published{balance: opening},
	}
	for i := range servers {
		w := newWorld(t, spending(floor), func(p *programmev1.Programme) { no := false; p.Points.WhenRedeeming, p.Campaigns = &no, nil })
		s := &store{world: w, name: fmt.Sprintf("server-%d", i)}
		c.servers = append(c.servers, s)
		c.activate(s)
	}
	return c
}

// activate has a server switch to head office's newest release.
func (c *chain) activate(s *store) {
	s.account(regular, &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: c.release.balance}})
	s.publish(c.release.offs...)
}

// buy has the customer ask for points at a server, and pay with them where they are held. It reports whether they were.
func (c *chain) buy(s *store, points int64) bool {
	c.sales++
	sale := fmt.Sprintf("sale-%d", c.sales)
	if s.reservePoints(cardRegular, sale, points).GetResult() != tillv1.ReserveResult_RESERVE_RESULT_RESERVED {
		return false
	}
	req := paid(fmt.Sprint(c.sales), sale, cardRegular, points, line(1, "4700001", 1, points))
	req.Receipt.Key.Till, req.Receipt.EndedAt = s.name, timestamppb.New(s.clock())
	got := s.record(req)
	if used := got.GetUsed(); len(used) != 1 || used[0].GetResult() != outcomev1.UseResult_USE_RESULT_USED {
		c.t.Fatalf("%s: %d points that were held: %v", s.name, points, used)
	}
	if again := s.record(proto.CloneOf(req)); !again.GetMeta().GetReplayed() {
		c.t.Fatalf("%s: sent again: %v", s.name, again)
	}
	s.paid, c.truth, c.given = append(s.paid, req), c.truth-points, c.given+points
	return true
}

// bringBack returns a sale whole, at the server that has it.
func (c *chain) bringBack(s *store, n int) {
	sold := s.paid[n].GetReceipt()
	points := sold.GetTotalMinor()
	c.sales++
	req := back(fmt.Sprint(c.sales), "", cardRegular, returned(1, "4700001", 1, points, 1))
	req.Receipt.Key.Till, req.Receipt.Original, req.Receipt.EndedAt = s.name, sold.GetKey(), timestamppb.New(s.clock())
	s.record(req)
	s.paid = append(s.paid[:n:n], s.paid[n+1:]...)
	s.saved = min(s.saved, n) // a back-up may have it unreturned; it is not brought back twice here
	c.truth += points
}

// deliver brings what a server recorded to head office.
func (c *chain) deliver(s *store) {
	c.t.Helper()
	batch, err := s.journal.Rows(10000, 1<<24)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, row := range batch.Rows {
		var read outcomev1.OutboxRow
		if err := proto.Unmarshal(row, &read); err != nil {
			c.t.Fatal(err)
		}
		for _, e := range read.GetReceipt().GetEntries() {
			c.entries[string(e.GetEntryId())] = e.GetPoints()
		}
	}
	life := s.journal.Incarnation()
	if c.heard[s.name] == nil {
		c.heard[s.name] = map[[16]byte]uint64{}
	}
	c.heard[s.name][life] = max(c.heard[s.name][life], batch.Through())
	if len(batch.Rows) > 0 {
		if err := s.journal.Confirm(c.t.Context(), life, batch.Through(), batch.ChainAfter()); err != nil {
			c.t.Fatal(err)
		}
	}
}

// publishAll cuts a release.
func (c *chain) publishAll() {
	c.release = published{balance: c.opening}
	for _, points := range c.entries {
		c.release.balance += points
	}
	for _, lives := range c.heard {
		for life, through := range lives {
			c.release.offs = append(c.release.offs, &bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: life[:], LedgerThrough: through})
		}
	}
}

// backUp copies a server's journal, and restore puts the copy back: what was recorded in between is lost.
func (c *chain) backUp(s *store) {
	file, err := os.ReadFile(filepath.Join(s.dir, "journal.db"))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "saved"), file, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	s.saved = len(s.paid)
}

func (c *chain) restore(s *store) {
	file, err := os.ReadFile(filepath.Join(s.dir, "saved"))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if err := s.journal.Close(); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "journal.db"), file, 0o600); err != nil {
		c.t.Fatal(err)
	}
	before := s.journal.Incarnation()
	s.journal, err = journal.Open(filepath.Join(s.dir, "journal.db"), journal.Config{
		ServerID: "utrecht-1", DataKey: dataKey, Now: s.clock, Logger: discard, MachineID: "here",
	})
	if err != nil {
		c.t.Fatal(err)
	}
	s.service = till.New(till.Config{Active: s.active, Journal: s.journal, ServerID: "utrecht-1", Now: s.clock, Logger: discard})
	s.paid = s.paid[:min(s.saved, len(s.paid))]
	if s.journal.Incarnation() == before {
		return // nothing was lost
	}
	c.restores++
	if c.buy(s, 500) {
		c.t.Fatalf("%s: a journal that was put back gives points before head office has heard of it", s.name)
	}
}

// setBack sets a server's clock back; nobody gets points by such a clock.
func (c *chain) setBack(s *store) {
	if err := s.journal.RaiseFloor(c.t.Context(), s.clock()); err != nil {
		c.t.Fatal(err)
	}
	s.wait(-40 * 24 * time.Hour)
	if c.buy(s, 500) {
		c.t.Fatalf("%s: points by a clock set back", s.name)
	}
	s.wait(40 * 24 * time.Hour)
}

// bound is what the servers may have given beyond what there was: (servers − 1) floors, and one for every journal that was put back and had given what
// nobody else knew of.
func (c *chain) bound() int64 { return (int64(len(c.servers)) - 1 + c.restores) * c.floor }

// step does one thing at random.
func (c *chain) step(random *rand.Rand) {
	s := c.servers[random.IntN(len(c.servers))]
	switch n := random.IntN(20); {
	case n < 9:
		c.buy(s, 500+100*random.Int64N(8))
	case n < 11 && len(s.paid) > 0:
		c.bringBack(s, random.IntN(len(s.paid)))
	case n < 14:
		c.deliver(s)
	case n < 15:
		c.publishAll()
	case n < 17:
		c.activate(s)
	case n < 18:
		c.backUp(s)
	case n < 19:
		c.restore(s)
	default:
		c.setBack(s)
	}
}

// TestWhatStoresGiveWithoutKnowingOfEachOther: three stores, partitions, clocks set back, journals put back, returns.
func TestWhatStoresGiveWithoutKnowingOfEachOther(t *testing.T) {
	t.Parallel()
	simulate(t, 8, 60)
}

func TestSoakWhatStoresGive(t *testing.T) {
	t.Parallel()
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("250 histories: set STAMKLANT_SOAK")
	}
	simulate(t, 250, 60)
}

// simulate has histories begin at every seed.
func simulate(t *testing.T, histories uint64, steps int) {
	t.Helper()
	var mu sync.Mutex
	var worst, given, restores int64
	t.Cleanup(func() {
		t.Logf("%d histories: %d points given, at worst %d beyond what there was; %d journals put back", histories, given, worst, restores)
	})
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 17))
			c := newChain(t, 3, 500+100*random.Int64N(30), 500+100*random.Int64N(10))
			for n := range steps {
				c.step(random)
				if over := -c.truth; over > c.bound() {
					t.Fatalf("after %d steps %d points were given that were not there; the servers may give %d", n+1, over, c.bound())
				}
			}
			mu.Lock()
			defer mu.Unlock()
			worst, given, restores = max(worst, -c.truth), given+c.given, restores+c.restores
		})
	}
}

// TestTheWorstOfAFloor: all servers cut off, each gives its floor of the same points, and then nobody gives any more.
func TestTheWorstOfAFloor(t *testing.T) {
	t.Parallel()
	c := newChain(t, 3, 1000, 1000)
	for _, s := range c.servers {
		if !c.buy(s, 600) || c.buy(s, 500) {
			t.Errorf("%s: 600 of 1000 points are given, and not 500 more", s.name)
		}
	}
	c.servers[1].wait(72 * time.Hour)
	if c.buy(c.servers[1], 500) {
		t.Error("three days later, still cut off, the floor begins anew")
	}
	d := newChain(t, 3, 1000, 1000)
	for _, s := range d.servers {
		d.buy(s, 1000)
	}
	if d.truth != -2000 || d.bound() != 2000 {
		t.Errorf("1000 points were spent down to %d; as the guide says (3 − 1) × 1000 below nothing", d.truth)
	}
	for _, s := range d.servers {
		d.deliver(s)
	}
	d.publishAll()
	for _, s := range d.servers {
		d.activate(s)
		if d.buy(s, 500) {
			t.Errorf("%s: gives points once head office has told that there are none", s.name)
		}
	}
}
