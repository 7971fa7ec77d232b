package affinity_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/scoring/affinity"
)

// table reads a CSV file of the shared data, gzipped or not, without its header. It skips the test when the file is not there.
func table(tb testing.TB, name string) [][]string {
	tb.Helper()
	file := filepath.Join("..", "..", "..", "..", "..", "shared", "data", "groceries", name)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("no data: %s is missing", file)
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	if strings.HasSuffix(name, ".gz") {
		unzipped, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		r = csv.NewReader(unzipped)
	}
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return rows[1:]
}

// groceries returns the published baskets and the labels of their items, verbatim.
func groceries(tb testing.TB) (*affinity.Baskets, []string) {
	tb.Helper()
	var labels []string
	codes := map[string]affinity.Item{}
	for _, row := range table(tb, "groceries_items.csv.gz") {
		codes[row[1]] = affinity.Item(len(labels))
		labels = append(labels, row[1])
	}
	var baskets affinity.Baskets
	var basket []affinity.Item
	last := ""
	for _, row := range table(tb, "groceries_lines.csv.gz") {
		if row[0] != last && last != "" {
			if err := baskets.Add(basket...); err != nil {
				tb.Fatal(err)
			}
			basket = basket[:0]
		}
		code, known := codes[row[1]]
		if !known {
			tb.Fatalf("no item is called %q", row[1])
		}
		basket, last = append(basket, code), row[0]
	}
	if err := baskets.Add(basket...); err != nil {
		tb.Fatal(err)
	}
	return &baskets, labels
}

// published reads the reference figures by name.
func published(t *testing.T) map[string]string {
	t.Helper()
	figures := map[string]string{}
	for _, row := range table(t, "published.csv") {
		figures[row[0]] = row[1]
	}
	return figures
}

