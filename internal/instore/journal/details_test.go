package journal_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

func TestDetailsAreKeptOnceAndGoUp(t *testing.T) {
	j := open(t, file(t))
	account, card := subject(1), subject(2)
	email := &outcomev1.SubmittedDetails{
		AccountId: account[:], Kind: outcomev1.DetailKind_DETAIL_KIND_EMAIL, Sealed: []byte("sealed"), OccurredAt: timestamppb.New(noon),
	}
	later := proto.CloneOf(email)
	later.OccurredAt = timestamppb.New(noon.Add(time.Second))
	phone := proto.CloneOf(email)
	phone.Kind = outcomev1.DetailKind_DETAIL_KIND_PHONE
	ofCard := proto.CloneOf(email)
	ofCard.AccountId, ofCard.IdHash = nil, card[:]
	for _, d := range []*outcomev1.SubmittedDetails{email, later, phone, ofCard} {
		for i := range 2 {
			d.Sealed = append(d.Sealed, byte(i)) // sealed anew each time it is sent
			if replayed, err := j.KeepDetails(t.Context(), proto.CloneOf(d)); err != nil || replayed != (i > 0) {
				t.Errorf("time %d of %v: replayed %v, %v", i, d, replayed, err)
			}
		}
	}
	if n := waiting(t, j); n != 4 {
		t.Errorf("%d rows wait, want 4", n)
	}
	if _, err := j.KeepDetails(t.Context(), &outcomev1.SubmittedDetails{Kind: 1, Sealed: []byte("x"), OccurredAt: timestamppb.New(noon)}); err == nil {
		t.Error("details of nobody are kept")
	}
	deliver(t, j)
	if n := prune(t, j, 4); n != 4 {
		t.Errorf("pruned %d rows, want 4", n)
	}
	if replayed, err := j.KeepDetails(t.Context(), email); err != nil || replayed {
		t.Errorf("after its row went: replayed %v, %v", replayed, err)
	}
}
