package tillclient

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Client is a till's connection to its store. It may be used from several goroutines. The till closes it.
type Client struct {
	config  Config
	timing  Timing
	servers []*server
	sender  *sender // nil without an outbox
	sales   atomic.Uint64

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	mu      sync.Mutex // guards closed, so that no call starts once Close waits
	closed  bool
	running sync.WaitGroup
}

// server is one of the two servers.
type server struct {
	address string
	conn    *grpc.ClientConn
	client  tillv1.CheckoutServiceClient
	breaker breaker
}

// Open starts connecting to the servers and reads the outbox; receipts that wait in it are sent from now on. It does not wait for a
// connection. ErrOutboxInUse when another process has the outbox, ErrPlainTextBeyondLoopback when TLS is missing.
func Open(config Config) (*Client, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	c := &Client{config: config, timing: config.Timing.filled()}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, address := range config.Addresses {
		s, err := c.dial(address)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.servers = append(c.servers, s)
		c.running.Go(func() { s.keepConnected(c.ctx) })
	}
	if config.Outbox == "" {
		return c, nil
	}
	queue, err := openOutbox(config.Outbox)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.sender = newSender(c, queue)
	c.running.Go(func() { c.sender.run(c.ctx) })
	return c, nil
}

// keepConnected has the channel connect whenever it is not, so that no customer waits for that; the pauses between attempts are gRPC's.
func (s *server) keepConnected(ctx context.Context) {
	for {
		state := s.conn.GetState()
		if state == connectivity.Idle {
			s.conn.Connect()
		}
		if !s.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// dial returns a channel to a server.
func (c *Client) dial(address string) (*server, error) {
	transport := insecure.NewCredentials()
	if c.config.TLS != nil {
		transport = credentials.NewTLS(c.config.TLS)
	}
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer(c.config.Token)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstBackoff, Multiplier: 1.6, Jitter: 0.2, MaxDelay: c.timing.Backoff},
			MinConnectTimeout: time.Second, // a server that is gone is given up, and tried again
		}),
		// A pulled cable is noticed within 30 s even when nobody shops.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
	)
	if err != nil {
		return nil, fmt.Errorf("tillclient: %s: %w", address, err)
	}
	return &server{address: address, conn: conn, client: tillv1.NewCheckoutServiceClient(conn)}, nil
}

// Close ends all calls and closes connections and outbox. Receipts that wait stay in the file. Closing again does nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.running.Wait()
	var failed error
	for _, s := range c.servers {
		failed = errors.Join(failed, s.conn.Close())
	}
	if c.sender != nil {
		failed = errors.Join(failed, c.sender.outbox.close())
	}
	return failed
}

// start runs do in a goroutine that Close waits for; false once the client is closed.
func (c *Client) start(do func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Go(do)
	return true
}

// bearer sends itself as bearer token with every call.
type bearer string

// GetRequestMetadata returns the authorization header, none without a token.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity says no: Open has made sure that plain text stays on this machine.
func (b bearer) RequireTransportSecurity() bool { return false }

// Sale is one receipt from its opening to its end, also when it is suspended and recalled meanwhile.
type Sale struct {
	client *Client
	ref    string
	number uint64
}

// NewSale opens a sale with a receipt_ref of its own.
func (c *Client) NewSale() *Sale { return c.ResumeSale(rand.Text()) }

// ResumeSale goes on with a sale that was opened under ref, on this till or another.
func (c *Client) ResumeSale(ref string) *Sale {
	return &Sale{client: c, ref: ref, number: c.sales.Add(1)}
}

// Ref returns the sale's receipt_ref, for whoever resumes it.
func (s *Sale) Ref() string { return s.ref }

// Status asks the servers in turn how they are and returns the first answer. The error is the last server's.
func (c *Client) Status(ctx context.Context) (*tillv1.GetStatusResponse, error) {
	var failed error
	for _, s := range c.servers {
		ctx, cancel := context.WithTimeout(ctx, c.timing.Status)
		answer, err := s.client.GetStatus(ctx, &tillv1.GetStatusRequest{Caller: c.caller(nil)})
		cancel()
		if err == nil {
			return answer, nil
		}
		failed = fmt.Errorf("tillclient: %s: %w", s.address, err)
	}
	return nil, failed
}

// Connect waits until a server is connected, or ctx ends, whose error it then returns. A till need not call it; one that has just been
// switched on may, so that its first customer does not wait for it.
func (c *Client) Connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	connected := make(chan bool, len(c.servers))
	for _, s := range c.servers {
		if !c.start(func() { connected <- s.connected(ctx) }) {
			return ErrClosed
		}
	}
	for range c.servers {
		if <-connected {
			return nil
		}
	}
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	return fmt.Errorf("tillclient: no connection to %s: %w", strings.Join(c.config.Addresses, " or "), ctx.Err())
}

// connected waits until the server is connected; false when ctx or the client ended first.
func (s *server) connected(ctx context.Context) bool {
	for {
		state := s.conn.GetState()
		if state == connectivity.Ready || state == connectivity.Shutdown {
			return state == connectivity.Ready
		}
		if !s.conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

// staffLanguage returns the cashier's language, empty when none is configured.
func (c *Client) staffLanguage() string {
	if c.config.Language == "" {
		return ""
	}
	return languageOf(c.config.Language)
}

// caller returns who calls: what the request says, and the rest from the configuration.
func (c *Client) caller(given *tillv1.Caller) *tillv1.Caller {
	if given == nil {
		return &tillv1.Caller{Till: c.config.Till, Store: c.config.Store}
	}
	given = proto.CloneOf(given)
	if given.GetTill() == "" {
		given.Till = c.config.Till
	}
	if given.GetStore() == "" {
		given.Store = c.config.Store
	}
	return given
}
