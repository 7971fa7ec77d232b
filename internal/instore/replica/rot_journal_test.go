package replica_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

func (s *rotServer) journalConfig() journal.Config {
	return journal.Config{
		ServerID: s.enrolment.GetServerId(), DataKey: s.key.Key(), Now: func() time.Time { return day }, Logger: discard(),
		MachineID: "one", MapSize: 64 << 10, // a small file, so that most faults matter
	}
}

func rotSubject(n int) (id [16]byte) {
	id[0], id[15] = 0xaa, byte(n)
	return id
}

// rotReceipt books receipt n, of n+1 points, on one of eight accounts.
func rotReceipt(n int) journal.RecordRequest {
	account := rotSubject(n % 8)
	receipt := &outcomev1.Receipt{
		Key:  &outcomev1.ReceiptKey{Store: "amsterdam", Till: "1", BusinessDate: "2026-03-02", ReceiptNo: fmt.Sprint(n)},
		Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", TotalMinor: int64(100 * (n + 1)),
	}
	entry := sha256.Sum256(fmt.Append(nil, "entry", n))
	return journal.RecordRequest{
		Key: fmt.Append(nil, "key of ", n), Hash: sha256.Sum256(fmt.Append(nil, n)), Receipt: receipt,
		Book: func(*journal.View) (*journal.Booking, error) {
			return &journal.Booking{
				Row: &outcomev1.RecordedReceipt{Receipt: receipt, AccountId: account[:], Entries: []*outcomev1.LedgerEntry{{
					EntryId: entry[:16], AccountId: account[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: int64(n + 1), Day: 20514,
				}}},
				Answer: fmt.Append(nil, "answer ", n), Brief: fmt.Append(nil, n),
			}, nil
		},
	}
}

// rotJournal gives a server a new, small journal with receipts, and a back-up of it.
func rotJournal(t *testing.T, s *server) {
	t.Helper()
	r := &rotServer{dir: s.dir, enrolment: s.enrolment}
	var err error
	if r.key, err = generation.OpenDataKey(t.Context(), filepath.Join(s.dir, "data.key"), generation.Device{File: filepath.Join(s.dir, "device.key")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"journal", "journal.seal"} {
		if err := os.Remove(r.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	j, err := journal.Open(r.path("journal"), r.journalConfig())
	if err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	for n := range rotReceipts {
		if _, err := j.Record(t.Context(), rotReceipt(n)); err != nil {
			t.Fatal(err)
		}
		if n+1 != rotBackedUp {
			continue
		}
		if _, err := j.Backup(&copied); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	rotWrite(t, r.path("journal.backup"), copied.Bytes())
}

func rotEnrolment(t *testing.T, s *server) {
	t.Helper()
	text, err := protojson.Marshal(s.enrolment)
	if err != nil {
		t.Fatal(err)
	}
	rotWrite(t, filepath.Join(s.dir, "enrolment.json"), text)
}

// inJournal damages the journal. What can be read of it is right; one that is refused is named, and its back-up begins a new incarnation.
func (s *rotServer) inJournal(t *testing.T, random *rand.Rand) string {
	t.Helper()
	path := s.path("journal")
	bad, hit, what := damagePages(rotRead(t, path), random)
	replace(t, path, bad)
	fmt.Printf("doing journal, in a %s page, %s\n", hit, what)
	j, err := journal.Open(path, s.journalConfig())
	if err != nil {
		if !errors.Is(err, journal.ErrDamaged) && !errors.Is(err, journal.ErrNewer) || !bytes.Contains([]byte(err.Error()), []byte(path)) {
			return fmt.Sprintf("WRONG: refused with %v", err)
		}
		return s.restored(t)
	}
	defer j.Close()
	wrong, err := askJournal(j, rotReceipts)
	_, why := j.Born()
	switch {
	case why == journal.Restored:
		return "an older state of its own, noticed: a new incarnation"
	case wrong != "":
		return fmt.Sprintf("WRONG: %s (%v)", wrong, err)
	case errors.Is(err, journal.ErrDamaged):
		return "noticed"
	case err != nil:
		return fmt.Sprintf("WRONG: read with %v", err)
	}
	return "all of it is right"
}

// restored puts the back-up in the refused journal's place, while the releases serve.
func (s *rotServer) restored(t *testing.T) string {
	t.Helper()
	replace(t, s.path("journal"), rotRead(t, s.path("journal.backup")))
	j, err := journal.Open(s.path("journal"), s.journalConfig())
	if err != nil {
		return fmt.Sprintf("WRONG: the back-up does not open: %v", err)
	}
	defer j.Close()
	if _, why := j.Born(); why != journal.Restored {
		return fmt.Sprintf("WRONG: the back-up goes on as if nothing had happened: %s", why)
	}
	if wrong, err := askJournal(j, rotBackedUp); wrong != "" || err != nil {
		return fmt.Sprintf("WRONG: of the back-up %s, %v", wrong, err)
	}
	return "refused, back-up restored"
}

// askJournal asks a journal of so many receipts what tills and head office ask: every account's points, one without any, every receipt, one that never was, what waits.
func askJournal(j *journal.Journal, receipts int) (wrong string, err error) {
	var points [9]int64
	for n := range receipts {
		points[n%8] += int64(n + 1)
	}
	err = j.View(func(v *journal.View) error {
		var first error
		for n, want := range points {
			got, err := v.LocalPoints(rotSubject(n), func([16]byte) uint64 { return 0 })
			if first = errors.Join(first, err); err == nil && got != want {
				wrong = fmt.Sprintf("account %d has %d points, not %d", n, got, want)
			}
		}
		for n := range receipts + 1 {
			standing, err := v.Receipt(fmt.Append(nil, "key of ", n))
			switch {
			case errors.Is(err, journal.ErrNotFound):
				if n < receipts {
					wrong = fmt.Sprintf("receipt %d is missed", n)
				}
			case err != nil:
				first = errors.Join(first, err)
			case n == receipts || string(standing.Answer) != fmt.Sprint("answer ", n):
				wrong = fmt.Sprintf("receipt %d answers %q", n, standing.Answer)
			}
		}
		return first
	})
	batch, rowsErr := j.Rows(100, 1<<20)
	if rowsErr == nil && len(batch.Rows) != receipts {
		wrong = fmt.Sprintf("%d rows go up", len(batch.Rows))
	}
	return wrong, errors.Join(err, rowsErr)
}
