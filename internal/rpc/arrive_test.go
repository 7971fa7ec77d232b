package rpc_test

import (
	"context"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// rawBytes sends bytes as they are, in place of a message.
type rawBytes struct{}

func (rawBytes) Name() string { return "proto" }

func (rawBytes) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil //nolint:forcetypeassert // the test sends nothing else
}

func (rawBytes) Unmarshal(mem.BufferSlice, any) error { return nil }

// TestNothingIsMadeOfWhatIsTooLarge: a request larger than its method takes is refused for its size before anybody reads it, so that what stands in
// it does not matter; one within the size is read, and refused when it cannot be.
func TestNothingIsMadeOfWhatIsTooLarge(t *testing.T) {
	var reached atomic.Int64
	server := start(t, counted(&reached), nil, nil)
	conn, err := rpc.Dial(server.Addr(), rpc.DialConfig{Token: tillToken})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, tc := range []struct {
		name  string
		bytes int
		code  codes.Code
	}{
		{"garbage within the size", 64 << 10, codes.Internal},
		{"one byte more", 64<<10 + 1, codes.InvalidArgument},
		{"half of what a connection takes", 512 << 10, codes.InvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) {
			garbage := make([]byte, tc.bytes)
			for i := range garbage {
				garbage[i] = 0xff
			}
			err := conn.Invoke(context.Background(), tillv1.CheckoutService_Lookup_FullMethodName, garbage, nil, grpc.ForceCodecV2(rawBytes{}))
			if status.Code(err) != tc.code || tc.code == codes.InvalidArgument && reason(err) != rpc.ReasonTooLarge {
				t.Errorf("answered %v, want %v", err, tc.code)
			}
		})
	}
	if reached.Load() > 0 {
		t.Error("a request that cannot be read came through")
	}
}
