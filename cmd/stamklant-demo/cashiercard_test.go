package main_test

import (
	"bytes"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	shownText  = regexp.MustCompile(`<code data-text="([a-z_.]+)">(.*?)</code>`)
	variable   = regexp.MustCompile(`\\\{[^}]*\\\}`)
	inspection = regexp.MustCompile(`(?s)<pre id="inspection">(.*?)</pre>`)
	pageOfPDF  = regexp.MustCompile(`/Type\s*/Page\b`)
)

// The card beside the till says what tills really show, in every language the same things, and fits one sheet of A4.
func TestCashierCard(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(root(t), "docs/cashier-card")
	for _, language := range []string{"nl", "fr", "de", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			card := filepath.Join(folder, language+".html")
			text, err := os.ReadFile(card)
			if err != nil {
				t.Fatal(err)
			}
			said := shownText.FindAllStringSubmatch(string(text), -1)
			if len(said) != 10 {
				t.Errorf("%d of the ten lines of a till are on the card", len(said))
			}
			words := tillWords(t, language)
			for _, m := range said {
				pattern, line := words[m[1]], html.UnescapeString(m[2])
				if pattern == nil || !pattern.MatchString(strings.ReplaceAll(line, "\u00a0", " ")) {
					t.Errorf("a till never says %q (%s: %v)", line, m[1], pattern)
				}
			}
			needs(t, "the card's look", "chromium")
			if pages := printed(t, card); pages != 1 {
				t.Errorf("the card takes %d sheets", pages)
			}
			looksRight(t, folder, text)
		})
	}
}

// tillWords are the words of a language as patterns of what is shown, by their names.
func tillWords(t *testing.T, language string) map[string]*regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "internal/instore/till/texts", language+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]*regexp.Regexp{}
	for line := range strings.Lines(string(text)) {
		if name, said, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			words[strings.TrimSpace(name)] = regexp.MustCompile("^" + variable.ReplaceAllString(regexp.QuoteMeta(strings.TrimSpace(said)), ".+") + "$")
		}
	}
	return words
}

// printed is how many sheets a page takes.
func printed(t *testing.T, page string) int {
	t.Helper()
	pdf := filepath.Join(t.TempDir(), "card.pdf")
	runs(t, t.TempDir(), os.Environ(), "chromium", append(quietly(t), "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page)...)
	text, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	return len(pageOfPDF.FindAll(text, -1))
}

// looksRight expects that nothing lies over anything else, and nothing is cut off.
func looksRight(t *testing.T, folder string, page []byte) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(root(t), "internal/office/report/testdata/inspect.js"))
	if err != nil {
		t.Fatal(err)
	}
	style, err := os.ReadFile(filepath.Join(folder, "card.css"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "card.css"), string(style))
	looked := bytes.Replace(page, []byte("</body>"), []byte("<script>"+string(script)+"</script></body>"), 1)
	dom := runs(t, dir, os.Environ(), "chromium", append(quietly(t), "--window-size=800,1130", "--dump-dom", "file://"+write(t, filepath.Join(dir, "card.html"), string(looked)))...)
	m := inspection.FindStringSubmatch(dom)
	if m == nil {
		t.Fatalf("the card does not answer: %.300s", dom)
	}
	var found struct {
		Texts         int
		Overlaps, Cut []string
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &found); err != nil {
		t.Fatal(err)
	}
	if found.Texts < 30 || len(found.Overlaps)+len(found.Cut) > 0 {
		t.Errorf("%d pieces of text\noverlapping: %s\ncut: %s", found.Texts, strings.Join(found.Overlaps, "\n  "), strings.Join(found.Cut, "\n  "))
	}
}

// quietly is how Chromium runs without calling anywhere.
func quietly(t *testing.T) []string {
	t.Helper()
	return []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
	}
}
