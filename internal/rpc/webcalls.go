package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// ReasonConnectionAge says that the connection has become too old for its stream; call again.
const ReasonConnectionAge = "CONNECTION_AGE"

var errTooOld = Refuse(codes.Unavailable, ReasonConnectionAge, "this connection has become too old; call again")

// webKey marks the context of a call that came to the second listener.
type webKey struct{}

// newCall begins what the steps of a call know about it.
func (s *Server) newCall(ctx context.Context, name string) *call {
	return &call{method: s.methods[name], web: ctx.Value(webKey{}) != nil}
}

// webMethods binds a service's methods to the very handlers and steps that gRPC calls go through.
func (s *Server) webMethods(service service) ([]connect.Method, error) {
	var methods []connect.Method
	add := func(name string, kind connect.StreamType, run func(*webCall) error) error {
		full := "/" + service.desc.ServiceName + "/" + name
		if m := s.methods[full]; m == nil || !m.access.Web {
			return nil
		}
		spec, err := s.webSpec(full, kind)
		if err != nil {
			return err
		}
		methods = append(methods, connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
			return s.webCall(ctx, full, stream, run)
		}})
		return nil
	}
	unary := s.UnaryInterceptor()
	for _, m := range service.desc.Methods {
		err := add(m.MethodName, connect.StreamTypeUnary, func(c *webCall) error {
			answer, err := m.Handler(service.impl, c.ctx, c.RecvMsg, unary)
			if err != nil {
				return err
			}
			return c.SendMsg(answer)
		})
		if err != nil {
			return nil, err
		}
	}
	for _, m := range service.desc.Streams {
		if m.ClientStreams {
			continue // a browser cannot
		}
		run := s.throughSteps(service, m)
		if err := add(m.StreamName, connect.StreamTypeServer, run); err != nil {
			return nil, err
		}
	}
	return methods, nil
}

// webSpec describes a method as the library wants it.
func (s *Server) webSpec(full string, kind connect.StreamType) (connect.Spec, error) {
	service, name := serviceOf(full), full[len(serviceOf(full))+2:]
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	if err != nil {
		return connect.Spec{}, fmt.Errorf("rpc: %s is registered without its description: %w", full, err)
	}
	spec := connect.Spec{StreamType: kind, Schema: found, Procedure: full}
	if s.methods[full].access.Get {
		spec.IdempotencyLevel = connect.IdempotencyNoSideEffects
	}
	return spec, nil
}

// throughSteps returns a stream's handler with the steps of every stream around it.
func (s *Server) throughSteps(service service, desc grpc.StreamDesc) func(*webCall) error {
	info := &grpc.StreamServerInfo{FullMethod: "/" + service.desc.ServiceName + "/" + desc.StreamName, IsServerStream: true}
	next := desc.Handler
	steps := s.streamInterceptors()
	for i := len(steps) - 1; i >= 0; i-- {
		step, inner := steps[i], next
		next = func(srv any, stream grpc.ServerStream) error { return step(srv, stream, info, inner) }
	}
	return func(c *webCall) error {
		var cancel context.CancelFunc
		c.ctx, cancel = context.WithCancel(c.ctx)
		defer cancel()
		old := make(chan struct{})
		if born, ok := c.ctx.Value(bornKey{}).(time.Time); ok {
			timer := time.AfterFunc(s.limits.ConnectionAge-s.now().Sub(born), func() { close(old); cancel() })
			defer timer.Stop()
		}
		c.lasting = true
		err := next(service.impl, c)
		select {
		case <-old:
			return errTooOld
		default:
			return err
		}
	}
}

