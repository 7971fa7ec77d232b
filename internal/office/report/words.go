package report

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/stamklant/stamklant/internal/office/scoring"
)

// words are all that a page says in one language.
type words struct {
	Lang                       string
	thousands, point           string
	months                     [12]string
	weekdays                   [7]string // as they stand in a sentence
	short                      [7]string
	parts                      [4]string // joined to the weekday
	Parts                      [4]string // alone
	Title, from, all           string
	oneOf, percentOf, once     string
	fading, oneFading, noneOut string
	quiet                      string

	Customers, Turnover, PerCustomer, Lapsed     string
	Segments, Segment, Share, LastSeen, Spent    string
	Visits, Receipts, DaysAgo, Total             string
	HeatTitle, HeatText, Recency, Frequency      string
	Few, Much, Days                              string
	SharesTitle, SharesText                      string
	Dimensions                                   [3]string
	MovesTitle, NoMoves, NewOnes, OtherMoves     string
	Gained                                       string
	WeekTitle, WeekText, WeekFrame, AnHour, ADay string
	AheadTitle, AheadText, StillBuying, Expected string
	ExpectedVisits, ExpectedTurnover             string
	TestTitle, TestText, Foretold, Really        string
	Came, LooseText, TooFew, TooMany             string
	HealthTitle, HealthText, Yes, No, Open       string
	Questions                                    map[string]string
	NotesTitle, Definitions, LeftOut             string
	NobodyHas, TooManyHave                       string
}

// thin keeps a figure and its unit on one line.
const thin = "\u00a0"

