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

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

func TestLookupOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name, card string
		want       tillv1.Outcome
		points     int64
		staff      string
		display    string
	}{
		{"a regular", cardRegular, tillv1.Outcome_OUTCOME_FOUND, 1245, "Zilver · 1.245 punten", "Dag! U hebt|1.245 punten"},
		{"with scanner's dressing", "~]E0" + cardRegular + "\r\n", tillv1.Outcome_OUTCOME_FOUND, 1245, "Zilver · 1.245 punten", "Dag! U hebt|1.245 punten"},
		{"replaced", cardReplaced, tillv1.Outcome_OUTCOME_FOUND_REPLACED, 1245, "Zilver · 1.245 punten", "Dag! U hebt|1.245 punten"},
		{"replaced twice", cardOld, tillv1.Outcome_OUTCOME_FOUND_REPLACED, 1245, "Zilver · 1.245 punten", "Dag! U hebt|1.245 punten"},
		{"merged", cardMerged, tillv1.Outcome_OUTCOME_FOUND_MERGED, 1245, "Zilver · 1.245 punten", "Dag! U hebt|1.245 punten"},
		{"a circle", cardCircle, tillv1.Outcome_OUTCOME_UNKNOWN_CARD, 0, "Kaart onbekend. Ga door", "Welkom"},
		{"blocked card", cardBlocked, tillv1.Outcome_OUTCOME_BLOCKED, 0, "Kaart werkt niet. Verwijs: servicebalie", "Vraag het even bij|de servicebalie"},
		{"blocked account", cardFrozen, tillv1.Outcome_OUTCOME_BLOCKED, 0, "Kaart werkt niet. Verwijs: servicebalie", "Vraag het even bij|de servicebalie"},
		{"without customer", cardAnon, tillv1.Outcome_OUTCOME_ANONYMOUS_CARD, 0, "Kaart zonder klant. Ga door", ""},
		{"expired", cardExpired, tillv1.Outcome_OUTCOME_EXPIRED, 0, "Kaart verlopen. Verwijs: servicebalie", "Vraag het even bij|de servicebalie"},
		{"handed out, not known yet", cardNew, tillv1.Outcome_OUTCOME_NEW_CARD, 0, "Nieuwe kaart: spaart meteen. Geef folder", "Welkom! Uw kaart|spaart vanaf nu"},
		{"handed out, but its owner was erased", cardErased, tillv1.Outcome_OUTCOME_UNKNOWN_CARD, 0, "Kaart onbekend. Ga door", "Welkom"},
		{"never handed out", cardUnknown, tillv1.Outcome_OUTCOME_UNKNOWN_CARD, 0, "Kaart onbekend. Ga door", "Welkom"},
		{"misread", "2900100000018", tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT, 0, "Scan opnieuw: code verkeerd gelezen", ""},
		{"cheese", "2312345012347", tillv1.Outcome_OUTCOME_NOT_A_CARD, 0, "Dit is geen klantenkaart", ""},
		{"voucher of nobody", "BON-1234", tillv1.Outcome_OUTCOME_VOUCHER, 0, "Bon niet van deze winkel. Weiger", "Deze bon is hier|niet geldig"},
		{"a phone of two", "06-12345678", tillv1.Outcome_OUTCOME_AMBIGUOUS, 0, "Kies de klant uit de lijst", "Een ogenblik|alstublieft"},
		{"trade, and 35 points short", cardTrade, tillv1.Outcome_OUTCOME_FOUND, 0, "Hovenier: 15%, niet op acties", "Uw korting:|15%"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := w.lookup(tc.card, ref(""))
			if got.GetOutcome() != tc.want || got.GetLoyalty().GetPointsAvailable() != tc.points {
				t.Errorf("answered %v with %d points, want %v with %d", got.GetOutcome(), got.GetLoyalty().GetPointsAvailable(), tc.want, tc.points)
			}
			if staff, shown := words(got.GetStaff()), words(got.GetCustomerDisplay()); staff != tc.staff || shown != tc.display {
				t.Errorf("said %q and %q, want %q and %q", staff, shown, tc.staff, tc.display)
			}
			if (got.GetAccountRef() != "") != (got.GetLoyalty() != nil && tc.want != tillv1.Outcome_OUTCOME_NEW_CARD) {
				t.Errorf("account_ref %q beside %v", got.GetAccountRef(), got.GetLoyalty())
			}
			if got.GetMeta().GetServer() != "utrecht-1" || got.GetMeta().GetRelease() != 1 || got.GetMeta().GetStale() {
				t.Errorf("meta %v", got.GetMeta())
			}
		})
	}
}

