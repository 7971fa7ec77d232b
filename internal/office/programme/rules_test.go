package programme

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// TestShapesInWords fails when a pattern in the protos has no words for people. It stands inside the package, because the words do.
func TestShapesInWords(t *testing.T) {
	t.Parallel()
	seen, used := map[protoreflect.FullName]bool{}, map[string]bool{}
	var visit func(d protoreflect.MessageDescriptor)
	visit = func(d protoreflect.MessageDescriptor) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		for i := range d.Fields().Len() {
			fd := d.Fields().Get(i)
			if p := pattern(fd); p != "" {
				used[p] = true
				if shapesInWords[p] == "" {
					t.Errorf("%s has the pattern %s, which has no words", fd.FullName(), p)
				}
			}
			if fd.Message() != nil {
				visit(fd.Message())
			}
		}
	}
	visit((&programmev1.Programme{}).ProtoReflect().Descriptor())
	for p := range shapesInWords {
		if !used[p] {
			t.Errorf("no field has the pattern %s any more", p)
		}
	}
}
