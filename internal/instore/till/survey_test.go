package till_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// howWasIt asks everybody, and on after a low answer.
func howWasIt(p *programmev1.Programme) {
	p.Campaigns = []*programmev1.Campaign{{
		Code: "hoe-was-het", Salt: "s",
		Kind: &programmev1.Campaign_Survey{Survey: &programmev1.Survey{Kind: programmev1.SurveyKind_SURVEY_KIND_NPS}},
		Ask: &programmev1.Ask{
			On:   []programmev1.AskOn{programmev1.AskOn_ASK_ON_PIN_PAD, programmev1.AskOn_ASK_ON_RECEIPT_LINK},
			Link: "linde.nl/v/{id}", Points: 25,
		},
		Then: &programmev1.FollowUp{IfAtMost: 6, Choices: []*programmev1.Choice{{Text: names("Prijs", "Price")}, {Text: names("Aanbod", "Range")}}},
	}}
}

var withPinPad = func(req *tillv1.LookupRequest) {
	req.Abilities = &tillv1.Abilities{PinPadInput: true, DisplayLines: 2, DisplayColumns: 20}
}

// told is a sale of which the till says what came of the question.
func told(no, card, suggestion string, response outcomev1.Response, answer *outcomev1.Answer) *tillv1.RecordReceiptRequest {
	req := receipt(no, card, line(1, "451", 1, 1000))
	req.Exposures = []*outcomev1.Exposure{{SuggestionId: suggestion, Campaign: "hoe-was-het", Response: response, Answer: answer}}
	return req
}

// outcomes are the late outcomes that wait to go up.
func (w *world) outcomes() []*outcomev1.LateOutcome {
	w.t.Helper()
	batch, err := w.journal.Rows(1000, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []*outcomev1.LateOutcome
	for _, raw := range batch.Rows {
		row := &outcomev1.OutboxRow{}
		if err := proto.Unmarshal(raw, row); err != nil {
			w.t.Fatal(err)
		}
		if row.GetOutcome() != nil {
			all = append(all, row.GetOutcome())
		}
	}
	return all
}

func linked(w *world) {
	w.account(regular, &customerv1.Account{Language: "nl", Consents: &customerv1.Consents{LinkedAnswers: true}, Loyalty: &customerv1.LoyaltyState{Balance: 1245}})
	w.publish()
}

// TestSurvey: asked twice in a visit the same is answered; the answer brings its points once, is thanked for, and spares the customer for half a year.
func TestSurvey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	linked(w)
	first, again := w.lookup(cardRegular, withPinPad).GetSuggestion(), w.lookup(cardRegular, withPinPad).GetSuggestion()
	asked := first.GetSurvey()
	if asked == nil || asked.GetLowest() != 0 || asked.GetHighest() != 10 || asked.GetOn() != programmev1.AskOn_ASK_ON_PIN_PAD || asked.GetPoints() != 25 {
		t.Fatalf("asked %v because %v", asked, first.GetReasons())
	}
	if !slices.Equal(asked.GetQuestion().GetLines(), []string{"Raadt u ons aan?", "0 = nee   10 = zeker"}) || !slices.Equal(asked.GetFollowUp().GetChoices(), []string{"Prijs", "Aanbod"}) {
		t.Errorf("asked in the words %v, then %v", asked.GetQuestion(), asked.GetFollowUp())
	}
	if again.GetId() != first.GetId() || !proto.Equal(again.GetSurvey(), asked) {
		t.Errorf("the second time %v", again)
	}
	if other := w.lookup(cardRegular, withPinPad, ref("r2")).GetSuggestion(); other.GetSurvey() != nil {
		t.Error("asked at another till in the same minute")
	}
	sale := told("1", cardRegular, first.GetId(), outcomev1.Response_RESPONSE_UNSPECIFIED, &outcomev1.Answer{Number: 9})
	booked := w.record(sale)
	if booked.GetPoints() != 35 || booked.GetLoyalty().GetPointsAvailable() != 1245+35 {
		t.Errorf("booked %d points, %d available", booked.GetPoints(), booked.GetLoyalty().GetPointsAvailable())
	}
	if words := strings.Join(booked.GetReceipt().GetLines(), " "); !strings.Contains(words, "Dank u voor uw antwoord: +25 punten.") {
		t.Errorf("thanked with %q", words)
	}
	if replay := w.record(sale); replay.GetPoints() != 35 || replay.GetLoyalty().GetPointsAvailable() != 1280 {
		t.Errorf("the same again books %v", replay)
	}
	for _, later := range []struct {
		days int
		want bool
	}{{179, false}, {180, true}} {
		w.mu.Lock()
		w.now = now.AddDate(0, 0, later.days)
		w.mu.Unlock()
		if got := w.lookup(cardRegular, withPinPad, ref("later")).GetSuggestion().GetSurvey() != nil; got != later.want {
			t.Errorf("%d days later asked is %v", later.days, got)
		}
	}
}

