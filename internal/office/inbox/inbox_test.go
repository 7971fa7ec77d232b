package inbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func open(tb testing.TB, path string) *inbox.Inbox {
	tb.Helper()
	box, err := inbox.Open(path, inbox.Config{
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { box.Close() })
	return box
}

func file(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "inbox.db")
}

// A server is a store's side of the protocol, by its definition: rows with sequences, and the chain over them.
type server struct {
	id          string
	incarnation [16]byte
	rows        [][]byte
	chains      [][32]byte // before each row, and after the last
}

func newServer(id string) *server {
	s := &server{id: id, chains: make([][32]byte, 1)}
	copy(s.incarnation[:], "life of "+id)
	return s
}

// add adds a row.
func (s *server) add(tb testing.TB, row *outcomev1.OutboxRow) {
	tb.Helper()
	row.Sequence = uint64(len(s.rows) + 1)
	b, err := proto.Marshal(row)
	if err != nil {
		tb.Fatal(err)
	}
	before := s.chains[len(s.chains)-1]
	s.rows = append(s.rows, b)
	s.chains = append(s.chains, sha256.Sum256(append(before[:], b...)))
}

func (s *server) receipt(tb testing.TB, r *outcomev1.RecordedReceipt) {
	tb.Helper()
	s.add(tb, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Receipt{Receipt: r}})
}

// request delivers the rows from first to last.
func (s *server) request(first, last int) *syncv1.DeliverRequest {
	return &syncv1.DeliverRequest{
		ServerId: s.id, Incarnation: s.incarnation[:], First: uint64(first), Rows: s.rows[first-1 : last], ChainBefore: s.chains[first-1][:],
	}
}

func (s *server) all() *syncv1.DeliverRequest { return s.request(1, len(s.rows)) }

