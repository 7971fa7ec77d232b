package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `init` writes can be used as it is: the programme passes the check in every promised language, and the mappings read lists with the
// columns they name.
func TestInitGivesAWorkingStart(t *testing.T) {
	t.Parallel()
	for _, languages := range []string{"nl", "nl,en", "fr,nl,de,en"} {
		t.Run(languages, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			office(t, home, 0, "init", "--chain", "Kaas & Co", "--stores", "k1,k2", "--languages", languages, "--profiling", "consent")
			if out := office(t, home, 0, "check"); !strings.Contains(out, "can be published: 2 stores") {
				t.Errorf("check: %s", out)
			}
			if out := office(t, home, 1, "init"); !strings.Contains(out, "keys") {
				t.Errorf("a second init would lose the keys: %s", out)
			}
		})
	}
	home := t.TempDir()
	office(t, home, 0, "init", "--yes")
	customers := write(t, filepath.Join(home, "customers.csv"),
		"customer_no,card,language,home_store,groups,profiling,marketing,objected\nA1,2900123456785,nl,s01,,yes,no,no\n")
	receipts := write(t, filepath.Join(home, "receipts.csv"),
		"store,till,receipt_no,time,card,sku,group,quantity,amount\ns01,1,7,2026-03-01 10:15,2900123456785,123,10,1,12.50\n"+
			"s01,1,8,2026-03-01 10:20,,124,10,2,3.00\n")
	office(t, home, 0, "import", "customers", customers, "--mapping", filepath.Join(home, "mapping-customers.yaml"))
	if out := office(t, home, 0, "import", "receipts", receipts, "--mapping", filepath.Join(home, "mapping-receipts.yaml")); !strings.Contains(out, "2  new receipts") {
		t.Errorf("import: %s", out)
	}
	bad := write(t, filepath.Join(home, "bad.csv"), "store,till,receipt_no,time,card,sku,group,quantity,amount\ns01,1,9,yesterday,,124,10,2,3.00\n")
	if out := office(t, home, 3, "import", "receipts", bad, "--mapping", filepath.Join(home, "mapping-receipts.yaml")); !strings.Contains(out, "rejected") {
		t.Errorf("import of a bad row: %s", out)
	}
	rejected, err := filepath.Glob(filepath.Join(home, "rejected", "*.csv"))
	if err != nil || len(rejected) != 1 {
		t.Fatalf("rejected rows are in %v, %v", rejected, err)
	}
	if text, err := os.ReadFile(rejected[0]); err != nil || !strings.Contains(string(text), "yesterday") {
		t.Errorf("rejected rows: %s, %v", text, err)
	}
}

// A segment map with one code deleted and one doubled is refused, naming both codes and the lines; so is whatever else a person gets wrong.
func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/programme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for name, tc := range map[string]struct {
		change func(string) string
		says   []string
	}{
		"a code deleted and one doubled": {
			func(s string) string {
				return strings.Replace(s, "\nsegments:", "\nsegments:\n  lost: {codes: 112 121 131 141 151 555}", 1)
			},
			[]string{"111", "555", "lost"},
		},
		"duplicate key": {
			func(s string) string { return s + "\ncurrency: EUR\n" }, []string{"currency", "twice"},
		},
		"unknown word":    {func(s string) string { return s + "\nstroes: {}\n" }, []string{"stroes", "stores"}},
		"undeclared name": {func(s string) string { return strings.Replace(s, "groups: [paint]", "groups: [pain]", 1) }, []string{"pain"}},
		"points as money": {func(s string) string { return strings.Replace(s, "points: 25}", "points: 25.00}", 1) }, []string{"25.00", "whole"}},
		"a language missing": {
			func(s string) string {
				return strings.Replace(s, `, en: "20% off paint|with your timber"}`, "}", 1)
			}, []string{"display", "en"},
		},
		"too long for its display": {
			func(s string) string {
				return strings.Replace(s, `en: "20% off paint|with your timber"`, `en: "Twenty percent off paint|with your timber"`, 1)
			}, []string{"20", "display"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			office(t, home, 0, "init", "--yes")
			changed := tc.change(whole)
			if changed == whole {
				t.Fatal("the change found nothing to change in docs/programme.yaml")
			}
			out := office(t, home, 4, "check", write(t, filepath.Join(home, "changed.yaml"), changed))
			for _, word := range append(tc.says, "changed.yaml:") {
				if !strings.Contains(out, word) {
					t.Errorf("does not say %q:\n%s", word, out)
				}
			}
		})
	}
}
