package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// accessLog writes about calls that failed, were slow, or were picked as one in so many. It never writes what a request holds, but for
// the till's code and the caller's own request id, which is made for logs. A flood of failures becomes a few lines and a count.
type accessLog struct {
	every   uint64
	budget  *rate.Limiter
	calls   atomic.Uint64
	dropped atomic.Uint64
}

func newAccessLog(every uint64, perSecond float64) *accessLog {
	return &accessLog{every: every, budget: rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))}
}

// picked reports whether this is the one in so many.
func (l *accessLog) picked() bool {
	return l.every > 0 && l.calls.Add(1)%l.every == 0
}

// may reports whether there is room for one more line, and how many were left out since the last.
func (l *accessLog) may(now time.Time) (leftOut uint64, ok bool) {
	if !l.budget.AllowN(now, 1) {
		l.dropped.Add(1)
		return 0, false
	}
	return l.dropped.Swap(0), true
}

// slowAfter is the share of a method's deadline after which a call is worth a line; without a deadline it is slowWithout.
const (
	slowAfter   = 3 // a third
	slowWithout = 5 * time.Second
)

// slow returns how long a call of the method may take unnoticed.
func (m *method) slow() time.Duration {
	if m == nil || m.limit.Deadline == 0 {
		return slowWithout
	}
	return m.limit.Deadline / slowAfter
}

func (s *Server) logUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c, begun := ctx.Value(callKey{}).(*call)
	if !begun {
		c = s.newCall(ctx, info.FullMethod)
		ctx = context.WithValue(ctx, callKey{}, c)
	}
	start := s.now()
	resp, err := next(ctx, req)
	s.log(ctx, c, info.FullMethod, req, s.now().Sub(start), err)
	return resp, err
}

func (s *Server) logStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := s.newCall(stream.Context(), info.FullMethod)
	start := s.now()
	err := next(srv, &streamWith{ServerStream: stream, ctx: context.WithValue(stream.Context(), callKey{}, c)})
	s.log(stream.Context(), c, info.FullMethod, nil, s.now().Sub(start), err)
	return err
}

// log writes a line about a call when it is worth one.
func (s *Server) log(ctx context.Context, c *call, method string, req any, took time.Duration, err error) {
	code := status.Code(err)
	slow := took >= c.method.slow() && (c.method == nil || c.method.limit.Class != ClassWatch)
	if picked := s.accessLog.picked(); code == codes.OK && !slow && !picked {
		return
	}
	level := levelOf(code, slow)
	if !s.config.Logger.Enabled(ctx, level) {
		return
	}
	leftOut, ok := s.accessLog.may(s.now())
	if !ok {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", method), slog.String("code", code.String()), slog.Duration("took", took))
	if c.principal != nil {
		attrs = append(attrs, slog.String("role", string(c.principal.Role)), slog.String("caller", c.principal.ID))
	}
	if caller := callerOf(req); caller != nil && code != codes.InvalidArgument { // only what has passed the rules
		attrs = append(attrs, slog.String("till", caller.GetTill()), slog.String("request_id", caller.GetRequestId()))
	}
	if err != nil {
		attrs = append(attrs, slog.String("refusal", status.Convert(err).Message()))
	}
	if leftOut > 0 {
		attrs = append(attrs, slog.Uint64("lines_left_out", leftOut))
	}
	s.config.Logger.LogAttrs(ctx, level, "call", attrs...)
}

// levelOf says how much a call matters to whoever reads the log: our faults are errors, slowness and overload warnings.
func levelOf(code codes.Code, slow bool) slog.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	case codes.ResourceExhausted, codes.Unavailable, codes.DeadlineExceeded:
		return slog.LevelWarn
	default:
		if slow {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	}
}

// settled turns a handler's error into what the caller may see and writes the rest into the log.
func (s *Server) settled(ctx context.Context, err error) error {
	hidden, visible := settle(err)
	if hidden {
		s.config.Logger.LogAttrs(ctx, slog.LevelError, "a call failed by our own fault",
			slog.String("method", callOf(ctx).name()), slog.String("error", err.Error()))
	}
	return visible
}

// name returns the method's full name, or a word for none.
func (c *call) name() string {
	if c.method == nil {
		return "unknown"
	}
	return c.method.name
}

// panicked counts a panic, writes it down with its stack, and returns what the caller is told.
func (s *Server) panicked(ctx context.Context, r any) error {
	method, _ := grpc.Method(ctx)
	s.panics.Inc()
	s.config.Logger.LogAttrs(ctx, slog.LevelError, "a call panicked",
		slog.String("method", method), slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
	return errInternal
}
