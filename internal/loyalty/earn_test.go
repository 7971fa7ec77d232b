package loyalty_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// linde is the garden centre: a point per euro, double on plants on Tuesday and Wednesday mornings in winter.
func linde() *programmev1.Programme {
	return &programmev1.Programme{
		Currency: "EUR", CurrencyDecimals: 2,
		Groups: []*programmev1.ProductGroup{
			{Name: "plants", Patterns: []string{"10*", "11*"}},
			{Name: "timber", Patterns: []string{"45* 46*x"}},
			{Name: "tobacco", Patterns: []string{"71*"}},
			{Name: "gift", Patterns: []string{"9999"}},
		},
		NoPointsNoOffers: []string{"tobacco"},
		Points: &programmev1.Points{Earn: []*programmev1.EarnRule{
			{Name: "basis", Points: 1, PerEuro: 1},
			{
				Name: "rustige-ochtend", Times: 2, Groups: []string{"plants"}, From: 20458, Until: 20510, // 2026-01-05 to 2026-02-26
				Days:  []programmev1.Weekday{programmev1.Weekday_WEEKDAY_TUE, programmev1.Weekday_WEEKDAY_WED},
				Hours: &programmev1.Hours{FromMinute: 540, UntilMinute: 720},
			},
			{Name: "zondag", Times: 3, Days: []programmev1.Weekday{programmev1.Weekday_WEEKDAY_SUN}, Stores: []string{"s02"}},
		}},
	}
}

func compile(tb testing.TB, p *programmev1.Programme) *loyalty.Rules {
	tb.Helper()
	rules, err := loyalty.Compile(p)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

func amsterdam(tb testing.TB, at string) time.Time {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		tb.Fatal(err)
	}
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", at, zone)
	if err != nil {
		tb.Fatal(err)
	}
	return moment
}

func line(no int32, sku string, net int64) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: sku, QuantityMilli: 1000, NetMinor: net}
}

