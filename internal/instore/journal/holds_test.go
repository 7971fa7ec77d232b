package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

const quarter = 15 * time.Minute

// hold asks for a thing to be held at a moment.
func hold(tb testing.TB, j *journal.Journal, thing [16]byte, ref, till string, now time.Time) journal.HoldResult {
	tb.Helper()
	got, err := j.Hold(tb.Context(), journal.HoldRequest{Thing: thing, Hold: journal.Hold{Ref: ref, Till: till, Until: now.Add(quarter)}, Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

func holder(tb testing.TB, j *journal.Journal, thing [16]byte, now time.Time) string {
	tb.Helper()
	who := ""
	err := j.View(func(v *journal.View) error {
		h, err := v.Held(thing, now)
		if h != nil {
			who = h.Ref + " at " + h.Till
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return who
}

func TestAHoldBelongsToASale(t *testing.T) {
	path := file(t)
	j := open(t, path)
	voucher := subject(7)
	granted, again, other := journal.HoldResult{Granted: true}, journal.HoldResult{Granted: true, Replayed: true}, journal.HoldResult{Other: true}
	for i, step := range []struct {
		ref, till string
		after     time.Duration
		want      journal.HoldResult
		holder    string
	}{
		{"sale a", "1", 0, granted, "sale a at 1"},
		{"sale a", "1", time.Minute, again, "sale a at 1"},
		{"sale b", "2", 2 * time.Minute, other, "sale a at 1"},
		{"sale a", "4", 10 * time.Minute, granted, "sale a at 4"}, // recalled on another till
		{"sale b", "2", 24 * time.Minute, other, "sale a at 4"},
		{"sale b", "2", 25 * time.Minute, granted, "sale b at 2"}, // never paid
		{"sale a", "4", 26 * time.Minute, other, "sale b at 2"},
	} {
		if got := hold(t, j, voucher, step.ref, step.till, noon.Add(step.after)); got != step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
		j.Close()
		j = open(t, path)
		if got := holder(t, j, voucher, noon.Add(step.after)); got != step.holder {
			t.Errorf("step %d, after a restart: held by %q, want %q", i, got, step.holder)
		}
	}
	if held, err := j.LetGo(t.Context(), voucher, "sale a", noon.Add(26*time.Minute)); held || err != nil {
		t.Errorf("who does not hold it lets go: %v, %v", held, err)
	}
	if held, err := j.LetGo(t.Context(), voucher, "sale b", noon.Add(26*time.Minute)); !held || err != nil {
		t.Errorf("who holds it lets go: %v, %v", held, err)
	}
	if got := holder(t, j, voucher, noon.Add(26*time.Minute)); got != "" {
		t.Errorf("held by %q", got)
	}
}

func TestOneOfManyTillsGetsIt(t *testing.T) {
	j := open(t, file(t))
	got := make([]journal.HoldResult, 40)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = hold(t, j, subject(1), fmt.Sprint("sale ", i), fmt.Sprint(i), noon) })
	}
	all.Wait()
	granted := 0
	for _, one := range got {
		if one.Granted == one.Other {
			t.Errorf("%+v", one)
		}
		if one.Granted {
			granted++
		}
	}
	if granted != 1 {
		t.Errorf("%d sales hold it, want 1", granted)
	}
}

func TestARefusalHoldsNothing(t *testing.T) {
	j := open(t, file(t))
	request := journal.HoldRequest{
		Thing: subject(1), Hold: journal.Hold{Ref: "sale", Till: "1", Until: noon.Add(quarter)}, Now: noon,
		May: func(*journal.View) (bool, error) { return false, nil },
	}
	if got, err := j.Hold(t.Context(), request); err != nil || got.Granted {
		t.Errorf("%+v, %v", got, err)
	}
	broken := errors.New("no")
	request.May = func(*journal.View) (bool, error) { return true, broken }
	if _, err := j.Hold(t.Context(), request); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := holder(t, j, subject(1), noon); got != "" {
		t.Errorf("held by %q", got)
	}
}

// coupon is one given to an account.
func coupon(id, account [16]byte, until int32) *outcomev1.Coupon {
	return &outcomev1.Coupon{VoucherId: id[:], AccountId: account[:], Campaign: "return-soon", AmountMinor: 500, ValidFrom: 20527, ValidUntil: until}
}

// with is a booking that also does something to coupons.
func with(req journal.RecordRequest, rights journal.Rights) journal.RecordRequest {
	book := req.Book
	req.Book = func(v *journal.View) (*journal.Booking, error) {
		b, err := book(v)
		if b != nil {
			b.Rights = rights
		}
		return b, err
	}
	return req
}

func right(tb testing.TB, j *journal.Journal, id [16]byte) (r *journal.Right, err error) {
	tb.Helper()
	return r, j.View(func(v *journal.View) error {
		r, err = v.Right(id)
		return err
	})
}

func TestACouponIsGivenAndUsedWithItsReceipts(t *testing.T) {
	path := file(t)
	j := open(t, path)
	id, account := subject(50), subject(1)
	if _, err := right(t, j, id); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	record(t, j, with(request("1", account, 5), journal.Rights{Gives: coupon(id, account, 20540)}))
	j.Close()
	j = open(t, path)
	given, err := right(t, j, id)
	if err != nil || given.State != journal.RightOpen || given.Coupon.GetAmountMinor() != 500 {
		t.Fatalf("given: %+v, %v", given, err)
	}
	hold(t, j, id, "sale", "1", noon)
	hold(t, j, subject(51), "sale", "1", noon) // held by the same sale, and not used
	hold(t, j, subject(52), "another sale", "1", noon)
	use := with(request("2", account, 5), journal.Rights{Sets: []*journal.Right{{Coupon: given.Coupon, State: journal.RightUsed}}})
	use.Receipt.ReceiptRef = "sale"
	record(t, j, use)
	if used, err := right(t, j, id); err != nil || used.State != journal.RightUsed || string(used.By) != "key of 2" {
		t.Errorf("used: %+v, %v", used, err)
	}
	for thing, want := range map[[16]byte]string{id: "", subject(51): "", subject(52): "another sale at 1"} {
		if got := holder(t, j, thing, noon); got != want {
			t.Errorf("after the receipt: held by %q, want %q", got, want)
		}
	}
	var wallet []*journal.Right
	err = j.View(func(v *journal.View) error {
		wallet, err = v.Wallet(account)
		return err
	})
	if err != nil || len(wallet) != 1 || wallet[0].State != journal.RightUsed {
		t.Errorf("wallet: %+v, %v", wallet, err)
	}
	if err := j.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestSweepRemovesWhatIsOver(t *testing.T) {
	j := open(t, file(t))
	record(t, j, with(request("1", subject(1), 5), journal.Rights{Gives: coupon(subject(50), subject(1), 20540)}))
	record(t, j, with(request("2", subject(1), 5), journal.Rights{Gives: coupon(subject(51), subject(1), 20541)}))
	hold(t, j, subject(60), "sale a", "1", noon)
	hold(t, j, subject(61), "sale b", "1", noon.Add(time.Minute))
	if _, err := late(t, j, "1", outcomev1.Response_RESPONSE_ACCEPTED); err != nil {
		t.Fatal(err)
	}
	if n, err := j.Sweep(t.Context(), noon.Add(quarter), 20541, noon); err != nil || n != 2 { // the first hold, the first coupon
		t.Errorf("swept %d, %v; want 2", n, err)
	}
	if _, err := right(t, j, subject(50)); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the coupon that was over: %v", err)
	}
	if _, err := right(t, j, subject(51)); err != nil {
		t.Errorf("the other coupon: %v", err)
	}
	if got := holder(t, j, subject(61), noon); got == "" {
		t.Error("a hold went before its time")
	}
	if n, err := j.Sweep(t.Context(), noon, 0, noon.Add(time.Second)); err != nil || n != 1 {
		t.Errorf("swept %d, %v; want the outcome", n, err)
	}
	if err := j.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func late(tb testing.TB, j *journal.Journal, key string, response outcomev1.Response) (journal.RecordedOutcome, error) {
	tb.Helper()
	account := subject(1)
	return j.RecordOutcome(tb.Context(), []byte(key), []byte(response.String()), &outcomev1.LateOutcome{
		DecisionId: key, Kind: outcomev1.LateKind_LATE_KIND_LATE_ANSWER, AccountId: account[:], OccurredAt: timestamppb.New(noon),
		Outcome: &outcomev1.Exposure{SuggestionId: "s", Campaign: "c", Response: response},
	})
}

func TestALateOutcomeGoesUpOnce(t *testing.T) {
	path := file(t)
	j := open(t, path)
	yes, no := outcomev1.Response_RESPONSE_ACCEPTED, outcomev1.Response_RESPONSE_DECLINED
	var got []journal.RecordedOutcome
	for _, response := range []outcomev1.Response{yes, yes, no} {
		one, err := late(t, j, "1", response)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, one)
		j.Close()
		j = open(t, path)
	}
	if want := []journal.RecordedOutcome{{}, {Replayed: true}, {Another: true}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := waiting(t, j); n != 1 {
		t.Errorf("%d rows wait, want 1", n)
	}
	batch, err := j.Rows(10, 1<<20)
	if err != nil || len(batch.Rows) != 1 {
		t.Fatal(err)
	}
	if row := decode(t, batch.Rows[0]); row.GetOutcome().GetOutcome().GetResponse() != yes {
		t.Errorf("went up: %v", row)
	}
}
