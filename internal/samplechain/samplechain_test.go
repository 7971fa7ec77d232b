package samplechain_test

import (
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/samplechain"
)

var lastDay = time.Date(2026, 11, 14, 0, 0, 0, 0, time.UTC)

func chain(t testing.TB, config samplechain.Config) *samplechain.Chain {
	t.Helper()
	config.LastDay = lastDay
	c, err := samplechain.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func BenchmarkReceipts(b *testing.B) {
	c := chain(b, samplechain.Config{Seed: 1})
	for b.Loop() {
		n, lines, anon, back := 0, 0, 0, 0
		var sum int64
		for r := range c.Receipts() {
			n++
			lines += len(r.Lines)
			sum += r.TotalMinor
			if r.Account < 0 {
				anon++
			}
			if r.Return {
				back++
			}
		}
		b.Log(n, lines, anon, back, sum/int64(n))
	}
}

func BenchmarkCustomers(b *testing.B) {
	c := chain(b, samplechain.Config{Seed: 1})
	for b.Loop() {
		n := 0
		var spent, scored, pts int64
		for cu := range c.Customers() {
			n++
			if v := cu.Account.GetValues(); v != nil {
				scored++
				spent += v.GetMonetaryMinor()
			}
			pts += cu.Account.GetLoyalty().GetBalance()
		}
		b.Log(n, scored, spent/scored, pts/int64(n))
	}
}