// TestEarn holds receipts whose points were worked out by hand.
func TestEarn(t *testing.T) {
	t.Parallel()
	const quiet, later = "2026-01-06 10:15:00", "2026-01-06 18:15:00" // a Tuesday
	for _, tc := range []struct {
		name  string
		at    string
		store string
		lines []*outcomev1.Line
		turn  func(*loyalty.Sale)
		rule  func(*programmev1.Programme)
		want  []int64 // per line; nil for none
	}{
		{name: "47 euros", at: later, lines: []*outcomev1.Line{line(1, "450", 4700)}, want: []int64{47}},
		{name: "cents of two lines make a point", at: later, lines: []*outcomev1.Line{line(1, "450", 150), line(2, "450", 250)}, want: []int64{2, 2}},
		{name: "99 cents make none", at: later, lines: []*outcomev1.Line{line(1, "450", 99)}},
		{name: "the largest remainder gets the point", at: later, lines: []*outcomev1.Line{line(1, "450", 130), line(2, "450", 170)}, want: []int64{1, 2}},
		{name: "of equal remainders the first line", at: later, lines: []*outcomev1.Line{line(1, "450", 150), line(2, "450", 150)}, want: []int64{2, 1}},
		{name: "plants double in the quiet morning", at: quiet, lines: []*outcomev1.Line{line(1, "1012", 1000), line(2, "450", 1000)}, want: []int64{20, 10}},
		{name: "not in the evening", at: later, lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{10}},
		{name: "the hour it begins", at: "2026-01-06 09:00:00", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{20}},
		{name: "the second before", at: "2026-01-06 08:59:59", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{10}},
		{name: "the minute it ends", at: "2026-01-06 12:00:00", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{10}},
		{name: "a Thursday", at: "2026-01-08 10:15:00", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{10}},
		{name: "after the last day", at: "2026-03-03 10:15:00", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{10}},
		{name: "a Tuesday within the period", at: "2026-02-24 10:15:00", lines: []*outcomev1.Line{line(1, "1012", 1000)}, want: []int64{20}},
		{name: "Sunday in the other store", at: "2026-01-11 11:00:00", store: "s02", lines: []*outcomev1.Line{line(1, "450", 1000)}, want: []int64{30}},
		{name: "Sunday here", at: "2026-01-11 11:00:00", lines: []*outcomev1.Line{line(1, "450", 1000)}, want: []int64{10}},
		{name: "tobacco and a deposit earn nothing", at: later, lines: []*outcomev1.Line{line(1, "7123", 1000), {No: 2, Sku: "1", NetMinor: 500, NotMerchandise: true}, line(3, "450", 300)}, want: []int64{0, 0, 3}},
		{name: "the group counts before the code", at: later, lines: []*outcomev1.Line{{No: 1, Sku: "450", Group: "7100", NetMinor: 1000}}},
		{name: "a coupon lessens the rest", at: later, lines: []*outcomev1.Line{line(1, "450", 1000), line(2, "coupon", -250)}, want: []int64{10, -3}},
		{name: "but not below nothing", at: later, lines: []*outcomev1.Line{line(1, "450", 100), line(2, "coupon", -250)}},
		{name: "promised double", at: later, lines: []*outcomev1.Line{line(1, "450", 1050)}, turn: func(s *loyalty.Sale) { s.Boosts = []loyalty.Boost{{Times: 2}} }, want: []int64{21}},
		{name: "of two factors the higher", at: quiet, lines: []*outcomev1.Line{line(1, "1012", 1000)}, turn: func(s *loyalty.Sale) { s.Boosts = []loyalty.Boost{{Times: 3}} }, want: []int64{30}},
		{name: "another currency", at: later, lines: []*outcomev1.Line{line(1, "450", 1000)}, turn: func(s *loyalty.Sale) { s.Currency = "USD" }},
		{name: "spending receipts earn by default", at: later, lines: []*outcomev1.Line{line(1, "450", 1000)}, turn: func(s *loyalty.Sale) { s.Spending = true }, want: []int64{10}},
		{
			name: "unless switched off", at: later, lines: []*outcomev1.Line{line(1, "450", 1000)}, turn: func(s *loyalty.Sale) { s.Spending = true },
			rule: func(p *programmev1.Programme) { p.Points.WhenRedeeming = new(bool) },
		},
		{
			name: "discounted lines switched off", at: later, lines: []*outcomev1.Line{{No: 1, Sku: "450", NetMinor: 1000, DiscountMinor: 1}, line(2, "450", 500)},
			rule: func(p *programmev1.Programme) { p.Points.OnDiscountedLines = new(bool) }, want: []int64{0, 5},
		},
		{
			name: "two plain rules add up", at: later, lines: []*outcomev1.Line{line(1, "1012", 2550), line(2, "450", 2550)},
			rule: func(p *programmev1.Programme) {
				p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{Name: "extra", Points: 2, PerEuro: 3, Groups: []string{"plants"}})
			},
			want: []int64{43, 25}, // 25.5 + 17 = 42.5, and 25.5; 68 in all, and the point that is left goes to the first of two equal halves
		},
		{
			name: "a yen has no decimals", at: later, lines: []*outcomev1.Line{line(1, "450", 47)},
			rule: func(p *programmev1.Programme) { p.Currency, p.CurrencyDecimals = "JPY", 0 }, want: []int64{47},
		},
		{name: "an exchange leaves goods brought back to the other receipt", at: later, lines: []*outcomev1.Line{line(1, "450", 1000), {No: 2, Sku: "450", QuantityMilli: -1000, NetMinor: -400}}, turn: func(s *loyalty.Sale) { s.Exchange = true }, want: []int64{10, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := linde()
			if tc.rule != nil {
				tc.rule(p)
			}
			rules := compile(t, p)
			sale := loyalty.Sale{Store: "s01", At: amsterdam(t, tc.at), Currency: p.GetCurrency(), Lines: tc.lines, Groups: rules.Groups().Of(tc.lines)}
			if tc.store != "" {
				sale.Store = tc.store
			}
			if tc.turn != nil {
				tc.turn(&sale)
			}
			got := rules.Earn(sale)
			var sum int64
			for _, points := range tc.want {
				sum += points
			}
			if got.Points != sum || !slices.Equal(got.PerLine, tc.want) {
				t.Errorf("earned %d as %v, want %d as %v", got.Points, got.PerLine, sum, tc.want)
			}
		})
	}
}

