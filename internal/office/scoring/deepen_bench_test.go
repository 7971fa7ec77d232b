package scoring_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// BenchmarkSteps prints how long each step of a whole run takes: scores, predictions, pictures. It runs once, whatever b.N.
func BenchmarkSteps(b *testing.B) {
	if b.N > 1 {
		return
	}
	w, err := warehouse.Open(b.Context(), filepath.Join(b.TempDir(), "warehouse.duckdb"), warehouse.Options{MemoryLimit: "4GB"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }() // the folder goes with the benchmark
	fill(b, w, benchLines())
	p := halves()
	p.Scoring.Scores, p.Segments = 5, allInOne(5)
	p.Profiling = programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST
	for i := range 20 {
		p.Groups = append(p.Groups, &programmev1.ProductGroup{Name: fmt.Sprintf("group%d", i), Patterns: []string{fmt.Sprintf("g%d g%d", i, i+20)}})
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%d lines, %d accounts\tseconds\t\n", benchLines(), benchLines()/linesOfAccount)
	began, step := time.Now(), ""
	tell := func(next string) {
		if next != step && step != "" {
			fmt.Fprintf(table, "%s\t%.2f\t\n", step, time.Since(began).Seconds())
			began = time.Now()
		}
		step = next
	}
	run, err := scoring.Score(b.Context(), w, p, int32(time.Date(2024, 12, 30, 0, 0, 0, 0, time.UTC).Unix()/86400), scoring.Options{
		Now: now, Progress: func(step string, _, _ int64) { tell(step) },
	})
	tell("end")
	if err != nil {
		b.Fatal(err)
	}
	_ = table.Flush() // standard output is all there is to tell about it
	for _, m := range run.Models {
		fmt.Println(m.Statement)
	}
}
