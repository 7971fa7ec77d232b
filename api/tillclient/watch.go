package tillclient

import (
	"context"
	"fmt"
	"sync"
	"time"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// watchAgain is the pause before a server is watched again after a break.
const watchAgain = time.Second

// Presented returns a request about the card that was presented at this till: for a till without streams.
func Presented() *tillv1.LookupRequest {
	return &tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Presented{Presented: true}}
}

// Present presents a card for this till, as a separate scanner or a customer's tablet does: to the first server that takes it. The error is
// the last server's.
func (c *Client) Present(ctx context.Context, card *tillv1.Identifier) (*tillv1.PresentCardResponse, error) {
	request := &tillv1.PresentCardRequest{Caller: c.caller(nil), Identifier: card, Abilities: c.config.Abilities}
	var failed error
	for _, s := range c.servers {
		ctx, cancel := context.WithTimeout(ctx, c.timing.Lookup)
		answer, err := s.client.PresentCard(ctx, request)
		cancel()
		if err == nil {
			return answer, nil
		}
		if failed = fmt.Errorf("tillclient: %s: %w", s.address, err); !anotherMayHelp(err) {
			break
		}
	}
	return nil, failed
}

// Watch hands over what happens at this till, from both servers, one message at a time, until ctx ends or the client is closed; it returns why. After a
// break it goes on where it was: cards that were presented meanwhile, in the last minute, follow.
func (c *Client) Watch(ctx context.Context, handle func(*tillv1.WatchTillResponse)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var one sync.Mutex
	var watches sync.WaitGroup
	for _, s := range c.servers {
		watches.Go(func() {
			var after uint64
			for ctx.Err() == nil {
				c.watchOnce(ctx, s, &after, func(m *tillv1.WatchTillResponse) {
					one.Lock()
					defer one.Unlock()
					handle(m)
				})
				select {
				case <-time.After(watchAgain):
				case <-ctx.Done():
				}
			}
		})
	}
	watches.Wait()
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// watchOnce watches one server until the stream breaks.
func (c *Client) watchOnce(ctx context.Context, s *server, after *uint64, handle func(*tillv1.WatchTillResponse)) {
	stream, err := s.client.WatchTill(ctx, &tillv1.WatchTillRequest{
		Caller: c.caller(nil), After: *after, Abilities: c.config.Abilities, StaffLanguage: c.staffLanguage(),
	})
	for err == nil {
		var m *tillv1.WatchTillResponse
		if m, err = stream.Recv(); err == nil {
			*after = max(*after, m.GetNumber())
			handle(m)
		}
	}
}
