package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/samplechain"
)

func timestamp(at time.Time) *timestamppb.Timestamp { return timestamppb.New(at) }

// ask looks up and fails the test when the call does.
func (c *till) ask(request *tillv1.LookupRequest) *tillv1.LookupResponse {
	c.t.Helper()
	answer, err := c.Lookup(c.t.Context(), request)
	if err != nil {
		c.t.Fatalf("lookup: %v", err)
	}
	return answer
}

// lengths expects a text within a device's lines and columns.
func lengths(t *testing.T, what string, block *tillv1.TextBlock, lines, columns int) {
	t.Helper()
	if len(block.GetLines()) > lines {
		t.Errorf("%s: %d lines, there is room for %d: %q", what, len(block.GetLines()), lines, block.GetLines())
	}
	for _, line := range block.GetLines() {
		if utf8.RuneCountInString(line) > columns {
			t.Errorf("%s: %q is longer than %d", what, line, columns)
		}
	}
}

func said(block *tillv1.TextBlock) string { return strings.Join(block.GetLines(), "|") }

func TestScenario02ARegular(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	ask := english(c.lookup(cardRegular))
	ask.ReceiptRef = "sale-2"
	answer := c.ask(ask)
	if answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || answer.GetLoyalty().GetTier() != "goud" || answer.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Fatalf("who it is: %v", answer)
	}
	if answer.GetSuggestion().GetPrompt() == nil || answer.GetSuggestion().GetCampaign() != "dank" || answer.GetSuggestion().GetId() == "" {
		t.Errorf("one thing to say: %v", answer.GetSuggestion())
	}
	lengths(t, "cashier", answer.GetStaff(), 2, 40)
	lengths(t, "display", answer.GetCustomerDisplay(), 2, 20)
	sale := c.paid(cardRegular, "2", time.Time{}, goods(1, "65", 1, 4700))
	sale.Receipt.ReceiptRef = "sale-2"
	sale.Exposures = []*outcomev1.Exposure{{
		SuggestionId: answer.GetSuggestion().GetId(), Campaign: "dank", Response: outcomev1.Response_RESPONSE_ACCEPTED,
	}}
	booked := c.record(sale)
	if booked.GetPoints() != 47 || booked.GetLoyalty().GetPointsAvailable() != 1292 {
		t.Errorf("booked %v", booked)
	}
	if text := said(booked.GetReceipt()); !strings.Contains(text, "47") || !strings.Contains(text, "1,292") {
		t.Errorf("the receipt says %q", text)
	}
	lengths(t, "receipt", booked.GetReceipt(), 4, 42)
	if next := c.card(cardRegular); next.GetLoyalty().GetPointsAvailable() != booked.GetLoyalty().GetPointsAvailable() {
		t.Errorf("the next lookup says %d points, the receipt %d", next.GetLoyalty().GetPointsAvailable(), booked.GetLoyalty().GetPointsAvailable())
	}
}

func TestScenario03CardAtTheEnd(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	var lines []*outcomev1.Line
	for i := range int32(12) {
		lines = append(lines, goods(i+1, "65", 1, 390+int64(i))) // 47.46 in all
	}
	first := c.record(c.paid(cardRegular, "1", time.Time{}, lines...))
	late := english(c.lookup(cardLoyal))
	late.Stage, late.ReceiptRef, late.Basket = tillv1.Stage_STAGE_PAYMENT, "sale-3", &tillv1.Basket{Lines: lines}
	answer := c.ask(late)
	if answer.EstimatedPoints == nil || answer.GetEstimatedPoints() != 47 {
		t.Errorf("before paying: %v", answer)
	}
	sale := c.paid(cardLoyal, "2", time.Time{}, lines...)
	sale.Receipt.ReceiptRef = "sale-3"
	if booked := c.record(sale); booked.GetPoints() != first.GetPoints() || booked.GetPoints() != 47 {
		t.Errorf("card last earns %d, card first %d, want 47", booked.GetPoints(), first.GetPoints())
	}
}

