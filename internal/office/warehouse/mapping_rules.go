package warehouse

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// ruleList returns a reader of rules under one name: a list of which any must hold, or a single one.
func (r *mappingReader) ruleList(name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		items := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			items = n.Content
		}
		for _, item := range items {
			if rule := r.rule(item, name); rule != nil {
				r.mapping.rules[name] = append(r.mapping.rules[name], rule)
			}
		}
	}
}

// skips reads which rows are left out, and why.
func (r *mappingReader) skips(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "skip is a list: `- {reason: deposits, where: {sku: [STG]}}`")
		return
	}
	for _, item := range n.Content {
		var s skip
		seen := r.object(item, "skip", map[string]func(*yaml.Node){
			"reason": func(n *yaml.Node) { s.reason = r.name(n, "reason") },
			"where":  func(n *yaml.Node) { s.where = r.rule(n, "where") },
		})
		if !seen["reason"] || !seen["where"] {
			r.wrong(item, "a skip says a `reason` and `where`")
		}
		r.mapping.skips = append(r.mapping.skips, s)
	}
}

// rule reads tests of columns, all of which must hold.
func (r *mappingReader) rule(n *yaml.Node, what string) rule {
	if !r.plain(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.wrong(n, "%s names columns and what to look for: `invoice_no: {starts_with: C}`", what)
		return nil
	}
	var all rule
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		column := r.name(n.Content[i], "column")
		if seen[column] {
			r.wrong(n.Content[i], "`%s` stands here twice: keep one", column)
		}
		seen[column] = true
		all = append(all, columnTest{column: column, tests: r.tests(n.Content[i+1])})
	}
	return all
}

// tests reads what to look for in a column: a word, a list of words, or tests by name.
func (r *mappingReader) tests(n *yaml.Node) []test {
	if n.Kind != yaml.MappingNode {
		return []test{{operator: "one_of", values: r.names(n, "the value to look for")}}
	}
	var all []test
	texts := func(operator string) func(*yaml.Node) {
		return func(n *yaml.Node) { all = append(all, test{operator: operator, values: r.names(n, operator)}) }
	}
	number := func(operator string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			s := r.name(n, operator)
			if !isNumber(s) {
				r.wrong(n, "%s is a number, written with a point: 12.50", operator)
			}
			all = append(all, test{operator: operator, values: []string{s}})
		}
	}
	r.object(n, "a test", map[string]func(*yaml.Node){
		"is": texts("one_of"), "one_of": texts("one_of"),
		"starts_with": texts("starts_with"), "ends_with": texts("ends_with"), "contains": texts("contains"),
		"at_least": number("at_least"), "at_most": number("at_most"), "above": number("above"), "below": number("below"),
		"empty": func(n *yaml.Node) {
			is := r.oneOf(n, "empty", map[string]string{"yes": "yes", "true": "yes", "no": "no", "false": "no"})
			empty := test{operator: "empty"}
			if is == "no" {
				empty = test{operator: "not", not: []test{empty}}
			}
			all = append(all, empty)
		},
		"not": func(n *yaml.Node) { all = append(all, test{operator: "not", not: r.tests(n)}) },
	})
	return all
}

// isNumber reports whether s is a plain decimal number as a mapping writes it.
func isNumber(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && len(whole) <= 14 && (!point || digits(fraction) && len(fraction) <= 6)
}
