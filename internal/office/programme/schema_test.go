package programme_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/programme"
)

var update = flag.Bool("update", false, "write docs/programme.schema.json anew")

// TestSchema fails when docs/programme.schema.json is not what the protos say; -update writes it.
func TestSchema(t *testing.T) {
	t.Parallel()
	name := filepath.Join(root, "docs", "programme.schema.json")
	got := programme.Schema()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("%s is out of date: go test ./internal/office/programme -run TestSchema -update", name)
	}
}

// TestSchemaSays looks at what an editor would offer.
func TestSchemaSays(t *testing.T) {
	t.Parallel()
	var schema any
	if err := json.Unmarshal(programme.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		path string
		want string
	}{
		{"short words", "definitions Programme properties profiling", `{"enum":["consent","legitimate_interest"]}`},
		{"presets", "definitions Programme properties starts_from anyOf 0", `{"enum":["eleven-segments","law-be","law-fr","law-nl","nine-segments"]}`},
		{"a single word for a message", "definitions Survey anyOf 0", `{"enum":["nps","csat","yes_no","choice"]}`},
		{"money", "definitions Offer properties amount type", `["number","string"]`},
		{"bounds", "definitions Programme properties stale_after_days", `{"maximum":365,"minimum":0,"type":"integer"}`},
		{"entries by key", "definitions Programme properties stores propertyNames", `{"pattern":"^[A-Za-z0-9_-]{1,32}$"}`},
		{"the key is not written again", "definitions Store anyOf 0 properties code", `null`},
		{"what head office fills in is not written", "definitions Programme properties currency_decimals", `null`},
		{"nothing else is known", "definitions Programme additionalProperties", `false`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(follow(schema, strings.Fields(tc.path)))
			if err != nil || string(got) != tc.want {
				t.Errorf("got %s, want %s (%v)", got, tc.want, err)
			}
		})
	}
}

// follow walks down a decoded JSON document.
func follow(doc any, path []string) any {
	for _, step := range path {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[step]
		case []any:
			doc = d[int(step[0]-'0')]
		default:
			return nil
		}
	}
	return doc
}

// TestDocumentNamesSchema fails when the programme in docs/ does not tell editors where its schema is.
func TestDocumentNamesSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "programme.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); strings.TrimSpace(first) != "# yaml-language-server: $schema=./programme.schema.json" {
		t.Errorf("its first line is %q", first)
	}
}
