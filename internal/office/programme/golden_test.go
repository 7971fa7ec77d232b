package programme_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// TestBroken reads every programme in testdata/broken: each has one fault, and at its end, in lines that begin with "#!", what is to be said of
// it, but for the name of the file.
func TestBroken(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d broken programmes, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			doc, err := programme.Read(file)
			if doc == nil {
				t.Fatal(err)
			}
			want := wanted(t, file)
			if got := programme.Check(doc).Error(); got != want {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
		})
	}
}

// wanted is what a broken programme says at its end.
func wanted(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if finding, ok := strings.CutPrefix(line, "#! "); ok {
			out = append(out, filepath.Base(file)+":"+strings.TrimSpace(finding))
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s does not say what is wrong with it", file)
	}
	return strings.Join(out, "\n")
}
