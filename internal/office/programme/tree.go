package programme

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/currency"
)

// languageKey is the field that texts are keyed by.
const languageKey = "language"

// mergeKey takes in the fields of another mapping in YAML; a programme refuses it.
const mergeKey = "<<"

// tree is a file as YAML sees it.
type tree struct {
	file   string
	root   *yaml.Node // a mapping; nil when there is nothing to walk over
	lines  []string
	preset bool
}

// parseAll parses the files and looks them through: nothing that YAML allows and a programme does not gets past it.
func (r *reader) parseAll(files []File) []tree {
	var trees []tree
	first := map[string]spot{} // of each top-level key, in which file
	for _, f := range files {
		r.file = f.Name
		t := tree{file: f.Name, root: r.parse(f.Text), lines: strings.Split(string(f.Text), "\n")}
		if t.root == nil {
			continue
		}
		r.onlyOnce(t.root, first)
		trees = append(trees, t)
	}
	if len(trees) > 0 {
		root := trees[0]
		r.doc.marks[""] = mark{spot: spot{root.file, 1, 1}, torn: r.doc.marks[""].torn || r.doc.marks[""].bad, holed: r.doc.marks[""].holed}
	} else if len(r.doc.faults) == 0 && len(files) > 0 {
		r.problem(&yaml.Node{}, place{}, "Start with `chain:` and the name of the chain.", "the document is empty")
	}
	return trees
}

// parse reads one file and returns its top-level mapping, or nil.
func (r *reader) parse(text []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		r.problem(&more, place{}, "Write one document per file, without `---` between.", "a second document begins here")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		r.problem(root, place{}, "Start with `chain:` and the name of the chain.", "expected fields, found %s", describe(root))
		return nil
	}
	if !r.lookThrough(root, "", 1) {
		r.doc.marks.spoil("")
		return nil
	}
	return root
}

var lineOf = regexp.MustCompile(`line (\d+): `)

// syntax notes that a file is not YAML.
func (r *reader) syntax(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	n := &yaml.Node{Line: 1}
	if m := lineOf.FindStringSubmatchIndex(message); m != nil {
		n.Line, _ = strconv.Atoi(message[m[2]:m[3]])
		message = message[:m[0]] + message[m[1]:]
	}
	r.problem(n, place{}, "Look at this line and the one above it for a missing colon, quote or bracket, or for spaces that do not line up.",
		"this is not YAML: %s", message)
}

// onlyOnce refuses a top-level key that another file of the folder has already.
func (r *reader) onlyOnce(root *yaml.Node, first map[string]spot) {
	mine := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k := root.Content[i]
		if mine[k.Value] {
			continue
		}
		mine[k.Value] = true
		if before, ok := first[k.Value]; ok {
			r.fault(k, k.Value, "Keep all of it in one of the two files.", "`%s` stands also in %s, line %d", k.Value, before.file, before.line)
			continue
		}
		first[k.Value] = at(r.file, k)
	}
}

// lookThrough refuses what YAML allows and a programme does not: anchors, aliases, tags, merge keys, keys that are no words, keys written twice.
// It reports whether the tree is shallow enough to be walked over.
func (r *reader) lookThrough(n *yaml.Node, field string, depth int) bool {
	if depth > maxDepth {
		r.fault(n, field, "Compare with docs/programme.yaml.", "more than %d mappings and lists within each other", maxDepth)
		return false
	}
	r.refuseTricks(n, field)
	fine := true
	switch n.Kind {
	case yaml.MappingNode:
		r.refuseTwice(n, field)
		for i := 0; i+1 < len(n.Content); i += 2 {
			fine = r.lookThrough(n.Content[i+1], join(field, n.Content[i].Value), depth+1) && fine
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			fine = r.lookThrough(item, join(field, label(item, i)), depth+1) && fine
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return fine
}

// refuseTricks refuses what would make a document mean something other than what stands on its lines.
func (r *reader) refuseTricks(n *yaml.Node, field string) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.fault(n, field, "Write the value out where it belongs.", "`*%s` stands for something written elsewhere (an alias)", n.Value)
	case n.Anchor != "":
		r.fault(n, field, "Leave it out, and write the value out wherever it belongs.", "`&%s` names a value to be used elsewhere (an anchor)", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(n, field, "Leave it out.", "`%s` says how to read a value (a tag), which the programme decides itself", n.Tag)
	}
}

// refuseTwice refuses keys that are no words or are written twice.
func (r *reader) refuseTwice(n *yaml.Node, field string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		r.refuseTricks(k, field)
		switch {
		case k.Kind != yaml.ScalarNode:
			if k.Kind != yaml.AliasNode {
				r.fault(k, field, "Write a word before the colon.", "%s stands where a word belongs", describe(k))
			}
		case k.Value == mergeKey:
			r.fault(k, field, "Write the fields out.", "`<<` takes in fields from elsewhere (a merge key)")
		case seen[k.Value] > 0:
			r.fault(k, join(field, k.Value), "Keep one of the two.", "`%s` is written twice, first on line %d", k.Value, seen[k.Value])
		default:
			seen[k.Value] = k.Line
		}
	}
}

// lookAhead finds what must be known before values are read: presets, currency, languages. It returns the presets.
func (r *reader) lookAhead(trees []tree) []tree {
	var presets []tree
	for _, t := range trees {
		r.file = t.file
		if n := child(t.root, "currency"); n != nil && n.Kind == yaml.ScalarNode {
			r.readCurrency(n)
		}
		for _, n := range entries(child(t.root, "languages")) {
			r.languages = append(r.languages, n.Value)
		}
		for _, n := range entries(child(t.root, "starts_from")) {
			if p, ok := preset(n.Value); ok {
				presets = append(presets, p)
			} else {
				r.problem(n, place{path: "starts_from", field: "starts_from"}, suggest(n.Value, Presets()), "there is no ready-made part called `%s`", n.Value)
			}
		}
	}
	if segmented := func(t tree) bool { return !absent(child(t.root, "segments")) }; !slices.ContainsFunc(trees, segmented) && !slices.ContainsFunc(presets, segmented) {
		p, _ := preset(defaultSegments)
		presets = append(presets, p)
	}
	return presets
}

// readCurrency finds the decimal places of the currency.
func (r *reader) readCurrency(n *yaml.Node) {
	unit, err := currency.ParseISO(n.Value)
	if err != nil || unit.String() != n.Value {
		r.problem(n, place{path: "currency", field: "currency"}, "Write its ISO 4217 code, such as EUR.", "`%s` is not a currency", n.Value)
		return
	}
	r.currency = n.Value
	r.places, _ = currency.Standard.Rounding(unit)
	if r.places > 3 {
		r.problem(n, place{path: "currency", field: "currency"}, "Choose a currency with at most three.", "%s has %d decimal places", n.Value, r.places)
		r.places = 3
	}
}

// child is the value of a key of a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// absent reports whether nothing is written under a key.
func absent(n *yaml.Node) bool { return n == nil || isNull(n) }

// entries are the scalars of a list, or the one scalar that stands for a list.
func entries(n *yaml.Node) []*yaml.Node {
	switch {
	case absent(n):
		return nil
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	case n.Kind == yaml.SequenceNode:
		return slices.DeleteFunc(slices.Clone(n.Content), func(e *yaml.Node) bool { return e.Kind != yaml.ScalarNode })
	default:
		return nil
	}
}
