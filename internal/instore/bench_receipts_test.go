package instore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// What is recorded.
const (
	receiptsInARow   = 200    // of one till, in a round
	receiptsOfATill  = 60     // of each of sixteen, in a round
	benchJournalDays = 90     // how long head office is away
	benchReceiptsDay = 3_000  // of a busy store
	receiptAccounts  = 20_000 // enough that two receipts rarely meet on one account
)

// fact prints a line of the table that has no peer.
func fact(what, value, target string) { fmt.Printf("%-62s %-34s target %s\n", what, value, target) }

// BenchmarkTableReceipts is what recording a receipt costs: over sockets, through every step, against one synced bbolt Update of the same bytes.
func BenchmarkTableReceipts(b *testing.B) {
	if b.N > 1 {
		return
	}
	b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(receiptAccounts))
	store := openBench(b)
	bare := newBareBook(b)
	one := &row{what: "RecordReceipt over sockets, p50, one till; one synced Update", unit: "µs", target: "≤ 3 ×"}
	many := &row{what: "RecordReceipt over sockets, 16 tills; synced Updates one by one", unit: "/s", target: "≥ 2.5 ×"}
	clients := store.clients(b, store.ours, 16)
	for round := range benchRounds {
		one.add(store.recordInTurn(b, clients[0], bare, round))
		many.add(store.recordAtOnce(b, clients, bare, round))
	}
	printTable(os.Stdout, []*row{one, many})
}

// receipt is a sale of a full basket.
func (s *benchStore) receipt(till, no int) *tillv1.RecordReceiptRequest {
	lookup := s.request(till, no)
	receipt := &outcomev1.Receipt{
		Key: &outcomev1.ReceiptKey{
			Store: "s01", Till: strconv.Itoa(till + 1), BusinessDate: time.Now().Format(time.DateOnly), ReceiptNo: strconv.Itoa(no),
		},
		Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", Lines: lookup.GetBasket().GetLines(),
	}
	for _, line := range receipt.GetLines() {
		receipt.TotalMinor += line.GetNetMinor()
	}
	receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: receipt.GetTotalMinor()}}
	return &tillv1.RecordReceiptRequest{
		Caller:   &tillv1.Caller{Till: strconv.Itoa(till + 1), Store: "s01"},
		Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: lookup.GetIdentifier()}, Receipt: receipt,
	}
}

// recordInTurn is the median time of a receipt and of a bare Update, in microseconds: one of each in turn, so that both have the same disk.
func (s *benchStore) recordInTurn(b *testing.B, client tillv1.CheckoutServiceClient, bare *bareBook, round int) (ours, theirs float64) {
	b.Helper()
	recorded, updated := make([]float64, receiptsInARow), make([]float64, receiptsInARow)
	for i := range recorded {
		request := s.receipt(100, round*receiptsInARow+i)
		updated[i] = microseconds(func() { bare.update(b, request) })
		recorded[i] = microseconds(func() {
			_, err := client.RecordReceipt(b.Context(), request)
			must(b, err)
		})
	}
	return median(recorded), median(updated)
}

func microseconds(run func()) float64 {
	began := time.Now()
	run()
	return float64(time.Since(began).Nanoseconds()) / 1e3
}

// recordAtOnce is how many receipts per second sixteen tills get recorded together, and how many bare Updates are done one by one: a few of each in turn.
func (s *benchStore) recordAtOnce(b *testing.B, clients []tillv1.CheckoutServiceClient, bare *bareBook, round int) (ours, theirs float64) {
	b.Helper()
	const turns, each = 6, receiptsOfATill / 6
	var recording, updating float64
	for turn := range turns {
		from := (round*turns + turn) * each
		updates := make([]*tillv1.RecordReceiptRequest, 4*each)
		for i := range updates {
			updates[i] = s.receipt(101, from*4+i)
		}
		recording += microseconds(func() { s.recordAll(b, clients, each, from) })
		updating += microseconds(func() {
			for _, request := range updates {
				bare.update(b, request)
			}
		})
	}
	return 1e6 * float64(len(clients)*turns*each) / recording, 1e6 * 4 * turns * each / updating
}

