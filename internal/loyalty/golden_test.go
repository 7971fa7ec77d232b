package loyalty_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// golden is testdata/receipts.yaml.
type golden struct {
	Programmes map[string]goldenProgramme
	Receipts   []goldenReceipt
}

type goldenProgramme struct {
	Groups            map[string]string
	NoPoints          []string `yaml:"no_points"`
	Earn              []goldenRule
	RatesTogether     string   `yaml:"rates_together"`
	FactorsTogether   string   `yaml:"factors_together"`
	BeforeDiscount    bool     `yaml:"before_discount"`
	OnDiscounted      *bool    `yaml:"on_discounted_lines"`
	NotWhenPaidWith   []string `yaml:"not_when_paid_with"`
	AfterCashRounding bool     `yaml:"after_cash_rounding"`
	PerReceipt        int64    `yaml:"at_most_per_receipt"`
	PerDay            int64    `yaml:"at_most_per_day"`
	ReceiptsPerDay    int32    `yaml:"receipts_per_day"`
}

type goldenRule struct {
	Name         string
	Points       int64
	PerEuro      int64  `yaml:"per_euro"`
	PerPieces    int64  `yaml:"per_pieces"`
	PerVisit     bool   `yaml:"per_visit"`
	SpendAtLeast string `yaml:"spend_at_least"`
	Times        int64
	Groups       []string
	Days         []string
	Hours        string
	From, Until  string
	Tiers        []string
	Segments     []string
	AtMost       int64 `yaml:"at_most"`
}

type goldenReceipt struct {
	Why           string
	Programme     string
	At            string
	Tier, Segment string
	First         bool
	EarnedToday   int64 `yaml:"earned_today"`
	ReceiptsToday int   `yaml:"receipts_today"`
	Boost         *struct {
		Times  int64
		Groups []string
	}
	Paid     map[string]string
	Total    string
	Lines    []string
	Points   []int64
	HeldBack int64 `yaml:"held_back"`
	Back     [][]string
}

// TestGoldenReceipts holds the receipts of testdata/receipts.yaml, and what comes back of them.
func TestGoldenReceipts(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/receipts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all golden
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all.Receipts) < 60 {
		t.Fatalf("only %d receipts", len(all.Receipts))
	}
	rules := map[string]*loyalty.Rules{}
	for name, p := range all.Programmes {
		rules[name] = compile(t, p.proto(t))
	}
	for _, r := range all.Receipts {
		t.Run(r.Why, func(t *testing.T) {
			t.Parallel()
			r.check(t, rules[r.Programme])
		})
	}
}

func (g *goldenReceipt) check(t *testing.T, rules *loyalty.Rules) {
	t.Helper()
	receipt := &outcomev1.Receipt{}
	for i, text := range g.Lines {
		receipt.Lines = append(receipt.Lines, goldenLine(t, int32(i+1), text))
	}
	for means, amount := range g.Paid {
		kind := outcomev1.TenderKind(outcomev1.TenderKind_value["TENDER_KIND_"+strings.ToUpper(means)])
		receipt.Tenders = append(receipt.Tenders, &outcomev1.Tender{Kind: kind, AmountMinor: cents(t, amount)})
	}
	receipt.TotalMinor = cents(t, g.Total)
	sale := loyalty.Sale{
		Store: "s01", At: amsterdam(t, g.At+":00"), Currency: "EUR", Lines: receipt.GetLines(), Groups: rules.Groups().Of(receipt.GetLines()),
		Tier: g.Tier, Segment: g.Segment, FirstOfVisit: g.First, EarnedToday: g.EarnedToday, ReceiptsToday: g.ReceiptsToday,
		Tenders: receipt.GetTenders(), Rounding: loyalty.Rounding(receipt),
	}
	if g.Boost != nil {
		sale.Boosts = []loyalty.Boost{{Times: g.Boost.Times, Groups: rules.Groups().Set(g.Boost.Groups)}}
	}
	award := rules.Earn(sale)
	got := award.PerLine
	if got == nil {
		got = make([]int64, len(g.Lines))
	}
	var sum int64
	for _, points := range g.Points {
		sum += points
	}
	if !slices.Equal(got, g.Points) || award.Points != sum || award.HeldBack != g.HeldBack {
		t.Fatalf("earned %d as %v, %d held back; want %d as %v, %d held back", award.Points, got, award.HeldBack, sum, g.Points, g.HeldBack)
	}
	var earlier [][]*outcomev1.Line
	for visit, brought := range g.Back {
		var lines []*outcomev1.Line
		var want []int64
		for _, text := range brought {
			line, points := goldenBack(t, text, receipt.GetLines())
			lines, want = append(lines, line), append(want, -points)
		}
		taken := loyalty.TakeBack(receipt.GetLines(), award.PerLine, earlier, lines)
		if !slices.Equal(taken.PerLine, want) {
			t.Fatalf("visit %d took back %v, want %v", visit+1, taken.PerLine, want)
		}
		earlier = append(earlier, lines)
	}
}