func TestScenario04OneCardManyWays(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	want := c.card(cardRegular).GetAccountRef()
	if want == "" {
		t.Fatal("the card as it is printed leads nowhere")
	}
	for name, scan := range map[string]string{
		"AIM id": "]E0" + cardRegular, "line end": cardRegular + "\r\n", "scanner's prefix": "~" + cardRegular,
		"French keyboard": `éçàà&é"'(-è_(`, "Belgian keyboard": `éçàà&é"'(§è!(`, "link": "https://delinde.example/k/" + cardRegular,
	} {
		if got := c.card(scan); got.GetAccountRef() != want || got.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
			t.Errorf("%s: %v %q, want %q", name, got.GetOutcome(), got.GetAccountRef(), want)
		}
	}
	for scan, outcome := range map[string]tillv1.Outcome{
		"2900123456784": tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT, "2312345012349": tillv1.Outcome_OUTCOME_NOT_A_CARD, "9912345678905": tillv1.Outcome_OUTCOME_NOT_A_CARD,
	} {
		if got := c.card(scan).GetOutcome(); got != outcome {
			t.Errorf("%s is said to be %v, want %v", scan, got, outcome)
		}
	}
}

// A card that was replaced leads to its customer still: the points go there. A blocked one says nothing that a bystander could read.
func TestScenario06LostAndReplaced(t *testing.T) {
	t.Parallel()
	p, token := tryStore(t)
	c := newTillWith(t, p.addr, token, "s01", "1")
	chain, err := samplechain.New(samplechain.Config{Seed: 1, Accounts: 200, LastDay: time.Now().AddDate(0, 0, -1)})
	if err != nil {
		t.Fatal(err)
	}
	var card samplechain.Card
	for customer := range chain.Customers() {
		for _, own := range customer.Cards {
			if own.State == customerv1.IdentifierState_IDENTIFIER_STATE_REPLACED {
				card = own
			}
		}
	}
	if card.Number == "" {
		t.Fatal("nobody among the customers has had a card replaced")
	}
	old, now := c.card(card.Number), c.card(card.ReplacedBy)
	if old.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND_REPLACED || now.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || old.GetAccountRef() != now.GetAccountRef() {
		t.Errorf("the old card: %v; the new one: %v", old, now)
	}
	booked := c.record(c.sale(card.Number, "1", 4700, "EUR"))
	after := c.card(card.ReplacedBy).GetLoyalty().GetPointsAvailable()
	if booked.GetPoints() != 47 || after != now.GetLoyalty().GetPointsAvailable()+47 {
		t.Errorf("a receipt on the old card books %d; the new card has %d, had %d", booked.GetPoints(), after, now.GetLoyalty().GetPointsAvailable())
	}
	blocked := c.ask(english(c.lookup(magic(t, "blocked"))))
	if blocked.GetOutcome() != tillv1.Outcome_OUTCOME_BLOCKED || blocked.GetLoyalty() != nil || len(blocked.GetReceipt().GetLines()) > 0 {
		t.Errorf("blocked: %v", blocked)
	}
	if text := strings.ToLower(said(blocked.GetCustomerDisplay())); text == "" || strings.Contains(text, "block") || strings.ContainsAny(text, "0123456789") {
		t.Errorf("the display says %q", text)
	}
}

// Two accounts merged into each other, as two clerks may do: the second is refused, and both cards lead to one customer.
func TestScenario07InACircle(t *testing.T) {
	t.Parallel()
	home, enrolment := shop(t)
	importOwn(t, home)
	office(t, home, 0, "merge", "--card", quiet, "--into-card", champion)
	if out := office(t, home, 1, "merge", "--card", champion, "--into-card", quiet); !strings.Contains(out, "one account already") {
		t.Errorf("merged back: %s", out)
	}
	office(t, home, 0, "publish")
	_, c := serveStore(t, enrolment, t.TempDir())
	released(t, c, 1)
	one, other := c.card(champion), c.card(quiet)
	if one.GetAccountRef() == "" || one.GetAccountRef() != other.GetAccountRef() || one.GetLoyalty().GetPointsAvailable() != 1257 {
		t.Errorf("the cards lead to %v and %v", one, other)
	}
}

