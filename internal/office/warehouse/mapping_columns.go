package warehouse

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// fieldKind is how the text of a field is read.
type fieldKind int

const (
	textField fieldKind = iota
	numberField
	wholeField // a whole number
	timeField
	yesNoField
	wordsField // several words in one column
)

// receiptFields are what a list of receipts may fill.
var receiptFields = map[string]fieldKind{
	"store": textField, "till": textField, "receipt_no": textField, "time": timeField, "date": timeField,
	"sku": textField, "group": textField, "quantity": numberField, "unit_price": numberField, "amount": numberField,
	"discount": numberField, "currency": textField, "channel": textField,
	"original_store": textField, "original_till": textField, "original_date": timeField, "original_receipt_no": textField,
}

// customerFields are what a list of customers may fill.
var customerFields = map[string]fieldKind{
	"language": textField, "home_store": textField, "first_name": textField, "groups": wordsField,
	"objected": yesNoField, "profiling": yesNoField, "marketing": yesNoField, "linked_answers": yesNoField,
	"minor": yesNoField, "blocked": yesNoField, "tier": textField, "points": wholeField,
	"segment": textField, "r": wholeField, "f": wholeField, "m": wholeField,
}

// articleFields are what a list of articles may fill.
var articleFields = map[string]fieldKind{
	"sku": textField, "name": textField, "group": textField, "brand": textField, "cost": numberField, "margin_percent": numberField,
	"new_since": timeField, "pack_days": wholeField,
}

// storeFields are what a list of stores may fill.
var storeFields = map[string]fieldKind{
	"store": textField, "name": textField, "owner": textField, "region": textField, "country": textField, "languages": wordsField,
	"hours": textField,
}

// voucherFields are what a list of open vouchers may fill.
var voucherFields = map[string]fieldKind{
	"code": textField, "store": textField, "campaign": textField, "percent": numberField, "amount": numberField, "at_most": numberField,
	"spend_at_least": numberField, "groups": wordsField, "valid_from": timeField, "valid_until": timeField, "till_code": textField,
}

// listFields are what each list may fill. A field that several lists have is read the same way in each.
var listFields = map[List]map[string]fieldKind{
	Receipts: receiptFields, Customers: customerFields, Articles: articleFields, Stores: storeFields, Vouchers: voucherFields,
}

// lists are the lists there are.
var lists = []List{Receipts, Customers, Articles, Stores, Vouchers}

// columns reads which column fills which field.
func (r *mappingReader) columns(n *yaml.Node) {
	readers := map[string]func(*yaml.Node){}
	for _, fields := range listFields {
		for name, kind := range fields {
			readers[name] = func(n *yaml.Node) { r.mapping.fields[name] = r.field(n, name, kind) }
		}
	}
	r.object(n, "columns", readers)
}

// field reads where one field comes from: a column's name, or more about it.
func (r *mappingReader) field(n *yaml.Node, name string, kind fieldKind) field {
	f := field{line: n.Line, separator: "|"}
	if n.Kind != yaml.MappingNode {
		f.columns = []string{r.name(n, name)}
		return f
	}
	readers := map[string]func(*yaml.Node){
		"column":   func(n *yaml.Node) { f.columns = r.names(n, "column") },
		"constant": func(n *yaml.Node) { f.constant = r.name(n, "constant") },
	}
	if kind == timeField {
		readers["format"] = func(n *yaml.Node) { f.format = r.format(n) }
		readers["zone"] = func(n *yaml.Node) { f.zone = r.timeZone(n) }
	}
	if kind == wordsField {
		readers["separator"] = func(n *yaml.Node) { f.separator = r.name(n, "separator") }
	}
	seen := r.object(n, name, readers)
	if seen["column"] == seen["constant"] {
		r.wrong(n, "%s comes from a `column` or is a `constant`: write one of the two", name)
	}
	return f
}

