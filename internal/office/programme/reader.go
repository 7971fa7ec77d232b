package programme

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// reader fills the programme of a document by walking over YAML nodes. What is read later wins over what was read before, field by field.
type reader struct {
	doc    *Document
	shapes shapes

	// Of the file that is being walked.
	file   string
	lines  []string
	preset bool

	// Known before the walk begins, because values are read by them.
	currency  string
	places    int // decimal places of the currency
	languages []string
}

func newReader(doc *Document) *reader {
	return &reader{doc: doc, shapes: shapes{}, places: 2}
}

// read walks over the presets that the files start from, then over the files.
func (r *reader) read(files []File) {
	trees := r.parseAll(files)
	presets := r.lookAhead(trees)
	for _, t := range append(presets, trees...) {
		r.file, r.lines, r.preset = t.file, t.lines, t.preset
		if t.root == nil {
			continue
		}
		r.message(t.root, r.doc.Programme.ProtoReflect(), place{}, "")
	}
}

// fault notes a finding at a node.
func (r *reader) fault(n *yaml.Node, field, remedy, format string, args ...any) {
	s := at(r.file, n)
	r.doc.faults = append(r.doc.faults, Problem{
		File: s.file, Line: s.line, Column: s.column, Field: field,
		Message: fmt.Sprintf(format, args...), Remedy: remedy,
	})
}

// problem notes a finding at a node and that the field there could not be read.
func (r *reader) problem(n *yaml.Node, p place, remedy, format string, args ...any) {
	r.fault(n, p.field, remedy, format, args...)
	r.doc.marks.spoil(p.path)
}

// note remembers where a field is written.
func (r *reader) note(p place, key, value *yaml.Node) {
	before, where := r.doc.marks[p.path], key
	if value.Kind == yaml.ScalarNode && !isNull(value) {
		where = value
	}
	r.doc.marks[p.path] = mark{
		spot: at(r.file, where), field: p.field, given: !r.preset,
		bad: before.bad && before.field == "", torn: before.torn, holed: before.holed, // found to be wrong before the walk
	}
}

// message fills a message from what stands in its place: a mapping of its fields, or a single value for its marked field. The field called key,
// if any, is already filled.
func (r *reader) message(n *yaml.Node, m protoreflect.Message, p place, key string) {
	s := r.shapes.of(m.Descriptor())
	switch {
	case n.Kind == yaml.AliasNode: // refused when the file was looked through
		r.doc.marks.spoil(p.path)
	case n.Kind == yaml.MappingNode && !s.standsFor(n):
		r.mapping(n, m, s, p, key)
	case s.single != nil:
		inner := p.within(string(s.single.Name()))
		r.note(inner, n, n)
		r.field(s.single, n, m, inner)
	default:
		r.problem(n, p, "Known here: "+strings.Join(s.writable(key), ", ")+".", "expected fields, found %s", describe(n))
	}
}

// standsFor reports whether a mapping in the place of the message is the value of its marked field: a mapping by keys, none of them a field.
func (s *shape) standsFor(n *yaml.Node) bool {
	if s.single == nil || s.single.keyedBy == "" {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if s.fields[n.Content[i].Value] != nil {
			return false
		}
	}
	return true
}

// mapping fills the fields that a mapping names.
func (r *reader) mapping(n *yaml.Node, m protoreflect.Message, s *shape, p place, key string) {
	seen := map[string]bool{}
	chosen := map[protoreflect.FullName]*yaml.Node{} // of each oneof, the key that was written
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Value == mergeKey || seen[k.Value] {
			continue // refused when the file was looked through
		}
		seen[k.Value] = true
		f := s.fields[k.Value]
		if f == nil || k.Value == key {
			r.unknownKey(k, s, p, key)
			continue
		}
		inner := p.in(k.Value)
		r.note(inner, k, v)
		if one := f.ContainingOneof(); one != nil && !one.IsSynthetic() {
			if first := chosen[one.FullName()]; first != nil {
				r.problem(k, inner, "Leave out one of the two.", "`%s` is already written here (line %d), and only one of %s may be",
					first.Value, first.Line, list(oneofNames(one), "or"))
				continue
			}
			chosen[one.FullName()] = k
		}
		r.field(f, v, m, inner)
		if f.ContainingOneof() != nil && r.doc.marks[inner.path].bad {
			r.doc.marks.tear(p.path)
		}
	}
}

// unknownKey says that a key is no field, and which one may have been meant.
func (r *reader) unknownKey(k *yaml.Node, s *shape, p place, key string) {
	field := p.in(k.Value).field
	if key != "" && k.Value == key {
		r.fault(k, field, "Leave it out.", "`%s` is already the word before the colon", key)
		return
	}
	r.doc.marks.tear(p.path)
	r.fault(k, field, suggest(k.Value, s.writable(key)), "`%s` is not known here", clip(k.Value))
}

