package instore_test

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// benchWorkers is how many callers ask at once where a figure is about throughput.
const benchWorkers = 16

// BenchmarkTable prints what a lookup costs, each figure against a bare peer measured in the same round. It runs once, whatever b.N.
func BenchmarkTable(b *testing.B) {
	if b.N > 1 {
		return
	}
	store := openBench(b)
	rows := store.lookupsOverSockets(b)
	rows = append(rows, store.lookupsOpenLoop(b))
	printTable(os.Stdout, rows)
}

// bareServer answers every lookup with the same answer, without any of our steps.
type bareServer struct {
	tillv1.UnimplementedCheckoutServiceServer
	answer *tillv1.LookupResponse
}

func (s *bareServer) Lookup(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	return s.answer, nil
}

// startBare starts a bare server whose answer is one of ours.
func (s *benchStore) startBare(b *testing.B) *peer {
	b.Helper()
	client := s.ours.dial(b)
	answer, err := client.Lookup(b.Context(), s.request(0, 0))
	must(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	server := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(server, &bareServer{answer: answer})
	go func() { _ = server.Serve(listener) }() // ends with Stop
	b.Cleanup(server.Stop)
	return &peer{addr: listener.Addr().String(), token: s.ours.token}
}

// lookupsOverSockets measures one till's wait, and how much two cores can answer.
func (s *benchStore) lookupsOverSockets(b *testing.B) []*row {
	b.Helper()
	const calls, workers, perWorker = 2000, benchWorkers, 1500
	p50 := &row{what: "Lookup over sockets, p50, one till", unit: "µs", target: "≤ 1.6 ×"}
	full := &row{what: "Lookup over sockets, throughput, 16 callers", unit: "/s", target: "≥ 0.6 ×"}
	requests := make([]*tillv1.LookupRequest, calls)
	for i := range requests {
		requests[i] = s.request(0, i)
	}
	many := make([][]*tillv1.LookupRequest, workers)
	for w := range many {
		for i := range perWorker {
			many[w] = append(many[w], s.request(w+1, i))
		}
	}
	ours, bare := s.clients(b, s.ours, workers), s.clients(b, s.bare, workers)
	alternate(p50, benchRounds, func() float64 { return wait(b, ours[0], requests) }, func() float64 { return wait(b, bare[0], requests) })
	alternate(full, benchRounds, func() float64 { return saturate(b, ours, many) }, func() float64 { return saturate(b, bare, many) })
	return []*row{p50, full}
}

// wait is the median time of one call after another, in microseconds.
func wait(b *testing.B, client tillv1.CheckoutServiceClient, requests []*tillv1.LookupRequest) float64 {
	b.Helper()
	took := make([]float64, len(requests))
	for i, r := range requests {
		began := time.Now()
		_, err := client.Lookup(b.Context(), r)
		took[i] = float64(time.Since(began).Nanoseconds()) / 1e3
		must(b, err)
	}
	return median(took)
}

// saturate is how many calls per second all clients together get answered.
func saturate(b *testing.B, clients []tillv1.CheckoutServiceClient, requests [][]*tillv1.LookupRequest) float64 {
	b.Helper()
	began := time.Now()
	calls := 0
	var workers sync.WaitGroup
	failed := make(chan error, len(clients))
	for w, client := range clients {
		calls += len(requests[w])
		workers.Go(func() {
			for _, r := range requests[w] {
				if _, err := client.Lookup(b.Context(), r); err != nil {
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