// TestEarnAgainstFractions reckons random receipts in exact fractions.
func TestEarnAgainstFractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := &programmev1.Programme{Currency: "EUR", CurrencyDecimals: 2, Points: &programmev1.Points{}}
		for range rapid.IntRange(1, 5).Draw(t, "rules") {
			p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{
				Name: "r", Points: rapid.Int64Range(1, 1000).Draw(t, "points"), PerEuro: rapid.Int64Range(1, 12).Draw(t, "per"),
			})
		}
		rules, err := loyalty.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		var lines []*outcomev1.Line
		exact := new(big.Rat)
		for i := range rapid.IntRange(1, 40).Draw(t, "lines") {
			net := rapid.Int64Range(-1_000_000, 1_000_000_000).Draw(t, "net")
			lines = append(lines, line(int32(i+1), "x", net))
			for _, rule := range p.Points.Earn {
				exact.Add(exact, big.NewRat(net*rule.GetPoints(), 100*rule.GetPerEuro()))
			}
		}
		got := rules.Earn(loyalty.Sale{Lines: lines, Groups: rules.Groups().Of(lines), Currency: "EUR"})
		want := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: down, for a positive denominator
		if want.Sign() < 0 {
			want.SetInt64(0)
		}
		if want.Int64() != got.Points {
			t.Fatalf("earned %d, want %s", got.Points, want)
		}
		var sum int64
		for _, points := range got.PerLine {
			sum += points
		}
		if sum != got.Points {
			t.Fatalf("lines sum to %d of %d", sum, got.Points)
		}
	})
}