func deliver(tb testing.TB, box *inbox.Inbox, req *syncv1.DeliverRequest) *syncv1.DeliverResponse {
	tb.Helper()
	resp, err := box.Deliver(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

func account(n int) (id [16]byte) {
	id[0], id[15] = 0xdd, byte(n)
	return id
}

// sale books points for an account.
func sale(no string, of [16]byte, points int64) *outcomev1.RecordedReceipt {
	hash, entry := sha256.Sum256(fmt.Append(nil, no, points)), sha256.Sum256([]byte("entry "+no))
	return &outcomev1.RecordedReceipt{
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, TotalMinor: points * 100,
		},
		ContentHash: hash[:], AccountId: of[:], RecordedAt: timestamppb.New(noon),
		Entries: []*outcomev1.LedgerEntry{{
			EntryId: entry[:16], AccountId: of[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: points, Day: 20526,
		}},
	}
}

// onCard is a sale on a card whose account the server did not know.
func onCard(no, card string, points int64) *outcomev1.RecordedReceipt {
	r := sale(no, account(0), points)
	hash := sha256.Sum256([]byte(card))
	r.AccountId, r.Entries[0].AccountId, r.Entries[0].IdHash = nil, nil, hash[:16]
	r.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: card}
	return r
}

// cutAccounts are the accounts of a cut made now.
func cutAccounts(tb testing.TB, box *inbox.Inbox) []inbox.CutAccount {
	tb.Helper()
	cut, err := box.Cut(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer cut.Close()
	var all []inbox.CutAccount
	for a, err := range cut.Accounts() {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func points(tb testing.TB, box *inbox.Inbox, of [16]byte) int64 {
	tb.Helper()
	for _, a := range cutAccounts(tb, box) {
		if a.ID == of {
			return a.Points
		}
	}
	return 0
}

func TestDeliverTakesOnce(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 6 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1<<i))
	}
	for _, span := range [][2]int{{1, 2}, {1, 2}, {2, 4}, {1, 6}, {3, 5}, {6, 6}} {
		resp := deliver(t, box, s.request(span[0], span[1]))
		through := int(resp.GetThrough())
		if through < span[1] || !bytes.Equal(resp.GetChain(), s.chains[through][:]) {
			t.Errorf("%v: held through %d", span, through)
		}
	}
	if got := points(t, box, account(1)); got != 63 {
		t.Errorf("%d points, want 63", got)
	}
	if postings, err := box.Statement(account(1)); len(postings) != 6 || err != nil ||
		postings[5].ServerID != "gent-1" || postings[5].Sequence != 6 || postings[5].Entry.GetPoints() != 32 || postings[5].Incarnation != s.incarnation {
		t.Errorf("statement %v, %v", postings, err)
	}
}

func TestDeliverAtOnce(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 50 {
		s.receipt(t, sale(fmt.Sprint(i), account(i%3), 1))
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := box.Deliver(t.Context(), s.all()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := points(t, box, account(0)) + points(t, box, account(1)) + points(t, box, account(2)); got != 50 {
		t.Errorf("%d points, want 50", got)
	}
}

func TestGap(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 6 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	for _, tc := range []struct {
		first, last int
		held        uint64
	}{{2, 6, 0}, {1, 2, 2}, {4, 6, 2}} {
		resp, err := box.Deliver(t.Context(), s.request(tc.first, tc.last))
		var gap *inbox.GapError
		switch {
		case errors.As(err, &gap):
			if gap.Through != tc.held || !errors.Is(err, inbox.ErrGap) {
				t.Errorf("%+v: %v", tc, err)
			}
		case err != nil || resp.GetThrough() != tc.held:
			t.Errorf("%+v: %v, %v", tc, resp, err)
		}
	}
	if got := points(t, box, account(1)); got != 2 {
		t.Errorf("%d points, want 2", got)
	}
}

func TestFork(t *testing.T) {
	box := open(t, file(t))
	s, twin := newServer("gent-1"), newServer("gent-1")
	for i := range 4 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
		twin.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	s.receipt(t, sale("4", account(1), 1))
	s.receipt(t, sale("5", account(1), 1))
	twin.receipt(t, sale("other 4", account(1), 100))
	twin.receipt(t, sale("other 5", account(1), 100))
	twin.receipt(t, sale("other 6", account(1), 100))
	deliver(t, box, s.all())
	for _, tc := range []struct {
		first  int
		agreed uint64
	}{{1, 4}, {3, 4}, {5, 4}, {6, 0}, {7, 0}} {
		_, err := box.Deliver(t.Context(), twin.request(tc.first, 7))
		var forked *inbox.ForkedError
		if !errors.As(err, &forked) || !errors.Is(err, inbox.ErrForked) || forked.Agreed != tc.agreed || forked.Chain != s.chains[tc.agreed] {
			t.Errorf("from %d: %v, want agreed through %d", tc.first, err, tc.agreed)
		}
	}
	if got := points(t, box, account(1)); got != 6 {
		t.Errorf("%d points, want 6: a fork left something behind", got)
	}
}

// TestOneReceiptFromTwoServers: the first server's entries stand, the other's are kept and not counted.
func TestOneReceiptFromTwoServers(t *testing.T) {
	box := open(t, file(t))
	one, two := newServer("gent-1"), newServer("gent-2")
	one.receipt(t, sale("1", account(1), 10))
	two.receipt(t, sale("1", account(1), 10))
	other := sale("1", account(1), 25) // a third, with other content and other ids
	other.Entries[0].EntryId = bytes.Repeat([]byte{9}, 16)
	three := newServer("gent-3")
	three.receipt(t, other)
	for _, s := range []*server{one, two, three} {
		deliver(t, box, s.all())
	}
	if got := points(t, box, account(1)); got != 10 {
		t.Errorf("%d points, want the first server's 10", got)
	}
	conflicts, err := box.Conflicts()
	if err != nil || len(conflicts) != 1 || conflicts[0].ServerID != "gent-3" || conflicts[0].Other.GetEntries()[0].GetPoints() != 25 ||
		conflicts[0].Standing.GetEntries()[0].GetPoints() != 10 {
		t.Errorf("conflicts %+v, %v", conflicts, err)
	}
	if got := receipts(t, box, nil); fmt.Sprint(got) != "[gent-1/1]" {
		t.Errorf("receipts for the warehouse: %v", got)
	}
}

// receipts lists what the warehouse would get.
func receipts(tb testing.TB, box *inbox.Inbox, after func(string, [16]byte) uint64) (list []string) {
	tb.Helper()
	if after == nil {
		after = func(string, [16]byte) uint64 { return 0 }
	}
	cut, err := box.Cut(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer cut.Close()
	for r, err := range cut.Receipts(after) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, fmt.Sprint(r.ServerID, "/", r.Sequence))
	}
	return list
}

// TestSentAgainUnderANewIncarnation: rows re-stamped after a restore count once.
func TestSentAgainUnderANewIncarnation(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	for i := range 3 {
		s.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	deliver(t, box, s.all())
	again := newServer("gent-1")
	copy(again.incarnation[:], "another life")
	for i := 1; i < 5; i++ {
		again.receipt(t, sale(fmt.Sprint(i), account(1), 1))
	}
	deliver(t, box, again.all())
	if got := points(t, box, account(1)); got != 5 {
		t.Errorf("%d points, want 5", got)
	}
	if conflicts, err := box.Conflicts(); len(conflicts) != 0 || err != nil {
		t.Errorf("conflicts %v, %v", conflicts, err)
	}
}

func TestConflictRow(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	first := sale("1", account(1), 10)
	s.receipt(t, first)
	s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Conflict{Conflict: &outcomev1.ReceiptConflict{
		Key: first.GetReceipt().GetKey(), StandingHash: first.GetContentHash(), Refused: &outcomev1.Receipt{TotalMinor: 77}, RefusedAt: timestamppb.New(noon),
	}}})
	s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Exposure{Exposure: &outcomev1.UnclaimedExposure{}}})
	deliver(t, box, s.all())
	conflicts, err := box.Conflicts()
	if err != nil || len(conflicts) != 1 || conflicts[0].Refused.GetRefused().GetTotalMinor() != 77 || conflicts[0].Sequence != 2 ||
		conflicts[0].Standing.GetReceipt().GetTotalMinor() != 1000 {
		t.Errorf("conflicts %+v, %v", conflicts, err)
	}
}

