package programme

import (
	"bytes"
	"encoding/json"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Schema is the JSON schema by which editors complete and underline while a programme is written: the fields of programmev1.Programme as a person
// writes them, with short words, single values for lists, and money as a number. It is laxer than Check, which alone decides: a schema knows
// neither names nor lengths of texts, and reads 25.00 as a whole number.
func Schema() []byte {
	s := schemas{shapes: shapes{}, defs: node{}}
	top := (&programmev1.Programme{}).ProtoReflect().Descriptor()
	root := node{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "Stamklant programme",
		"description": "What a retailer configures: stores, identifiers, scoring, segments, tiers, points and campaigns.",
		"allOf":       []node{{"$ref": s.ref(top)}},
		"definitions": s.defs,
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil // cannot be: the tree holds nothing but strings, numbers and lists of them
	}
	return out.Bytes()
}

// node is a piece of schema; encoding sorts its keys.
type node map[string]any

// schemas gathers one definition per message.
type schemas struct {
	shapes shapes
	defs   node
}

// ref is a reference to the definition of a message, which it makes when there is none yet.
func (s schemas) ref(d protoreflect.MessageDescriptor) string {
	name := string(d.Name())
	if _, made := s.defs[name]; !made {
		s.defs[name] = node{} // what it contains may contain it
		s.defs[name] = s.message(d, "")
	}
	return "#/definitions/" + name
}

// message is what may stand in the place of a message: its fields, or a value for its marked field. The field called key is already written.
func (s schemas) message(d protoreflect.MessageDescriptor, key string) node {
	shape, fields := s.shapes.of(d), node{}
	for _, name := range shape.writable(key) {
		fields[name] = s.field(shape.fields[name])
	}
	out := node{"type": "object", "additionalProperties": false, "properties": fields}
	if shape.single == nil {
		return out
	}
	return node{"anyOf": []node{s.field(shape.single), out}}
}

// field is what may stand after the name of a field.
func (s schemas) field(f *field) node {
	switch {
	case f.keyedBy != "":
		return s.keyed(f)
	case f.written == programmev1.Written_WRITTEN_WORDS:
		word := node{"type": []string{"string", "integer"}}
		return node{"anyOf": []node{{"type": []string{"string", "integer", "null"}}, {"type": "array", "items": word}}}
	case f.IsList():
		return node{"anyOf": []node{s.value(f), {"type": "array", "items": s.value(f)}, {"type": "null"}}}
	case f.Message() != nil && f.written == programmev1.Written_WRITTEN_UNSPECIFIED:
		return node{"anyOf": []node{s.value(f), {"type": "null"}}}
	default:
		return s.value(f)
	}
}

// keyed is a mapping from keys to entries; a text may stand alone where there is one language.
func (s schemas) keyed(f *field) node {
	mapping := node{"type": []string{"object", "null"}}
	entry := s.message(f.Message(), f.keyedBy)
	key := f.Message().Fields().ByName(protoreflect.Name(f.keyedBy))
	if pattern := pattern(key); pattern != "" {
		mapping["propertyNames"] = node{"pattern": pattern}
	}
	if f.keyedBy == languageKey {
		mapping["additionalProperties"] = node{"type": []string{"string", "number"}}
		return node{"anyOf": []node{mapping, {"type": "string"}}}
	}
	name := string(f.Message().Name())
	s.defs[name] = node{"anyOf": []node{entry, {"type": "null"}}}
	mapping["additionalProperties"] = node{"$ref": "#/definitions/" + name}
	return mapping
}

// value is a single value of a field, or one entry of its list.
func (s schemas) value(f *field) node {
	switch f.written {
	case programmev1.Written_WRITTEN_MONEY:
		return node{"description": "An amount such as 25.00.", "type": []string{"number", "string"}, "minimum": 0}
	case programmev1.Written_WRITTEN_PERCENT:
		return node{"description": "A percentage such as 12.5.", "type": "number", "minimum": 0, "maximum": 100}
	case programmev1.Written_WRITTEN_DATE:
		return node{"description": "A date such as 2027-01-05.", "type": "string", "pattern": dayShape.String()}
	case programmev1.Written_WRITTEN_HOURS:
		return node{"description": "Hours of the day such as 09:00-12:00.", "type": "string", "pattern": hoursShape.String()}
	case programmev1.Written_WRITTEN_DIGIT_RANGE:
		return node{"description": "A range such as 2900100000000-2900199999999.", "type": "string", "pattern": rangeShape.String()}
	default:
	}
	switch {
	case f.Message() != nil:
		return node{"$ref": s.ref(f.Message())}
	case f.Enum() != nil:
		return node{"enum": words(f.Enum())}
	case f.names != "":
		return node{"description": "Declared under " + f.names + ".", "type": []string{"string", "integer"}}
	case f.Kind() == protoreflect.BoolKind:
		return node{"enum": []any{true, false, "yes", "no"}}
	case f.Kind() == protoreflect.StringKind:
		return s.text(f)
	default:
		return s.whole(f)
	}
}

// text is a word or a text.
func (s schemas) text(f *field) node {
	if f.Name() == "starts_from" {
		return node{"enum": Presets()}
	}
	out := node{"type": []string{"string", "number"}}
	if p := pattern(f.FieldDescriptor); p != "" && !strings.HasPrefix(p, "^[A-Za-z0-9") {
		out = node{"type": "string", "pattern": p}
	}
	return out
}

// pattern is the regular expression that a text must match, or "".
func pattern(fd protoreflect.FieldDescriptor) string {
	rules, err := protovalidate.ResolveFieldRules(fd)
	if err != nil || rules == nil {
		return ""
	}
	if fd.IsList() {
		return rules.GetRepeated().GetItems().GetString().GetPattern()
	}
	return rules.GetString().GetPattern()
}

// whole is a whole number within its bounds.
func (s schemas) whole(f *field) node {
	out := node{"type": "integer"}
	rules, err := protovalidate.ResolveFieldRules(f.FieldDescriptor)
	if err != nil || rules == nil {
		return out
	}
	for rule, v := range numbers(f.FieldDescriptor, rules) {
		name := map[protoreflect.Name]string{"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}[rule]
		if name != "" {
			out[name] = v
		}
	}
	return out
}