// TestEarnOverflow: amounts no shop sees neither wrap nor panic.
func TestEarnOverflow(t *testing.T) {
	t.Parallel()
	p := linde()
	p.Points.Earn[0].Points = 100_000
	rules := compile(t, p)
	lines := []*outcomev1.Line{line(1, "450", math.MaxInt64), line(2, "450", math.MaxInt64)}
	got := rules.Earn(loyalty.Sale{Lines: lines, Groups: rules.Groups().Of(lines)})
	if got.Points != math.MaxInt64 {
		t.Errorf("earned %d, want the largest number", got.Points)
	}
	lines = []*outcomev1.Line{line(1, "450", math.MinInt64)}
	if got := rules.Earn(loyalty.Sale{Lines: lines, Groups: rules.Groups().Of(lines)}); got.Points != 0 {
		t.Errorf("earned %d on less than nothing", got.Points)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		rule *programmev1.EarnRule
	}{
		{"neither", &programmev1.EarnRule{Name: "x"}},
		{"both", &programmev1.EarnRule{Name: "x", Points: 1, PerEuro: 1, Times: 2}},
		{"points for nothing", &programmev1.EarnRule{Name: "x", Points: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := loyalty.Compile(&programmev1.Programme{Points: &programmev1.Points{Earn: []*programmev1.EarnRule{tc.rule}}})
			if !errors.Is(err, loyalty.ErrRule) {
				t.Errorf("refused with %v, want ErrRule", err)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	groups := loyalty.CompileGroups([]*programmev1.ProductGroup{
		{Name: "a", Patterns: []string{"10*", "exact"}}, {Name: "b", Patterns: []string{"1*2*3"}}, {Name: "c", Patterns: []string{"*x"}}, {Name: "d", Patterns: []string{"*"}},
	})
	for _, tc := range []struct{ name, article, want string }{
		{"prefix", "1099", "ad"},
		{"prefix alone", "10", "ad"},
		{"too short", "1", "d"},
		{"exact", "exact", "ad"},
		{"longer than exact", "exactly", "d"},
		{"stars inside", "1_2_3", "bd"},
		{"stars for nothing", "123", "bd"},
		{"wrong order", "132", "d"},
		{"suffix", "zx", "cd"},
		{"several", "10.2.3", "abd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set := groups.Of([]*outcomev1.Line{{Sku: tc.article}})[0]
			got := ""
			for i, name := range []string{"a", "b", "c", "d"} {
				if set.Has(i) {
					got += name
				}
			}
			if got != tc.want {
				t.Errorf("%s is in %q, want %q", tc.article, got, tc.want)
			}
		})
	}
}

func TestTier(t *testing.T) {
	t.Parallel()
	spend := func(n int64) *programmev1.TierRule {
		return &programmev1.TierRule{Rule: &programmev1.TierRule_Spend{Spend: n}}
	}
	tiers := []*programmev1.Tier{
		{Code: "groen"},
		{Code: "zilver", ReachAny: []*programmev1.TierRule{spend(25000), {Rule: &programmev1.TierRule_Visits{Visits: 10}}}},
		{Code: "goud", ReachAny: []*programmev1.TierRule{spend(75000), {Rule: &programmev1.TierRule_Segments{Segments: &programmev1.SegmentNames{Any: []string{"champions"}}}}}},
	}
	for _, tc := range []struct {
		name string
		s    loyalty.Standing
		want string
	}{
		{"nothing yet", loyalty.Standing{}, "groen"},
		{"by spend, to the cent", loyalty.Standing{Spend: 25000}, "zilver"},
		{"a cent short", loyalty.Standing{Spend: 24999}, "groen"},
		{"by visits", loyalty.Standing{Visits: 10}, "zilver"},
		{"by segment", loyalty.Standing{Segment: "champions"}, "goud"},
		{"the highest counts", loyalty.Standing{Spend: 80000}, "goud"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := loyalty.Tier(tiers, tc.s); got != tc.want {
				t.Errorf("tier %q, want %q", got, tc.want)
			}
		})
	}
	if got := loyalty.Tier(nil, loyalty.Standing{Spend: 1}); got != "" {
		t.Errorf("a programme without tiers gives %q", got)
	}
}

func BenchmarkEarn(b *testing.B) {
	p := linde()
	for range 47 {
		p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{Name: "x", Points: 1, PerEuro: 2, Groups: []string{"timber"}})
	}
	rules := compile(b, p)
	var lines []*outcomev1.Line
	for i := range 40 {
		lines = append(lines, line(int32(i+1), []string{"1012", "4511", "7123", "200"}[i%4], int64(99+i*37)))
	}
	at := amsterdam(b, "2026-01-06 10:15:00")
	b.ReportAllocs()
	for b.Loop() {
		rules.Earn(loyalty.Sale{Store: "s01", At: at, Lines: lines, Groups: rules.Groups().Of(lines)})
	}
}

func TestNextStep(t *testing.T) {
	t.Parallel()
	rule := func(spend, visits, points int64) (all []*programmev1.TierRule) {
		if spend > 0 {
			all = append(all, &programmev1.TierRule{Rule: &programmev1.TierRule_Spend{Spend: spend}})
		}
		if visits > 0 {
			all = append(all, &programmev1.TierRule{Rule: &programmev1.TierRule_Visits{Visits: visits}})
		}
		if points > 0 {
			all = append(all, &programmev1.TierRule{Rule: &programmev1.TierRule_Points{Points: points}})
		}
		return all
	}
	champions := &programmev1.TierRule{Rule: &programmev1.TierRule_Segments{Segments: &programmev1.SegmentNames{Any: []string{"champions"}}}}
	tiers := []*programmev1.Tier{
		{Code: "groen"},
		{Code: "zilver", ReachAny: rule(25000, 10, 0)},
		{Code: "goud", ReachAny: append(rule(75000, 0, 2000), champions)},
		{Code: "geheim", ReachAny: []*programmev1.TierRule{champions}},
	}
	for _, tc := range []struct {
		name    string
		current string
		s       loyalty.Standing
		want    loyalty.Step
		ok      bool
	}{
		{"two ways to silver", "groen", loyalty.Standing{Spend: 22660, Visits: 8}, loyalty.Step{Tier: "zilver", Spend: 2340, Visits: 2}, true},
		{"a new customer", "groen", loyalty.Standing{}, loyalty.Step{Tier: "zilver", Spend: 25000, Visits: 10}, true},
		{"brought back more than bought", "groen", loyalty.Standing{Spend: -500, Visits: 1}, loyalty.Step{Tier: "zilver", Spend: 25500, Visits: 9}, true},
		{"to gold by money or points", "zilver", loyalty.Standing{Spend: 30000, Visits: 30, Points: 1900}, loyalty.Step{Tier: "goud", Spend: 45000, Points: 100}, true},
		{"no tier yet, which is below the lowest", "", loyalty.Standing{}, loyalty.Step{Tier: "groen"}, false},
		{"only a segment leads on", "goud", loyalty.Standing{Spend: 90000}, loyalty.Step{Tier: "geheim"}, false},
		{"the highest", "geheim", loyalty.Standing{}, loyalty.Step{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, ok := loyalty.NextStep(tiers, tc.current, tc.s)
			if got != tc.want || ok != tc.ok {
				t.Errorf("%+v (%v), want %+v (%v)", got, ok, tc.want, tc.ok)
			}
		})
	}
	if step, ok := loyalty.NextStep(nil, "", loyalty.Standing{}); ok {
		t.Errorf("without tiers the next step is %+v", step)
	}
}
