package instore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/rpc"
)

const cardNumber = "2900123456785"

// headOffice is a chain with a handful of customers, of whom the first has a card.
type headOffice struct {
	t         *testing.T
	dir       string
	keys      *publisher.Keys
	customers int
	balance   int64
	now       time.Time
}

func newHeadOffice(t *testing.T, customers int) *headOffice {
	t.Helper()
	dir := t.TempDir()
	keys, err := publisher.CreateChain(filepath.Join(dir, "keys"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &headOffice{t: t, dir: dir, keys: keys, customers: customers, balance: 100, now: time.Now()}
}

func (h *headOffice) enrol(server string) *bundlev1.Enrolment {
	h.t.Helper()
	e, err := h.keys.Enrol(publisher.Enrolment{Server: server, Store: "s01"}, h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *headOffice) bundles() string { return filepath.Join(h.dir, "bundles") }

func customer(n int) (id [16]byte) {
	id[0], id[1], id[2], id[15] = byte(n>>16), byte(n>>8), byte(n), 1
	return id
}

func (h *headOffice) accounts() iter.Seq2[publisher.Account, error] {
	return func(yield func(publisher.Account, error) bool) {
		for n := range h.customers {
			if !yield(publisher.Account{ID: customer(n), Account: &customerv1.Account{
				State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE, Loyalty: &customerv1.LoyaltyState{Balance: h.balance, Tier: "basic"},
				Values: &customerv1.Values{LastReceiptDay: 20_000 + int32(n%700), Frequency: int64(n % 91), MonetaryMinor: int64(n) * 7919},
			}}, nil) {
				return
			}
		}
	}
}

// shopProgramme gives a point per euro, and says something to everybody.
const shopProgramme = `
chain: Kaaswinkel
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [en]
profiling: legitimate_interest
scoring: imported
stores:
  s01: {name: Kaaswinkel}
identifiers:
  - {name: card, kind: card, starts_with: "29001", length: 13, check: gs1}
tiers:
  - {code: basic, name: {en: Basic}}
points:
  earn:
    - {name: base, points: 1, per_euro: 1}
`

func (h *headOffice) programme() *programmev1.Programme {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "programme.yaml")
	if err := os.WriteFile(path, []byte(shopProgramme), 0o600); err != nil {
		h.t.Fatal(err)
	}
	p, _, err := programme.Load(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *headOffice) publish(cutOffs ...*bundlev1.CutOff) *publisher.Report {
	h.t.Helper()
	id := customer(0)
	report, err := publisher.Publish(context.Background(), publisher.Inputs{
		Programme: h.programme(), Accounts: h.accounts(), CutOffs: cutOffs, DataAsOf: h.now,
		Identifiers: func(yield func(publisher.Identifier, error) bool) {
			yield(publisher.Identifier{Namespace: "card", Canonical: cardNumber, Identifier: &customerv1.Identifier{
				State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE, AccountIds: [][]byte{id[:]},
			}}, nil)
		},
	}, publisher.Target{Keys: h.keys, StateDir: filepath.Join(h.dir, "state"), Bundles: h.bundles(), Now: h.now})
	if err != nil {
		h.t.Fatal(err)
	}
	return report
}

func (h *headOffice) file(path string) []byte {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.bundles(), filepath.FromSlash(path)))
	if err != nil {
		h.t.Fatal(err)
	}
	return data
}

// shopServer is a real server of a store, and a head-office job and a till that call it over sockets.
type shopServer struct {
	*instore.Server
	t      *testing.T
	config instore.Config
	log    *locked
	jobs   syncv1.StoreServiceClient
	till   tillv1.CheckoutServiceClient
	stop   func()
}

// serve starts a server on a folder; it runs until stop or the test's end.
func serve(t *testing.T, e *bundlev1.Enrolment, data string, change ...func(*instore.Config)) *shopServer {
	t.Helper()
	enrolment := filepath.Join(t.TempDir(), "enrol.json")
	if err := publisher.WriteEnrolment(enrolment, e); err != nil {
		t.Fatal(err)
	}
	s := &shopServer{t: t, log: &locked{w: new(bytes.Buffer)}}
	s.config = instore.Config{
		Data: data, Enrol: enrolment, Listen: "127.0.0.1:0", Poll: time.Hour, BackupEvery: -1,
		Logger: slog.New(slog.NewTextHandler(s.log, nil)), Version: "test",
	}
	for _, c := range change {
		c(&s.config)
	}
	var err error
	if s.Server, err = instore.Open(t.Context(), s.config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	}
	t.Cleanup(s.stop)
	s.jobs = syncv1.NewStoreServiceClient(s.dial(e.GetSyncToken()))
	token, err := s.TillToken()
	if err != nil {
		t.Fatal(err)
	}
	s.till = tillv1.NewCheckoutServiceClient(s.dial(token))
	return s
}

// locked is a log that may be read while it is written.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

// Write adds a line.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (l *locked) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.String()
}

