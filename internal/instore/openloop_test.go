package instore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// openRate is how many lookups a second the open loop asks for: a hundred tills that each scan five articles a second.
const openRate = 500

// openLoop asks so many times a second until ctx ends, however long answers take, and returns how long each question waited for its answer. A
// wait begins when the question was due, not when it could be sent: a server that stands still for a moment is charged with every question of
// that moment, and so is a loop that comes late itself. The i-th question goes to the i-th client, in turn. A question the server refused because it had
// too much to do is one that failed: it waits for patience, and is counted in refused. Any other failure ends the loop.
func openLoop(
	ctx context.Context, clients []tillv1.CheckoutServiceClient, perSecond int, request func(i int) *tillv1.LookupRequest,
) (waits []time.Duration, refused int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var asked sync.WaitGroup
	began := time.Now()
	for i := 0; ; i++ {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			break
		}
		question := request(i)
		asked.Go(func() {
			// A question outlives the end of the loop: its answer counts.
			_, err := clients[i%len(clients)].Lookup(context.WithoutCancel(ctx), question)
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if status.Code(err) == codes.ResourceExhausted {
				refused, took, err = refused+1, patience, nil
			}
			if err != nil {
				cancel(err)
				return
			}
			waits = append(waits, took)
		})
	}
	asked.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return nil, 0, err
	}
	return waits, refused, nil
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
	waits, refused, err := openLoop(ctx, clients, openRate, func(i int) *tillv1.LookupRequest { return s.request(i%benchWorkers, i) })
	must(b, err)
	s.asked, s.refused = s.asked+len(waits), s.refused+refused
	return float64(percentile(waits, 0.99).Nanoseconds()) / 1e6
}

// lookupsOpenLoop measures how long the slowest of a hundred waits while nothing else goes on.
func (s *benchStore) lookupsOpenLoop(b *testing.B) *row {
	b.Helper()
	const each = 4 * time.Second
	idle := &row{what: "Lookup, open loop 500/s, p99, idle", unit: "ms", target: "≤ 5 ms"}
	ours, bare := s.clients(b, s.ours, benchWorkers), s.clients(b, s.bare, benchWorkers)
	alternate(idle, benchRounds, func() float64 { return s.openFor(b, ours, each) }, func() float64 { return s.openFor(b, bare, each) })
	fact("of those lookups, and the bare ones, refused for too much to do", fmt.Sprintf("%d of %d", s.refused, s.asked), "0")
	return idle
}

// untilTheNext ends between the last question of a second and the first of the next.
const untilTheNext = time.Second - time.Second/openRate/2

// TestOpenLoopChargesForWaiting: a server that stands still for a while is charged with every question that was due meanwhile.
func TestOpenLoopChargesForWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pause = 200 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), untilTheNext)
		defer cancel()
		stands := &standsStill{until: time.Now().Add(pause)}
		waits, refused, err := openLoop(ctx, []tillv1.CheckoutServiceClient{stands}, openRate, func(int) *tillv1.LookupRequest { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(waits) != openRate || refused != 0 {
			t.Errorf("%d questions in a second, %d refused", len(waits), refused)
		}
		// The first waited all of the pause, the one in its middle half of it; those after it nothing.
		if longest, late := percentile(waits, 1), percentile(waits, 1-0.5*pause.Seconds()); longest != pause || late != pause/2 {
			t.Errorf("the longest wait is %v, that of the middle of the pause %v", longest, late)
		}
	})
}

// TestOpenLoopCountsRefusals: what a server has no time for is no answer that came fast.
func TestOpenLoopCountsRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), untilTheNext)
		defer cancel()
		clients := []tillv1.CheckoutServiceClient{&standsStill{}, &refuses{}}
		waits, refused, err := openLoop(ctx, clients, openRate, func(int) *tillv1.LookupRequest { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(waits) != openRate || refused != openRate/2 || percentile(waits, 0.5) != 0 || percentile(waits, 0.51) != patience {
			t.Errorf("%d questions, %d refused; half wait %v, one more %v", len(waits), refused, percentile(waits, 0.5), percentile(waits, 0.51))
		}
	})
}

// refuses has too much to do.
type refuses struct{ tillv1.CheckoutServiceClient }

func (refuses) Lookup(context.Context, *tillv1.LookupRequest, ...grpc.CallOption) (*tillv1.LookupResponse, error) {
	return nil, status.Error(codes.ResourceExhausted, "too much to do")
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
