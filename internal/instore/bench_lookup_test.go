package instore_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// benchWorkers is how many callers ask at once where a figure is about throughput.
const benchWorkers = 16

// BenchmarkTable prints what a lookup costs, each figure against a bare peer measured in the same round. It runs once, whatever b.N; a part of
// it by its name: BENCH=BenchmarkTable/direct.
func BenchmarkTable(b *testing.B) {
	if b.N > 1 {
		return
	}
	store := openBench(b)
	reads := store.newBareReads(b)
	store.lookupAllocations(b) // while nothing else goes on in this process
	var rows []*row
	for _, part := range []struct {
		name    string
		measure func() *row
	}{
		{"direct", func() *row { return store.lookupDirect(b, reads) }},
		{"wait", func() *row { return store.waitOverSockets(b) }},
		{"throughput", func() *row {
			return store.atOnce(b, &row{what: "Lookup over sockets, throughput, 16 callers", unit: "/s", target: "≥ 0.6 ×"}, store.bare)
		}},
		{"reads", func() *row {
			return store.atOnce(b, &row{what: "the same against a bare handler of the same reads", unit: "/s", target: "≥ 0.75 ×"}, store.startBare(b, reads))
		}},
		{"open", func() *row { return store.lookupsOpenLoop(b) }},
	} {
		b.Run(part.name, func(*testing.B) { rows = append(rows, part.measure()) })
	}
	printTable(os.Stdout, rows)
}

// How many calls make a round: one after another, and of each of many callers at once.
const (
	benchCalls = 2000
	perWorker  = 1500
)

// requests are so many lookups of one worker.
func (s *benchStore) requests(worker, n int) []*tillv1.LookupRequest {
	all := make([]*tillv1.LookupRequest, n)
	for i := range all {
		all[i] = s.request(worker, i)
	}
	return all
}

// direct returns a lookup as it is answered behind the socket: every step, no wire.
func (s *benchStore) direct(b *testing.B) func(*tillv1.LookupRequest) {
	b.Helper()
	steps, service := s.server.Direct()
	ctx, cancel := context.WithTimeout(metadata.NewIncomingContext(b.Context(), metadata.Pairs(
		"authorization", "Bearer "+s.ours.token, "content-type", "application/grpc", ":authority", s.ours.addr)), time.Hour)
	b.Cleanup(cancel)
	info := &grpc.UnaryServerInfo{Server: service, FullMethod: tillv1.CheckoutService_Lookup_FullMethodName}
	handler := func(ctx context.Context, request any) (any, error) {
		return service.Lookup(ctx, request.(*tillv1.LookupRequest)) //nolint:forcetypeassert // as generated code does
	}
	return func(request *tillv1.LookupRequest) {
		_, err := steps(ctx, request, info, handler)
		must(b, err)
	}
}

// lookupDirect is what a lookup costs without a socket; the peer does nothing but read and open its two records.
func (s *benchStore) lookupDirect(b *testing.B, reads *bareReads) *row {
	b.Helper()
	r := &row{what: "Lookup called directly, all steps; the two reads alone", unit: "µs", target: "≤ 45 µs"}
	requests, lookup := s.requests(0, benchCalls), s.direct(b)
	alternate(r, benchRounds,
		func() float64 { return s.each(requests, lookup) },
		func() float64 {
			return s.each(requests, func(request *tillv1.LookupRequest) { must(b, reads.read(request.GetIdentifier().GetText())) })
		})
	return r
}

// each is the median time of one call, in microseconds.
func (s *benchStore) each(requests []*tillv1.LookupRequest, call func(*tillv1.LookupRequest)) float64 {
	took := make([]float64, len(requests))
	for i, r := range requests {
		s.anew(r)
		began := time.Now()
		call(r)
		took[i] = float64(time.Since(began).Nanoseconds()) / 1e3
	}
	return median(took)
}

// lookupAllocations prints how often a lookup asks for memory.
func (s *benchStore) lookupAllocations(b *testing.B) {
	b.Helper()
	requests, lookup := s.requests(0, benchCalls), s.direct(b)
	i := 0
	n := testing.AllocsPerRun(len(requests)-1, func() {
		lookup(s.anew(requests[i%len(requests)]))
		i++
	})
	fact("allocations of a Lookup called directly, all steps", fmt.Sprintf("%.0f", n), "≤ 150")
}

// waitOverSockets is one till's wait.
func (s *benchStore) waitOverSockets(b *testing.B) *row {
	b.Helper()
	r := &row{what: "Lookup over sockets, p50, one till", unit: "µs", target: "≤ 1.6 ×"}
	requests, ours, bare := s.requests(0, benchCalls), s.clients(b, s.ours, 1), s.clients(b, s.bare, 1)
	alternate(r, benchRounds, func() float64 { return s.wait(b, ours[0], requests) }, func() float64 { return s.wait(b, bare[0], requests) })
	return r
}

// atOnce is how much two cores can answer, against a bare peer.
func (s *benchStore) atOnce(b *testing.B, r *row, peer *peer) *row {
	b.Helper()
	many := make([][]*tillv1.LookupRequest, benchWorkers)
	for w := range many {
		many[w] = s.requests(w+1, perWorker)
	}
	ours, bare := s.clients(b, s.ours, benchWorkers), s.clients(b, peer, benchWorkers)
	alternate(r, benchRounds, func() float64 { return s.saturate(b, ours, many) }, func() float64 { return s.saturate(b, bare, many) })
	return r
}

// wait is the median time of one call after another, in microseconds.
func (s *benchStore) wait(b *testing.B, client tillv1.CheckoutServiceClient, requests []*tillv1.LookupRequest) float64 {
	b.Helper()
	return s.each(requests, func(request *tillv1.LookupRequest) {
		_, err := client.Lookup(b.Context(), request)
		must(b, err)
	})
}

// saturate is how many calls per second all clients together get answered.
func (s *benchStore) saturate(b *testing.B, clients []tillv1.CheckoutServiceClient, requests [][]*tillv1.LookupRequest) float64 {
	b.Helper()
	began := time.Now()
	calls := 0
	var workers sync.WaitGroup
	failed := make(chan error, len(clients))
	for w, client := range clients {
		calls += len(requests[w])
		workers.Go(func() {
			for _, r := range requests[w] {
				if _, err := client.Lookup(b.Context(), s.anew(r)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(failed)
	for err := range failed {
		must(b, err)
	}
	return float64(calls) / time.Since(began).Seconds()
}

// BenchmarkLookup is for profiles: lookups called directly, all steps.
func BenchmarkLookup(b *testing.B) {
	store := openBench(b)
	requests, lookup := store.requests(0, benchCalls), store.direct(b)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		lookup(store.anew(requests[i%len(requests)]))
		i++
	}
}
