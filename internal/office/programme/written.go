package programme

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

var (
	plainDecimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	commaDecimal = regexp.MustCompile(`^-?[0-9]+,[0-9]{1,2}$`)
	thousands    = regexp.MustCompile(`^-?[0-9]{1,3}([.,' _][0-9]{3})+([.,][0-9]{1,2})?$`)
	symbol       = regexp.MustCompile(`(?i)^(€|eur|\$|£)|(€|eur|\$|£|,-)$`)
)

// money reads an amount in the currency, kept in its smallest unit. A single group of three digits after a point ("1.000") could be meant as a
// thousand, so it is refused rather than rounded.
func (r *reader) money(n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	example := decimalExample(r.places)
	var remedy string
	switch {
	case plainDecimal.MatchString(text):
		v, ok := decimal(text, r.places)
		switch {
		case ok:
			return protoreflect.ValueOfInt64(v), true
		case thousands.MatchString(text) && r.places < 3:
			remedy = "For a thousand write " + onlyDigits(text) + ", else round it to " + nearestPlaces(text, r.places) + "."
		case len(text) > 18:
			remedy = "Write a smaller amount."
		default:
			remedy = "Write " + nearestPlaces(text, r.places) + "."
		}
		r.problem(n, p, remedy, "`%s` is not an amount in %s, which has %s", clip(text), r.currencyName(), placesInWords(r.places))
		return protoreflect.Value{}, false
	case thousands.MatchString(text):
		remedy = "Write no thousands separators: " + withoutSeparators(text, r.places) + "."
	case commaDecimal.MatchString(text):
		remedy = "Write a point: " + strings.Replace(text, ",", ".", 1) + "."
	case symbol.MatchString(text):
		remedy = "Write the number alone, as in " + example + "; the currency stands at the top."
	default:
		remedy = "Write an amount such as " + example + "."
	}
	r.problem(n, p, remedy, "`%s` is not an amount of money", clip(text))
	return protoreflect.Value{}, false
}

func (r *reader) currencyName() string {
	if r.currency == "" {
		return "the currency"
	}
	return r.currency
}

// placesInWords says how many decimal places there are.
func placesInWords(places int) string {
	switch places {
	case 0:
		return "no decimal places"
	case 1:
		return "1 decimal place"
	default:
		return string(rune('0'+places)) + " decimal places"
	}
}

func decimalExample(places int) string {
	if places == 0 {
		return "25"
	}
	return "25." + strings.Repeat("0", places)
}

// nearestPlaces cuts a decimal off after its last allowed place.
func nearestPlaces(text string, places int) string {
	whole, rest, _ := strings.Cut(text, ".")
	if places == 0 {
		return whole
	}
	return whole + "." + rest[:min(len(rest), places)]
}

// withoutSeparators takes the separators out of an amount; the last group is its decimals when it is shorter than three digits.
func withoutSeparators(text string, places int) string {
	if i := strings.LastIndexAny(text, ".,"); i >= 0 && len(text)-i-1 <= min(2, places) {
		return onlyDigits(text[:i]) + "." + text[i+1:]
	}
	return onlyDigits(text)
}

// percent reads a percentage with at most two places, kept in basis points.
func (r *reader) percent(n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	bare := strings.TrimSpace(strings.TrimSuffix(text, "%"))
	switch v, ok := decimal(bare, 2); {
	case bare != text && plainDecimal.MatchString(bare):
		r.problem(n, p, "Write "+bare+".", "`%s` has a sign that the name already says", clip(text))
	case !plainDecimal.MatchString(text):
		r.problem(n, p, "Write a number such as 12.5.", "`%s` is not a percentage", clip(text))
	case !ok && strings.Contains(text, "."):
		r.problem(n, p, "Write "+nearestPlaces(text, 2)+".", "`%s` has more than two places", clip(text))
	case !ok || v > 1<<30 || v < -1<<30:
		r.problem(n, p, "Write a number from 0 to 100.", "`%s` is too large a percentage", clip(text))
	default:
		return protoreflect.ValueOfInt32(int32(v)), true
	}
	return protoreflect.Value{}, false
}

// The years that a programme can speak of.
const firstYear, lastYear = 2000, 2199

// date reads a day, kept as days since 1970-01-01.
func (r *reader) date(n *yaml.Node, text string, p place) (protoreflect.Value, bool) {
	t, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil && looksLikeDay(text):
		r.problem(n, p, "Look at the day and the month.", "`%s` is not a day of the calendar", clip(text))
	case err != nil:
		r.problem(n, p, "Write year, month and day, as in 2027-01-05.", "`%s` is not a date", clip(text))
	case t.Year() < firstYear || t.Year() > lastYear:
		r.problem(n, p, "Look at the year.", "`%s` is not between %d and %d", text, firstYear, lastYear)
	default:
		return protoreflect.ValueOfInt32(int32(t.Unix() / (24 * 60 * 60))), true
	}
	return protoreflect.Value{}, false
}

var dayShape = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

func looksLikeDay(text string) bool { return dayShape.MatchString(text) }

// Day is how a day is written that a message keeps as days since 1970-01-01.
func Day(days int32) string {
	return time.Unix(int64(days)*24*60*60, 0).UTC().Format(time.DateOnly)
}

