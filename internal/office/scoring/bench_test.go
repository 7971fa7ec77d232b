package scoring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

const (
	benchRounds    = 11
	linesOfAccount = 20 // so that 20 million lines are of a million accounts
	linesOfReceipt = 4
)

// benchLines is how many lines are scored: two million, or what STAMKLANT_BENCH_LINES says.
func benchLines() int {
	if n, err := strconv.Atoi(os.Getenv("STAMKLANT_BENCH_LINES")); err == nil && n >= linesOfAccount {
		return n
	}
	return 2_000_000
}

// BenchmarkTable prints what scoring costs beside the three sums any scoring must take, measured in the same round: max, count distinct and sum
// by account, written to a table, from a view of the lines that count and, harder, from one of receipts that were added up before. It runs once,
// whatever b.N.
func BenchmarkTable(b *testing.B) {
	if b.N > 1 {
		return
	}
	w, err := warehouse.Open(b.Context(), filepath.Join(b.TempDir(), "warehouse.duckdb"), warehouse.Options{MemoryLimit: "4GB"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }() // the folder goes with the benchmark
	began := time.Now()
	fill(b, w, benchLines())
	fmt.Printf("%d lines on %d receipts of %d accounts made in %s\n",
		benchLines(), benchLines()/linesOfReceipt, benchLines()/linesOfAccount, time.Since(began).Round(time.Second))
	ours, lines, receipts := &times{}, &times{}, &times{}
	for round := range benchRounds {
		measures := []func(){
			func() { ours.take(func() { scoreOnly(b, w) }) },
			func() { lines.take(func() { sums(b, w, sumsOfLines) }) },
			func() { receipts.take(func() { sums(b, w, sumsOfReceipts) }) },
		}
		for i := range measures { // whoever came first comes last in the next round
			measures[(i+round)%len(measures)]()
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nfigure\tours\tbare peer\tratio (median)\tspread\ttarget\t")
	printRow(table, fmt.Sprintf("RFM of %d lines against the sums of the lines that count", benchLines()), ours.wall, lines.wall, "≤ 1.5 ×")
	printRow(table, "the same in processor time, on a machine that others use too", ours.processor, lines.processor, "≤ 1.5 ×")
	printRow(table, "the same against the sums of receipts added up before", ours.wall, receipts.wall, "reported")
	printRow(table, "the same in processor time", ours.processor, receipts.processor, "reported")
	_ = table.Flush() // standard output is all there is to tell about it
}

func printRow(table *tabwriter.Writer, what string, ours, bare []float64, target string) {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / bare[i]
	}
	fmt.Fprintf(table, "%s\t%.3g s\t%.3g s\t%.2f ×\t%.2f–%.2f\t%s\t\n",
		what, median(ours), median(bare), median(ratios), slices.Min(ratios), slices.Max(ratios), target)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// times are how long something took in each round, in seconds: on the clock, and of all processors together.
type times struct{ wall, processor []float64 }

// take does something and notes how long it took.
func (t *times) take(do func()) {
	began, used := time.Now(), processorTime()
	do()
	t.wall = append(t.wall, time.Since(began).Seconds())
	t.processor = append(t.processor, (processorTime() - used).Seconds())
}

// processorTime is what this process has used of the processors.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fill makes two years of lines: receipts of one account lie on days of their own, amounts are spread over two orders of magnitude, one line of
// fifty comes back.
func fill(b *testing.B, w *warehouse.Warehouse, lines int) {
	b.Helper()
	update(b, w, `
		insert into lines
		select
			i // `+fmt.Sprint(linesOfReceipt)+` + 1, i % `+fmt.Sprint(linesOfReceipt)+` + 1, 'sku' || hash(i) % 5000, 'g' || hash(i) % 40,
			case when hash(i, 1) % 50 = 0 then -1 else 1 end, (case when hash(i, 1) % 50 = 0 then -1 else 1 end * (1 + hash(i, 2) % 9999) * 0.01)::decimal(18, 4),
			0, true, hash(i, 1) % 50 = 0, hash(i, 3) % 10 = 0
		from range(`+fmt.Sprint(lines)+`) as t(i)`)
	update(b, w, `
		insert into receipts
		select
			receipt_id, 'imported', false, 's' || hash(receipt_id) % 30, 't1', 0, date '2023-01-01' + (hash(receipt_id, 5) % 730)::integer, receipt_id::varchar, 0,
			'sale', md5(((hash(receipt_id, 6) % `+fmt.Sprint(lines/linesOfAccount)+`) * (hash(receipt_id, 6) % `+fmt.Sprint(lines/linesOfAccount)+`) // `+fmt.Sprint(lines/linesOfAccount)+`)::varchar)::uuid,
			null, null, null, null, null, null, count(*), count(*) filter (not returned), coalesce(sum(amount) filter (not returned), 0),
			coalesce(sum(amount) filter (returned), 0), 0, null
		from lines
		group by receipt_id`)
	update(b, w, "insert into accounts select distinct account_id, null from receipts")
}

func update(b *testing.B, w *warehouse.Warehouse, statement string) {
	b.Helper()
	err := w.Update(b.Context(), func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, statement)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func scoreOnly(b *testing.B, w *warehouse.Warehouse) {
	b.Helper()
	p := halves()
	p.Scoring.Scores, p.Segments = 5, allInOne(5)
	p.Profiling = programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST
	run, err := scoring.ScoreOnly(b.Context(), w, p, int32(time.Date(2024, 12, 30, 0, 0, 0, 0, time.UTC).Unix()/86400), scoring.Options{Now: now})
	if err != nil {
		b.Fatal(err)
	}
	if run.Scored == 0 {
		b.Fatal("nobody was scored")
	}
}

// What any scoring must take, from a view of what counts.
const (
	sumsOfLines = `
		select account_id, max(business_date) as last_receipt, count(distinct (store, business_date)) as visits, sum(amount) as money
		from lines join receipts using (receipt_id)
		where kind in ('sale', 'return') and not superseded and account_id is not null and merchandise
			and business_date <= date '2024-12-30' and (currency is null or currency = 'EUR')
		group by account_id`
	sumsOfReceipts = `
		select account_id, max(business_date) as last_receipt, count(distinct (store, business_date)) as visits, sum(sold + returned) as money
		from receipts
		where kind in ('sale', 'return') and not superseded and account_id is not null
			and business_date <= date '2024-12-30' and (currency is null or currency = 'EUR')
		group by account_id`
)

// sums writes them to a table of the warehouse, as scoring does.
func sums(b *testing.B, w *warehouse.Warehouse, query string) {
	b.Helper()
	update(b, w, "create or replace table bench_sums as "+query)
	update(b, w, "drop table bench_sums")
}