func (s *shopServer) dial(token string) *grpc.ClientConn {
	s.t.Helper()
	conn, err := rpc.Dial(s.Addr(), rpc.DialConfig{Token: token})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// offer offers the newest release head office has for a server.
func (s *shopServer) offer(h *headOffice) (*syncv1.OfferResponse, error) {
	return s.jobs.Offer(s.t.Context(), &syncv1.OfferRequest{Keyset: h.file(bundle.KeysetPath), Manifest: h.file(bundle.ManifestPath(s.ID()))})
}

// put sends pieces, each in messages of at most step bytes.
func (s *shopServer) put(h *headOffice, missing []*syncv1.MissingPiece, step int) error {
	stream, err := s.jobs.Put(s.t.Context())
	if err != nil {
		return err
	}
	for _, m := range missing {
		data := h.file(bundle.Path([32]byte(m.GetDigest())))
		for at := int(m.GetHave()); at < len(data); at += step {
			end := min(at+step, len(data))
			if err := stream.Send(&syncv1.PutRequest{Digest: m.GetDigest(), Offset: uint32(at), Data: data[at:end]}); err != nil {
				break // CloseAndRecv tells why
			}
		}
	}
	_, err = stream.CloseAndRecv()
	return err
}

// push brings the newest release and waits until it serves. It returns how many bytes went over the line.
func (s *shopServer) push(h *headOffice) (sent uint64) {
	s.t.Helper()
	for range 10 {
		answer, err := s.offer(h)
		if err != nil {
			s.t.Fatal(err)
		}
		if answer.GetServes() {
			return sent
		}
		if len(answer.GetMissing()) == 0 {
			s.served(answer.GetVersion())
			return sent
		}
		sent += answer.GetMissingBytes()
		if err := s.put(h, answer.GetMissing(), 300<<10); err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("pieces are still missing after ten rounds")
	return 0
}

// served waits until a release serves.
func (s *shopServer) served(version uint64) {
	s.t.Helper()
	within(s.t, fmt.Sprintf("release %d serves", version), func() bool {
		answer, err := s.jobs.Status(s.t.Context(), &syncv1.StatusRequest{})
		if err != nil || answer.GetFailure() != "" {
			s.t.Fatalf("status: %v, %v", err, answer)
		}
		return answer.GetManifestVersion() == version && !answer.GetApplying()
	})
}

func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-every.C:
		case <-limit:
			t.Fatalf("within half a minute: %s", what)
		}
	}
}

// points are those of the card.
func (s *shopServer) points() int64 {
	s.t.Helper()
	answer, err := s.till.Lookup(s.t.Context(), &tillv1.LookupRequest{
		Caller: &tillv1.Caller{Till: "1", Store: "s01"}, Stage: tillv1.Stage_STAGE_START,
		Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardNumber}}},
	})
	if err != nil {
		s.t.Fatalf("lookup: %v", err)
	}
	return answer.GetLoyalty().GetPointsAvailable()
}

