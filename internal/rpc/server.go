package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// Server is one gRPC server with its health, limits, log and metrics. Register services, then Serve. It is used once; its methods may be
// called from several goroutines. Serve closes what Listen opened.
type Server struct {
	config    Config
	limits    Limits
	now       func() time.Time
	grpc      *grpc.Server
	services  []service // as registered, for the second listener
	web       web
	health    *health.Server
	accessLog *accessLog
	slots     [classes]*slots

	registry *prometheus.Registry
	calls    *grpcprom.ServerMetrics
	panics   prometheus.Counter
	refused  *prometheus.CounterVec

	// Set once by prepare, before the first call can come in.
	methods   map[string]*method
	validator protovalidate.Validator

	stopping context.Context // ended when the server begins to stop
	stop     context.CancelFunc

	mu      sync.Mutex
	ready   bool
	main    net.Listener
	metrics net.Listener
	serving bool
}

var _ grpc.ServiceRegistrar = (*Server)(nil)

// NewServer returns a server that is not listening yet. Its health is NOT_SERVING until SetServing.
func NewServer(config Config) (*Server, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, now: config.Now, registry: config.Registry, health: health.NewServer()}
	s.limits = DefaultLimits()
	if config.Limits != nil {
		s.limits = *config.Limits
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.registry == nil {
		s.registry = prometheus.NewRegistry()
	}
	if err := s.newMetrics(); err != nil {
		return nil, err
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.accessLog = newAccessLog(s.limits.LogEvery, s.limits.LogPerSecond)
	s.slots = newSlots(s.limits.Classes, s.refused.WithLabelValues(ReasonOverload))
	s.grpc = grpc.NewServer(s.options()...)
	s.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	if config.Reflection {
		reflection.Register(s.grpc)
	}
	return s, nil
}

// options are the limits as gRPC takes them. No compressor is registered: a small message that unfolds into a large one is not taken.
func (s *Server) options() []grpc.ServerOption {
	l := s.limits
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxConcurrentStreams(l.StreamsPerConnection),
		grpc.MaxRecvMsgSize(l.MessageBytes),
		grpc.MaxSendMsgSize(l.MessageBytes),
		grpc.MaxHeaderListSize(l.HeaderBytes),
		grpc.ConnectionTimeout(l.Handshake),
		grpc.WaitForHandlers(true),
		grpc.NumStreamWorkers(l.Workers),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: l.PingsApart, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle:     l.ConnectionIdle,
			MaxConnectionAge:      l.ConnectionAge,
			MaxConnectionAgeGrace: l.ConnectionAgeGrace,
			Time:                  l.PingAfter,
			Timeout:               l.PingAnswer,
		}),
		grpc.UnaryInterceptor(s.UnaryInterceptor()),
		grpc.ChainStreamInterceptor(s.streamInterceptors()...),
	}
	if s.config.TLS != nil {
		options = append(options, grpc.Creds(s.secure(s.config.TLS)))
	}
	return options
}

// RegisterService registers a service, as generated Register functions do. Before Serve.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(s.arriving(desc), impl)
	s.services = append(s.services, service{desc, impl})
}

// Registry returns the registry whose metrics the page shows, for the metrics of other packages.
func (s *Server) Registry() *prometheus.Registry { return s.registry }

// Stopping returns a context that ends when the server begins to stop.
func (s *Server) Stopping() context.Context { return s.stopping }

// SetServing says through the health service and the page whether the server can do its work.
func (s *Server) SetServing(serving bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = serving
}

// Check prepares the table of methods and the rules of requests. ErrMethodWithoutRoles and ErrUnknownMethod say that Config.Roles and
// the registered services do not agree. Serve calls it; a test may, too.
func (s *Server) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	methods, err := s.methodTable()
	if err != nil {
		return err
	}
	validator, err := s.newValidator()
	if err != nil {
		return err
	}
	s.methods, s.validator, s.ready = methods, validator, true
	s.calls.InitializeMetrics(s.grpc)
	return nil
}

// Serve answers calls until ctx ends, then stops: health says NOT_SERVING, watches are ended, calls have Limits.Drain to end, what is
// left is cut off. It returns once no handler runs any more, or ErrHandlersLeft. It listens first when Listen was not called.
func (s *Server) Serve(ctx context.Context) error {
	defer s.stop()
	if err := s.Check(); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := s.Listen(); err != nil {
		return errors.Join(err, s.Close())
	}
	page := s.page()
	running := []func() error{func() error { return s.serveCalls() }}
	if s.web.listener != nil {
		if err := s.openWeb(); err != nil {
			return errors.Join(err, s.Close())
		}
		running = append(running, s.serveWeb)
	}
	if s.metrics != nil {
		running = append(running, func() error { return s.servePage(page) })
	}
	ended := make(chan error, len(running))
	for _, run := range running {
		go func() { ended <- run() }()
	}
	s.announce(ctx)
	var failed error
	waiting := len(running)
	select {
	case <-ctx.Done():
	case failed = <-ended:
		waiting--
	}
	failed = errors.Join(failed, s.shutDown(ctx), page.Close())
	if errors.Is(failed, ErrHandlersLeft) { // gRPC still waits for them; the process had better end
		return failed
	}
	for range waiting {
		failed = errors.Join(failed, <-ended)
	}
	return failed
}

// announce writes down where the server listens.
func (s *Server) announce(ctx context.Context) {
	s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "listening",
		slog.String("address", s.Addr()), slog.String("metrics", s.MetricsAddr()), slog.Bool("tls", s.config.TLS != nil))
	if s.config.TLS == nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "plain text: this machine alone can call this server", slog.String("address", s.Addr()))
	}
	if s.config.Web != nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "listening for JSON and gRPC-Web",
			slog.String("address", s.WebAddr()), slog.Bool("tls", s.config.Web.TLS != nil), slog.Any("origins", s.config.Web.Origins))
	}
}

// serveCalls answers calls until the server is stopped.
func (s *Server) serveCalls() error {
	if err := s.grpc.Serve(s.main); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("rpc: calls: %w", err)
	}
	return nil
}

// shutDown lets calls end, then cuts them off.
func (s *Server) shutDown(ctx context.Context) error {
	s.health.Shutdown()
	s.mu.Lock()
	s.serving = false
	s.mu.Unlock()
	s.stop()
	if within(s.limits.Drain, func() { s.drainWeb(); s.grpc.GracefulStop() }) {
		return nil
	}
	s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "calls did not end in time and are cut off", slog.Duration("waited", s.limits.Drain))
	if within(s.limits.DrainHandlers, func() { s.stopWeb(); s.grpc.Stop() }) {
		return nil
	}
	return fmt.Errorf("rpc: %w within %v after they were cut off: the files they use must not be closed", ErrHandlersLeft, s.limits.DrainHandlers)
}

// within runs do and reports whether it ended in time. It goes on in the background when it did not.
func within(limit time.Duration, do func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
