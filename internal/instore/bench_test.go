package instore_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// The sizes of a big chain's busy store.
const (
	benchCampaigns = 1000
	benchTills     = 2000 // callers the rate limit tells apart
	benchRounds    = 11
	basketLines    = 12
	smallShop      = 100_000 // of so many customers all come
)

// benchAccounts is how many customers the store knows: a million, or what STAMKLANT_BENCH_ACCOUNTS says.
func benchAccounts() int {
	if n, err := strconv.Atoi(os.Getenv("STAMKLANT_BENCH_ACCOUNTS")); err == nil && n > 0 {
		return n
	}
	return 1_000_000
}

// row is one line of the table: what was measured against what, round by round.
type row struct {
	what, unit   string
	ours, bare   []float64
	target       string
	ratioOfRound []float64
}

func (r *row) add(ours, bare float64) {
	r.ours, r.bare = append(r.ours, ours), append(r.bare, bare)
	r.ratioOfRound = append(r.ratioOfRound, ours/bare)
}

// alternate measures both sides of a row so many times. Which of the two goes first alternates, so that neither always has the warmer machine.
func alternate(r *row, rounds int, ours, bare func() float64) {
	for round := range rounds {
		var a, c float64
		if round%2 == 0 {
			a, c = ours(), bare()
		} else {
			c, a = bare(), ours()
		}
		r.add(a, c)
	}
}

func printTable(to io.Writer, rows []*row) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nfigure\tours\tbare peer\tratio (median)\tspread\ttarget\t")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%.4g %s\t%.4g %s\t%.2f ×\t%.2f–%.2f\t%s\t\n",
			r.what, median(r.ours), r.unit, median(r.bare), r.unit, median(r.ratioOfRound), slices.Min(r.ratioOfRound), slices.Max(r.ratioOfRound), r.target)
	}
	_ = table.Flush() // standard output is all there is to tell about it
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// benchStore is a store's real server with a bare one beside it.
type benchStore struct {
	dir       string
	programme *programmev1.Programme
	server    *instore.Server
	cards     []string              // some of its customers' cards
	owners    map[string][16]byte   // whose they are
	hash      func(string) [16]byte // under which they are published
	ours      *peer
	bare      *peer
	sales     atomic.Uint64 // opened so far
	asked     int           // questions of open loops, and of those the refused
	refused   int
	now       func() time.Time // the shop's clock; nil is this machine's
}

// peer is a server as clients reach it.
type peer struct {
	addr  string
	token string
}

func openBench(b *testing.B) *benchStore {
	b.Helper()
	return openBenchIn(b, b.TempDir())
}

// openBenchIn is openBench with the server's files in <dir>/store.
func openBenchIn(b *testing.B, dir string) *benchStore {
	b.Helper()
	return openBenchAs(b, dir, func(c instore.Config) instore.Config { return c })
}

// openBenchAs is openBenchIn with a configuration of another shape.
func openBenchAs(b *testing.B, dir string, shape func(instore.Config) instore.Config) *benchStore {
	b.Helper()
	asOf := time.Now().AddDate(0, 0, -1)
	chain, err := samplechain.New(samplechain.Config{Seed: 1, Accounts: benchAccounts(), LastDay: asOf})
	must(b, err)
	programme, err := samplechain.Programme(asOf)
	must(b, err)
	addCampaigns(programme, benchCampaigns)
	s := &benchStore{dir: dir, programme: programme}
	began := time.Now()
	enrolment, err := instore.Practice{
		Server: "bench", Store: "s01", Programme: programme, AsOf: asOf, Expires: asOf.AddDate(0, 1, 0),
		Accounts: s.accounts(chain), Identifiers: s.identifiers(chain),
	}.Write(dir)
	must(b, err)
	fmt.Printf("%d accounts, %d campaigns made and signed in %s\n", benchAccounts(), len(programme.GetCampaigns()), time.Since(began).Round(time.Second))
	server, err := instore.Open(b.Context(), shape(instore.Config{
		Data: filepath.Join(dir, "store"), Enrol: enrolment, Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	}))
	must(b, err)
	began = time.Now()
	_, err = server.Refresh(b.Context())
	must(b, err)
	fmt.Printf("fetched, verified, built and switched to in %s\n", time.Since(began).Round(time.Second))
	token, err := server.TillToken()
	must(b, err)
	runUntilDone(b, func(ctx context.Context) error { return server.Run(ctx) })
	s.server = server
	s.ours = &peer{addr: server.Addr(), token: token}
	s.bare = s.startBare(b, nil)
	return s
}

// runUntilDone runs something for the length of the benchmark.
func runUntilDone(b *testing.B, run func(context.Context) error) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	b.Cleanup(func() {
		cancel()
		must(b, <-ended)
	})
}

