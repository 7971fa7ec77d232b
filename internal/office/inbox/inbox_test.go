package inbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func open(tb testing.TB, path string) *inbox.Inbox {
	tb.Helper()
	box, err := inbox.Open(path, inbox.Config{
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { box.Close() })
	return box
}

func file(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "inbox.db")
}

// A server is a store's side of the protocol, by its definition: rows with sequences, and the chain over them.
type server struct {
	id          string
	incarnation [16]byte
	rows        [][]byte
	chains      [][32]byte // before each row, and after the last
}

func newServer(id string) *server {
	s := &server{id: id, chains: make([][32]byte, 1)}
	copy(s.incarnation[:], "life of "+id)
	return s
}

// add adds a row.
func (s *server) add(tb testing.TB, row *outcomev1.OutboxRow) {
	tb.Helper()
	row.Sequence = uint64(len(s.rows) + 1)
	b, err := proto.Marshal(row)
	if err != nil {
		tb.Fatal(err)
	}
	before := s.chains[len(s.chains)-1]
	s.rows = append(s.rows, b)
	s.chains = append(s.chains, sha256.Sum256(append(before[:], b...)))
}

func (s *server) receipt(tb testing.TB, r *outcomev1.RecordedReceipt) {
	tb.Helper()
	s.add(tb, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Receipt{Receipt: r}})
}

// request delivers the rows from first to last.
func (s *server) request(first, last int) *syncv1.DeliverRequest {
	return &syncv1.DeliverRequest{
		ServerId: s.id, Incarnation: s.incarnation[:], First: uint64(first), Rows: s.rows[first-1 : last], ChainBefore: s.chains[first-1][:],
	}
}

func (s *server) all() *syncv1.DeliverRequest { return s.request(1, len(s.rows)) }

