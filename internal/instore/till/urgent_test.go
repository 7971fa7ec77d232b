package till_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

// say has the journal take the next urgent word.
func (w *world) say(r *bundlev1.LaneRecord) {
	w.t.Helper()
	r.Number, r.IssuedAt = w.journal.LaneThrough()+1, timestamppb.New(w.clock())
	if err := w.journal.KeepLane(w.t.Context(), []*bundlev1.LaneRecord{r}); err != nil {
		w.t.Fatal(err)
	}
}

func wish(account [16]byte, purpose outcomev1.Purpose, agreed bool, at time.Time) *outcomev1.Preference {
	return &outcomev1.Preference{AccountId: account[:], Purpose: purpose, Agreed: agreed, OccurredAt: timestamppb.New(at)}
}

func wished(p *outcomev1.Preference) *bundlev1.LaneRecord {
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Preference{Preference: p}}
}

func mergedInto(from, into [16]byte) *bundlev1.LaneRecord {
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Merge{Merge: &bundlev1.LaneMerge{Merged: from[:], Survivor: into[:]}}}
}

func cardBlock(card string, blocked bool) *bundlev1.LaneRecord {
	hash := identify.Hash(contentKey, "card", card)
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{Thing: &bundlev1.LaneBlock_Identifier{Identifier: hash[:]}, Blocked: blocked}}}
}

func accountBlock(id [16]byte, blocked bool) *bundlev1.LaneRecord {
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{Thing: &bundlev1.LaneBlock_AccountId{AccountId: id[:]}, Blocked: blocked}}}
}

func erasure(id [16]byte, cards ...string) *bundlev1.LaneRecord {
	e := &bundlev1.LaneErasure{AccountId: id[:]}
	for _, card := range cards {
		hash, published := identify.Hash(contentKey, "card", card), identify.Hash(identifierKey, "card", card)
		e.Identifiers, e.IdHashes = append(e.Identifiers, hash[:]), append(e.IdHashes, published[:])
	}
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Erasure{Erasure: e}}
}

func TestAnObjectionSilencesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.lookup(cardRegular); a.GetSegment() == nil || a.GetSuggestion() == nil {
		t.Fatalf("before: %v", a)
	}
	w.say(wished(wish(regular, outcomev1.Purpose_PURPOSE_ALL, false, now)))
	silent := func(when string) {
		t.Helper()
		a := w.lookup(cardRegular, ref(when))
		if a.GetSegment() != nil || a.GetSuggestion() != nil || a.GetLoyalty().GetPointsAvailable() < 1245 {
			t.Errorf("%s: %v", when, a)
		}
	}
	silent("at once")
	if a := w.record(receipt("1", cardRegular, line(1, "4501001", 1, 4700))); a.GetPoints() != 47 || a.GetLoyalty().GetPointsAvailable() != 1292 {
		t.Errorf("points no longer work: %v", a)
	}
	w.publish() // a release that was cut before
	silent("over a release cut earlier")
	w.say(wished(wish(regular, outcomev1.Purpose_PURPOSE_ALL, true, now.Add(time.Hour))))
	silent("agreed again within the day")
	w.say(wished(wish(regular, outcomev1.Purpose_PURPOSE_ALL, true, now.Add(25*time.Hour))))
	if a := w.lookup(cardRegular, ref("later")); a.GetSegment() == nil {
		t.Errorf("agreed again a day later: %v", a)
	}
	// A release that has worked all of it in says how it is.
	w.laneThrough = w.journal.LaneThrough()
	w.account(regular, &customerv1.Account{Consents: &customerv1.Consents{Objected: true}, Imported: &customerv1.ImportedScores{Segment: "promising"}})
	w.publish()
	if a := w.lookup(cardRegular, ref("last")); a.GetSegment() != nil {
		t.Errorf("the release says objected: %v", a)
	}
}

