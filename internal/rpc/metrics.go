package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newMetrics registers what is counted: calls by method and result, how long they took, panics, refusals, and the process itself.
func (s *Server) newMetrics() error {
	s.calls = grpcprom.NewServerMetrics(
		grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramBuckets(durationBuckets)))
	s.panics = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "stamklant_panics_total", Help: "Calls that panicked and were answered INTERNAL.",
	})
	s.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "stamklant_calls_refused_total", Help: "What was refused: calls because of their number (RATE by one caller, OVERLOAD by all), connections because of their certificate (HANDSHAKE).",
	}, []string{"reason"})
	for _, collector := range []prometheus.Collector{
		s.calls, s.panics, s.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := s.registry.Register(collector); err != nil {
			return fmt.Errorf("rpc: register metrics: %w", err)
		}
	}
	return nil
}

// page is what the second listener shows: /metrics for Prometheus, /healthz for a watchdog.
func (s *Server) page() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.Serving() {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "NOT_SERVING\n")
			return
		}
		_, _ = io.WriteString(w, "SERVING\n")
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: s.limits.Handshake,
		ReadTimeout:       s.limits.Handshake,
		WriteTimeout:      time.Minute, // a slow reader of a few hundred lines
		IdleTimeout:       s.limits.ConnectionIdle,
		MaxHeaderBytes:    int(s.limits.HeaderBytes),
	}
}

// servePage shows the page until it is closed.
func (s *Server) servePage(page *http.Server) error {
	if err := page.Serve(s.metrics); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("rpc: page for metrics: %w", err)
	}
	return nil
}

// Serving reports what SetServing said last; false while the server stops.
func (s *Server) Serving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.serving
}