func TestUnknownCardMakesAnAccount(t *testing.T) {
	box := open(t, file(t))
	one, two := newServer("gent-1"), newServer("gent-2")
	one.receipt(t, onCard("1", "2900123456785", 10))
	one.receipt(t, onCard("2", "2900123456785", 5))
	two.receipt(t, onCard("3", "2900123456785", 7))
	two.receipt(t, onCard("4", "2612345000003", 1))
	deliver(t, box, one.all())
	deliver(t, box, two.all())
	id, ok, err := box.AccountByIdentifier("card", "2900123456785")
	if !ok || err != nil {
		t.Fatalf("the card leads nowhere: %v", err)
	}
	if got := points(t, box, id); got != 22 {
		t.Errorf("%d points, want 22", got)
	}
	all := cutAccounts(t, box)
	if len(all) != 2 {
		t.Fatalf("%d accounts, want 2", len(all))
	}
	at := slices.IndexFunc(all, func(a inbox.CutAccount) bool { return a.ID == id })
	want := inbox.Identifier{Namespace: "card", Canonical: "2900123456785", Masked: "…6785", State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE}
	if got := all[at].Identifiers; len(got) != 1 || got[0] != want {
		t.Errorf("identifiers %+v", got)
	}
	if a := all[at]; a.Entries != 3 || a.FirstDay != 20526 || a.LastDay != 20526 {
		t.Errorf("account %+v", a)
	}
}

