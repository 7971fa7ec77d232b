package programme_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// TestSchemaFits holds good programmes against the schema as an editor does: an editor that underlines what is right is worse than none.
func TestSchemaFits(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(programme.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	good, _ := filepath.Glob("testdata/good/*.yaml")
	presets, _ := filepath.Glob("presets/*.yaml")
	for _, name := range slices.Concat(good, presets, []string{filepath.Join(root, "docs", "programme.yaml")}) {
		if complaint := editor(t, schema, name); complaint != "" {
			t.Errorf("%s: %s", name, complaint)
		}
	}
	for name, want := range map[string]string{
		"unknown-key": "discount_together", "unknown-word": "nsp", "percent-too-high": "120", "number-out-of-bounds": "400",
		"date-other-order": "03-04-2027", "list-for-mapping": "stores",
	} {
		if complaint := editor(t, schema, "testdata/broken/"+name+".yaml"); complaint == "" {
			t.Errorf("an editor does not see what is wrong with %s (%s)", name, want)
		}
	}
}

// editor says where a file breaks a schema, or "".
func editor(t *testing.T, schema map[string]any, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return validator{schema}.breaks(schema, doc.Content[0], "")
}

// validator knows as much of JSON schema as Schema uses.
type validator struct{ root map[string]any }

// breaks says how a node breaks a schema, or "".
func (v validator) breaks(schema map[string]any, n *yaml.Node, at string) string {
	if ref, ok := schema["$ref"].(string); ok {
		return v.breaks(follow(v.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")).(map[string]any), n, at)
	}
	if all, ok := schema["allOf"].([]any); ok {
		return v.breaks(all[0].(map[string]any), n, at)
	}
	if choices, ok := schema["anyOf"].([]any); ok {
		var all []string
		for _, c := range choices {
			complaint := v.breaks(c.(map[string]any), n, at)
			if complaint == "" {
				return ""
			}
			all = append(all, complaint)
		}
		return strings.Join(all, "; or ")
	}
	if words, ok := schema["enum"].([]any); ok && !slices.ContainsFunc(words, func(w any) bool { return fmt.Sprint(w) == n.Value }) {
		return fmt.Sprintf("%s: %q is none of %v", at, n.Value, words)
	}
	if types := typesOf(schema); len(types) > 0 && !slices.Contains(types, kind(n)) && (kind(n) != "integer" || !slices.Contains(types, "number")) {
		return fmt.Sprintf("%s: a %s, not one of %v", at, kind(n), types)
	}
	if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(n.Value) {
		return fmt.Sprintf("%s: %q does not match %s", at, n.Value, p)
	}
	if complaint := outside(schema, n, at); complaint != "" {
		return complaint
	}
	return v.inside(schema, n, at)
}

// inside looks at the entries of a mapping or list.
func (v validator) inside(schema map[string]any, n *yaml.Node, at string) string {
	if items, ok := schema["items"].(map[string]any); ok {
		for i, item := range n.Content {
			if complaint := v.breaks(items, item, at+"["+strconv.Itoa(i)+"]"); complaint != "" {
				return complaint
			}
		}
	}
	if n.Kind != yaml.MappingNode {
		return ""
	}
	known, _ := schema["properties"].(map[string]any)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if names, ok := schema["propertyNames"].(map[string]any); ok {
			if complaint := v.breaks(names, key, at+"."+key.Value); complaint != "" {
				return complaint
			}
		}
		of, isKnown := known[key.Value].(map[string]any)
		if !isKnown {
			other, ok := schema["additionalProperties"].(map[string]any)
			if !ok {
				return at + "." + key.Value + " is not known"
			}
			of = other
		}
		if complaint := v.breaks(of, n.Content[i+1], at+"."+key.Value); complaint != "" {
			return complaint
		}
	}
	return ""
}

// outside says that a number lies outside its bounds, or "".
func outside(schema map[string]any, n *yaml.Node, at string) string {
	value, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		return ""
	}
	for bound, over := range map[string]func(limit float64) bool{
		"minimum":          func(l float64) bool { return value < l },
		"exclusiveMinimum": func(l float64) bool { return value <= l },
		"maximum":          func(l float64) bool { return value > l },
		"exclusiveMaximum": func(l float64) bool { return value >= l },
	} {
		if limit, ok := schema[bound].(float64); ok && over(limit) {
			return fmt.Sprintf("%s: %s is beyond its %s of %v", at, n.Value, bound, limit)
		}
	}
	return ""
}

func typesOf(schema map[string]any) []string {
	switch types := schema["type"].(type) {
	case string:
		return []string{types}
	case []any:
		var out []string
		for _, t := range types {
			out = append(out, t.(string))
		}
		return out
	default:
		return nil
	}
}

// kind is what JSON calls a node.
func kind(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return "object"
	}
	if n.Kind == yaml.SequenceNode {
		return "array"
	}
	return map[string]string{
		"!!int": "integer", "!!float": "number", "!!bool": "boolean", "!!null": "null", "!!str": "string", "!!timestamp": "string",
	}[n.Tag]
}