// TestSurveyElsewhere: what was asked in another store is published, and counts.
func TestSurveyElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	w.account(regular, &customerv1.Account{Language: "nl", Asked: &customerv1.Asked{LastDay: today - 10}})
	w.publish()
	if asked := w.lookup(cardRegular, withPinPad).GetSuggestion(); asked.GetSurvey() != nil {
		t.Error("asked again after ten days")
	}
	why, err := w.service.Explain(context.Background(), &tillv1.ExplainRequest{
		Caller: &tillv1.Caller{Till: "3"}, Customer: &tillv1.ExplainRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardRegular}}},
		Abilities: &tillv1.Abilities{PinPadInput: true}, StaffLanguage: "en",
	})
	if err != nil || len(why.GetCampaigns()) != 1 || why.GetCampaigns()[0].GetReason() != "QUARANTINE" || why.GetCampaigns()[0].GetChange() != "Possible again from 4 Jun" {
		t.Errorf("explained as %v, %v", why, err) // 16 March less 10 days and 90 more
	}
}

// TestSurveyPlaces: without a pin pad the question goes to the receipt, where its address fits; else it is not put, and staff hears why. Never while goods
// are brought back.
func TestSurveyPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	small := func(columns int32) func(*tillv1.LookupRequest) {
		return func(req *tillv1.LookupRequest) {
			req.Abilities = &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: columns}
		}
	}
	answer := w.lookup(cardRegular, small(42), ref("a"))
	link := answer.GetSuggestion().GetSurvey().GetLink()
	printed := answer.GetReceipt().GetLines()
	if link != "https://linde.nl/v/"+answer.GetSuggestion().GetId() || !slices.Contains(printed, strings.TrimPrefix(link, "https://")) {
		t.Errorf("the link is %q, printed %q", link, printed)
	}
	sale := receipt("7", cardRegular, line(1, "451", 1, 1000))
	sale.Receipt.ReceiptRef = "a"
	if after := w.record(sale).GetReceipt().GetLines(); !slices.Contains(after, strings.TrimPrefix(link, "https://")) {
		t.Errorf("the receipt says %q", after)
	}
	narrow := newWorld(t, howWasIt)
	if got := narrow.lookup(cardRegular, small(32)).GetSuggestion(); got.GetSurvey() != nil || !slices.Contains(got.GetReasons(), "TILL_CANNOT hoe-was-het") {
		t.Errorf("on a narrow receipt: %v", got)
	}
	if got := narrow.lookup(cardRegular, withPinPad, basket(returned(1, "451", 1, 1000, 1))).GetSuggestion(); got.GetSurvey() != nil || !slices.Contains(got.GetReasons(), "ON_RETURN hoe-was-het") {
		t.Errorf("on a return: %v", got)
	}
	if narrow.lookup(cardRegular, withPinPad).GetSuggestion().GetSurvey() == nil {
		t.Fatal("not asked")
	}
	if got := narrow.lookup(cardRegular, withPinPad, basket(returned(1, "451", 1, 1000, 1))).GetSuggestion(); got.GetSurvey() != nil {
		t.Errorf("still asked when the goods turn out to come back: %v", got)
	}
}

// TestAnswerOfNobody: who did not agree to answers being kept with the account has the answer go up of nobody, and the points all the same.
func TestAnswerOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	id := w.lookup(cardRegular, withPinPad).GetSuggestion().GetId()
	if booked := w.record(told("1", cardRegular, id, outcomev1.Response_RESPONSE_ACCEPTED, &outcomev1.Answer{Number: 3, FollowUp: 2})); booked.GetPoints() != 35 {
		t.Errorf("booked %d points", booked.GetPoints())
	}
	late := w.outcomes()
	if len(late) != 1 || len(late[0].GetAccountId()) != 0 || late[0].GetReceipt() != nil || !late[0].GetUnlinked() {
		t.Fatalf("went up: %v", late)
	}
	o := late[0].GetOutcome()
	if o.GetSuggestionId() == id || o.GetAnswer().GetNumber() != 3 || o.GetAnswer().GetFollowUp() != 2 || o.GetCampaign() != "hoe-was-het" {
		t.Errorf("went up: %v", o)
	}
	if at := late[0].GetOccurredAt().AsTime(); !at.Equal(time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("told at %v", at)
	}
	for _, row := range w.delivered() {
		if row.GetExposures()[0].GetAnswer() != nil {
			t.Error("the receipt has the answer too")
		}
	}
}

