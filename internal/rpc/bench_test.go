package rpc_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// usual is a lookup with a basket of twelve lines.
func usual(till string) *tillv1.LookupRequest {
	request := lookup(till)
	request.Caller.Store = "s01"
	request.ReceiptRef = "0190b5c2-7d53-7a41-9a0e-7f5b1f0c3f11"
	request.Stage = tillv1.Stage_STAGE_PAYMENT
	request.Basket = basketOf(12 * 136)
	for _, line := range request.Basket.Lines {
		line.Sku, line.Group, line.QuantityMilli, line.NetMinor = "451003", "4510", 2000, 1990
	}
	return request
}

// BenchmarkInterceptors is what all steps together cost, without sockets and without a handler.
func BenchmarkInterceptors(b *testing.B) {
	limits := rpc.DefaultLimits()
	row := limits.Methods[tillv1.CheckoutService_Lookup_FullMethodName]
	row.PerSecond, row.Burst = 1e9, 1e9
	limits.Methods[tillv1.CheckoutService_Lookup_FullMethodName] = row
	table := make(map[string]rpc.Access)
	for _, name := range methodsOf(tillv1.CheckoutService_ServiceDesc.ServiceName) {
		table[name] = rpc.Access{Roles: []rpc.Role{rpc.RoleTill}}
	}
	server, err := rpc.NewServer(rpc.Config{Address: "127.0.0.1:0", Access: table, Authenticate: tokens(), Logger: quiet(), Limits: &limits})
	if err != nil {
		b.Fatal(err)
	}
	tillv1.RegisterCheckoutServiceServer(server, &checkout{})
	if err := server.Check(); err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	all := server.UnaryInterceptor()
	info := &grpc.UnaryServerInfo{FullMethod: tillv1.CheckoutService_Lookup_FullMethodName}
	answer := &tillv1.LookupResponse{}
	handler := func(context.Context, any) (any, error) { return answer, nil }
	ctx, cancel := context.WithTimeout(metadata.NewIncomingContext(context.Background(),
		metadata.Pairs("authorization", "Bearer "+tillToken, "content-type", "application/grpc", ":authority", "store")), time.Hour)
	defer cancel()
	request := usual("1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := all(ctx, request, info, handler); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAgainstBareEcho looks up through sockets with all steps and without any, by the same client, in alternating rounds, and prints
// the ratio of the medians: what standing on this package costs.
func BenchmarkAgainstBareEcho(b *testing.B) {
	answer := &tillv1.LookupResponse{AccountRef: "AAAAAAAAAAAAAAAAAAAAAAAAAA", Staff: &tillv1.TextBlock{Lines: []string{"Zilver · 1.245 punten"}}}
	service := &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) { return answer, nil }}
	full := start(b, service, nil, func(c *rpc.Config) { c.Logger = quiet() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bare := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(bare, service)
	go func() { _ = bare.Serve(listener) }()
	defer bare.Stop()
	conn, err := rpc.Dial(listener.Addr().String(), rpc.DialConfig{Token: tillToken})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	clients := []tillv1.CheckoutServiceClient{tillv1.NewCheckoutServiceClient(conn), full.till(b)}
	requests := make([]*tillv1.LookupRequest, 1000)
	for i := range requests {
		requests[i] = usual(fmt.Sprint(i))
	}
	const rounds, calls = 10, 500
	for b.Loop() {
		var medians [2][]time.Duration
		for range rounds {
			for i, client := range clients {
				took := make([]time.Duration, calls)
				for j := range took {
					begin := time.Now()
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					_, err := client.Lookup(ctx, requests[j%len(requests)])
					cancel()
					if err != nil {
						b.Fatal(err)
					}
					took[j] = time.Since(begin)
				}
				slices.Sort(took)
				medians[i] = append(medians[i], took[calls/2])
			}
		}
		for i := range medians {
			slices.Sort(medians[i])
		}
		bareMedian, fullMedian := medians[0][rounds/2], medians[1][rounds/2]
		b.ReportMetric(float64(bareMedian.Nanoseconds())/1000, "bare-us")
		b.ReportMetric(float64(fullMedian.Nanoseconds())/1000, "full-us")
		b.ReportMetric(float64(fullMedian)/float64(bareMedian), "ratio")
	}
}
