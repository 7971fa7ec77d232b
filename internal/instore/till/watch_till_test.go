package till_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// watcher is a till that watches: what it is told waits in a channel until it reads.
type watcher struct {
	grpc.ServerStream
	ctx   context.Context
	told  chan *tillv1.WatchTillResponse
	ended chan error
}

func (s *watcher) Context() context.Context { return s.ctx }

func (s *watcher) Send(m *tillv1.WatchTillResponse) error {
	select {
	case s.told <- m:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// watches begins to watch till 3 after a number; stop ends it.
func (w *world) watches(after uint64) (s *watcher, stop func() error) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s = &watcher{ctx: ctx, told: make(chan *tillv1.WatchTillResponse), ended: make(chan error, 1)}
	go func() {
		s.ended <- w.service.WatchTill(&tillv1.WatchTillRequest{Caller: &tillv1.Caller{Till: "3"}, After: after}, s)
	}()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-s.ended
	}
	w.t.Cleanup(func() { _ = stop() })
	return s, stop
}

// next is the next thing a watcher is told.
func (s *watcher) next(t *testing.T) *tillv1.WatchTillResponse {
	t.Helper()
	select {
	case m := <-s.told:
		return m
	case err := <-s.ended:
		t.Fatalf("the watch ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is told")
	}
	return nil
}

// fresh reads the freshness that every watch begins with.
func (s *watcher) fresh(t *testing.T) {
	t.Helper()
	m := s.next(t)
	if m.GetFreshness().GetMeta().GetRelease() == 0 {
		t.Fatalf("a watch begins with %v, want the freshness", m)
	}
}

func (w *world) present(card string) *tillv1.PresentCardResponse {
	w.t.Helper()
	out, err := w.service.PresentCard(context.Background(), &tillv1.PresentCardRequest{
		Caller: &tillv1.Caller{Till: "3"}, Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte(card)}},
	})
	if err != nil {
		w.t.Fatalf("present: %v", err)
	}
	return out
}

func presented(req *tillv1.LookupRequest) {
	req.Customer = &tillv1.LookupRequest_Presented{Presented: true}
}

func TestPresentCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, card, display string
		want                tillv1.PresentResult
	}{
		{"a regular", cardRegular, "Dag! U hebt|1.245 punten", tillv1.PresentResult_PRESENT_RESULT_KEPT},
		{"blocked", cardBlocked, "Vraag het even bij|de servicebalie", tillv1.PresentResult_PRESENT_RESULT_KEPT},
		{"new", cardNew, "Welkom! Uw kaart|spaart vanaf nu", tillv1.PresentResult_PRESENT_RESULT_KEPT},
		{"an article", "2312345012347", "", tillv1.PresentResult_PRESENT_RESULT_NOT_A_CARD},
		{"misread", "2900100000018", "", tillv1.PresentResult_PRESENT_RESULT_NOT_A_CARD},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := w.present(tc.card); got.GetResult() != tc.want || words(got.GetCustomerDisplay()) != tc.display {
				t.Errorf("answered %v %q, want %v %q", got.GetResult(), words(got.GetCustomerDisplay()), tc.want, tc.display)
			}
		})
	}
}

// A till without streams asks for the card presented here: the first sale has it, no other does, and not after a minute.
func TestLookupPresented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.lookup("", presented); got.GetOutcome() != tillv1.Outcome_OUTCOME_NOTHING_PRESENTED || words(got.GetStaff()) != "Vraag de klant de kaart te scannen" {
		t.Errorf("with nothing presented: %v", got)
	}
	w.present(cardRegular)
	first := w.lookup("", presented, ref("sale-1"))
	if first.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || string(first.GetPresented().GetRaw()) != cardRegular {
		t.Fatalf("the first sale got %v", first)
	}
	if again := w.lookup("", presented, ref("sale-1")); again.GetAccountRef() != first.GetAccountRef() {
		t.Errorf("asking again got %v", again.GetOutcome())
	}
	if other := w.lookup("", presented, ref("sale-2")); other.GetOutcome() != tillv1.Outcome_OUTCOME_NOTHING_PRESENTED {
		t.Errorf("another sale got %v", other.GetOutcome())
	}
	if other := w.lookup("", presented, func(r *tillv1.LookupRequest) { r.Caller.Till = "4"; r.ReceiptRef = "" }); other.GetOutcome() != tillv1.Outcome_OUTCOME_NOTHING_PRESENTED {
		t.Errorf("another till got %v", other.GetOutcome())
	}
	w.wait(time.Minute)
	if late := w.lookup("", presented, ref("sale-1")); late.GetOutcome() != tillv1.Outcome_OUTCOME_NOTHING_PRESENTED {
		t.Errorf("a minute later got %v", late.GetOutcome())
	}
}

