package instore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/samplechain"
)

const (
	applyRounds   = 10              // each makes a whole release, and builds it twice
	applyAccounts = 200_000         // building takes some seconds, and a percentile some hundred questions
	idleFor       = 4 * time.Second // how long tills ask while nothing else goes on
)

// BenchmarkTableApply is what tills notice of a release that is built while they ask: whole releases, every account another than before. One server is
// asked all the time and builds as it does in a shop, resting for the tills; another, that nobody asks, builds the same as fast as it can.
func BenchmarkTableApply(b *testing.B) {
	if b.N > 1 {
		return
	}
	if os.Getenv("STAMKLANT_BENCH_ACCOUNTS") == "" {
		b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(applyAccounts))
	}
	a := newApplyBench(b)
	p99 := &row{what: "Lookup, open loop 500/s, p99, while a whole release is built; idle", unit: "ms", target: "≤ 2 ×"}
	took := &row{what: "building it beside those lookups; alone and without resting", unit: "s", target: "≤ 3 ×"}
	clients := a.store.clients(b, a.store.ours, benchWorkers)
	var idly, beside tally
	for round := range applyRounds {
		a.publish(b)
		var idle, alone float64
		before := func() {
			idle = idly.of(&a.store, func() float64 { return a.store.openFor(b, clients, idleFor) })
			alone = a.refresh(b, a.alone)
		}
		if round%2 == 0 {
			before()
		}
		var built float64
		busy := beside.of(&a.store, func() (p99 float64) {
			p99, built = a.beside(b, func(ctx context.Context) float64 { return a.store.openWhile(b, ctx, clients) })
			return p99
		})
		if round%2 == 1 {
			before()
		}
		p99.add(busy, idle)
		took.add(built, alone)
	}
	printTable(os.Stdout, []*row{p99, took})
	fact("of those lookups refused for too much to do, while a release is built", beside.String(), "0")
	fact("the same, idle", idly.String(), "0")
}

// tally counts what was asked and refused in the open loops of one kind.
type tally struct{ asked, refused int }

func (t *tally) of(store *benchStore, run func() float64) float64 {
	asked, refused := store.asked, store.refused
	came := run()
	t.asked, t.refused = t.asked+store.asked-asked, t.refused+store.refused-refused
	return came
}

func (t *tally) String() string { return fmt.Sprintf("%d of %d", t.refused, t.asked) }

// applyBench is two servers of one series of releases.
type applyBench struct {
	series    *instore.PracticeSeries
	people    *crowd
	programme *programmev1.Programme
	asOf      time.Time
	store     benchStore
	asked     *instore.Server
	alone     *instore.Server
}

func newApplyBench(b *testing.B) *applyBench {
	b.Helper()
	dir, asOf := b.TempDir(), time.Now().AddDate(0, 0, -1)
	series, err := instore.NewPracticeSeries(dir)
	must(b, err)
	programme, err := samplechain.Programme(asOf)
	must(b, err)
	addCampaigns(programme, benchCampaigns)
	accounts := benchAccounts()
	a := &applyBench{series: series, people: newCrowd(b, accounts, max(accounts/8, 1), asOf), programme: programme, asOf: asOf}
	a.publish(b)
	enrolment, err := series.Enrol(dir)
	must(b, err)
	open := func(name string, shape func(instore.Config) instore.Config) *instore.Server {
		server, err := instore.Open(b.Context(), shape(instore.Config{
			Data: filepath.Join(dir, name), Enrol: enrolment, Listen: "127.0.0.1:0", Poll: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		}))
		must(b, err)
		a.refresh(b, server)
		runUntilDone(b, server.Run)
		return server
	}
	a.asked = open("asked", func(c instore.Config) instore.Config { return c })
	a.alone = open("alone", instore.Restless)
	token, err := a.asked.TillToken()
	must(b, err)
	a.store.ours = &peer{addr: a.asked.Addr(), token: token}
	return a
}

// publish makes the next release: every account has a point more.
func (a *applyBench) publish(b *testing.B) {
	b.Helper()
	a.people.more++
	must(b, a.series.Publish(instore.Practice{
		Server: "bench", Store: "s01", Programme: a.programme, AsOf: a.asOf, Expires: a.asOf.AddDate(0, 1, 0),
		Accounts: a.people.accounts(), Identifiers: a.people.identifiers,
	}))
	a.store.cards = a.people.cards
}

// refresh has a server fetch, build and switch to the newest release, and returns the seconds that took.
func (a *applyBench) refresh(b *testing.B, server *instore.Server) float64 {
	b.Helper()
	began := time.Now()
	_, err := server.Refresh(b.Context())
	must(b, err)
	return time.Since(began).Seconds()
}

// beside has the asked server refresh while something runs until then, and returns what that came to and the seconds.
func (a *applyBench) beside(b *testing.B, run func(ctx context.Context) float64) (came, took float64) {
	b.Helper()
	ctx, done := context.WithCancel(b.Context())
	failed := make(chan error, 1)
	go func() {
		defer done()
		began := time.Now()
		_, err := a.asked.Refresh(b.Context())
		took = time.Since(began).Seconds()
		failed <- err
	}()
	came = run(ctx)
	must(b, <-failed)
	return came, took
}
