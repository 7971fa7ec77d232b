package clv_test

import (
	"testing"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
)

// BenchmarkFitMillion fits a million customers of a made-up supermarket over three years.
func BenchmarkFitMillion(b *testing.B) {
	rows := draw(clv.BGNBD{R: 1.2, Alpha: 6, A: 0.4, B: 5}, 1_000_000, 1095, 11)
	var report clv.Report
	for b.Loop() {
		_, report, _ = clv.FitBGNBD(rows)
	}
	if report.Verdict != clv.VerdictFitted {
		b.Fatal(report.Statement())
	}
	b.ReportMetric(float64(report.Distinct), "distinct")
	b.ReportMetric(float64(report.Evaluations), "evaluations")
}

// BenchmarkPredict foretells one customer's year: whether alive, when next, how much, discounted.
func BenchmarkPredict(b *testing.B) {
	rows := draw(clv.BGNBD{R: 1.2, Alpha: 6, A: 0.4, B: 5}, 10_000, 1095, 12)
	m := clv.BGNBD{R: 1.2, Alpha: 6, A: 0.4, B: 5}
	g := clv.GammaGamma{P: 6.25, Q: 3.74, V: 1544}
	i := 0
	for b.Loop() {
		row := rows[i%len(rows)]
		clv.Predict(m, g, clv.History{Summary: row, RepeatMinor: 2000 * int64(row.Repeats)}, 0.1)
		i++
	}
}

// BenchmarkExpectedReceipts is the one formula behind it.
func BenchmarkExpectedReceipts(b *testing.B) {
	for b.Loop() {
		published2005.ExpectedReceipts(52, 3, 20, 39)
	}
}
