package rpc

import (
	"context"
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// newValidator prepares the rules of every request the server takes, so that none is compiled while a till waits.
func (s *Server) newValidator() (protovalidate.Validator, error) {
	requests, err := s.requests()
	if err != nil {
		return nil, err
	}
	validator, err := protovalidate.New(protovalidate.WithMessages(requests...), protovalidate.WithDisableLazy())
	if err != nil {
		return nil, fmt.Errorf("rpc: prepare the rules of requests: %w", err)
	}
	return validator, nil
}

// validated refuses requests whose fields are not as the proto says, naming the fields and never their values.
func (s *Server) validated(_ context.Context, c *call, request any) error {
	if lookup, ok := request.(*tillv1.LookupRequest); ok && sound(lookup) {
		return nil
	}
	message, ok := request.(proto.Message)
	if !ok {
		return nil
	}
	err := s.validator.Validate(message)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return refuseFields(invalid)
	default:
		s.config.Logger.Error("rules of a request cannot be evaluated", "method", c.method.name, "error", err)
		return errInternal
	}
}

// mostViolations is how many wrong fields a refusal lists; whoever sends more has another problem.
const mostViolations = 20

// refuseFields lists what is wrong with a request.
func refuseFields(invalid *protovalidate.ValidationError) error {
	fields := make([]*errdetails.BadRequest_FieldViolation, 0, min(len(invalid.Violations), mostViolations))
	for _, violation := range invalid.Violations[:cap(fields)] {
		fields = append(fields, &errdetails.BadRequest_FieldViolation{
			Field:       protovalidate.FieldPathString(violation.Proto.GetField()),
			Description: violation.Proto.GetMessage(),
			Reason:      violation.Proto.GetRuleId(),
		})
	}
	text := "the request is not valid"
	if len(fields) > 0 {
		text = fmt.Sprintf("%s: %s: %s", text, fields[0].GetField(), fields[0].GetDescription())
	}
	return Refuse(codes.InvalidArgument, ReasonInvalid, text, &errdetails.BadRequest{FieldViolations: fields})
}
