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
	amount := e.number(e.text("amount"), "decimal(18, 4)")
	if !e.has("amount") {
		amount = "try_cast(quantity::decimal(20, 4) * unit_price as decimal(18, 4))"
	}
	quantity := "1::decimal(18, 4)"
	if e.has("quantity") {
		quantity = e.number(e.text("quantity"), "decimal(18, 4)")
	}
	till := "coalesce(" + e.text("till") + ", '-')"
	typed := []string{
		e.skip() + " as skip", e.text("store") + " as store", till + " as till",
		e.moment("time") + " as sold_at", e.moment("date") + " as dated", "coalesce(dated, sold_at)::date as day",
		e.receiptKey() + " as receipt_key", e.receiptNo() + " as receipt_no", e.customer() + " as customer",
		e.text("sku") + " as sku", e.text("group") + " as group_code",
		quantity + " as quantity", e.number(e.text("unit_price"), "decimal(18, 6)") + " as unit_price", amount + " as amount",
		e.number(e.text("discount"), "decimal(18, 4)") + " as discounted", e.text("currency") + " as currency", "lower(" + e.text("channel") + ") as channel",
		e.anyRule("returns") + " as is_return", e.anyRule("voids") + " as is_void", e.anyRule("training") + " as is_training",
		"not " + e.anyRule("not_merchandise") + " as merchandise", e.anyRule("promotion") + " as promotion",
		e.text("original_store") + " as original_store", e.text("original_till") + " as original_till",
		e.moment("original_date") + " as original_dated", e.text("original_receipt_no") + " as original_no",
	}
	return fmt.Sprintf(`
with typed as (
    select *, %s
    from %s
)
select case when skip is null then %s end as problem, case when problem is not null then [%s] end as raw,
    skip, store, till, receipt_key, receipt_no, sold_at, day, customer, sku, group_code, quantity, amount,
    coalesce(discounted, 0) as discount, currency, channel, is_return, is_void, is_training, merchandise, promotion,
    original_store, original_till, original_dated::date as original_date, original_no
from typed`, strings.Join(typed, ", "), reader, firstOf(append(e.receiptComplaints(), typedComplaints...)), e.raw())
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

// receiptComplaints are what may be wrong with the text of a row, looked at beside what was read of it.
func (e expressions) receiptComplaints() []problem {
	var all []problem
	for _, c := range e.mapping.receipt.columns {
		if c == businessDay {
			continue
		}
		all = append(all, problem{e.column(c) + " is null", c + " is empty"})
	}
	if e.has("receipt_no") {
		all = append(all, problem{"receipt_no is null", "the receipt number is empty"})
	}
	for _, f := range []struct{ name, value string }{{"time", "sold_at"}, {"date", "dated"}, {"original_date", "original_dated"}} {
		if e.has(f.name) {
			all = append(all, problem{f.value + " is null and " + e.text(f.name) + " is not null", f.name + " is not written as the mapping says"})
		}
	}
	for _, f := range []struct{ name, value string }{
		{"quantity", "quantity"}, {"unit_price", "unit_price"}, {"amount", "amount"}, {"discount", "discounted"},
	} {
		if !e.has(f.name) {
			continue
		}
		all = append(all, problem{f.value + " is null and " + e.text(f.name) + " is not null", f.name + " is not a number as the mapping says"})
		if f.name != "discount" {
			all = append(all, problem{f.value + " is null", f.name + " is empty"})
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
	{"length(channel) > 20", "the channel is longer than 20 characters"},
	{"currency is not null and length(currency) <> 3", "the currency is not a code of three letters"},
}
