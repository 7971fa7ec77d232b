package tillclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Reserved is what became of a reservation.
type Reserved struct {
	// ReserveResponse is never nil. Its result is RESERVE_RESULT_UNSPECIFIED when no server answered.
	*tillv1.ReserveResponse
	// Server is the address of the server that answered; empty when none did.
	Server string
	// Why says why none answered; nil otherwise. For the till's log.
	Why error
}

// Held reports whether the sale holds the thing. Only then may the till give it: without an answer nothing is given, because another till may be giving
// it at this moment.
func (r Reserved) Held() bool { return r.GetResult() == tillv1.ReserveResult_RESERVE_RESULT_RESERVED }

// Reserve holds something scarce for the sale before it is paid: a voucher or coupon, an offer of which a customer has only so many, points. It takes at
// most Timing.Reserve. What a server gave, that server holds: the other is asked only when the first fails, or says that it is not its own.
// A hold ends with the sale's receipt, with Release, or after 15 minutes.
//
// receipt_ref, caller, abilities and language are filled in where the request leaves them out.
func (s *Sale) Reserve(ctx context.Context, request *tillv1.ReserveRequest) Reserved {
	c := s.client
	request = proto.CloneOf(request)
	request.Caller = c.caller(request.GetCaller())
	if request.GetReceiptRef() == "" {
		request.ReceiptRef = s.ref
	}
	if request.GetAbilities() == nil {
		request.Abilities = c.config.Abilities
	}
	if request.GetStaffLanguage() == "" {
		request.StaffLanguage = c.staffLanguage()
	}
	out := Reserved{ReserveResponse: new(tillv1.ReserveResponse)}
	out.Why = c.inTurn(ctx, c.timing.Reserve, func(ctx context.Context, server *server) (bool, error) {
		response, err := server.client.Reserve(ctx, request)
		if err != nil {
			return false, err
		}
		out.ReserveResponse, out.Server = response, server.address
		return response.GetResult() != tillv1.ReserveResult_RESERVE_RESULT_NOT_HERE, nil
	})
	if out.Server != "" {
		out.Why = nil
	}
	return out
}

// Release lets go of what the sale holds, at whichever server holds it. It takes at most Timing.Reserve. The error is not nil when no server answered
// that it is free; then it is free after 15 minutes.
func (s *Sale) Release(ctx context.Context, request *tillv1.ReleaseRequest) error {
	c := s.client
	request = proto.CloneOf(request)
	request.Caller = c.caller(request.GetCaller())
	if request.GetReceiptRef() == "" {
		request.ReceiptRef = s.ref
	}
	return c.inTurn(ctx, c.timing.Reserve, func(ctx context.Context, server *server) (bool, error) {
		response, err := server.client.Release(ctx, request)
		return response.GetResult() == tillv1.ReleaseResult_RELEASE_RESULT_RELEASED, err
	})
}

// RecordOutcome tells what came of a suggestion after its receipt: a late answer or a correction. It takes at most Timing.Outcome for each server, and
// may be called again with the same until one took it: it counts once. The error is the last server's.
func (c *Client) RecordOutcome(ctx context.Context, request *tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
	request = proto.CloneOf(request)
	request.Caller = c.caller(request.GetCaller())
	failed := ErrClosed
	for _, server := range c.servers {
		attempt, cancel := context.WithTimeout(ctx, c.timing.Outcome)
		response, err := server.client.RecordOutcome(attempt, request)
		cancel()
		if err == nil || final(err) {
			return response, err
		}
		failed = fmt.Errorf("tillclient: %s: %w", server.address, err)
	}
	return nil, failed
}

// inTurn asks one server after the other within a time, until one has settled the matter. The error is nil as soon as one answered, settled or not.
func (c *Client) inTurn(ctx context.Context, within time.Duration, ask func(ctx context.Context, server *server) (settled bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	failed := error(nil)
	answered := false
	for _, server := range c.servers {
		settled, err := ask(ctx, server)
		switch {
		case err == nil && settled:
			return nil
		case err == nil:
			answered = true
		default:
			failed = errors.Join(failed, fmt.Errorf("tillclient: %s: %w", server.address, err))
			if !anotherMayHelp(err) {
				return failed
			}
		}
	}
	if answered {
		return nil
	}
	return failed
}
