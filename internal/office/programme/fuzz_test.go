package programme_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// FuzzRead reads, checks and prints whatever it is given: it must neither panic nor report a finding without file, line, column and message.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/broken/*.yaml", "testdata/good/*.yaml", "presets/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, error %v", pattern, len(files), err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := programme.Parse("fuzz", programme.File{Name: "fuzz.yaml", Text: text})
		if doc == nil || doc.Programme == nil {
			t.Fatalf("no document, error %v", err)
		}
		problems := programme.Check(doc)
		if err != nil && len(problems.Errors()) == 0 {
			t.Errorf("reading fails with %v, checking finds nothing", err)
		}
		for i, p := range problems {
			if p.File == "" || p.Line < 1 || p.Column < 1 || p.Message == "" || strings.Contains(p.String(), "\n") {
				t.Errorf("finding without a place or a message: %+v", p)
			}
			if i > 0 && p.File == problems[i-1].File && p.Line < problems[i-1].Line {
				t.Errorf("line %d after line %d", p.Line, problems[i-1].Line)
			}
		}
	})
}