// words are a text block's lines, joined as the programme writes them.
func words(b *tillv1.TextBlock) string { return strings.Join(b.GetLines(), "|") }

func TestLookupChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.lookup("0031612345678")
	if len(got.GetChoices()) != 2 || got.GetChoices()[0].GetMasked() != "…5678 · Utrecht" || got.GetChoices()[1].GetMasked() != "…5678 · Antwerpen" {
		t.Fatalf("choices %v", got.GetChoices())
	}
	again := w.lookup("", func(req *tillv1.LookupRequest) {
		req.Customer = &tillv1.LookupRequest_AccountRef{AccountRef: got.GetChoices()[1].GetAccountRef()}
	})
	if again.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || again.GetAccountRef() != got.GetChoices()[1].GetAccountRef() {
		t.Errorf("the choice leads to %v %q", again.GetOutcome(), again.GetAccountRef())
	}
	if got := words(again.GetCustomerDisplay()); got != "Pour vous :|points x2" && !strings.Contains(got, "2x punten") {
		t.Errorf("display %q", got)
	}
}

func TestLookupOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := []*outcomev1.Line{line(1, "450", 6, 6000), line(2, "460", 1, 2495), line(3, "300", 1, 1000)}
	before := w.lookup(cardRegular, ref("sale-1"))
	if before.GetSuggestion().GetNone() == nil || !slices.Contains(before.GetSuggestion().GetReasons(), "BASKET_MISSING verf-bij-tuinhout") {
		t.Errorf("without basket suggested %v", before.GetSuggestion())
	}
	got := w.lookup(cardRegular, ref("sale-1"), basket(lines...))
	offer := got.GetSuggestion().GetOffer()
	if offer.GetTillCode() != "ACT2311" || len(offer.GetLineDiscounts()) != 1 || offer.GetLineDiscounts()[0].GetLine() != 2 || offer.GetLineDiscounts()[0].GetAmountMinor() != 499 {
		t.Fatalf("suggested %v", got.GetSuggestion())
	}
	if got.GetEstimatedPoints() != 89 {
		t.Errorf("estimates %d points, want 89 for EUR 94.95 less the offer's 4.99", got.GetEstimatedPoints())
	}
	for block, want := range map[*tillv1.TextBlock]string{
		got.GetStaff(): "Geef 20% op verf bij dit tuinhout", got.GetCustomerDisplay(): "20% korting op verf|bij uw tuinhout",
		got.GetReceipt(): "20% korting op verf is verrekend.|Gespaard op deze bon: 89 punten|Nieuw saldo: 1.334 punten",
	} {
		if words(block) != want {
			t.Errorf("said %q, want %q", words(block), want)
		}
	}
	// The timber goes back on the shelf: what was promised holds, for the paint that is left.
	promised := w.lookup(cardRegular, ref("sale-1"), basket(lines[1]))
	if promised.GetSuggestion().GetId() != got.GetSuggestion().GetId() || promised.GetSuggestion().GetOffer().GetLineDiscounts()[0].GetAmountMinor() != 499 {
		t.Errorf("the promise became %v", promised.GetSuggestion())
	}
	if other := w.lookup(cardRegular, ref("sale-2"), basket(lines[1])); other.GetSuggestion().GetNone() == nil {
		t.Errorf("another sale got %v", other.GetSuggestion())
	}
	w.wait(31 * time.Minute)
	if late := w.lookup(cardRegular, ref("sale-1"), basket(lines[1])); late.GetSuggestion().GetNone() == nil {
		t.Errorf("after half an hour still %v", late.GetSuggestion())
	}
}