// Once the sale has ended, the next customer is not taken for the one before.
func TestPresentedEndsWithTheReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.present(cardRegular)
	w.wait(time.Second)
	w.record(receipt("1", cardRegular, line(1, "450", 1, 1000))) // ended at that moment: the customer leaves
	if got := w.lookup("", presented, ref("")); got.GetOutcome() != tillv1.Outcome_OUTCOME_NOTHING_PRESENTED {
		t.Errorf("after the receipt of that moment: %v", got.GetOutcome())
	}
	w.present(cardRegular)
	w.record(receipt("2", cardTrade, line(1, "450", 1, 1000))) // an older receipt comes in late
	if got := w.lookup("", presented, ref("")); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
		t.Errorf("a late receipt took the card away: %v", got.GetOutcome())
	}
}

func TestWatchTill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, stop := w.watches(0)
	s.fresh(t)
	if got := w.present(cardRegular); got.GetResult() != tillv1.PresentResult_PRESENT_RESULT_ACCEPTED {
		t.Errorf("the till watches, and presenting answers %v", got.GetResult())
	}
	first := s.next(t)
	answer := first.GetCard().GetAnswer()
	if string(first.GetCard().GetIdentifier().GetRaw()) != cardRegular || answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || words(answer.GetStaff()) != "Zilver · 1.245 punten" {
		t.Errorf("told %v", first)
	}
	w.publish()
	w.service.Switched()
	if m := s.next(t); m.GetFreshness().GetMeta().GetRelease() != 2 || m.GetNumber() != first.GetNumber() {
		t.Errorf("after a switch told %v", m)
	}
	if err := stop(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ends with %v", err)
	}
	// The line was down while two were presented: both follow.
	if got := w.present(cardTrade); got.GetResult() != tillv1.PresentResult_PRESENT_RESULT_KEPT {
		t.Errorf("nobody watches, and presenting answers %v", got.GetResult())
	}
	w.present(cardNew)
	s, stop = w.watches(first.GetNumber())
	s.fresh(t)
	second, third := s.next(t), s.next(t)
	if string(second.GetCard().GetIdentifier().GetRaw()) != cardTrade || string(third.GetCard().GetIdentifier().GetRaw()) != cardNew ||
		second.GetNumber() <= first.GetNumber() || third.GetNumber() <= second.GetNumber() || second.GetMissed() != 0 {
		t.Errorf("after the break told %v and %v", second, third)
	}
	_ = stop()
	// A till that begins anew is told only what nobody was told.
	w.present(cardOld)
	s, _ = w.watches(0)
	s.fresh(t)
	if m := s.next(t); string(m.GetCard().GetIdentifier().GetRaw()) != cardOld {
		t.Errorf("a till that begins is told %v", m)
	}
}

// A watcher that does not read holds up neither those who present nor those who read; what it lost is counted.
func TestWatchTillSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, _ := w.watches(0)
	slow.fresh(t)
	quick, _ := w.watches(0)
	quick.fresh(t)
	const cards = 40
	for range cards {
		w.present(cardRegular)
		if m := quick.next(t); m.GetCard() == nil || m.GetMissed() != 0 {
			t.Fatalf("who reads was told %v", m)
		}
	}
	seen, missed := 0, 0
	for seen+missed < cards {
		m := slow.next(t)
		seen, missed = seen+1, missed+int(m.GetMissed())
	}
	if seen+missed != cards || missed == 0 || seen > 2*16+1 {
		t.Errorf("of %d cards the slow one saw %d and was told of %d lost", cards, seen, missed)
	}
}

func TestWatchTillBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 8 {
		s, _ := w.watches(0)
		s.fresh(t)
	}
	s, _ := w.watches(0)
	if err := <-s.ended; status.Code(err) != codes.Unavailable {
		t.Errorf("the ninth watch: %v", err)
	} else {
		s.ended <- err
	}
	for i := range 1100 {
		_, err := w.service.PresentCard(context.Background(), &tillv1.PresentCardRequest{
			Caller: &tillv1.Caller{Till: string(rune('A'+i%26)) + string(rune('A'+i/26%26)) + string(rune('A'+i/676))}, Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardRegular}},
		})
		if i < 1000 && err != nil || i > 1030 && status.Code(err) != codes.ResourceExhausted {
			t.Fatalf("a card at the till no %d: %v", i, err)
		}
	}
	w.wait(time.Minute)
	if got := w.present(cardRegular); got.GetResult() != tillv1.PresentResult_PRESENT_RESULT_ACCEPTED {
		t.Errorf("a minute later: %v", got.GetResult())
	}
}