// Who objected and who is under age saves points, and is neither put into a segment nor addressed.
func TestScenario09NotToBeAddressed(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	if got := c.ask(english(c.lookup(cardRegular))); got.GetSegment() == nil || got.GetSuggestion().GetPrompt() == nil {
		t.Fatalf("a champion who agreed is not addressed: %v", got)
	}
	for card, points := range map[string]int64{cardMinor: 30, cardObjected: 77} {
		got := c.ask(english(c.lookup(card)))
		if got.GetSegment() != nil || got.GetSuggestion() != nil || got.GetLoyalty().GetPointsAvailable() != points {
			t.Errorf("%s: %v", card, got)
		}
		if booked := c.record(c.sale(card, card, 1000, "EUR")); booked.GetPoints() != 10 || booked.GetLoyalty().GetPointsAvailable() != points+10 {
			t.Errorf("%s earns %v", card, booked)
		}
		if after := c.card(card); after.GetSegment() != nil || after.GetSuggestion() != nil {
			t.Errorf("%s, after a receipt: %v", card, after)
		}
	}
}

// Two customers who buy the same, one of them medicine besides, more often and for more: they are scored alike.
func TestScenario09SensitiveGroups(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	programme := strings.Replace(petProgramme, "groups: {", "groups: {medicine: \"80*\", ", 1)
	programme = programme[:strings.Index(programme, "campaigns:")] + "sensitive: [medicine]\n"
	write(t, filepath.Join(home, "programme.yaml"), programme)
	office(t, home, 0, "init", "--yes")
	var rows strings.Builder
	rows.WriteString("no,card,date,sku,group,amount\n")
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).Format(time.DateOnly) }
	for i := range 3 {
		fmt.Fprintf(&rows, "a%d,%s,%s,1,5010,30.00\nb%d,%s,%s,1,5010,30.00\n", i, champion, day(20+10*i), i, quiet, day(20+10*i))
	}
	for i := range 9 {
		fmt.Fprintf(&rows, "m%d,%s,%s,9,8010,90.00\n", i, quiet, day(1+2*i))
	}
	office(t, home, 0, "import", "receipts", write(t, filepath.Join(home, "receipts.csv"), rows.String()),
		"--mapping", write(t, filepath.Join(home, "mapping.yaml"), petMapping))
	scores := func() []string {
		t.Helper()
		office(t, home, 0, "score")
		return scoresOf(t, home)
	}
	if got := scores(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("who buys medicine besides is scored %q, who does not %q", got[1], got[0])
	}
	// Were it not sensitive, it would count.
	write(t, filepath.Join(home, "programme.yaml"), strings.Replace(programme, "sensitive: [medicine]", "", 1))
	if got := scores(); len(got) != 2 || got[0] == got[1] {
		t.Errorf("medicine that is not sensitive changes nothing: %q", got)
	}
}