// TestReceiptsThatMakeNoAccount: nobody's receipts, training, a desk card, a telephone of two accounts.
func TestReceiptsThatMakeNoAccount(t *testing.T) {
	box := open(t, file(t))
	err := box.Register(t.Context(), func(r *inbox.Registrar) error {
		a, errA := r.Mint()
		b, errB := r.Mint()
		phone := inbox.Identifier{Namespace: "phone", Canonical: "+31612345678"}
		desk := inbox.Identifier{Namespace: "card", Canonical: "desk", State: customerv1.IdentifierState_IDENTIFIER_STATE_ANONYMOUS}
		return errors.Join(errA, errB, r.AddIdentifier(a, phone), r.AddIdentifier(b, phone), r.AddAnonymous(desk))
	})
	if err != nil {
		t.Fatal(err)
	}
	training := onCard("1", "2900123456785", 10)
	training.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
	training.Entries = nil
	anonymous := onCard("2", "", 0)
	anonymous.Receipt.Identifier, anonymous.Entries = nil, nil
	phone := onCard("4", "", 3)
	phone.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "phone", Canonical: "+31612345678"}
	s := newServer("gent-1")
	for _, r := range []*outcomev1.RecordedReceipt{training, anonymous, onCard("3", "desk", 2), phone} {
		s.receipt(t, r)
	}
	deliver(t, box, s.all())
	var sum int64
	all := cutAccounts(t, box)
	for _, a := range all {
		sum += a.Points
	}
	if len(all) != 2 || sum != 0 {
		t.Errorf("%d accounts with %d points, want 2 with none", len(all), sum)
	}
}

// TestAccountNobodyKnows: an older inbox was put back, and a server still books on an account that came after.
func TestAccountNobodyKnows(t *testing.T) {
	box := open(t, file(t))
	r := sale("1", account(5), 10)
	r.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: "2900123456785"}
	s := newServer("gent-1")
	s.receipt(t, r)
	deliver(t, box, s.all())
	if id, ok, err := box.AccountByIdentifier("card", "2900123456785"); id != account(5) || !ok || err != nil {
		t.Errorf("the card leads to %x, %v", id, err)
	}
	if got := points(t, box, account(5)); got != 10 {
		t.Errorf("%d points", got)
	}
}

func TestRowsThatCannotBeTaken(t *testing.T) {
	s := newServer("gent-1")
	s.receipt(t, sale("1", account(1), 10))
	garbage := s.all()
	garbage.Rows = append(slices.Clone(garbage.Rows), []byte{0xff, 0xff})
	wrongSequence := s.all()
	wrongSequence.Rows = append(slices.Clone(wrongSequence.Rows), s.rows[0])
	newer, err := proto.Marshal(&outcomev1.OutboxRow{Sequence: 2})
	if err != nil {
		t.Fatal(err)
	}
	fromTheFuture := s.all()
	fromTheFuture.Rows = append(slices.Clone(fromTheFuture.Rows), append(newer, 0xfa, 0x01, 0x00)) // field 31
	for _, tc := range []struct {
		name string
		req  *syncv1.DeliverRequest
		want error
	}{{"garbage", garbage, inbox.ErrMalformed}, {"a wrong sequence", wrongSequence, inbox.ErrMalformed}, {"from the future", fromTheFuture, inbox.ErrUnknownRow}} {
		t.Run(tc.name, func(t *testing.T) {
			box := open(t, file(t))
			if resp := deliver(t, box, tc.req); resp.GetThrough() != 1 {
				t.Errorf("held through %d, want the good row before", resp.GetThrough())
			}
			rest := proto.CloneOf(tc.req)
			rest.First, rest.Rows, rest.ChainBefore = 2, tc.req.Rows[1:], s.chains[1][:]
			if _, err := box.Deliver(t.Context(), rest); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if got := points(t, box, account(1)); got != 10 {
				t.Errorf("%d points", got)
			}
		})
	}
}

