package report_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/report"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// register is a register of accounts whose answers follow from the questions.
type register struct{}

func accounts(values []string) [][16]byte {
	all := make([][16]byte, len(values))
	for i, v := range values {
		sum := sha256.Sum256([]byte(v))
		all[i] = [16]byte(sum[:16])
	}
	return all
}

func (register) ByExternal(_ context.Context, ids []string) ([][16]byte, error) {
	return accounts(ids), nil
}

func (register) ByIdentifier(_ context.Context, _ string, canonical []string) ([][16]byte, error) {
	return accounts(canonical), nil
}

func (register) Register(_ context.Context, customers []warehouse.CustomerIdentity) ([][16]byte, error) {
	ids := make([]string, len(customers))
	for i, c := range customers {
		ids[i] = c.ExternalID
	}
	return accounts(ids), nil
}

// onlineRetail is the report of the real set as it ships, scored a month apart, and the table of scores it is held against.
func onlineRetail(t *testing.T) (report.Input, []map[string]string) {
	t.Helper()
	file := filepath.Join("..", "..", "..", "..", "shared", "data", "online_retail", "online_retail.csv.gz")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the real data is not here: %v", err)
	}
	docs := filepath.Join("..", "..", "..", "docs", "online-retail")
	mapping, err := warehouse.ReadMapping(filepath.Join(docs, "mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := programme.Load(filepath.Join(docs, "programme.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{Threads: 2, MemoryLimit: "2GB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if _, err := w.Import(t.Context(), warehouse.ImportRequest{List: warehouse.Receipts, Files: []string{file}, Mapping: mapping, Accounts: register{}}); err != nil {
		t.Fatal(err)
	}
	var run *scoring.Run
	for _, day := range []string{"2011-11-09", "2011-12-09"} {
		asOf, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		// What is bought together is not on the page; what is foretold only of the last day.
		p.Scoring.Picture, p.Scoring.Predictions = programmev1.OnOff_ON_OFF_OFF, programmev1.OnOff_ON_OFF_OFF
		if day == "2011-12-09" {
			p.Scoring.Predictions = programmev1.OnOff_ON_OFF_ON
		}
		if run, err = scoring.Score(t.Context(), w, p, int32(asOf.Unix()/86400), scoring.Options{Now: func() time.Time { return asOf }}); err != nil {
			t.Fatal(err)
		}
	}
	overview, err := scoring.Look(t.Context(), w, run)
	if err != nil {
		t.Fatal(err)
	}
	healths, err := insight.Segments(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	var export bytes.Buffer
	if _, err := scoring.Export(t.Context(), w, &export); err != nil {
		t.Fatal(err)
	}
	return report.Input{
		Run: run, Overview: overview, Health: healths, Chain: p.GetChain(), Language: "en", Currency: p.GetCurrency(), Decimals: p.GetCurrencyDecimals(), Names: english(p),
	}, table(t, &export)
}

// english are the segments' English names.
func english(p *programmev1.Programme) map[string]string {
	names := map[string]string{}
	for _, s := range p.GetSegments() {
		for _, text := range s.GetName() {
			if text.GetLanguage() == "en" {
				names[s.GetCode()] = text.GetText()
			}
		}
	}
	return names
}

func table(t *testing.T, from *bytes.Buffer) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(from).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		named := map[string]string{}
		for i, name := range rows[0] {
			named[name] = row[i]
		}
		all = append(all, named)
	}
	return all
}

// tally is accounts and money, added up from the table of scores.
type tally struct{ accounts, minor int64 }

