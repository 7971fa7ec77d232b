package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// How a request comes off the wire: gRPC hands its bytes to a codec, which knows how many there are. What is larger than its method takes is
// refused there, before anything is made of it, and nobody has to measure what is not.

// arriving returns a service's description with handlers that have their requests measured as they arrive.
func (s *Server) arriving(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	measured := *desc
	measured.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		name := "/" + desc.ServiceName + "/" + m.MethodName
		measured.Methods[i] = grpc.MethodDesc{
			MethodName: m.MethodName,
			Handler: func(srv any, ctx context.Context, read func(any) error, steps grpc.UnaryServerInterceptor) (any, error) {
				c := s.newCall(ctx, name)
				return m.Handler(srv, context.WithValue(ctx, callKey{}, c), func(request any) error {
					c.request = request
					return read(c)
				}, steps)
			},
		}
	}
	return &measured
}

// codec is gRPC's own for protobuf. Into a call it reads the call's request, unless that is too large.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Unmarshal reads a message.
func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	arriving, ok := into.(*call)
	if !ok {
		return c.CodecV2.Unmarshal(data, into)
	}
	arriving.bytes = data.Len()
	if arriving.oversize() {
		return nil
	}
	return c.CodecV2.Unmarshal(data, arriving.request)
}

// oversize reports whether the request was measured and is larger than its method takes.
func (c *call) oversize() bool { return c.method != nil && c.bytes > c.method.limit.Bytes }
