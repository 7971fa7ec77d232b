package main_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// counter is a shop with head office and two servers of its own, so that what is said at one can be seen at the other.
type counter struct {
	home string
	head *process
	data [2]string
	file [2]string // enrolments
	a, b *till
	one  *process
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{}
	c.home, _ = shop(t)
	importOwn(t, c.home)
	office(t, c.home, 0, "score")
	c.head = start(t, "stamklant-office", "--data", c.home, "serve", "--listen", "127.0.0.1:0")
	for i, name := range []string{"k1-x", "k1-y"} {
		c.file[i] = filepath.Join(t.TempDir(), name+".json")
		office(t, c.home, 0, "keys", "server", name, "--store", "k1", "--office", c.head.addr, "--out", c.file[i])
		c.data[i] = t.TempDir()
	}
	office(t, c.home, 0, "publish")
	c.one, c.a = serveStore(t, c.file[0], c.data[0])
	_, c.b = serveStore(t, c.file[1], c.data[1])
	released(t, c.a, 1)
	released(t, c.b, 1)
	return c
}

const cardOfMine = "2900123456785"

// told sends something a customer said.
func (c *till) told(change func(*tillv1.SetPreferenceRequest)) *tillv1.SetPreferenceResponse {
	c.t.Helper()
	request := &tillv1.SetPreferenceRequest{
		Caller: c.caller(), OccurredAt: timestamppb.New(time.Now()), StaffLanguage: "en",
		Customer: &tillv1.SetPreferenceRequest_Identifier{Identifier: scanned(cardOfMine)},
	}
	change(request)
	answer, err := c.SetPreference(c.t.Context(), request)
	if err != nil {
		c.t.Fatalf("set preference: %v", err)
	}
	return answer
}

