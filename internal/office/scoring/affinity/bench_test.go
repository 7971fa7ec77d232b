package affinity_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stamklant/stamklant/internal/office/scoring/affinity"
)

// shop makes up baskets of a few of many items, some far more frequent than others, with things that go together.
func shop(n, items, size int, seed uint64) *affinity.Baskets {
	random := rand.New(rand.NewPCG(seed, seed))
	often := rand.NewZipf(random, 1.2, 8, uint64(items-1))
	b := &affinity.Baskets{}
	basket := make([]affinity.Item, 0, 2*size)
	for range n {
		basket = basket[:0]
		for range 1 + random.IntN(2*size-1) {
			item := affinity.Item(often.Uint64())
			basket = append(basket, item)
			if random.IntN(4) == 0 { // what goes with it
				basket = append(basket, (item*7+3)%affinity.Item(items))
			}
		}
		if err := b.Add(basket...); err != nil {
			panic(err)
		}
	}
	return b
}

// BenchmarkGroceries mines the published 5,668 rules.
func BenchmarkGroceries(b *testing.B) {
	baskets, _ := groceries(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := affinity.Mine(context.Background(), baskets, affinity.Options{SupportMillionths: 1000, ConfidenceMillionths: 500_000, MaxLength: 10}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMillionBaskets mines a million baskets of some ten of two thousand items.
func BenchmarkMillionBaskets(b *testing.B) {
	baskets := shop(1_000_000, 2000, 9, 1)
	b.ReportAllocs()
	b.ResetTimer()
	var rules affinity.Rules
	for b.Loop() {
		var err error
		if rules, err = affinity.Mine(context.Background(), baskets, affinity.Options{SupportMillionths: 1000, ConfidenceMillionths: 100_000}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(baskets.Lines()), "lines")
	b.ReportMetric(float64(rules.Sets), "sets")
	b.ReportMetric(float64(rules.Found), "rules")
}
