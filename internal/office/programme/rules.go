package programme

import (
	"errors"
	"iter"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// rules reports what breaks the rules that stand in the protos, in the words of the document.
func (c *checker) rules() {
	err := protovalidate.Validate(c.p)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
	case errors.As(err, &invalid):
		for _, v := range invalid.Violations {
			path := protovalidate.FieldPathString(v.Proto.GetField())
			message, remedy := violation(v)
			c.wrong(path, remedy, "%s", message)
		}
	default: // the rules themselves cannot be compiled
		c.wrong("", "This is a fault of the program: report it.", "%s", err)
	}
}

// shapesInWords says what the patterns in the protos ask for. A test holds it against the protos.
var shapesInWords = map[string]string{
	`^[a-z][a-z0-9-]{0,59}$`:  "lower-case letters, digits and dashes, a letter first, at most 60",
	`^[a-z][a-z0-9_]{0,39}$`:  "lower-case letters, digits and underscores, a letter first, at most 40",
	`^[a-z][a-z0-9_-]{0,39}$`: "lower-case letters, digits, dashes and underscores, a letter first, at most 40",
	`^[a-z0-9_-]{0,40}$`:      "lower-case letters, digits, dashes and underscores, at most 40",
	`^[A-Za-z0-9_-]{1,32}$`:   "letters, digits, dashes and underscores, at most 32",
	`^[a-z]{2}$`:              "two lower-case letters, such as nl",
	`^([A-Z]{2})?$`:           "two capital letters, such as NL",
	`^[A-Z]{2}$`:              "two capital letters, such as FR",
	`^[A-Z]{3}$`:              "three capital letters, such as EUR",
	`^[0-9]{1,40}$`:           "digits, at most 40",
}

// violation says a broken rule and the way out as a person would.
func violation(v *protovalidate.Violation) (message, remedy string) {
	id := v.Proto.GetRuleId()
	switch {
	case strings.HasPrefix(id, "string.") && v.FieldValue.String() == "":
		return "`" + string(v.FieldDescriptor.Name()) + "` is missing", "Write " + wanted(v) + "."
	case id == "string.pattern":
		return "`" + clip(v.FieldValue.String()) + "` cannot be written so", "Write " + shapesInWords[v.RuleValue.String()] + "."
	case id == "string.max_len":
		return "too long, at most " + v.RuleValue.String() + " characters fit", "Shorten it."
	case id == "repeated.min_items":
		return "at least " + v.RuleValue.String() + " must be written", "Write it, or more of them."
	case id == "repeated.max_items":
		return "at most " + v.RuleValue.String() + " may be written", "Take some out."
	case id == "repeated.unique":
		return "the same stands there twice", "Take one of the two out."
	case id == "required" && v.FieldDescriptor == nil:
		return missingOneof(v)
	case strings.HasPrefix(id, "enum."):
		return "`" + string(v.FieldDescriptor.Name()) + "` is missing", "Write " + list(words(v.FieldDescriptor.Enum()), "or") + "."
	case strings.HasPrefix(id, "int32.") || strings.HasPrefix(id, "int64."):
		return "it must be " + bounds(v.FieldDescriptor), "Change the number."
	default:
		return v.Proto.GetMessage(), ""
	}
}

// wanted is what to write for a text that is missing.
func wanted(v *protovalidate.Violation) string {
	if words, ok := shapesInWords[v.RuleValue.String()]; ok {
		return words
	}
	return "it after its name and a colon"
}

// missingOneof says which of several fields is missing.
func missingOneof(v *protovalidate.Violation) (message, remedy string) {
	elements := v.Proto.GetField().GetElements()
	if len(elements) == 0 {
		return v.Proto.GetMessage(), ""
	}
	m := (&programmev1.Campaign{}).ProtoReflect().Descriptor()
	if one := m.Oneofs().ByName(protoreflect.Name(elements[len(elements)-1].GetFieldName())); one != nil {
		return "nothing says what it is", "Write one of " + list(oneofNames(one), "or") + "."
	}
	return v.Proto.GetMessage(), ""
}

// bounds says within what a number must stay, in the unit it is written in.
func bounds(fd protoreflect.FieldDescriptor) string {
	rules, err := protovalidate.ResolveFieldRules(fd)
	if err != nil || rules == nil {
		return "another number"
	}
	var lower, upper []string
	for rule, v := range numbers(fd, rules) {
		switch rule {
		case "gte":
			lower = append(lower, "at least "+asWritten(fd, v))
		case "gt":
			lower = append(lower, "more than "+asWritten(fd, v))
		case "lte":
			upper = append(upper, "at most "+asWritten(fd, v))
		case "lt":
			upper = append(upper, "less than "+asWritten(fd, v))
		default:
		}
	}
	return strings.Join(append(lower, upper...), " and ")
}

// numbers are the bounds of a whole number by the names of their rules.
func numbers(fd protoreflect.FieldDescriptor, rules *validate.FieldRules) iter.Seq2[protoreflect.Name, int64] {
	bounds := rules.GetInt64().ProtoReflect()
	if fd.Kind() == protoreflect.Int32Kind {
		bounds = rules.GetInt32().ProtoReflect()
	}
	return func(yield func(protoreflect.Name, int64) bool) {
		bounds.Range(func(rule protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			bound, ok := v.Interface().(int64)
			if small, is32 := v.Interface().(int32); is32 {
				bound, ok = int64(small), true
			}
			return !ok || yield(rule.Name(), bound)
		})
	}
}

// asWritten is a bound as a person would write it. No bound on money is other than nothing, so its places do not matter.
func asWritten(fd protoreflect.FieldDescriptor, v int64) string {
	if fieldOf(fd).written == programmev1.Written_WRITTEN_PERCENT {
		v /= 100
	}
	return strconv.FormatInt(v, 10)
}
