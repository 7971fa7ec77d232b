package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// counted counts lookups that reach the handler.
func counted(n *atomic.Int64) *checkout {
	return &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		n.Add(1)
		return &tillv1.LookupResponse{}, nil
	}}
}

// limited changes the default limits of a server.
func limited(change func(*rpc.Limits)) func(*rpc.Config) {
	return func(c *rpc.Config) {
		limits := rpc.DefaultLimits()
		change(&limits)
		c.Limits = &limits
	}
}

// basketOf returns a basket whose lines have about so many bytes.
func basketOf(size int) *tillv1.Basket {
	basket := new(tillv1.Basket)
	for i := 0; size > 0; i++ {
		basket.Lines = append(basket.Lines, &outcomev1.Line{No: int32(i%1000 + 1), Sku: strings.Repeat("s", 64), Group: strings.Repeat("g", 64)})
		size -= 136
	}
	return basket
}

func TestSizeOfRequests(t *testing.T) {
	var reached atomic.Int64
	client := start(t, counted(&reached), nil, nil).till(t)
	for _, tc := range []struct {
		name string
		size int
		code codes.Code
		why  string
	}{
		{"a full trolley", 50 << 10, codes.OK, ""},
		{"larger than a lookup may be", 66 << 10, codes.InvalidArgument, rpc.ReasonTooLarge},
		{"larger than a message may be", 1100 << 10, codes.ResourceExhausted, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reached.Store(0)
			request := lookup("1")
			request.Basket = basketOf(tc.size)
			_, err := client.Lookup(within(t, patience), request)
			refused(t, err, tc.code, tc.why)
			if got := reached.Load(); (got == 1) != (tc.code == codes.OK) {
				t.Errorf("%d calls reached the service", got)
			}
		})
	}
}

