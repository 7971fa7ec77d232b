package programme

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// field is one field of a message and how a person writes it.
type field struct {
	protoreflect.FieldDescriptor
	written programmev1.Written
	keyedBy string // of a list written as a mapping: the field that the keys fill
	single  bool   // a single value in the place of its message fills it
	names   string // the top-level field that declares what it names
}

// shape is how a message is written: its fields by name, in the order of their numbers.
type shape struct {
	fields map[string]*field
	order  []*field
	single *field // filled by a single value in the place of the message; nil when there is none
}

// shapes are the shapes of all messages met so far.
type shapes map[protoreflect.FullName]*shape

// of returns the shape of a message.
func (s shapes) of(d protoreflect.MessageDescriptor) *shape {
	if known, ok := s[d.FullName()]; ok {
		return known
	}
	out := &shape{fields: map[string]*field{}}
	for i := range d.Fields().Len() {
		f := fieldOf(d.Fields().Get(i))
		out.fields[string(f.Name())] = f
		out.order = append(out.order, f)
		if f.single {
			out.single = f
		}
	}
	s[d.FullName()] = out
	return out
}

// fieldOf reads the options of a field.
func fieldOf(fd protoreflect.FieldDescriptor) *field {
	opts := fd.Options()
	f := &field{FieldDescriptor: fd}
	f.written, _ = proto.GetExtension(opts, programmev1.E_Written).(programmev1.Written)
	f.keyedBy, _ = proto.GetExtension(opts, programmev1.E_KeyedBy).(string)
	f.single, _ = proto.GetExtension(opts, programmev1.E_SingleWord).(bool)
	f.names, _ = proto.GetExtension(opts, programmev1.E_Names).(string)
	return f
}

// writable are the names that may be written, without the one that is already the key.
func (s *shape) writable(key string) []string {
	var out []string
	for _, f := range s.order {
		if name := string(f.Name()); name != key && f.written != programmev1.Written_WRITTEN_NOT {
			out = append(out, name)
		}
	}
	return out
}

// words are the values of an enum as they are written: short, in lower case, without the prefix that the proto needs. The unspecified one is
// not among them.
func words(d protoreflect.EnumDescriptor) []string {
	var out []string
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 {
			out = append(out, word(v))
		}
	}
	return out
}

// word is one value of an enum as it is written.
func word(v protoreflect.EnumValueDescriptor) string {
	d, _ := v.Parent().(protoreflect.EnumDescriptor)
	prefix := strings.TrimSuffix(string(d.Values().ByNumber(0).Name()), "UNSPECIFIED")
	return strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix))
}

// number is the value of an enum that a word stands for.
func number(d protoreflect.EnumDescriptor, written string) (protoreflect.EnumNumber, bool) {
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 && word(v) == written {
			return v.Number(), true
		}
	}
	return 0, false
}
