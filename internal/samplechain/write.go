package samplechain

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"
)

//go:embed files/receipts.mapping.yaml
var receiptsMapping []byte

//go:embed files/customers.mapping.yaml
var customersMapping []byte

// Files are the paths Write wrote.
type Files struct {
	// Receipts is the list of receipt lines, gzipped, in the order of time.
	Receipts string
	// ReceiptsMapping says how to read it.
	ReceiptsMapping string
	// Customers is the list of customers.
	Customers string
	// CustomersMapping says how to read it.
	CustomersMapping string
	// Programme is what the retailer configured.
	Programme string
}

// Write writes what a retailer would bring into the folder dir, which it makes: the lists its systems export, the mappings that say how to
// read them, and its programme. Files of an earlier run are written anew. progress, when not nil, is told the number of receipts written
// now and then, and at the end.
func (c *Chain) Write(dir string, progress func(receipts int)) (Files, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return Files{}, fmt.Errorf("sample chain: %w", err)
	}
	f := Files{
		Receipts:         filepath.Join(dir, "receipts.csv.gz"),
		ReceiptsMapping:  filepath.Join(dir, "receipts.mapping.yaml"),
		Customers:        filepath.Join(dir, "customers.csv"),
		CustomersMapping: filepath.Join(dir, "customers.mapping.yaml"),
		Programme:        filepath.Join(dir, "programme.yaml"),
	}
	if progress == nil {
		progress = func(int) {}
	}
	for _, file := range []struct {
		path string
		fill func(io.Writer) error
	}{
		{f.ReceiptsMapping, verbatim(receiptsMapping)},
		{f.CustomersMapping, verbatim(customersMapping)},
		{f.Programme, c.WriteProgramme},
		{f.Customers, c.WriteCustomers},
		{f.Receipts, func(w io.Writer) error { return c.writeReceiptsGzip(w, progress) }},
	} {
		if err := writeFile(file.path, file.fill); err != nil {
			return Files{}, fmt.Errorf("sample chain: %w", err)
		}
	}
	return f, nil
}

// verbatim writes text as it is.
func verbatim(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

// writeFile fills a new file.
func writeFile(path string, fill func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	return errors.Join(fill(buffered), buffered.Flush(), file.Close())
}

// writeReceiptsGzip is WriteReceipts, gzipped.
func (c *Chain) writeReceiptsGzip(w io.Writer, progress func(int)) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	return errors.Join(c.WriteReceipts(zipped, progress), zipped.Close())
}

// receiptsHeading names the columns as a Dutch till system would.
const receiptsHeading = "winkel;kassa;datum;tijd;bonnummer;soort;kaart;regel;artikel;groep;omschrijving;aantal;bedrag;korting;actie;" +
	"retour_winkel;retour_kassa;retour_datum;retour_bonnummer\r\n"

// progressEvery is how many receipts pass between two reports of progress.
const progressEvery = 10_000

// WriteReceipts writes all receipts as CSV: semicolons, decimal commas, one row per line, CRLF as Windows systems do.
func (c *Chain) WriteReceipts(w io.Writer, progress func(receipts int)) error {
	if _, err := io.WriteString(w, receiptsHeading); err != nil {
		return err
	}
	var rows []byte
	n := 0
	for r := range c.Receipts() {
		rows = appendReceipt(rows[:0], r)
		if _, err := w.Write(rows); err != nil {
			return err
		}
		if n++; n%progressEvery == 0 {
			progress(n)
		}
	}
	progress(n)
	return nil
}

