package till_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/till"
)

// TestCopyLineKnowsEveryField fails when a line gets a field that its copy would lose.
func TestCopyLineKnowsEveryField(t *testing.T) {
	line := &outcomev1.Line{}
	fields := line.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		var value any
		switch field := fields.Get(i); field.Kind() {
		case protoreflect.BoolKind:
			value = true
		case protoreflect.StringKind:
			value = string(field.Name())
		case protoreflect.Int32Kind:
			value = int32(i + 1)
		case protoreflect.Int64Kind:
			value = int64(i + 1)
		default:
			t.Fatalf("%s is of a kind the copy cannot share: %v", field.Name(), field.Kind())
		}
		line.ProtoReflect().Set(fields.Get(i), protoreflect.ValueOf(value))
	}
	if got := till.CopyLine(&outcomev1.Line{}, line); !proto.Equal(got, line) {
		t.Errorf("got %v, want %v", got, line)
	}
}

// TestPaid takes discounts off a basket whose lines share numbers: each of them is lessened, and what the till sent stays as it is.
func TestPaid(t *testing.T) {
	lines := []*outcomev1.Line{{No: 1, NetMinor: 500}, {No: 2, NetMinor: 700}, {No: 1, NetMinor: 900}, {No: 3, NetMinor: 100}, {No: 1, NetMinor: 50}}
	paid := till.Paid(lines, []*tillv1.LineDiscount{{Line: 1, AmountMinor: 20}, {Line: 1, AmountMinor: 5}, {Line: 3, AmountMinor: 100}})
	for i, want := range []int64{475, 700, 875, 0, 25} {
		if got := paid[i]; got.GetNetMinor() != want || got.GetNetMinor()+got.GetDiscountMinor() != lines[i].GetNetMinor() || lines[i].GetDiscountMinor() != 0 {
			t.Errorf("line %d: %v of %v, want %d to be paid", i+1, got, lines[i], want)
		}
	}
}
