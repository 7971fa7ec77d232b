package inbox_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func key(store, no string) *outcomev1.ReceiptKey {
	return &outcomev1.ReceiptKey{Store: store, Till: "1", BusinessDate: "2026-03-14", ReceiptNo: no}
}

func idOf(k *outcomev1.ReceiptKey, kind outcomev1.EntryKind, ordinal uint64) []byte {
	id := loyalty.EntryID(loyalty.KeyBytes(k), kind, ordinal)
	return id[:]
}

// threeHammers is a sale of three hammers for 47 points and a saw for 5, as a store books it.
func threeHammers(store, no string, of [16]byte) *outcomev1.RecordedReceipt {
	r := sale(no, of, 52)
	r.Receipt.Key = key(store, no)
	r.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "hamer", QuantityMilli: 3000, NetMinor: 4700}, {No: 2, Sku: "zaag", QuantityMilli: 1000, NetMinor: 550}}
	r.Entries[0].EntryId, r.Entries[0].PointsPerLine = idOf(r.Receipt.Key, outcomev1.EntryKind_ENTRY_KIND_EARN, 0), []int64{47, 5}
	return r
}

// broughtBack is a return of hammers as a server books it that does not have the sale.
func broughtBack(store, no string, sold *outcomev1.ReceiptKey, hammers int64) *outcomev1.RecordedReceipt {
	r := sale(no, account(9), 0)
	r.AccountId, r.Entries, r.Provisional = nil, nil, true
	r.Receipt.Key, r.Receipt.Kind, r.Receipt.Original = key(store, no), outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, sold
	r.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "hamer", QuantityMilli: -1000 * hammers, NetMinor: -1567 * hammers, OriginalLine: 1}}
	return r
}

// booked is the same return as the server books it that has the sale.
func booked(r *outcomev1.RecordedReceipt, of [16]byte, points int64) *outcomev1.RecordedReceipt {
	r = proto.CloneOf(r)
	r.Provisional, r.AccountId = false, of[:]
	r.Entries = []*outcomev1.LedgerEntry{{
		EntryId: idOf(r.Receipt.Key, outcomev1.EntryKind_ENTRY_KIND_REVERSE, 0), AccountId: of[:], Kind: outcomev1.EntryKind_ENTRY_KIND_REVERSE, Points: points, Day: 20526,
	}}
	return r
}

func void(store, no string, of *outcomev1.ReceiptKey) *outcomev1.RecordedReceipt {
	r := broughtBack(store, no, of, 0)
	r.Receipt.Kind, r.Receipt.Lines = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID, nil
	return r
}