// sell records a receipt of so many euros.
func (s *shopServer) sell(no string, euros int64) (*tillv1.RecordReceiptResponse, error) {
	return s.till.RecordReceipt(s.t.Context(), &tillv1.RecordReceiptRequest{
		Caller:   &tillv1.Caller{Till: "1", Store: "s01"},
		Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardNumber}}},
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "s01", Till: "1", BusinessDate: time.Now().Format(time.DateOnly), ReceiptNo: no},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", TotalMinor: euros * 100,
			Lines: []*outcomev1.Line{{No: 1, Sku: "4501001", QuantityMilli: 1000, NetMinor: euros * 100}},
		},
	})
}

func (s *shopServer) mustSell(no string, euros int64) {
	s.t.Helper()
	if answer, err := s.sell(no, euros); err != nil || answer.GetPoints() != euros {
		s.t.Fatalf("receipt %s: %v, %v", no, answer, err)
	}
}

// drain is what the head-office job does: take rows, say what became of them, until none are left.
func (s *shopServer) drain(box *inbox.Inbox) {
	s.t.Helper()
	request := &syncv1.DrainRequest{MaxRows: 3}
	for range 100 {
		answer, err := s.jobs.Drain(s.t.Context(), request)
		if err != nil {
			s.t.Fatal(err)
		}
		batch := answer.GetBatch()
		if batch == nil {
			return
		}
		request = &syncv1.DrainRequest{MaxRows: 3, Incarnation: batch.GetIncarnation(), First: batch.GetFirst()}
		taken, err := box.Deliver(s.t.Context(), batch)
		var forked *inbox.ForkedError
		switch {
		case errors.As(err, &forked):
			request.Settle = &syncv1.DrainRequest_Forked{Forked: &syncv1.ForkedRows{Agreed: forked.Agreed, Chain: forked.Chain[:]}}
		case err != nil:
			s.t.Fatal(err)
		default:
			request.Settle = &syncv1.DrainRequest_Taken{Taken: taken}
		}
	}
	s.t.Fatal("there is no end to the rows")
}

func openInbox(t *testing.T) *inbox.Inbox {
	t.Helper()
	box, err := inbox.Open(filepath.Join(t.TempDir(), "inbox.db"), inbox.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box
}

// TestPushAndDrain: a store that nothing leads out of is brought its releases and its outcomes are fetched; no point is doubled or lost on the way.
func TestPushAndDrain(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 20_000)
	s := serve(t, h.enrol("s01-a"), t.TempDir())
	box := openInbox(t)
	h.publish()
	first := s.push(h)
	if got := s.points(); got != 100 {
		t.Fatalf("%d points, published were 100", got)
	}
	for i := range 7 {
		s.mustSell(fmt.Sprint(i), 10)
	}
	s.drain(box)
	s.drain(box) // nothing is left, nothing comes twice
	answer, err := s.jobs.Status(t.Context(), &syncv1.StatusRequest{})
	if err != nil || answer.GetOutboxWaiting() != 0 {
		t.Fatalf("after draining: %v, %v", answer, err)
	}
	if got := deliveredPoints(t, box); got != 70 {
		t.Errorf("head office counts %d points, earned were 70", got)
	}
	// The next release has counted them: only what changed is brought, and the balance stays what it was.
	h.balance = 101
	h.now = h.now.Add(time.Hour)
	h.publish(&bundlev1.CutOff{ServerId: "s01-a", Incarnation: answer.GetIncarnation(), LedgerThrough: 7, ReceiptsThrough: 7})
	if s.push(h) == 0 {
		t.Error("nothing was brought")
	}
	if got := s.points(); got != 101 {
		t.Errorf("%d points after the next release, want 101", got)
	}
	if again, err := s.offer(h); err != nil || !again.GetServes() {
		t.Errorf("what serves, offered again: %v, %v", again, err)
	}
	t.Logf("the first release took %d bytes", first)
}

