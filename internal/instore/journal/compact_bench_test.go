package journal_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// BenchmarkCompact writes a journal of many receipts anew: nothing can be recorded meanwhile. STAMKLANT_ROWS sets how many; 270000 are 90 days of a
// busy shop.
func BenchmarkCompact(b *testing.B) {
	rows := 5000
	if text := os.Getenv("STAMKLANT_ROWS"); text != "" {
		if _, err := fmt.Sscan(text, &rows); err != nil {
			b.Fatal(err)
		}
	}
	cfg := config()
	j := openWith(b, file(b), cfg)
	const tills = 64
	done := make(chan error, tills)
	for n := range tills {
		go func() {
			for i := n; i < rows; i += tills {
				if _, err := j.Record(b.Context(), request(fmt.Sprint("no ", i), subject(i%200), 1)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range tills {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	keepLane(b, j, erasing(1, subject(1)))
	b.ResetTimer()
	var last journal.Compaction
	for b.Loop() {
		var err error
		if last, err = j.Compact(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(last.Took.Seconds(), "s-not-recording")
	b.ReportMetric(float64(last.After)/1e6, "MB")
	b.ReportMetric(float64(last.Values), "values")
}
