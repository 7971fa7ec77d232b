package programme

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/stamklant/stamklant/internal/segment"
)

// declared are the names that a programme declares, by the top-level field that declares them, in its order.
type declared map[string][]string

// names refuses every name that is declared nowhere: a segment, group, store, tier, trait or customer group with a slip in it would otherwise
// silently match nobody.
func (c *checker) names() {
	s := shapes{}
	top := c.p.ProtoReflect()
	known := declared{"segments": {segment.Prospect}}
	for _, f := range s.of(top.Descriptor()).order {
		if f.IsList() && f.Message() != nil {
			known.add(f, top.Get(f.FieldDescriptor).List())
		}
	}
	c.namesIn(top, "", s, known)
}

// add notes the names that the entries of a top-level list declare: what it is keyed by, or their codes.
func (d declared) add(f *field, entries protoreflect.List) {
	key := f.keyedBy
	if key == "" {
		key = "code"
	}
	fd := f.Message().Fields().ByName(protoreflect.Name(key))
	if fd == nil {
		return
	}
	for i := range entries.Len() {
		d[string(f.Name())] = append(d[string(f.Name())], entries.Get(i).Message().Get(fd).String())
	}
}

// namesIn looks at all fields of a message that name something.
func (c *checker) namesIn(m protoreflect.Message, path string, s shapes, known declared) {
	for _, f := range s.of(m.Descriptor()).order {
		if !m.Has(f.FieldDescriptor) {
			continue
		}
		inner, v := join(path, string(f.Name())), m.Get(f.FieldDescriptor)
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				c.namesIn(v.List().Get(i).Message(), entry(inner, i), s, known)
			}
		case f.Message() != nil:
			c.namesIn(v.Message(), inner, s, known)
		case f.names == "":
		case f.IsList():
			for i := range v.List().Len() {
				c.name(v.List().Get(i).String(), entry(inner, i), known[f.names], f.names)
			}
		default:
			c.name(v.String(), inner, known[f.names], f.names)
		}
	}
}

// name refuses one name that is not declared.
func (c *checker) name(name, path string, known []string, where string) {
	for _, k := range known {
		if k == name {
			return
		}
	}
	remedy := "Add it under `" + where + "`."
	if best := nearest(name, known); best != "" {
		remedy = "Did you mean `" + best + "`? Otherwise add it under `" + where + "`."
	}
	c.wrong(path, remedy, "`%s` is declared nowhere", clip(name))
}
