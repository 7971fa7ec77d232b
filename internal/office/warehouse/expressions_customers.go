package warehouse

import (
	"fmt"
	"strings"
)

// customerColumns are the fields of a customer in the order of the table customers.
var customerColumns = []string{
	"language", "home_store", "first_name", "groups", "objected", "profiling", "marketing", "linked_answers", "minor", "blocked",
	"tier", "points", "segment", "r", "f", "m",
}

// customerRow is the SQL that makes one row of the temporary table `parsed` of one row of a file of customers.
func (e expressions) customerRow(reader string) string {
	values := make([]string, len(customerColumns))
	for i, name := range customerColumns {
		values[i] = e.customerValue(name) + " as " + name
	}
	cards := make([]string, len(e.mapping.cards))
	for i, c := range e.mapping.cards {
		cards[i] = e.column(c.column)
	}
	return fmt.Sprintf(`
with typed as (
    select %[1]s as skip, %[2]s as customer, [%[3]s]::varchar[] as cards,
        %[10]s as traits, %[4]s, %[5]s as complaint, [%[6]s] as raw
    from %[7]s
)
select case when skip is null then coalesce(complaint, %[8]s) end as problem,
    case when skip is null and problem is not null then raw end as raw, skip, customer, cards, traits, %[9]s
from typed`,
		e.skip(), e.customer(), strings.Join(cards, ", "), strings.Join(values, ", "), firstOf(e.customerComplaints()), e.raw(), reader,
		firstOf(typedCustomerComplaints), strings.Join(customerColumns, ", "), e.traits())
}

// customerValue is one field of a customer as the table customers keeps it.
func (e expressions) customerValue(name string) string {
	switch customerFields[name] {
	case yesNoField:
		return e.yesNo(name)
	case wordsField:
		return e.words(name)
	case wholeField:
		return "(" + e.number(e.text(name), "decimal(18, 4)") + ")::bigint"
	default:
		if name == "language" {
			return "lower(" + e.text(name) + ")"
		}
		return e.text(name)
	}
}

// customerComplaints are what may be wrong with the text of a row.
func (e expressions) customerComplaints() []problem {
	all := []problem{{e.customer() + " is null", "the customer is empty"}}
	for _, name := range customerColumns {
		if !e.has(name) {
			continue
		}
		text := e.text(name)
		switch customerFields[name] {
		case yesNoField:
			all = append(all, problem{text + " is not null and " + e.yesNo(name) + " is null", name + " is neither yes nor no as the mapping writes them"})
		case wholeField:
			number := e.number(text, "decimal(18, 4)")
			all = append(all, problem{fmt.Sprintf("%s is not null and coalesce(%s <> trunc(%s), true)", text, number, number), name + " is not a whole number"})
		default: // any text will do
		}
	}
	return all
}

// typedCustomerComplaints are what may be wrong with the values of a row.
var typedCustomerComplaints = []problem{
	{"length(customer) > 128", "the customer's number is longer than 128 characters"},
	{"not regexp_full_match(language, '[a-z]{2}')", "the language is not a code of two letters"},
	{"length(home_store) > 32", "the store's code is longer than 32 characters"},
	{"length(first_name) > 40", "the first name is longer than 40 characters"},
	{"len(groups) > 16", "more than 16 customer groups"},
	{"length(tier) > 40", "the tier's code is longer than 40 characters"},
	{"len(list_filter(traits, lambda t: length(t.word) > 80)) > 0", "a trait is longer than 80 characters"},
	{"length(segment) > 40", "the segment's code is longer than 40 characters"},
	{"r < 0 or r > 10 or f < 0 or f > 10 or m < 0 or m > 10", "a score does not lie between 0 and 10"},
}

// merged are the fields of a customer after the list: what the list says where its mapping names the field, else what was known.
func (e expressions) merged() string {
	all := make([]string, len(customerColumns))
	for i, name := range customerColumns {
		from := "known"
		if e.has(name) {
			from = "parsed"
		}
		all[i] = fmt.Sprintf("%s.%s as %s", from, name, name)
	}
	return strings.Join(all, ", ")
}

// changed is whether the list says something else than was known.
func (e expressions) changed() string {
	all := []string{"false"}
	for _, name := range customerColumns {
		if e.has(name) {
			all = append(all, fmt.Sprintf("parsed.%s is distinct from known.%s", name, name))
		}
	}
	return strings.Join(all, " or ")
}
