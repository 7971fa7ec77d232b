package scoring_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	fmt.Fprintf(table, "\n%d lines, %d accounts\tseconds\tof processors\t\n", benchLines(), benchLines()/linesOfAccount)
	began, used, step := time.Now(), processorTime(), ""
	tell := func(next string) {
		if next != step && step != "" {
			fmt.Fprintf(table, "%s\t%.2f\t%.2f\t\n", step, time.Since(began).Seconds(), (processorTime() - used).Seconds())
			began, used = time.Now(), processorTime()
		}
		step = next
	}
	spilled := watchFolder(b, w.Path()+".tmp")
	run, err := scoring.Score(b.Context(), w, p, int32(time.Date(2024, 12, 30, 0, 0, 0, 0, time.UTC).Unix()/86400), scoring.Options{
		Now: now, Progress: func(step string, _, _ int64) { tell(step) },
	})
	tell("end")
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Stat(w.Path())
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(table, "MB of memory at most, of the warehouse's file, of what went to disk beside it at most\t%d\t%d\t%d\n",
		peakMemory(b)>>20, file.Size()>>20, spilled()>>20)
	_ = table.Flush() // standard output is all there is to tell about it
	for _, m := range run.Models {
		fmt.Println(m.Statement)
	}
}

// peakMemory is the most this process ever held, in bytes.
func peakMemory(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}

// watchFolder looks ten times a second what lies in a folder; the function it returns ends that and says how much it was at most, in bytes.
func watchFolder(b *testing.B, path string) func() int64 {
	b.Helper()
	most, stop, ended := int64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			var sum int64
			files, _ := os.ReadDir(path) // it comes and goes
			for _, f := range files {
				if info, err := f.Info(); err == nil {
					sum += info.Size()
				}
			}
			most = max(most, sum)
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-ended
		return most
	}
}
