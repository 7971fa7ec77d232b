package instore_test

import (
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// refusal is what a till reads of an error: its code, its reason, the fields that are wrong, when to try again.
func refusal(err error) (code codes.Code, reason string, fields int, again time.Duration) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == "stamklant" {
				reason = detail.GetReason()
			}
		case *errdetails.BadRequest:
			fields = len(detail.GetFieldViolations())
		case *errdetails.RetryInfo:
			again = detail.GetRetryDelay().AsDuration()
		}
	}
	return status.Code(err), reason, fields, again
}

// TestWhatAStoreRefusesWith: the refusals of a whole server, over a socket.
func TestWhatAStoreRefusesWith(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 10)
	e := h.enrol("s01-a")
	h.publish()
	s := serve(t, e, filepath.Join(t.TempDir(), "data"))
	caller := &tillv1.Caller{Till: "1", Store: "s01"}
	card := &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardNumber}}
	lookup := func(c tillv1.CheckoutServiceClient, caller *tillv1.Caller) error {
		_, err := c.Lookup(t.Context(), &tillv1.LookupRequest{Caller: caller, Customer: &tillv1.LookupRequest_Identifier{Identifier: card}})
		return err
	}
	is := func(name string, err error, code codes.Code, reason string, fields int, again bool) {
		t.Helper()
		gotCode, gotReason, gotFields, after := refusal(err)
		if gotCode != code || gotReason != reason || gotFields != fields || (after > 0) != again {
			t.Errorf("%s: %v (reason %q, %d fields, again after %v); want %v with %s", name, err, gotReason, gotFields, after, code, reason)
		}
	}
	health := grpc_health_v1.NewHealthClient(s.dial(""))
	if answer, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health before the first release: %v, %v", answer, err)
	}
	is("before the first release", lookup(s.till, caller), codes.FailedPrecondition, "NO_RELEASE", 0, false)
	s.push(h)
	is("another store", lookup(s.till, &tillv1.Caller{Till: "1", Store: "s02"}), codes.FailedPrecondition, "WRONG_STORE", 0, false)
	is("no till", lookup(s.till, &tillv1.Caller{}), codes.InvalidArgument, "INVALID", 1, false)
	is("no token", lookup(tillv1.NewCheckoutServiceClient(s.dial("")), caller), codes.Unauthenticated, "NO_TOKEN", 0, false)
	is("a token of nobody", lookup(tillv1.NewCheckoutServiceClient(s.dial("nobody's token")), caller), codes.Unauthenticated, "NO_TOKEN", 0, false)
	is("head office's token", lookup(tillv1.NewCheckoutServiceClient(s.dial(e.GetSyncToken())), caller), codes.PermissionDenied, "ROLE", 0, false)
	s.mustSell("1", 10)
	_, err := s.sell("1", 11)
	is("the same key, another total", err, codes.AlreadyExists, "RECEIPT_CONFLICT", 0, false)
	_, err = s.till.RecordReceipt(t.Context(), &tillv1.RecordReceiptRequest{Caller: caller, Receipt: &outcomev1.Receipt{
		Key:  &outcomev1.ReceiptKey{Store: "s01", Till: "1", BusinessDate: "2026-02-30", ReceiptNo: "2"},
		Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR",
	}})
	is("the thirtieth of February", err, codes.InvalidArgument, "INVALID_RECEIPT", 0, false)
	for range 20 { // five a second, ten at once
		if _, err = s.till.Explain(t.Context(), &tillv1.ExplainRequest{Caller: caller, Customer: &tillv1.ExplainRequest_Identifier{Identifier: card}}); err != nil {
			break
		}
	}
	is("too often", err, codes.ResourceExhausted, "RATE", 0, true)
}
