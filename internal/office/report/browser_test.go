package report_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed testdata/inspect.js
var inspectScript string

// inspection is what the script finds on a page.
type inspection struct {
	Texts    int      `json:"texts"`    // pieces of text that were looked at
	Overlaps []string `json:"overlaps"` // boxes that lie over others
	Cut      []string `json:"cut"`      // text that does not fit into its box
	// Numbers are the figures that carry an exact value, as they are read.
	Rows []map[string]string `json:"rows"`
}

// browser finds Chromium, or skips the test naming what is missing.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium on this machine: apt-get install chromium")
	return ""
}

// quiet keeps Chromium from calling anywhere.
var quiet = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--hide-scrollbars",
}

var found = regexp.MustCompile(`(?s)<pre id="inspection">(.*?)</pre>`)

// inspect opens a page in a window so wide and looks at every box.
func inspect(t *testing.T, page []byte, width int) inspection {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	scripted := bytes.Replace(page, []byte("</body>"), []byte("<script>"+inspectScript+"</script></body>"), 1)
	if err := os.WriteFile(path, scripted, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(browser(t), append(quiet, "--user-data-dir="+t.TempDir(), fmt.Sprintf("--window-size=%d,900", width), "--dump-dom", "file://"+path)...)
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	m := found.FindSubmatch(dom)
	if m == nil {
		t.Fatalf("the page does not answer: %.300s", dom)
	}
	var i inspection
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// fits expects a page on which nothing overlaps and nothing is cut, at several widths.
func fits(t *testing.T, page []byte) inspection {
	t.Helper()
	var last inspection
	for _, width := range []int{1280, 800, 500} {
		last = inspect(t, page, width)
		if last.Texts < 20 {
			t.Errorf("only %d pieces of text on a page %d wide", last.Texts, width)
		}
		if len(last.Overlaps) > 0 || len(last.Cut) > 0 {
			t.Errorf("%d wide:\noverlapping:\n  %s\ncut:\n  %s", width, strings.Join(last.Overlaps, "\n  "), strings.Join(last.Cut, "\n  "))
		}
	}
	return last
}
