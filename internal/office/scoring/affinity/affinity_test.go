package affinity_test

import (
	"context"
	"errors"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stamklant/stamklant/internal/office/scoring/affinity"
)

// baskets takes in baskets.
func baskets(tb testing.TB, all ...[]affinity.Item) *affinity.Baskets {
	tb.Helper()
	b := &affinity.Baskets{}
	for _, basket := range all {
		if err := b.Add(basket...); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// TestMine: what a rule says, on baskets that can be counted by hand.
func TestMine(t *testing.T) {
	t.Parallel()
	const pasta, tomatoes, cheese, soap = 3, 7, 1, 100
	b := baskets(t,
		[]affinity.Item{pasta, tomatoes, cheese}, []affinity.Item{tomatoes, pasta, cheese, cheese}, []affinity.Item{pasta, tomatoes},
		[]affinity.Item{cheese}, []affinity.Item{soap}, []affinity.Item{cheese, soap}, nil, []affinity.Item{pasta, pasta},
	)
	got, err := affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: 250_000, ConfidenceMillionths: 600_000})
	if err != nil {
		t.Fatal(err)
	}
	want := affinity.Rules{
		Baskets: 8, LeastCount: 2, Sets: 8, Found: 6,
		List: []affinity.Rule{
			{Left: []affinity.Item{cheese, pasta}, Right: tomatoes, Count: 2, LeftCount: 2, RightCount: 3, Support: 0.25, Confidence: 1, Lift: 8.0 / 3},
			{Left: []affinity.Item{pasta}, Right: tomatoes, Count: 3, LeftCount: 4, RightCount: 3, Support: 0.375, Confidence: 0.75, Lift: 2},
			{Left: []affinity.Item{tomatoes}, Right: pasta, Count: 3, LeftCount: 3, RightCount: 4, Support: 0.375, Confidence: 1, Lift: 2},
			{Left: []affinity.Item{cheese, tomatoes}, Right: pasta, Count: 2, LeftCount: 2, RightCount: 4, Support: 0.25, Confidence: 1, Lift: 2},
			{Left: []affinity.Item{tomatoes}, Right: cheese, Count: 2, LeftCount: 3, RightCount: 4, Support: 0.25, Confidence: 2.0 / 3, Lift: 4.0 / 3},
			{Left: []affinity.Item{pasta, tomatoes}, Right: cheese, Count: 2, LeftCount: 3, RightCount: 4, Support: 0.25, Confidence: 2.0 / 3, Lift: 4.0 / 3},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if b.Count(soap) != 2 || b.Count(50) != 0 || b.Count(-1) != 0 || b.Count(5000) != 0 {
		t.Errorf("counts are %d, %d, %d, %d", b.Count(soap), b.Count(50), b.Count(-1), b.Count(5000))
	}
}

// TestLeastCount: the least count is ⌈support · baskets⌉, also where floating point would go one too high.
func TestLeastCount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		baskets int
		support int64
		want    int64
	}{
		{"seven in a hundred", 100, 70_000, 7},
		{"a little more", 100, 70_001, 8},
		{"groceries", 9835, 1000, 10},
		{"next to nothing", 100, 1, 1},
		{"all", 100, 1_000_000, 100},
		{"none there", 0, 1000, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := &affinity.Baskets{}
			for range tc.baskets {
				if err := b.Add(1, 2); err != nil {
					t.Fatal(err)
				}
			}
			rules, err := affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: tc.support})
			if err != nil || rules.LeastCount != tc.want {
				t.Errorf("least count %d, %v; want %d", rules.LeastCount, err, tc.want)
			}
		})
	}
}

// TestMineAgainstCounting compares with counting all sets of up to ten items, on any baskets.
func TestMineAgainstCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		masks := rapid.SliceOfN(rapid.Uint16Range(0, 1023), 0, 60).Draw(t, "baskets")
		o := affinity.Options{
			SupportMillionths:    rapid.Int64Range(1, 500_000).Draw(t, "support"),
			ConfidenceMillionths: rapid.Int64Range(0, 1_000_000).Draw(t, "confidence"),
			MinLength:            rapid.IntRange(1, 3).Draw(t, "least length"),
		}
		o.MaxLength = rapid.IntRange(o.MinLength, 10).Draw(t, "most length")
		b := &affinity.Baskets{}
		for _, mask := range masks {
			if err := b.Add(itemsOf(mask)...); err != nil {
				t.Fatal(err)
			}
		}
		count := func(set uint16) (n int64) {
			for _, mask := range masks {
				if mask&set == set {
					n++
				}
			}
			return n
		}
		type found struct {
			left, right               uint16
			count, ofLeft, ofRight, n int64
		}
		want := map[found]bool{}
		sets := 0
		for set := uint16(1); set < 1024; set++ {
			all, n := count(set), int64(len(masks))
			if all == 0 || all*1_000_000 < o.SupportMillionths*n || bits.OnesCount16(set) > o.MaxLength {
				continue
			}
			sets++
			for _, item := range itemsOf(set) {
				right := uint16(1) << item
				left := set &^ right
				if bits.OnesCount16(set) >= o.MinLength && all*1_000_000 >= o.ConfidenceMillionths*count(left) {
					want[found{left, right, all, count(left), count(right), n}] = true
				}
			}
		}
		rules, err := affinity.Mine(context.Background(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		if rules.Sets != sets || rules.Found != len(want) || len(rules.List) != len(want) {
			t.Fatalf("%d sets, %d rules found, %d listed; want %d, %d", rules.Sets, rules.Found, len(rules.List), sets, len(want))
		}
		for _, r := range rules.List {
			f := found{maskOf(r.Left), maskOf([]affinity.Item{r.Right}), r.Count, r.LeftCount, r.RightCount, rules.Baskets}
			if !want[f] {
				t.Fatalf("nobody asked for %+v", r)
			}
			if !slices.IsSorted(r.Left) {
				t.Fatalf("the left is not rising in %+v", r)
			}
		}
		if !slices.IsSortedFunc(rules.List, func(a, b affinity.Rule) int {
			if a.Lift != b.Lift {
				return int(2*boolAs(a.Lift < b.Lift) - 1)
			}
			return int(b.Count - a.Count)
		}) {
			t.Fatal("the rules are not in their order")
		}
	})
}

