package daily_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/daily"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadConfig(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"nothing but comments", "# nothing\n", ""},
		{"a list", "lists:\n  - {files: 'r*.csv', mapping: m.yaml}\n", ""},
		{"no mapping", "lists:\n  - {files: 'r*.csv'}\n", "needs `files:` and `mapping:`"},
		{"a path", "lists:\n  - {files: 'in/r*.csv', mapping: m.yaml}\n", "no pattern of a file name"},
		{"a broken pattern", "lists:\n  - {files: 'r[.csv', mapping: m.yaml}\n", "no pattern of a file name"},
		{"an unknown word", "list: []\n", "field list not found"},
		{"a word twice", "closed: []\nclosed: []\n", "already defined"},
		{"no day", "closed: [tomorrow]\n", "\"tomorrow\" is not a day"},
		{"no percentage", "limits: {at_least_percent: 110}\n", "110 is not a percentage"},
		{"once is no limit", "limits: {at_most_times: 1}\n", "write 2 to 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c, err := daily.ReadConfig(write(t, filepath.Join(dir, "daily.yaml"), test.text))
			if test.want != "" {
				if !errors.Is(err, daily.ErrConfig) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Limits != normal {
				t.Errorf("limits %+v, want %+v", c.Limits, normal)
			}
			if len(c.Lists) == 1 && c.Lists[0].Mapping != filepath.Join(dir, "m.yaml") {
				t.Errorf("the mapping is looked for at %s", c.Lists[0].Mapping)
			}
		})
	}
	if _, err := daily.ReadConfig(filepath.Join(t.TempDir(), "daily.yaml")); !errors.Is(err, daily.ErrConfig) || !strings.Contains(err.Error(), "init") {
		t.Errorf("without a file: %v", err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := daily.NewFolder(dir)
	for _, name := range []string{"receipts-2.csv", "receipts-1.csv.gz", "receipts-3.csv.part", ".receipts-4.csv", "readme.txt", "done/2026-11-15/receipts-1.csv.gz"} {
		write(t, filepath.Join(dir, name), name)
	}
	lists := []daily.List{{Files: "customers*", Mapping: "c"}, {Files: "receipts*.csv*", Mapping: "r"}, {Files: "*.csv", Mapping: "x"}}
	found, err := folder.Find(lists)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "receipts-1.csv.gz"), filepath.Join(dir, "receipts-2.csv")}
	if len(found.Lists) != 1 || found.Lists[0].Mapping != "r" || !slices.Equal(found.Lists[0].Paths, want) || found.Files() != 2 ||
		!slices.Equal(found.Unknown, []string{"readme.txt"}) {
		t.Errorf("found %+v", found)
	}
	if err := folder.Done("2026-11-15", want); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"receipts-1.csv.gz": "done/2026-11-15/receipts-1.csv.gz", "2-receipts-1.csv.gz": "receipts-1.csv.gz", "receipts-2.csv": "receipts-2.csv",
	} {
		got, err := os.ReadFile(filepath.Join(dir, "done", "2026-11-15", name))
		if err != nil || string(got) != text {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, text)
		}
	}
	if left, err := folder.Find(lists); err != nil || left.Files() != 0 {
		t.Errorf("after all was put away: %+v, %v", left, err)
	}
	if none, err := daily.NewFolder(filepath.Join(dir, "none")).Find(lists); err != nil || none.Files() != 0 {
		t.Errorf("a folder that is not there: %+v, %v", none, err)
	}
}

func TestBook(t *testing.T) {
	t.Parallel()
	w, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	now := time.Date(2026, 11, 17, 3, 0, 0, 0, time.UTC)
	book := daily.NewBook(w, func() time.Time { return now })
	if _, err := book.Begin(t.Context(), monday-1); err != nil { // a process that ends here leaves it under way
		t.Fatal(err)
	}
	entry, err := book.Begin(t.Context(), monday)
	if err != nil {
		t.Fatal(err)
	}
	if runs, err := book.Runs(t.Context(), 1); err != nil || len(runs) != 1 || runs[0].GetOutcome() != officev1.RunOutcome_RUN_OUTCOME_UNDER_WAY {
		t.Errorf("while it is under way: %v, %v", runs, err)
	}
	now = now.Add(90 * time.Second)
	for i, name := range []string{"read", "take in"} {
		if err := entry.Step(t.Context(), name, time.Duration(i+1)*time.Second, name+" all"); err != nil {
			t.Fatal(err)
		}
	}
	if err := entry.End(t.Context(), officev1.RunOutcome_RUN_OUTCOME_REFUSED, "a store is missing"); err != nil {
		t.Fatal(err)
	}
	runs, err := book.Runs(t.Context(), 10)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	r := runs[0]
	if r.GetId() != entry.ID() || r.GetAsOf() != "2026-11-16" || r.GetOutcome() != officev1.RunOutcome_RUN_OUTCOME_REFUSED || r.GetMessage() != "a store is missing" ||
		r.GetEndedAt().AsTime().Sub(r.GetStartedAt().AsTime()) != 90*time.Second || len(r.GetSteps()) != 2 || r.GetSteps()[1].GetTookMillis() != 2000 ||
		r.GetSteps()[0].GetCounted() != "read all" {
		t.Errorf("the run reads %v", r)
	}
	if cut := runs[1]; cut.GetOutcome() != officev1.RunOutcome_RUN_OUTCOME_CUT_OFF || cut.GetEndedAt() != nil || cut.GetMessage() == "" {
		t.Errorf("the run that was cut off reads %v", cut)
	}
}
