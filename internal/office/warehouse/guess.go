package warehouse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrNoGuess is returned when a file says too little to tell what its columns mean.
var ErrNoGuess = errors.New("what the columns mean cannot be told")

// guessSample bounds what of a file is looked at.
const guessSample = 256 << 10

// GuessedColumn is what one column of a file seems to be.
type GuessedColumn struct {
	// Column is its heading, Field what it seems to fill; empty for nothing known.
	Column, Field string
	// Examples are the first different values in it.
	Examples []string
}

// Guess is what a file seems to be: something to look at, put right and keep, never to import by unseen.
type Guess struct {
	// List is what the file was said to hold.
	List List
	// Columns are the file's, in order.
	Columns []GuessedColumn
	// Missing are things the mapping must say and the file does not show.
	Missing []string
	// Mapping is the text of a mapping with comments. It can be read when nothing is missing.
	Mapping string

	dialect dialect
	rows    [][]string
	formats map[string]string // of columns that hold times, where they are not as usual
}

// headings are words that columns of each field go by, without spaces, dashes and underscores, in the languages of the shops. The first field
// whose words fit takes the column.
var headings = map[List][]struct {
	field string
	words []string
}{
	Receipts: {
		{"customer", fields("customerid customerno customernumber customer klantnummer klantnr klantid klant numeroclient client kundennummer kunde memberid accountid")},
		{"card", fields("card cardno cardnumber kaart kaartnummer klantkaart carte numerocarte karte kartennummer loyaltycard")},
		{"store", fields("store storeid storeno shop winkel filiaal filiaalnummer vestiging magasin filiale markt storecode")},
		{"till", fields("till register pos terminal kassa kassanummer kassanr caisse kasse kassennummer")},
		{"receipt_no", fields("receiptno receipt receiptid receiptnumber invoiceno invoice bonnummer bonnr bon transactie transactionid ticket numeroticket belegnummer bonid belegnr")},
		{"time", fields("time datetime timestamp invoicedate soldat date datum datumtijd verkoopdatum dateheure datevente zeit datumzeit verkaufsdatum dag day")},
		{"sku", fields("sku article articleno stockcode product productid ean artikel artikelnummer artikelnr codearticle artikelcode item itemno")},
		{"group", fields("group productgroup category groep artikelgroep productgroep groupe famille categorie warengruppe gruppe")},
		{"quantity", fields("quantity qty pieces aantal stuks quantite menge stueck anzahl")},
		{"unit_price", fields("unitprice price prijs stukprijs verkoopprijs prixunitaire prix einzelpreis preis")},
		{"amount", fields("amount total linetotal net netamount bedrag totaal regelbedrag montant betrag summe umsatz paid")},
		{"discount", fields("discount korting remise rabatt")},
		{"channel", fields("channel kanaal verkoopkanaal canal kanal saleschannel")},
		{"currency", fields("currency valuta munt devise waehrung währung")},
	},
	Customers: {
		{"customer", fields("customerid customerno customernumber customer klantnummer klantnr klantid numeroclient client kundennummer kunde memberid accountid id")},
		{"card", fields("card cardno cardnumber kaart kaartnummer klantkaart carte numerocarte karte kartennummer loyaltycard")},
		{"phone", fields("phone telephone mobile telefoon telefoonnummer mobiel gsm telephoneportable telefon handy")},
		{"email", fields("email mail emailaddress emailadres courriel emailadresse")},
		{"language", fields("language lang taal langue sprache")},
		{"home_store", fields("homestore store winkel filiaal thuiswinkel magasin filiale stammfiliale")},
		{"first_name", fields("firstname voornaam prenom prénom vorname")},
		{"groups", fields("groups group groepen klantgroep groupes gruppen kundengruppe")},
		{"objected", fields("objected objection bezwaar optout opposition widerspruch")},
		{"profiling", fields("profiling profilering profilage profilierung")},
		{"marketing", fields("marketing newsletter nieuwsbrief optin mailing")},
		{"minor", fields("minor minderjarig mineur minderjährig")},
		{"blocked", fields("blocked geblokkeerd bloque gesperrt")},
		{"tier", fields("tier level status niveau stufe")},
		{"points", fields("points punten saldo balance solde punkte puntensaldo")},
		{"segment", fields("segment")},
		{"r", fields("r rscore recencyscore")},
		{"f", fields("f fscore frequencyscore")},
		{"m", fields("m mscore monetaryscore")},
	},
	Articles: {
		{"sku", fields("sku article articleno stockcode product productid ean artikel artikelnummer artikelnr codearticle artikelcode item")},
		{"name", fields("name description omschrijving naam libelle libellé bezeichnung nom")},
		{"group", fields("group productgroup category groep artikelgroep productgroep groupe famille warengruppe gruppe")},
		{"brand", fields("brand merk marque marke")},
		{"cost", fields("cost costprice purchaseprice inkoop inkoopprijs kostprijs prixachat einkaufspreis ek")},
		{"margin_percent", fields("margin marginpercent marge margepercentage margepct marginpct")},
		{"new_since", fields("newsince since introduced sinds nieuwsinds depuis seit introductie")},
		{"pack_days", fields("packdays lasts dagen duur duree dauer tage")},
	},
	Stores: {
		{"store", fields("store storeid code storecode winkel filiaal vestiging magasin filiale nummer winkelcode")},
		{"name", fields("name naam nom bezeichnung")},
		{"owner", fields("owner eigenaar franchisenemer proprietaire inhaber")},
		{"region", fields("region regio région gebiet")},
		{"country", fields("country land pays")},
		{"languages", fields("languages language talen taal langues sprachen")},
		{"hours", fields("hours openinghours uren openingstijden horaires öffnungszeiten")},
	},
	Vouchers: {
		{"code", fields("code voucher vouchercode coupon couponcode bon bonnummer boncode waardebon tegoedbon numerobon gutschein gutscheincode barcode")},
		{"store", fields("store storeid shop winkel filiaal vestiging magasin filiale storecode winkelcode")},
		{"campaign", fields("campaign actie campagne aktion kampagne")},
		{"percent", fields("percent percentage discountpercent procent pourcentage prozent korting")},
		{"amount", fields("amount value bedrag waarde montant valeur betrag wert")},
		{"at_most", fields("atmost max maximum hoogstens")},
		{"spend_at_least", fields("spendatleast minimumspend minspend min minimum vanaf minimumbedrag mindestumsatz")},
		{"groups", fields("groups group productgroups groepen groep groupes warengruppen")},
		{"valid_from", fields("validfrom from start geldigvanaf vanafdatum valablede gueltigab gültigab")},
		{"valid_until", fields("validuntil until expires expiry expirydate end geldigtot geldigtm tot valablejusque gueltigbis gültigbis")},
		{"till_code", fields("tillcode discountcode kassacode actiecode kassencode")},
	},
}

