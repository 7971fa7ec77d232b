package warehouse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// expressions writes what a mapping means as SQL over the columns c0, c1, … of a file.
type expressions struct {
	mapping *Mapping
	header  []string
}

// column is the text of a column without the spaces around it, null when there is none.
func (e expressions) column(name string) string {
	return fmt.Sprintf("nullif(trim(c%d), '')", slices.Index(e.header, name))
}

// has reports whether the mapping fills a field.
func (e expressions) has(name string) bool {
	_, ok := e.mapping.fields[name]
	return ok
}

// text is the text of a field, null when the mapping does not fill it.
func (e expressions) text(name string) string {
	f, ok := e.mapping.fields[name]
	switch {
	case !ok:
		return "null::varchar"
	case len(f.columns) == 0:
		return quote(f.constant)
	case len(f.columns) == 1:
		return e.column(f.columns[0])
	}
	parts := make([]string, len(f.columns))
	for i, c := range f.columns {
		parts[i] = e.column(c)
	}
	return "nullif(concat_ws(' ', " + strings.Join(parts, ", ") + "), '')"
}

// number is a text read as a decimal number of that type, null when it is none.
func (e expressions) number(text, typ string) string {
	d := e.mapping.dialect
	point := regexp.QuoteMeta(d.decimals)
	pattern := `[+-]?(\d+(` + point + `\d*)?|` + point + `\d+)`
	plain := text
	if d.thousands != "" {
		pattern += `|[+-]?\d{1,3}(` + regexp.QuoteMeta(d.thousands) + `\d{3})+(` + point + `\d*)?`
		plain = fmt.Sprintf("replace(%s, %s, '')", plain, quote(d.thousands))
	}
	if d.decimals != "." {
		plain = fmt.Sprintf("replace(%s, %s, '.')", plain, quote(d.decimals))
	}
	return fmt.Sprintf("case when regexp_full_match(%s, %s) then try_cast(%s as %s) end", text, quote(pattern), plain, typ)
}

// moment is a field read as a timestamp in store time, null when it is none.
func (e expressions) moment(name string) string {
	f, ok := e.mapping.fields[name]
	if !ok {
		return "null::timestamp"
	}
	formats := defaultFormats
	if f.format != "" {
		formats = []string{f.format}
	}
	written := make([]string, len(formats))
	for i, format := range formats {
		written[i] = quote(format)
	}
	at := fmt.Sprintf("try_strptime(%s, [%s])", e.text(name), strings.Join(written, ", "))
	if f.zone != "" && f.zone != e.mapping.zone {
		at = fmt.Sprintf("timezone(%s, timezone(%s, %s))", quote(e.mapping.zone), quote(f.zone), at)
	}
	return at
}

// yesNo is a field read as yes or no, null when it is neither.
func (e expressions) yesNo(name string) string {
	if !e.has(name) {
		return "null::boolean"
	}
	text := "lower(" + e.text(name) + ")"
	return fmt.Sprintf("case when %s in (%s) then true when %s in (%s) then false end",
		text, quoteAll(e.mapping.words.yes), text, quoteAll(e.mapping.words.no))
}

// words is a field read as several words, null when it is empty.
func (e expressions) words(name string) string {
	f, ok := e.mapping.fields[name]
	if !ok {
		return "null::varchar[]"
	}
	return fmt.Sprintf("case when %[1]s is not null then list_sort(list_distinct(list_filter(list_transform(string_split(%[1]s, %[2]s), "+
		"lambda w: trim(w)), lambda w: w <> ''))) end", e.text(name), quote(f.separator))
}

// customer is the text that names the customer, null for an anonymous row.
func (e expressions) customer() string {
	c := e.mapping.customer
	if c.column == "" {
		return "null::varchar"
	}
	text := e.column(c.column)
	if len(c.anonymous) > 0 {
		text = fmt.Sprintf("case when %[1]s not in (%[2]s) then %[1]s end", text, quoteAll(c.anonymous))
	}
	return text
}

// anyRule is whether one of the rules under a name holds; never null.
func (e expressions) anyRule(name string) string {
	rules := e.mapping.rules[name]
	if len(rules) == 0 {
		return "false"
	}
	written := make([]string, len(rules))
	for i, r := range rules {
		written[i] = e.rule(r)
	}
	return "(" + strings.Join(written, " or ") + ")"
}

// skip is the reason why a row is left out, null when it is not.
func (e expressions) skip() string {
	if len(e.mapping.skips) == 0 {
		return "null::varchar"
	}
	var out strings.Builder
	out.WriteString("case")
	for _, s := range e.mapping.skips {
		fmt.Fprintf(&out, " when %s then %s", e.rule(s.where), quote(s.reason))
	}
	return out.String() + " end"
}

// rule is whether all of its tests hold; never null.
func (e expressions) rule(r rule) string {
	var written []string
	for _, c := range r {
		written = append(written, e.all(c.column, c.tests))
	}
	return "(" + strings.Join(written, " and ") + ")"
}

// all is whether all tests of a column hold.
func (e expressions) all(column string, tests []test) string {
	written := make([]string, len(tests))
	for i, t := range tests {
		written[i] = "coalesce(" + e.test(column, t) + ", false)"
	}
	return "(" + strings.Join(written, " and ") + ")"
}

// comparisons are the tests of numbers.
var comparisons = map[string]string{"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}

// test is whether one test of a column holds; null where there is nothing to look at.
func (e expressions) test(column string, t test) string {
	text := e.column(column)
	switch t.operator {
	case "one_of":
		return fmt.Sprintf("%s in (%s)", text, quoteAll(t.values))
	case "empty":
		return text + " is null"
	case "not":
		return "not " + e.all(column, t.not)
	case "starts_with", "ends_with", "contains":
		either := make([]string, len(t.values))
		for i, v := range t.values {
			either[i] = fmt.Sprintf("%s(%s, %s)", t.operator, text, quote(v))
		}
		return "(" + strings.Join(either, " or ") + ")"
	}
	return fmt.Sprintf("%s %s %s::decimal(20, 6)", e.number(text, "decimal(20, 6)"), comparisons[t.operator], t.values[0])
}

// quoteAll writes texts as SQL does, with commas between.
func quoteAll(all []string) string {
	written := make([]string, len(all))
	for i, s := range all {
		written[i] = quote(s)
	}
	return strings.Join(written, ", ")
}
