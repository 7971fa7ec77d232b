package rush

import (
	"net"
	"sync"
	"time"
)

// fault is what is wrong with a cable.
type fault int

const (
	sound     fault = iota
	unplugged       // connections end, and new ones are refused
	dead            // nothing passes, and nobody is told
	mute            // what tills send arrives, what is answered is lost
	slow            // answers come later than any till waits
)

func (f fault) String() string {
	return [...]string{"sound", "unplugged", "dead", "mute", "slow"}[f]
}

// slowBy is how much later answers arrive on a slow cable.
const slowBy = 400 * time.Millisecond

// cable leads from the tills to one server.
type cable struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	fault fault
	conns map[net.Conn]bool
	ended bool
}

// lay lays a cable to a server.
func lay(target string) (*cable, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cable{target: target, listener: listener, conns: map[net.Conn]bool{}}
	c.running.Go(c.accept)
	return c, nil
}

// address is the tills' end.
func (c *cable) address() string { return c.listener.Addr().String() }

// set changes what is wrong. What was under way ends, but on a cable that just became slow.
func (c *cable) set(f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.fault
	c.fault = f
	if f == unplugged || before != sound && before != slow {
		c.cut()
	}
}

// cut ends all connections; the cable is locked.
func (c *cable) cut() {
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

// now is what is wrong now.
func (c *cable) now() fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

func (c *cable) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	c.ended = true
	c.cut()
	c.mu.Unlock()
	c.running.Wait()
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		if c.now() == unplugged {
			_ = near.Close()
			continue
		}
		far, err := net.DialTimeout("tcp", c.target, time.Second)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !c.keep(near, far) {
			continue
		}
		c.running.Go(func() { c.pass(far, near, false) })
		c.running.Go(func() { c.pass(near, far, true) })
	}
}

// keep notes a connection; false when the cable was taken up meanwhile.
func (c *cable) keep(near, far net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		_, _ = near.Close(), far.Close()
		return false
	}
	c.conns[near], c.conns[far] = true, true
	return true
}

// pass carries bytes until one end closes. A slow cable holds answers up one after the other, which is slower still.
func (c *cable) pass(to, from net.Conn, answers bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		switch f := c.now(); {
		case f == dead, f == mute && answers:
			continue
		case f == slow && answers:
			time.Sleep(slowBy)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
