package till_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// prefer says something at till 4 for the customer of a card.
func (w *world) prefer(card string, say func(*tillv1.SetPreferenceRequest)) *tillv1.SetPreferenceResponse {
	w.t.Helper()
	req := &tillv1.SetPreferenceRequest{
		Caller: &tillv1.Caller{Till: "4"}, OccurredAt: timestamppb.New(w.clock()), StaffLanguage: "en",
		Customer: &tillv1.SetPreferenceRequest_Identifier{Identifier: typed(card)},
	}
	say(req)
	out, err := w.service.SetPreference(context.Background(), req)
	if err != nil {
		w.t.Fatalf("set preference: %v", err)
	}
	return out
}

func typed(text string) *tillv1.Identifier {
	return &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: text}}
}

func objects(to outcomev1.Purpose) func(*tillv1.SetPreferenceRequest) {
	return func(r *tillv1.SetPreferenceRequest) { r.Wish = &tillv1.SetPreferenceRequest_Object{Object: to} }
}

func agrees(to outcomev1.Purpose) func(*tillv1.SetPreferenceRequest) {
	return func(r *tillv1.SetPreferenceRequest) { r.Wish = &tillv1.SetPreferenceRequest_Agree{Agree: to} }
}

// Who objects at one till has neither segment nor suggestion at any other from then on, in an open sale too; points go on.
func TestSetPreferenceObjection(t *testing.T) {
	t.Parallel()
	for _, purpose := range []outcomev1.Purpose{outcomev1.Purpose_PURPOSE_ALL, outcomev1.Purpose_PURPOSE_PROFILING} {
		t.Run(purpose.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			lines := basket(line(1, "450", 6, 6000), line(2, "460", 1, 2495))
			if before := w.lookup(cardRegular, lines); before.GetSuggestion().GetOffer() == nil || before.GetSegment() == nil {
				t.Fatalf("before: %v, %v", before.GetSuggestion(), before.GetSegment())
			}
			got := w.prefer(cardRegular, objects(purpose))
			if !got.GetRecorded() || got.GetMeta().GetReplayed() || words(got.GetStaff()) != "Recorded: no more personal offers" ||
				words(got.GetCustomerDisplay()) != "Vastgelegd.|U spaart gewoon door" || words(got.GetReceipt()) != "Wij maken geen profiel meer van u.|Uw punten en kaart blijven geldig." {
				t.Errorf("answered %v", got)
			}
			after := w.lookup(cardRegular, lines)
			if after.GetSegment() != nil || after.GetSuggestion().GetOffer() != nil || after.GetSuggestion().GetPrompt() != nil || after.GetLoyalty().GetPointsAvailable() != 1245 {
				t.Errorf("after: %v, %v, %v", after.GetSegment(), after.GetSuggestion(), after.GetLoyalty())
			}
			w.restart(discard)
			if restarted := w.lookup(cardRegular, lines); restarted.GetSegment() != nil || restarted.GetSuggestion().GetOffer() != nil {
				t.Errorf("after a restart: %v, %v", restarted.GetSegment(), restarted.GetSuggestion())
			}
			if booked := w.record(receipt("1", cardRegular, line(1, "450", 1, 1000))); booked.GetPoints() != 10 {
				t.Errorf("points no longer work: %v", booked)
			}
			if again := w.prefer(cardRegular, objects(purpose)); !again.GetRecorded() || !again.GetMeta().GetReplayed() {
				t.Errorf("the same again: %v", again)
			}
			// An agreement within the day does not undo it, a later one does.
			w.wait(time.Hour)
			w.prefer(cardRegular, agrees(purpose))
			if soon := w.lookup(cardRegular, ref("other"), lines); soon.GetSegment() != nil {
				t.Errorf("an hour later an agreement undid it: %v", soon.GetSegment())
			}
			w.wait(24 * time.Hour)
			w.prefer(cardRegular, agrees(purpose))
			if late := w.lookup(cardRegular, ref("other"), lines); late.GetSegment() == nil {
				t.Error("an agreement two days later does not count")
			}
			rows := w.rows()
			if p := rows[0].GetPreference(); len(rows) != 4 || p.GetPurpose() != purpose || p.GetAgreed() || [16]byte(p.GetAccountId()) != regular || !p.GetOccurredAt().AsTime().Equal(now) {
				t.Errorf("goes up as %v", rows)
			}
		})
	}
}