func deliver(tb testing.TB, box *inbox.Inbox, req *syncv1.DeliverRequest) *syncv1.DeliverResponse {
	tb.Helper()
	resp, err := box.Deliver(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

func account(n int) (id [16]byte) {
	id[0], id[15] = 0xdd, byte(n)
	return id
}

// sale books points for an account.
func sale(no string, of [16]byte, points int64) *outcomev1.RecordedReceipt {
	hash, entry := sha256.Sum256(fmt.Append(nil, no, points)), sha256.Sum256([]byte("entry "+no))
	return &outcomev1.RecordedReceipt{
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, TotalMinor: points * 100,
		},
		ContentHash: hash[:], AccountId: of[:], RecordedAt: timestamppb.New(noon),
		Entries: []*outcomev1.LedgerEntry{{
			EntryId: entry[:16], AccountId: of[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: points, Day: 20526,
		}},
	}
}

// onCard is a sale on a card whose account the server did not know.
func onCard(no, card string, points int64) *outcomev1.RecordedReceipt {
	r := sale(no, account(0), points)
	hash := sha256.Sum256([]byte(card))
	r.AccountId, r.Entries[0].AccountId, r.Entries[0].IdHash = nil, nil, hash[:16]
	r.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: card}
	return r
}

// cutAccounts are the accounts of a cut made now.
func cutAccounts(tb testing.TB, box *inbox.Inbox) []inbox.CutAccount {
	tb.Helper()
	cut, err := box.Cut(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer cut.Close()
	var all []inbox.CutAccount
	for a, err := range cut.Accounts() {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func points(tb testing.TB, box *inbox.Inbox, of [16]byte) int64 {
	tb.Helper()
	for _, a := range cutAccounts(tb, box) {
		if a.ID == of {
			return a.Points
		}
	}
	return 0
}

func TestDeliverTakesOnce(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 6 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1<<i))
	}
	for _, span := range [][2]int{{1, 2}, {1, 2}, {2, 4}, {1, 6}, {3, 5}, {6, 6}} {
		resp := deliver(t, box, s.request(span[0], span[1]))
		through := int(resp.GetThrough())
		if through < span[1] || !bytes.Equal(resp.GetChain(), s.chains[through][:]) {
			t.Errorf("%v: held through %d", span, through)
		}
	}
	if got := points(t, box, account(1)); got != 63 {
		t.Errorf("%d points, want 63", got)
	}
	if postings, err := box.Statement(account(1)); len(postings) != 6 || err != nil ||
		postings[5].ServerID != "gent-1" || postings[5].Sequence != 6 || postings[5].Entry.GetPoints() != 32 || postings[5].Incarnation != s.incarnation {
		t.Errorf("statement %v, %v", postings, err)
	}
}

func TestDeliverAtOnce(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 50 {
		s.receipt(t, sale(fmt.Sprint(i), account(i%3), 1))
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := box.Deliver(t.Context(), s.all()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := points(t, box, account(0)) + points(t, box, account(1)) + points(t, box, account(2)); got != 50 {
		t.Errorf("%d points, want 50", got)
	}
}

func TestGap(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 6 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	for _, tc := range []struct {
		first, last int
		held        uint64
	}{{2, 6, 0}, {1, 2, 2}, {4, 6, 2}} {
		resp, err := box.Deliver(t.Context(), s.request(tc.first, tc.last))
		var gap *inbox.GapError
		switch {
		case errors.As(err, &gap):
			if gap.Through != tc.held || !errors.Is(err, inbox.ErrGap) {
				t.Errorf("%+v: %v", tc, err)
			}
		case err != nil || resp.GetThrough() != tc.held:
			t.Errorf("%+v: %v, %v", tc, resp, err)
		}
	}
	if got := points(t, box, account(1)); got != 2 {
		t.Errorf("%d points, want 2", got)
	}
}

func TestFork(t *testing.T) {
	box := open(t, file(t))
	s, twin := newServer("gent-1"), newServer("gent-1")
	for i := range 4 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
		twin.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	s.receipt(t, sale("4", account(1), 1))
	s.receipt(t, sale("5", account(1), 1))
	twin.receipt(t, sale("other 4", account(1), 100))
	twin.receipt(t, sale("other 5", account(1), 100))
	twin.receipt(t, sale("other 6", account(1), 100))
	deliver(t, box, s.all())
	for _, tc := range []struct {
		first  int
		agreed uint64
	}{{1, 4}, {3, 4}, {5, 4}, {6, 0}, {7, 0}} {
		_, err := box.Deliver(t.Context(), twin.request(tc.first, 7))
		var forked *inbox.ForkedError
		if !errors.As(err, &forked) || !errors.Is(err, inbox.ErrForked) || forked.Agreed != tc.agreed || forked.Chain != s.chains[tc.agreed] {
			t.Errorf("from %d: %v, want agreed through %d", tc.first, err, tc.agreed)
		}
	}
	if got := points(t, box, account(1)); got != 6 {
		t.Errorf("%d points, want 6: a fork left something behind", got)
	}
}

// TestOneReceiptFromTwoServers: the first server's entries stand, the other's are kept and not counted.
func TestOneReceiptFromTwoServers(t *testing.T) {
	box := open(t, file(t))
	one, two := newServer("gent-1"), newServer("gent-2")
	one.receipt(t, sale("1", account(1), 10))
	two.receipt(t, sale("1", account(1), 10))
	other := sale("1", account(1), 25) // a third, with other content and other ids
	other.Entries[0].EntryId = bytes.Repeat([]byte{9}, 16)
	three := newServer("gent-3")
	three.receipt(t, other)
	for _, s := range []*server{one, two, three} {
		deliver(t, box, s.all())
	}
	if got := points(t, box, account(1)); got != 10 {
		t.Errorf("%d points, want the first server's 10", got)
	}
	conflicts, err := box.Conflicts()
	if err != nil || len(conflicts) != 1 || conflicts[0].ServerID != "gent-3" || conflicts[0].Other.GetEntries()[0].GetPoints() != 25 ||
		conflicts[0].Standing.GetEntries()[0].GetPoints() != 10 {
		t.Errorf("conflicts %+v, %v", conflicts, err)
	}
	if got := receipts(t, box, nil); fmt.Sprint(got) != "[gent-1/1]" {
		t.Errorf("receipts for the warehouse: %v", got)
	}
}

// receipts lists what the warehouse would get.
func receipts(tb testing.TB, box *inbox.Inbox, after func(string, [16]byte) uint64) (list []string) {
	tb.Helper()
	if after == nil {
		after = func(string, [16]byte) uint64 { return 0 }
	}
	cut, err := box.Cut(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer cut.Close()
	for r, err := range cut.Receipts(after) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, fmt.Sprint(r.ServerID, "/", r.Sequence))
	}
	return list
}

// TestSentAgainUnderANewIncarnation: rows re-stamped after a restore count once.
func TestSentAgainUnderANewIncarnation(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 3 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	deliver(t, box, s.all())
	again := newServer("gent-1")
	copy(again.incarnation[:], "another life")
	for i := 1; i < 5; i++ {
		again.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	deliver(t, box, again.all())
	if got := points(t, box, account(1)); got != 5 {
		t.Errorf("%d points, want 5", got)
	}
	if conflicts, err := box.Conflicts(); len(conflicts) != 0 || err != nil {
		t.Errorf("conflicts %v, %v", conflicts, err)
	}
}

func TestConflictRow(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	first := sale("1", account(1), 10)
	s.receipt(t, first)
	s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Conflict{Conflict: &outcomev1.ReceiptConflict{
		Key: first.GetReceipt().GetKey(), StandingHash: first.GetContentHash(), Refused: &outcomev1.Receipt{TotalMinor: 77}, RefusedAt: timestamppb.New(noon),
	}}})
	s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Exposure{Exposure: &outcomev1.UnclaimedExposure{}}})
	deliver(t, box, s.all())
	conflicts, err := box.Conflicts()
	if err != nil || len(conflicts) != 1 || conflicts[0].Refused.GetRefused().GetTotalMinor() != 77 || conflicts[0].Sequence != 2 ||
		conflicts[0].Standing.GetReceipt().GetTotalMinor() != 1000 {
		t.Errorf("conflicts %+v, %v", conflicts, err)
	}
}

