package scoring_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// register is a register of accounts whose answers follow from the questions.
type register struct{}

func account(namespace, value string) [16]byte {
	sum := sha256.Sum256([]byte(namespace + "\x00" + value))
	return [16]byte(sum[:16])
}

func (register) ByExternal(_ context.Context, ids []string) ([][16]byte, error) {
	return accounts("", ids), nil
}

func (register) ByIdentifier(_ context.Context, namespace string, canonical []string) ([][16]byte, error) {
	return accounts(namespace, canonical), nil
}

func (register) Register(_ context.Context, customers []warehouse.CustomerIdentity) ([][16]byte, error) {
	all := make([][16]byte, len(customers))
	for i, c := range customers {
		all[i] = account("", c.ExternalID)
	}
	return all, nil
}

func accounts(namespace string, values []string) [][16]byte {
	all := make([][16]byte, len(values))
	for i, v := range values {
		all[i] = account(namespace, v)
	}
	return all
}

// data returns the path of one of the real data sets, or skips the test.
func data(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the data set %s is missing: %v", name, err)
	}
	return path
}

// open returns a new warehouse that is closed with the test.
func open(t *testing.T) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{Threads: 2, MemoryLimit: "2GB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// shipped imports a data set by the mapping that ships, and returns the programme that ships with it.
func shipped(t *testing.T, w *warehouse.Warehouse, set, file string) *programmev1.Programme {
	t.Helper()
	docs := filepath.Join("..", "..", "..", "docs", set)
	mapping, err := warehouse.ReadMapping(filepath.Join(docs, "mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	path := data(t, file)
	if _, err := w.Import(t.Context(), warehouse.ImportRequest{
		List: warehouse.Receipts, Files: []string{path}, Mapping: mapping, Accounts: register{},
	}); err != nil {
		t.Fatal(err)
	}
	p, problems, err := programme.Load(filepath.Join(docs, "programme.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Log(problem)
	}
	return p
}

// day is a date as days since 1970-01-01.
func day(t *testing.T, text string) int32 {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return int32(d.Unix() / 86400)
}

// now is when runs are made.
func now() time.Time { return time.Unix(1_800_000_000, 0) }

// score runs a scoring as of a day.
func score(t *testing.T, w *warehouse.Warehouse, p *programmev1.Programme, asOf string) *scoring.Run {
	t.Helper()
	run, err := scoring.Score(t.Context(), w, p, day(t, asOf), scoring.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// exported returns the rows of the export by customer number.
func exported(t *testing.T, w *warehouse.Warehouse) map[string]map[string]string {
	t.Helper()
	var out bytes.Buffer
	n, err := scoring.Export(t.Context(), w, &out)
	if err != nil {
		t.Fatal(err)
	}
	rows := table(t, &out)
	if int64(len(rows)) != n {
		t.Errorf("says it wrote %d rows and wrote %d", n, len(rows))
	}
	all := map[string]map[string]string{}
	for _, row := range rows {
		all[row["external_id"]] = row
	}
	if len(all) != len(rows) {
		t.Errorf("%d rows have %d customer numbers", len(rows), len(all))
	}
	return all
}

// table reads a CSV file with a heading.
func table(t *testing.T, from io.Reader) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(from).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// expected reads one of the published score files.
func expected(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(data(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return table(t, z)
}

// compare expects every account of want, and no other, with the same values and scores; columns leads from ours to theirs.
func compare(t *testing.T, got map[string]map[string]string, want []map[string]string, id func(string) string, columns map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d accounts, want %d", len(got), len(want))
	}
	byID := map[string]map[string]string{}
	for external, row := range got {
		byID[id(external)] = row
	}
	differences := 0
	for _, row := range want {
		ours := byID[row["customer_id"]]
		for mine, theirs := range columns {
			if ours[mine] != row[theirs] {
				if differences++; differences <= 5 {
					t.Errorf("customer %s: %s is %q, want %q", row["customer_id"], mine, ours[mine], row[theirs])
				}
			}
		}
	}
	if differences > 0 {
		t.Errorf("%d differences", differences)
	}
}

// TestOnlineRetail scores a year of real receipts and expects not one difference from scores computed elsewhere.
func TestOnlineRetail(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := shipped(t, w, "online-retail", "online_retail/online_retail.csv.gz")
	want := expected(t, "online_retail/expected_rfm_12m_20111209.csv.gz")
	same := func(s string) string { return s }
	for _, tc := range []struct {
		name, money string
		basis       programmev1.MonetaryBasis
		cuts        []int64
	}{
		{"gross", "gross_pence", programmev1.MonetaryBasis_MONETARY_BASIS_GROSS, []int64{24480, 48395, 93258, 203828}},
		{"net", "net_pence", programmev1.MonetaryBasis_MONETARY_BASIS_NET, []int64{23657, 46772, 91057, 198311}},
	} {
		p := proto.CloneOf(p)
		p.Scoring.Monetary = tc.basis
		run := score(t, w, p, "2011-12-09")
		compare(t, exported(t, w), want, same, map[string]string{
			"recency_days": "recency_days", "frequency": "frequency", "monetary_minor": tc.money,
			"r": "r_score_T", "f": "f_score_T", "m": tc.money + "_score_T",
		})
		agree(t, w, p, run)
		if run.Scored != 4264 || run.Lapsed == 0 || run.First != day(t, "2010-12-10") {
			t.Errorf("%s: %s", tc.name, run)
		}
		if got := run.Cuts; !slices.Equal(got.GetRecencyDays(), []int64{12, 31, 68, 170}) ||
			!slices.Equal(got.GetFrequency(), []int64{1, 2, 3, 5}) || !slices.Equal(got.GetMonetaryMinor(), tc.cuts) {
			t.Errorf("%s: cut points %v", tc.name, got)
		}
		var inSegments int64
		for _, s := range run.Segments {
			inSegments += s.Accounts
		}
		if inSegments != run.Scored {
			t.Errorf("%s: the segments hold %d of %d", tc.name, inSegments, run.Scored)
		}
		t.Log(run, run.Warnings)
	}
}

// TestCDNOW does the same for customers whose receipts have no number.
func TestCDNOW(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := shipped(t, w, "cdnow", "cdnow/cdnow_sample.csv.gz")
	run := score(t, w, p, "1998-06-30")
	if run.Scored != 812 {
		t.Errorf("%d scored, want 812", run.Scored)
	}
	agree(t, w, p, run)
	number := func(s string) string { return strings.TrimLeft(s, "0") }
	compare(t, exported(t, w), expected(t, "cdnow/expected_rfm_sample_12m_19980630.csv.gz"), number, map[string]string{
		"recency_days": "recency_days", "frequency": "frequency", "monetary_minor": "monetary_cents",
		"r": "r_score_T", "f": "f_score_T", "m": "monetary_cents_score_T",
	})
}

// latest is the newest run.
func latest(t *testing.T, w *warehouse.Warehouse) *scoring.Run {
	t.Helper()
	run, err := scoring.Latest(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// number asks the warehouse for one number.
func number(t *testing.T, w *warehouse.Warehouse, query string) int64 {
	t.Helper()
	var n int64
	err := w.View(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error { return tx.One(ctx, query, nil, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
