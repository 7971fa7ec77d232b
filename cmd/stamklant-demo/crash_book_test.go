package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// watchedCard is the customer who never buys and whose answer names the release it comes from, twice.
const watchedCard = "2900123456785"

// crashSale is one receipt a till made.
type crashSale struct {
	no, card, till string
	euros          int64
}

// crashBook is what the tills know: what they sold, and what the server said it has recorded. Everything a server answers is held against it.
type crashBook struct {
	cards []string

	mu           sync.Mutex
	faults       []string
	pending      []crashSale          // sent, and not acknowledged
	tried        map[string]int64     // points of everything ever sent, by card
	acked        map[string]int64     // points of everything acknowledged, by card
	sales        map[string]crashSale // acknowledged, by receipt number
	releases     map[uint64]int64     // which release showed what
	newest       uint64
	next         int
	acknowledged int
	unanswered   int
	lookups      int
	frozen       bool // the power is cut: what a server says now is worth nothing
}

func newCrashBook(cards int) *crashBook {
	b := &crashBook{
		tried: map[string]int64{}, acked: map[string]int64{}, sales: map[string]crashSale{}, releases: map[uint64]int64{},
	}
	for i := range cards {
		b.cards = append(b.cards, withCheckDigit(fmt.Sprintf("29001%07d", 5000+i)))
	}
	return b
}

// withCheckDigit appends the GS1 check digit to twelve digits.
func withCheckDigit(digits string) string {
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}

// fault notes one; the book is locked.
func (b *crashBook) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// work is one till until its server is gone: it sends what waits and what is sold, and looks customers up.
func (b *crashBook) work(ctx context.Context, till *till, random *rand.Rand) {
	for i := 0; ctx.Err() == nil; i++ {
		if !b.record(ctx, till, b.take(till, random)) {
			break
		}
		if i%3 == 0 && (!b.look(ctx, till, b.cards[random.IntN(len(b.cards))], random) || !b.watch(ctx, till, random)) {
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		till.t.Error(fault)
	}
	b.faults = nil
}

// take is what a till sends next: what was not acknowledged, or a new receipt.
func (b *crashBook) take(till *till, random *rand.Rand) crashSale {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.pending {
		if s.till == till.code {
			b.pending = append(b.pending[:i], b.pending[i+1:]...)
			return s
		}
	}
	b.next++
	s := crashSale{no: strconv.Itoa(b.next), till: till.code, card: b.cards[random.IntN(len(b.cards))], euros: 1 + random.Int64N(9)}
	b.tried[s.card] += s.euros
	return s
}

// record sends a receipt. Without an answer it waits for the next server. It reports whether the server is still there.
func (b *crashBook) record(ctx context.Context, till *till, s crashSale) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	sale := till.sale(s.card, s.no, 100*s.euros, "EUR")
	sale.Receipt.Key.BusinessDate = crashDay
	answer, err := till.RecordReceipt(ctx, sale)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || b.frozen {
		b.pending = append(b.pending, s)
		b.unanswered++
		return err == nil || b.gone("receipt "+s.no, err)
	}
	if answer.GetPoints() != s.euros {
		b.fault("receipt %s of %d euros booked %d points", s.no, s.euros, answer.GetPoints())
	}
	b.acked[s.card] += s.euros
	b.sales[s.no] = s
	b.acknowledged++
	return true
}

// crashDay is the business date of all receipts: midnight changes none of them, and scoring has counted it, so that rows may go.
var crashDay = time.Now().AddDate(0, 0, -7).Format(time.DateOnly)

// gone takes an error of a call for what it is: the server is dead, or it is a fault. It always reports false. The book is locked.
func (b *crashBook) gone(what string, err error) bool {
	switch code := status.Code(err); {
	case code == codes.Unavailable, code == codes.Canceled, code == codes.DeadlineExceeded, b.frozen:
	default:
		b.fault("%s: %v", what, err)
	}
	return false
}

func (b *crashBook) ask(ctx context.Context, till *till, card string, random *rand.Rand) (*tillv1.LookupResponse, error) {
	request := till.lookup(card)
	request.Caller.Till = strconv.Itoa(100 + random.IntN(200)) // more tills than one may ask as fast as this
	request.Stage = tillv1.Stage_STAGE_PAYMENT
	return till.Lookup(ctx, request)
}

