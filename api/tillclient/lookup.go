package tillclient

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Answer is what a lookup came to: a server's, or one made here.
type Answer struct {
	// LookupResponse is never nil. Of an answer made here only the texts are set.
	*tillv1.LookupResponse
	// Offline is set when no server answered. The sale goes on; the card goes onto the receipt all the same.
	Offline bool
	// Why says why no server answered; nil otherwise. For the till's log.
	Why error
	// Server is the address of the server that answered, empty when none did.
	Server string
	// Took is how long the till waited.
	Took time.Duration
}

var (
	errLeftAlone   = errors.New("tillclient: the servers did not answer before, and are tried again in a later sale")
	errTillGaveUp  = errors.New("tillclient: the till gave up waiting")
	errNoneAnswers = errors.New("tillclient: no server answers")
)

// LeftAlone reports whether no server was asked because all of them had not answered before: what Answer.Why says then.
func LeftAlone(why error) bool { return errors.Is(why, errLeftAlone) }

// Scanned returns a request about what a scanner read, as it came.
func Scanned(raw []byte) *tillv1.LookupRequest {
	return &tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{
		Value: &tillv1.Identifier_Raw{Raw: raw}, EntryMode: tillv1.EntryMode_ENTRY_MODE_SCANNED,
	}}}
}

// Keyed returns a request about what a cashier typed.
func Keyed(text string) *tillv1.LookupRequest {
	return &tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{
		Value: &tillv1.Identifier_Text{Text: text}, EntryMode: tillv1.EntryMode_ENTRY_MODE_KEYED,
	}}}
}

// Lookup asks who the customer is and what to say. Caller, receipt_ref, abilities and language are filled in where the request leaves them
// out. It returns within Timing.Lookup, sooner when ctx ends, always with an answer.
func (s *Sale) Lookup(ctx context.Context, request *tillv1.LookupRequest) Answer {
	begin := time.Now()
	answer := s.ask(ctx, s.complete(request))
	answer.Took = time.Since(begin)
	return answer
}

// complete fills in what the request leaves out.
func (s *Sale) complete(request *tillv1.LookupRequest) *tillv1.LookupRequest {
	request = proto.CloneOf(request)
	request.Caller = s.client.caller(request.GetCaller())
	if request.GetReceiptRef() == "" {
		request.ReceiptRef = s.ref
	}
	if request.GetAbilities() == nil {
		request.Abilities = s.client.config.Abilities
	}
	if request.GetStaffLanguage() == "" {
		request.StaffLanguage = s.client.staffLanguage()
	}
	return request
}

// result is what one server said.
type result struct {
	server   *server
	response *tillv1.LookupResponse
	err      error
}

// ask asks the server, and the standby when that fails or takes long, and returns the first answer.
func (s *Sale) ask(ctx context.Context, request *tillv1.LookupRequest) Answer {
	var turn []*server
	for _, server := range s.client.servers {
		if server.breaker.allows(s.number) {
			turn = append(turn, server)
		}
	}
	if len(turn) == 0 {
		return s.offline(errLeftAlone)
	}
	deadline := time.Now().Add(s.client.timing.Lookup)
	hedge := time.NewTimer(s.client.timing.Hedge)
	defer hedge.Stop()
	results := make(chan result, len(turn))
	asked, failed := 0, 0
	next := func() {
		if asked < len(turn) {
			s.askOne(turn[asked], request, deadline, results)
			asked++
		}
	}
	next()
	why := errNoneAnswers
	for failed < asked {
		select {
		case r := <-results:
			if r.err == nil {
				return Answer{LookupResponse: r.response, Server: r.server.address}
			}
			why = r.err
			failed++
			if anotherMayHelp(r.err) {
				next()
			}
		case <-hedge.C:
			next()
		case <-ctx.Done():
			return s.offline(errors.Join(errTillGaveUp, ctx.Err()))
		}
	}
	return s.offline(why)
}

// askOne asks one server. The call runs to the deadline even when another server has answered meanwhile: only so does the till learn that
// this one no longer answers at all. A server that was asked late is not blamed for the little time it had.
func (s *Sale) askOne(server *server, request *tillv1.LookupRequest, deadline time.Time, results chan<- result) {
	fair := time.Until(deadline) >= s.client.timing.Lookup/2
	started := s.client.start(func() {
		ctx, cancel := context.WithDeadline(s.client.ctx, deadline)
		defer cancel()
		response, err := server.client.Lookup(ctx, request)
		switch {
		case err == nil:
			server.breaker.answered()
		case status.Code(err) == codes.DeadlineExceeded && fair:
			server.breaker.timedOut(s.number)
		}
		results <- result{server: server, response: response, err: err}
	})
	if !started {
		results <- result{server: server, err: ErrClosed}
	}
}

// anotherMayHelp reports whether the other server could answer where one failed: not when it is the request that is wrong.
func anotherMayHelp(err error) bool {
	code := status.Code(err)
	return code != codes.InvalidArgument && code != codes.Unimplemented
}

// offline returns the answer for when nobody answered: go on, points follow.
func (s *Sale) offline(why error) Answer {
	response := new(tillv1.LookupResponse)
	response.Staff, response.CustomerDisplay, response.Receipt = pointsFollow(languageOf(s.client.config.Language))
	return Answer{LookupResponse: response, Offline: true, Why: why}
}
