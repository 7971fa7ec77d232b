package till_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

func email(card, address string) *tillv1.SubmitDetailsRequest {
	return &tillv1.SubmitDetailsRequest{
		Caller: &tillv1.Caller{Till: "3"}, OccurredAt: timestamppb.New(now), StaffLanguage: "en",
		Customer: &tillv1.SubmitDetailsRequest_Identifier{Identifier: typed(card)}, Detail: &tillv1.SubmitDetailsRequest_Email{Email: address},
	}
}

// What is typed goes up sealed, once, and head office alone can open it; nothing of it is in any file of the store, nor in what it logs.
func TestSubmitDetails(t *testing.T) {
	t.Parallel()
	office, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var logged safeBuffer
	w := newWorld(t)
	w.detailsKey = office.PublicKey().Bytes()
	w.publish()
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.restart(log)
	const address = "Anna.van.der.Berg@example.org"
	for i, card := range []string{cardRegular, cardRegular, cardNew} {
		got, err := w.service.SubmitDetails(context.Background(), email(card, address))
		if err != nil || !got.GetRecorded() || got.GetMeta().GetReplayed() != (i == 1) || words(got.GetStaff()) != "Recorded for head office" || words(got.GetCustomerDisplay()) != "Dank u.|Vastgelegd" {
			t.Fatalf("time %d: %v, %v", i, got, err)
		}
		if text, _ := proto.Marshal(got); bytes.Contains(text, []byte("Anna")) {
			t.Errorf("the answer repeats it: %v", got)
		}
	}
	rows := w.rows()
	if len(rows) != 2 {
		t.Fatalf("%d rows go up, want one for each customer", len(rows))
	}
	for i, row := range rows {
		d := row.GetDetails()
		plain, err := bundle.OpenFor(office.Bytes(), bundle.ForDetails(bundle.ChainID{}, "utrecht-1"), d.GetSealed())
		given := &outcomev1.ContactDetails{}
		if err != nil || proto.Unmarshal(plain, given) != nil || given.GetEmail() != address {
			t.Errorf("row %d: head office reads %v, %v", i, given, err)
		}
		if d.GetKind() != outcomev1.DetailKind_DETAIL_KIND_EMAIL || (len(d.GetAccountId()) == 16) != (i == 0) || (d.GetIdentifier().GetCanonical() == cardNew) != (i == 1) {
			t.Errorf("row %d: %v", i, d)
		}
		if _, err := bundle.OpenFor(office.Bytes(), bundle.ForDetails(bundle.ChainID{}, "utrecht-2"), d.GetSealed()); err == nil {
			t.Error("it opens as another server's")
		}
	}
	for _, trace := range []string{"Anna", "anna.van", "Berg@", "example.org"} {
		if bytes.Contains(logged.bytes(), []byte(trace)) {
			t.Errorf("the log holds %q:\n%s", trace, logged.bytes())
		}
		err := filepath.WalkDir(w.dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if bytes.Contains(raw, []byte(trace)) {
				t.Errorf("%s holds %q", path, trace)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSubmitDetailsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.service.SubmitDetails(context.Background(), email(cardRegular, "a@b.nl")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("without a key to seal to: %v", err)
	}
	got, err := w.service.SubmitDetails(context.Background(), email(cardUnknown, "a@b.nl"))
	if err != nil || got.GetRecorded() || got.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD || words(got.GetStaff()) != "Card unknown. Go on" {
		t.Errorf("of nobody: %v, %v", got, err)
	}
	if rows := w.rows(); len(rows) != 0 {
		t.Errorf("goes up: %v", rows)
	}
}

// restart closes the journal and opens it again, with a service that logs there.
func (w *world) restart(log *slog.Logger) {
	w.t.Helper()
	if err := w.journal.Close(); err != nil {
		w.t.Fatal(err)
	}
	var err error
	w.journal, err = journal.Open(w.dir+"/journal.db", journal.Config{ServerID: "utrecht-1", DataKey: dataKey, Now: w.clock, Logger: log, MachineID: "here"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.service = till.New(till.Config{Active: w.active, Journal: w.journal, ServerID: "utrecht-1", Now: w.clock, Logger: log})
}

// safeBuffer takes what several goroutines log.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}
