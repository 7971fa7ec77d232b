package journal_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("STAMKLANT_JOURNAL_CHILD"); path != "" {
		recordForEver(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// noon is the wall clock of most tests.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func config() journal.Config {
	return journal.Config{
		ServerID: "gent-1", DataKey: [32]byte{1, 2, 3}, Now: func() time.Time { return noon },
		Logger: slog.New(slog.DiscardHandler), MachineID: "this machine",
	}
}

func open(tb testing.TB, path string) *journal.Journal {
	tb.Helper()
	return openWith(tb, path, config())
}

func openWith(tb testing.TB, path string, cfg journal.Config) *journal.Journal {
	tb.Helper()
	j, err := journal.Open(path, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { j.Close() })
	return j
}

func file(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "journal.db")
}

// subject is an account, by a small number.
func subject(n int) (id [16]byte) {
	id[0], id[15] = 0xaa, byte(n)
	return id
}

// receipt is a sale with one line.
func receipt(no string, total int64) *outcomev1.Receipt {
	return &outcomev1.Receipt{
		Key:      &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no},
		Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
		Currency: "EUR", TotalMinor: total,
		Lines:      []*outcomev1.Line{{No: 1, Sku: "tulip", QuantityMilli: 1000, NetMinor: total}},
		Identifier: &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: "2900123456785"},
	}
}

// entryID is a made-up entry id.
func entryID(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:16]
}