var english = &words{
	Lang: "en", thousands: ",", point: ".",
	months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	weekdays: [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
	short:    [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
	parts:    [4]string{"", " morning", " afternoon", " evening"},
	Parts:    [4]string{"all day", "morning", "afternoon", "evening"},
	Title:    "Your customers on %s", from: "Receipts from %s to %s · run %d", all: "All receipts up to %[2]s · run %[3]d",
	oneOf: "%d of %d", percentOf: "of ", once: "customers came once: %s of %s.",
	fading: "regulars, %s of turnover, are fading.", oneFading: "regular, %s of turnover, is fading.", noneOut: "regulars are fading.",
	quiet:     "is your quiet time: %s receipts %s, against %s on %s.",
	Customers: "customers", Turnover: "turnover", PerCustomer: "per customer", Lapsed: "bought before, not since",
	Segments: "Who your customers are", Segment: "Segment", Share: "share", LastSeen: "days ago", Spent: "spent each",
	Visits: "visits", Receipts: "receipts", DaysAgo: "days ago", Total: "All",
	HeatTitle: "How lately, how often, for how much",
	HeatText:  "Each field holds customers who came about as lately (upwards) and as often (to the right). The large figure is how many they are, the small one what each spent; the darker, the better their money scores.",
	Recency:   "last seen", Frequency: "how often", Few: "lower money scores", Much: "higher", Days: "days",
	SharesTitle: "How customers spread over the scores", SharesText: "Score 1 on the left, the best on the right; above each bar, where one score ends and the next begins.",
	Dimensions: [3]string{"recency", "frequency", "money"},
	MovesTitle: "Who moved since %s", NoMoves: "Nobody changed segment.", NewOnes: "%s customers bought for the first time.",
	OtherMoves: "and %s customers in smaller moves (%s)", Gained: "more or fewer",
	WeekTitle: "When they come", WeekText: "Receipts", WeekFrame: ", on average over the whole window; the quiet time is framed.", AnHour: "an hour", ADay: "a day",
	AheadTitle: "The year ahead", AheadText: "What customers of each segment will do in the next twelve months, by two published models (BG/NBD and Gamma-Gamma) fitted to %s customers, of whom %s came back.",
	StillBuying: "still buy here", Expected: "expected", ExpectedVisits: "visits each", ExpectedTurnover: "expected turnover",
	TestTitle: "Is that so? A test", TestText: "The models were given only receipts up to %s, and had to foretell the %s days after it. They said %s days with a purchase; there were %s.", TooFew: "That is %s too few.", TooMany: "That is %s too many.",
	Foretold: "foretold", Really: "came true", Came: "came back before", LooseText: "These receipts do not tell when a customer is gone for good, so the share who still buy here is left out.",
	HealthTitle: "Are the segments sound?", Yes: "yes", No: "no", Open: "not known yet",
	HealthText:  "Stable: its size is within %d %% of what it was on the days before. Large: at least %d customers and %d %% of turnover. Growing: more customers than before, who spend no less. Reachable: at least %d %% agreed to being addressed. Distinct: clearly unlike the nearest other segment. A dash: there is nothing yet to hold it against.",
	Questions:   map[string]string{"stable": "stable", "large": "large", "growing": "growing", "identifiable": "reachable", "distinguishable": "distinct"},
	NotesTitle:  "Notes",
	Definitions: "Regulars are customers in the upper two fifths of frequency scores; fading are those of them in the lower two fifths of recency scores. Turnover is that of the customers scored, within the window.",
	LeftOut:     "%s customers were not scored: they objected, are under age, or belong to a group that is left out.",
	NobodyHas:   "Nobody has %s score %d: too many customers are equal there.", TooManyHave: "%s score %d is had by %s of customers, at least twice an even share.",
}

var dutch = &words{
	Lang: "nl", thousands: ".", point: ",",
	months:   [12]string{"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"},
	weekdays: [7]string{"maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"},
	short:    [7]string{"ma", "di", "wo", "do", "vr", "za", "zo"},
	parts:    [4]string{"", "ochtend", "middag", "avond"},
	Parts:    [4]string{"hele dag", "ochtend", "middag", "avond"},
	Title:    "Uw klanten op %s", from: "Bonnen van %s tot en met %s · run %d", all: "Alle bonnen tot en met %[2]s · run %[3]d",
	oneOf: "%d op de %d", percentOf: "van de ", once: "klanten kwam één keer: %s van %s.",
	fading: "vaste klanten, goed voor %s van de omzet, haken af.", oneFading: "vaste klant, goed voor %s van de omzet, haakt af.", noneOut: "vaste klanten haken af.",
	quiet:     "is uw rustige moment: %s bonnen %s, tegen %s op %s.",
	Customers: "klanten", Turnover: "omzet", PerCustomer: "per klant", Lapsed: "kochten eerder, daarna niet meer",
	Segments: "Wie uw klanten zijn", Segment: "Segment", Share: "aandeel", LastSeen: "dagen geleden", Spent: "besteed per klant",
	Visits: "bezoeken", Receipts: "bonnen", DaysAgo: "dagen geleden", Total: "Alle",
	HeatTitle: "Hoe kort geleden, hoe vaak, voor hoeveel",
	HeatText:  "Elk vak bevat klanten die ongeveer even kort geleden (omhoog) en even vaak (naar rechts) kwamen. Het grote getal is hun aantal, het kleine wat ieder besteedde; hoe donkerder, hoe beter hun geldscores.",
	Recency:   "laatst gezien", Frequency: "hoe vaak", Few: "lagere geldscores", Much: "hogere", Days: "dagen",
	SharesTitle: "Hoe klanten over de scores verdeeld zijn", SharesText: "Score 1 links, de beste rechts; boven elke balk waar de ene score eindigt en de volgende begint.",
	Dimensions: [3]string{"recentheid", "frequentie", "besteding"},
	MovesTitle: "Wie verschoof sinds %s", NoMoves: "Niemand veranderde van segment.", NewOnes: "%s klanten kochten voor het eerst.",
	OtherMoves: "en %s klanten in kleinere verschuivingen (%s)", Gained: "meer of minder",
	WeekTitle: "Wanneer ze komen", WeekText: "Bonnen", WeekFrame: ", gemiddeld over de hele periode; het rustige moment is omlijnd.", AnHour: "per uur", ADay: "per dag",
	AheadTitle: "Het komende jaar", AheadText: "Wat klanten van elk segment de komende twaalf maanden zullen doen, volgens twee gepubliceerde modellen (BG/NBD en Gamma-Gamma) op grond van %s klanten, van wie er %s terugkwamen.",
	StillBuying: "kopen nog hier", Expected: "verwacht", ExpectedVisits: "bezoeken elk", ExpectedTurnover: "verwachte omzet",
	TestTitle: "Klopt dat? Een toets", TestText: "De modellen kregen alleen bonnen tot en met %s en moesten de %s dagen daarna voorspellen. Ze zeiden %s dagen met een aankoop; het werden er %s.", TooFew: "Dat is %s te weinig.", TooMany: "Dat is %s te veel.",
	Foretold: "voorspeld", Really: "uitgekomen", Came: "kwam eerder terug", LooseText: "Deze bonnen vertellen niet wanneer een klant voorgoed weg is; daarom staat hier niet wie nog koopt.",
	HealthTitle: "Zijn de segmenten gezond?", Yes: "ja", No: "nee", Open: "nog niet bekend",
	HealthText:  "Stabiel: de omvang ligt binnen %d %% van die op de dagen ervoor. Groot: ten minste %d klanten en %d %% van de omzet. Groeiend: meer klanten dan ervoor, die niet minder besteden. Bereikbaar: ten minste %d %% stemde in met aanspreken. Eigen: duidelijk anders dan het dichtstbijzijnde andere segment. Een streepje: er is nog niets om mee te vergelijken.",
	Questions:   map[string]string{"stable": "stabiel", "large": "groot", "growing": "groeiend", "identifiable": "bereikbaar", "distinguishable": "eigen"},
	NotesTitle:  "Toelichting",
	Definitions: "Vaste klanten zijn klanten in de bovenste twee vijfde van de frequentiescores; wie van hen in de onderste twee vijfde van de recentheidsscores zit, haakt af. Omzet is die van de gescoorde klanten, binnen de periode.",
	LeftOut:     "%s klanten kregen geen score: zij maakten bezwaar, zijn minderjarig of horen bij een groep die niet meetelt.",
	NobodyHas:   "Niemand heeft %s score %d: te veel klanten zijn daar gelijk.", TooManyHave: "%s score %d heeft %s van de klanten, ten minste tweemaal een gelijk deel.",
}

// wordsOf are the words of a language; English where it has none.
func wordsOf(language string) *words {
	if base, _, _ := strings.Cut(language, "-"); base == "nl" {
		return dutch
	}
	return english
}

// unit is what frequency counts.
func (in *Input) unit(w *words) string {
	if in.Visits {
		return w.Visits
	}
	return w.Receipts
}

// number writes a whole number in groups of three.
func (w *words) number(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + w.thousands + digits[i:]
	}
	return sign + digits
}

// decimal writes n, which counts units of 10^−places, with so many decimals, rounded half away from zero.
func (w *words) decimal(n int64, places, show int32) string {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	text := new(big.Rat).SetFrac(big.NewInt(n), unit).FloatString(int(show))
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + w.thousands + whole[i:]
	}
	if fraction != "" {
		whole += w.point + fraction
	}
	if strings.HasPrefix(text, "-") {
		return "−" + whole
	}
	return whole
}

