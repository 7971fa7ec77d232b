package inbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// suppress is a made-up hash under a content key.
func suppress(namespace, canonical string) [16]byte {
	sum := sha256.Sum256([]byte("content\x00" + namespace + "\x00" + canonical))
	return [16]byte(sum[:])
}

// published is a made-up hash under an identifier key.
func published(namespace, canonical string) [16]byte {
	sum := sha256.Sum256([]byte("published\x00" + namespace + "\x00" + canonical))
	return [16]byte(sum[:])
}

var byCommand = inbox.Said{By: "a test", Why: "to see"}

// urgentBox is an inbox with two customers: 1 with a card of her own and a phone that is the second's too, 2 with a card.
func urgentBox(t *testing.T, path string) (box *inbox.Inbox, one, two [16]byte) {
	t.Helper()
	box, err := inbox.Open(path, inbox.Config{
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler), Suppress: suppress, MapSize: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	err = box.Register(t.Context(), func(r *inbox.Registrar) (err error) {
		for i, id := range []*[16]byte{&one, &two} {
			external := []string{"c1", "c2"}[i]
			known, ok, err := r.AccountByExternal(external)
			if err != nil {
				return err
			}
			if *id = known; ok {
				continue
			}
			if *id, err = r.Mint(); err != nil {
				return err
			}
			err = errors.Join(r.AddExternal(*id, external),
				r.AddIdentifier(*id, inbox.Identifier{Namespace: "card", Canonical: []string{"1111", "2222"}[i]}),
				r.AddIdentifier(*id, inbox.Identifier{Namespace: "phone", Canonical: "+31600000000"}))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return box, one, two
}

// sold is a row with a sale of one customer.
func sold(sequence uint64, no, card string, account [16]byte, points int64) *outcomev1.OutboxRow {
	id := sha256.Sum256([]byte("entry " + no))
	return &outcomev1.OutboxRow{Sequence: sequence, Row: &outcomev1.OutboxRow_Receipt{Receipt: &outcomev1.RecordedReceipt{
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "s", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, TotalMinor: points * 100,
			Identifier: &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: card},
		},
		AccountId: account[:], ContentHash: make([]byte, 32),
		Entries: []*outcomev1.LedgerEntry{{EntryId: id[:16], AccountId: account[:], Kind: outcomev1.EntryKind_ENTRY_KIND_EARN, Points: points, Day: 20526}},
	}}}
}

// pointsOf are the points of all accounts in a cut, which is checked as a whole.
func pointsOf(t *testing.T, box *inbox.Inbox) map[[16]byte]int64 {
	t.Helper()
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[[16]byte]int64{}
	for a, err := range cut.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
		all[a.ID] = a.Points
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// send delivers rows; their sequence is the server's to say.
func (s *server) send(t *testing.T, box *inbox.Inbox, rows ...*outcomev1.OutboxRow) {
	t.Helper()
	for _, row := range rows {
		s.add(t, row)
	}
	deliver(t, box, s.all())
}

func TestMergeMovesEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	box, one, two := urgentBox(t, path)
	store := newServer("s-1")
	store.send(t, box, sold(1, "a", "1111", one, 5), sold(2, "b", "2222", two, 7))
	record, err := box.Merge(t.Context(), one, two, byCommand)
	if err != nil || record.GetNumber() != 1 || !bytes.Equal(record.GetMerge().GetSurvivor(), two[:]) {
		t.Fatalf("%v, %v", record, err)
	}
	for _, again := range [][2][16]byte{{one, two}, {two, one}, {two, two}} {
		if _, err := box.Merge(t.Context(), again[0], again[1], byCommand); !errors.Is(err, inbox.ErrOneAccount) {
			t.Errorf("again: %v", err)
		}
	}
	if _, err := box.Merge(t.Context(), [16]byte{9}, two, byCommand); !errors.Is(err, inbox.ErrNotFound) {
		t.Errorf("somebody nobody knows: %v", err)
	}
	if got := pointsOf(t, box); len(got) != 1 || got[two] != 12 {
		t.Errorf("balances %v, want 12 on the one account", got)
	}
	// A store that has not heard yet still books on the account that ended.
	store.send(t, box, sold(3, "c", "1111", one, 3))
	if got := pointsOf(t, box); len(got) != 1 || got[two] != 15 {
		t.Errorf("balances %v, want 15", got)
	}
	for range 2 {
		if err := box.AddOpening(t.Context(), 1, two, 100, 20526); err != nil {
			t.Fatal(err)
		}
	}
	if got := pointsOf(t, box); got[two] != 115 {
		t.Errorf("with the opening balance of the list %d, want 115", got[two])
	}
	if id, ok, err := box.AccountByExternal("c1"); id != two || !ok || err != nil {
		t.Errorf("the old customer number leads to %x, %v, %v", id, ok, err)
	}
	if id, ok, err := box.AccountByIdentifier("card", "1111"); id != two || !ok || err != nil {
		t.Errorf("the old card leads to %x, %v, %v", id, ok, err)
	}
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	for i, err := range cut.Identifiers() {
		want := customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE
		if i.Canonical == "1111" {
			want = customerv1.IdentifierState_IDENTIFIER_STATE_MERGED
		}
		if i.Canonical == "+31600000000" {
			continue // was in both hands
		}
		if err != nil || i.Record.GetState() != want || len(i.Record.GetAccountIds()) != 1 {
			t.Errorf("%s: %v, %v", i.Canonical, i.Record, err)
		}
	}
	for r, err := range cut.Receipts(func(string, [16]byte) uint64 { return 0 }) {
		if err != nil || r.Account != two {
			t.Errorf("receipt %d is %x's, %v", r.Sequence, r.Account, err)
		}
	}
}

func TestErasedStaysErased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	box, one, two := urgentBox(t, path)
	store := newServer("s-1")
	store.send(t, box, sold(1, "a", "1111", one, 5), sold(2, "b", "2222", two, 7))
	record, err := box.Erase(t.Context(), one, published, byCommand)
	if err != nil {
		t.Fatal(err)
	}
	card, shown := suppress("card", "1111"), published("card", "1111")
	if e := record.GetErasure(); !bytes.Equal(e.GetAccountId(), one[:]) || len(e.GetIdentifiers()) != 1 || !bytes.Equal(e.GetIdentifiers()[0], card[:]) ||
		!bytes.Equal(e.GetIdHashes()[0], shown[:]) {
		t.Errorf("stores are told %v: the card that was hers alone, and not the phone of two", e)
	}
	// A late receipt, by card and by account, of a store that has not heard yet; then by card alone.
	byCard := sold(4, "d", "1111", [16]byte{}, 4)
	byCard.GetReceipt().AccountId, byCard.GetReceipt().GetEntries()[0].AccountId = nil, nil
	store.send(t, box, sold(3, "c", "1111", one, 3), byCard)
	if got := pointsOf(t, box); len(got) != 1 || got[two] != 7 {
		t.Errorf("balances %v, want only the other customer's 7", got)
	}
	if _, ok, err := box.AccountByExternal("c1"); ok || err != nil {
		t.Errorf("the customer number still leads somewhere: %v", err)
	}
	if id, ok, err := box.AccountByIdentifier("phone", "+31600000000"); id != two || !ok || err != nil {
		t.Errorf("the phone leads to %x, %v, %v; want the other customer", id, ok, err)
	}
	err = box.Register(t.Context(), func(r *inbox.Registrar) error {
		gone, err := r.Gone("card", "1111")
		goneExternal, err2 := r.GoneExternal("c1")
		stays, err3 := r.Gone("card", "2222")
		if !gone || !goneExternal || stays {
			t.Errorf("gone: card %v, number %v, the other's card %v", gone, goneExternal, stays)
		}
		return errors.Join(err, err2, err3)
	})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range cut.Receipts(func(string, [16]byte) uint64 { return 0 }) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; r.Account != ([16]byte{}) && r.Account != two {
			t.Errorf("receipt %d is still hers: %v", r.Sequence, r.Receipt)
		}
		if r.Account == ([16]byte{}) && (r.Receipt.GetReceipt().GetIdentifier() != nil || len(r.Receipt.GetEntries()) > 0) {
			t.Errorf("receipt %d points to her: %v", r.Sequence, r.Receipt)
		}
	}
	if n != 4 {
		t.Errorf("%d receipts, want all 4", n)
	}
	var hashes [][16]byte
	for hash, err := range cut.Suppressed() {
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	_, erased, err := cut.LaneThrough()
	if err != nil || erased != 1 || len(hashes) != 1 || hashes[0] != card {
		t.Errorf("published as erased: %x, through %d, %v", hashes, erased, err)
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	// The chain goes on: what the store delivers again is acknowledged, and its receipt is kept.
	store.send(t, box, &outcomev1.OutboxRow{Sequence: 5, Row: &outcomev1.OutboxRow_Erasure{Erasure: &outcomev1.ErasureReceipt{
		LaneNumber: 1, DoneAt: timestamppb.New(noon),
	}}})
	all, err := box.Erasures()
	if err != nil || len(all) != 1 || !all[0].Done["s-1"].Equal(noon) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := box.Erase(t.Context(), one, published, byCommand); !errors.Is(err, inbox.ErrNotFound) {
		t.Errorf("erased twice: %v", err)
	}
	lines, err := box.Audit()
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0].Text, "erased, by a test: to see") || strings.Contains(lines[0].Text, "1111") {
		t.Errorf("the book says %v, %v", lines, err)
	}
}