func TestLookupSegment(t *testing.T) {
	t.Parallel()
	shown := newWorld(t).lookup(cardRegular, func(req *tillv1.LookupRequest) { req.StaffLanguage = "en" })
	if s := shown.GetSegment(); s.GetCode() != "promising" || s.GetName() != "Promising" || s.GetHint() != "Ask to come back" {
		t.Errorf("segment %v", s)
	}
	if got := words(shown.GetStaff()); got != "Silver · 1,245 points" {
		t.Errorf("staff in English %q", got)
	}
	hidden := newWorld(t, func(p *programmev1.Programme) { p.ShowSegmentToCashier = false }).lookup(cardRegular)
	if hidden.GetSegment() != nil || hidden.GetSuggestion() == nil {
		t.Errorf("segment %v, suggestion %v", hidden.GetSegment(), hidden.GetSuggestion())
	}
}

// TestSilenced: who objected, and everybody where no basis was chosen, has points and nothing else.
func TestSilenced(t *testing.T) {
	t.Parallel()
	lines := basket(line(1, "450", 6, 6000))
	for _, tc := range []struct {
		name, card string
		change     func(*programmev1.Programme)
	}{
		{"objected", cardObjected, func(*programmev1.Programme) {}},
		{"no basis chosen", cardRegular, func(p *programmev1.Programme) { p.Profiling = 0 }},
		{"consent asked, not given", cardRegular, func(p *programmev1.Programme) {
			p.Profiling = programmev1.Profiling_PROFILING_CONSENT
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := newWorld(t, tc.change).lookup(tc.card, lines)
			if got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || got.GetLoyalty().GetPointsAvailable() == 0 || got.GetEstimatedPoints() != 60 {
				t.Errorf("points do not work: %v", got)
			}
			if got.GetSegment() != nil || got.GetSuggestion() != nil {
				t.Errorf("addressed with %v and %v", got.GetSegment(), got.GetSuggestion())
			}
		})
	}
}

func TestLookupRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := till.New(till.Config{Active: &generation.Active{}, Journal: w.journal, ServerID: "x", Now: w.clock, Logger: discard})
	for _, tc := range []struct {
		name    string
		service *till.Service
		caller  *tillv1.Caller
		code    codes.Code
		reason  string
	}{
		{"no release yet", empty, &tillv1.Caller{Till: "3"}, codes.FailedPrecondition, "NO_RELEASE"},
		{"another store's till", w.service, &tillv1.Caller{Till: "3", Store: "s02"}, codes.FailedPrecondition, "WRONG_STORE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.service.Lookup(context.Background(), &tillv1.LookupRequest{Caller: tc.caller})
			if status.Code(err) != tc.code || reasonOf(err) != tc.reason {
				t.Errorf("refused with %v (%s), want %v %s", err, reasonOf(err), tc.code, tc.reason)
			}
			if _, err := tc.service.GetStatus(context.Background(), &tillv1.GetStatusRequest{Caller: tc.caller}); reasonOf(err) != tc.reason {
				t.Errorf("status refused with %v", err)
			}
		})
	}
}

// reasonOf is the reason a status carries.
func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "stamklant" {
			return info.GetReason()
		}
	}
	return ""
}

func TestGetStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	got, err := w.service.GetStatus(context.Background(), &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "3"}})
	if err != nil || got.GetStore() != "s01" || got.GetAccounts() != 5 || got.GetOutboxWaiting() != 1 || got.GetOfficeSeenAt() != nil {
		t.Fatalf("status %v, %v", got, err)
	}
	if err := w.journal.SetContact(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	got, err = w.service.GetStatus(context.Background(), &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "3"}})
	if err != nil || !got.GetOfficeSeenAt().AsTime().Equal(now) {
		t.Errorf("head office was seen at %v, %v", got.GetOfficeSeenAt(), err)
	}
}

// TestJournalClosed: a closed journal is a till's turn to try again.
func TestJournalClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.journal.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := w.service.RecordReceipt(context.Background(), receipt("1", cardRegular, line(1, "300", 1, 4700)))
	if status.Code(err) != codes.Unavailable || reasonOf(err) != "JOURNAL_UNAVAILABLE" {
		t.Errorf("refused with %v", err)
	}
	w.journal, _ = journal.Open(w.dir+"/other.db", journal.Config{DataKey: dataKey, Now: w.clock, Logger: discard, MachineID: "here"})
}