// Where the programme asks for consent, agreeing at the till brings the segment at once.
func TestSetPreferenceConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *programmev1.Programme) { p.Profiling = programmev1.Profiling_PROFILING_CONSENT })
	if before := w.lookup(cardRegular); before.GetSegment() != nil {
		t.Fatalf("without consent: %v", before.GetSegment())
	}
	if got := w.prefer(cardRegular, agrees(outcomev1.Purpose_PURPOSE_PROFILING)); !got.GetRecorded() || words(got.GetStaff()) != "Recorded" {
		t.Errorf("answered %v", got)
	}
	if after := w.lookup(cardRegular); after.GetSegment().GetCode() != "promising" {
		t.Errorf("with consent: %v", after.GetSegment())
	}
}

func TestSetPreferenceLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	language := func(r *tillv1.SetPreferenceRequest) { r.Wish = &tillv1.SetPreferenceRequest_Language{Language: "en"} }
	if got := w.prefer(cardRegular, language); !got.GetRecorded() || words(got.GetCustomerDisplay()) != "Recorded.|Thank you" {
		t.Errorf("answered %v", got)
	}
	if after := w.lookup(cardRegular); words(after.GetCustomerDisplay()) != "Hello! You have|1,245 points" || words(after.GetStaff()) != "Zilver · 1.245 punten" {
		t.Errorf("spoken to as %q, the cashier %q", words(after.GetCustomerDisplay()), words(after.GetStaff()))
	}
}

// A card that was lost is blocked for whoever shows it; the customer's other cards go on.
func TestSetPreferenceLostCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := func(card string) func(*tillv1.SetPreferenceRequest) {
		return func(r *tillv1.SetPreferenceRequest) {
			r.Wish = &tillv1.SetPreferenceRequest_LostCard{LostCard: typed(card)}
		}
	}
	if got := w.prefer(cardRegular, lost(cardTrade)); got.GetRecorded() || words(got.GetStaff()) != "That is not this customer's card" {
		t.Errorf("another customer's card: %v", got)
	}
	if got := w.prefer(cardRegular, lost("]E0"+cardMerged)); !got.GetRecorded() || words(got.GetStaff()) != "Card blocked. Give a new card" {
		t.Errorf("answered %v", got)
	}
	if found := w.lookup(cardMerged); found.GetOutcome() != tillv1.Outcome_OUTCOME_BLOCKED || found.GetAccountRef() != "" || found.GetLoyalty() != nil || words(found.GetCustomerDisplay()) != "Vraag het even bij|de servicebalie" {
		t.Errorf("the lost card answers %v", found)
	}
	if booked := w.record(receipt("1", cardMerged, line(1, "450", 1, 1000))); booked.GetPoints() != 0 || booked.GetOutcome() != tillv1.Outcome_OUTCOME_BLOCKED || booked.GetAccountRef() != "" {
		t.Errorf("a receipt on it: %v", booked)
	}
	if other := w.lookup(cardRegular); other.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || other.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Errorf("the other card: %v", other)
	}
}

func TestSetPreferenceOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, card, staff string
		want              tillv1.Outcome
	}{
		{"unknown", cardUnknown, "Card unknown. Go on", tillv1.Outcome_OUTCOME_UNKNOWN_CARD},
		{"new", cardNew, "Register the card first", tillv1.Outcome_OUTCOME_NEW_CARD},
		{"two customers", phoneTwo, "Choose the customer from the list", tillv1.Outcome_OUTCOME_AMBIGUOUS},
	} {
		got := w.prefer(tc.card, objects(outcomev1.Purpose_PURPOSE_ALL))
		if got.GetRecorded() || got.GetOutcome() != tc.want || words(got.GetStaff()) != tc.staff {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if rows := w.rows(); len(rows) != 0 {
		t.Errorf("goes up: %v", rows)
	}
}