func TestErasingWhoWasMergedErasesBoth(t *testing.T) {
	box, one, two := urgentBox(t, filepath.Join(t.TempDir(), "inbox.db"))
	store := newServer("s-1")
	store.send(t, box, sold(1, "a", "1111", one, 5))
	if _, err := box.Merge(t.Context(), one, two, byCommand); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Erase(t.Context(), one, published, byCommand); err != nil { // by the account that ended
		t.Fatal(err)
	}
	store.send(t, box, sold(2, "b", "3333", one, 3))
	if got := pointsOf(t, box); len(got) != 0 {
		t.Errorf("balances %v, want none", got)
	}
}

func TestPreferencesFold(t *testing.T) {
	box, one, two := urgentBox(t, filepath.Join(t.TempDir(), "inbox.db"))
	want := func(id [16]byte, hours int, agreed bool) *outcomev1.Preference {
		return &outcomev1.Preference{AccountId: id[:], Purpose: outcomev1.Purpose_PURPOSE_ALL, Agreed: agreed, OccurredAt: timestamppb.New(noon.Add(time.Duration(hours) * time.Hour))}
	}
	for _, p := range []*outcomev1.Preference{want(one, 5, false), want(one, 2, false), want(two, 30, true)} { // the older one comes later
		if _, err := box.Prefer(t.Context(), p, byCommand); err != nil {
			t.Fatal(err)
		}
	}
	objected, agreed, err := box.Preference(one, outcomev1.Purpose_PURPOSE_ALL)
	if err != nil || !objected.Equal(noon.Add(5*time.Hour)) || !agreed.IsZero() {
		t.Errorf("objected %s, agreed %s, %v", objected, agreed, err)
	}
	if _, err := box.Merge(t.Context(), one, two, byCommand); err != nil {
		t.Fatal(err)
	}
	objected, agreed, err = box.Preference(one, outcomev1.Purpose_PURPOSE_ALL)
	if err != nil || !objected.Equal(noon.Add(5*time.Hour)) || !agreed.Equal(noon.Add(30*time.Hour)) {
		t.Errorf("of both: objected %s, agreed %s, %v", objected, agreed, err)
	}
	// What is said in one store is in the lane for all.
	store := newServer("s-1")
	store.send(t, box, &outcomev1.OutboxRow{Sequence: 1, Row: &outcomev1.OutboxRow_Preference{Preference: want(one, 40, false)}})
	lane, err := box.Lane(5)
	if err != nil || len(lane) != 1 || !bytes.Equal(lane[0].GetPreference().GetAccountId(), two[:]) || lane[0].GetPreference().GetAgreed() {
		t.Errorf("the lane says %v, %v", lane, err)
	}
	if _, err := box.Prefer(context.Background(), want([16]byte{7}, 1, false), byCommand); !errors.Is(err, inbox.ErrNotFound) {
		t.Errorf("somebody nobody knows: %v", err)
	}
}