func deliveredPoints(t *testing.T, box *inbox.Inbox) (points int64) {
	t.Helper()
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cut.Close() }()
	for a, err := range cut.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
		points += a.Points
	}
	return points
}

func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// TestPushResumes: what came before a line broke is not sent again.
func TestPushResumes(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 20_000)
	s := serve(t, h.enrol("s01-a"), t.TempDir())
	h.publish()
	for range 3 { // until only chunks are missing
		answer, err := s.offer(h)
		if err != nil {
			t.Fatal(err)
		}
		big := answer.GetMissing()[0]
		for _, m := range answer.GetMissing() {
			if m.GetLength() > big.GetLength() {
				big = m
			}
		}
		if big.GetLength() < 50_000 {
			if err := s.put(h, answer.GetMissing(), 1<<19); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data := h.file(bundle.Path([32]byte(big.GetDigest())))
		stream, err := s.jobs.Put(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&syncv1.PutRequest{Digest: big.GetDigest(), Data: data[:20_000]}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			t.Fatal(err)
		}
		again, err := s.offer(h)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range again.GetMissing() {
			if bytes.Equal(m.GetDigest(), big.GetDigest()) && m.GetHave() != 20_000 {
				t.Errorf("%d bytes are said to be there, 20000 came", m.GetHave())
			}
		}
		if again.GetMissingBytes() != answer.GetMissingBytes()-20_000 {
			t.Errorf("%d bytes missing, before 20000 came %d", again.GetMissingBytes(), answer.GetMissingBytes())
		}
		s.push(h)
		return
	}
	t.Fatal("no piece was large enough to break off in")
}