// goldenLine reads "article amount [pieces] [marks]".
func goldenLine(t *testing.T, no int32, text string) *outcomev1.Line {
	t.Helper()
	words := strings.Fields(text)
	line := &outcomev1.Line{No: no, Sku: words[0], NetMinor: cents(t, words[1]), QuantityMilli: 1000}
	for i, word := range words[2:] {
		off, discounted := strings.CutPrefix(word, "off=")
		switch {
		case word == "deposit":
			line.NotMerchandise = true
		case discounted:
			line.DiscountMinor = cents(t, off)
		case i == 0:
			line.QuantityMilli = decimal(t, word, 3)
		default:
			t.Fatalf("%q of %q is not understood", word, text)
		}
	}
	return line
}

// goldenBack reads "line pieces -> points": a line's number, or its article, where that is longer than any number.
func goldenBack(t *testing.T, text string, sold []*outcomev1.Line) (line *outcomev1.Line, points int64) {
	t.Helper()
	words := strings.Fields(text)
	if len(words) != 4 || words[2] != "->" {
		t.Fatalf("%q is not understood", text)
	}
	line = &outcomev1.Line{No: 1, Sku: words[0], QuantityMilli: -decimal(t, words[1], 3), NetMinor: -1}
	if no, err := strconv.Atoi(words[0]); err == nil && no <= len(sold) {
		line.OriginalLine = int32(no)
	}
	return line, decimal(t, words[3], 0)
}

func (g *goldenProgramme) proto(t *testing.T) *programmev1.Programme {
	t.Helper()
	p := &programmev1.Programme{Currency: "EUR", CurrencyDecimals: 2, NoPointsNoOffers: g.NoPoints}
	for name, patterns := range g.Groups {
		p.Groups = append(p.Groups, &programmev1.ProductGroup{Name: name, Patterns: []string{patterns}})
	}
	p.Points = &programmev1.Points{
		OnDiscountedLines: g.OnDiscounted, BeforeDiscount: g.BeforeDiscount, AfterCashRounding: g.AfterCashRounding,
		AtMostPerReceipt: g.PerReceipt, AtMostPerDay: g.PerDay, ReceiptsPerDay: g.ReceiptsPerDay,
		RatesTogether:   programmev1.Combining(programmev1.Combining_value["COMBINING_"+strings.ToUpper(g.RatesTogether)]),
		FactorsTogether: programmev1.Combining(programmev1.Combining_value["COMBINING_"+strings.ToUpper(g.FactorsTogether)]),
	}
	for _, means := range g.NotWhenPaidWith {
		p.Points.NotWhenPaidWith = append(p.Points.NotWhenPaidWith, programmev1.PaidWith(programmev1.PaidWith_value["PAID_WITH_"+strings.ToUpper(means)]))
	}
	for _, r := range g.Earn {
		rule := &programmev1.EarnRule{
			Name: r.Name, Points: r.Points, PerEuro: r.PerEuro, PerPieces: r.PerPieces, PerVisit: r.PerVisit, SpendAtLeast: cents(t, r.SpendAtLeast),
			Times: r.Times, Groups: r.Groups, Tiers: r.Tiers, Segments: r.Segments, AtMost: r.AtMost, From: civil(t, r.From), Until: civil(t, r.Until),
		}
		for _, day := range r.Days {
			rule.Days = append(rule.Days, programmev1.Weekday(programmev1.Weekday_value["WEEKDAY_"+strings.ToUpper(day)]))
		}
		if r.Hours != "" {
			var h1, m1, h2, m2 int32
			if _, err := fmt.Sscanf(r.Hours, "%d:%d-%d:%d", &h1, &m1, &h2, &m2); err != nil {
				t.Fatal(err)
			}
			rule.Hours = &programmev1.Hours{FromMinute: h1*60 + m1, UntilMinute: h2*60 + m2}
		}
		p.Points.Earn = append(p.Points.Earn, rule)
	}
	return p
}

func civil(t *testing.T, date string) int32 {
	t.Helper()
	if date == "" {
		return 0
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		t.Fatal(err)
	}
	return int32(day.Unix() / 86400)
}

func cents(t *testing.T, amount string) int64 {
	t.Helper()
	return decimal(t, amount, 2)
}

// decimal reads a number with at most so many places as a whole number of its last place.
func decimal(t *testing.T, text string, places int) int64 {
	t.Helper()
	if text == "" {
		return 0
	}
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