// appendReceipt appends a receipt's rows.
func appendReceipt(b []byte, r *Receipt) []byte {
	kind := "V"
	if r.Return {
		kind = "R"
	}
	for i, l := range r.Lines {
		b = append(append(b, r.Store.Code...), ';')
		b = append(strconv.AppendInt(b, int64(r.Till), 10), ';')
		b = append(appendDate(b, r.Date), ';')
		b = append(appendTime(b, r.Minute), ';')
		b = append(strconv.AppendInt(b, int64(r.Number), 10), ';')
		b = append(append(b, kind...), ';')
		b = append(append(b, r.Card...), ';')
		b = append(strconv.AppendInt(b, int64(i+1), 10), ';')
		b = append(append(b, l.SKU...), ';')
		b = append(append(b, l.Group...), ';')
		b = append(append(b, l.Name...), ';')
		b = append(appendDecimal(b, l.QuantityMilli, 3), ';')
		b = append(appendDecimal(b, l.NetMinor, 2), ';')
		b = append(appendDecimal(b, l.DiscountMinor, 2), ';')
		b = append(appendYesNo(b, l.OnPromotion), ';')
		b = appendOriginal(b, r.Original)
		b = append(b, '\r', '\n')
	}
	return b
}

// appendOriginal appends the sale a return belongs to, or nothing but separators.
func appendOriginal(b []byte, id ReceiptID) []byte {
	if id.Number == 0 {
		return append(b, ";;;"...)
	}
	b = append(append(b, id.Store...), ';')
	b = append(strconv.AppendInt(b, int64(id.Till), 10), ';')
	b = append(appendDate(b, id.Date), ';')
	return strconv.AppendInt(b, int64(id.Number), 10)
}

// customersHeading names the columns.
const customersHeading = "klantnummer;kaart;tweede_kaart;taal;winkel;voornaam;groepen;profiel;marketing;antwoorden;bezwaar;minderjarig;geblokkeerd;punten\r\n"

// WriteCustomers writes the list of customers as CSV.
func (c *Chain) WriteCustomers(w io.Writer) error {
	if _, err := io.WriteString(w, customersHeading); err != nil {
		return err
	}
	var row []byte
	for i := range c.config.Accounts {
		p := c.person(i)
		row = c.appendCustomer(row[:0], &p)
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// appendCustomer appends a customer's row.
func (c *Chain) appendCustomer(b []byte, p *person) []byte {
	cards := p.ownCards()
	second := ""
	if len(cards) > 1 {
		second = cards[1].Number
	}
	b = append(b, ExternalID(p.index)...)
	for _, text := range []string{cards[0].Number, second, p.language, c.stores[p.home].Code, p.greeted, p.group} {
		b = append(append(b, ';'), text...)
	}
	for _, yes := range []bool{p.profiling, p.marketing, p.answers, p.objected, p.minor, p.blocked} {
		b = appendYesNo(append(b, ';'), yes)
	}
	b = strconv.AppendInt(append(b, ';'), c.sums(p).points, 10) // the balance of the programme they had before
	return append(b, '\r', '\n')
}

// ExternalID returns the retailer's own number of a customer, from 0 to Accounts−1.
func ExternalID(account int) string { return "K" + strconv.Itoa(1_000_000+account) }

// appendDate appends a date as DD-MM-YYYY.
func appendDate(b []byte, date time.Time) []byte { return date.AppendFormat(b, "02-01-2006") }

// appendTime appends minutes since midnight as HH:mm.
func appendTime(b []byte, minute int) []byte {
	hours, minutes := minute/60, minute%60
	return append(b, byte('0'+hours/10), byte('0'+hours%10), ':', byte('0'+minutes/10), byte('0'+minutes%10))
}

// appendDecimal appends n, which counts units of 10^−places, with a decimal comma.
func appendDecimal(b []byte, n int64, places int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	digits := strconv.AppendInt(nil, n, 10)
	for len(digits) <= places {
		digits = append([]byte{'0'}, digits...)
	}
	b = append(b, digits[:len(digits)-places]...)
	return append(append(b, ','), digits[len(digits)-places:]...)
}

// appendYesNo appends J or N.
func appendYesNo(b []byte, yes bool) []byte {
	if yes {
		return append(b, 'J')
	}
	return append(b, 'N')
}
