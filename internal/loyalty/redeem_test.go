package loyalty_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// euro is 100 points for a euro, from 500.
func euro() *programmev1.RedeemRule {
	return &programmev1.RedeemRule{Points: 100, Worth: 100, AtLeast: 500}
}

func TestRedeemable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		rule           *programmev1.RedeemRule
		available, due int64
		points, worth  int64
	}{
		{"all of a round balance", euro(), 1200, 10000, 1200, 1200},
		{"only whole steps", euro(), 1245, 10000, 1200, 1200},
		{"no more than is due", euro(), 9900, 1299, 1200, 1200},
		{"exactly the least", euro(), 500, 10000, 500, 500},
		{"fewer than the least", euro(), 499, 10000, 0, 0},
		{"too little due for the least", euro(), 9900, 499, 0, 0},
		{"nothing due", euro(), 9900, 0, 0, 0},
		{"a return", euro(), 9900, -1000, 0, 0},
		{"in debt", euro(), -35, 1000, 0, 0},
		{"no rule", nil, 9900, 1000, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			points, worth := loyalty.Redeemable(tc.rule, tc.available, tc.due)
			if points != tc.points || worth != tc.worth {
				t.Errorf("%d points for %d, want %d for %d", points, worth, tc.points, tc.worth)
			}
			if again, ok := loyalty.Worth(tc.rule, points); ok != (points > 0) || again != worth {
				t.Errorf("they are worth %d (%v), want %d", again, ok, worth)
			}
		})
	}
}

func TestWorthRefuses(t *testing.T) {
	t.Parallel()
	for name, points := range map[string]int64{"no whole step": 550, "too few": 400, "none": 0, "below none": -500} {
		if worth, ok := loyalty.Worth(euro(), points); ok {
			t.Errorf("%s: %d points are worth %d", name, points, worth)
		}
	}
	if worth, ok := loyalty.Worth(&programmev1.RedeemRule{Points: 1, Worth: math.MaxInt64}, 2); ok {
		t.Errorf("more than there is money: %d", worth)
	}
}

// TestRedeemComesBack: what was spent comes back with the goods it paid for, in any parts exactly once.
func TestRedeemComesBack(t *testing.T) {
	t.Parallel()
	sold := []*outcomev1.Line{
		{No: 1, Sku: "1", QuantityMilli: 3000, NetMinor: 3000}, {No: 2, Sku: "2", QuantityMilli: 1000, NetMinor: 1000}, {No: 3, Sku: "bon", NetMinor: -500},
	}
	spent := loyalty.Redeem(sold, 1000) // 750 and 250: the coupon paid for nothing
	if spent.Points != -1000 || !slices.Equal(spent.PerLine, []int64{-750, -250, 0}) {
		t.Fatalf("spent %+v", spent)
	}
	one := []*outcomev1.Line{{No: 1, Sku: "1", QuantityMilli: -1000, NetMinor: -1000, OriginalLine: 1}}
	if back := loyalty.GiveBack(sold, spent.PerLine, nil, one); back.Points != 250 {
		t.Errorf("one of three pieces brings %d points back, want 250", back.Points)
	}
	rapid.Check(t, func(t *rapid.T) {
		points := rapid.Int64Range(1, 100_000).Draw(t, "points")
		var lines []*outcomev1.Line
		for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
			lines = append(lines, &outcomev1.Line{
				No: int32(i + 1), Sku: "x", QuantityMilli: 1000 * rapid.Int64Range(1, 5).Draw(t, "pieces"), NetMinor: rapid.Int64Range(1, 50_000).Draw(t, "net"),
			})
		}
		award := loyalty.Redeem(lines, points)
		var earlier [][]*outcomev1.Line
		var sum int64
		for _, i := range rapid.Permutation(piecesOf(lines)).Draw(t, "order") {
			back := []*outcomev1.Line{{No: 1, Sku: "x", QuantityMilli: -1000, NetMinor: -1, OriginalLine: lines[i].GetNo()}}
			given := loyalty.GiveBack(lines, award.PerLine, earlier, back).Points
			if given < 0 {
				t.Fatalf("a piece brought back costs %d points", -given)
			}
			sum += given
			earlier = append(earlier, back)
		}
		if award.Points != -points || sum != points {
			t.Fatalf("%d spent, %d came back", -award.Points, sum)
		}
	})
}

// piecesOf names the line of every single piece.
func piecesOf(lines []*outcomev1.Line) []int {
	var all []int
	for i, line := range lines {
		for range line.GetQuantityMilli() / 1000 {
			all = append(all, i)
		}
	}
	return all
}
