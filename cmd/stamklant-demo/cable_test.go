package main_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// cable is the network between tills and a server. It can be pulled, be slow, and lead to another server; the server knows nothing of it.
type cable struct {
	address  string
	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex
	target string        // empty for nobody: connections are refused
	slow   time.Duration // how much later the server's answers arrive
	pulled bool          // nothing passes, and nobody is told
	conns  map[net.Conn]bool
}

// plug lays a cable to a server.
func plug(t *testing.T, target string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{address: listener.Addr().String(), target: target, listener: listener, conns: map[net.Conn]bool{}}
	c.wait.Go(c.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		c.wait.Wait()
	})
	return c
}

// set changes the cable.
func (c *cable) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// to leads the cable elsewhere, and ends what went there before.
func (c *cable) to(target string) {
	c.set(func() { c.target = target })
	c.cut()
}

// cut ends all connections.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		target := c.target
		c.mu.Unlock()
		far, err := net.Dial("tcp", target)
		if err != nil {
			_ = near.Close()
			continue
		}
		c.set(func() { c.conns[near], c.conns[far] = true, true })
		c.wait.Go(func() { c.pass(far, near, false) })
		c.wait.Go(func() { c.pass(near, far, true) })
	}
}

// parcel is bytes on their way.
type parcel struct {
	due   time.Time
	bytes []byte
}

// pass carries bytes until one end closes; answers arrive later on a slow cable, in order.
func (c *cable) pass(to, from net.Conn, answers bool) {
	way, over := make(chan parcel, 4096), make(chan struct{})
	c.wait.Go(func() {
		defer func() { _ = to.Close() }()
		for p := range way {
			if wait := time.Until(p.due); wait > 0 {
				timer := time.NewTimer(wait)
				select {
				case <-timer.C:
				case <-over: // what is under way when the connection ends is lost
					timer.Stop()
					continue
				}
			}
			if _, err := to.Write(p.bytes); err != nil {
				_ = from.Close()
			}
		}
	})
	defer func() {
		close(over)
		close(way)
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		c.mu.Lock()
		pulled, due := c.pulled, time.Now()
		if answers {
			due = due.Add(c.slow)
		}
		c.mu.Unlock()
		if pulled {
			_, _ = io.Copy(io.Discard, from) // what was under way is lost; this connection never comes back to life
			return
		}
		way <- parcel{due: due, bytes: append([]byte(nil), buffer[:n]...)}
	}
}
