package instore

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// forAudience takes what is for staff alone out of answers to tills at which customers serve themselves.
type forAudience struct{ tillv1.CheckoutServiceServer }

// Lookup answers without the cashier's words, the segment and reasons where customers read along.
func (f forAudience) Lookup(ctx context.Context, request *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	answer, err := f.CheckoutServiceServer.Lookup(ctx, request)
	if err != nil || staffReads(ctx) {
		return answer, err
	}
	return publicAnswer(answer), nil
}

// WatchTill tells of cards with the same answers.
func (f forAudience) WatchTill(request *tillv1.WatchTillRequest, stream grpc.ServerStreamingServer[tillv1.WatchTillResponse]) error {
	if !staffReads(stream.Context()) {
		stream = publicStream{stream}
	}
	return f.CheckoutServiceServer.WatchTill(request, stream)
}

func staffReads(ctx context.Context) bool {
	caller, ok := rpc.PrincipalOf(ctx)
	return ok && caller.ForStaff()
}

// publicAnswer is the answer without what customers must not read. The one given is left as it is: others may hold it.
func publicAnswer(answer *tillv1.LookupResponse) *tillv1.LookupResponse {
	if answer == nil {
		return nil
	}
	answer = proto.CloneOf(answer)
	answer.Staff, answer.Segment = nil, nil
	if answer.GetSuggestion() != nil {
		answer.Suggestion.Reasons = nil
	}
	return answer
}

// publicStream sends only what customers may read.
type publicStream struct {
	grpc.ServerStreamingServer[tillv1.WatchTillResponse]
}

// Send sends a message.
func (s publicStream) Send(message *tillv1.WatchTillResponse) error {
	if answer := message.GetCard().GetAnswer(); answer != nil {
		message = proto.CloneOf(message)
		message.GetCard().Answer = publicAnswer(answer)
	}
	return s.ServerStreamingServer.Send(message)
}