// look asks for a customer: the points are at least those of every receipt acknowledged before, and at most those of all that were ever sent.
func (b *crashBook) look(ctx context.Context, till *till, card string, random *rand.Rand) bool {
	b.mu.Lock()
	least := b.acked[card]
	b.mu.Unlock()
	answer, err := b.ask(ctx, till, card, random)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return b.gone("lookup", err)
	}
	most := b.tried[card]
	b.lookups++
	if got := answer.GetLoyalty().GetPointsAvailable(); answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got < least || got > most {
		b.fault("card %s: %v with %d points in release %d; %d were acknowledged, %d ever sent", card, answer.GetOutcome(), got, answer.GetMeta().GetRelease(), least, most)
	}
	return true
}

// watch asks for the watched customer: customers and programme are of one release, and releases only rise.
func (b *crashBook) watch(ctx context.Context, till *till, random *rand.Rand) bool {
	b.mu.Lock()
	newest := b.newest
	b.mu.Unlock()
	answer, err := b.ask(ctx, till, watchedCard, random)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return b.gone("lookup", err)
	}
	shown, release := answer.GetLoyalty().GetPointsAvailable(), answer.GetMeta().GetRelease()
	if campaign := answer.GetSuggestion().GetCampaign(); campaign != fmt.Sprintf("release-%d", shown) {
		b.fault("release %d: a customer with %d points is suggested %q: two releases in one answer", release, shown, campaign)
	}
	before, known := b.releases[release]
	b.lookups++
	if !b.frozen { // a release may be served for a moment and lost with the power
		b.releases[release] = shown
		b.newest = max(b.newest, release)
	}
	if known && before != shown {
		b.fault("release %d showed %d, and now %d", release, before, shown)
	}
	if release < newest {
		b.fault("release %d answers after release %d did", release, newest)
	}
	return true
}

// awaitNewer waits until a newer release has answered a till, for so long at most.
func (b *crashBook) awaitNewer(atMost time.Duration) {
	newest := func() uint64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.newest
	}
	every, limit, before := time.NewTicker(50*time.Millisecond), time.After(atMost), newest()
	defer every.Stop()
	for newest() == before {
		select {
		case <-every.C:
		case <-limit:
			return
		}
	}
}

// sendPending sends again what was never acknowledged, as a till does until it is.
func (b *crashBook) sendPending(t *testing.T, till *till) {
	t.Helper()
	for _, s := range b.pending {
		till.code = s.till
		sale := till.sale(s.card, s.no, 100*s.euros, "EUR")
		sale.Receipt.Key.BusinessDate = crashDay
		if answer := till.record(sale); answer.GetPoints() != s.euros {
			t.Errorf("receipt %s of %d euros booked %d points", s.no, s.euros, answer.GetPoints())
		}
		b.sales[s.no] = s
		b.acked[s.card] += s.euros
	}
	b.pending, till.code = nil, "1"
}

// balancesAreExact holds every customer's points against everything that was ever sold.
func (b *crashBook) balancesAreExact(t *testing.T, card func(string) *tillv1.LookupResponse) {
	t.Helper()
	pace := time.NewTicker(25 * time.Millisecond)
	defer pace.Stop()
	for _, number := range b.cards {
		<-pace.C
		if got := card(number).GetLoyalty().GetPointsAvailable(); got != b.tried[number] {
			t.Errorf("card %s has %d points at the end, %d were earned", number, got, b.tried[number])
		}
	}
}

// receiptsAreThereOnce reads head office's own file: every receipt that was ever acknowledged is there, once, and no other.
func (b *crashBook) receiptsAreThereOnce(t *testing.T, path string) {
	t.Helper()
	box, err := inbox.Open(path, inbox.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	there := map[string]int{}
	for receipt, err := range cut.Receipts(func(string, [16]byte) uint64 { return 0 }) {
		if err != nil {
			t.Fatal(err)
		}
		key := receipt.Receipt.GetReceipt().GetKey()
		there[key.GetReceiptNo()]++
		if s, ok := b.sales[key.GetReceiptNo()]; !ok || s.till != key.GetTill() || receipt.Receipt.GetReceipt().GetTotalMinor() != 100*s.euros {
			t.Errorf("head office has a receipt nobody made: %v", key)
		}
	}
	var lost []string
	for no := range b.sales {
		if there[no] != 1 {
			lost = append(lost, fmt.Sprintf("%s: %d times", no, there[no]))
		}
	}
	if len(lost) > 0 || len(there) != len(b.sales) {
		t.Errorf("%d receipts are at head office, %d were acknowledged; not there once: %s", len(there), len(b.sales), strings.Join(lost[:min(len(lost), 10)], ", "))
	}
}