// fields cuts words apart.
func fields(all string) []string { return strings.Fields(all) }

// GuessMapping looks at the heading and the first rows of a file (also .gz) and says what its columns seem to mean. It returns ErrNoGuess,
// wrapped, for a file that is no table with a heading.
func GuessMapping(name string, list List) (*Guess, error) {
	text, encoding, err := guessText(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g := &Guess{List: list, dialect: dialect{delimiter: ",", quote: defaultQuote, encoding: encoding, decimals: "."}, formats: map[string]string{}}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if len(lines) < 2 {
		return nil, fmt.Errorf("%s: %w: it has no row under its heading", name, ErrNoGuess)
	}
	for _, d := range []string{";", "\t", "|", ","} { // a comma may stand in numbers, so the others come first where they part as much
		if len(split(lines[0], dialect{delimiter: d, quote: defaultQuote})) > len(split(lines[0], g.dialect)) {
			g.dialect.delimiter = d
		}
	}
	header := split(lines[0], g.dialect)
	if len(header) < 2 {
		return nil, fmt.Errorf("%s: %w: its heading is one column: is it separated by something else than , ; | or a tab?", name, ErrNoGuess)
	}
	for _, line := range lines[1:min(len(lines), 500)] {
		if row := split(line, g.dialect); len(row) == len(header) {
			g.rows = append(g.rows, row)
		}
	}
	g.columns(header)
	g.numbers()
	g.times()
	g.write()
	return g, nil
}

// guessText returns the beginning of a file as UTF-8, up to its last whole line, and how it is encoded.
func guessText(name string) (text, encoding string, err error) {
	raw := &source{dialect: dialect{encoding: utf8Encoding}}
	in, done, err := raw.open(name)
	if err != nil {
		return "", "", err
	}
	sample, err := io.ReadAll(bufio.NewReader(io.LimitReader(in, guessSample)))
	if err := errors.Join(err, done()); err != nil {
		return "", "", err
	}
	if len(sample) == guessSample {
		sample = sample[:bytes.LastIndexByte(sample, '\n')+1]
	}
	if bytes.IndexByte(sample, 0) >= 0 {
		return "", "", fmt.Errorf("%w: it is no text", ErrNoGuess)
	}
	if utf8.Valid(sample) {
		return strings.TrimPrefix(string(sample), byteOrderMark), utf8Encoding, nil
	}
	return fromWindows1252(sample), windows1252, nil
}

// columns tells what each column is by its heading.
func (g *Guess) columns(header []string) {
	taken := map[string]bool{}
	g.Columns = make([]GuessedColumn, len(header))
	for i, column := range header {
		g.Columns[i] = GuessedColumn{Column: strings.TrimSpace(column)}
		for _, row := range g.rows {
			if v := strings.TrimSpace(row[i]); v != "" && len(g.Columns[i].Examples) < 3 && !slices.Contains(g.Columns[i].Examples, v) {
				g.Columns[i].Examples = append(g.Columns[i].Examples, v)
			}
		}
	}
	plain := strings.NewReplacer(" ", "", "_", "", "-", "", ".", "")
	for _, h := range headings[g.List] {
		for i := range g.Columns {
			c := &g.Columns[i]
			if c.Field == "" && !taken[h.field] && slices.Contains(h.words, strings.ToLower(plain.Replace(c.Column))) {
				c.Field, taken[h.field] = h.field, true
			}
		}
	}
	if taken["amount"] { // the line's total says more than the price of a piece
		for i := range g.Columns {
			if g.Columns[i].Field == "unit_price" {
				g.Columns[i].Field = ""
			}
		}
	}
}

// of returns the column that fills a field.
func (g *Guess) of(field string) (column string, values []string) {
	for i, c := range g.Columns {
		if c.Field == field {
			for _, row := range g.rows {
				values = append(values, strings.TrimSpace(row[i]))
			}
			return c.Column, values
		}
	}
	return "", nil
}

// commaNumber is a number with a decimal comma; pointThousands and commaThousands are those with parted thousands.
var (
	commaNumber    = regexp.MustCompile(`^[+-]?\d{1,3}(\.\d{3})*,\d{1,4}$|^[+-]?\d+,\d{1,4}$`)
	pointThousands = regexp.MustCompile(`^[+-]?\d{1,3}(\.\d{3})+,\d`)
	commaThousands = regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})+\.\d`)
)

// numbers tells how numbers are written.
func (g *Guess) numbers() {
	for _, field := range []string{"amount", "unit_price", "quantity", "discount", "cost", "margin_percent"} {
		_, values := g.of(field)
		for _, v := range values {
			switch {
			case commaThousands.MatchString(v):
				g.dialect.decimals, g.dialect.thousands = ".", ","
				return
			case pointThousands.MatchString(v):
				g.dialect.decimals, g.dialect.thousands = ",", "."
			case commaNumber.MatchString(v):
				g.dialect.decimals = ","
			}
		}
	}
}

// timeShapes are ways of writing days and times, by what they look like.
var timeShapes = []struct{ shape, format string }{
	{`^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?$`, ""}, // as usual
	{`^\d{2}-\d{2}-\d{4}$`, "DD-MM-YYYY"},
	{`^\d{2}-\d{2}-\d{4} \d{2}:\d{2}$`, "DD-MM-YYYY HH:mm"},
	{`^\d{2}-\d{2}-\d{4} \d{2}:\d{2}:\d{2}$`, "DD-MM-YYYY HH:mm:ss"},
	{`^\d{2}\.\d{2}\.\d{4}$`, "DD.MM.YYYY"},
	{`^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}$`, "DD.MM.YYYY HH:mm"},
	{`^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}$`, "DD.MM.YYYY HH:mm:ss"},
	{`^\d{2}/\d{2}/\d{4}$`, "DD/MM/YYYY"},
	{`^\d{2}/\d{2}/\d{4} \d{2}:\d{2}$`, "DD/MM/YYYY HH:mm"},
	{`^\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}$`, "DD/MM/YYYY HH:mm:ss"},
	{`^\d{8}$`, "YYYYMMDD"},
	{`^\d{4}/\d{2}/\d{2}$`, "YYYY/MM/DD"},
}

// times tells how times are written. A month where the day is expected shows in values beyond twelve.
func (g *Guess) times() {
	for _, field := range []string{"time", "new_since", "valid_from", "valid_until"} {
		column, values := g.of(field)
		for _, s := range timeShapes {
			shape := regexp.MustCompile(s.shape)
			fits := slices.ContainsFunc(values, shape.MatchString) && !slices.ContainsFunc(values, func(v string) bool { return v != "" && !shape.MatchString(v) })
			if !fits || s.format == "" {
				continue
			}
			if strings.HasPrefix(s.format, "DD/MM") && slices.ContainsFunc(values, func(v string) bool { return len(v) > 4 && v[3:5] > "12" }) {
				s.format = "MM/DD" + s.format[5:]
			}
			g.formats[column] = s.format
		}
	}
}
