package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Tokens of the tests, one per role.
const (
	tillToken    = "token-of-a-till"
	ownTillToken = "token-of-till-3"
	scannerToken = "token-of-a-scanner"
	syncToken    = "token-of-a-server"
	adminToken   = "token-of-a-person"
)

// patience bounds waiting for something that must happen.
const patience = 10 * time.Second

// checkout answers as the test says; a method without a function answers empty.
type checkout struct {
	tillv1.UnimplementedCheckoutServiceServer
	lookup func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error)
	record func(context.Context, *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error)
	status func(context.Context, *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error)
}

func (c *checkout) Lookup(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	if c.lookup == nil {
		return &tillv1.LookupResponse{}, nil
	}
	return c.lookup(ctx, r)
}

func (c *checkout) RecordReceipt(ctx context.Context, r *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	if c.record == nil {
		return &tillv1.RecordReceiptResponse{}, nil
	}
	return c.record(ctx, r)
}

func (c *checkout) GetStatus(ctx context.Context, r *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error) {
	if c.status == nil {
		return &tillv1.GetStatusResponse{}, nil
	}
	return c.status(ctx, r)
}

// syncing answers empty; Fetch as the test says.
type syncing struct {
	syncv1.UnimplementedSyncServiceServer
	fetch func(*syncv1.FetchRequest, grpc.ServerStreamingServer[syncv1.FetchResponse]) error
}

func (s *syncing) Fetch(r *syncv1.FetchRequest, stream grpc.ServerStreamingServer[syncv1.FetchResponse]) error {
	if s.fetch == nil {
		return nil
	}
	return s.fetch(r, stream)
}

// services are all of ours that a server of the tests has.
var services = map[string]rpc.Role{
	tillv1.CheckoutService_ServiceDesc.ServiceName: rpc.RoleTill,
	syncv1.SyncService_ServiceDesc.ServiceName:     rpc.RoleSync,
	officev1.OfficeService_ServiceDesc.ServiceName: rpc.RoleAdmin,
}

// roles is who may call what in the tests: every method the role of its service, and some a second one.
func roles() map[string]rpc.Access {
	table := make(map[string]rpc.Access)
	for service, role := range services {
		for _, name := range methodsOf(service) {
			table[name] = rpc.Access{Roles: []rpc.Role{role}, Web: role == rpc.RoleTill}
		}
	}
	table[tillv1.CheckoutService_Lookup_FullMethodName] = rpc.Access{Roles: []rpc.Role{rpc.RoleTill, rpc.RoleScanner}, Web: true}
	table[tillv1.CheckoutService_GetStatus_FullMethodName] = rpc.Access{Roles: []rpc.Role{rpc.RoleTill, rpc.RoleAdmin}, Web: true, Get: true}
	return table
}

// methodsOf lists a service's methods by their full names.
func methodsOf(service string) []string {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		panic(err)
	}
	methods := found.(protoreflect.ServiceDescriptor).Methods()
	var names []string
	for i := range methods.Len() {
		names = append(names, "/"+service+"/"+string(methods.Get(i).Name()))
	}
	return names
}

func tokens() rpc.Authenticate {
	return rpc.Tokens(map[string]rpc.Principal{
		tillToken:    {Role: rpc.RoleTill, ID: "tills of s01"},
		ownTillToken: {Role: rpc.RoleTill, ID: "till 3", Till: "3"},
		scannerToken: {Role: rpc.RoleScanner, ID: "scanner of till 3"},
		syncToken:    {Role: rpc.RoleSync, ID: "server-1"},
		adminToken:   {Role: rpc.RoleAdmin, ID: "anna"},
		"":           {Role: rpc.RoleAdmin, ID: "nobody"},
	})
}

// lines is a log that tests can read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// running is a server that answers.
type running struct {
	*rpc.Server
	log   *lines
	stop  context.CancelFunc
	ended chan error
}

// start runs a server with all three services; change may alter its configuration.
func start(tb testing.TB, c *checkout, s *syncing, change func(*rpc.Config)) *running {
	tb.Helper()
	return startServices(tb, c, s, change)
}

// startService runs a server with another till's service.
func startService(tb testing.TB, c tillv1.CheckoutServiceServer, change func(*rpc.Config)) *running {
	tb.Helper()
	return startServices(tb, c, nil, change)
}

func startServices(tb testing.TB, c tillv1.CheckoutServiceServer, s *syncing, change func(*rpc.Config), more ...func(*rpc.Server)) *running {
	tb.Helper()
	log := new(lines)
	config := rpc.Config{
		Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", Access: roles(), Authenticate: tokens(),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	if change != nil {
		change(&config)
	}
	server, err := rpc.NewServer(config)
	if err != nil {
		tb.Fatal(err)
	}
	tillv1.RegisterCheckoutServiceServer(server, c)
	if s == nil {
		s = new(syncing)
	}
	syncv1.RegisterSyncServiceServer(server, s)
	officev1.RegisterOfficeServiceServer(server, officev1.UnimplementedOfficeServiceServer{})
	for _, register := range more {
		register(server)
	}
	if err := server.Listen(); err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: server, log: log, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- server.Serve(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			tb.Errorf("the server ended with %v", err)
		}
		r.ended <- nil
	})
	return r
}

// dial connects with a token.
func (r *running) dial(tb testing.TB, token string) *grpc.ClientConn {
	tb.Helper()
	conn, err := rpc.Dial(r.Addr(), rpc.DialConfig{Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// till is a client with a till's token.
func (r *running) till(tb testing.TB) tillv1.CheckoutServiceClient {
	tb.Helper()
	return tillv1.NewCheckoutServiceClient(r.dial(tb, tillToken))
}

// lookup is a request of a till.
func lookup(till string) *tillv1.LookupRequest {
	return &tillv1.LookupRequest{
		Caller: &tillv1.Caller{Till: till, RequestId: "r-1"},
		Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{
			Value: &tillv1.Identifier_Text{Text: "2900123456785"}, EntryMode: tillv1.EntryMode_ENTRY_MODE_SCANNED,
		}},
	}
}

// reason is the ErrorInfo reason of an error.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// refused fails the test unless err has the code and reason.
func refused(tb testing.TB, err error, code codes.Code, why string) {
	tb.Helper()
	if status.Code(err) != code || reason(err) != why {
		tb.Errorf("got %v (reason %q), want %v with reason %q", err, reason(err), code, why)
	}
}

// within returns a context that bounds a call of a test.
func within(tb testing.TB, limit time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	tb.Cleanup(cancel)
	return ctx
}

// quiet is a logger for tests that do not read the log.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
