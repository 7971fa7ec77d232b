package rpc

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer gives every caller an allowance of calls per second. Callers are told apart by token and till, not by connection: a till that
// opens ten connections is still one till. It remembers a bounded number of them; whoever comes beyond that shares one allowance.
type pacer struct {
	limit rate.Limit
	burst int
	most  int

	mu       sync.Mutex
	callers  map[callerKey]*rate.Limiter
	overflow *rate.Limiter
}

// callerKey tells callers apart.
type callerKey struct {
	role Role
	id   string
	till string
}

func newPacer(perSecond float64, burst, most int) *pacer {
	return &pacer{
		limit: rate.Limit(perSecond), burst: burst, most: most,
		callers:  make(map[callerKey]*rate.Limiter),
		overflow: rate.NewLimiter(rate.Limit(perSecond), burst),
	}
}

// take uses one call of the caller's allowance, or returns the time after which there is one again.
func (p *pacer) take(key callerKey, now time.Time) (time.Duration, bool) {
	limiter := p.of(key, now)
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(p.limit) * float64(time.Second)), false
}

// of returns the caller's own allowance, or the shared one when there are too many callers.
func (p *pacer) of(key callerKey, now time.Time) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limiter, ok := p.callers[key]; ok {
		return limiter
	}
	if len(p.callers) >= p.most {
		p.forget(now)
	}
	if len(p.callers) >= p.most {
		return p.overflow
	}
	limiter := rate.NewLimiter(p.limit, p.burst)
	p.callers[key] = limiter
	return limiter
}

// forget drops callers whose allowance is whole again: a new one is the same to them.
func (p *pacer) forget(now time.Time) {
	for key, limiter := range p.callers {
		if limiter.TokensAt(now) >= float64(p.burst) {
			delete(p.callers, key)
		}
	}
}

// paced refuses callers that call a method more often than it allows.
func (s *Server) paced(_ context.Context, c *call, request any) error {
	pacer := c.method.pacer
	if pacer == nil {
		return nil
	}
	key := callerKey{till: callerOf(request).GetTill()}
	if c.principal != nil {
		key.role, key.id = c.principal.Role, c.principal.ID
	}
	if after, ok := pacer.take(key, s.now()); !ok {
		s.refused.WithLabelValues(ReasonRate).Inc()
		return RefuseFor(ReasonRate, "this till calls too often; see google.rpc.RetryInfo", after)
	}
	return nil
}
