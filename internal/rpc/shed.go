package rpc

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// slots are the places in which calls of one class are worked on. When all are taken one more call waits a little; a class that may not
// wait also gives way whenever a more urgent one is waiting.
type slots struct {
	places  chan struct{}
	wait    time.Duration
	waiting atomic.Int64
	urgent  []*slots
	refused interface{ Inc() }
}

// newSlots returns the places of all classes. Each class but watches gives way to those before it.
func newSlots(limits [classes]ClassLimit, refused interface{ Inc() }) [classes]*slots {
	var all [classes]*slots
	for class := range classes {
		all[class] = &slots{
			places:  make(chan struct{}, max(1, limits[class].InFlight)),
			wait:    limits[class].Wait,
			refused: refused,
		}
		if class != ClassWatch {
			all[class].urgent = all[:class]
		}
	}
	return all
}

// retryAfter is what a refused caller is told. A till does not come back within the sale; an outbox and a command do.
const retryAfter = time.Second

// errOverload is built once: it is needed when there is no time.
var errOverload = RefuseFor(ReasonOverload, "the server has too much to do; see google.rpc.RetryInfo", retryAfter)

// take gets a place, waiting for one as long as the class may. The caller releases it.
func (s *slots) take(ctx context.Context) error {
	if s.wait == 0 && s.giveWay() {
		return s.refuse()
	}
	select {
	case s.places <- struct{}{}:
		return nil
	default:
	}
	if s.wait == 0 {
		return s.refuse()
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case s.places <- struct{}{}:
		return nil
	case <-timer.C:
		return s.refuse()
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// release gives the place back.
func (s *slots) release() { <-s.places }

// giveWay reports whether a more urgent call is waiting.
func (s *slots) giveWay() bool {
	for _, other := range s.urgent {
		if other.waiting.Load() > 0 {
			return true
		}
	}
	return false
}

func (s *slots) refuse() error {
	s.refused.Inc()
	return errOverload
}

// shedUnary works on a call only when its class has a place for it.
func (s *Server) shedUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	slots := callOf(ctx).method.slots
	if err := slots.take(ctx); err != nil {
		return nil, err
	}
	defer slots.release()
	return next(ctx, req)
}