// TestReturnsAreSettledOnce: whatever comes back of a sale of 52 points, wherever and in whichever order it reaches head office, and twice, it takes
// what it should.
func TestReturnsAreSettledOnce(t *testing.T) {
	t.Parallel()
	gent := threeHammers("gent", "1", account(1))
	sold := gent.GetReceipt().GetKey()
	first, second, third := broughtBack("breda", "11", sold, 1), broughtBack("breda", "12", sold, 1), broughtBack("breda", "13", sold, 1)
	swap := broughtBack("breda", "20", sold, 2)
	swap.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_SALE
	for _, tc := range []struct {
		name string
		rows []*outcomev1.RecordedReceipt
		want int64
	}{
		{"one of three", []*outcomev1.RecordedReceipt{gent, first}, 37},
		{"all three, one by one", []*outcomev1.RecordedReceipt{gent, first, second, third}, 5},
		{"booked in Gent and parked in Breda", []*outcomev1.RecordedReceipt{gent, booked(broughtBack("gent", "11", sold, 1), account(1), -15), second, third}, 5},
		{"more than was bought, by two servers that know nothing of each other", []*outcomev1.RecordedReceipt{gent, booked(broughtBack("gent", "11", sold, 3), account(1), -47), broughtBack("breda", "12", sold, 3)}, 5},
		{"the same return on both servers of a store", []*outcomev1.RecordedReceipt{gent, first, booked(first, account(1), -15)}, 37},
		{"an exchange", []*outcomev1.RecordedReceipt{gent, swap}, 21},
		{"the sale voided", []*outcomev1.RecordedReceipt{gent, void("breda", "30", sold)}, 0},
		{"the sale voided twice, after part of it came back", []*outcomev1.RecordedReceipt{gent, first, void("breda", "30", sold), void("gent", "31", sold)}, 0},
		{"a return voided", []*outcomev1.RecordedReceipt{gent, first, second, void("breda", "30", first.GetReceipt().GetKey())}, 37},
		{"a return voided, and brought back again", []*outcomev1.RecordedReceipt{gent, first, void("breda", "30", first.GetReceipt().GetKey()), void("breda", "31", first.GetReceipt().GetKey()), second, third}, 21},
		{"a training is nothing", []*outcomev1.RecordedReceipt{gent, training(broughtBack("breda", "11", sold, 3))}, 52},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(30, 16))
			rows := slices.Concat(tc.rows, tc.rows)
			for range 12 {
				box := openIn(t)
				random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				for i, r := range rows {
					s := newServer(fmt.Sprintf("server-%d", i))
					s.receipt(t, r)
					deliver(t, box, s.all())
				}
				if got := points(t, box, account(1)); got != tc.want {
					t.Errorf("%d points, want %d", got, tc.want)
				}
				if err := box.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// openIn opens an inbox that the test closes itself.
func openIn(t *testing.T) *inbox.Inbox {
	t.Helper()
	box, err := inbox.Open(file(t), inbox.Config{Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler), MapSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func training(r *outcomev1.RecordedReceipt) *outcomev1.RecordedReceipt {
	r.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
	return r
}

// TestReturnOfAClaimedSale: what came back of an anonymous sale is taken back once the sale is claimed.
func TestReturnOfAClaimedSale(t *testing.T) {
	t.Parallel()
	sold := threeHammers("gent", "1", account(1))
	claim := proto.CloneOf(sold)
	claim.Receipt.Kind, claim.Receipt.Original, claim.Receipt.Lines = outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM, sold.GetReceipt().GetKey(), nil
	claim.Receipt.Key = key("gent", "1 claimed")
	sold.AccountId, sold.Entries = nil, nil
	box := open(t, file(t))
	for i, r := range []*outcomev1.RecordedReceipt{sold, broughtBack("breda", "11", sold.GetReceipt().GetKey(), 2), claim} {
		s := newServer(fmt.Sprintf("server-%d", i))
		s.receipt(t, r)
		deliver(t, box, s.all())
	}
	if got := points(t, box, account(1)); got != 21 {
		t.Errorf("%d points, want what is left of 52 when two hammers came back", got)
	}
}

// TestWaitsForItsCard: what was bought and brought back on a card nobody knows lands on the account when the card is registered.
func TestWaitsForItsCard(t *testing.T) {
	t.Parallel()
	const card = "9528234000001239"
	sold := threeHammers("gent", "1", account(1))
	hash := sold.Entries[0].EntryId
	sold.Parked, sold.Entries, sold.AccountId, sold.Provisional = sold.Entries, nil, nil, true
	sold.Parked[0].AccountId, sold.Parked[0].IdHash = nil, hash
	sold.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: card}
	longer := onCard("2", card+"9", 100)
	longer.Parked, longer.Entries, longer.Provisional = longer.Entries, nil, true
	path := file(t)
	box := open(t, path)
	for i, r := range []*outcomev1.RecordedReceipt{sold, longer, broughtBack("breda", "11", sold.GetReceipt().GetKey(), 2)} {
		s := newServer(fmt.Sprintf("server-%d", i))
		s.receipt(t, r)
		deliver(t, box, s.all())
	}
	if all := cutAccounts(t, box); len(all) != 0 {
		t.Fatalf("accounts before anybody said whose card it is: %v", all)
	}
	var id [16]byte
	register := func() {
		err := box.Register(t.Context(), func(r *inbox.Registrar) (err error) {
			if found, ok, err := r.AccountByIdentifier("card", card); err != nil || ok {
				id = found
				return err
			}
			if id, err = r.Mint(); err != nil {
				return err
			}
			return r.AddIdentifier(id, inbox.Identifier{Namespace: "card", Canonical: card})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	register()
	register()
	if got := points(t, box, id); got != 21 {
		t.Errorf("%d points, want 21", got)
	}
	s := newServer("late")
	s.receipt(t, broughtBack("breda", "12", sold.GetReceipt().GetKey(), 1))
	deliver(t, box, s.all())
	if got := points(t, box, id); got != 5 {
		t.Errorf("%d points after the last hammer, want 5", got)
	}
	if all := cutAccounts(t, box); len(all) != 1 || all[0].Points != 5 {
		t.Errorf("in a cut: %+v", all)
	}
}

// TestReturnOfAnothersNewCard: what was bought on a new card is taken back from that card, whoever brings it.
func TestReturnOfAnothersNewCard(t *testing.T) {
	t.Parallel()
	box := open(t, file(t))
	sold := threeHammers("gent", "1", account(1))
	hash := sold.Entries[0].EntryId
	sold.AccountId, sold.Entries[0].AccountId, sold.Entries[0].IdHash = nil, nil, hash
	sold.Receipt.Identifier = &outcomev1.RecognisedIdentifier{Namespace: "card", Canonical: "2900100000116"}
	other := onCard("5", "2900100000123", 100)
	back := booked(broughtBack("gent", "11", sold.GetReceipt().GetKey(), 1), account(1), -15)
	back.AccountId, back.Entries[0].AccountId, back.Entries[0].IdHash = nil, nil, hash
	back.Receipt.Identifier = other.GetReceipt().GetIdentifier()
	stranger := proto.CloneOf(back)
	stranger.Receipt.Key.ReceiptNo, stranger.Receipt.Identifier.Canonical = "12", "2900100000130"
	stranger.Entries[0].EntryId = idOf(stranger.Receipt.Key, outcomev1.EntryKind_ENTRY_KIND_REVERSE, 0)
	stranger.Entries[0].Points = -16
	s := newServer("gent-1")
	undo := proto.CloneOf(back)
	undo.Receipt.Kind, undo.Receipt.Key.ReceiptNo, undo.Receipt.Original = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID, "13", back.GetReceipt().GetKey()
	undo.Entries[0].EntryId, undo.Entries[0].Points = idOf(undo.Receipt.Key, outcomev1.EntryKind_ENTRY_KIND_REVERSE, 1), 15
	for _, r := range []*outcomev1.RecordedReceipt{other, sold, back, stranger, undo} {
		s.receipt(t, r)
	}
	deliver(t, box, s.all())
	if _, ok, err := box.AccountByIdentifier("card", "2900100000130"); ok || err != nil {
		t.Errorf("who only brought goods back was given somebody's account: %v, %v", ok, err)
	}
	for card, want := range map[string]int64{"2900100000116": 37, "2900100000123": 100} {
		id, ok, err := box.AccountByIdentifier("card", card)
		if err != nil || !ok {
			t.Fatalf("%s: %v, %v", card, ok, err)
		}
		if got := points(t, box, id); got != want {
			t.Errorf("card %s has %d points, want %d", card, got, want)
		}
	}
}

// TestTrainingLeavesItsNumberFree: the real sale after a training may have the same number.
func TestTrainingLeavesItsNumberFree(t *testing.T) {
	t.Parallel()
	box := open(t, file(t))
	s := newServer("gent-1")
	s.receipt(t, training(sale("1", account(1), 1000)))
	s.receipt(t, sale("1", account(1), 10))
	deliver(t, box, s.all())
	if got := points(t, box, account(1)); got != 10 {
		t.Errorf("%d points, want 10", got)
	}
	if got := receipts(t, box, nil); fmt.Sprint(got) != "[gent-1/2]" {
		t.Errorf("receipts for the warehouse: %v", got)
	}
	if conflicts, err := box.Conflicts(); len(conflicts) != 0 || err != nil {
		t.Errorf("conflicts %v, %v", conflicts, err)
	}
}
