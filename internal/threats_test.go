package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestThreatsAreTested holds docs/threats.md against the tests: each it names is there, and each there is is named.
func TestThreatsAreTested(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`TestThreat\w+`).FindAllString(string(table), -1) {
		named[name] = false
	}
	for _, pattern := range []string{"bundle/*_test.go", "instore/replica/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, test := range regexp.MustCompile(`(?m)^func (TestThreat\w+)\(`).FindAllSubmatch(text, -1) {
				if _, ok := named[string(test[1])]; !ok {
					t.Errorf("%s in %s is not in docs/threats.md", test[1], file)
				}
				named[string(test[1])] = true
			}
		}
	}
	for name, there := range named {
		if !there {
			t.Errorf("docs/threats.md names %s, which is not there", name)
		}
	}
	if len(named) < 8 {
		t.Errorf("only %d threats are named", len(named))
	}
}