// accounts yields the chain's customers, and remembers cards of them to look up: of all in a small shop, of one in a hundred in a large chain.
func (s *benchStore) accounts(chain *samplechain.Chain) iter.Seq2[[16]byte, *customerv1.Account] {
	return func(yield func([16]byte, *customerv1.Account) bool) {
		s.cards, s.owners = s.cards[:0], map[string][16]byte{}
		i, every := 0, 101
		if benchAccounts() <= smallShop {
			every = 1
		}
		for c := range chain.Customers() {
			if i++; i%every == 0 {
				s.cards = append(s.cards, c.Cards[0].Number)
				s.owners[c.Cards[0].Number] = c.ID
			}
			if !yield(c.ID, c.Account) {
				return
			}
		}
	}
}

// identifiers yields what leads to the customers, and remembers how it is published.
func (s *benchStore) identifiers(chain *samplechain.Chain) func(func(string, string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier] {
	return func(hash func(namespace, canonical string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier] {
		cardHash := func(number string) [16]byte { return hash(samplechain.CardNamespace, number) }
		s.hash = cardHash
		return func(yield func([16]byte, *customerv1.Identifier) bool) {
			for c := range chain.Customers() {
				for _, card := range c.Cards {
					if !yield(cardHash(card.Number), card.Identifier(c.ID, cardHash)) {
						return
					}
				}
			}
		}
	}
}

// addCampaigns fills a programme up to n live campaigns: the chain's own kinds for other segments, stores and baskets.
func addCampaigns(p *programmev1.Programme, n int) {
	var stores, segments []string
	for _, s := range p.GetStores() {
		stores = append(stores, s.GetCode())
	}
	for _, s := range p.GetSegments() {
		if len(s.GetCodes()) > 0 {
			segments = append(segments, s.GetCode())
		}
	}
	own := p.GetCampaigns()
	for i := 0; len(p.Campaigns) < n; i++ {
		c := proto.CloneOf(own[i%len(own)])
		c.Code = fmt.Sprintf("%s-%d", c.GetCode(), i)
		c.Salt = c.GetCode()
		if c.GetWhen() == nil {
			c.When = &programmev1.Condition{}
		}
		c.When.Segments = []string{segments[i%len(segments)]}
		c.When.Stores = []string{stores[i/len(segments)%len(stores)]}
		p.Campaigns = append(p.Campaigns, c)
	}
}

func (p *peer) dial(b *testing.B) tillv1.CheckoutServiceClient {
	b.Helper()
	conn, err := grpc.NewClient("passthrough:///"+p.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(rpcToken(p.token)),
		grpc.WithUnaryInterceptor(patient))
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	return tillv1.NewCheckoutServiceClient(conn)
}

// patience is the deadline of a call. A till sets one, a shorter one; here it is never reached.
const patience = 10 * time.Second

func patient(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return invoke(ctx, method, request, answer, conn, opts...)
}

type rpcToken string

func (t rpcToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

func (t rpcToken) RequireTransportSecurity() bool { return false }

// openSales is how many sales are open at once: more than any store has, and fewer than the server remembers, so that none is written down as one
// that was never closed.
const openSales = 8191

// anew makes a request that of another sale: of another customer's, so that what was promised for it before does not answer it.
func (s *benchStore) anew(r *tillv1.LookupRequest) *tillv1.LookupRequest {
	r.ReceiptRef = strconv.FormatUint(1e9+s.sales.Add(1)%openSales, 10)
	return r
}

// request is the i-th lookup of a worker: another card, another till and another sale each time, with a full basket.
func (s *benchStore) request(worker, i int) *tillv1.LookupRequest {
	r := &tillv1.LookupRequest{
		Caller:    &tillv1.Caller{Till: strconv.Itoa((worker*977 + i) % benchTills)},
		Customer:  &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: s.cards[(worker*7919+i*31)%len(s.cards)]}}},
		Stage:     tillv1.Stage_STAGE_PAYMENT,
		Abilities: &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42},
		Basket:    &tillv1.Basket{},
	}
	for no := range basketLines {
		group := []string{"1010", "2010", "2510", "4501", "4601", "6010"}[no%6]
		r.Basket.Lines = append(r.Basket.Lines, &outcomev1.Line{
			No: int32(no + 1), Sku: group + "001", Group: group, QuantityMilli: 1000, NetMinor: int64(199 + 100*no),
		})
	}
	return s.anew(r)
}

func (s *benchStore) clients(b *testing.B, p *peer, n int) []tillv1.CheckoutServiceClient {
	b.Helper()
	clients := make([]tillv1.CheckoutServiceClient, n)
	for i := range clients {
		clients[i] = p.dial(b)
	}
	return clients
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
