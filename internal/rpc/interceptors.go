package rpc

import (
	"context"
	"runtime/debug"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// unaryInterceptors is the way every call goes, from outside to inside.
func (s *Server) unaryInterceptors() []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{
		recovery.UnaryServerInterceptor(recovery.WithRecoveryHandlerContext(s.panicked)), // a panic ends this call, not the server
		faultsUnary,                      // and so does a mapped file that lost a page
		s.calls.UnaryServerInterceptor(), // how often, how long, with what result
		s.logUnary,                       // slow, failed, and one in a thousand
		onRequest(s.bounded),             // no larger than the method allows
		onRequest(s.authorised),          // a known token, of a role that may
		s.timeUnary,                      // a deadline, where the caller sets none
		onRequest(s.ownTill, s.paced),    // for its own till, and not too often
		s.shedUnary,                      // what is less urgent gives way
		onRequest(s.validated),           // every field as the proto says
		s.settleUnary,                    // errors of ours stay here
	}
}

// streamInterceptors is the same way for streams. Requests are looked at as they arrive.
func (s *Server) streamInterceptors() []grpc.StreamServerInterceptor {
	return []grpc.StreamServerInterceptor{
		recovery.StreamServerInterceptor(recovery.WithRecoveryHandlerContext(s.panicked)),
		faultsStream,
		s.calls.StreamServerInterceptor(),
		s.logStream,
		s.openStream, // a known token of a role that may, and room in its class; watches end when the server stops
		onEachRequest(s.bounded, s.ownTill, s.paced, s.validated),
		s.settleStream,
	}
}

// UnaryInterceptor returns all steps as one, for calls that come in by another way than the gRPC listener, and for measuring them. The
// context must carry the call's metadata, and Check must have succeeded.
func (s *Server) UnaryInterceptor() grpc.UnaryServerInterceptor {
	steps := s.unaryInterceptors()
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		w := &way{steps: steps, info: info, handler: handler}
		w.on = w.next
		return w.next(ctx, req)
	}
}

// way is one call on its way through the steps. Each step goes on at most once.
type way struct {
	steps   []grpc.UnaryServerInterceptor // still to be made
	info    *grpc.UnaryServerInfo
	handler grpc.UnaryHandler
	on      grpc.UnaryHandler // next, made once for all steps
}

// next makes the next step; after the last one the call is handled.
func (w *way) next(ctx context.Context, req any) (any, error) {
	if len(w.steps) == 0 {
		return w.handler(ctx, req)
	}
	step := w.steps[0]
	w.steps = w.steps[1:]
	return step(ctx, req, w.info, w.on)
}

// gate looks at a request and refuses it with a status, or lets it pass.
type gate func(ctx context.Context, c *call, request any) error

// call is what the steps of one call know about it.
type call struct {
	method    *method
	principal *Principal
	web       bool // it came to the second listener
	request   any  // until it has arrived, what it is read into
	bytes     int  // its length as it arrived; 0 when that was not measured
}

// callKey finds the call in a context.
type callKey struct{}

// callOf returns the call a context belongs to; an empty one outside of any.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// PrincipalOf returns who makes the call ctx belongs to; false outside of a call and where no token was asked for.
func PrincipalOf(ctx context.Context) (*Principal, bool) {
	c := callOf(ctx)
	return c.principal, c.principal != nil
}

// onRequest makes an interceptor of gates, which are asked in order.
func onRequest(gates ...gate) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		c := callOf(ctx)
		for _, pass := range gates {
			if err := pass(ctx, c, req); err != nil {
				return nil, err
			}
		}
		return next(ctx, req)
	}
}

// onEachRequest makes an interceptor that asks the gates about each message of a stream.
func onEachRequest(gates ...gate) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		return next(srv, &gatedStream{ServerStream: stream, gates: gates, call: callOf(stream.Context())})
	}
}

// gatedStream asks gates about each message that arrives.
type gatedStream struct {
	grpc.ServerStream
	gates []gate
	call  *call
}

// RecvMsg returns the next message, or the refusal of the first gate that does not let it pass.
func (g *gatedStream) RecvMsg(message any) error {
	if err := g.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	for _, pass := range g.gates {
		if err := pass(g.Context(), g.call, message); err != nil {
			return err
		}
	}
	return nil
}

// streamWith is a stream under another context.
type streamWith struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context that replaces the stream's own.
func (s *streamWith) Context() context.Context { return s.ctx }

// bounded refuses requests larger than the method allows.
func (s *Server) bounded(_ context.Context, c *call, request any) error {
	if c.method == nil {
		return nil
	}
	if c.bytes == 0 { // it came by another way than the gRPC listener, or as one of many
		if message, ok := request.(proto.Message); !ok || proto.Size(message) <= c.method.limit.Bytes {
			return nil
		}
	} else if !c.oversize() {
		return nil
	}
	return c.method.tooLarge
}

// faultsUnary makes a fault in mapped memory a panic of this call's goroutine; without it the process would end.
func faultsUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	debug.SetPanicOnFault(true)
	return next(ctx, req)
}

func faultsStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	debug.SetPanicOnFault(true)
	return next(srv, stream)
}

func (s *Server) timeUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	limit := callOf(ctx).method.limit.Deadline
	if _, set := ctx.Deadline(); set || limit == 0 {
		return next(ctx, req)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return next(ctx, req)
}

func (s *Server) settleUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	if err == nil {
		return resp, nil
	}
	return nil, s.settled(ctx, err)
}

func (s *Server) settleStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return s.settled(stream.Context(), next(srv, stream))
}
