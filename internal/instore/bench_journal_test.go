package instore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

const (
	benchJournalDays = 90    // how long head office is away
	benchReceiptsDay = 3_000 // of a busy store
	journalTills     = 60    // of a big store
)

// seasonClock tells a shop's time, which goes on by days at once: on the wall, and on the clock that nobody sets.
type seasonClock struct {
	began time.Time
	days  atomic.Int64
}

func (c *seasonClock) elapsed() time.Duration {
	return time.Since(c.began) + time.Duration(c.days.Load())*24*time.Hour
}
func (c *seasonClock) now() time.Time { return c.began.Add(c.elapsed()) }

// BenchmarkTableJournal is a store without head office for a season, the worst there is: nothing is confirmed, so that nothing may be pruned. Every sale is
// looked up and recorded on its day, and every day the server keeps house as it does: old answers are shortened. It tells what the journal grows to, how
// fast all of it goes up once head office is back, and what is left once a release has counted it. STAMKLANT_BENCH_RECEIPTS says how many receipts, when
// not all of them.
func BenchmarkTableJournal(b *testing.B) {
	if b.N > 1 {
		return
	}
	b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(receiptAccounts))
	receipts, err := strconv.Atoi(os.Getenv("STAMKLANT_BENCH_RECEIPTS"))
	if err != nil {
		receipts = benchJournalDays * benchReceiptsDay
	}
	each := max(1, receipts/benchJournalDays/journalTills)
	dir, clock := b.TempDir(), &seasonClock{began: time.Now()}
	b.Run("record", func(b *testing.B) { season(b, dir, clock, each) }) // the server stops with it
	goUp(b, filepath.Join(dir, "store"), clock)
}

// season is ninety days of sales.
func season(b *testing.B, dir string, clock *seasonClock, each int) {
	b.Helper()
	store := openBenchAs(b, dir, func(c instore.Config) instore.Config {
		c.Now = clock.now
		return instore.Lived(c, clock.elapsed)
	})
	store.now = clock.now
	clients := store.clients(b, store.ours, journalTills)
	var selling, keeping time.Duration
	for day := range benchJournalDays {
		began := time.Now()
		store.sellAll(b, clients, each, day*each)
		selling += time.Since(began)
		clock.days.Add(1)
		began = time.Now()
		must(b, store.server.KeepHouse(b.Context()))
		keeping = max(keeping, time.Since(began))
	}
	receipts := benchJournalDays * journalTills * each
	bytes, free := store.server.JournalBytes()
	fact(fmt.Sprintf("journal after %d days and %d receipts of %d lines, nothing confirmed or pruned", benchJournalDays, receipts, basketLines),
		fmt.Sprintf("%d MiB, %d MiB of it free, %d bytes a receipt", bytes>>20, free>>20, bytes/int64(receipts)), "≤ 1 GiB")
	fact(fmt.Sprintf("sales of %d tills at once, a lookup and a receipt each", journalTills), fmt.Sprintf("%.0f/s", float64(receipts)/selling.Seconds()), "–")
	fact("keeping house at the end of a day, at most", keeping.Round(time.Millisecond).String(), "–")
}

// goUp delivers everything in a stopped server's journal to a real inbox, has the journal let go of what was counted, and writes it anew.
func goUp(b *testing.B, data string, clock *seasonClock) {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	key, err := generation.OpenDataKey(b.Context(), filepath.Join(data, "data.key"), generation.Device{File: filepath.Join(data, "device.key")})
	must(b, err)
	j, err := journal.Open(filepath.Join(data, "journal.db"), journal.Config{
		ServerID: "bench", DataKey: key.Key(), Now: clock.now, Elapsed: clock.elapsed, Logger: quiet,
	})
	must(b, err)
	defer j.Close()
	waiting, err := j.Waiting()
	must(b, err)
	took := drain(b, j, clock)
	fact(fmt.Sprintf("drain of all of its %d rows to head office's inbox over a socket", waiting),
		fmt.Sprintf("%.0f rows/s", float64(waiting)/took.Seconds()), "≥ 5,000 rows/s")

	// A release counts everything up to now; the one before is gone.
	counted := journal.Counted{CutOff: func([16]byte) (ledger, receipts uint64) { return waiting, waiting }}
	began := time.Now()
	pruned, err := j.Prune(b.Context(), []journal.Counted{counted})
	must(b, err)
	_, err = j.Forget(b.Context(), clock.now().Add(-instore.WholeFor), clock.now().Add(-instore.KeysFor))
	must(b, err)
	fact(fmt.Sprintf("pruning the %d rows a release has counted", pruned), time.Since(began).Round(10*time.Millisecond).String(), "–")
	done, err := j.Compact(b.Context())
	must(b, err)
	fact("the journal then, written anew: what returns need of the season's sales", fmt.Sprintf("%d MiB", done.After>>20), "–")
	fact("not recording meanwhile", done.Took.Round(10*time.Millisecond).String(), "≤ 10 s")
}

// inboxServer takes deliveries as head office does.
type inboxServer struct {
	syncv1.UnimplementedSyncServiceServer
	box *inbox.Inbox
}

func (s *inboxServer) Deliver(ctx context.Context, request *syncv1.DeliverRequest) (*syncv1.DeliverResponse, error) {
	return s.box.Deliver(ctx, request)
}

// drain delivers all rows of a journal to a real inbox, and returns how long that took.
func drain(b *testing.B, j *journal.Journal, clock *seasonClock) time.Duration {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	box, err := inbox.Open(filepath.Join(b.TempDir(), "inbox.db"), inbox.Config{Now: clock.now, Logger: quiet})
	must(b, err)
	defer box.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	server := grpc.NewServer()
	syncv1.RegisterSyncServiceServer(server, &inboxServer{box: box})
	go func() { _ = server.Serve(listener) }() // ends with Stop
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(b, err)
	defer conn.Close()

	ctx, stop := context.WithCancel(b.Context())
	out := outbox.New(outbox.Config{Journal: j, Client: syncv1.NewSyncServiceClient(conn), ServerID: "bench", Now: clock.now, Logger: quiet})
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- out.Run(ctx) }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range look.C {
		if left, err := j.Waiting(); err == nil && left == 0 {
			break
		}
	}
	took := time.Since(began)
	stop()
	must(b, <-ended)
	return took
}
