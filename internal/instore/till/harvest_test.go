package till_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// The seventh phone number in a minute is refused, at this till alone; cards go on, and so do receipts.
func TestLookupHarvest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(till, number string) error {
		_, err := w.service.Lookup(context.Background(), &tillv1.LookupRequest{
			Caller: &tillv1.Caller{Till: till}, Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: number}}},
		})
		return err
	}
	for i, number := range []string{"06-12345678", "+31 6 1234 5678", "0031612345678", "0612345679", "0612345680", "06 12345681"} {
		w.wait(time.Second)
		if err := ask("3", number); err != nil {
			t.Fatalf("lookup %d: %v", i+1, err)
		}
	}
	err := ask("3", "0612345682")
	if status.Code(err) != codes.ResourceExhausted {
		t.Fatalf("the seventh: %v", err)
	}
	reason, wait := "", time.Duration(0)
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.RetryInfo:
			wait = d.GetRetryDelay().AsDuration()
		}
	}
	if reason != "CONTACT_RATE" || wait != 55*time.Second {
		t.Errorf("refused for %q, again after %v; want CONTACT_RATE after 55 s", reason, wait)
	}
	if err := ask("4", "0612345682"); err != nil {
		t.Errorf("another till: %v", err)
	}
	if err := ask("3", cardRegular); err != nil {
		t.Errorf("a card: %v", err)
	}
	w.record(receipt("1", "0612345678", line(1, "450", 1, 1000)))
	_, err = w.service.PresentCard(context.Background(), &tillv1.PresentCardRequest{
		Caller: &tillv1.Caller{Till: "3"}, Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: "0612345682"}},
	})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("at the tablet beside it: %v", err)
	}
	w.wait(55 * time.Second)
	if err := ask("3", "0612345682"); err != nil {
		t.Errorf("when the first is a minute old: %v", err)
	}
	if err := ask("3", "0612345682"); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("and once more at once: %v", err)
	}
}
