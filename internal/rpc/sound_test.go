package rpc_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// looked are the rules that spare a lookup the validator where they are seen to be kept: all there are, by field. A rule that is added to the
// protos or changed there has to be looked at in sound.go first, and then written down here.
var looked = map[string]string{
	"outcome.v1.Line.discount_minor":       "int64.gte=0",
	"outcome.v1.Line.group":                "string.max_len=64",
	"outcome.v1.Line.no":                   "int32.gte=1 int32.lte=100000",
	"outcome.v1.Line.original_line":        "int32.gte=0",
	"outcome.v1.Line.sku":                  "string.max_len=64 string.min_len=1",
	"till.v1.Abilities.display_columns":    "int32.gte=0 int32.lte=200",
	"till.v1.Abilities.display_lines":      "int32.gte=0 int32.lte=20",
	"till.v1.Abilities.printer_columns":    "int32.gte=0 int32.lte=200",
	"till.v1.Basket.currency":              "string.pattern=^([A-Z]{3})?$",
	"till.v1.Basket.lines":                 "repeated.max_items=1000",
	"till.v1.Caller.operator":              "string.max_len=32",
	"till.v1.Caller.request_id":            "string.max_len=64",
	"till.v1.Caller.store":                 "string.max_len=32",
	"till.v1.Caller.till":                  "string.pattern=^[A-Za-z0-9_.:-]{1,32}$",
	"till.v1.Identifier.entry_mode":        "enum.defined_only=true",
	"till.v1.Identifier.raw":               "bytes.max_len=512 bytes.min_len=1",
	"till.v1.Identifier.text":              "string.max_bytes=512 string.min_len=1",
	"till.v1.LookupRequest.account_ref":    "string.pattern=^[A-Z2-7]{26}$",
	"till.v1.LookupRequest.caller":         "required=true",
	"till.v1.LookupRequest.customer":       "required=true",
	"till.v1.LookupRequest.presented":      "bool.const=true",
	"till.v1.LookupRequest.receipt_ref":    "string.max_len=64",
	"till.v1.LookupRequest.stage":          "enum.defined_only=true",
	"till.v1.LookupRequest.staff_language": "string.pattern=^([a-z]{2})?$",
}

func TestSoundKnowsEveryRule(t *testing.T) {
	found := map[string]string{}
	collectRules(t, (&tillv1.LookupRequest{}).ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{}, found)
	for _, field := range slices.Sorted(maps.Keys(found)) {
		if found[field] != looked[field] {
			t.Errorf("%s has the rule %q, looked at is %q", field, found[field], looked[field])
		}
	}
	for field, rule := range looked {
		if found[field] == "" {
			t.Errorf("%s has no rule any more, looked at is %q", field, rule)
		}
	}
}

// collectRules writes down the rules of all that a message can hold.
func collectRules(t *testing.T, message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, into map[string]string) {
	t.Helper()
	if seen[message.FullName()] {
		return
	}
	seen[message.FullName()] = true
	note := func(d protoreflect.Descriptor, extension protoreflect.ExtensionType) {
		if !proto.HasExtension(d.Options(), extension) {
			return
		}
		var rules []string
		spellOut(proto.GetExtension(d.Options(), extension).(proto.Message).ProtoReflect(), "", &rules)
		slices.Sort(rules)
		into[strings.TrimPrefix(string(d.FullName()), "stamklant.")] = strings.Join(rules, " ")
	}
	note(message, validate.E_Message)
	for i := range message.Oneofs().Len() {
		note(message.Oneofs().Get(i), validate.E_Oneof)
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		note(field, validate.E_Field)
		if field.Message() != nil {
			collectRules(t, field.Message(), seen, into)
		}
	}
}

// spellOut lists what is set in rules, also what this version of them has no name for.
func spellOut(rules protoreflect.Message, path string, into *[]string) {
	if len(rules.GetUnknown()) > 0 {
		*into = append(*into, fmt.Sprintf("%sunknown=%x", path, rules.GetUnknown()))
	}
	rules.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if name := path + string(field.Name()); field.Message() != nil && !field.IsList() && !field.IsMap() {
			spellOut(value.Message(), name+".", into)
		} else {
			*into = append(*into, fmt.Sprintf("%s=%v", name, value))
		}
		return true
	})
}

func TestSoundLetsPassWhatTillsSend(t *testing.T) {
	full := usual("till-3")
	full.Abilities = &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42}
	full.StaffLanguage, full.Basket.Currency = "nl", "EUR"
	again := usual("3")
	again.Customer = &tillv1.LookupRequest_AccountRef{AccountRef: "ABCDEFGHIJKLMNOPQRSTUVW234"}
	presented := usual("3")
	presented.Customer = &tillv1.LookupRequest_Presented{Presented: true}
	narrowed := usual("3")
	narrowed.NarrowedBy = &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: "1011 AB 12"}, EntryMode: tillv1.EntryMode_ENTRY_MODE_KEYED}
	for name, request := range map[string]*tillv1.LookupRequest{
		"scan": lookup("1"), "basket": full, "by reference": again, "presented": presented, "narrowed": narrowed,
	} {
		if !rpc.Sound(request) {
			t.Errorf("%s goes to the validator", name)
		}
	}
}

