package main_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// askedProgramme is the garden chain with a question to its champions.
var askedProgramme = strings.Replace(gardenProgramme, "campaigns:\n", `campaigns:
  hoe-was-het:
    survey: nps
    when: {segments: [champions], at: payment}
    ask: {on: [pin_pad, receipt_link], link: "linde.example/v/{id}", points: 25}
    then: {if_at_most: 6, choices: [{nl: Prijs, en: Price, fr: Prix}, {nl: Aanbod, en: Range, fr: Choix}]}
    priority: 5
`, 1)

// surveyed is that chain: head office answers, and two stores run.
func surveyed(t *testing.T) (home string, k1, b1 *till) {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	home = t.TempDir()
	write(t, filepath.Join(home, "programme.yaml"), askedProgramme)
	write(t, filepath.Join(home, "mapping.yaml"), gardenMapping)
	write(t, filepath.Join(home, "customers.csv"), gardenCustomers)
	office(t, home, 0, "init", "--yes")
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	for _, server := range []string{"k1", "b1"} {
		office(t, home, 0, "keys", "server", server+"-a", "--store", server, "--office", head.addr)
	}
	for _, args := range [][]string{
		{"import", "customers", filepath.Join(home, "customers.csv"), "--mapping", filepath.Join(home, "mapping.yaml")}, {"score"}, {"publish"},
	} {
		if out, err := run(dir, "stamklant-office", append([]string{"--data", home}, args...)...); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	_, k1 = storeOf(t, home, "k1-a", t.TempDir())
	_, b1 = storeOf(t, home, "b1-a", t.TempDir())
	return home, k1, b1
}

// paying looks up at payment, on a till with a pin pad.
func (c *till) paying(card, sale string, lines ...*outcomev1.Line) *tillv1.LookupRequest {
	ask := c.lookup(card)
	ask.ReceiptRef, ask.Stage, ask.Basket = sale, tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: lines}
	ask.Abilities = &tillv1.Abilities{PinPadInput: true, DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42}
	return ask
}

// of is a sale with what came of its suggestion.
func of(sale *tillv1.RecordReceiptRequest, ref string, s *tillv1.Suggestion, response outcomev1.Response, answer *outcomev1.Answer) *tillv1.RecordReceiptRequest {
	sale.Receipt.ReceiptRef = ref
	if s.GetId() != "" {
		sale.Exposures = []*outcomev1.Exposure{{SuggestionId: s.GetId(), Campaign: s.GetCampaign(), Response: response, Answer: answer}}
	}
	return sale
}

// A Belgian who speaks French is asked in French, twice the same in one visit; her 9 on the pin pad brings points and reaches head office without her name;
// no store asks again. Nobody is asked on a return, and who did not answer in time is left in peace too.
func TestScenario10Survey(t *testing.T) {
	t.Parallel()
	home, k1, b1 := surveyed(t)
	planks := goods(1, "4501", 1, 1000)
	first := b1.ask(b1.paying(cardLiege, "v1", planks)).GetSuggestion()
	again := b1.ask(b1.paying(cardLiege, "v1", planks)).GetSuggestion()
	asked := first.GetSurvey()
	if asked.GetOn() != programmev1.AskOn_ASK_ON_PIN_PAD || said(asked.GetQuestion()) != "Nous recommander ?|0 = non   10 = oui" ||
		!slices.Equal(asked.GetFollowUp().GetChoices(), []string{"Prix", "Choix"}) {
		t.Fatalf("the question: %v", first)
	}
	if again.GetId() != first.GetId() || again.GetSurvey() == nil {
		t.Errorf("the second lookup: %v", again)
	}
	back := goods(1, "4501", -1, -1000)
	back.OriginalLine = 1
	if got := k1.ask(k1.paying(cardRegular, "back", back)).GetSuggestion(); got.GetSurvey() != nil {
		t.Errorf("on a return: %v", got)
	}
	booked := b1.record(of(b1.paid(cardLiege, "1", time.Time{}, planks), "v1", first, outcomev1.Response_RESPONSE_ACCEPTED, &outcomev1.Answer{Number: 9}))
	if booked.GetPoints() != 35 || booked.GetLoyalty().GetPointsAvailable() != 12+35 {
		t.Errorf("for 10 euros and an answer: %d points, %d available", booked.GetPoints(), booked.GetLoyalty().GetPointsAvailable())
	}
	quiet := k1.ask(k1.paying(cardRegular, "v2", planks)).GetSuggestion()
	k1.record(of(k1.paid(cardRegular, "2", time.Time{}, planks), "v2", quiet, outcomev1.Response_RESPONSE_IGNORED, nil))
	eventually(t, "all is at head office", func() bool { return k1.status().GetOutboxWaiting() == 0 && b1.status().GetOutboxWaiting() == 0 })

	file := filepath.Join(t.TempDir(), "answers.csv")
	office(t, home, 0, "export", "answers", file)
	raw, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	rows, err := csv.NewReader(raw).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Equal(rows[1][:4], []string{"hoe-was-het", "nps", "9", ""}) || !slices.Equal(rows[1][5:], []string{"b1", ""}) {
		t.Errorf("answers at head office: %v, %v", rows, err)
	}
	office(t, home, 0, "publish")
	released(t, k1, 2)
	for name, got := range map[string]*tillv1.Suggestion{
		"in the other store": k1.ask(k1.paying(cardLiege, "v4", planks)).GetSuggestion(),
		"who did not answer": k1.ask(k1.paying(cardRegular, "v5", planks)).GetSuggestion(),
	} {
		if got.GetSurvey() != nil || !slices.Contains(got.GetReasons(), "QUARANTINE hoe-was-het") {
			t.Errorf("again, %s: %v", name, got)
		}
	}
}

// A till without a pin pad has the question on the receipt, and one with a narrow receipt and no bar codes does not ask; words fit.
func TestScenario32Survey(t *testing.T) {
	t.Parallel()
	_, k1, _ := surveyed(t)
	small := func(sale string, columns int32) *tillv1.LookupResponse {
		ask := k1.paying(cardRegular, sale, goods(1, "4501", 1, 1000))
		ask.Abilities = &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: columns}
		return k1.ask(ask)
	}
	got := small("narrow", 32)
	if got.GetSuggestion().GetSurvey() != nil || !slices.Contains(got.GetSuggestion().GetReasons(), "TILL_CANNOT hoe-was-het") {
		t.Errorf("32 columns: %v", got.GetSuggestion())
	}
	lengths(t, "narrow receipt", got.GetReceipt(), 6, 32)
	got = small("wide", 42)
	asked := got.GetSuggestion().GetSurvey()
	if asked.GetOn() != programmev1.AskOn_ASK_ON_RECEIPT_LINK || !slices.Contains(got.GetReceipt().GetLines(), strings.TrimPrefix(asked.GetLink(), "https://")) {
		t.Errorf("42 columns: %v, %q", got.GetSuggestion(), got.GetReceipt().GetLines())
	}
	lengths(t, "receipt", got.GetReceipt(), 4, 42)
	lengths(t, "display", got.GetCustomerDisplay(), 2, 20)
	lengths(t, "question", asked.GetQuestion(), 2, 20)
}