func TestCutIsFrozen(t *testing.T) {
	box := open(t, file(t))
	one, two := newServer("gent-1"), newServer("antwerpen-1")
	for i := range 4 {
		one.receipt(t, sale(fmt.Sprint(i), account(1), 1))
		two.receipt(t, sale(fmt.Sprint("a", i), account(2), 1))
	}
	deliver(t, box, one.request(1, 3))
	deliver(t, box, two.request(1, 1))
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	deliver(t, box, one.all())
	deliver(t, box, two.all())
	var offs []string
	for _, c := range cut.CutOffs() {
		offs = append(offs, fmt.Sprint(c.GetServerId(), " ", c.GetLedgerThrough(), " ", c.GetReceiptsThrough(), " ", string(c.GetIncarnation()[:11])))
	}
	if fmt.Sprint(offs) != "[antwerpen-1 1 1 life of ant gent-1 3 3 life of gen]" {
		t.Errorf("cut-offs %v", offs)
	}
	var sums []int64
	for a, err := range cut.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, a.Points)
	}
	if fmt.Sprint(sums) != "[3 1]" {
		t.Errorf("sums %v", sums)
	}
	if got := receipts(t, box, func(id string, _ [16]byte) uint64 { return map[string]uint64{"gent-1": 2}[id] }); fmt.Sprint(got) !=
		"[antwerpen-1/1 antwerpen-1/2 antwerpen-1/3 antwerpen-1/4 gent-1/3 gent-1/4]" {
		t.Errorf("receipts %v", got)
	}
	if err := errors.Join(cut.Close(), cut.Close()); err != nil {
		t.Error(err)
	}
}

