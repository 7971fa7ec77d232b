package inbox_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// openSuppressing opens an inbox in which customers can be erased and cards blocked.
func openSuppressing(t *testing.T) *inbox.Inbox {
	t.Helper()
	box, err := inbox.Open(file(t), inbox.Config{
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
		Suppress: func(namespace, canonical string) [16]byte {
			sum := sha256.Sum256([]byte(namespace + "/" + canonical))
			return [16]byte(sum[:16])
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

func details(of [16]byte, second int64) *outcomev1.OutboxRow {
	return &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Details{Details: &outcomev1.SubmittedDetails{
		AccountId: of[:], Kind: outcomev1.DetailKind_DETAIL_KIND_EMAIL, Sealed: []byte("sealed"), OccurredAt: timestamppb.New(time.Unix(second, 0)),
	}}}
}

// What two servers delivered of one customer's details is listed once, with whose they are; after an erasure it is gone.
func TestDetails(t *testing.T) {
	box := openSuppressing(t)
	one, two := newServer("s1"), newServer("s2")
	one.receipt(t, sale("1", account(1), 10))
	one.add(t, details(account(1), 100))
	one.add(t, details(account(1), 200))
	two.add(t, details(account(1), 100))
	deliver(t, box, one.all())
	deliver(t, box, two.all())
	list := func() []inbox.Details {
		t.Helper()
		all, err := box.Details()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := list()
	if len(all) != 2 || all[0].ServerID != "s1" || all[0].Account != account(1) || string(all[0].Given.GetSealed()) != "sealed" {
		t.Fatalf("listed: %v", all)
	}
	_, err := box.Erase(context.Background(), account(1), func(string, string) (hash [16]byte) { return hash }, inbox.Said{By: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	two.add(t, details(account(1), 300))
	deliver(t, box, two.request(2, 2))
	if all := list(); len(all) != 0 {
		t.Errorf("after the erasure: %v", all)
	}
}

// The language a customer asked for is published; the newest wish counts.
func TestLanguage(t *testing.T) {
	box := openSuppressing(t)
	s := newServer("s1")
	s.receipt(t, sale("1", account(1), 10))
	id := account(1)
	for language, second := range map[string]int64{"fr": 200, "nl": 100} {
		s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Preference{Preference: &outcomev1.Preference{
			AccountId: id[:], Purpose: outcomev1.Purpose_PURPOSE_LANGUAGE, Language: language, OccurredAt: timestamppb.New(time.Unix(second, 0)),
		}}})
	}
	deliver(t, box, s.all())
	if accounts := cutAccounts(t, box); len(accounts) != 1 || accounts[0].Language != "fr" {
		t.Errorf("published: %v", accounts)
	}
}

// A card that was said to be lost at a till is blocked, and every store is told.
func TestLostCard(t *testing.T) {
	box := openSuppressing(t)
	s := newServer("s1")
	s.receipt(t, onCard("1", "2900100000017", 10))
	deliver(t, box, s.all())
	accounts := cutAccounts(t, box)
	s.add(t, &outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Preference{Preference: &outcomev1.Preference{
		AccountId: accounts[0].ID[:], Purpose: outcomev1.Purpose_PURPOSE_CARD_LOST, OccurredAt: timestamppb.New(time.Unix(100, 0)),
		Card: &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: "2900100000017"},
	}}})
	deliver(t, box, s.request(2, 2))
	lane, err := box.Lane(1)
	if err != nil || len(lane) != 1 || !lane[0].GetBlock().GetBlocked() {
		t.Errorf("stores are told %v, %v", lane, err)
	}
}
