package warehouse

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxMapping bounds the size of a mapping file: a person wrote it.
const maxMapping = 1 << 20

// ParseMapping reads the text of a mapping; name stands for the file in what it says is wrong.
func ParseMapping(name string, text []byte) (*Mapping, error) {
	r := &mappingReader{file: name, mapping: &Mapping{
		dialect: dialect{delimiter: defaultDelimiter, quote: defaultQuote, encoding: utf8Encoding, decimals: "."},
		fields:  map[string]field{}, traits: map[string]string{}, rules: map[string][]rule{}, words: defaultWords,
	}}
	root, err := r.document(text)
	if err != nil {
		return nil, &MappingError{Problems: []MappingProblem{{File: name, Message: err.Error()}}}
	}
	r.root(root)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b MappingProblem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, &MappingError{Problems: r.problems}
	}
	return r.mapping, nil
}

// mappingReader walks over the nodes of the file and gathers what is wrong.
type mappingReader struct {
	file     string
	mapping  *Mapping
	problems []MappingProblem
}

// document returns the one mapping node that the text must be.
func (r *mappingReader) document(text []byte) (*yaml.Node, error) {
	if len(text) > maxMapping {
		return nil, fmt.Errorf("is larger than %d bytes: this is not a mapping file", maxMapping)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("is empty: say which column means what")
		}
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document: a mapping is one")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("must be a list of `name: value`")
	}
	return document.Content[0], nil
}

// wrong notes a problem at a node.
func (r *mappingReader) wrong(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, MappingProblem{File: r.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

// object hands each value of a mapping node to the reader of its key; keys that no reader knows, and doubled ones, are wrong.
func (r *mappingReader) object(n *yaml.Node, what string, readers map[string]func(*yaml.Node)) map[string]bool {
	seen := map[string]bool{}
	if !r.plain(n) {
		return seen
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s is written as `name: value`", what)
		return seen
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, known := readers[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !r.plain(key):
			r.wrong(key, "a name must be a plain word")
		case seen[key.Value]:
			r.wrong(key, "`%s` stands here twice: keep one", key.Value)
		case !known:
			r.wrong(key, "%s has no `%s`: it knows %s", what, key.Value, enumerate(slices.Sorted(maps.Keys(readers))))
		default:
			read(value)
		}
		seen[key.Value] = true
	}
	return seen
}

// plain refuses anchors and aliases: what stands in the file is what is meant.
func (r *mappingReader) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.wrong(n, "anchors and aliases are not read here: write the value out")
		return false
	}
	return true
}

// text returns a scalar.
func (r *mappingReader) text(n *yaml.Node, what string) (string, bool) {
	if !r.plain(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.wrong(n, "%s is a single word or number", what)
		return "", false
	}
	return n.Value, true
}

// name returns a scalar that is not empty.
func (r *mappingReader) name(n *yaml.Node, what string) string {
	s, ok := r.text(n, what)
	if ok && s == "" {
		r.wrong(n, "%s is empty", what)
	}
	return s
}

// names returns a scalar, or a list of scalars.
func (r *mappingReader) names(n *yaml.Node, what string) []string {
	if !r.plain(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return []string{r.name(n, what)}
	}
	if len(n.Content) == 0 {
		r.wrong(n, "%s is an empty list", what)
	}
	var all []string
	for _, item := range n.Content {
		all = append(all, r.name(item, what))
	}
	return all
}

// oneOf returns the scalar when it is one of the words, by what each stands for.
func (r *mappingReader) oneOf(n *yaml.Node, what string, meaning map[string]string) string {
	s, ok := r.text(n, what)
	if !ok {
		return ""
	}
	value, known := meaning[strings.ToLower(s)]
	if !known {
		r.wrong(n, "%s cannot be `%s`: write %s", what, s, enumerate(slices.Sorted(maps.Keys(meaning))))
	}
	return value
}

