package inbox_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

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
