package till

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// What a till's question can fail with.
var (
	// errNoRelease is returned before the first release serves.
	errNoRelease = errors.New("this server has no release yet; it serves as soon as the first has come from head office")
	// errWrongStore is returned to a till of another store.
	errWrongStore = errors.New("wrong store")
	// errConflict is returned for a receipt under whose key another one stands.
	errConflict = errors.New("another receipt was recorded under this key; the first stands, and head office has been told")
	// errLaneMoved is returned by a booking that was begun before the lane's newest word; it is begun anew.
	errLaneMoved = fmt.Errorf("%w: head office said something urgent meanwhile", journal.ErrUnavailable)
	// errInvalid is returned for a receipt that says something impossible.
	errInvalid = errors.New("invalid receipt")
)

// domain names who gives the reasons.
const domain = "stamklant"

// retryAfter is when a till may try again what failed for want of room or for a moment.
const retryAfter = 2 * time.Second

// toStatus is the one place where an error becomes what a till sees.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, is := status.FromError(err); is {
		return err
	}
	var answer *answerError
	switch {
	case errors.As(err, &answer):
		return withReason(codes.InvalidArgument, "INVALID_ANSWER", err, answer.violation())
	case errors.Is(err, errNoRelease):
		return withReason(codes.FailedPrecondition, "NO_RELEASE", err)
	case errors.Is(err, errWrongStore):
		return withReason(codes.FailedPrecondition, "WRONG_STORE", err)
	case errors.Is(err, errNoDetailsKey):
		return withReason(codes.FailedPrecondition, "NO_DETAILS_KEY", err)
	case errors.Is(err, errConflict):
		return withReason(codes.AlreadyExists, "RECEIPT_CONFLICT", err)
	case errors.Is(err, errInvalid):
		return withReason(codes.InvalidArgument, "INVALID_RECEIPT", err)
	case errors.Is(err, errHarvest):
		return withReason(codes.ResourceExhausted, "CONTACT_RATE", err, retryIn(err))
	case errors.Is(err, errTooManyTills):
		return withReason(codes.ResourceExhausted, "TOO_MANY_TILLS", err, retry())
	case errors.Is(err, errTooManyWatch):
		return withReason(codes.Unavailable, "TOO_MANY_WATCH", err, retry())
	case errors.Is(err, errWatchEnds):
		return withReason(codes.Unavailable, "WATCH_ENDS", err, retry())
	case errors.Is(err, journal.ErrFull):
		return withReason(codes.ResourceExhausted, "JOURNAL_FULL", err, retry())
	case errors.Is(err, journal.ErrUnavailable), errors.Is(err, journal.ErrClosed):
		return withReason(codes.Unavailable, "JOURNAL_UNAVAILABLE", err, retry())
	case errors.Is(err, generation.ErrClosed):
		return withReason(codes.Unavailable, "DRAINING", err, retry())
	case errors.Is(err, generation.ErrDamaged):
		return withReason(codes.DataLoss, "RECORD_DAMAGED", err)
	case errors.Is(err, journal.ErrDamaged):
		return withReason(codes.DataLoss, "JOURNAL_DAMAGED", err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	return err // the outermost interceptor answers Internal
}

func retry() *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}
}

// retryIn is when a till that guessed too often may go on.
func retryIn(err error) *errdetails.RetryInfo {
	var harvest *harvestError
	if !errors.As(err, &harvest) {
		return retry()
	}
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(harvest.after)}
}

// withReason is a status with its reason in words a program can read.
func withReason(code codes.Code, reason string, err error, more ...protoadapt.MessageV1) error {
	s := status.New(code, err.Error())
	details := append([]protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: domain}}, more...)
	if detailed, err := s.WithDetails(details...); err == nil {
		s = detailed
	}
	return s.Err()
}
