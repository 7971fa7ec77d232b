package warehouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
)

// fromWindows1252 is text in that encoding; every byte is some character in it.
func fromWindows1252(raw []byte) string {
	text, _ := charmap.Windows1252.NewDecoder().Bytes(raw) // it cannot fail
	return string(text)
}

// write writes the mapping: what was guessed with examples, what was not as a comment.
func (g *Guess) write() {
	var out strings.Builder
	fmt.Fprintf(&out, "# Guessed from the heading and the first %d rows. Look at every line, put right what is wrong, then try it:\n", len(g.rows))
	fmt.Fprintf(&out, "#   stamklant-office import %[1]s YOUR-FILE.csv --mapping THIS-FILE.yaml --dry-run\nlist: %[1]s\n", g.List)
	fmt.Fprintf(&out, "file: {delimiter: %s, encoding: %s, decimals: %s, thousands: %s}\n",
		map[string]string{",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[g.dialect.delimiter], g.dialect.encoding,
		map[string]string{".": "point", ",": "comma"}[g.dialect.decimals], map[string]string{"": "none", ".": "point", ",": "comma"}[g.dialect.thousands])
	if g.List == Receipts {
		g.writeReceipt(&out)
	}
	if g.List == Receipts || g.List == Customers {
		g.writeCustomer(&out)
	}
	if g.List == Customers {
		g.writeIdentifiers(&out)
	}
	g.writeColumns(&out)
	g.Mapping = out.String()
}

// missing notes something the person has to say, and writes it as a comment.
func (g *Guess) missing(out *strings.Builder, what, line string) {
	g.Missing = append(g.Missing, what)
	fmt.Fprintf(out, "# MISSING: %s\n#%s\n", what, line)
}

func (g *Guess) writeReceipt(out *strings.Builder) {
	number, _ := g.of("receipt_no")
	till, _ := g.of("till")
	switch {
	case number == "":
		fmt.Fprint(out, "receipt: row                         # no column looks like a receipt's number, so every row is a receipt of its own\n")
	case till != "":
		fmt.Fprintf(out, "receipt: [day, %s, %s]\n", scalar(till), scalar(number))
	default:
		fmt.Fprintf(out, "receipt: [day, %s]\n", scalar(number))
	}
}

func (g *Guess) writeCustomer(out *strings.Builder) {
	own, _ := g.of("customer")
	card, _ := g.of("card")
	switch {
	case own != "":
		fmt.Fprintf(out, "customer: {column: %s, is: external_id}    # your own number%s\n", scalar(own), g.examples(own))
	case card != "":
		fmt.Fprintf(out, "customer: {column: %s, is: identifier, namespace: card}    # what is shown at the till%s\n", scalar(card), g.examples(card))
	case g.List == Customers:
		g.missing(out, "which column is the customer's number or card", "customer: {column: NAME, is: external_id}")
	default:
		fmt.Fprint(out, "# customer: {column: NAME, is: external_id}    # no column looks like a customer; all receipts are then nobody's\n")
	}
}

func (g *Guess) writeIdentifiers(out *strings.Builder) {
	own, _ := g.of("customer")
	var lines []string
	for _, namespace := range []string{"card", "phone", "email"} {
		if column, _ := g.of(namespace); column != "" && (namespace != "card" || own != "") {
			lines = append(lines, fmt.Sprintf("  - {column: %s, namespace: %s}%s\n", scalar(column), namespace, g.examples(column)))
		}
	}
	if len(lines) > 0 {
		fmt.Fprint(out, "identifiers:                         # what else leads to the customer\n"+strings.Join(lines, ""))
	}
}

// writeColumns writes the rest, and as comments the columns nothing is known of.
func (g *Guess) writeColumns(out *strings.Builder) {
	fmt.Fprint(out, "columns:\n")
	for _, c := range g.Columns {
		_, known := listFields[g.List][c.Field]
		switch {
		case known && g.formats[c.Column] != "":
			fmt.Fprintf(out, "  %s: {column: %s, format: %s}%s\n", c.Field, scalar(c.Column), scalar(g.formats[c.Column]), g.examples(c.Column))
		case known:
			fmt.Fprintf(out, "  %s: %s%s\n", c.Field, scalar(c.Column), g.examples(c.Column))
		case c.Field == "":
			fmt.Fprintf(out, "  # ?: %s%s\n", scalar(c.Column), g.examples(c.Column))
		}
	}
	need := map[List][]string{Receipts: {"time", "amount"}, Articles: {"sku"}, Stores: {"store"}, Vouchers: {"code", "valid_until"}}[g.List]
	for _, field := range need {
		column, _ := g.of(field)
		if price, _ := g.of("unit_price"); column == "" && (field != "amount" || price == "") {
			g.missing(out, "which column is `"+field+"`", "  "+field+": NAME")
		}
	}
	if store, _ := g.of("store"); store == "" && g.List == Receipts {
		g.missing(out, "which store the receipts are of", "  store: {constant: s01}")
	} else if store == "" && g.List == Vouchers {
		g.missing(out, "in which store they can be used", "  store: {constant: s01}")
	}
}

// examples are a column's first values, as a comment.
func (g *Guess) examples(column string) string {
	i := slices.IndexFunc(g.Columns, func(c GuessedColumn) bool { return c.Column == column })
	if i < 0 || len(g.Columns[i].Examples) == 0 {
		return ""
	}
	line := strings.Join(g.Columns[i].Examples, "   ")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line)
	if runes := []rune(line); len(runes) > 60 {
		line = string(runes[:60]) + "…"
	}
	return "    # e.g. " + line
}

// scalar writes a word for YAML: as it is, or between quotes where it could be taken for something else.
func scalar(word string) string {
	plain := word != ""
	for i, r := range word {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && r != '_' && (i == 0 || r < '0' || r > '9') {
			plain = false
		}
	}
	if plain && !slices.Contains([]string{"y", "n", "yes", "no", "true", "false", "on", "off", "null"}, strings.ToLower(word)) {
		return word
	}
	return strconv.Quote(word) // YAML knows all the escapes that Go writes
}