func TestSizeOfHeaders(t *testing.T) {
	var reached atomic.Int64
	client := start(t, counted(&reached), nil, nil).till(t)
	ctx := metadata.AppendToOutgoingContext(within(t, patience), "x-note", strings.Repeat("n", 16<<10))
	if _, err := client.Lookup(ctx, lookup("1")); err == nil || reached.Load() > 0 {
		t.Errorf("16 KiB of headers: %v, reached %d", err, reached.Load())
	}
	if _, err := client.Lookup(within(t, patience), lookup("1")); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestRate(t *testing.T) {
	var clock atomic.Int64
	clock.Store(time.Date(2027, 1, 5, 10, 0, 0, 0, time.UTC).UnixNano())
	server := start(t, &checkout{}, nil, func(c *rpc.Config) { c.Now = func() time.Time { return time.Unix(0, clock.Load()) } })
	clients := []tillv1.CheckoutServiceClient{server.till(t), server.till(t)} // two connections are still one till
	for i := range 100 {
		if _, err := clients[i%2].Lookup(within(t, patience), lookup("1")); err != nil {
			t.Fatalf("lookup %d: %v", i+1, err)
		}
	}
	_, err := clients[0].Lookup(within(t, patience), lookup("1"))
	refused(t, err, codes.ResourceExhausted, rpc.ReasonRate)
	if after := retryAfter(err); after <= 0 || after > 20*time.Millisecond {
		t.Errorf("try again after %v, want at most 20 ms: there are 50 a second", after)
	}
	if _, err := clients[0].Lookup(within(t, patience), lookup("2")); err != nil {
		t.Errorf("another till has to wait too: %v", err)
	}
	clock.Add(int64(time.Second))
	for i := range 50 {
		if _, err := clients[i%2].Lookup(within(t, patience), lookup("1")); err != nil {
			t.Fatalf("lookup %d a second later: %v", i+1, err)
		}
	}
	_, err = clients[0].Lookup(within(t, patience), lookup("1"))
	refused(t, err, codes.ResourceExhausted, rpc.ReasonRate)
}

// TestRateOfManyCallers sends in the names of more tills than are told apart: those beyond share one allowance.
func TestRateOfManyCallers(t *testing.T) {
	now := time.Date(2027, 1, 5, 10, 0, 0, 0, time.UTC)
	server := start(t, &checkout{}, nil, func(c *rpc.Config) {
		limited(func(l *rpc.Limits) { l.Callers = 10 })(c)
		c.Now = func() time.Time { return now }
	})
	client := server.till(t)
	passed := 0
	for i := range 200 {
		if _, err := client.Lookup(within(t, patience), lookup(fmt.Sprint(i))); err == nil {
			passed++
		}
	}
	if passed != 10+100 {
		t.Errorf("%d lookups passed, want one of each of 10 tills and 100 of all others together", passed)
	}
}

func retryAfter(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// busy is a checkout whose calls wait until they are let go.
type busy struct {
	*checkout
	entered chan string
	leave   chan struct{}
}

func newBusy() *busy {
	b := &busy{entered: make(chan string, 100), leave: make(chan struct{})}
	wait := func(ctx context.Context, name string) error {
		b.entered <- name
		select {
		case <-b.leave:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.checkout = &checkout{
		lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
			return &tillv1.LookupResponse{}, wait(ctx, "lookup")
		},
		record: func(ctx context.Context, _ *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
			return &tillv1.RecordReceiptResponse{}, wait(ctx, "receipt")
		},
	}
	return b
}

// receipt is a valid request of a till.
func receipt() *tillv1.RecordReceiptRequest {
	return &tillv1.RecordReceiptRequest{
		Caller: &tillv1.Caller{Till: "1"},
		Receipt: &outcomev1.Receipt{
			Key:      &outcomev1.ReceiptKey{Store: "s01", Till: "1", BusinessDate: "2027-01-05", ReceiptNo: "1"},
			Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
			Currency: "EUR",
		},
	}
}

// TestTooMuchToDo fills the places of lookups: one more waits, administration gives way at once, receipts go on, and whoever waits too
// long is refused.
func TestTooMuchToDo(t *testing.T) {
	work := newBusy()
	waited := make(chan struct{})
	server := start(t, work.checkout, nil, limited(func(l *rpc.Limits) {
		l.Classes[rpc.ClassLookup] = rpc.ClassLimit{InFlight: 2, Wait: patience}
	}))
	till := server.till(t)
	results := make(chan error, 3)
	look := func() {
		_, err := till.Lookup(within(t, patience), lookup("1"))
		results <- err
	}
	for range 2 {
		go look()
		<-work.entered
	}
	office := officev1.NewOfficeServiceClient(server.dial(t, adminToken))
	list := func() error {
		_, err := office.ListServers(within(t, patience), &officev1.ListServersRequest{})
		return err
	}
	if err := list(); status.Code(err) != codes.Unimplemented { // the service of the test; it was asked
		t.Errorf("with nobody waiting: %v", err)
	}
	go func() {
		defer close(waited)
		look()
	}()
	for giveUp := within(t, patience); reason(list()) != rpc.ReasonOverload; { // until the third lookup waits
		if giveUp.Err() != nil {
			t.Fatal("administration was never refused")
		}
	}
	go func() {
		_, err := till.RecordReceipt(within(t, patience), receipt())
		results <- err
	}()
	if got := <-work.entered; got != "receipt" {
		t.Errorf("%s got in, want the receipt", got)
	}
	close(work.leave)
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	<-waited
}

func TestWhoWaitsTooLongIsRefused(t *testing.T) {
	work := newBusy()
	server := start(t, work.checkout, nil, limited(func(l *rpc.Limits) {
		l.Classes[rpc.ClassLookup] = rpc.ClassLimit{InFlight: 1, Wait: time.Millisecond}
	}))
	till := server.till(t)
	first := make(chan error)
	go func() {
		_, err := till.Lookup(within(t, patience), lookup("1"))
		first <- err
	}()
	<-work.entered
	_, err := till.Lookup(within(t, patience), lookup("2"))
	refused(t, err, codes.ResourceExhausted, rpc.ReasonOverload)
	if retryAfter(err) <= 0 {
		t.Error("no RetryInfo")
	}
	close(work.leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestStreamsPerConnection(t *testing.T) {
	work := newBusy()
	server := start(t, work.checkout, nil, limited(func(l *rpc.Limits) { l.StreamsPerConnection = 2 }))
	till := server.till(t)
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := till.Lookup(within(t, patience), lookup("1"))
			results <- err
		}()
		<-work.entered
	}
	if _, err := till.Lookup(within(t, 50*time.Millisecond), lookup("1")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a third call on one connection: %v", err)
	}
	close(work.leave)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestConnections(t *testing.T) {
	server := start(t, &checkout{}, nil, limited(func(l *rpc.Limits) { l.Connections = 1 }))
	client := server.till(t)
	if _, err := client.Lookup(within(t, patience), lookup("1")); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second connection was kept: read %d, %v", n, err)
	}
	if _, err := client.Lookup(within(t, patience), lookup("1")); err != nil {
		t.Errorf("the first connection: %v", err)
	}
}

// TestConnectionAge looks up until the server has had it with the connection; no lookup may fail by that.
func TestConnectionAge(t *testing.T) {
	ports := make(chan string, 1)
	server := start(t, &checkout{lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		p, _ := peer.FromContext(ctx)
		ports <- p.Addr.String()
		return &tillv1.LookupResponse{}, nil
	}}, nil, limited(func(l *rpc.Limits) {
		l.ConnectionAge = 50 * time.Millisecond
		l.Methods = nil // no rate
	}))
	client := server.till(t)
	seen := make(map[string]bool)
	ctx := within(t, patience)
	for len(seen) < 3 {
		if _, err := client.Lookup(ctx, lookup("1")); err != nil {
			t.Fatal(err)
		}
		seen[<-ports] = true
	}
}

func TestDeadlines(t *testing.T) {
	left := make(chan time.Duration, 1)
	measure := func(ctx context.Context) {
		deadline, ok := ctx.Deadline()
		if !ok {
			left <- 0
			return
		}
		left <- time.Until(deadline)
	}
	server := start(t, &checkout{
		lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
			measure(ctx)
			return &tillv1.LookupResponse{}, nil
		},
		record: func(ctx context.Context, _ *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
			measure(ctx)
			return &tillv1.RecordReceiptResponse{}, nil
		},
		status: func(ctx context.Context, _ *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error) {
			measure(ctx)
			return &tillv1.GetStatusResponse{}, nil
		},
	}, nil, nil)
	client := server.till(t)
	for _, tc := range []struct {
		name        string
		call        func(context.Context) error
		least, most time.Duration
		own         time.Duration
	}{
		{"Lookup", func(ctx context.Context) error { _, err := client.Lookup(ctx, lookup("1")); return err }, 50 * time.Millisecond, 150 * time.Millisecond, 0},
		{"RecordReceipt", func(ctx context.Context) error { _, err := client.RecordReceipt(ctx, receipt()); return err }, time.Second, 2 * time.Second, 0},
		{"GetStatus", func(ctx context.Context) error {
			_, err := client.GetStatus(ctx, &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "1"}})
			return err
		}, 300 * time.Millisecond, 500 * time.Millisecond, 0},
		{"the till's own", func(ctx context.Context) error { _, err := client.Lookup(ctx, lookup("1")); return err }, 5 * time.Second, patience, patience},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := context.Background()
			if tc.own > 0 {
				ctx = within(t, tc.own)
			}
			if err := tc.call(ctx); err != nil {
				t.Fatal(err)
			}
			if got := <-left; got < tc.least || got > tc.most {
				t.Errorf("%v left in the handler, want %v to %v", got, tc.least, tc.most)
			}
		})
	}
}