// symbols of currencies that have one everybody knows.
var symbols = map[string]string{"EUR": "€", "GBP": "£", "USD": "$"}

// money writes minor units in whole units of the currency.
func (w *words) money(in *Input, minor int64) string {
	symbol, ok := symbols[in.Currency]
	switch {
	case !ok:
		symbol = in.Currency + thin
	case w == dutch:
		symbol += thin
	}
	amount := w.decimal(minor, in.Decimals, 0)
	if rest, negative := strings.CutPrefix(amount, "−"); negative {
		return "−" + symbol + rest
	}
	return symbol + amount
}

// share is a part of a whole in percent with one decimal.
func (w *words) share(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	return w.decimal(over(part*1000, whole), 1, 1) + thin + "%"
}

// percent is a part of a whole in whole percents.
func (w *words) percent(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	return w.number(over(part*100, whole)) + thin + "%"
}

// date writes a day out.
func (w *words) date(day int32) string {
	t := time.Unix(int64(day)*86400, 0).UTC()
	return fmt.Sprintf("%d%s%s%s%d", t.Day(), thin, w.months[t.Month()-1], thin, t.Year())
}

// window says which receipts counted.
func (w *words) window(run *scoring.Run) string {
	if run.First == 0 {
		return fmt.Sprintf(w.all, "", w.date(run.AsOf), run.ID)
	}
	return fmt.Sprintf(w.from, w.date(run.First), w.date(run.AsOf), run.ID)
}
