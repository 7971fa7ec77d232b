package outbox_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// A release is what a server knows of head office: sums, and the vector of sequences they rest on.
type release struct {
	points  map[[16]byte]int64
	cutOffs map[[16]byte]uint64 // by incarnation; one server
}

// world is one store's journal, head office's inbox, and what is true.
type world struct {
	t   *rapid.T
	dir string

	journal *journal.Journal
	inbox   *inbox.Inbox
	number  int

	truth     map[[16]byte]int64 // every acknowledged receipt, once
	published []*release         // by head office, oldest first
	active    *release
	openable  []*release // the active one and the one before
	copies    [][]byte   // of the journal, as it was
}

const accounts = 3

func account(n int) (id [16]byte) {
	id[0], id[15] = 0xcc, byte(n)
	return id
}

func (w *world) path() string { return filepath.Join(w.dir, "journal.db") }

func (w *world) open() {
	j, err := journal.Open(w.path(), journalConfig())
	if err != nil {
		w.t.Fatal(err)
	}
	w.journal = j
}

func (w *world) close() {
	if err := w.journal.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// earn records a receipt; now and then it is sent again.
func (w *world) earn(t *rapid.T) {
	id := account(rapid.IntRange(0, accounts-1).Draw(t, "account"))
	points := rapid.Int64Range(-20, 100).Draw(t, "points")
	w.number++
	req := sale(fmt.Sprint(w.number), id, points)
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		if _, err := w.journal.Record(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	w.truth[id] += points
}

// deliver delivers one batch; the answer may be lost on the way.
func (w *world) deliver(t *rapid.T) {
	w.deliverBatch(t, rapid.IntRange(1, 5).Draw(t, "rows"), rapid.Bool().Draw(t, "answer lost"))
}

func (w *world) deliverBatch(t *rapid.T, n int, lost bool) (more bool) {
	batch, err := w.journal.Rows(n, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Rows) == 0 {
		return false
	}
	resp, err := w.inbox.Deliver(t.Context(), &syncv1.DeliverRequest{
		ServerId: "gent-1", Incarnation: batch.Incarnation[:], ChainBefore: batch.ChainBefore[:], Rows: batch.Rows, First: batch.First,
	})
	var forked *inbox.ForkedError
	switch {
	case errors.As(err, &forked):
		err = w.journal.Fork(t.Context(), batch.Incarnation, forked.Agreed, forked.Chain)
	case err == nil && !lost:
		err = w.journal.Confirm(t.Context(), batch.Incarnation, min(resp.GetThrough(), batch.Through()), batch.ChainAfter())
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// publish cuts the inbox.
func (w *world) publish(t *rapid.T) {
	cut, err := w.inbox.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	r := &release{points: map[[16]byte]int64{}, cutOffs: map[[16]byte]uint64{}}
	for _, c := range cut.CutOffs() {
		r.cutOffs[[16]byte(c.GetIncarnation())] = c.GetLedgerThrough()
	}
	if rapid.Bool().Draw(t, "receipts meanwhile") {
		w.earn(t)
		w.deliver(t)
	}
	for a, err := range cut.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
		r.points[a.ID] = a.Points
	}
	w.published = append(w.published, r)
}

// apply activates the newest release; the one before may be stepped back to.
func (w *world) apply(*rapid.T) {
	if len(w.published) == 0 || w.published[len(w.published)-1] == w.active {
		return
	}
	w.openable = append(w.openable, w.published[len(w.published)-1])
	w.openable = w.openable[max(0, len(w.openable)-2):]
	w.active = w.openable[len(w.openable)-1]
}

// stepBack activates the release before.
func (w *world) stepBack(*rapid.T) {
	w.active = w.openable[0]
}

func (w *world) prune(t *rapid.T) {
	var counted []journal.Counted
	for _, r := range w.openable {
		counted = append(counted, journal.Counted{CutOff: func(id [16]byte) (uint64, uint64) { return r.cutOffs[id], r.cutOffs[id] }})
	}
	if _, err := w.journal.Prune(t.Context(), counted); err != nil {
		t.Fatal(err)
	}
}

func (w *world) restart(*rapid.T) {
	w.close()
	w.open()
}

// check compares what a till would see with the truth.
func (w *world) check(t *rapid.T) {
	for n := range accounts {
		id := account(n)
		var local int64
		err := w.journal.View(func(v *journal.View) (err error) {
			local, err = v.LocalPoints(id, func(of [16]byte) uint64 { return w.active.cutOffs[of] })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.active.points[id] + local; got != w.truth[id] {
			t.Fatalf("account %d: the till sees %d (%d published, %d local), the truth is %d", n, got, w.active.points[id], local, w.truth[id])
		}
	}
}

// memory is a folder that needs no disk, where the machine has one: what is tested here is reckoning, not durability.
func memory(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/dev/shm"); err == nil {
		return "/dev/shm"
	}
	return t.TempDir()
}

func newWorld(t *rapid.T, in string) *world {
	dir, err := os.MkdirTemp(in, "stamklant-")
	if err != nil {
		t.Fatal(err)
	}
	nothing := &release{}
	w := &world{t: t, dir: dir, truth: map[[16]byte]int64{}, active: nothing, openable: []*release{nothing}}
	w.open()
	if w.inbox, err = inbox.Open(filepath.Join(dir, "inbox.db"), inboxConfig()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) end() {
	w.close()
	if err := w.inbox.Close(); err != nil {
		w.t.Fatal(err)
	}
	os.RemoveAll(w.dir)
}

// settle delivers everything, publishes and applies: then head office alone knows the truth.
func (w *world) settle(t *rapid.T) {
	for w.deliverBatch(t, 5, false) {
	}
	w.publish(t)
	for w.deliverBatch(t, 5, false) {
	}
	w.publish(t)
	for w.deliverBatch(t, 5, false) {
	}
	w.published = w.published[:len(w.published):len(w.published)]
	w.apply(t)
	w.check(t)
	w.openable = w.openable[len(w.openable)-1:]
	w.prune(t)
	w.check(t)
	waiting, err := w.journal.Waiting()
	if waiting != 0 || err != nil {
		t.Fatalf("%d rows wait after all was delivered (%v)", waiting, err)
	}
}

// TestBalanceIsAlwaysTrue: published sum at the cut + local entries beyond the cut-off = the true sum, at every interleaving of earning,
// delivering (answers lost or not), publishing with receipts meanwhile, applying, stepping back, pruning and restarting.
func TestBalanceIsAlwaysTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, memory(t))
		defer w.end()
		rt.Repeat(map[string]func(*rapid.T){
			"earn": w.earn, "deliver": w.deliver, "publish": w.publish, "apply": w.apply, "step back": w.stepBack, "prune": w.prune,
			"restart": w.restart, "": w.check,
		})
		w.settle(rt)
	})
}

// backUp copies the journal while it is open.
func (w *world) backUp(t *rapid.T) {
	var b bytes.Buffer
	if _, err := w.journal.Backup(&b); err != nil {
		t.Fatal(err)
	}
	w.copies = append(w.copies, b.Bytes())
}

// restore puts a back-up in the journal's place. Everything had been delivered, so nothing is lost.
func (w *world) restore(t *rapid.T) {
	if len(w.copies) == 0 {
		return
	}
	for w.deliverBatch(t, 5, false) {
	}
	w.close()
	old := w.copies[rapid.IntRange(0, len(w.copies)-1).Draw(t, "copy")]
	if err := os.WriteFile(w.path(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	w.open()
	// What happened since is at head office; this server sees it again with the next release.
	w.publish(t)
	w.apply(t)
	w.openable = w.openable[len(w.openable)-1:]
}

// TestBalanceAfterRestore is the same with back-ups put back: nothing is lost, nothing doubled, here or at head office.
func TestBalanceAfterRestore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, memory(t))
		defer w.end()
		rt.Repeat(map[string]func(*rapid.T){
			"earn": w.earn, "deliver": w.deliver, "publish": w.publish, "apply": w.apply, "prune": w.prune, "restart": w.restart,
			"back up": w.backUp, "restore": w.restore, "": w.check,
		})
		w.settle(rt)
	})
}

// sale is a receipt that books points, the same entry id wherever it is booked.
func sale(no string, id [16]byte, points int64) journal.RecordRequest {
	r := &outcomev1.Receipt{
		Key:  &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no},
		Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", TotalMinor: points * 100,
		Lines: []*outcomev1.Line{{No: 1, Sku: "tulip", QuantityMilli: 1000, NetMinor: points * 100}},
	}
	key := loyalty.KeyBytes(r.GetKey())
	entry := loyalty.EntryID(key, outcomev1.EntryKind_ENTRY_KIND_EARN, 0)
	return journal.RecordRequest{
		Key: key, Hash: sha256.Sum256(fmt.Append(nil, no, points)), Receipt: r,
		Book: func(*journal.View) (*journal.Booking, error) {
			return &journal.Booking{Answer: []byte("ok"), Row: &outcomev1.RecordedReceipt{
				Receipt: r, AccountId: id[:],
				Entries: []*outcomev1.LedgerEntry{{EntryId: entry[:], AccountId: id[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: points, Day: 20526}},
			}}, nil
		},
	}
}
