package rpc

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// Listen opens the listeners, so that Addr is known before Serve. It does nothing when they are open.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main != nil {
		return nil
	}
	main, err := net.Listen("tcp", s.config.Address)
	if err != nil {
		return fmt.Errorf("rpc: listen: %w; is another server running?", err)
	}
	s.main = newBoundedListener(main, s.limits.Connections, s.limits.ConnectionsPerAddress)
	if s.config.Web != nil {
		l, err := net.Listen("tcp", s.config.Web.Address)
		if err != nil {
			return errors.Join(fmt.Errorf("rpc: listen for JSON and gRPC-Web: %w; is another server running?", err), s.unlisten())
		}
		s.web.listener = newBoundedListener(l, s.limits.Connections, s.limits.ConnectionsPerAddress)
	}
	if s.config.MetricsAddress != "" {
		if s.metrics, err = net.Listen("tcp", s.config.MetricsAddress); err != nil {
			s.metrics = nil
			return errors.Join(fmt.Errorf("rpc: listen for metrics: %w; is another server running?", err), s.unlisten())
		}
	}
	return nil
}

// unlisten closes the listeners that are open.
func (s *Server) unlisten() error {
	var failed error
	for _, l := range []*net.Listener{&s.main, &s.web.listener, &s.metrics} {
		if *l == nil {
			continue
		}
		if err := (*l).Close(); !errors.Is(err, net.ErrClosed) {
			failed = errors.Join(failed, err)
		}
		*l = nil
	}
	return failed
}

// Close ends a server that never came to Serve, and its listeners. After Serve there is nothing to close, and closing twice is harmless.
func (s *Server) Close() error {
	within(s.limits.DrainHandlers, s.grpc.Stop)
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	for _, l := range []net.Listener{s.main, s.web.listener, s.metrics} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			failed = errors.Join(failed, err)
		}
	}
	s.stop()
	return failed
}

// Addr returns the address calls are taken on, empty before Listen.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addressOf(s.main)
}

// MetricsAddr returns the address of the page for metrics, empty before Listen and without one.
func (s *Server) MetricsAddr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addressOf(s.metrics)
}

// WebAddr returns the address of the second listener, empty before Listen and without one.
func (s *Server) WebAddr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addressOf(s.web.listener)
}

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// boundedListener hangs up on connections beyond a number, in all and per address, instead of letting them wait: who waits holds on to
// a place in the kernel's queue that a till could use.
type boundedListener struct {
	net.Listener
	most, mostEach int

	mu   sync.Mutex
	all  int
	each map[string]int
}

func newBoundedListener(l net.Listener, most, mostEach int) *boundedListener {
	return &boundedListener{Listener: l, most: most, mostEach: mostEach, each: make(map[string]int)}
}

// Accept returns the next connection there is room for.
func (b *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		if b.enter(host) {
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { b.leave(host) })}, nil
		}
		_ = conn.Close()
	}
}

// enter counts a connection in when there is room. Loopback is not counted per address: it is this machine.
func (b *boundedListener) enter(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= b.most || !isLoopback(host) && b.each[host] >= b.mostEach {
		return false
	}
	b.all++
	b.each[host]++
	return true
}

// leave counts a connection out.
func (b *boundedListener) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.each[host]--; b.each[host] <= 0 {
		delete(b.each, host)
	}
}

// countedConn counts itself out once it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