// TestSoundIsValid changes a good lookup in every one of its fields to values on both sides of every limit: whatever is called sound the validator
// calls valid.
func TestSoundIsValid(t *testing.T) {
	good := usual("1")
	good.Basket.Lines = good.GetBasket().GetLines()[:1]
	good.Abilities, good.NarrowedBy = &tillv1.Abilities{}, &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte("1")}}
	sound, not := 0, 0
	judge := func(request *tillv1.LookupRequest) {
		if !rpc.Sound(request) {
			not++
			return
		}
		sound++
		if err := protovalidate.Validate(request); err != nil {
			t.Errorf("called sound: %v: %v", err, request)
		}
	}
	vary(good.ProtoReflect(), func(change func(root protoreflect.Message)) {
		changed := proto.CloneOf(good)
		change(changed.ProtoReflect())
		judge(changed)
	})
	if sound < 100 || not < 100 {
		t.Errorf("%d were sound and %d not: one side was hardly looked at", sound, not)
	}
}

// vary hands out changes of one field each, of the message and of those in it; of a list's items the first stands for all.
func vary(message protoreflect.Message, try func(change func(root protoreflect.Message))) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		try(func(m protoreflect.Message) { m.Clear(field) })
		switch {
		case field.IsList():
			for _, n := range []int{1000, 1001} {
				try(func(m protoreflect.Message) {
					list := m.Mutable(field).List()
					for list.Len() < n {
						list.Append(protoreflect.ValueOfMessage(proto.Clone(list.Get(0).Message().Interface()).ProtoReflect()))
					}
				})
			}
			vary(message.Get(field).List().Get(0).Message(), func(change func(protoreflect.Message)) {
				try(func(m protoreflect.Message) { change(m.Mutable(field).List().Get(0).Message()) })
			})
		case field.Message() != nil:
			vary(message.Get(field).Message(), func(change func(protoreflect.Message)) {
				try(func(m protoreflect.Message) { change(m.Mutable(field).Message()) })
			})
		default:
			for _, value := range valuesOf(field.Kind()) {
				try(func(m protoreflect.Message) { m.Set(field, value) })
			}
		}
	}
}

// valuesOf are values of a kind on both sides of every limit there is.
func valuesOf(kind protoreflect.Kind) (values []protoreflect.Value) {
	add := func(value any) { values = append(values, protoreflect.ValueOf(value)) }
	texts := []string{
		"", "a", "A", "nl", "nld", "NL", "nl\n", "n1", "EUR", "EUR\n", "eur", "EU1", "EURO", "é", "till 3", "t.:_-9Z", "till/3", "@", "[", "`", "{",
		"ABCDEFGHIJKLMNOPQRSTUVW234", "ABCDEFGHIJKLMNOPQRSTUVW567", "ABCDEFGHIJKLMNOPQRSTUVW181", "abcdefghijklmnopqrstuvw234",
	}
	for _, n := range []int{25, 26, 27, 32, 33, 64, 65, 255, 256, 257, 512, 513} {
		texts = append(texts, strings.Repeat("A", n), strings.Repeat("é", n))
	}
	switch kind {
	case protoreflect.BoolKind:
		add(false)
		add(true)
	case protoreflect.EnumKind:
		for n := protoreflect.EnumNumber(-1); n < 20; n++ {
			add(n)
		}
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		for _, n := range []int32{math.MinInt32, -1, 0, 1, 20, 21, 200, 201, 100_000, 100_001, math.MaxInt32} {
			if kind == protoreflect.Int32Kind {
				add(n)
			} else {
				add(int64(n))
			}
		}
	case protoreflect.StringKind:
		for _, text := range texts {
			add(text)
		}
	case protoreflect.BytesKind:
		for _, text := range texts {
			add([]byte(text))
		}
	default:
		panic(fmt.Sprintf("no values for %v: give this test some", kind))
	}
	return values
}

// FuzzSound is the same for what a stranger puts on the wire.
func FuzzSound(f *testing.F) {
	seed, err := proto.Marshal(usual("1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, wire []byte) {
		request := &tillv1.LookupRequest{}
		if proto.Unmarshal(wire, request) != nil || !rpc.Sound(request) {
			return
		}
		if err := protovalidate.Validate(request); err != nil {
			t.Fatalf("called sound: %v: %v", err, request)
		}
	})
}
