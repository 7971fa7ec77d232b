package dock

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// When a job may try again: a release takes seconds to minutes to apply, a disk longer to be cleared.
const (
	afterApply = 5 * time.Second
	afterSpace = time.Minute
)

// refusals are the errors a job can act on, the most telling first.
var refusals = []struct {
	is     error
	code   codes.Code
	reason string
	retry  time.Duration
}{
	{replica.ErrApplying, codes.Unavailable, "APPLYING", afterApply},
	{replica.ErrNotOffered, codes.FailedPrecondition, "NOT_OFFERED", 0},
	{replica.ErrOffset, codes.OutOfRange, "WRONG_OFFSET", 0},
	{replica.ErrNoSpace, codes.ResourceExhausted, "NO_SPACE", afterSpace},
	{replica.ErrProgramme, codes.FailedPrecondition, "PROGRAMME", 0},
	{bundle.ErrSignature, codes.InvalidArgument, "SIGNATURE", 0},
	{bundle.ErrWrongChain, codes.FailedPrecondition, "WRONG_CHAIN", 0},
	{bundle.ErrWrongServer, codes.FailedPrecondition, "WRONG_SERVER", 0},
	{bundle.ErrOlder, codes.FailedPrecondition, "OLDER", 0},
	{bundle.ErrSameVersion, codes.FailedPrecondition, "SAME_VERSION", 0},
	{bundle.ErrTooFar, codes.FailedPrecondition, "TOO_FAR", 0},
	{bundle.ErrFormat, codes.FailedPrecondition, "NEWER_FORMAT", 0},
	{bundle.ErrTooLarge, codes.InvalidArgument, "TOO_LARGE", 0},
	{bundle.ErrWrongKey, codes.InvalidArgument, "WRONG_KEY", 0},
	{bundle.ErrDoesNotFit, codes.OutOfRange, "DOES_NOT_FIT", 0},
	{bundle.ErrDamaged, codes.InvalidArgument, "DAMAGED", 0},
	{journal.ErrRollback, codes.FailedPrecondition, "OLDER", 0},
	{journal.ErrFull, codes.ResourceExhausted, "JOURNAL_FULL", afterSpace},
	{journal.ErrUnavailable, codes.Unavailable, "JOURNAL_UNAVAILABLE", afterApply},
	{journal.ErrClosed, codes.Unavailable, "DRAINING", afterApply},
	{journal.ErrDamaged, codes.DataLoss, "JOURNAL_DAMAGED", 0},
	{outbox.ErrSettle, codes.InvalidArgument, "SETTLE", 0},
}

// toStatus is the one place where an error becomes what a job sees. Jobs run at head office: they are told everything.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, is := status.FromError(err); is {
		return err
	}
	for _, r := range refusals {
		if errors.Is(err, r.is) {
			return refuse(r.code, r.reason, err, r.retry)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	return err // the outermost interceptor answers Internal
}

func refuse(code codes.Code, reason string, err error, retry time.Duration) error {
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: "stamklant"}}
	if retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retry)})
	}
	st, failed := status.New(code, err.Error()).WithDetails(details...)
	if failed != nil { // only for code OK
		return status.Error(code, err.Error())
	}
	return st.Err()
}