// An objection at the counter holds at the next till at once and after a power cut, at head office and in the other store within one cycle; points
// go on.
func TestScenario08ObjectionAtTheCounter(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	if before := c.a.card(cardOfMine); before.GetSegment().GetCode() != "champions" || before.GetSuggestion().GetPrompt() == nil {
		t.Fatalf("before: %v", before)
	}
	got := c.a.told(func(r *tillv1.SetPreferenceRequest) {
		r.Wish = &tillv1.SetPreferenceRequest_Object{Object: outcomev1.Purpose_PURPOSE_ALL}
	})
	if !got.GetRecorded() || strings.Join(got.GetStaff().GetLines(), "|") != "Recorded: no more personal offers" {
		t.Errorf("answered %v", got)
	}
	silent := func(where string, c *till) {
		t.Helper()
		after := c.card(cardOfMine)
		if after.GetSegment() != nil || after.GetSuggestion().GetPrompt() != nil || after.GetSuggestion().GetOffer() != nil || after.GetLoyalty().GetPointsAvailable() < 1245 {
			t.Errorf("%s: %v", where, after)
		}
	}
	other := newTill(t, c.one.addr, c.data[0], "k1", "2")
	silent("at the next till", other)
	c.one.kill()
	c.one, c.a = serveStore(t, c.file[0], c.data[0])
	released(t, c.a, 1)
	silent("after a power cut", c.a)
	if booked := c.a.record(c.a.sale(cardOfMine, "1", 1000, "EUR")); booked.GetPoints() != 10 {
		t.Errorf("points: %v", booked)
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	office(t, c.home, 0, "score")
	scores := filepath.Join(t.TempDir(), "scores.csv")
	office(t, c.home, 0, "export", "scores", scores)
	text, err := os.ReadFile(scores)
	if err != nil || strings.Contains(string(text), "champions") || !strings.Contains(string(text), "hibernating") {
		t.Errorf("head office has scores after the next run: %v\n%s", err, text)
	}
	office(t, c.home, 0, "publish")
	eventually(t, "the other store is silent", func() bool { return c.b.card(cardOfMine).GetSegment() == nil })
	silent("in the other store", c.b)
	released(t, c.a, 2)
	silent("in this store, by the release", c.a)
}

// A lost card is blocked at once; head office hears of it, and the other store's tills refuse it. The language asked for is spoken everywhere.
func TestLostCardAndLanguage(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.a.told(func(r *tillv1.SetPreferenceRequest) { r.Wish = &tillv1.SetPreferenceRequest_Language{Language: "nl"} })
	if got := c.a.card(cardOfMine); strings.Join(got.GetCustomerDisplay().GetLines(), "|") != "Fijn dat u er bent!|Bedankt" {
		t.Errorf("spoken to as %q", got.GetCustomerDisplay().GetLines())
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	office(t, c.home, 0, "publish")
	eventually(t, "the other store speaks it", func() bool {
		return strings.Join(c.b.card(cardOfMine).GetCustomerDisplay().GetLines(), "|") == "Fijn dat u er bent!|Bedankt"
	})
	c.a.told(func(r *tillv1.SetPreferenceRequest) {
		r.Wish = &tillv1.SetPreferenceRequest_LostCard{LostCard: scanned(cardOfMine)}
	})
	if got := c.a.card(cardOfMine); got.GetOutcome() != tillv1.Outcome_OUTCOME_BLOCKED || got.GetLoyalty() != nil {
		t.Errorf("the lost card: %v", got)
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	office(t, c.home, 0, "publish")
	eventually(t, "the other store refuses it", func() bool { return c.b.card(cardOfMine).GetOutcome() == tillv1.Outcome_OUTCOME_BLOCKED })
}

// What a customer types reaches head office's eyes alone: no file of the store or of head office holds it, nor any log, until it is exported.
func TestScenario27TypedEmail(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	const address = "anna.kaas@example.org"
	submit := func() *tillv1.SubmitDetailsResponse {
		t.Helper()
		answer, err := c.a.SubmitDetails(t.Context(), &tillv1.SubmitDetailsRequest{
			Caller: c.a.caller(), OccurredAt: timestamppb.New(time.Unix(1_800_000_000, 0)), Detail: &tillv1.SubmitDetailsRequest_Email{Email: address},
			Customer: &tillv1.SubmitDetailsRequest_Identifier{Identifier: scanned(cardOfMine)},
		})
		if err != nil {
			t.Fatalf("submit details: %v", err)
		}
		return answer
	}
	if got := submit(); !got.GetRecorded() {
		t.Errorf("answered %v", got)
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	for _, folder := range []string{c.data[0], c.home} {
		err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			if bytes.Contains(raw, []byte("anna.kaas")) {
				t.Errorf("%s holds it in clear", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, log := range []string{c.one.text(), c.head.text()} {
		if strings.Contains(log, "anna.kaas") {
			t.Errorf("a log holds it:\n%s", log)
		}
	}
	list := filepath.Join(t.TempDir(), "details.csv")
	office(t, c.home, 0, "export", "details", list)
	text, err := os.ReadFile(list)
	if err != nil || strings.Count(string(text), address) != 1 || !strings.Contains(string(text), ",1,") || !strings.Contains(string(text), "k1-x") {
		t.Errorf("head office reads: %v\n%s", err, text)
	}
	if info, err := os.Stat(list); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the list may be read by others: %v, %v", info.Mode(), err)
	}
}

// One phone number after another is refused at the seventh in a minute, however it is written.
func TestScenario05PhoneGuessing(t *testing.T) {
	t.Parallel()
	p, token := tryStore(t)
	c := newTillWith(t, p.addr, token, "s01", "1")
	for i, number := range []string{"06-12345678", "+31 6 1234 5678", "0031612345678", "0612345679", "0612345680", "0612345681", "0612345682"} {
		_, err := c.Lookup(context.Background(), c.lookup(number))
		if i < 6 && err != nil || i == 6 && status.Code(err) != codes.ResourceExhausted {
			t.Errorf("lookup %d: %v", i+1, err)
		}
	}
	if got := c.card(magic(t, "found")); got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
		t.Errorf("a card meanwhile: %v", got.GetOutcome())
	}
}

// A forgotten card: the anonymous receipt is claimed, once, brings the points the card would have brought, and they come back from head office.
func TestScenario29CardForgotten(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	sale := c.a.sale(cardOfMine, "1", 4700, "EUR")
	sale.Customer = nil
	if booked := c.a.record(sale); booked.GetPoints() != 0 {
		t.Fatalf("an anonymous receipt books %v", booked)
	}
	claim := func() *tillv1.ClaimReceiptResponse {
		t.Helper()
		answer, err := c.a.ClaimReceipt(t.Context(), &tillv1.ClaimReceiptRequest{
			Caller: c.a.caller(), Receipt: sale.GetReceipt().GetKey(), Customer: &tillv1.ClaimReceiptRequest_Identifier{Identifier: scanned(cardOfMine)},
		})
		if err != nil {
			t.Fatalf("claim: %v", err)
		}
		return answer
	}
	if got := claim(); got.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_CLAIMED || got.GetPoints() != 47 || got.GetLoyalty().GetPointsAvailable() != 1292 {
		t.Errorf("claimed: %v", got)
	}
	if again := claim(); again.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_ALREADY_CLAIMED {
		t.Errorf("again: %v", again)
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	office(t, c.home, 0, "score")
	office(t, c.home, 0, "publish")
	eventually(t, "the other server has the points", func() bool { return c.b.card(cardOfMine).GetLoyalty().GetPointsAvailable() == 1292 })
	released(t, c.a, 2)
	if got := c.a.card(cardOfMine).GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Errorf("after the release: %d points, want 1292", got)
	}
	old := sale.GetReceipt().GetKey()
	old.BusinessDate, old.ReceiptNo = time.Now().AddDate(0, 0, -15).Format(time.DateOnly), "2"
	if booked := c.a.record(sale); booked.GetOutcome() != tillv1.Outcome_OUTCOME_UNSPECIFIED {
		t.Errorf("an old anonymous receipt: %v", booked)
	}
	if late := claim(); late.GetResult() != tillv1.ClaimResult_CLAIM_RESULT_TOO_LATE || len(late.GetStaff().GetLines()) == 0 || len(late.GetCustomerDisplay().GetLines()) == 0 {
		t.Errorf("after 14 days: %v", late)
	}
}