// recordAll has every client record so many receipts, as a till of its own.
func (s *benchStore) recordAll(b *testing.B, clients []tillv1.CheckoutServiceClient, each, from int) {
	b.Helper()
	var tills sync.WaitGroup
	failed := make(chan error, len(clients))
	for w, client := range clients {
		tills.Go(func() {
			for i := range each {
				if _, err := client.RecordReceipt(b.Context(), s.receipt(w, from+i)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	tills.Wait()
	close(failed)
	for err := range failed {
		must(b, err)
	}
}

// bareBook is a bbolt file that takes the same bytes, one synced Update each.
type bareBook struct {
	db *bbolt.DB
	no uint64
}

func newBareBook(b *testing.B) *bareBook {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30})
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	must(b, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("receipts"))
		return err
	}))
	return &bareBook{db: db}
}

func (k *bareBook) update(b *testing.B, request *tillv1.RecordReceiptRequest) {
	b.Helper()
	k.no++
	must(b, k.db.Update(func(tx *bbolt.Tx) error {
		value, err := proto.Marshal(request)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("receipts")).Put(binary.BigEndian.AppendUint64(nil, k.no), value)
	}))
}

// BenchmarkTableJournal is a store without head office for a season: what its journal grows to, and how fast it empties once head office is back.
// STAMKLANT_BENCH_RECEIPTS says how many receipts, when not all of them.
func BenchmarkTableJournal(b *testing.B) {
	if b.N > 1 {
		return
	}
	b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(receiptAccounts))
	receipts, err := strconv.Atoi(os.Getenv("STAMKLANT_BENCH_RECEIPTS"))
	if err != nil {
		receipts = benchJournalDays * benchReceiptsDay
	}
	dir := b.TempDir()
	b.Run("record", func(b *testing.B) { // the server stops with it
		store := openBenchIn(b, dir)
		const tills = 128
		began := time.Now()
		store.recordAll(b, store.clients(b, store.ours, tills), receipts/tills, 0)
		took := time.Since(began)
		stat, err := os.Stat(filepath.Join(dir, "store", "journal.db"))
		must(b, err)
		fact(fmt.Sprintf("journal after %d receipts of %d lines, none delivered", receipts, basketLines),
			fmt.Sprintf("%.0f MiB, %d bytes a receipt", float64(stat.Size())/(1<<20), stat.Size()/int64(receipts)), "≤ 1 GiB")
		fact("receipts recorded by 128 tills at once", fmt.Sprintf("%.0f/s", float64(receipts)/took.Seconds()), "–")
	})
	fact("drained to head office's inbox over a socket", fmt.Sprintf("%.0f rows/s", drain(b, filepath.Join(dir, "store"))), "≥ 5,000 rows/s")
}

// inboxServer takes deliveries as head office does.
type inboxServer struct {
	syncv1.UnimplementedSyncServiceServer
	box *inbox.Inbox
}

func (s *inboxServer) Deliver(ctx context.Context, request *syncv1.DeliverRequest) (*syncv1.DeliverResponse, error) {
	return s.box.Deliver(ctx, request)
}

// drain delivers everything in a stopped server's journal to a real inbox. It answers rows per second.
func drain(b *testing.B, data string) float64 {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	key, err := generation.OpenDataKey(b.Context(), filepath.Join(data, "data.key"), generation.Device{File: filepath.Join(data, "device.key")})
	must(b, err)
	j, err := journal.Open(filepath.Join(data, "journal.db"), journal.Config{ServerID: "bench", DataKey: key.Key(), Now: time.Now, Logger: quiet})
	must(b, err)
	defer j.Close()
	box, err := inbox.Open(filepath.Join(b.TempDir(), "inbox.db"), inbox.Config{Now: time.Now, Logger: quiet})
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

	waiting, err := j.Waiting()
	must(b, err)
	ctx, stop := context.WithCancel(b.Context())
	out := outbox.New(outbox.Config{Journal: j, Client: syncv1.NewSyncServiceClient(conn), ServerID: "bench", Now: time.Now, Logger: quiet})
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
	return float64(waiting) / took.Seconds()
}