// scoresOf are what head office scored each customer, without who it is.
func scoresOf(t *testing.T, home string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scores.csv")
	office(t, home, 0, "export", "scores", path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var scores []string
	for line := range strings.Lines(string(text)) {
		if _, rest, ok := strings.Cut(line, ","); ok && !strings.HasPrefix(line, "account") {
			scores = append(scores, rest)
		}
	}
	return scores
}

// What is said stays the same within a visit, on whatever till, and in the customer's language.
func TestScenario10SameVerdict(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, c := gardenStore(t, "b1-a", data)
	other := newTill(t, p.addr, data, "b1", "2")
	for _, c := range []*till{c, other, c} {
		ask := c.lookup(cardLiege)
		ask.ReceiptRef = "visit"
		got := c.ask(ask)
		if got.GetSuggestion().GetCampaign() != "dank" || got.GetCustomerDisplay().GetLanguage() != "fr" || !strings.Contains(said(got.GetCustomerDisplay()), "Merci") {
			t.Errorf("at till %s: %v", c.code, got)
		}
	}
}

// Points in quiet hours go by the store's own time at the end of the sale, on an ordinary Tuesday and on the Sunday on which the clock changed.
func TestScenario11QuietHours(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	changed := clockChanged(t, zone)
	evening := time.Date(changed.Year(), changed.Month(), changed.Day(), 20, 0, 0, 0, zone)
	data := t.TempDir()
	// The store opened a fortnight before that Sunday; the sales are told in the evening of it.
	p, _ := gardenStore(t, "k1-a", data, "--clock-skew="+time.Until(evening.AddDate(0, 0, -14)).Round(time.Second).String())
	p.stop()
	_, c := gardenStore(t, "k1-a", data, "--clock-skew="+time.Until(evening).Round(time.Second).String())
	tuesday := evening.AddDate(0, 0, -5)
	for _, tc := range []struct {
		name   string
		day    time.Time
		hour   int
		group  string
		points int64
	}{
		{"Tuesday 10:15, plants", tuesday, 10, "1010", 20},
		{"Tuesday 18:15, plants", tuesday, 18, "1010", 10},
		{"Tuesday 10:15, paint", tuesday, 10, "4601", 10},
		{"the Sunday the clock changed, 09:15", evening, 9, "1010", 10},
		{"the Sunday the clock changed, 10:15", evening, 10, "1010", 20},
		{"the Sunday the clock changed, 11:15", evening, 11, "1010", 20},
		{"the Sunday the clock changed, 12:15", evening, 12, "1010", 10},
	} {
		at := time.Date(tc.day.Year(), tc.day.Month(), tc.day.Day(), tc.hour, 15, 0, 0, zone)
		if booked := c.record(c.paid(cardRegular, tc.name[:3]+at.Format("150405")+tc.group, at, goods(1, tc.group, 1, 1000))); booked.GetPoints() != tc.points {
			t.Errorf("%s (%s): %d points, want %d", tc.name, at, booked.GetPoints(), tc.points)
		}
	}
	trade := c.card(cardTrade).GetEntitlements()
	if len(trade) != 1 || trade[0].GetCode() != "hovenier" || trade[0].GetBasisPoints() != 1500 || trade[0].GetName() != "Trade" {
		t.Errorf("the trade's right: %v", trade)
	}
	promoted := goods(2, "1010", 1, 1000)
	promoted.OnPromotion = true
	for card, want := range map[string]map[int32]int64{
		cardTrade: {1: 150},                 // plants, and not those on promotion
		cardStaff: {1: 200, 2: 200, 3: 200}, // everything
	} {
		ask := c.lookup(card)
		ask.Stage, ask.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: []*outcomev1.Line{goods(1, "1010", 1, 1000), promoted, goods(3, "4601", 1, 1000)}}
		if got := takenOff(c.ask(ask).GetEntitlements()[0].GetLineDiscounts()); !maps.Equal(got, want) {
			t.Errorf("%s: taken off %v, want %v", card, got, want)
		}
	}
}

// takenOff is what is taken off which line.
func takenOff(discounts []*tillv1.LineDiscount) map[int32]int64 {
	off := map[int32]int64{}
	for _, d := range discounts {
		off[d.GetLine()] += d.GetAmountMinor()
	}
	return off
}

// Staff at 20 % and an offer of 20 % on the same paint: the better of the two, or both, as the programme says.
func TestScenario31TwoDiscounts(t *testing.T) {
	t.Parallel()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	added := t.TempDir()
	if err := firstEvening(dir, added, strings.Replace(gardenProgramme, "discounts_together: best", "discounts_together: add", 1)); err != nil {
		t.Fatal(err)
	}
	_, best := gardenStore(t, "k1-a", t.TempDir())
	_, add := storeOf(t, added, "k1-a", t.TempDir())
	for name, tc := range map[string]struct {
		c    *till
		want int64
	}{"best": {best, 200}, "add": {add, 400}} {
		ask := tc.c.lookup(cardStaff)
		ask.Stage, ask.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: []*outcomev1.Line{goods(1, "4501", 6, 6000), goods(2, "4601", 1, 1000)}}
		got := tc.c.ask(ask)
		staff, offer := takenOff(got.GetEntitlements()[0].GetLineDiscounts()), takenOff(got.GetSuggestion().GetOffer().GetLineDiscounts())
		if staff[1] != 1200 || staff[2]+offer[2] != tc.want {
			t.Errorf("%s: staff %v, offer %v; want %d off the paint", name, staff, offer, tc.want)
		}
	}
}