func TestAnObjectionAtTheCounterHoldsUntilAReleaseHasCountedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.journal.SetPreference(t.Context(), wish(regular, outcomev1.Purpose_PURPOSE_ALL, false, now)); err != nil {
		t.Fatal(err)
	}
	if a := w.lookup(cardRegular); a.GetSegment() != nil || a.GetSuggestion() != nil {
		t.Errorf("at once: %v", a)
	}
	id := w.journal.Incarnation()
	w.account(regular, &customerv1.Account{Consents: &customerv1.Consents{Objected: true}, Imported: &customerv1.ImportedScores{Segment: "promising"}})
	w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: id[:], LedgerThrough: 1})
	if a := w.lookup(cardRegular); a.GetSegment() != nil {
		t.Errorf("once it is published: %v", a)
	}
}

func TestConsentGivenSinceCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.programme.Profiling = 1 // asks for consent
	w.publish()
	if a := w.lookup(cardRegular); a.GetSegment() != nil {
		t.Fatalf("without consent: %v", a)
	}
	w.say(wished(wish(regular, outcomev1.Purpose_PURPOSE_PROFILING, true, now)))
	if a := w.lookup(cardRegular); a.GetSegment().GetCode() != "promising" {
		t.Errorf("with consent: %v", a)
	}
}

func TestBlockedCardsAndAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := func(card string, outcome tillv1.Outcome) {
		t.Helper()
		if got := w.lookup(card).GetOutcome(); got != outcome {
			t.Errorf("%s: %s, want %s", card, got, outcome)
		}
	}
	w.say(cardBlock(cardReplaced, true)) // a lost card: the new one goes on
	want(cardReplaced, tillv1.Outcome_OUTCOME_BLOCKED)
	want(cardRegular, tillv1.Outcome_OUTCOME_FOUND)
	w.say(cardBlock(cardReplaced, false))
	want(cardReplaced, tillv1.Outcome_OUTCOME_FOUND_REPLACED)
	w.say(accountBlock(regular, true))
	want(cardRegular, tillv1.Outcome_OUTCOME_BLOCKED)
	want(cardReplaced, tillv1.Outcome_OUTCOME_BLOCKED)
	w.say(accountBlock(regular, false))
	want(cardRegular, tillv1.Outcome_OUTCOME_FOUND)
	want(cardBlocked, tillv1.Outcome_OUTCOME_BLOCKED)
	w.say(cardBlock(cardBlocked, false))
	want(cardBlocked, tillv1.Outcome_OUTCOME_FOUND)
	want(cardFrozen, tillv1.Outcome_OUTCOME_BLOCKED)
	w.say(accountBlock(frozen, false))
	want(cardFrozen, tillv1.Outcome_OUTCOME_FOUND)
	w.say(cardBlock(cardNew, true)) // no release knows it yet
	want(cardNew, tillv1.Outcome_OUTCOME_BLOCKED)
	w.laneThrough = w.journal.LaneThrough()
	w.publish()
	want(cardBlocked, tillv1.Outcome_OUTCOME_BLOCKED) // the release has the last word
}

func TestErasedAtOnceAndNeverParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := receipt("1", cardRegular, line(1, "4501001", 1, 4700))
	w.record(first)
	w.say(erasure(regular, cardRegular, cardReplaced))
	for _, card := range []string{cardRegular, cardReplaced, cardOld} {
		if a := w.lookup(card); a.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD || a.GetLoyalty() != nil || a.GetAccountRef() != "" {
			t.Errorf("%s: %v", card, a)
		}
	}
	byRef := w.lookup(cardRegular, func(r *tillv1.LookupRequest) {
		r.Customer = &tillv1.LookupRequest_AccountRef{AccountRef: refOf(regular)}
	})
	if byRef.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD {
		t.Errorf("by reference: %v", byRef)
	}
	if a := w.lookup(phoneTwo); a.GetOutcome() != tillv1.Outcome_OUTCOME_AMBIGUOUS || len(a.GetChoices()) != 1 {
		t.Errorf("a phone that a second person has too: %v", a)
	}
	todo, err := w.journal.Erasing()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.journal.Anonymise(t.Context(), todo.Anonymise, journal.Forgetting{
		Hash:   func(namespace, canonical string) [16]byte { return identify.Hash(contentKey, namespace, canonical) },
		Answer: till.Anonymous,
	}); err != nil {
		t.Fatal(err)
	}
	if a := w.record(first); !a.GetMeta().GetReplayed() || a.GetLoyalty() != nil || a.GetPoints() != 0 || a.GetAccountRef() != "" {
		t.Errorf("the till sends again what was recorded before: %v", a)
	}
	late := w.record(receipt("2", cardRegular, line(1, "4501001", 1, 4700)))
	if late.GetProvisional() || late.GetPoints() != 0 || late.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD {
		t.Errorf("a late receipt: %v", late)
	}
	ref := receipt("3", "", line(1, "4501001", 1, 100))
	ref.Customer = &tillv1.RecordReceiptRequest_AccountRef{AccountRef: refOf(regular)}
	if a := w.record(ref); a.GetProvisional() {
		t.Errorf("a late receipt by reference waits: %v", a)
	}
	if back := w.record(back("4", "1", cardRegular, returned(1, "4501001", 1, 4700, 1))); back.GetProvisional() || back.GetPoints() != 0 {
		t.Errorf("a return of what an erased customer bought: %v", back)
	}
	batch, err := w.journal.Rows(100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range batch.Rows {
		if text := string(row); strings.Contains(text, cardRegular) || strings.Contains(text, string(regular[:])) || strings.Contains(text, string(w.hash(cardRegular))) {
			t.Errorf("row %d goes up with %q", i, text)
		}
	}
	// A release without the customer, which has worked the word in, says the same.
	delete(w.records, bundle.KindAccount.String()+string(regular[:]))
	for _, card := range []string{cardRegular, cardReplaced, cardOld} {
		delete(w.records, bundle.KindIdentifier.String()+string(w.hash(card)))
	}
	suppressed := identify.Hash(contentKey, "card", cardRegular)
	w.put(bundle.KindErased, suppressed[:], nil)
	w.laneThrough = w.journal.LaneThrough()
	w.publish()
	if a := w.lookup(cardRegular); a.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD {
		t.Errorf("from the next release: %v", a)
	}
}

func TestMergedAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const cardSecond = "2900100000147"
	w.card(cardSecond, &customerv1.Identifier{AccountIds: [][]byte{second[:]}})
	w.account(second, &customerv1.Account{Imported: &customerv1.ImportedScores{Segment: "champions"},
		Loyalty: &customerv1.LoyaltyState{Balance: 100, Tier: "goud", QualifyingSpendMinor: 80000}})
	w.publish()
	w.record(receipt("1", cardSecond, line(1, "4501001", 1, 1000))) // 10 on the account that ends
	w.record(receipt("2", cardRegular, line(1, "4501001", 1, 500))) // 5 on the one that goes on
	w.say(mergedInto(second, regular))
	want := func(when, card string, outcome tillv1.Outcome, points int64) {
		t.Helper()
		a := w.lookup(card, ref(when+card))
		if a.GetOutcome() != outcome || a.GetLoyalty().GetPointsAvailable() != points || a.GetLoyalty().GetTier() != "goud" || a.GetAccountRef() != refOf(regular) {
			t.Errorf("%s, %s: %s, %d points, %s, account %s; want %s, %d", when, card, a.GetOutcome(), a.GetLoyalty().GetPointsAvailable(),
				a.GetLoyalty().GetTier(), a.GetAccountRef(), outcome, points)
		}
	}
	want("at once", cardRegular, tillv1.Outcome_OUTCOME_FOUND, 1360)
	want("at once", cardSecond, tillv1.Outcome_OUTCOME_FOUND_MERGED, 1360)
	a := w.record(receipt("3", cardSecond, line(1, "4501001", 1, 700)))
	if a.GetPoints() != 7 || a.GetLoyalty().GetPointsAvailable() != 1367 || a.GetAccountRef() != refOf(regular) {
		t.Errorf("a receipt on the card of the account that ended: %v", a)
	}
	if b := w.record(back("4", "1", cardRegular, returned(1, "4501001", 1, 1000, 1))); b.GetPoints() != -10 || b.GetLoyalty().GetPointsAvailable() != 1357 {
		t.Errorf("a return of what the other account bought: %v", b)
	}
	// The next release has one account; what was booked here on the one that ended, and is not counted yet, still counts.
	delete(w.records, bundle.KindAccount.String()+string(second[:]))
	w.card(cardSecond, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_MERGED, AccountIds: [][]byte{regular[:]}})
	w.account(regular, &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: 1345, Tier: "goud", QualifyingSpendMinor: 110000}})
	w.laneThrough = w.journal.LaneThrough()
	w.publish()
	if err := w.journal.PruneLane(t.Context(), w.laneThrough); err != nil {
		t.Fatal(err)
	}
	want("released", cardRegular, tillv1.Outcome_OUTCOME_FOUND, 1357)
	want("released", cardSecond, tillv1.Outcome_OUTCOME_FOUND_MERGED, 1357)
}

func TestEveryNewCardOfAnAccountCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const other = "2900100000154"
	w.record(receipt("1", cardNew, line(1, "4501001", 1, 1000)))
	w.record(receipt("2", other, line(1, "4501001", 1, 700)))
	if a := w.lookup(cardRegular); a.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Fatalf("before: %v", a)
	}
	// Head office found out that both are the regular's, one by way of another card.
	w.card(cardNew, &customerv1.Identifier{AccountIds: [][]byte{regular[:]}})
	w.card(other, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_REPLACED, ResolvesTo: w.hash(cardNew)})
	w.publish()
	for _, card := range []string{cardRegular, cardNew, other, cardReplaced} {
		if a := w.lookup(card); a.GetLoyalty().GetPointsAvailable() != 1262 {
			t.Errorf("by %s: %d points, want 1262", card, a.GetLoyalty().GetPointsAvailable())
		}
	}
	id := w.journal.Incarnation()
	w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: id[:], LedgerThrough: 1})
	if a := w.lookup(cardRegular); a.GetLoyalty().GetPointsAvailable() != 1252 {
		t.Errorf("once the first is counted elsewhere: %d points, want 1252", a.GetLoyalty().GetPointsAvailable())
	}
}

// Receipts and an erasure at the same moment: whoever is acknowledged first, nothing of the customer is left once the erasure is worked in.
func TestErasureBesideReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var tills sync.WaitGroup
	for n := range 4 {
		tills.Go(func() {
			for i := range 25 {
				w.record(receipt(string(rune('a'+n))+string(rune('a'+i)), cardRegular, line(1, "4501001", 1, 100)))
			}
		})
	}
	w.say(erasure(regular, cardRegular))
	todo, err := w.journal.Erasing()
	if err != nil {
		t.Fatal(err)
	}
	changed, err := w.journal.Anonymise(t.Context(), todo.Anonymise, journal.Forgetting{
		Hash:   func(namespace, canonical string) [16]byte { return identify.Hash(contentKey, namespace, canonical) },
		Answer: till.Anonymous,
	})
	if err != nil {
		t.Fatal(err)
	}
	tills.Wait()
	batch, err := w.journal.Rows(1000, 1<<20)
	if err != nil || len(batch.Rows) != 100 {
		t.Fatalf("%d rows, %v", len(batch.Rows), err)
	}
	for i, row := range batch.Rows {
		if text := string(row); strings.Contains(text, cardRegular) || strings.Contains(text, string(regular[:])) {
			t.Errorf("row %d of 100 still points to the customer (%d rows and receipts were changed)", i, changed)
		}
	}
}
