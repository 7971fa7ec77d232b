package till_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

// dial is a till that calls a service over a socket.
func dial(t *testing.T, service *till.Service) tillv1.CheckoutServiceClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return tillv1.NewCheckoutServiceClient(conn)
}

// customerFiles are the files of customers of all releases so far.
func (w *world) customerFiles() []string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "gen-*.db"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("there are no files of customers: %v", err)
	}
	return files
}

// spoil flips a bit of a card's record in files of customers.
func (w *world) spoil(card string, files []string) {
	w.t.Helper()
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		key := w.hash(card)
		at := bytes.LastIndex(raw, key) + len(key) + 4 // the sealed value stands behind its key
		if !bytes.Contains(raw, key) {
			w.t.Fatalf("%s does not hold the card", path)
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := file.WriteAt([]byte{raw[at] ^ 0x40}, int64(at)); err != nil {
			w.t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestWhatATillIsRefusedWith: each refusal of this service as a till reads it: code, reason, and when to try again where trying again helps.
func TestWhatATillIsRefusedWith(t *testing.T) {
	t.Parallel()
	caller := &tillv1.Caller{Till: "3"}
	lookup := func(ctx context.Context, c tillv1.CheckoutServiceClient) error {
		_, err := c.Lookup(ctx, &tillv1.LookupRequest{Caller: caller, Customer: &tillv1.LookupRequest_Identifier{Identifier: typed(cardRegular)}})
		return err
	}
	record := func(no string, cents int64) func(context.Context, tillv1.CheckoutServiceClient) error {
		return func(ctx context.Context, c tillv1.CheckoutServiceClient) error {
			_, err := c.RecordReceipt(ctx, receipt(no, cardRegular, line(1, "300", 1, cents)))
			return err
		}
	}
	same := func(w *world) *till.Service { return w.service }
	for _, tc := range []struct {
		name    string
		service func(*world) *till.Service
		call    func(context.Context, tillv1.CheckoutServiceClient) error
		code    codes.Code
		reason  string
		retry   bool
	}{
		{"no release yet", func(w *world) *till.Service {
			return till.New(till.Config{Active: &generation.Active{}, Journal: w.journal, ServerID: "x", Now: w.clock, Logger: discard})
		}, lookup, codes.FailedPrecondition, "NO_RELEASE", false},
		{"another store's till", same, func(ctx context.Context, c tillv1.CheckoutServiceClient) error {
			_, err := c.Lookup(ctx, &tillv1.LookupRequest{Caller: &tillv1.Caller{Till: "3", Store: "s02"}})
			return err
		}, codes.FailedPrecondition, "WRONG_STORE", false},
		{"nobody to seal details to", same, func(ctx context.Context, c tillv1.CheckoutServiceClient) error {
			_, err := c.SubmitDetails(ctx, &tillv1.SubmitDetailsRequest{
				Caller: caller, OccurredAt: timestamppb.New(now), Detail: &tillv1.SubmitDetailsRequest_Email{Email: "anna@example.org"},
				Customer: &tillv1.SubmitDetailsRequest_Identifier{Identifier: typed(cardRegular)},
			})
			return err
		}, codes.FailedPrecondition, "NO_DETAILS_KEY", false},
		{"the same key, another total", func(w *world) *till.Service {
			w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
			return w.service
		}, record("1", 100), codes.AlreadyExists, "RECEIPT_CONFLICT", false},
		{"a receipt that says something impossible", same, record("1", 1<<60), codes.InvalidArgument, "INVALID_RECEIPT", false},
		{"the seventh phone number in a minute", same, func(ctx context.Context, c tillv1.CheckoutServiceClient) (err error) {
			for range 7 {
				_, err = c.Lookup(ctx, &tillv1.LookupRequest{Caller: caller, Customer: &tillv1.LookupRequest_Identifier{Identifier: typed("0612345678")}})
			}
			return err
		}, codes.ResourceExhausted, "CONTACT_RATE", true},
		{"a full disk", func(w *world) *till.Service {
			full, err := journal.Open(filepath.Join(w.t.TempDir(), "full.db"), journal.Config{
				ServerID: "utrecht-1", DataKey: dataKey, Now: w.clock, Logger: discard, MachineID: "here", MinFree: 1 << 62,
			})
			if err != nil {
				t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = full.Close() })
			return till.New(till.Config{Active: w.active, Journal: full, ServerID: "utrecht-1", Now: w.clock, Logger: discard})
		}, record("1", 4700), codes.ResourceExhausted, "JOURNAL_FULL", true},
		{"a journal that is not open", func(w *world) *till.Service {
			closed, err := journal.Open(filepath.Join(w.t.TempDir(), "closed.db"), journal.Config{
				ServerID: "utrecht-1", DataKey: dataKey, Now: w.clock, Logger: discard, MachineID: "here",
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := closed.Close(); err != nil {
				t.Fatal(err)
			}
			return till.New(till.Config{Active: w.active, Journal: closed, ServerID: "utrecht-1", Now: w.clock, Logger: discard})
		}, record("1", 4700), codes.Unavailable, "JOURNAL_UNAVAILABLE", true},
		{"a till that nine watch", func(w *world) *till.Service {
			for range 8 {
				s, _ := w.watches(0)
				s.fresh(t)
			}
			return w.service
		}, func(ctx context.Context, c tillv1.CheckoutServiceClient) error {
			watch, err := c.WatchTill(ctx, &tillv1.WatchTillRequest{Caller: caller})
			if err == nil {
				_, err = watch.Recv()
			}
			return err
		}, codes.Unavailable, "TOO_MANY_WATCH", true},
		{"a record that cannot be read in any release", func(w *world) *till.Service {
			w.publish()
			w.spoil(cardRegular, w.customerFiles())
			return w.service
		}, lookup, codes.DataLoss, "RECORD_DAMAGED", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			err := tc.call(t.Context(), dial(t, tc.service(w)))
			if status.Code(err) != tc.code || reasonOf(err) != tc.reason {
				t.Fatalf("refused with %v (reason %q), want %v with %s", err, reasonOf(err), tc.code, tc.reason)
			}
			var after *errdetails.RetryInfo
			for _, detail := range status.Convert(err).Details() {
				if info, is := detail.(*errdetails.RetryInfo); is {
					after = info
				}
			}
			if (after.GetRetryDelay().AsDuration() > 0) != tc.retry {
				t.Errorf("try again after %v", after)
			}
			if text := status.Convert(err).Message(); strings.Contains(text, cardRegular) || strings.Contains(text, "0612345678") {
				t.Errorf("the refusal repeats what was sent: %s", text)
			}
		})
	}
}

// TestADamagedRecordIsAnsweredFromTheReleaseBefore: loudly, and for that customer alone.
func TestADamagedRecordIsAnsweredFromTheReleaseBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.customerFiles()
	w.publish()
	log := &safeBuffer{}
	w.restart(slog.New(slog.NewTextHandler(log, nil)))
	w.spoil(cardRegular, slices.DeleteFunc(w.customerFiles(), func(file string) bool { return slices.Contains(before, file) }))
	if got := w.lookup(cardRegular); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetMeta().GetRelease() != 1 || got.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Errorf("answered %v", got)
	}
	if other := w.lookup(cardTrade); other.GetMeta().GetRelease() != 2 {
		t.Errorf("another customer is answered from release %d", other.GetMeta().GetRelease())
	}
	if said := string(log.bytes()); !strings.Contains(said, "level=ERROR") || strings.Contains(said, cardRegular) {
		t.Errorf("the log says %q", said)
	}
}