// delivered are the receipts that wait to go up.
func (w *world) delivered() []*outcomev1.RecordedReceipt {
	w.t.Helper()
	batch, err := w.journal.Rows(1000, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []*outcomev1.RecordedReceipt
	for _, raw := range batch.Rows {
		row := &outcomev1.OutboxRow{}
		if err := proto.Unmarshal(raw, row); err != nil {
			w.t.Fatal(err)
		}
		if row.GetReceipt() != nil {
			all = append(all, row.GetReceipt())
		}
	}
	return all
}

// TestLateAnswer: no answer in time is ignored, not declined; the answer that comes later brings its points, once.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	linked(w)
	id := w.lookup(cardRegular, withPinPad).GetSuggestion().GetId()
	sale := told("1", cardRegular, id, outcomev1.Response_RESPONSE_IGNORED, nil)
	w.record(sale)
	if row := w.delivered()[0]; row.GetExposures()[0].GetResponse() != outcomev1.Response_RESPONSE_IGNORED || row.GetExposures()[0].GetQuestion() != programmev1.SurveyKind_SURVEY_KIND_NPS {
		t.Errorf("went up as %v", row.GetExposures())
	}
	late := &tillv1.RecordOutcomeRequest{
		Caller: &tillv1.Caller{Till: "3"}, About: &tillv1.RecordOutcomeRequest_Receipt{Receipt: sale.GetReceipt().GetKey()},
		Outcome: &outcomev1.Exposure{SuggestionId: id, Campaign: "hoe-was-het", Answer: &outcomev1.Answer{Number: 10}},
		Kind:    outcomev1.LateKind_LATE_KIND_LATE_ANSWER, OccurredAt: timestamppb.New(now),
	}
	for i, want := range []int64{25, 0} {
		out, err := w.service.RecordOutcome(context.Background(), proto.CloneOf(late))
		if err != nil || out.GetPoints() != want || out.GetResult() != tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED {
			t.Errorf("time %d: %v, %v", i+1, out, err)
		}
	}
	if points := w.lookup(cardRegular, ref("next")).GetLoyalty().GetPointsAvailable(); points != 1245+10+25 {
		t.Errorf("%d points", points)
	}
	if up := w.outcomes(); len(up) != 1 || up[0].GetOutcome().GetAnswer().GetNumber() != 10 || len(up[0].GetEntries()) != 1 {
		t.Errorf("went up: %v", up)
	}
}

// TestAnswersThatCannotBe: each is refused with the field that is wrong, and nothing is booked.
func TestAnswersThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, howWasIt)
	id := w.lookup(cardRegular, withPinPad).GetSuggestion().GetId()
	for _, tc := range []struct {
		name     string
		response outcomev1.Response
		answer   *outcomev1.Answer
		field    string
	}{
		{"beyond the scale", 0, &outcomev1.Answer{Number: 11}, "exposures[0].answer.number"},
		{"below it", 0, &outcomev1.Answer{Number: -1}, "exposures[0].answer.number"},
		{"no such choice", 0, &outcomev1.Answer{Number: 6, FollowUp: 3}, "exposures[0].answer.follow_up"},
		{"not asked on", 0, &outcomev1.Answer{Number: 7, FollowUp: 1}, "exposures[0].answer.follow_up"},
		{"another question", 0, &outcomev1.Answer{Number: 1, Kind: programmev1.SurveyKind_SURVEY_KIND_YES_NO}, "exposures[0].answer.kind"},
		{"declined and answered", outcomev1.Response_RESPONSE_DECLINED, &outcomev1.Answer{Number: 1}, "exposures[0].response"},
	} {
		_, err := w.service.RecordReceipt(context.Background(), told("1", cardRegular, id, tc.response, tc.answer))
		got := status.Convert(err)
		field := ""
		for _, detail := range got.Details() {
			if bad, ok := detail.(*errdetails.BadRequest); ok {
				field = bad.GetFieldViolations()[0].GetField()
			}
		}
		if got.Code() != codes.InvalidArgument || field != tc.field {
			t.Errorf("%s: %v names %q, want %q", tc.name, got.Code(), field, tc.field)
		}
	}
	if rows := w.delivered(); len(rows) != 0 {
		t.Errorf("%d receipts booked", len(rows))
	}
}

// TestObjectionBeforeTheQuestion: a question that was to be asked on the receipt is not, once the customer has objected in the same sale.
func TestObjectionBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	for _, objecting := range []bool{false, true} {
		w := newWorld(t, howWasIt)
		linked(w)
		if asked := w.lookup(cardRegular, ref("r1")).GetSuggestion().GetSurvey(); asked.GetOn() != programmev1.AskOn_ASK_ON_RECEIPT_LINK {
			t.Fatalf("asked %v", asked)
		}
		if objecting {
			w.prefer(cardRegular, objects(outcomev1.Purpose_PURPOSE_ALL))
		}
		req := receipt("1", cardRegular, line(1, "451", 1, 1000))
		req.Receipt.ReceiptRef = "r1"
		if printed := words(w.record(req).GetReceipt()); strings.Contains(printed, "linde.nl/v/") == objecting {
			t.Errorf("objecting %v, the receipt says %q", objecting, printed)
		}
	}
}