var hoursShape = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})$`)

// hours reads a part of the day.
func (r *reader) hours(f *field, n *yaml.Node, m protoreflect.Message, p place) {
	const remedy = "Write two times of 24 hours with a dash, as in 09:00-12:00."
	match := hoursShape.FindStringSubmatch(strings.TrimSpace(n.Value))
	if n.Kind != yaml.ScalarNode || match == nil {
		r.problem(n, p, remedy, "expected hours of the day, found %s", describe(n))
		return
	}
	from, okFrom := minutes(match[1], match[2])
	until, okUntil := minutes(match[3], match[4])
	switch {
	case !okFrom || !okUntil || from == endOfDay:
		r.problem(n, p, remedy, "`%s` holds a time that no clock shows", clip(n.Value))
	case until <= from:
		r.problem(n, p, "For hours over midnight write two rules, one until 24:00 and one from 00:00.", "`%s` ends before it begins", clip(n.Value))
	default:
		hours := &programmev1.Hours{FromMinute: from, UntilMinute: until}
		m.Set(f.FieldDescriptor, protoreflect.ValueOfMessage(hours.ProtoReflect()))
	}
}

const endOfDay = 24 * 60

// minutes since midnight of a time of two and two digits; 24:00 is the end of the day.
func minutes(hour, minute string) (int32, bool) {
	h, m := digits(hour), digits(minute)
	return h*60 + m, m < 60 && h*60+m <= endOfDay
}

// digits is the value of at most nine digits.
func digits(text string) int32 {
	v := int32(0)
	for _, c := range text {
		v = v*10 + c - '0'
	}
	return v
}

var rangeShape = regexp.MustCompile(`^([0-9]{1,40})\s*-\s*([0-9]{1,40})$`)

// digitRange reads a range of equally long numbers, compared as strings: leading zeros count.
func (r *reader) digitRange(f *field, n *yaml.Node, m protoreflect.Message, p place) {
	match := rangeShape.FindStringSubmatch(strings.TrimSpace(n.Value))
	switch {
	case n.Kind != yaml.ScalarNode || match == nil:
		r.problem(n, p, "Write the first and the last with a dash, as in 2900100000000-2900199999999.", "expected a range of numbers, found %s", describe(n))
	case len(match[1]) != len(match[2]):
		r.problem(n, p, "Write both with all their digits.", "the first number has %d digits and the last %d", len(match[1]), len(match[2]))
	case match[1] > match[2]:
		r.problem(n, p, "Write the lower one first.", "the first number is higher than the last")
	default:
		digits := &programmev1.DigitRange{First: match[1], Last: match[2]}
		m.Set(f.FieldDescriptor, protoreflect.ValueOfMessage(digits.ProtoReflect()))
	}
}

// words reads words in one text, separated by spaces, or in a list. What was there before is replaced.
func (r *reader) words(f *field, v *yaml.Node, m protoreflect.Message, p place) {
	items := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		items = v.Content
	}
	if m.Get(f.FieldDescriptor).List().Len() > 0 {
		m.Clear(f.FieldDescriptor)
		r.doc.marks.forget(p.path)
	}
	l := m.Mutable(f.FieldDescriptor).List()
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || isNull(item) {
			r.problem(item, p, "Write them in one text with spaces between, or as a list.", "expected words, found %s", describe(item))
			continue
		}
		r.wordsOf(item, l, p)
	}
}

// wordsOf adds the words of one text to a list, each with the place where it stands in the file.
func (r *reader) wordsOf(n *yaml.Node, l protoreflect.List, p place) {
	cursor := at(r.file, n)
	for _, w := range strings.Fields(n.Value) {
		cursor = r.find(cursor, w)
		inner := place{path: p.item(l.Len(), "").path, field: p.field}
		r.doc.marks[inner.path] = mark{spot: cursor, field: p.field, given: !r.preset}
		l.Append(protoreflect.ValueOfString(w))
		cursor.column += utf8.RuneCountInString(w)
	}
}

// find looks for a word in the text of the file from a spot on; where it is not to be found as it stands (it was quoted with escapes) the spot
// is its place. Columns count characters, as YAML counts them.
func (r *reader) find(from spot, word string) spot {
	const farthest = 200 // lines of one list of words
	for line := from.line; line <= min(len(r.lines), from.line+farthest); line++ {
		text, start := []rune(r.lines[line-1]), 0
		if line == from.line {
			start = min(max(from.column-1, 0), len(text))
		}
		if before, _, ok := strings.Cut(string(text[start:]), word); ok {
			return spot{file: from.file, line: line, column: start + utf8.RuneCountInString(before) + 1}
		}
	}
	return from
}

// example is what a field's value may look like.
func example(f *field) string {
	switch f.written {
	case programmev1.Written_WRITTEN_MONEY:
		return "an amount such as 25.00"
	case programmev1.Written_WRITTEN_PERCENT:
		return "a number such as 12.5"
	case programmev1.Written_WRITTEN_DATE:
		return "a date such as 2027-01-05"
	default:
	}
	switch {
	case f.Enum() != nil:
		return list(words(f.Enum()), "or")
	case f.Kind() == protoreflect.BoolKind:
		return "true or false"
	case f.Kind() == protoreflect.StringKind:
		return "a word or a text"
	default:
		return "a whole number"
	}
}
