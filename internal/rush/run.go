package rush

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// settleWithin is how long what waits may take to be sent once tills have closed and cables are sound.
const settleWithin = 3 * time.Minute

// ErrUnsettled is returned when receipts still wait long after all cables are sound: a server is gone, or will not take them.
var ErrUnsettled = errors.New("receipts still wait")

// rush is one run.
type rush struct {
	Config

	shops []*shop
	tills []*till
	books *books
	tally *tally
	begun time.Time

	mu        sync.Mutex
	suspended map[string][]suspension // by store
	sold      []*fact                 // what may come back
	returned  []*giving               // what may be voided
}

// shop is a shop with its cables.
type shop struct {
	Shop

	cables  []*cable
	servers []tillv1.CheckoutServiceClient
	byID    map[string]tillv1.CheckoutServiceClient // as servers call themselves
	conns   []*grpc.ClientConn
}

// suspension is a sale that was suspended.
type suspension struct {
	ref  string
	card string
}

// giving is a return, and what it brought back.
type giving struct {
	fact   *fact
	sale   *fact
	pieces map[int32]int64
}

// Run plays the rush hour and returns once every receipt is acknowledged and has left its shop. When ctx ends, so does the selling; what waits is still
// sent. ErrUnsettled when that does not come about.
func Run(ctx context.Context, config Config) (report *Report, err error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("rush: %w", err)
	}
	r := &rush{Config: config, books: newBooks(config.PointsPerEuro), tally: &tally{done: map[string]int{}}, suspended: map[string][]suspension{}, begun: time.Now()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("rush: %w", err)
	}
	selling, stop := context.WithTimeout(ctx, r.Lasts)
	defer stop()
	var running sync.WaitGroup
	for _, t := range r.tills {
		running.Go(func() { t.sell(selling) })
	}
	running.Go(func() { r.tell(selling, false) })
	if !r.Calm {
		running.Go(func() { r.pull(selling) })
	}
	running.Wait()
	took := time.Since(r.begun)
	r.heal()
	err = r.settle()
	return &Report{Took: took, Settled: time.Since(r.begun) - took, Faults: r.tally.faults, books: r.books, tally: r.tally, tills: len(r.tills)}, err
}

// open lays cables and opens the tills.
func (r *rush) open() error {
	for _, s := range r.Shops {
		one := &shop{Shop: s}
		r.shops = append(r.shops, one)
		if err := one.open(); err != nil {
			return err
		}
	}
	for i := range r.Tills {
		s := r.shops[i%len(r.shops)]
		code := strconv.Itoa(i/len(r.shops) + 1)
		var addresses []string
		for _, c := range s.cables {
			addresses = append(addresses, c.address())
		}
		client, err := tillclient.Open(tillclient.Config{
			Addresses: addresses, Token: s.Token, Store: s.Store, Till: code, Language: "en",
			Abilities: &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42},
			Outbox:    filepath.Join(r.Dir, s.Store+"-"+code+".outbox"),
			OnRefused: func(req *tillv1.RecordReceiptRequest, why error) {
				r.tally.fault("receipt %s was refused: %v", name(req.GetReceipt().GetKey()), why)
			},
		})
		if err != nil {
			return err
		}
		r.tills = append(r.tills, &till{
			rush: r, shop: s, code: code, client: client,
			draw: rand.New(rand.NewPCG(r.Seed, uint64(i))), //nolint:gosec // a game, and the same one for the same seed
		})
	}
	return nil
}

// open lays a shop's cables, and opens channels for what a till's outbox does not do: sending twice, and to a certain server. All servers must answer.
func (s *shop) open() error {
	s.byID = map[string]tillv1.CheckoutServiceClient{}
	for _, address := range s.Servers {
		c, err := lay(address)
		if err != nil {
			return err
		}
		s.cables = append(s.cables, c)
		conn, err := grpc.NewClient("passthrough:///"+c.address(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				return invoker(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.Token), method, req, reply, cc, opts...)
			}))
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
		server := tillv1.NewCheckoutServiceClient(conn)
		s.servers = append(s.servers, server)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		answer, err := server.GetStatus(ctx, &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Store: s.Store, Till: "1"}}, grpc.WaitForReady(true))
		cancel()
		if err != nil {
			return fmt.Errorf("the server of store %s at %s: %w", s.Store, address, err)
		}
		s.byID[answer.GetMeta().GetServer()] = server
	}
	return nil
}

func (r *rush) close() error {
	var failed error
	for _, t := range r.tills {
		failed = errors.Join(failed, t.client.Close())
	}
	for _, s := range r.shops {
		for _, conn := range s.conns {
			failed = errors.Join(failed, conn.Close())
		}
		for _, c := range s.cables {
			c.close()
		}
	}
	return failed
}

// pull does harm to one cable after the other, so that every shop of two servers always has one that can be reached.
func (r *rush) pull(ctx context.Context) {
	draw := rand.New(rand.NewPCG(r.Seed, 1<<32)) //nolint:gosec // a game
	for pause(ctx, time.Duration(500+draw.IntN(1500))*time.Millisecond) {
		s := r.shops[draw.IntN(len(r.shops))]
		c := s.cables[draw.IntN(len(s.cables))]
		f := fault(1 + draw.IntN(int(slow)))
		c.set(f)
		r.tally.did("cable " + f.String())
		pause(ctx, time.Duration(300+draw.IntN(2200))*time.Millisecond)
		c.set(sound)
	}
}

// heal makes all cables sound.
func (r *rush) heal() {
	for _, s := range r.shops {
		for _, c := range s.cables {
			c.set(sound)
		}
	}
}

// settle waits until every receipt is acknowledged and every server has sent its rows to head office.
func (r *rush) settle() error {
	ctx, stop := context.WithTimeout(context.Background(), settleWithin)
	defer stop()
	telling, done := context.WithCancel(ctx)
	var told sync.WaitGroup
	told.Go(func() { r.tell(telling, true) })
	defer told.Wait()
	defer done()
	for r.waiting() > 0 {
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("rush: %w: %d in tills' outboxes", ErrUnsettled, r.waiting())
		}
	}
	for _, s := range r.shops {
		for i, server := range s.servers {
			for {
				answer, err := server.GetStatus(ctx, &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Store: s.Store, Till: "1"}})
				if err == nil && answer.GetOutboxWaiting() == 0 {
					break
				}
				if !pause(ctx, 300*time.Millisecond) {
					return fmt.Errorf("rush: %w: %d rows of %s have not reached head office (%w)", ErrUnsettled, answer.GetOutboxWaiting(), s.Servers[i], err)
				}
			}
		}
	}
	return nil
}

func (r *rush) waiting() int {
	n := 0
	for _, t := range r.tills {
		n += t.client.Waiting()
	}
	return n
}

// tell says every second how it goes.
func (r *rush) tell(ctx context.Context, ending bool) {
	if r.Progress == nil {
		return
	}
	for pause(ctx, time.Second) {
		var wrong []string
		for _, s := range r.shops {
			for i, c := range s.cables {
				if f := c.now(); f != sound {
					wrong = append(wrong, fmt.Sprintf("%s %d %s", s.Store, i+1, f))
				}
			}
		}
		r.Progress(Progress{
			Since: time.Since(r.begun), Sales: r.tally.count("sale"), Waiting: r.waiting(), Offline: r.tally.count("lookup not answered in time"),
			Cables: strings.Join(wrong, ", "), Ending: ending,
		})
	}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