// mine mines without bounds that matter here.
func mine(t *testing.T, b *affinity.Baskets, support, confidence int64) affinity.Rules {
	t.Helper()
	rules, err := affinity.Mine(context.Background(), b, affinity.Options{
		SupportMillionths: support, ConfidenceMillionths: confidence, MinLength: 1, MaxLength: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestGroceriesBaskets: the data are the published ones.
func TestGroceriesBaskets(t *testing.T) {
	t.Parallel()
	want := published(t)
	b, labels := groceries(t)
	if fmt.Sprint(b.Len()) != want["transactions"] || fmt.Sprint(len(labels)) != want["items"] {
		t.Errorf("%d baskets, %d items; want %s, %s", b.Len(), len(labels), want["transactions"], want["items"])
	}
	printed(t, "density", float64(b.Lines())/float64(b.Len()*len(labels)), want["density.full"])
	for i, label := range labels {
		count := b.Count(affinity.Item(i))
		if figure, known := want["item_count."+label]; known && figure != fmt.Sprint(count) {
			t.Errorf("%s is in %d baskets, want %s", label, count, figure)
		}
		if figure, known := want["itemFrequency."+label]; known {
			printed(t, label, float64(count)/float64(b.Len()), figure)
		}
	}
}

// TestGroceriesCounts: the published numbers of rules at all published thresholds.
func TestGroceriesCounts(t *testing.T) {
	t.Parallel()
	want := published(t)
	b, _ := groceries(t)
	for _, tc := range []struct {
		name                string
		support, confidence int64
	}{
		{"rules.sup0.001.conf0.5.count", 1000, 500_000},
		{"rules.sup0.005.conf0.5.count", 5000, 500_000},
	} {
		if rules := mine(t, b, tc.support, tc.confidence); fmt.Sprint(len(rules.List)) != want[tc.name] || rules.Found != len(rules.List) {
			t.Errorf("%s: %d rules, %d found, want %s", tc.name, len(rules.List), rules.Found, want[tc.name])
		}
	}
}

// TestGroceriesBestByLift: the three best rules of the first threshold, as printed to two digits.
func TestGroceriesBestByLift(t *testing.T) {
	t.Parallel()
	want := published(t)
	b, labels := groceries(t)
	for i, r := range mine(t, b, 1000, 500_000).List[:3] {
		figure := want[fmt.Sprintf("rules.sup0.001.conf0.5.lift_top%d", i+1)]
		rule, rest, _ := strings.Cut(figure, ";")
		if got := write(r, labels); got != rule {
			t.Errorf("%d: got %s, want %s", i+1, got, rule)
		}
		compare(t, rule, r, rest)
	}
}

// TestGroceriesDistribution: number, lengths and quartiles of the textbook's rules, and its single ones.
func TestGroceriesDistribution(t *testing.T) {
	t.Parallel()
	want := published(t)
	b, labels := groceries(t)
	rules, err := affinity.Mine(context.Background(), b, affinity.Options{SupportMillionths: 6000, ConfidenceMillionths: 250_000})
	if err != nil {
		t.Fatal(err)
	}
	const name = "rules.sup0.006.conf0.25."
	if fmt.Sprint(len(rules.List)) != want[name+"minlen2.count"] {
		t.Errorf("%d rules, want %s", len(rules.List), want[name+"minlen2.count"])
	}
	lengths := map[int]int{}
	var support, confidence, lift, count []float64
	byName := map[string]affinity.Rule{}
	for _, r := range rules.List {
		lengths[r.Length()]++
		support, confidence = append(support, r.Support), append(confidence, r.Confidence)
		lift, count = append(lift, r.Lift), append(count, float64(r.Count))
		byName["rule."+strings.NewReplacer("{", "", "}", "", " => ", "=>").Replace(write(r, labels))] = r
	}
	if got := fmt.Sprintf("2:%d;3:%d;4:%d", lengths[2], lengths[3], lengths[4]); got != want[name+"by_length"] {
		t.Errorf("lengths %s, want %s", got, want[name+"by_length"])
	}
	distribution(t, "support", support, want[name+"support"])
	distribution(t, "confidence", confidence, want[name+"confidence"])
	distribution(t, "lift", lift, want[name+"lift"])
	distribution(t, "count", count, want[name+"count_stats"])
	singles := 0
	for rule, figures := range want {
		if strings.HasPrefix(rule, "rule.") {
			singles++
			compare(t, rule, byName[rule], figures)
		}
	}
	if singles != 4 {
		t.Errorf("%d single rules compared, want 4", singles)
	}
}

// write writes a rule as arules does.
func write(r affinity.Rule, labels []string) string {
	left := make([]string, len(r.Left))
	for i, item := range r.Left {
		left[i] = labels[item]
	}
	return "{" + strings.Join(left, ", ") + "} => {" + labels[r.Right] + "}"
}

// compare compares a rule with "support=0.0012;confidence=0.63;lift=19;count=12", to the digits printed.
func compare(t *testing.T, name string, r affinity.Rule, figures string) {
	t.Helper()
	got := map[string]float64{"support": r.Support, "confidence": r.Confidence, "lift": r.Lift, "count": float64(r.Count)}
	for figure := range strings.SplitSeq(figures, ";") {
		what, value, _ := strings.Cut(figure, "=")
		printed(t, name+" "+what, got[what], value)
	}
}

// distribution compares with "min=60;q1=70;median=86;mean=113.5;q3=121;max=736", to the digits printed.
func distribution(t *testing.T, name string, values []float64, figures string) {
	t.Helper()
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	quantile := func(share float64) float64 { // R's type 7
		at := share * float64(len(values)-1)
		i := int(at)
		return values[i] + (at-float64(i))*(values[min(i+1, len(values)-1)]-values[i])
	}
	got := map[string]float64{
		"min": values[0], "q1": quantile(0.25), "median": quantile(0.5), "mean": sum / float64(len(values)), "q3": quantile(0.75), "max": quantile(1),
	}
	for figure := range strings.SplitSeq(figures, ";") {
		what, value, _ := strings.Cut(figure, "=")
		printed(t, name+" "+what, got[what], value)
	}
}

// printed fails unless got is what was printed, half a unit of its last digit either way.
func printed(t *testing.T, name string, got float64, want string) {
	t.Helper()
	value, err := strconv.ParseFloat(want, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	digits := 0
	if _, decimals, found := strings.Cut(want, "."); found {
		digits = len(decimals)
	}
	if math.Abs(got-value) > 0.5*math.Pow(10, -float64(digits))*(1+1e-9) {
		t.Errorf("%s: got %v, printed %s", name, got, want)
	}
}
