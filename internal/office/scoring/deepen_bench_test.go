package scoring_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
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
	mostSpilled, stopWatching := watchFolder(w.Path() + ".tmp")
	defer stopWatching()
	fmt.Printf("\n%-32s %10s %14s %14s %14s\n", fmt.Sprintf("%d lines, %d accounts", benchLines(), benchLines()/linesOfAccount),
		"seconds", "of processors", "MB of memory", "MB spilled")
	began, used, step := time.Now(), processorTime(), ""
	tell := func(next string) { // each when it ends, so that a long run that is stopped has told what it did
		if next != step && step != "" {
			fmt.Printf("%-32s %10.2f %14.2f %14d %14d\n", step, time.Since(began).Seconds(), (processorTime() - used).Seconds(),
				peakMemory(b)>>20, mostSpilled()>>20)
		}
		if next != step {
			began, used, step = time.Now(), processorTime(), next
		}
	}
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
	fmt.Printf("The warehouse's file: %d MB. Memory and what was spilled beside the file: the most so far.\n", file.Size()>>20)
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

// watchFolder looks ten times a second what lies in a folder, until the second function is called; the first says how much it was at most, in
// bytes.
func watchFolder(path string) (most func() int64, stop func()) {
	var peak atomic.Int64
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var sum int64
			files, _ := os.ReadDir(path) // it comes and goes
			for _, f := range files {
				if info, err := f.Info(); err == nil {
					sum += info.Size()
				}
			}
			peak.Store(max(peak.Load(), sum))
			select {
			case <-stopped:
				return
			case <-tick.C:
			}
		}
	}()
	return peak.Load, func() {
		close(stopped)
		<-ended
	}
}