// enumerate writes words as a person would: a, b or c.
func enumerate(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// root reads the whole file.
func (r *mappingReader) root(n *yaml.Node) {
	m := r.mapping
	seen := r.object(n, "a mapping", map[string]func(*yaml.Node){
		"list": func(n *yaml.Node) {
			known := map[string]string{}
			for _, list := range lists {
				known[string(list)] = string(list)
			}
			m.list = List(r.oneOf(n, "list", known))
		},
		"file":            r.dialect,
		"time_zone":       func(n *yaml.Node) { m.zone = r.timeZone(n) },
		"receipt":         r.receipt,
		"customer":        r.customer,
		"identifiers":     r.identifiers,
		"columns":         r.columns,
		"traits":          r.traits,
		"words":           r.words,
		"returns":         r.ruleList("returns"),
		"voids":           r.ruleList("voids"),
		"training":        r.ruleList("training"),
		"not_merchandise": r.ruleList("not_merchandise"),
		"promotion":       r.ruleList("promotion"),
		"skip":            r.skips,
	})
	if !seen["list"] {
		r.wrong(n, "`list` is missing: write `list: receipts`, `customers`, `articles`, `stores` or `vouchers`")
		return
	}
	if m.list == "" { // said what is wrong with it
		return
	}
	r.complete(n, seen)
}

// dialect reads how the file is written.
func (r *mappingReader) dialect(n *yaml.Node) {
	d := &r.mapping.dialect
	r.object(n, "file", map[string]func(*yaml.Node){
		"delimiter": func(n *yaml.Node) {
			d.delimiter = r.name(n, "delimiter")
			if named, known := map[string]string{"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}[d.delimiter]; known {
				d.delimiter = named
			}
			if utf8.RuneCountInString(d.delimiter) != 1 || len(d.delimiter) != 1 || strings.ContainsAny(d.delimiter, "\r\n\"'") {
				r.wrong(n, "delimiter is one character, such as `;`, or the word tab, comma, semicolon or bar")
			}
		},
		"quote": func(n *yaml.Node) {
			d.quote = r.name(n, "quote")
			if d.quote == "none" {
				d.quote = ""
			} else if len(d.quote) != 1 {
				r.wrong(n, "quote is one character, such as `'\"'`, or the word none")
			}
		},
		"encoding": func(n *yaml.Node) {
			d.encoding = r.oneOf(n, "encoding", map[string]string{"utf-8": utf8Encoding, "utf8": utf8Encoding, "windows-1252": windows1252})
		},
		"decimals": func(n *yaml.Node) {
			d.decimals = r.oneOf(n, "decimals", map[string]string{"point": ".", ".": ".", "comma": ",", ",": ","})
		},
		"thousands": func(n *yaml.Node) {
			d.thousands = r.oneOf(n, "thousands", map[string]string{
				"none": "", "point": ".", ".": ".", "comma": ",", ",": ",", "space": " ", "apostrophe": "'", "'": "'",
			})
		},
	})
	if d.decimals == d.thousands {
		r.wrong(n, "decimals and thousands are written with the same character")
	}
	if d.delimiter == d.quote {
		r.wrong(n, "delimiter and quote are the same character")
	}
}

// timeZone reads an IANA zone.
func (r *mappingReader) timeZone(n *yaml.Node) string {
	zone := r.name(n, "time_zone")
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		r.wrong(n, "`%s` is not a time zone: write it like Europe/Amsterdam", zone)
	}
	return zone
}

// receipt reads what a receipt is.
func (r *mappingReader) receipt(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value == "row" {
		r.mapping.receipt.row = true
		return
	}
	r.mapping.receipt.columns = r.names(n, "receipt")
}

// customer reads which column names the customer.
func (r *mappingReader) customer(n *yaml.Node) {
	c := &r.mapping.customer
	seen := r.object(n, "customer", map[string]func(*yaml.Node){
		"column": func(n *yaml.Node) { c.column = r.name(n, "column") },
		"is": func(n *yaml.Node) {
			is := r.oneOf(n, "is", map[string]string{"external_id": "external_id", "identifier": "identifier"})
			c.external = is == "external_id"
		},
		"namespace": func(n *yaml.Node) { c.namespace = r.name(n, "namespace") },
		"shown_as":  func(n *yaml.Node) { c.shown = r.name(n, "shown_as") },
		"anonymous": func(n *yaml.Node) { c.anonymous = r.names(n, "anonymous") },
	})
	if !seen["column"] {
		r.wrong(n, "customer names no `column`")
	}
	if !seen["is"] {
		r.wrong(n, "customer must say what the column `is`: external_id (your own number) or identifier (a card)")
	}
	if c.external && seen["namespace"] {
		r.wrong(n, "an external_id has no namespace")
	}
	if !c.external && seen["shown_as"] {
		r.wrong(n, "`shown_as` is for an external_id that customers also show at the till; an identifier is shown anyway")
	}
	if c.namespace == "" && !c.external {
		c.namespace = "card"
	}
}

// identifiers reads what else leads to a customer.
func (r *mappingReader) identifiers(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "identifiers is a list, one line per column: `- {column: card, namespace: card}`")
		return
	}
	for _, item := range n.Content {
		c := identifierColumn{namespace: "card"}
		seen := r.object(item, "an identifier", map[string]func(*yaml.Node){
			"column":    func(n *yaml.Node) { c.column = r.name(n, "column") },
			"namespace": func(n *yaml.Node) { c.namespace = r.name(n, "namespace") },
		})
		if !seen["column"] {
			r.wrong(item, "an identifier names no `column`")
		}
		r.mapping.cards = append(r.mapping.cards, c)
	}
}

// words reads how yes and no are written.
func (r *mappingReader) words(n *yaml.Node) {
	w := &r.mapping.words
	r.object(n, "words", map[string]func(*yaml.Node){
		"yes": func(n *yaml.Node) { w.yes = lower(r.names(n, "yes")) },
		"no":  func(n *yaml.Node) { w.no = lower(r.names(n, "no")) },
	})
	for _, word := range w.yes {
		if slices.Contains(w.no, word) {
			r.wrong(n, "`%s` cannot mean yes and no", word)
		}
	}
}

// lower writes words in lower case.
func lower(all []string) []string {
	for i, s := range all {
		all[i] = strings.ToLower(s)
	}
	return all
}
