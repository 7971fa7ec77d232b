package programme_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// write puts files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolder(t *testing.T) {
	t.Parallel()
	head, stores, _ := strings.Cut(base, "stores:")
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"two files", map[string]string{"a.yaml": head, "b.yml": "stores:" + stores, "notes.txt": "stores: {", ".draft.yaml": "x: ["}, ""},
		{
			"a top-level key in both",
			map[string]string{"a.yaml": base, "b.yaml": "\nchain: De Eik\n"},
			"b.yaml:2:1 chain: `chain` stands also in a.yaml, line 1. Keep all of it in one of the two files.",
		},
		{
			"faults in both, in the order of files",
			map[string]string{"b.yaml": head, "a.yaml": "stores:" + stores + "stale_after_days: x\n", "c.yaml": "discounts_together: worst\n"},
			"a.yaml:4:19 stale_after_days: `x` is not a whole number. Write digits alone, the unit is in the name.\n" +
				"c.yaml:1:21 discounts_together: `worst` is not known here. Known here: best, add.",
		},
		{
			"one file is no YAML",
			map[string]string{"a.yaml": "x: [", "b.yaml": base},
			"a.yaml:1:1 this is not YAML: did not find expected node content. " +
				"Look at this line and the one above it for a missing colon, quote or bracket, or for spaces that do not line up.",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, err := programme.Read(write(t, tc.files))
			if doc == nil {
				t.Fatal(err)
			}
			if got := programme.Check(doc).Error(); got != tc.want {
				t.Errorf("\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestNoDocument(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 33<<20); err != nil {
		t.Fatal(err)
	}
	many := map[string]string{}
	for i := range 501 {
		many[fmt.Sprintf("%d.yaml", i)] = ""
	}
	for _, tc := range []struct {
		name string
		path string
		want error
	}{
		{"nothing there", filepath.Join(t.TempDir(), "programme.yaml"), programme.ErrNoDocument},
		{"a folder without documents", write(t, map[string]string{"README.md": ""}), programme.ErrNoDocument},
		{"more than any programme", large, programme.ErrTooLarge},
		{"too many files", write(t, many), programme.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, err := programme.Read(tc.path)
			if doc != nil || !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.path) {
				t.Errorf("got %v and %v, want %v naming %s", doc, err, tc.want, tc.path)
			}
		})
	}
}

// TestAllAtOnce shows that one reading finds all faults, in the order of the lines.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	doc, err := programme.Parse("p", programme.File{Name: "p.yaml", Text: []byte(`chain: De Linde
currency: EUR
time_zone: Europe/Nowhere
languages: [nl, en]
stores: {s01: {nam: Utrecht}}
campaigns:
  een: {offer: {percent: 20, groups: [paint]}}
  twee: {prompt: sing}
  drie: {offer: {amount: 1.005}, say: {display: {nl: "Dit is veel te lang voor een display"}}}
chain: De Eik
`)})
	var problems programme.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("the error is %v", err)
	}
	if _, _, err := programme.Load("testdata/broken/unknown-word.yaml"); !errors.As(err, &problems) || len(problems) != 1 {
		t.Errorf("Load says %v", err)
	}
	var out bytes.Buffer
	errorsFound := programme.Check(doc).Print(&out)
	want := "p.yaml:1:1 warning: profiling: no basis for profiling is chosen, and there is no default: every customer is treated as one who objected, without segment or suggestion. Write `profiling: consent` or `profiling: legitimate_interest`.\n" +
		"p.yaml:1:1 warning: identifiers: nothing says what a customer's card looks like, so no scan is recognised. Write a rule such as {name: card, kind: card, starts_with: \"29001\", length: 13, check: gs1}.\n" +
		"p.yaml:3:12 time_zone: `Europe/Nowhere` is not a time zone. Write its IANA name, such as Europe/Amsterdam.\n" +
		"p.yaml:5:16 stores.s01.nam: `nam` is not known here. Did you mean `name`?\n" +
		"p.yaml:7:39 campaigns.een.offer.groups[1]: `paint` is declared nowhere. Add it under `groups`.\n" +
		"p.yaml:8:18 campaigns.twee.prompt: `sing` is not known here. Known here: event, new_articles, cross_sell, care, warranty, replenishment, member_get_member, verify_details, thanks, tier_progress.\n" +
		"p.yaml:9:26 campaigns.drie.offer.amount: `1.005` is not an amount in EUR, which has 2 decimal places. For a thousand write 1005, else round it to 1.00.\n" +
		"p.yaml:9:40 campaigns.drie.say.display: no text in en, which `languages` promises. Add en: ….\n" +
		"p.yaml:9:54 campaigns.drie.say.display.nl: 36 characters, a display line has 20. Shorten it or break it with |.\n" +
		"p.yaml:10:1 chain: `chain` is written twice, first on line 1. Keep one of the two.\n"
	if out.String() != want {
		t.Errorf("\ngot  %s\nwant %s", out.String(), want)
	}
	if errorsFound != 8 {
		t.Errorf("%d errors, want 8", errorsFound)
	}
}

// TestUnreadable has nothing to say but that there is no reading it.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, tc := range []struct {
		name, text, want string
	}{
		{"too deep", "campaigns: " + deep, "p.yaml:1:35 campaigns" + strings.Repeat("[1]", 23) + ": more than 24 mappings and lists within each other. Compare with docs/programme.yaml."},
		{"not text", "\x00\x01", "p.yaml:1:1 this is not YAML: control characters are not allowed. Look at this line and the one above it for a missing colon, quote or bracket, or for spaces that do not line up."},
		{"a single word", "hello", "p.yaml:1:1 expected fields, found `hello`. Start with `chain:` and the name of the chain."},
		{"nothing", "", "p.yaml:1:1 the document is empty. Start with `chain:` and the name of the chain."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, _ := programme.Parse("p", programme.File{Name: "p.yaml", Text: []byte(tc.text)})
			if got := programme.Check(doc).Error(); got != tc.want {
				t.Errorf("\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}