// TestOnlineRetailInBrowser opens the report of the real set in a browser: nothing overlaps, nothing is cut, and every figure that is read
// there is the one the table of scores gives.
func TestOnlineRetailInBrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	in, rows := onlineRetail(t)
	page := write(t, in)
	seen := fits(t, page)

	want := map[string]tally{}
	add := func(key string, minor int64) {
		sum := want[key]
		want[key] = tally{sum.accounts + 1, sum.minor + minor}
	}
	for _, row := range rows {
		minor, err := strconv.ParseInt(row["monetary_minor"], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		add("all", minor)
		add("segment "+row["segment"], minor)
		add("cell "+row["r"]+row["f"], minor)
		for i, score := range []string{"r", "f", "m"} {
			add(fmt.Sprintf("score %s %s", []string{"recency", "frequency", "money"}[i], row[score]), minor)
		}
		if row["frequency"] == "1" {
			add("once", minor)
		}
		if row["f"] >= "4" && row["r"] <= "2" {
			add("fading", minor)
		}
	}
	sentences := ""
	for _, s := range report.Sentences(in) {
		sentences += s.String() + "\n"
	}
	for _, words := range []string{
		fmt.Sprintf("came once: %s of %s.", grouped(want["once"].accounts), grouped(want["all"].accounts)),
		fmt.Sprintf("%s regulars, %d %% of turnover, are fading.", grouped(want["fading"].accounts), (want["fading"].minor*200+want["all"].minor)/(2*want["all"].minor)),
	} {
		if !strings.Contains(sentences, words) {
			t.Errorf("the sentences do not say %q:\n%s", words, sentences)
		}
	}
	checked := map[string]int{}
	for _, row := range seen.Rows {
		read := strings.Split(row["text"], "|")
		switch {
		case row["section"] == "segments":
			sum := want["segment "+row["segment"]]
			same(t, row["segment"]+": customers", read[2], grouped(sum.accounts))
			same(t, row["segment"]+": share", read[3], fmt.Sprintf("%.1f %%", float64(sum.accounts)/float64(want["all"].accounts)*100))
			same(t, row["segment"]+": exact money", row["minor"], strconv.FormatInt(sum.minor, 10))
			same(t, row["segment"]+": spent each", read[8], "£"+grouped((sum.minor*2+sum.accounts*100)/(sum.accounts*200)))
		case row["r"] != "":
			sum := want["cell "+row["r"]+row["f"]]
			same(t, "field "+row["r"]+row["f"], read[0], grouped(sum.accounts))
			same(t, "field "+row["r"]+row["f"]+": exact money", row["minor"], strconv.FormatInt(sum.minor, 10))
		case row["score"] != "":
			sum := want["score "+row["picture"]+" "+row["score"]]
			same(t, row["picture"]+" "+row["score"], row["accounts"], strconv.FormatInt(sum.accounts, 10))
			same(t, row["picture"]+" "+row["score"], read[0], fmt.Sprintf("%.1f %%", float64(sum.accounts)/float64(want["all"].accounts)*100))
		case row["section"] == "health":
			sum := want["segment "+row["segment"]]
			large := "large=no "
			if sum.accounts >= insight.FewestAccounts && sum.minor*10000 >= want["all"].minor*insight.LeastTurnover {
				large = "large=yes "
			}
			if !strings.Contains(row["states"], large) || strings.Count(row["states"], "=") != 5 {
				t.Errorf("%s: the page says %q, the table %q", row["segment"], row["states"], large)
			}
		case row["from"] != "":
			moved := int64(0)
			for _, r := range rows {
				if r["previous_segment"] == row["from"] && r["segment"] == row["to"] && r["segment_since"] == "2011-12-09" {
					moved++
				}
			}
			same(t, "moved from "+row["from"]+" to "+row["to"], read[2], grouped(moved))
		default:
			continue
		}
		checked[row["section"]]++
	}
	for section, count := range map[string]int{"segments": 11, "heat": 25, "shares": 15, "moves": 10, "health": 11} {
		if checked[section] != count {
			t.Errorf("%d rows of %s were compared, want %d; sections: %v", checked[section], section, count, slices.Sorted(maps.Keys(checked)))
		}
	}
}

// same compares what is read on the page with what the table gives.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got = strings.ReplaceAll(got, "\u00a0", " "); got != want {
		t.Errorf("%s: the page says %q, the table %q", what, got, want)
	}
}

// grouped writes a number as English does.
func grouped(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
