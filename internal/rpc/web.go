package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/grpc"
)

// WebConfig is the second listener: the same services for callers that cannot speak gRPC. Browsers speak gRPC-Web, everything else can send JSON
// by POST. Only tills and scanners are let in, by bearer token; beyond loopback each with a token of its own till.
type WebConfig struct {
	// Address is the host and port to listen on; port 0 takes a free one.
	Address string
	// TLS secures the listener. Nil is plain text, which only loopback addresses may speak.
	TLS *tls.Config
	// Origins are the web sites whose pages may call, each as scheme://host or scheme://host:port. Pages of all others are refused.
	Origins []string
}

func (c *WebConfig) validate() error {
	if c.Address == "" {
		return errors.New("rpc: Config.Web.Address is missing: name a host and port, such as 127.0.0.1:7402")
	}
	if c.TLS == nil {
		if err := loopbackOnly(c.Address); err != nil {
			return err
		}
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

// service is a registered service.
type service struct {
	desc *grpc.ServiceDesc
	impl any
}

// web is the second listener while it runs.
type web struct {
	listener net.Listener
	http     *http.Server
	calls    sync.RWMutex // read-locked by each call
}

// openWeb puts the second listener's server together. Check must have succeeded.
func (s *Server) openWeb() error {
	mux, err := s.webServices()
	if err != nil {
		return err
	}
	l := s.limits
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.config.Web.TLS == nil)
	s.web.http = &http.Server{
		Handler:           s.web.around(newCORS(s.config.Web.Origins).around(s.bound(mux))),
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: int(l.StreamsPerConnection), SendPingTimeout: l.PingAfter, PingTimeout: l.PingAnswer},
		TLSConfig:         s.config.Web.TLS,
		ReadHeaderTimeout: l.Handshake,
		IdleTimeout:       l.ConnectionIdle,
		MaxHeaderBytes:    int(l.HeaderBytes),
		ErrorLog:          log.New(&httpErrors{s}, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, bornKey{}, s.now())
		},
	}
	return nil
}

// webServices binds every method that the table puts on the second listener. Nothing is taken compressed: a small message that unfolds into a
// large one is not taken.
func (s *Server) webServices() (*http.ServeMux, error) {
	server := connect.NewServer()
	for _, service := range s.services {
		methods, err := s.webMethods(service)
		if err != nil {
			return nil, err
		}
		server.Register(methods...)
	}
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, connecthttp.WithCompressors(),
		connecthttp.WithReadMaxBytes(s.limits.MessageBytes), connecthttp.WithSendMaxBytes(s.limits.MessageBytes))
	return mux, nil
}

// serveWeb answers calls on the second listener until it is stopped.
func (s *Server) serveWeb() error {
	serve := func() error { return s.web.http.Serve(s.web.listener) }
	if s.config.Web.TLS != nil {
		serve = func() error { return s.web.http.ServeTLS(s.web.listener, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("rpc: JSON and gRPC-Web: %w", err)
	}
	return nil
}

// drainWeb takes no more calls on the second listener and returns when those under way have ended; Limits.Drain bounds that.
func (s *Server) drainWeb() {
	if s.web.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.limits.Drain)
	defer cancel()
	_ = s.web.http.Shutdown(ctx) // what is left is cut off by stopWeb
}

// stopWeb cuts off what is left on the second listener and returns when no handler runs any more.
func (s *Server) stopWeb() {
	if s.web.http == nil {
		return
	}
	_ = s.web.http.Close()
	s.web.calls.Lock() // held for good: no call begins any more
}

// around counts calls, so that stopWeb knows when the last has ended.
func (w *web) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if !w.calls.TryRLock() {
			response.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer w.calls.RUnlock()
		next.ServeHTTP(response, request)
	})
}

// bornKey finds the time at which a call's connection was made.
type bornKey struct{}

// bound holds requests to the limits that gRPC keeps by itself on its own listener: bodies that trickle, connections that grow old.
func (s *Server) bound(next http.Handler) http.Handler {
	l := s.limits
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		header := response.Header()
		header.Set("Cache-Control", "no-store") // answers are about people
		header.Set("X-Content-Type-Options", "nosniff")
		if born, ok := request.Context().Value(bornKey{}).(time.Time); ok && s.now().Sub(born) > l.ConnectionAge {
			header.Set("Connection", "close")
		}
		controller := http.NewResponseController(response)
		now := time.Now() // deadlines of connections are told by the machine's own clock
		_ = controller.SetReadDeadline(now.Add(l.Transfer))
		_ = controller.SetWriteDeadline(now.Add(2 * l.Transfer)) // after the body came, or did not
		request.Body = http.MaxBytesReader(response, request.Body, int64(l.MessageBytes)+envelopeBytes)
		next.ServeHTTP(response, request.WithContext(context.WithValue(request.Context(), controllerKey{}, controller)))
	})
}

// envelopeBytes are what gRPC-Web puts around a message.
const envelopeBytes = 5

// controllerKey finds what sets the deadlines of a call's connection.
type controllerKey struct{}

// httpErrors writes what the HTTP server has to say, such as failed handshakes, into the log, within its budget.
type httpErrors struct{ server *Server }

// Write takes one line.
func (e *httpErrors) Write(line []byte) (int, error) {
	s := e.server
	if leftOut, ok := s.accessLog.may(s.now()); ok {
		s.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a connection to the second listener failed",
			slog.String("error", strings.TrimSpace(string(line))), slog.Uint64("lines_left_out", leftOut))
	}
	return len(line), nil
}