// clockChanged is the last day on which a zone's clock was changed.
func clockChanged(t *testing.T, zone *time.Location) time.Time {
	t.Helper()
	for back := range 400 {
		day := time.Now().In(zone).AddDate(0, 0, -back-1)
		midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
		if midnight.AddDate(0, 0, 1).Sub(midnight) != 24*time.Hour {
			return midnight
		}
	}
	t.Fatal("the clock was not changed for a year")
	return time.Time{}
}

func TestScenario12TierReached(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	if got := c.card(cardLoyal).GetLoyalty().GetTier(); got != "groen" {
		t.Fatalf("before: %s", got)
	}
	booked := c.record(c.paid(cardLoyal, "1", time.Time{}, goods(1, "65", 1, 12000)))
	if booked.GetLoyalty().GetTier() != "goud" || said(booked.GetCustomerDisplay()) != "Congratulations!|You are Gold now" || !strings.Contains(said(booked.GetStaff()), "Gold") {
		t.Errorf("crossed: %v", booked)
	}
	if after := c.card(cardLoyal).GetLoyalty(); after.GetTier() != "goud" || after.GetTierName() != "Gold" {
		t.Errorf("the next lookup: %v", after)
	}
}

// A card out of the leaflet rack saves from its first receipt; what it saved is the customer's once registered.
func TestScenario26NewCard(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	if got := c.a.ask(english(c.a.lookup(cardNew))); got.GetOutcome() != tillv1.Outcome_OUTCOME_NEW_CARD || len(got.GetStaff().GetLines()) == 0 {
		t.Fatalf("a new card: %v", got)
	}
	if got := c.a.card(cardStranger).GetOutcome(); got != tillv1.Outcome_OUTCOME_UNKNOWN_CARD && got != tillv1.Outcome_OUTCOME_NEW_CARD {
		t.Errorf("a card nobody handed out: %v", got)
	}
	if booked := c.a.record(c.a.sale(cardNew, "1", 4700, "EUR")); booked.GetPoints() != 47 || booked.GetLoyalty().GetPointsAvailable() != 47 {
		t.Errorf("its first receipt: %v", booked)
	}
	began := time.Now()
	next := newTill(t, c.one.addr, c.data[0], "k1", "2").card(cardNew)
	if next.GetLoyalty().GetPointsAvailable() != 47 || time.Since(began) > time.Second {
		t.Errorf("at the next till, after %v: %v", time.Since(began), next)
	}
	eventually(t, "it is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	importList(t, c.home, t.TempDir(), ownCustomers+"9,"+cardNew+",loyal,3,3,3,basic,\n")
	office(t, c.home, 0, "score")
	office(t, c.home, 0, "publish")
	for _, c := range []*till{c.a, c.b} {
		eventually(t, "the customer is registered", func() bool { return c.card(cardNew).GetOutcome() == tillv1.Outcome_OUTCOME_FOUND })
		if got := c.card(cardNew).GetLoyalty().GetPointsAvailable(); got != 47 {
			t.Errorf("once registered: %d points, want 47", got)
		}
	}
	_, strict := gardenStore(t, "k1-a", t.TempDir())
	if got := strict.card(cardStranger).GetOutcome(); got != tillv1.Outcome_OUTCOME_UNKNOWN_CARD {
		t.Errorf("outside every range: %v", got)
	}
}

// Who declines to have the details checked is not asked again, at any till of the store, nor after a power cut. For how long, the verdict's own tests
// tell.
func TestScenario27Declined(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, c := gardenStore(t, "k1-a", data)
	first := c.ask(english(c.lookup(cardLoyal)))
	if first.GetSuggestion().GetCampaign() != "gegevens" || said(first.GetStaff()) != "Ask: are the details still right?" {
		t.Fatalf("before: %v", first.GetSuggestion())
	}
	if again := c.card(cardLoyal).GetSuggestion(); again.GetCampaign() != "gegevens" {
		t.Errorf("asked, and not declined: %v", again)
	}
	sale := c.paid(cardLoyal, "1", time.Time{}, goods(1, "65", 1, 1000))
	sale.Exposures = []*outcomev1.Exposure{{
		SuggestionId: first.GetSuggestion().GetId(), Campaign: "gegevens", Response: outcomev1.Response_RESPONSE_DECLINED,
	}}
	c.record(sale)
	silent := func(when string, c *till) {
		t.Helper()
		if next := c.card(cardLoyal).GetSuggestion(); next.GetCampaign() != "" || !strings.Contains(strings.Join(next.GetReasons(), "|"), "QUARANTINE gegevens") {
			t.Errorf("%s: %v", when, next)
		}
	}
	silent("at the next till", newTill(t, p.addr, data, "k1", "2"))
	p.kill()
	_, c = gardenStore(t, "k1-a", data)
	silent("after a power cut", c)
}

// An offer that falls on goods whose discount the law bounds is bounded line by line; one that names them and goes beyond is never published.
func TestScenario31RestrictedGroup(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	ask := english(c.lookup(cardLoyal))
	ask.Stage, ask.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: []*outcomev1.Line{goods(1, "7001", 1, 1000), goods(2, "1010", 1, 3000)}}
	got := c.ask(ask)
	off := map[int32]int64{}
	for _, d := range got.GetSuggestion().GetOffer().GetLineDiscounts() {
		off[d.GetLine()] = d.GetAmountMinor()
	}
	if got.GetSuggestion().GetCampaign() != "wijn" || off[1] != 250 || off[1]+off[2] != 1600 {
		t.Errorf("40 %% off 10.00 of wine (25 %% at most) and 30.00 of plants: %v", got.GetSuggestion())
	}
	home := t.TempDir()
	office(t, home, 0, "init", "--yes")
	beyond := strings.Replace(gardenProgramme, "offer: {percent: 40, till_code", "offer: {percent: 40, groups: [alcohol], till_code", 1)
	if out := office(t, home, 4, "check", write(t, filepath.Join(home, "beyond.yaml"), beyond)); !strings.Contains(out, "alcohol") || !strings.Contains(out, "25") {
		t.Errorf("check says %s", out)
	}
}