// TestEveryCallOfATillHasItsOwnDeadline: the times a till waits when it says nothing, call by call. A watch has none.
func TestEveryCallOfATillHasItsOwnDeadline(t *testing.T) {
	want := map[string]time.Duration{
		"Lookup": 150 * time.Millisecond, "PresentCard": 150 * time.Millisecond, "WatchTill": 0,
		"Reserve": 300 * time.Millisecond, "Release": 300 * time.Millisecond, "RecordReceipt": 2 * time.Second,
		"RecordOutcome": time.Second, "ClaimReceipt": time.Second, "SetPreference": time.Second, "SubmitDetails": time.Second,
		"Explain": 500 * time.Millisecond, "GetStatus": 500 * time.Millisecond,
	}
	limits := rpc.DefaultLimits().Methods
	names := methodsOf(tillv1.CheckoutService_ServiceDesc.ServiceName)
	for _, name := range names {
		wanted, known := want[name[strings.LastIndex(name, "/")+1:]]
		if got, has := limits[name]; !known || !has || got.Deadline != wanted {
			t.Errorf("%s: %v is set, want %v", name, got.Deadline, wanted)
		}
	}
	if len(names) != len(want) {
		t.Errorf("%d calls, %d deadlines", len(names), len(want))
	}
}

func TestFields(t *testing.T) {
	client := start(t, &checkout{}, nil, nil).till(t)
	secret := "2900123456785" + strings.Repeat("9", 600)
	request := lookup("till number one")
	request.Customer = &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: secret}}}
	_, err := client.Lookup(within(t, patience), request)
	refused(t, err, codes.InvalidArgument, rpc.ReasonInvalid)
	var fields []string
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.GetFieldViolations() {
				fields = append(fields, violation.GetField())
			}
		}
	}
	if got := strings.Join(fields, " "); got != "caller.till identifier.text" {
		t.Errorf("fields %q, want caller.till and identifier.text", got)
	}
	if strings.Contains(status.Convert(err).Proto().String(), secret[:13]) {
		t.Errorf("the refusal repeats what was sent: %v", err)
	}
}