// FuzzDeliver offers rows as a stranger with a server's token could: they are taken or refused, and what was there before stays.
func FuzzDeliver(f *testing.F) {
	s := newServer("gent-1")
	s.receipt(f, onCard("1", "2900123456785", 10))
	f.Add(s.rows[0])
	parked := onCard("2", "9528234000001239", 10)
	parked.Parked, parked.Entries, parked.Provisional = parked.Entries, nil, true
	for _, r := range []*outcomev1.RecordedReceipt{
		parked, broughtBack("gent", "3", key("gent", "1"), 2), void("gent", "4", key("gent", "3")), broughtBack("gent", "5", key("gent", "5"), 1),
	} {
		one := newServer("gent-1")
		one.receipt(f, r)
		f.Add(one.rows[0])
	}
	f.Add([]byte{0x08, 0x01, 0x1a, 0x00})
	f.Add([]byte{0x08, 0x01, 0x12, 0x02, 0x32, 0x00})
	box := open(f, file(f))
	known := newServer("known")
	known.receipt(f, sale("known", account(1), 42))
	deliver(f, box, known.all())
	life := uint64(0)
	f.Fuzz(func(t *testing.T, row []byte) {
		life++
		id := binary.BigEndian.AppendUint64(make([]byte, 8), life)
		_, err := box.Deliver(t.Context(), &syncv1.DeliverRequest{
			ServerId: "stranger", Incarnation: id, First: 1, Rows: [][]byte{row}, ChainBefore: make([]byte, 32),
		})
		if err != nil && !errors.Is(err, inbox.ErrMalformed) && !errors.Is(err, inbox.ErrUnknownRow) {
			t.Errorf("%x: %v", row, err)
		}
		if postings, err := box.Statement(account(1)); err != nil || len(postings) == 0 || postings[0].Entry.GetPoints() != 42 {
			t.Errorf("after %x: %v, %v", row, postings, err)
		}
	})
}