// request records a receipt that earns points for an account.
func request(no string, account [16]byte, points int64) journal.RecordRequest {
	r := receipt(no, points*100)
	return journal.RecordRequest{
		Key: []byte("key of " + no), Hash: sha256.Sum256(fmt.Append(nil, no, points)), Receipt: r,
		Book: func(v *journal.View) (*journal.Booking, error) {
			return &journal.Booking{
				Row: &outcomev1.RecordedReceipt{
					Receipt: r, AccountId: account[:],
					Entries: []*outcomev1.LedgerEntry{{
						EntryId: entryID(fmt.Sprint(no, v.Fork())), AccountId: account[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN,
						Points: points, Day: 20526, PointsPerLine: []int64{points},
					}},
				},
				Own: true, Answer: fmt.Appendf(nil, "%d points on %s", points, no), Brief: fmt.Appendf(nil, "%d", points),
			}, nil
		},
	}
}

func record(tb testing.TB, j *journal.Journal, req journal.RecordRequest) journal.Recorded {
	tb.Helper()
	rec, err := j.Record(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// nothingCounted is a release that knows no journal.
func nothingCounted([16]byte) uint64 { return 0 }

func points(tb testing.TB, j *journal.Journal, of [16]byte, after func([16]byte) uint64) (sum int64) {
	tb.Helper()
	err := j.View(func(v *journal.View) (err error) {
		sum, err = v.LocalPoints(of, after)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return sum
}

func waiting(tb testing.TB, j *journal.Journal) uint64 {
	tb.Helper()
	n, err := j.Waiting()
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// deliver confirms all that waits, as a head office that holds it would.
func deliver(tb testing.TB, j *journal.Journal) {
	tb.Helper()
	for {
		batch, err := j.Rows(1000, 1<<20)
		if err != nil {
			tb.Fatal(err)
		}
		if len(batch.Rows) == 0 {
			return
		}
		if err := j.Confirm(tb.Context(), batch.Incarnation, batch.Through(), batch.ChainAfter()); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestSameReceiptFiveTimesAtOnce(t *testing.T) {
	j := open(t, file(t))
	var wg sync.WaitGroup
	answers := make([]journal.Recorded, 5)
	for i := range answers {
		wg.Go(func() { answers[i] = record(t, j, request("7", subject(1), 12)) })
	}
	wg.Wait()
	fresh := 0
	for _, a := range answers {
		if string(a.Answer) != "12 points on 7" {
			t.Errorf("answer %q", a.Answer)
		}
		if !a.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d were taken for new, want 1", fresh)
	}
	if got := points(t, j, subject(1), nothingCounted); got != 12 {
		t.Errorf("%d points, want 12", got)
	}
	if n := waiting(t, j); n != 1 {
		t.Errorf("%d rows wait, want 1", n)
	}
}

func TestOtherContentIsAConflict(t *testing.T) {
	j := open(t, file(t))
	record(t, j, request("7", subject(1), 12))
	other := request("7", subject(1), 99)
	for range 3 {
		rec := record(t, j, other)
		if !rec.Conflict || rec.Replayed || rec.Answer != nil || rec.Standing.Hash != request("7", subject(1), 12).Hash {
			t.Errorf("got %+v", rec)
		}
	}
	if got := points(t, j, subject(1), nothingCounted); got != 12 {
		t.Errorf("%d points, want 12", got)
	}
	batch, err := j.Rows(10, 1<<20)
	if err != nil || len(batch.Rows) != 2 {
		t.Fatalf("%d rows go up (%v), want the receipt and one conflict", len(batch.Rows), err)
	}
	row := decode(t, batch.Rows[1])
	if c := row.GetConflict(); c.GetRefused().GetTotalMinor() != 9900 || !bytes.Equal(c.GetStandingHash(), rec(other.Hash, request("7", subject(1), 12).Hash)) {
		t.Errorf("conflict row: %v", row)
	}
	if rec := record(t, j, request("7", subject(1), 12)); !rec.Replayed || string(rec.Answer) != "12 points on 7" {
		t.Errorf("the first stands: %+v", rec)
	}
}

// rec is the hash that stands.
func rec(_, standing [32]byte) []byte { return standing[:] }

func decode(tb testing.TB, b []byte) *outcomev1.OutboxRow {
	tb.Helper()
	row := &outcomev1.OutboxRow{}
	if err := proto.Unmarshal(b, row); err != nil {
		tb.Fatal(err)
	}
	return row
}

func TestReimagedTillIsBookedBeside(t *testing.T) {
	j := open(t, file(t))
	record(t, j, request("7", subject(1), 12))
	other := request("7", subject(2), 30)
	other.Reimaged = func(st *journal.Standing) bool { return st.Sale.GetReceipt().GetTotalMinor() == 1200 }
	if rec := record(t, j, other); rec.Replayed || rec.Conflict || string(rec.Answer) != "30 points on 7" {
		t.Errorf("got %+v", rec)
	}
	if rec := record(t, j, other); !rec.Replayed || string(rec.Answer) != "30 points on 7" || rec.Standing.Fork != 1 {
		t.Errorf("sent again: %+v", rec)
	}
	if a, b := points(t, j, subject(1), nothingCounted), points(t, j, subject(2), nothingCounted); a != 12 || b != 30 {
		t.Errorf("points %d and %d", a, b)
	}
	batch, err := j.Rows(10, 1<<20)
	if err != nil || len(batch.Rows) != 2 || decode(t, batch.Rows[1]).GetReceipt().GetFork() != 1 {
		t.Errorf("rows: %d, %v", len(batch.Rows), err)
	}
}

func TestRefusalRecordsNothing(t *testing.T) {
	j := open(t, file(t))
	req := request("7", subject(1), 12)
	errNo := errors.New("no")
	bad := req
	bad.Book = func(*journal.View) (*journal.Booking, error) { return nil, errNo }
	if _, err := j.Record(t.Context(), bad); !errors.Is(err, errNo) {
		t.Errorf("got %v", err)
	}
	bad.Book = func(*journal.View) (*journal.Booking, error) { panic("a bug") }
	if _, err := j.Record(t.Context(), bad); err == nil {
		t.Error("a panic was taken for a booking")
	}
	bad.Book = func(*journal.View) (*journal.Booking, error) {
		return &journal.Booking{Row: &outcomev1.RecordedReceipt{Entries: []*outcomev1.LedgerEntry{{EntryId: entryID("x"), Points: 5}}}}, nil
	}
	if _, err := j.Record(t.Context(), bad); err == nil {
		t.Error("an entry that belongs to nobody was booked")
	}
	if n := waiting(t, j); n != 0 {
		t.Errorf("%d rows wait", n)
	}
	if rec := record(t, j, req); rec.Replayed {
		t.Error("a refused receipt was remembered")
	}
}

func TestAnEntryCountsOnce(t *testing.T) {
	j := open(t, file(t))
	for i := range 3 {
		req := request(fmt.Sprint(i), subject(1), 10)
		book := req.Book
		req.Book = func(v *journal.View) (*journal.Booking, error) {
			b, err := book(v)
			b.Row.Entries[0].EntryId, b.Own = entryID("survey reward of march"), false
			if known, err := v.HasEntry([16]byte(entryID("survey reward of march"))); known != (i > 0) || err != nil {
				t.Errorf("receipt %d: entry known %t, %v", i, known, err)
			}
			return b, err
		}
		record(t, j, req)
	}
	if got := points(t, j, subject(1), nothingCounted); got != 10 {
		t.Errorf("%d points, want 10", got)
	}
}

func TestBookSeesWhatWasRecorded(t *testing.T) {
	j := open(t, file(t))
	record(t, j, request("1", subject(1), 5))
	req := request("2", subject(1), 6)
	book := req.Book
	req.Book = func(v *journal.View) (*journal.Booking, error) {
		sum, err := v.LocalPoints(subject(1), nothingCounted)
		if sum != 5 || err != nil {
			t.Errorf("sees %d points, %v", sum, err)
		}
		st, err := v.Receipt([]byte("key of 1"))
		if err != nil || st.Sale.GetEntries()[0].GetPoints() != 5 || !st.RecordedAt.Equal(noon) {
			t.Errorf("sees %+v, %v", st, err)
		}
		if _, err := v.Receipt([]byte("key of 2")); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("itself: %v", err)
		}
		return book(v)
	}
	record(t, j, req)
}

func TestCutOffs(t *testing.T) {
	j := open(t, file(t))
	for i := range 6 {
		record(t, j, request(fmt.Sprint(i), subject(1), 1<<i))
	}
	record(t, j, request("other", subject(2), 1000))
	me := j.Incarnation()
	for through, want := range []int64{63, 62, 60, 56, 48, 32, 0, 0} {
		got := points(t, j, subject(1), func(id [16]byte) uint64 {
			if id != me {
				t.Errorf("asked for incarnation %x", id)
			}
			return uint64(through)
		})
		if got != want {
			t.Errorf("beyond %d: %d points, want %d", through, got, want)
		}
	}
}

func TestIdentifierWithoutAccount(t *testing.T) {
	j := open(t, file(t))
	hash := subject(77)
	req := request("1", subject(1), 8)
	book := req.Book
	req.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		b.Row.AccountId, b.Row.Entries[0].AccountId, b.Row.Entries[0].IdHash = nil, nil, hash[:]
		b.Row.Exposures = []*outcomev1.Exposure{{SuggestionId: "s", Campaign: "welcome"}}
		return b, err
	}
	record(t, j, req)
	if got := points(t, j, hash, nothingCounted); got != 8 {
		t.Errorf("%d points hang on the card, want 8", got)
	}
	hashes := func() (all [][16]byte) {
		if err := j.View(func(v *journal.View) error {
			return v.IDHashes(func(h [16]byte) error { all = append(all, h); return nil })
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := hashes(); len(got) != 1 || got[0] != hash {
		t.Errorf("cards without account: %x", got)
	}
	deliver(t, j)
	prune(t, j, 1)
	if got := hashes(); len(got) != 0 {
		t.Errorf("after the release counted it: %x", got)
	}
}

// prune lets everything up to a sequence of the present incarnation go.
func prune(tb testing.TB, j *journal.Journal, through uint64) int {
	tb.Helper()
	n, err := j.Prune(tb.Context(), []journal.Counted{{CutOff: func([16]byte) (uint64, uint64) { return through, through }}})
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestContactsAndLocalReceipts(t *testing.T) {
	j := open(t, file(t))
	req := request("1", subject(1), 8)
	book := req.Book
	req.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		b.Row.Exposures = []*outcomev1.Exposure{
			{SuggestionId: "a", Campaign: "tulips", Response: outcomev1.Response_RESPONSE_ACCEPTED}, {SuggestionId: "b", Campaign: "nps"},
		}
		return b, err
	}
	record(t, j, req)
	account := subject(1)
	shown := noon.Add(-time.Hour)
	err := j.RecordExposures(t.Context(), []*outcomev1.UnclaimedExposure{{
		AccountId: account[:], Exposure: &outcomev1.Exposure{SuggestionId: "c", Campaign: "tulips"}, ShownAt: timestamppb.New(shown),
	}})
	if err != nil {
		t.Fatal(err)
	}
	look := func(through uint64) (contacts, receipts []string) {
		after := func([16]byte) uint64 { return through }
		err := j.View(func(v *journal.View) error {
			err := v.LocalContacts(account, after, func(c journal.Contact) error {
				contacts = append(contacts, fmt.Sprint(c.Exposure.GetCampaign(), " ", int(c.Exposure.GetResponse()), " ", c.At.Hour()))
				return nil
			})
			return errors.Join(err, v.LocalReceipts(account, after, func(r *outcomev1.RecordedReceipt) error {
				receipts = append(receipts, r.GetReceipt().GetKey().GetReceiptNo())
				return nil
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
		return contacts, receipts
	}
	contacts, receipts := look(0)
	if got := strings.Join(contacts, ", "); got != "tulips 3 12, nps 0 12, tulips 0 11" {
		t.Errorf("contacts: %s", got)
	}
	if fmt.Sprint(receipts) != "[1]" {
		t.Errorf("receipts: %v", receipts)
	}
	if contacts, receipts = look(1); len(contacts) != 1 || len(receipts) != 0 {
		t.Errorf("beyond the receipt: %v, %v", contacts, receipts)
	}
	deliver(t, j)
	if n := prune(t, j, 2); n != 2 {
		t.Errorf("%d rows went, want 2", n)
	}
	if contacts, receipts = look(0); len(contacts) != 0 || len(receipts) != 0 {
		t.Errorf("after they went: %v, %v", contacts, receipts)
	}
}