// A till with a small display, a narrow printer and no euro sign: whatever is said fits.
func TestScenario32SmallTill(t *testing.T) {
	t.Parallel()
	_, c := gardenStore(t, "k1-a", t.TempDir())
	small := &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 32, NoEuroSign: true}
	for i, card := range []string{cardRegular, cardLoyal, cardMinor, cardLiege, cardObjected, cardTrade, cardBlocked, cardNew, cardStranger, "4006381333931"} {
		for _, stage := range []tillv1.Stage{tillv1.Stage_STAGE_START, tillv1.Stage_STAGE_PAYMENT} {
			ask := c.lookup(card)
			ask.Abilities, ask.Stage = small, stage
			if stage == tillv1.Stage_STAGE_PAYMENT {
				ask.Basket = &tillv1.Basket{Lines: []*outcomev1.Line{goods(1, "4501", 6, 6000), goods(2, "4601", 1, 12345)}}
			}
			got := c.ask(ask)
			lengths(t, card+" display", got.GetCustomerDisplay(), 2, 20)
			lengths(t, card+" receipt", got.GetReceipt(), 6, 32)
			sayable(t, card, slices.Concat(got.GetCustomerDisplay().GetLines(), got.GetReceipt().GetLines()))
		}
		sale := c.paid(card, fmt.Sprint(i), time.Time{}, goods(1, "4501", 6, 12345))
		sale.Abilities = small
		booked := c.record(sale)
		lengths(t, card+" display of the receipt", booked.GetCustomerDisplay(), 2, 20)
		lengths(t, card+" receipt", booked.GetReceipt(), 6, 32)
		sayable(t, card, slices.Concat(booked.GetCustomerDisplay().GetLines(), booked.GetReceipt().GetLines()))
	}
}

// sayable expects words without a euro sign.
func sayable(t *testing.T, what string, lines []string) {
	t.Helper()
	for _, line := range lines {
		if strings.Contains(line, "€") {
			t.Errorf("%s: this display has no euro sign: %q", what, line)
		}
	}
}