// webCall runs one call that came to the second listener. Who may not call is told so before anything it sends is read.
func (s *Server) webCall(ctx context.Context, full string, stream connect.ServerStream, run func(*webCall) error) error {
	info, _ := connect.CallInfoForServerContext(ctx)
	headers := metadata.MD{}
	if values := info.RequestHeader().Values("Authorization"); len(values) > 0 {
		headers["authorization"] = values
	}
	ctx = context.WithValue(metadata.NewIncomingContext(ctx, headers), webKey{}, true)
	c := &webCall{stream: stream, info: info, transfer: s.limits.Transfer}
	c.controller, _ = ctx.Value(controllerKey{}).(*http.ResponseController)
	c.ctx = grpc.NewContextWithServerTransportStream(ctx, &webTransport{method: full, info: info})
	door := s.newCall(c.ctx, full)
	if err := s.authorised(c.ctx, door, nil); err != nil {
		s.log(c.ctx, door, full, nil, 0, err)
		return webError(err)
	}
	return webError(run(c))
}

// webError turns a status into an error of the library, with all its details. What the library itself says of a request stays as it is.
func webError(err error) error {
	if err == nil {
		return nil
	}
	if own := (*connect.Error)(nil); errors.As(err, &own) {
		return err
	}
	st := status.Convert(err)
	out := connect.NewError(connect.Code(st.Code()), st.Message())
	for _, detail := range st.Proto().GetDetails() {
		if d, err := connectproto.NewErrorDetail(detail); err == nil {
			out = out.WithDetail(d)
		}
	}
	return out
}

// webCall is one call on the second listener, seen as a gRPC stream.
type webCall struct {
	ctx        context.Context //nolint:containedctx // grpc.ServerStream hands it out
	stream     connect.ServerStream
	info       *connect.CallInfo
	controller *http.ResponseController
	transfer   time.Duration
	lasting    bool // a stream: it may stay open once its request is here
}

var _ grpc.ServerStream = (*webCall)(nil)

// Context returns the call's context.
func (c *webCall) Context() context.Context { return c.ctx }

// RecvMsg reads the request, which must arrive within Limits.Transfer.
func (c *webCall) RecvMsg(message any) error {
	err := c.stream.Receive(message)
	switch {
	case err != nil && errors.Is(err, io.EOF):
		return io.EOF
	case err == nil && c.lasting && c.controller != nil:
		_ = c.controller.SetReadDeadline(time.Time{})
		_ = c.controller.SetWriteDeadline(time.Time{})
	}
	return err
}

// SendMsg writes an answer, which must leave within Limits.Transfer: who does not read is hung up on.
func (c *webCall) SendMsg(message any) error {
	if c.controller == nil {
		return c.stream.Send(message)
	}
	_ = c.controller.SetWriteDeadline(time.Now().Add(c.transfer))
	err := c.stream.Send(message)
	if c.lasting {
		_ = c.controller.SetWriteDeadline(time.Time{})
	}
	return err
}

// SetHeader adds headers to the answer.
func (c *webCall) SetHeader(headers metadata.MD) error {
	for name, values := range headers {
		c.info.ResponseHeader().SetValues(name, values)
	}
	return nil
}

// SendHeader adds headers to the answer and sends them.
func (c *webCall) SendHeader(headers metadata.MD) error {
	_ = c.SetHeader(headers)
	return c.stream.SendHeaders()
}

// SetTrailer adds trailers to the answer.
func (c *webCall) SetTrailer(trailers metadata.MD) {
	for name, values := range trailers {
		c.info.ResponseTrailer().SetValues(name, values)
	}
}

// webTransport tells handlers and steps which method is called.
type webTransport struct {
	method string
	info   *connect.CallInfo
}

// Method returns the method's full name.
func (t *webTransport) Method() string { return t.method }

// SetHeader adds headers to the answer.
func (t *webTransport) SetHeader(headers metadata.MD) error {
	return (&webCall{info: t.info}).SetHeader(headers)
}

// SendHeader adds headers to the answer; they leave with it.
func (t *webTransport) SendHeader(headers metadata.MD) error { return t.SetHeader(headers) }

// SetTrailer adds trailers to the answer.
func (t *webTransport) SetTrailer(trailers metadata.MD) error {
	(&webCall{info: t.info}).SetTrailer(trailers)
	return nil
}