func TestRegister(t *testing.T) {
	path := file(t)
	box := open(t, path)
	var anna, bert [16]byte
	err := box.Register(t.Context(), func(r *inbox.Registrar) (err error) {
		if anna, err = r.Mint(); err != nil {
			return err
		}
		if bert, err = r.Mint(); err != nil {
			return err
		}
		err = errors.Join(
			r.AddExternal(anna, "C-1"), r.AddExternal(anna, "C-1"), r.AddExternal(bert, "C-2"),
			r.AddIdentifier(anna, inbox.Identifier{Namespace: "card", Canonical: "2900123456785", Masked: "kaart …6785"}),
			r.AddIdentifier(anna, inbox.Identifier{Namespace: "phone", Canonical: "+31612345678"}),
			r.AddIdentifier(bert, inbox.Identifier{Namespace: "phone", Canonical: "+31612345678"}),
		)
		if id, ok, see := r.AccountByExternal("C-2"); id != bert || !ok || see != nil {
			t.Errorf("within the transaction C-2 is %x, %v", id, see)
		}
		if id, ok, see := r.AccountByIdentifier("card", "2900123456785"); id != anna || !ok || see != nil {
			t.Errorf("within the transaction the card is %x, %v", id, see)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Register(t.Context(), func(r *inbox.Registrar) error { return r.AddExternal(bert, "C-1") }); !errors.Is(err, inbox.ErrTaken) {
		t.Errorf("somebody else's external id: %v", err)
	}
	if err := box.Register(t.Context(), func(r *inbox.Registrar) error { return r.AddExternal(account(9), "C-9") }); !errors.Is(err, inbox.ErrNotFound) {
		t.Errorf("an account that is not: %v", err)
	}
	errNo := errors.New("no")
	if err := box.Register(t.Context(), func(r *inbox.Registrar) error {
		id, err := r.Mint()
		return errors.Join(err, r.AddExternal(id, "C-3"), errNo)
	}); !errors.Is(err, errNo) {
		t.Errorf("a batch that fails: %v", err)
	}
	box.Close()
	box = open(t, path)
	if id, ok, err := box.AccountByExternal("C-1"); id != anna || !ok || err != nil {
		t.Errorf("C-1 is %x, %v", id, err)
	}
	if _, ok, err := box.AccountByExternal("C-3"); ok || err != nil {
		t.Errorf("a failed batch left C-3 behind, %v", err)
	}
	if _, ok, err := box.AccountByIdentifier("phone", "+31612345678"); ok || err != nil {
		t.Errorf("a telephone of two leads to one, %v", err)
	}
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	var seen []string
	for i, err := range cut.Identifiers() {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprint(i.Namespace, " ", i.Record.GetMasked(), " ", len(i.Record.GetAccountIds())))
	}
	if fmt.Sprint(seen) != "[card kaart …6785 1 phone …5678 2]" {
		t.Errorf("identifiers %v", seen)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := file(t)
	open(t, path)
	if _, err := inbox.Open(path, inbox.Config{Now: time.Now, Logger: slog.Default()}); !errors.Is(err, inbox.ErrBusy) {
		t.Errorf("got %v", err)
	}
}

func TestServers(t *testing.T) {
	box := open(t, file(t))
	s := newServer("gent-1")
	s.receipt(t, sale("1", account(1), 1))
	deliver(t, box, s.all())
	if err := box.Report(t.Context(), &syncv1.ReportRequest{ServerId: "antwerpen-1", ManifestVersion: 4}); err != nil {
		t.Fatal(err)
	}
	servers, err := box.Servers()
	if err != nil || len(servers) != 2 {
		t.Fatalf("servers %v, %v", servers, err)
	}
	if a := servers[0]; a.ID != "antwerpen-1" || !a.ReportedAt.Equal(noon) || a.Report.GetManifestVersion() != 4 || a.Rows != 0 {
		t.Errorf("%+v", a)
	}
	if g := servers[1]; g.ID != "gent-1" || g.Report != nil || g.Rows != 1 || g.Incarnations != 1 || !g.DeliveredAt.Equal(noon) {
		t.Errorf("%+v", g)
	}
}

// FuzzDeliver offers rows as a stranger with a server's token could: they are taken or refused, and what was there before stays.
func FuzzDeliver(f *testing.F) {
	s := newServer("gent-1")
	s.receipt(f, onCard("1", "2900123456785", 10))
	f.Add(s.rows[0])
	f.Add([]byte{0x08, 0x01, 0x1a, 0x00})
	f.Add([]byte{0x08, 0x01, 0x12, 0x02, 0x32, 0x00})
	box := open(f, file(f))
	known := newServer("known")
	known.receipt(f, sale("known", account(1), 42))
	deliver(f, box, known.all())
	life := uint64(0)
	f.Fuzz(func(t *testing.T, row []byte) {
		life++
		id := binary.BigEndian.AppendUint64(make([]byte, 8), life)
		_, err := box.Deliver(t.Context(), &syncv1.DeliverRequest{
			ServerId: "stranger", Incarnation: id, First: 1, Rows: [][]byte{row}, ChainBefore: make([]byte, 32),
		})
		if err != nil && !errors.Is(err, inbox.ErrMalformed) && !errors.Is(err, inbox.ErrUnknownRow) {
			t.Errorf("%x: %v", row, err)
		}
		if postings, err := box.Statement(account(1)); err != nil || len(postings) == 0 || postings[0].Entry.GetPoints() != 42 {
			t.Errorf("after %x: %v, %v", row, postings, err)
		}
	})
}

// BenchmarkRegister registers accounts with an external id and a card each, in batches, from an empty register.
func BenchmarkRegister(b *testing.B) {
	register(b, open(b, file(b)))
}

func register(b *testing.B, box *inbox.Inbox) {
	b.Helper()
	for from := 0; from < b.N; from += inbox.RegisterBatch {
		err := box.Register(b.Context(), func(r *inbox.Registrar) error {
			for i := from; i < min(from+inbox.RegisterBatch, b.N); i++ {
				id, err := r.Mint()
				err = errors.Join(err, r.AddExternal(id, fmt.Sprintf("C-%07d", i)),
					r.AddIdentifier(id, inbox.Identifier{Namespace: "card", Canonical: fmt.Sprintf("29%011d", uint32(i)*2654435761)}))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCut reads every account of a register of b.N.
func BenchmarkCut(b *testing.B) {
	box := open(b, file(b))
	register(b, box)
	b.ResetTimer()
	n := len(cutAccounts(b, box))
	if n != b.N {
		b.Fatalf("%d accounts", n)
	}
}

// BenchmarkDeliver takes receipts of many accounts in batches of 500.
func BenchmarkDeliver(b *testing.B) {
	box := open(b, file(b))
	s := newServer("gent-1")
	for i := range b.N {
		r := sale(fmt.Sprint(i), account(i), 1)
		binary.BigEndian.PutUint32(r.AccountId, uint32(i)*2654435761)
		r.Entries[0].AccountId = r.AccountId
		s.receipt(b, r)
	}
	b.ResetTimer()
	for first := 1; first <= b.N; first += 500 {
		deliver(b, box, s.request(first, min(first+499, b.N)))
	}
}
