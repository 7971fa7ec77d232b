package hub_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

type callerKey struct{}

// as is a call with the token of a server.
func as(server string) context.Context {
	return context.WithValue(context.Background(), callerKey{}, server)
}

// syncService is a service over a folder with a few files of the layout.
func syncService(t *testing.T) *hub.SyncService {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "bundles")
	for name, content := range map[string][]byte{
		"keyset.skm": []byte("the keyset"), "servers/gent-1/current.skm": []byte("for gent"), "servers/gent-2/current.skm": []byte("for the standby"),
		"chunks/ab/" + chunk: bytes.Repeat([]byte("0123456789"), 70_000), "lane/7.skm": nil,
	} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	box, err := inbox.Open(filepath.Join(dir, "inbox.db"), inbox.Config{Now: func() time.Time { return noon }, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	service, err := hub.NewSyncService(hub.SyncConfig{
		Inbox: box, Bundles: folder, Now: func() time.Time { return noon }, Logger: quiet,
		Server: func(ctx context.Context) (string, bool) {
			id, ok := ctx.Value(callerKey{}).(string)
			return id, ok
		},
		Newest: func(string) uint64 { return 12 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	return service
}

const chunk = "abababababababababababababababababababababababababababababababab"

// collector is the receiving end of Fetch.
type collector struct {
	grpc.ServerStream
	ctx    context.Context
	data   []byte
	pieces int
	most   int
	total  int64
}

func (c *collector) Context() context.Context { return c.ctx }

func (c *collector) Send(r *syncv1.FetchResponse) error {
	c.data = append(c.data, r.GetData()...)
	c.pieces++
	c.most = max(c.most, len(r.GetData()))
	c.total = r.GetTotal()
	return nil
}

func TestFetch(t *testing.T) {
	service := syncService(t)
	whole := bytes.Repeat([]byte("0123456789"), 70_000)
	for _, tc := range []struct {
		name   string
		caller string
		server string
		path   string
		offset int64
		want   []byte
		code   codes.Code
	}{
		{"the keyset", "gent-1", "gent-1", "keyset.skm", 0, []byte("the keyset"), codes.OK},
		{"its own manifest", "gent-1", "gent-1", "servers/gent-1/current.skm", 0, []byte("for gent"), codes.OK},
		{"another's manifest", "gent-1", "gent-1", "servers/gent-2/current.skm", 0, nil, codes.PermissionDenied},
		{"in another's name", "gent-1", "gent-2", "servers/gent-2/current.skm", 0, nil, codes.PermissionDenied},
		{"in nobody's name", "", "gent-1", "keyset.skm", 0, nil, codes.Unauthenticated},
		{"a chunk", "gent-1", "gent-1", "chunks/ab/" + chunk, 0, whole, codes.OK},
		{"a chunk, resumed", "gent-1", "gent-1", "chunks/ab/" + chunk, 650_001, whole[650_001:], codes.OK},
		{"a chunk, complete already", "gent-1", "gent-1", "chunks/ab/" + chunk, 700_000, nil, codes.OK},
		{"beyond its end", "gent-1", "gent-1", "chunks/ab/" + chunk, 1 << 40, nil, codes.OK},
		{"an empty file", "gent-1", "gent-1", "lane/7.skm", 0, nil, codes.OK},
		{"no such chunk", "gent-1", "gent-1", "chunks/ac/" + chunk, 0, nil, codes.NotFound},
		{"a folder", "gent-1", "gent-1", "chunks/ab", 0, nil, codes.NotFound},
		{"out of the folder", "gent-1", "gent-1", "chunks/../../inbox.db", 0, nil, codes.PermissionDenied},
		{"a file that is not of the layout", "gent-1", "gent-1", "inbox.db", 0, nil, codes.PermissionDenied},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := context.Background()
			if tc.caller != "" {
				ctx = as(tc.caller)
			}
			got := &collector{ctx: ctx}
			err := service.Fetch(&syncv1.FetchRequest{ServerId: tc.server, Path: tc.path, Offset: tc.offset}, got)
			if status.Code(err) != tc.code {
				t.Fatalf("got %v, want %v", err, tc.code)
			}
			if !bytes.Equal(got.data, tc.want) || got.most > 256<<10 {
				t.Errorf("%d bytes in pieces of at most %d, want %d", len(got.data), got.most, len(tc.want))
			}
			if err == nil && got.pieces == 0 {
				t.Error("not even the length was told")
			}
		})
	}
}

// row is a sale, as the n-th row of a server.
func row(t *testing.T, n uint64, no string) []byte {
	t.Helper()
	b, err := proto.Marshal(&outcomev1.OutboxRow{Sequence: n, Row: &outcomev1.OutboxRow_Receipt{Receipt: &outcomev1.RecordedReceipt{
		Receipt: &outcomev1.Receipt{Key: &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDeliverRefusals: every refusal of the inbox reaches the server as a status it can act on.
func TestDeliverRefusals(t *testing.T) {
	service := syncService(t)
	zero := make([]byte, 32)
	request := func(first uint64, before []byte, rows ...[]byte) *syncv1.DeliverRequest {
		return &syncv1.DeliverRequest{ServerId: "gent-1", Incarnation: []byte("0123456789abcdef"), First: first, ChainBefore: before, Rows: rows}
	}
	one, two := row(t, 1, "1"), row(t, 2, "2")
	sum := sha256.Sum256(append(make([]byte, 32), one...))
	resp, err := service.Deliver(as("gent-1"), request(1, zero, one))
	if err != nil || resp.GetThrough() != 1 || !bytes.Equal(resp.GetChain(), sum[:]) {
		t.Fatalf("got %v, %v", resp, err)
	}
	for _, tc := range []struct {
		name   string
		caller string
		req    *syncv1.DeliverRequest
		code   codes.Code
		reason string
		with   map[string]string
	}{
		{"more rows", "gent-1", request(1, zero, one, two, row(t, 3, "3")), codes.OK, "", nil},
		{
			"another second row", "gent-1", request(1, zero, one, row(t, 2, "other")), codes.Aborted, "FORKED",
			map[string]string{"agreed": "1", "chain": fmt.Sprintf("%x", sum)},
		},
		{"another chain", "gent-1", request(2, zero, two), codes.Aborted, "FORKED", map[string]string{"agreed": "0", "chain": fmt.Sprintf("%x", zero)}},
		{"a gap", "gent-1", request(9, zero, row(t, 9, "9")), codes.OutOfRange, "GAP", map[string]string{"through": "3"}},
		{"garbage", "gent-1", request(1, zero, []byte{0xff}), codes.InvalidArgument, "MALFORMED_ROW", nil},
		{"from the future", "gent-1", request(1, zero, []byte{0x08, 0x01}), codes.FailedPrecondition, "UNKNOWN_ROW", nil},
		{"in another's name", "gent-2", request(1, zero, one), codes.PermissionDenied, "OTHER_SERVER", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := service.Deliver(as(tc.caller), tc.req)
			if status.Code(err) != tc.code {
				t.Fatalf("got %v, want %v", err, tc.code)
			}
			if err == nil {
				return
			}
			info, ok := status.Convert(err).Details()[0].(*errdetails.ErrorInfo)
			if !ok || info.GetReason() != tc.reason || info.GetDomain() != "stamklant" {
				t.Fatalf("details %v", status.Convert(err).Details())
			}
			for key, want := range tc.with {
				if got := info.GetMetadata()[key]; got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestReport(t *testing.T) {
	service := syncService(t)
	resp, err := service.Report(as("gent-1"), &syncv1.ReportRequest{ServerId: "gent-1"})
	if err != nil || !resp.GetTime().AsTime().Equal(noon) || resp.GetNewestManifestVersion() != 12 {
		t.Errorf("got %v, %v", resp, err)
	}
	if _, err := service.Report(as("gent-2"), &syncv1.ReportRequest{ServerId: "gent-1"}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("in another's name: %v", err)
	}
}
