package till

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// The lengths a till can be counted on to show.
const (
	cashierColumns  = 40
	cashierLines    = 2
	cashierWords    = 12 // what a cashier takes in at a glance
	displayColumns  = 20
	displayLines    = 2
	wideDisplay     = 40 // from here on a display joins the lines
	receiptColumns  = 42
	receiptLines    = 4
	narrowLines     = 6 // lines of a receipt narrower than usual
	leastColumns    = 8 // below this nothing can be said
	lineBreak       = "|"
	euroSign        = "€"
	euroSpelled     = "EUR"
	unprintableSign = '?'
)

// device is where a text is shown.
type device struct {
	columns, lines int
	words          int  // at most so many; 0 for any
	joined         bool // lines are joined
	noEuro         bool
}

// devices are what one till has: for the cashier, the customer display, the receipt.
type devices [audiences]device

// devicesOf reads what a till can do. A till that says nothing about itself has the usual display and printer.
func devicesOf(a *tillv1.Abilities) devices {
	d := devices{
		cashier: {columns: cashierColumns, lines: cashierLines, words: cashierWords},
		display: {columns: displayColumns, lines: displayLines},
		receipt: {columns: receiptColumns, lines: receiptLines},
	}
	if a == nil {
		return d
	}
	d[display].lines, d[display].noEuro = int(a.GetDisplayLines()), a.GetNoEuroSign()
	if a.GetDisplayColumns() > 0 {
		d[display].columns = int(a.GetDisplayColumns())
	}
	d[display].joined = d[display].columns >= wideDisplay || d[display].lines == 1
	if a.GetPrinterColumns() > 0 {
		d[receipt].columns = min(int(a.GetPrinterColumns()), receiptColumns)
		if d[receipt].columns < receiptColumns {
			d[receipt].lines = narrowLines
		}
	}
	return d
}

// lay fits a text to the device: wrapped at spaces, cut at the last word that fits, in characters the device has.
func (d device) lay(text string) []string {
	if d.lines <= 0 || d.columns < leastColumns || text == "" {
		return nil
	}
	text = printable(text)
	if d.noEuro {
		text = strings.ReplaceAll(text, euroSign, euroSpelled)
	}
	if d.joined {
		text = strings.ReplaceAll(text, lineBreak, " ")
	}
	if d.words > 0 {
		text = firstWords(text, d.words)
	}
	lines := make([]string, 0, d.lines)
	for rest := text; rest != "" && len(lines) < d.lines; {
		var line string
		line, rest, _ = strings.Cut(rest, lineBreak)
		lines = d.wrap(lines, line)
	}
	return lines
}

// fit is the first choice of texts that the device shows whole; the last one when none does.
func (d device) fit(choices ...[]string) []string {
	roomy := d
	roomy.lines++ // one more than there are tells that it is cut
	for _, texts := range choices[:len(choices)-1] {
		if len(roomy.lay(joinTexts(texts))) <= d.lines {
			return texts
		}
	}
	return choices[len(choices)-1]
}

// joinTexts puts texts one below the other.
func joinTexts(texts []string) string {
	whole := ""
	for _, text := range texts {
		switch {
		case whole == "":
			whole = text
		case text != "":
			whole += lineBreak + text
		}
	}
	return whole
}

// wrap adds one line of a text, in as many lines as it takes and there is room for.
func (d device) wrap(lines []string, line string) []string {
	line = strings.Trim(line, " ")
	for line != "" && len(lines) < d.lines {
		var fits string
		fits, line = cut(line, d.columns)
		lines = append(lines, fits)
	}
	return lines
}

// cut splits off as many words as fit in so many characters; a word longer than that is broken.
func cut(line string, columns int) (fits, rest string) {
	if utf8.RuneCountInString(line) <= columns {
		return line, ""
	}
	end, space, n := 0, -1, 0
	for i, c := range line {
		if n == columns {
			end = i
			if c == ' ' {
				space = i
			}
			break
		}
		if c == ' ' {
			space = i
		}
		n++
	}
	if space > 0 {
		end = space
	}
	return strings.TrimRight(line[:end], " "), strings.TrimLeft(line[end:], " ")
}

// firstWords is the text up to so many words.
func firstWords(text string, words int) string {
	inWord := false
	for i := range len(text) {
		space := text[i] == ' ' || text[i] == lineBreak[0]
		if !space && !inWord {
			if words == 0 {
				return strings.TrimRight(text[:i], " "+lineBreak)
			}
			words--
		}
		inWord = !space
	}
	return text
}

// typographic are characters that tills lack and what stands for them.
var typographic = strings.NewReplacer(
	"‘", "'", "’", "'", "‚", "'", "“", `"`, "”", `"`, "„", `"`, "–", "-", "—", "-", "−", "-", "…", "...", "•", "·", "\u202f", nbsp,
	"œ", "oe", "Œ", "OE", "\t", " ", "\n", " ", "\r", "",
)

// printable brings a text into the characters of code page 858, which tills and their printers have: accents they lack are left off, and
// what is left has a question mark.
func printable(text string) string {
	if isPrintable(text) {
		return text
	}
	text = norm.NFC.String(typographic.Replace(text))
	var b strings.Builder
	for _, c := range text {
		if _, ok := charmap.CodePage858.EncodeRune(c); ok && c >= ' ' {
			b.WriteRune(c)
			continue
		}
		base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(c)))
		if _, ok := charmap.CodePage858.EncodeRune(base); !ok || base < ' ' {
			base = unprintableSign
		}
		b.WriteRune(base)
	}
	return b.String()
}

// isPrintable reports whether every character is in code page 858 as it stands.
func isPrintable(text string) bool {
	for _, c := range text {
		if c < ' ' {
			return false
		}
		if c >= utf8.RuneSelf {
			if _, ok := charmap.CodePage858.EncodeRune(c); !ok {
				return false
			}
		}
	}
	return true
}
