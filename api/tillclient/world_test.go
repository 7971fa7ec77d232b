package tillclient_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience bounds waiting for something that must happen.
	patience = 20 * time.Second
	// never is longer than any test.
	never = time.Hour
)

// store is a server in a store that does as the test says.
type store struct {
	tillv1.UnimplementedCheckoutServiceServer
	name    string
	address string
	front   *cable
	lookups chan *tillv1.LookupRequest // each lookup that arrives
	headers chan metadata.MD

	mu       sync.Mutex
	deaf     bool  // does not answer lookups until their deadline
	refuses  error // answers lookups with this
	fails    func(*tillv1.RecordReceiptRequest) error
	reserves func(*tillv1.ReserveRequest) (*tillv1.ReserveResponse, error)
	released []*tillv1.ReleaseRequest
	outcomes func(*tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error)
	received []*tillv1.RecordReceiptRequest
	arrived  chan string // receipt number of each receipt that arrives
	grpc     *grpc.Server
}

// open starts a store. Tills reach it by a cable, whose near end stays where it is when the server is stopped and started.
func open(tb testing.TB, name string) *store {
	tb.Helper()
	s := &store{
		name: name, front: plug(tb, ""),
		lookups: make(chan *tillv1.LookupRequest, 1000), headers: make(chan metadata.MD, 1000), arrived: make(chan string, 1000),
	}
	s.address = s.front.address
	s.start(tb)
	tb.Cleanup(s.stop)
	return s
}

// start begins to serve, or serves again after stop.
func (s *store) start(tb testing.TB) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(server, s)
	s.set(func() { s.grpc = server })
	s.front.set(func() { s.front.target = listener.Addr().String() })
	go func() { _ = server.Serve(listener) }()
}

// stop ends the server at once, as a power cut would.
func (s *store) stop() {
	s.front.set(func() { s.front.target = "" })
	s.mu.Lock()
	server := s.grpc
	s.mu.Unlock()
	server.Stop()
}

// set changes what the store does.
func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *store) Lookup(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	s.lookups <- r
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		s.headers <- md
	}
	s.mu.Lock()
	deaf, refuses := s.deaf, s.refuses
	s.mu.Unlock()
	if refuses != nil {
		return nil, refuses
	}
	if deaf {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &tillv1.LookupResponse{Outcome: tillv1.Outcome_OUTCOME_FOUND, Meta: &tillv1.Meta{Server: s.name}}, nil
}

func (s *store) RecordReceipt(_ context.Context, r *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, r)
	s.arrived <- r.GetReceipt().GetKey().GetReceiptNo()
	if s.fails != nil {
		if err := s.fails(r); err != nil {
			return nil, err
		}
	}
	return &tillv1.RecordReceiptResponse{Points: 47, Meta: &tillv1.Meta{Server: s.name}}, nil
}

func (s *store) GetStatus(context.Context, *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error) {
	return &tillv1.GetStatusResponse{Store: s.name}, nil
}

// numbers are the receipts that arrived, in order.
func (s *store) numbers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.received {
		all = append(all, r.GetReceipt().GetKey().GetReceiptNo())
	}
	return all
}

// cable is the network between a till and a store: it can be pulled, and things can get lost in it.
type cable struct {
	address  string
	listener net.Listener
	plugged  chan struct{} // told of each connection

	mu     sync.Mutex
	target string // empty for nobody
	mute   bool   // takes what comes and passes nothing on
	deaf   bool   // passes nothing back
	conns  []net.Conn
	wait   sync.WaitGroup
}

func plug(tb testing.TB, target string) *cable {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	c := &cable{address: listener.Addr().String(), target: target, listener: listener, plugged: make(chan struct{}, 1000)}
	c.wait.Go(c.accept)
	tb.Cleanup(func() {
		listener.Close()
		c.cut()
		c.wait.Wait()
	})
	return c
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		target := c.target
		c.mu.Unlock()
		far, err := net.Dial("tcp", target)
		if err != nil {
			near.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, near, far)
		c.mu.Unlock()
		c.wait.Go(func() { c.pass(far, near, func() bool { return c.mute }) })
		c.wait.Go(func() { c.pass(near, far, func() bool { return c.mute || c.deaf }) })
		c.plugged <- struct{}{}
	}
}

// pass copies until one end closes; what arrives while lost holds is dropped, and ends the connection once it no longer holds.
func (c *cable) pass(to, from net.Conn, lost func() bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		c.mu.Lock()
		drop := lost()
		c.mu.Unlock()
		if drop {
			_, _ = io.Copy(io.Discard, from) // nothing passes any more on this connection
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// set changes what the cable does.
func (c *cable) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// cut ends all connections.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// client opens a client that never hedges and has all the time in the world, but for what change says.
func client(tb testing.TB, change func(*tillclient.Config), addresses ...string) *tillclient.Client {
	tb.Helper()
	config := tillclient.Config{
		Addresses: addresses, Token: "a-till", Store: "s01", Till: "3", Language: "en",
		Timing: tillclient.Timing{Lookup: patience, Hedge: never, Printer: patience, Backoff: 100 * time.Millisecond},
	}
	if change != nil {
		change(&config)
	}
	c, err := tillclient.Open(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// receipt is the end of a sale.
func receipt(number string) *tillv1.RecordReceiptRequest {
	return &tillv1.RecordReceiptRequest{
		Receipt: &outcomev1.Receipt{
			Key:      &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2027-01-05", ReceiptNo: number},
			Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
			Currency: "EUR",
		},
	}
}

// nobody is an address where nobody answers.
func nobody(tb testing.TB) string {
	tb.Helper()
	return plug(tb, "").address
}

// closed is an address where nobody listens.
func closed(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// blackHole takes connections and never says a word.
func blackHole(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// soon waits for a value.
func soon[T any](tb testing.TB, c <-chan T, what string) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		tb.Fatalf("%s: nothing within %v", what, patience)
		panic("unreachable")
	}
}