// complete checks what only the whole file can tell.
func (r *mappingReader) complete(n *yaml.Node, seen map[string]bool) {
	for name, f := range r.mapping.fields {
		if _, mine := listFields[r.mapping.list][name]; !mine {
			for _, list := range lists {
				if _, theirs := listFields[list][name]; theirs {
					r.wrong(&yaml.Node{Line: f.line, Column: 1}, "`%s` belongs into a list of %s", name, list)
					break
				}
			}
		}
		if f.zone != "" && r.mapping.zone == "" {
			r.wrong(&yaml.Node{Line: f.line, Column: 1}, "to move `%s` from %s to store time, say the shops' `time_zone`", name, f.zone)
		}
	}
	switch r.mapping.list {
	case Receipts:
		r.completeReceipts(n, seen)
	case Customers:
		r.completeCustomers(n, seen)
	default:
		r.completeCatalogue(n, seen)
	}
}

// completeCatalogue checks a mapping of articles, stores or vouchers.
func (r *mappingReader) completeCatalogue(n *yaml.Node, seen map[string]bool) {
	key := catalogues[r.mapping.list].key
	if f, has := r.mapping.fields[key]; !has || len(f.columns) == 0 {
		r.wrong(n, "columns: `%s` is missing: name the column with the code", key)
	}
	if r.mapping.list == Vouchers {
		for _, name := range []string{"store", "valid_until"} {
			if _, has := r.mapping.fields[name]; !has {
				r.wrong(n, "columns: `%[1]s` is missing: name its column, or write `%[1]s: {constant: …}`", name)
			}
		}
	}
	for _, name := range []string{"customer", "identifiers", "traits"} {
		if seen[name] {
			r.wrong(n, "`%s` belongs into a list of customers", name)
		}
	}
	r.receiptsOnly(n, seen)
}

// receiptsOnly refuses what only a list of receipts has.
func (r *mappingReader) receiptsOnly(n *yaml.Node, seen map[string]bool) {
	for _, key := range []string{"receipt", "returns", "voids", "training", "not_merchandise", "promotion"} {
		if seen[key] {
			r.wrong(n, "`%s` belongs into a list of receipts", key)
		}
	}
}

// completeReceipts checks a mapping of receipts.
func (r *mappingReader) completeReceipts(n *yaml.Node, seen map[string]bool) {
	has := func(name string) bool { _, ok := r.mapping.fields[name]; return ok }
	for _, name := range []string{"identifiers", "traits"} {
		if seen[name] {
			r.wrong(n, "`%s` belongs into a list of customers", name)
		}
	}
	if !seen["receipt"] {
		r.wrong(n, "`receipt` is missing: name the columns that together are one receipt (`receipt: [receipt_no]`), or write `receipt: row`")
	}
	if slices.Equal(r.mapping.receipt.columns, []string{businessDay}) && !has("receipt_no") {
		r.wrong(n, "a receipt is more than its day: name the columns that make it, such as `receipt: [day, till, receipt_no]`")
	}
	if !has("store") {
		r.wrong(n, "columns: `store` is missing: name its column, or write `store: {constant: s01}`")
	}
	if !has("time") && !has("date") {
		r.wrong(n, "columns: `time` (day and time) or `date` (day) is missing")
	}
	if !has("amount") && !has("unit_price") {
		r.wrong(n, "columns: `amount` (paid for the line) or `unit_price` is missing")
	}
	if has("amount") && has("unit_price") {
		r.wrong(n, "columns: `amount` and `unit_price` both say what was paid: keep `amount`, the line's total after discounts")
	}
}

// completeCustomers checks a mapping of customers.
func (r *mappingReader) completeCustomers(n *yaml.Node, seen map[string]bool) {
	if !seen["customer"] {
		r.wrong(n, "`customer` is missing: `customer: {column: customer_no, is: external_id}`")
	}
	r.receiptsOnly(n, seen)
}

// columnsUsed are the file's columns that the mapping names.
func (m *Mapping) columnsUsed() []string {
	var all []string
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	for _, name := range m.receipt.columns {
		if name != businessDay {
			add(name)
		}
	}
	add(m.customer.column)
	for _, c := range m.cards {
		add(c.column)
	}
	for _, f := range m.fields {
		add(f.columns...)
	}
	for _, column := range m.traits {
		add(column)
	}
	for _, rules := range m.rules {
		for _, rule := range rules {
			for _, t := range rule {
				add(t.column)
			}
		}
	}
	for _, s := range m.skips {
		for _, t := range s.where {
			add(t.column)
		}
	}
	return all
}