// itemsOf returns the items whose bits are set.
func itemsOf(mask uint16) (items []affinity.Item) {
	for item := affinity.Item(0); item < 16; item++ {
		if mask&(1<<item) != 0 {
			items = append(items, item)
		}
	}
	return items
}

// maskOf sets the bits of items.
func maskOf(items []affinity.Item) (mask uint16) {
	for _, item := range items {
		mask |= 1 << item
	}
	return mask
}

// boolAs returns 1 for true.
func boolAs(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// TestBounds: too many rules are cut to the best, too many sets are refused, and a context ends the work.
func TestBounds(t *testing.T) {
	t.Parallel()
	b := shop(2000, 40, 8, 5)
	all, err := affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: 2000, ConfidenceMillionths: 10_000})
	if err != nil || len(all.List) < 5000 {
		t.Fatalf("%d rules, %v", len(all.List), err)
	}
	few, err := affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: 2000, ConfidenceMillionths: 10_000, MaxRules: 100})
	if err != nil || few.Found != all.Found || !reflect.DeepEqual(few.List, all.List[:100]) {
		t.Errorf("%d rules of %d, %v; want the best 100 of %d", len(few.List), few.Found, err, all.Found)
	}
	_, err = affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: 2000, MaxSets: 500})
	if !errors.Is(err, affinity.ErrTooManySets) || !strings.Contains(err.Error(), "more than 500") || !strings.Contains(err.Error(), "raise the least support") {
		t.Errorf("got %v", err)
	}
	_, err = affinity.Mine(t.Context(), b, affinity.Options{SupportMillionths: 2000, MaxSets: 10})
	if !errors.Is(err, affinity.ErrTooManySets) {
		t.Errorf("got %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err = affinity.Mine(ended, b, affinity.Options{SupportMillionths: 2000}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRefused: what is out of range is named.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		o    affinity.Options
		want string
	}{
		{"no support", affinity.Options{}, "least support is 0"},
		{"too much support", affinity.Options{SupportMillionths: 1_000_001}, "least support is 1000001"},
		{"confidence", affinity.Options{SupportMillionths: 1, ConfidenceMillionths: -1}, "least confidence is -1"},
		{"lengths", affinity.Options{SupportMillionths: 1, MinLength: 4, MaxLength: 3}, "rules of 4 to 3 items"},
		{"rules", affinity.Options{SupportMillionths: 1, MaxRules: -1}, "at most -1 rules"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := affinity.Mine(t.Context(), &affinity.Baskets{}, tc.o)
			if !errors.Is(err, affinity.ErrOptions) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	var b affinity.Baskets
	for _, item := range []affinity.Item{-1, affinity.MaxItem + 1} {
		if err := b.Add(1, item); !errors.Is(err, affinity.ErrBasket) || b.Len() != 0 || b.Count(1) != 0 {
			t.Errorf("item %d: %v, %d baskets", item, err, b.Len())
		}
	}
}

// TestAlsoBought: what goes with what is bought, and is not bought yet.
func TestAlsoBought(t *testing.T) {
	t.Parallel()
	index := affinity.NewIndex([]affinity.Rule{
		{Left: []affinity.Item{1}, Right: 9, Lift: 1.5},
		{Left: []affinity.Item{1, 2}, Right: 9, Lift: 3},
		{Left: []affinity.Item{2}, Right: 8, Lift: 2},
		{Left: []affinity.Item{2}, Right: 1, Lift: 7},
		{Left: []affinity.Item{2, 5}, Right: 7, Lift: 9},
		{Left: nil, Right: 6, Lift: 1},
	})
	for _, tc := range []struct {
		name   string
		bought []affinity.Item
		most   int
		want   []affinity.Item
	}{
		{"both", []affinity.Item{2, 1, 2}, 10, []affinity.Item{9, 8}},
		{"the best only", []affinity.Item{2, 1}, 1, []affinity.Item{9}},
		{"one of them", []affinity.Item{1}, 10, []affinity.Item{9}},
		{"all that goes with it is there", []affinity.Item{1, 9}, 10, nil},
		{"nothing known", []affinity.Item{77}, 10, nil},
		{"nothing bought", nil, 10, nil},
		{"none wanted", []affinity.Item{1}, -1, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []affinity.Item
			for _, s := range index.AlsoBought(tc.bought, tc.most) {
				got = append(got, s.Item)
				if s.Rule.Right != s.Item {
					t.Errorf("%d is suggested by %+v", s.Item, s.Rule)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	if best := index.AlsoBought([]affinity.Item{1, 2}, 1)[0].Rule; best.Lift != 3 {
		t.Errorf("the best rule for 9 has lift %v, want 3", best.Lift)
	}
}
