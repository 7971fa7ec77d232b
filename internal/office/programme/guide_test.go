package programme_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// TestGuide checks every example of the pages on writing a programme, with the lines of the shortest programme that it does not have itself.
func TestGuide(t *testing.T) {
	t.Parallel()
	var examples []string
	for _, page := range []string{"writing-a-programme.md", "conditions.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, strings.Split(string(text), "```yaml\n")[1:]...)
	}
	if len(examples) < 7 {
		t.Fatalf("%d examples", len(examples))
	}
	for i, example := range examples {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			t.Parallel()
			example, _, _ := strings.Cut(example, "```")
			var missing []string
			for line := range strings.Lines(base) {
				key, _, _ := strings.Cut(line, ":")
				if !strings.HasPrefix(example, key+":") && !strings.Contains(example, "\n"+key+":") {
					missing = append(missing, line)
				}
			}
			doc, err := programme.Parse("guide", programme.File{Name: "example.yaml", Text: []byte(example + strings.Join(missing, ""))})
			if err != nil {
				t.Fatal(err)
			}
			if problems := programme.Check(doc); len(problems) > 0 {
				t.Errorf("%s", problems)
			}
		})
	}
}
