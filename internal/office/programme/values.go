package programme

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// scalar reads a single value for a field, or one entry of its list, from the text of the literal: what YAML would make of it does not matter,
// so that NO is Norway, 0421 keeps its zero and 25.00 is no whole number.
func (r *reader) scalar(f *field, n *yaml.Node, p place) (protoreflect.Value, bool) {
	var none protoreflect.Value
	if n.Kind != yaml.ScalarNode {
		r.problem(n, p, "Write "+example(f)+".", "expected a single value, found %s", describe(n))
		return none, false
	}
	text := strings.TrimSpace(n.Value)
	switch f.written {
	case programmev1.Written_WRITTEN_MONEY:
		return r.money(n, text, p)
	case programmev1.Written_WRITTEN_PERCENT:
		return r.percent(n, text, p)
	case programmev1.Written_WRITTEN_DATE:
		return r.date(n, text, p)
	default:
	}
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(norm.NFC.String(n.Value)), true // é as one character, as tills have it
	case protoreflect.BoolKind:
		return r.yesNo(n, text, p)
	case protoreflect.EnumKind:
		return r.enum(f, n, text, p)
	default:
		return r.whole(f, n, text, p)
	}
}

// yesNo reads true or false, or yes or no.
func (r *reader) yesNo(n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	switch strings.ToLower(text) {
	case "true", "yes":
		return protoreflect.ValueOfBool(true), true
	case "false", "no":
		return protoreflect.ValueOfBool(false), true
	}
	r.problem(n, p, "Write true or false.", "`%s` is neither true nor false", clip(text))
	return protoreflect.Value{}, false
}

// enum reads one of the words of an enum.
func (r *reader) enum(f *field, n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	if v, ok := number(f.Enum(), text); ok {
		return protoreflect.ValueOfEnum(v), true
	}
	r.problem(n, p, suggest(text, words(f.Enum())), "`%s` is not known here", clip(text))
	return protoreflect.Value{}, false
}

var (
	wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	withPoint   = regexp.MustCompile(`^-?[0-9]+[.,][0-9]*$`)
	separated   = regexp.MustCompile(`^-?[0-9]{1,3}([.,_' ][0-9]{3})+$`)
)

// whole reads a whole number.
func (r *reader) whole(f *field, n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	var none protoreflect.Value
	switch {
	case wholeNumber.MatchString(text):
	case separated.MatchString(text):
		r.problem(n, p, "Write "+onlyDigits(text)+".", "`%s` has a separator: %s are whole and written without", text, unit(f))
		return none, false
	case withPoint.MatchString(text):
		r.problem(n, p, "", "%s are whole: write %s, not %s", unit(f), strings.FieldsFunc(text, isPoint)[0], text)
		return none, false
	case strings.Trim(text, "0123456789") == "" && text != "":
		r.problem(n, p, "Write "+strings.TrimLeft(text, "0")+".", "`%s` begins with a zero", clip(text))
		return none, false
	default:
		r.problem(n, p, "Write digits alone, the unit is in the name.", "`%s` is not a whole number", clip(text))
		return none, false
	}
	bits := 64
	if f.Kind() == protoreflect.Int32Kind {
		bits = 32
	}
	v, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		r.problem(n, p, "Write a smaller one.", "`%s` is too large a number", clip(text))
		return none, false
	}
	if bits == 32 {
		return protoreflect.ValueOfInt32(int32(v)), true
	}
	return protoreflect.ValueOfInt64(v), true
}

// unit is what a whole number counts, as its name says.
func unit(f *field) string {
	parts := strings.Split(string(f.Name()), "_")
	for _, u := range []string{"points", "pieces", "days", "months", "visits"} {
		if slices.Contains(parts, u) {
			return u
		}
	}
	return "these numbers"
}

func onlyDigits(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, text)
}

func isPoint(c rune) bool { return c == '.' || c == ',' }

// decimal reads a decimal with at most so many places as a whole number of its smallest unit. It does not go through a float.
func decimal(text string, places int) (int64, bool) {
	negative := strings.HasPrefix(text, "-")
	units, rest, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if len(rest) > places {
		return 0, false
	}
	v, err := strconv.ParseInt(units+rest+strings.Repeat("0", places-len(rest)), 10, 64)
	if err != nil || v == math.MinInt64 {
		return 0, false
	}
	if negative {
		v = -v
	}
	return v, true
}

// describe says what a node is, in the words of the document.
func describe(n *yaml.Node) string {
	switch {
	case isNull(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	default:
		return "`" + clip(n.Value) + "`"
	}
}

// isNull reports whether nothing is written: no value, null or ~ without quotes.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// clip shortens what was written to what a message can repeat.
func clip(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:39]) + "…"
	}
	return text
}

// list joins words for a sentence: "a, b or c".
func list(items []string, last string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " " + last + " " + items[len(items)-1]
}

// each puts the same after every word.
func each(items []string, after string) []string {
	out := make([]string, len(items))
	for i, s := range items {
		out[i] = s + after
	}
	return out
}

// oneofNames are the fields of which only one may be written.
func oneofNames(one protoreflect.OneofDescriptor) []string {
	var out []string
	for i := range one.Fields().Len() {
		out = append(out, string(one.Fields().Get(i).Name()))
	}
	return out
}

// percentText is basis points as a person writes them.
func percentText(bp int32) string {
	whole, rest := strconv.Itoa(int(bp/100)), int(bp%100)
	switch {
	case rest == 0:
		return whole
	case rest%10 == 0:
		return whole + "." + strconv.Itoa(rest/10)
	case rest < 10:
		return whole + ".0" + strconv.Itoa(rest)
	default:
		return whole + "." + strconv.Itoa(rest)
	}
}

// trimStop takes the full stop off a sentence.
func trimStop(text string) string { return strings.TrimSuffix(strings.TrimSpace(text), ".") }