// TestHostileJobs: who has the token, or stands between, gets nothing past the signatures, the limits and the digests, and the release at hand goes on.
func TestHostileJobs(t *testing.T) { //nolint:tparallel // one offer after the other
	t.Parallel()
	h, other := newHeadOffice(t, 2_000), newHeadOffice(t, 3)
	e := h.enrol("s01-a")
	other.enrol("s01-a")
	s := serve(t, e, t.TempDir())
	h.publish()
	old := h.file(bundle.ManifestPath("s01-a"))
	s.push(h)
	h.balance = 200
	h.now = h.now.Add(time.Hour)
	h.publish()
	s.push(h)
	other.publish()
	h.enrol("s01-b")
	h.now = h.now.Add(time.Hour)
	h.publish()
	keyset, manifest := h.file(bundle.KeysetPath), h.file(bundle.ManifestPath("s01-a"))
	flipped := bytes.Clone(manifest)
	flipped[len(flipped)/2] ^= 1
	for _, tc := range []struct {
		name             string
		keyset, manifest []byte
		code             codes.Code
		reason           string
	}{
		{"nothing", nil, nil, codes.InvalidArgument, ""},
		{"noise", []byte("noise"), []byte("noise"), codes.InvalidArgument, "DAMAGED"},
		{"a flipped bit", keyset, flipped, codes.InvalidArgument, "SIGNATURE"},
		{"truncated", keyset, manifest[:len(manifest)-7], codes.InvalidArgument, "DAMAGED"},
		{"an older version", keyset, old, codes.FailedPrecondition, "OLDER"},
		{"another chain's", other.file(bundle.KeysetPath), other.file(bundle.ManifestPath("s01-a")), codes.InvalidArgument, "SIGNATURE"},
		{"another server's", keyset, h.file(bundle.ManifestPath("s01-b")), codes.FailedPrecondition, "WRONG_SERVER"},
		{"a keyset in a manifest's place", keyset, keyset, codes.InvalidArgument, ""},
		{"larger than any", keyset, make([]byte, 600<<10), codes.InvalidArgument, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := s.jobs.Offer(t.Context(), &syncv1.OfferRequest{Keyset: tc.keyset, Manifest: tc.manifest})
			if status.Code(err) != tc.code || tc.reason != "" && reasonOf(err) != tc.reason {
				t.Errorf("%v (%s), want %v %s", err, reasonOf(err), tc.code, tc.reason)
			}
			if got := s.points(); got != 200 {
				t.Errorf("the release at hand answers %d points, want 200", got)
			}
		})
	}
	put := func(pieces ...*syncv1.PutRequest) error {
		stream, err := s.jobs.Put(t.Context())
		if err != nil {
			return err
		}
		for _, p := range pieces {
			_ = stream.Send(p)
		}
		_, err = stream.CloseAndRecv()
		return err
	}
	unknown := sha256.Sum256([]byte("nobody asked"))
	if err := put(&syncv1.PutRequest{Digest: unknown[:], Data: []byte("x")}); reasonOf(err) != "NOT_OFFERED" {
		t.Errorf("a piece nobody asked for: %v", err)
	}
	answer, err := s.offer(h)
	if err != nil || len(answer.GetMissing()) == 0 {
		t.Fatalf("offer: %v, %v", answer, err)
	}
	piece := answer.GetMissing()[0]
	long := make([]byte, piece.GetLength())
	if err := put(&syncv1.PutRequest{Digest: piece.GetDigest(), Data: make([]byte, len(long)+1)}); reasonOf(err) != "TOO_LARGE" {
		t.Errorf("a piece longer than stated: %v", err)
	}
	if err := put(&syncv1.PutRequest{Digest: piece.GetDigest(), Offset: 5, Data: long[:1]}); reasonOf(err) != "WRONG_OFFSET" {
		t.Errorf("a piece from its middle: %v", err)
	}
	if err := put(&syncv1.PutRequest{Digest: piece.GetDigest(), Data: long}); reasonOf(err) != "DAMAGED" {
		t.Errorf("other bytes: %v", err)
	}
	if err := put(&syncv1.PutRequest{Digest: piece.GetDigest()[:31], Data: long[:1]}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a digest of 31 bytes: %v", err)
	}
	for _, settle := range []*syncv1.DrainRequest{
		{Settle: &syncv1.DrainRequest_Taken{Taken: &syncv1.DeliverResponse{Through: 1}}},
		{Incarnation: make([]byte, 16), Settle: &syncv1.DrainRequest_Taken{Taken: &syncv1.DeliverResponse{Through: 1}}},
		{MaxRows: 1001},
	} {
		if _, err := s.jobs.Drain(t.Context(), settle); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", settle, err)
		}
	}
	s.push(h) // and what is right still comes through
	if got := s.points(); got != 200 {
		t.Errorf("%d points, want 200", got)
	}
}

// TestRolesOfJobs: a till may not, a stranger may not, the admin may.
func TestRolesOfJobs(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 3)
	s := serve(t, h.enrol("s01-a"), t.TempDir())
	till, err := s.TillToken()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := os.ReadFile(filepath.Join(s.config.Data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, token string
		want        codes.Code
	}{
		{"a till", till, codes.PermissionDenied},
		{"a stranger", "a stranger's token", codes.Unauthenticated},
		{"nobody", "", codes.Unauthenticated},
		{"the admin", strings.TrimSpace(string(admin)), codes.OK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			jobs := syncv1.NewStoreServiceClient(s.dial(tc.token))
			_, status1 := jobs.Status(t.Context(), &syncv1.StatusRequest{})
			_, inspect := jobs.Inspect(t.Context(), &syncv1.InspectRequest{})
			_, drain := jobs.Drain(t.Context(), &syncv1.DrainRequest{})
			stream, err := jobs.Backup(t.Context(), &syncv1.BackupRequest{})
			if err != nil {
				t.Fatal(err)
			}
			_, backup := stream.Recv()
			for what, err := range map[string]error{"Status": status1, "Inspect": inspect, "Drain": drain, "Backup": backup} {
				if status.Code(err) != tc.want {
					t.Errorf("%s: %v, want %v", what, err, tc.want)
				}
			}
		})
	}
}
