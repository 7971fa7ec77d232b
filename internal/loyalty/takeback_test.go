package loyalty_test

import (
	"testing"

	"pgregory.net/rapid"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

func back(original int32, sku string, milli int64) *outcomev1.Line {
	return &outcomev1.Line{No: 1, Sku: sku, QuantityMilli: -milli, NetMinor: -milli, OriginalLine: original}
}

func TestTakeBack(t *testing.T) {
	t.Parallel()
	sold := []*outcomev1.Line{
		{No: 1, Sku: "hamer", QuantityMilli: 3000, NetMinor: 4700}, {No: 2, Sku: "verf", QuantityMilli: 1000, NetMinor: 2500}, {No: 3, Sku: "verf", QuantityMilli: 1000, NetMinor: 2400},
	}
	awarded := []int64{47, 25, 24}
	for _, tc := range []struct {
		name    string
		earlier [][]*outcomev1.Line
		back    []*outcomev1.Line
		want    int64
	}{
		{"all of it", nil, []*outcomev1.Line{back(1, "hamer", 3000), back(2, "verf", 1000), back(3, "verf", 1000)}, -96},
		{"one of three", nil, []*outcomev1.Line{back(1, "hamer", 1000)}, -15},
		{"the second of three", [][]*outcomev1.Line{{back(1, "hamer", 1000)}}, []*outcomev1.Line{back(1, "hamer", 1000)}, -16},
		{"the last of three", [][]*outcomev1.Line{{back(1, "hamer", 1000)}, {back(1, "hamer", 1000)}}, []*outcomev1.Line{back(1, "hamer", 1000)}, -16},
		{"more than was bought", nil, []*outcomev1.Line{back(1, "hamer", 9000)}, -47},
		{"again", [][]*outcomev1.Line{{back(1, "hamer", 3000)}}, []*outcomev1.Line{back(1, "hamer", 3000)}, 0},
		{"by article, over two lines", nil, []*outcomev1.Line{back(0, "verf", 2000)}, -49},
		{"by article, the first still out", [][]*outcomev1.Line{{back(2, "verf", 1000)}}, []*outcomev1.Line{back(0, "verf", 1000)}, -24},
		{"not of this sale", nil, []*outcomev1.Line{back(0, "zaag", 1000)}, 0},
		{"a reward line is no return", nil, []*outcomev1.Line{{No: 1, Sku: "verf", QuantityMilli: 1000, NetMinor: -500}}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := loyalty.TakeBack(sold, awarded, tc.earlier, tc.back)
			var sum int64
			for _, points := range got.PerLine {
				sum += points
			}
			if got.Points != tc.want || sum != tc.want {
				t.Errorf("took back %d as %v, want %d", got.Points, got.PerLine, tc.want)
			}
		})
	}
}

// TestPartialReturnsAddUp: however a sale comes back in parts, all of it takes back all that it earned, and no part gives points.
func TestPartialReturnsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sold []*outcomev1.Line
		var awarded, out []int64
		var whole int64
		for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
			pieces := rapid.Int64Range(1, 9).Draw(t, "pieces")
			sold = append(sold, &outcomev1.Line{No: int32(i + 1), Sku: "x", QuantityMilli: pieces * 1000, NetMinor: 1})
			awarded = append(awarded, rapid.Int64Range(0, 100).Draw(t, "points"))
			out = append(out, pieces)
			whole += awarded[i]
		}
		var earlier [][]*outcomev1.Line
		var taken int64
		for {
			var lines []*outcomev1.Line
			left := false
			for i := range out {
				if out[i] == 0 {
					continue
				}
				n := rapid.Int64Range(0, out[i]).Draw(t, "back")
				if n > 0 {
					lines = append(lines, back(int32(i+1), "x", n*1000))
				}
				out[i] -= n
				left = left || out[i] > 0
			}
			got := loyalty.TakeBack(sold, awarded, earlier, lines)
			for _, points := range got.PerLine {
				if points > 0 {
					t.Fatalf("a return gave points: %v", got.PerLine)
				}
			}
			taken += got.Points
			earlier = append(earlier, lines)
			if !left {
				break
			}
		}
		if taken != -whole {
			t.Fatalf("the parts took back %d of %d", taken, whole)
		}
	})
}
