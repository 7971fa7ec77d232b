package warehouse

import (
	"fmt"
	"slices"
	"strings"
)

// problem is a test of one row and what is said when it holds.
type problem struct{ when, reason string }

// firstOf is the reason of the first problem that holds, null when none does.
func firstOf(problems []problem) string {
	var out strings.Builder
	out.WriteString("case")
	for _, p := range problems {
		fmt.Fprintf(&out, " when %s then %s", p.when, quote(p.reason))
	}
	return out.String() + " end"
}

// receiptRow is the SQL that makes one row of the temporary table `parsed` of one row of a file of receipt lines.
func (e expressions) receiptRow(reader string) string {
	m := e.mapping
	amount := e.number(e.text("amount"), "decimal(18, 4)")
	if !e.has("amount") {
		amount = "try_cast(quantity::decimal(20, 4) * unit_price as decimal(18, 4))"
	}
	quantity := "1::decimal(18, 4)"
	if e.has("quantity") {
		quantity = e.number(e.text("quantity"), "decimal(18, 4)")
	}
	till := "coalesce(" + e.text("till") + ", '-')"
	return fmt.Sprintf(`
with typed as (
    select %[1]s as skip, %[2]s as store, %[3]s as till, %[6]s as sold_at, coalesce(%[7]s, sold_at)::date as day,
        %[4]s as receipt_key, %[5]s as receipt_no, %[8]s as customer, %[9]s as sku, %[10]s as group_code,
        %[11]s as quantity, %[12]s as unit_price, %[13]s as amount, coalesce(%[14]s, 0) as discount, %[15]s as currency,
        %[16]s as is_return, %[17]s as is_void, %[18]s as is_training, not %[19]s as merchandise, %[20]s as promotion,
        %[21]s as original_store, %[22]s as original_till, (%[23]s)::date as original_date, %[24]s as original_no,
        %[25]s as complaint, [%[26]s] as raw
    from %[27]s
)
select case when skip is null then coalesce(complaint, %[28]s) end as problem,
    case when skip is null and problem is not null then raw end as raw,
    skip, store, till, receipt_key, receipt_no, sold_at, day, customer, sku, group_code, quantity, amount, discount, currency,
    is_return, is_void, is_training, merchandise, promotion, original_store, original_till, original_date, original_no
from typed`,
		e.skip(), e.text("store"), till, e.receiptKey(), e.receiptNo(), e.moment("time"), e.moment("date"), e.customer(),
		e.text("sku"), e.text("group"), quantity, e.number(e.text("unit_price"), "decimal(18, 6)"), amount,
		e.number(e.text("discount"), "decimal(18, 4)"), e.text("currency"), e.anyRule("returns"), e.anyRule("voids"),
		e.anyRule("training"), e.anyRule("not_merchandise"), e.anyRule("promotion"), e.text("original_store"), e.text("original_till"),
		e.moment("original_date"), e.text("original_receipt_no"), firstOf(e.receiptComplaints(m)), e.raw(), reader, firstOf(typedComplaints))
}

// raw are all columns of a row as they stand in the file.
func (e expressions) raw() string {
	all := make([]string, len(e.header))
	for i := range e.header {
		all[i] = fmt.Sprintf("c%d", i)
	}
	return strings.Join(all, ", ")
}

// businessDay stands among the columns that make a receipt for the day of the receipt, however the file writes it.
const businessDay = "day"

// between stands between the parts of a key; no text export holds it.
const between = "chr(31)"

// receiptKey is what rows of one receipt have in common. Where each row is a receipt it is a fingerprint of what the mapping reads; rows that
// are equal are told apart later.
func (e expressions) receiptKey() string {
	columns := e.mapping.receipt.columns
	if e.mapping.receipt.row {
		columns = slices.Sorted(slices.Values(e.mapping.columnsUsed()))
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = "coalesce(" + e.column(c) + ", '')"
		if c == businessDay {
			parts[i] = "day"
		}
	}
	key := "concat_ws(" + between + ", " + strings.Join(parts, ", ") + ")"
	if e.mapping.receipt.row {
		return "md5(" + key + ")"
	}
	return key
}

// receiptNo is the receipt's number: the field when the mapping fills it, else the columns that make the receipt.
func (e expressions) receiptNo() string {
	if e.has("receipt_no") || e.mapping.receipt.row {
		return e.text("receipt_no")
	}
	var parts []string
	for _, c := range e.mapping.receipt.columns {
		if c != businessDay {
			parts = append(parts, e.column(c))
		}
	}
	return "concat_ws('-', " + strings.Join(parts, ", ") + ")"
}

// receiptComplaints are what may be wrong with the text of a row.
func (e expressions) receiptComplaints(m *Mapping) []problem {
	var all []problem
	for _, c := range m.receipt.columns {
		if c == businessDay {
			continue
		}
		all = append(all, problem{e.column(c) + " is null", c + " is empty"})
	}
	if e.has("receipt_no") {
		all = append(all, problem{e.text("receipt_no") + " is null", "the receipt number is empty"})
	}
	for _, name := range []string{"time", "date", "original_date"} {
		if e.has(name) {
			all = append(all, problem{e.text(name) + " is not null and " + e.moment(name) + " is null", name + " is not written as the mapping says"})
		}
	}
	types := map[string]string{"quantity": "decimal(18, 4)", "unit_price": "decimal(18, 6)", "amount": "decimal(18, 4)", "discount": "decimal(18, 4)"}
	for _, name := range []string{"quantity", "unit_price", "amount", "discount"} {
		if !e.has(name) {
			continue
		}
		text := e.text(name)
		all = append(all, problem{text + " is not null and " + e.number(text, types[name]) + " is null", name + " is not a number as the mapping says"})
		if name != "discount" {
			all = append(all, problem{text + " is null", name + " is empty"})
		}
	}
	return all
}

// typedComplaints are what may be wrong with the values of a row.
var typedComplaints = []problem{
	{"store is null", "the store is empty"},
	{"length(store) > 32", "the store's code is longer than 32 characters"},
	{"length(till) > 32", "the till's code is longer than 32 characters"},
	{"length(receipt_no) > 64", "the receipt number is longer than 64 characters"},
	{"length(sku) > 64", "the article's code is longer than 64 characters"},
	{"day is null", "the day is empty"},
	{"day < date '1970-01-01' or day > date '2199-12-31'", "the day lies before 1970 or after 2199"},
	{"amount is null", "quantity times price is too large"},
	{"currency is not null and length(currency) <> 3", "the currency is not a code of three letters"},
}
