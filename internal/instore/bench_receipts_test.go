package instore_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// What is recorded.
const (
	receiptsInARow  = 200    // of one till, in a round
	receiptsOfATill = 60     // of each of sixteen, in a round
	receiptAccounts = 20_000 // who come to a busy store, all of them
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
			Store: "s01", Till: strconv.Itoa(till + 1), BusinessDate: s.today(), ReceiptNo: strconv.Itoa(no),
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

// today is the date in the shop.
func (s *benchStore) today() string {
	if s.now != nil {
		return s.now().Format(time.DateOnly)
	}
	return time.Now().Format(time.DateOnly)
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
	s.tillsDo(b, clients, each, func(client tillv1.CheckoutServiceClient, till, i int) error {
		_, err := client.RecordReceipt(b.Context(), s.receipt(till, from+i))
		return err
	})
}

// sellAll is recordAll with a lookup before each receipt, as a till asks with the basket full: what was suggested goes into the book as well.
func (s *benchStore) sellAll(b *testing.B, clients []tillv1.CheckoutServiceClient, each, from int) {
	b.Helper()
	s.tillsDo(b, clients, each, func(client tillv1.CheckoutServiceClient, till, i int) error {
		lookup, receipt := s.request(till, from+i), s.receipt(till, from+i)
		receipt.Receipt.ReceiptRef = lookup.GetReceiptRef()
		if _, err := client.Lookup(b.Context(), lookup); err != nil && status.Code(err) != codes.ResourceExhausted {
			return err // a sale goes on without an answer from a server that has too much to do
		}
		_, err := client.RecordReceipt(b.Context(), receipt)
		return err
	})
}

// tillsDo has every client do something so many times, all at once.
func (s *benchStore) tillsDo(b *testing.B, clients []tillv1.CheckoutServiceClient, each int, do func(client tillv1.CheckoutServiceClient, till, i int) error) {
	b.Helper()
	var tills sync.WaitGroup
	failed := make(chan error, len(clients))
	for till, client := range clients {
		tills.Go(func() {
			for i := range each {
				if err := do(client, till, i); err != nil {
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
