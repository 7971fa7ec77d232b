package instore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// openRate is how many lookups a second the open loop asks for: a hundred tills that each scan five articles a second.
const openRate = 500

// openLoop asks so many times a second until ctx ends, however long answers take, and returns how long each question waited for its answer. A
// wait begins when the question was due, not when it could be sent: a server that stands still for a moment is charged with every question of
// that moment, and so is a loop that comes late itself. The i-th question goes to the i-th client, in turn. The first failure ends the loop.
func openLoop(ctx context.Context, clients []tillv1.CheckoutServiceClient, perSecond int, request func(i int) *tillv1.LookupRequest) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var waits []time.Duration
	var asked sync.WaitGroup
	began := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		question := request(i)
		asked.Go(func() {
			// A question outlives the end of the loop: its answer counts.
			if _, err := clients[i%len(clients)].Lookup(context.WithoutCancel(ctx), question); err != nil {
				cancel(err)
				return
			}
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, took)
		})
	}
	asked.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return waits, nil
}

// percentile is the least wait that so large a share of all waits does not exceed; share is above 0 and at most 1. Zero without waits.
func percentile(waits []time.Duration, share float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(waits))
	return sorted[max(0, min(len(sorted)-1, int(share*float64(len(sorted))+0.999999)-1))]
}

// openFor runs an open loop for a time and returns its p99 in milliseconds.
func (s *benchStore) openFor(b *testing.B, clients []tillv1.CheckoutServiceClient, during time.Duration) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), during)
	defer cancel()
	return s.openWhile(b, ctx, clients)
}

// openWhile runs an open loop until ctx ends and returns its p99 in milliseconds.
func (s *benchStore) openWhile(b *testing.B, ctx context.Context, clients []tillv1.CheckoutServiceClient) float64 { //nolint:revive // b first, as everywhere here
	b.Helper()
	waits, err := openLoop(ctx, clients, openRate, func(i int) *tillv1.LookupRequest { return s.request(i%benchWorkers, i) })
	must(b, err)
	return float64(percentile(waits, 0.99).Nanoseconds()) / 1e6
}

// lookupsOpenLoop measures how long the slowest of a hundred waits while nothing else goes on.
func (s *benchStore) lookupsOpenLoop(b *testing.B) *row {
	b.Helper()
	const each = 4 * time.Second
	idle := &row{what: "Lookup, open loop 500/s, p99, idle", unit: "ms", target: "≤ 5 ms"}
	ours, bare := s.clients(b, s.ours, benchWorkers), s.clients(b, s.bare, benchWorkers)
	alternate(idle, benchRounds, func() float64 { return s.openFor(b, ours, each) }, func() float64 { return s.openFor(b, bare, each) })
	return idle
}

// TestOpenLoopChargesForWaiting: a server that stands still for a while is charged with every question that was due meanwhile.
func TestOpenLoopChargesForWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pause = 200 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		stands := &standsStill{until: time.Now().Add(pause)}
		waits, err := openLoop(ctx, []tillv1.CheckoutServiceClient{stands}, openRate, func(int) *tillv1.LookupRequest { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(waits) != openRate+1 {
			t.Errorf("%d questions in a second", len(waits))
		}
		// The first waited all of the pause, the one in its middle half of it; those after it nothing.
		if longest, late := percentile(waits, 1), percentile(waits, 1-0.5*pause.Seconds()); longest != pause || late != pause/2 {
			t.Errorf("the longest wait is %v, that of the middle of the pause %v", longest, late)
		}
	})
}

// standsStill answers nothing until a moment, then everything at once.
type standsStill struct {
	tillv1.CheckoutServiceClient
	until time.Time
}

func (s *standsStill) Lookup(context.Context, *tillv1.LookupRequest, ...grpc.CallOption) (*tillv1.LookupResponse, error) {
	time.Sleep(time.Until(s.until))
	return nil, nil
}
