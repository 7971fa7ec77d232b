package tillclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Recorded is what recording a receipt came to.
type Recorded struct {
	// RecordReceiptResponse is never nil. While the receipt waits only the texts are set, and nothing when it is refused.
	*tillv1.RecordReceiptResponse
	// Waiting is set while no server has acknowledged the receipt. It is in the outbox and will be sent.
	Waiting bool
	// Refused is set when no server will ever take the receipt; see Config.OnRefused.
	Refused bool
	// Why says why it waits or was refused, as far as known; nil otherwise. For the till's log.
	Why error
}

// Record keeps a receipt and has it sent. It returns once a server has acknowledged it, or after Timing.Printer, or when ctx ends; in the
// latter two cases the receipt waits, and is sent in the background until it is acknowledged. Receipts kept before it go first.
//
// receipt_ref, caller, abilities and language are filled in where the request leaves them out. The error is not nil only when the receipt
// could not be kept: ErrOutboxFull, ErrNoOutbox, ErrClosed, or the disk's own.
func (s *Sale) Record(ctx context.Context, request *tillv1.RecordReceiptRequest) (Recorded, error) {
	c := s.client
	if c.sender == nil {
		return Recorded{}, ErrNoOutbox
	}
	request = proto.CloneOf(request)
	request.Caller = c.caller(request.GetCaller())
	if receipt := request.GetReceipt(); receipt != nil && receipt.GetReceiptRef() == "" {
		receipt.ReceiptRef = s.ref
	}
	if request.GetAbilities() == nil {
		request.Abilities = c.config.Abilities
	}
	if request.GetStaffLanguage() == "" {
		request.StaffLanguage = c.staffLanguage()
	}
	end, err := c.sender.add(request)
	if err != nil {
		return Recorded{}, err
	}
	printer := time.NewTimer(c.timing.Printer)
	defer printer.Stop()
	select {
	case r := <-end:
		return r, nil
	case <-printer.C:
		return c.waits(nil), nil
	case <-ctx.Done():
		return c.waits(ctx.Err()), nil
	case <-c.ctx.Done():
		return c.waits(ErrClosed), nil
	}
}

// Waiting returns how many receipts no server has acknowledged yet.
func (c *Client) Waiting() int {
	if c.sender == nil {
		return 0
	}
	return c.sender.count()
}

// waits returns what there is to print while a receipt waits.
func (c *Client) waits(why error) Recorded {
	response := new(tillv1.RecordReceiptResponse)
	response.Staff, response.CustomerDisplay, response.Receipt = pointsFollow(languageOf(c.config.Language))
	return Recorded{RecordReceiptResponse: response, Waiting: true, Why: why}
}

// sender sends what waits in the outbox, one receipt at a time, in order.
type sender struct {
	client *Client
	wake   chan struct{} // holds one; filled when there is something to send

	mu     sync.Mutex
	outbox *outbox
	ends   []chan Recorded // one per waiting receipt, nil for those of an earlier run
	// firstFailed is when the first server last failed; it is left alone for a while, so that not every receipt waits for it.
	firstFailed time.Time
}

func newSender(c *Client, o *outbox) *sender {
	s := &sender{client: c, outbox: o, wake: make(chan struct{}, 1), ends: make([]chan Recorded, len(o.waiting))}
	s.wake <- struct{}{}
	return s
}

// add keeps a receipt and returns the channel on which its end is told.
func (s *sender) add(request *tillv1.RecordReceiptRequest) (<-chan Recorded, error) {
	content, err := proto.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("tillclient: receipt: %w", err)
	}
	end := make(chan Recorded, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if err := s.outbox.add(content); err != nil {
		return nil, err
	}
	s.ends = append(s.ends, end)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return end, nil
}

// count returns how many receipts wait.
func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outbox.waiting)
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for s.sendOldest(ctx) {
		}
	}
}

// sendOldest sends the receipt that waits longest until it is taken or refused; false when none waits or ctx has ended.
func (s *sender) sendOldest(ctx context.Context) bool {
	s.mu.Lock()
	content := s.outbox.oldest()
	s.mu.Unlock()
	if content == nil {
		return false
	}
	request := new(tillv1.RecordReceiptRequest)
	if err := proto.Unmarshal(content, request); err != nil {
		return s.refuse(content, request, err)
	}
	for pause := firstBackoff; ; pause = min(2*pause, s.client.timing.Backoff) {
		response, err := s.deliver(ctx, request)
		switch {
		case err == nil:
			s.settle(Recorded{RecordReceiptResponse: response})
			return true
		case ctx.Err() != nil:
			return false
		case final(err):
			return s.refuse(content, request, err)
		}
		if !rest(ctx, pause/2+rand.N(pause/2+1)) { //nolint:gosec // spreads tills that try again; nothing to guess
			return false
		}
	}
}

// rest waits; false when ctx ended first.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliver sends a receipt to one server, and to the other only when that failed.
func (s *sender) deliver(ctx context.Context, request *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	order := s.client.servers
	if len(order) == 2 && time.Since(s.firstFailed) < s.client.timing.Backoff {
		order = []*server{order[1], order[0]}
	}
	var failed error
	for _, server := range order {
		attempt, cancel := context.WithTimeout(ctx, s.client.timing.Receipt)
		response, err := server.client.RecordReceipt(attempt, request)
		cancel()
		if err == nil || final(err) {
			return response, err
		}
		if server == s.client.servers[0] {
			s.firstFailed = time.Now()
		}
		failed = fmt.Errorf("tillclient: %s: %w", server.address, err)
	}
	return nil, failed
}

// final reports whether sending again is in vain: the receipt breaks the rules, or another stands under its key.
func final(err error) bool {
	code := status.Code(err)
	return code == codes.InvalidArgument || code == codes.AlreadyExists
}

// refuse puts the oldest receipt aside and goes on with the next; false when even that is impossible, so that it waits for another start.
func (s *sender) refuse(content []byte, request *tillv1.RecordReceiptRequest, why error) bool {
	if err := s.outbox.putAside(content); err != nil {
		return false
	}
	s.settle(Recorded{RecordReceiptResponse: new(tillv1.RecordReceiptResponse), Refused: true, Why: why})
	if s.client.config.OnRefused != nil {
		s.client.config.OnRefused(request, why)
	}
	return true
}

// settle takes the oldest receipt out of the outbox and tells whoever waits for it. When the disk fails the receipt is sent again after a
// restart, which servers recognise.
func (s *sender) settle(r Recorded) {
	s.mu.Lock()
	failed := s.outbox.done()
	end := s.ends[0]
	s.ends = s.ends[1:]
	s.mu.Unlock()
	if r.Why == nil {
		r.Why = failed
	}
	if end != nil {
		end <- r
	}
}
