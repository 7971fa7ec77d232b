package rpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// domain is the ErrorInfo domain of every refusal.
const domain = "stamklant"

// The reasons this package refuses calls for, as google.rpc.ErrorInfo carries them.
const (
	// ReasonNoToken says that no bearer token came, or one nobody knows.
	ReasonNoToken = "NO_TOKEN"
	// ReasonRole says that this role may not call this method.
	ReasonRole = "ROLE"
	// ReasonOtherTill says that the token belongs to another till than the request names.
	ReasonOtherTill = "OTHER_TILL"
	// ReasonTooLarge says that the request is larger than the method allows.
	ReasonTooLarge = "TOO_LARGE"
	// ReasonInvalid says that fields are wrong; BadRequest lists them.
	ReasonInvalid = "INVALID"
	// ReasonRate says that this caller calls too often.
	ReasonRate = "RATE"
	// ReasonOverload says that the server has too much to do.
	ReasonOverload = "OVERLOAD"
	// ReasonHandshake is counted for connections that were refused: no certificate, or not one of ours. Nobody is told it in an answer.
	ReasonHandshake = "HANDSHAKE"
	// ReasonInternal says that the fault is ours.
	ReasonInternal = "INTERNAL"
)

// Refuse returns a gRPC status with code, text and a google.rpc.ErrorInfo with reason. The text reaches the caller: it names what to do
// and nothing internal.
func Refuse(code codes.Code, reason, text string, details ...protoadapt.MessageV1) error {
	st, err := status.New(code, text).WithDetails(append([]protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: reason, Domain: domain},
	}, details...)...)
	if err != nil { // only for code OK or details that do not marshal
		return status.Error(code, text)
	}
	return st.Err()
}

// RefuseFor returns RESOURCE_EXHAUSTED with the time after which to try again.
func RefuseFor(reason, text string, after time.Duration) error {
	return Refuse(codes.ResourceExhausted, reason, text, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
}

// errInternal is all a caller learns of a fault of ours; the log has the rest.
var errInternal = Refuse(codes.Internal, ReasonInternal, "something went wrong in the server; its log has more")

// settle turns what a handler returned into what the caller may see: a status as it is, an ended context as its status, and anything
// else as Internal with a fixed text, so that no error of ours leaves the machine. It reports whether err was hidden that way.
func settle(err error) (hidden bool, settled error) {
	var carrier interface{ GRPCStatus() *status.Status }
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &carrier):
		if st := carrier.GRPCStatus(); st.Code() != codes.OK {
			return false, st.Err()
		}
		return true, errInternal
	case errors.Is(err, context.DeadlineExceeded):
		return false, status.FromContextError(context.DeadlineExceeded).Err()
	case errors.Is(err, context.Canceled):
		return false, status.FromContextError(context.Canceled).Err()
	default:
		return true, errInternal
	}
}