// field fills one field from its value.
func (r *reader) field(f *field, v *yaml.Node, m protoreflect.Message, p place) {
	switch {
	case v.Kind == yaml.AliasNode:
		r.doc.marks.spoil(p.path)
	case f.written == programmev1.Written_WRITTEN_NOT:
		r.problem(v, p, "Leave it out.", "head office fills in `%s` itself", f.Name())
	case isNull(v):
		r.nothing(f, v, m, p)
	case f.keyedBy != "":
		r.keyed(f, v, m.Mutable(f.FieldDescriptor).List(), p)
	case f.written == programmev1.Written_WRITTEN_WORDS:
		r.words(f, v, m, p)
	case f.IsList():
		r.list(f, v, m, p)
	case f.written == programmev1.Written_WRITTEN_HOURS:
		r.hours(f, v, m, p)
	case f.written == programmev1.Written_WRITTEN_DIGIT_RANGE:
		r.digitRange(f, v, m, p)
	case f.Message() != nil:
		r.message(v, m.Mutable(f.FieldDescriptor).Message(), p, "")
	default:
		if value, ok := r.scalar(f, v, p); ok {
			m.Set(f.FieldDescriptor, value)
		}
	}
}

// nothing is a key with no value: an empty list or part, as it is left when all its lines are commented out, but no scalar.
func (r *reader) nothing(f *field, v *yaml.Node, m protoreflect.Message, p place) {
	switch {
	case f.IsList():
	case f.Message() != nil && f.ContainingOneof() != nil && !f.ContainingOneof().IsSynthetic():
		m.Mutable(f.FieldDescriptor)
	case f.Message() != nil:
	default:
		r.problem(v, p, "Write one after the colon, or leave out the line.", "`%s` has no value", f.Name())
	}
}

// keyed fills a list of messages that is written as a mapping: an entry that exists already is written over, a new one is added at the end.
func (r *reader) keyed(f *field, v *yaml.Node, l protoreflect.List, p place) {
	if v.Kind != yaml.MappingNode {
		r.notKeyed(f, v, l, p)
		return
	}
	keyField := f.Message().Fields().ByName(protoreflect.Name(f.keyedBy))
	entries := index(l, keyField)
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, value := v.Content[i], v.Content[i+1]
		if k.Kind != yaml.ScalarNode || seen[k.Value] {
			continue
		}
		seen[k.Value] = true
		nth, known := entries[k.Value]
		if !known {
			nth = l.Len()
			l.AppendMutable().Message().Set(keyField, protoreflect.ValueOfString(k.Value))
		}
		inner := p.item(nth, k.Value)
		r.note(inner, k, value)
		r.note(inner.within(f.keyedBy), k, k)
		if !isNull(value) {
			r.message(value, l.Get(nth).Message(), inner, f.keyedBy)
		}
	}
}

// index finds the entries of a keyed list by their keys.
func index(l protoreflect.List, key protoreflect.FieldDescriptor) map[string]int {
	out := make(map[string]int, l.Len())
	for i := range l.Len() {
		out[l.Get(i).Message().Get(key).String()] = i
	}
	return out
}

// notKeyed reads what stands in the place of a keyed mapping. A text without a language is that of the only language, if there is only one.
func (r *reader) notKeyed(f *field, v *yaml.Node, l protoreflect.List, p place) {
	if f.keyedBy != languageKey {
		r.problem(v, p, "Write each on a line of its own: its "+f.keyedBy+", a colon, and what belongs to it.",
			"expected entries by %s, found %s", f.keyedBy, describe(v))
		return
	}
	if v.Kind != yaml.ScalarNode || len(r.languages) != 1 {
		r.problem(v, p, "Write {"+strings.Join(each(r.languages, ": …"), ", ")+"}.", "expected a text for each language, found %s", describe(v))
		return
	}
	entries := index(l, f.Message().Fields().ByName(languageKey))
	nth, known := entries[r.languages[0]]
	if !known {
		nth = l.Len()
		l.AppendMutable().Message().Set(f.Message().Fields().ByName(languageKey), protoreflect.ValueOfString(r.languages[0]))
	}
	inner := place{path: p.path + "[" + strconv.Itoa(nth) + "]", field: p.field}
	r.note(inner, v, v)
	r.message(v, l.Get(nth).Message(), inner, languageKey)
}

// list fills a plain list; a single value is a list of one. What was there before is replaced.
func (r *reader) list(f *field, v *yaml.Node, m protoreflect.Message, p place) {
	if m.Get(f.FieldDescriptor).List().Len() > 0 {
		m.Clear(f.FieldDescriptor)
		r.doc.marks.forget(p.path)
	}
	l := m.Mutable(f.FieldDescriptor).List()
	items := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		items = v.Content
	}
	for i, item := range items {
		inner := p.item(l.Len(), label(item, i))
		if v.Kind != yaml.SequenceNode {
			inner.field = p.field
		}
		switch {
		case item.Kind == yaml.AliasNode:
		case isNull(item):
			r.problem(item, inner, "Write one, or leave out the comma or dash.", "an entry of the list has no value")
		case f.Message() != nil:
			r.note(inner, item, item)
			r.message(item, l.AppendMutable().Message(), inner, "")
		default:
			r.note(inner, item, item)
			if value, ok := r.scalar(f, item, inner); ok {
				l.Append(value)
			} else {
				delete(r.doc.marks, inner.path)
			}
		}
	}
}

// label is how a person calls an entry of a plain list: by its code or name, else by its number.
func label(n *yaml.Node, i int) string {
	if n.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(n.Content); k += 2 {
			key, value := n.Content[k], n.Content[k+1]
			if (key.Value == "code" || key.Value == "name") && value.Kind == yaml.ScalarNode && value.Value != "" {
				return value.Value
			}
		}
	}
	return "[" + strconv.Itoa(i+1) + "]"
}
