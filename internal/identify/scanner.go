package identify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// groupSeparator is what a scanner sends for FNC1: it ends a GS1 element of variable length.
const groupSeparator = '\x1d'

// scan is what is left of a scan once the scanner's own additions are taken off.
type scan struct {
	text string
	aim  string // the two characters after the bracket of an AIM id ("E0"), or ""
	gs1  bool   // the symbol says that it holds GS1 element strings
}

// unwrap takes off control characters, the configured prefix and suffix, and the AIM id, and brings what is left into one form of Unicode.
// It reports false when nothing is left, or too much.
func (r *Rules) unwrap(raw []byte) (s scan, ok bool) {
	if len(raw) == 0 || len(raw) > MaxBytes {
		return scan{}, false
	}
	text, fnc1 := withoutControls(raw)
	text = strings.TrimSpace(text)
	for _, prefix := range r.prefixes {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text = rest
			break
		}
	}
	for _, suffix := range r.suffixes {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text = rest
			break
		}
	}
	s = splitAIM(text)
	if rest, ok := strings.CutPrefix(s.text, string(groupSeparator)); ok {
		s.text, s.gs1 = rest, true
	}
	s.gs1 = s.gs1 || fnc1
	if s.text, ok = composed(s.text); !ok {
		return scan{}, false
	}
	s.text = strings.TrimSpace(track2(s.text))
	return s, s.text != ""
}

// composed is the text in NFKC, the form in which full-width digits are digits. It reports false when that is too long for a card.
func composed(text string) (string, bool) {
	if isASCII(text) {
		return text, true
	}
	var form [MaxBytes]byte
	n, _, err := norm.NFKC.Transform(form[:], []byte(text), true)
	return string(form[:n]), err == nil
}

// withoutControls is the scan as text without control and invisible formatting characters; a group separator inside stays. It also tells
// whether the scan began with a group separator. Bytes that are no UTF-8 are read as Latin-1, as keyboards of old tills send them.
func withoutControls(raw []byte) (text string, fnc1 bool) {
	decode := utf8.DecodeRune
	if !utf8.Valid(raw) {
		decode = func(b []byte) (rune, int) { return rune(b[0]), 1 }
	}
	var b strings.Builder
	b.Grow(len(raw))
	for len(raw) > 0 {
		c, size := decode(raw)
		raw = raw[size:]
		switch {
		case c == groupSeparator && b.Len() == 0:
			fnc1 = true
		case c == groupSeparator || c > ' ' && c < 0x7f:
			b.WriteRune(c)
		case !unicode.IsControl(c) && !unicode.Is(unicode.Cf, c):
			b.WriteRune(c)
		}
	}
	return strings.TrimRight(b.String(), string(groupSeparator)), fnc1
}

// splitAIM takes the AIM symbology id ("]E0") off.
func splitAIM(text string) scan {
	if len(text) < 3 || text[0] != ']' || !isLetter(text[1]) || !isLetter(text[2]) && !isDigits(text[2:3]) {
		return scan{text: text}
	}
	s := scan{text: text[3:], aim: text[1:3]}
	switch s.aim {
	case "C1", "d2", "Q3", "e0", "J1":
		s.gs1 = true
	case "E3": // an EAN-13 with the two or five digits of an add-on behind it
		if (len(s.text) == 15 || len(s.text) == 18) && isDigits(s.text) {
			s.text = s.text[:13]
		}
	}
	return s
}

// azerty is the digit row of a French and of a Belgian keyboard; where they differ (6 and 8) both characters stand for the digit.
var azerty = map[rune]byte{
	'&': '1', 'é': '2', '"': '3', '\'': '4', '(': '5', '-': '6', '§': '6', 'è': '7', '_': '8', '!': '8', 'ç': '9', 'à': '0',
}

// fromAzerty is the number that was meant when every character is on the digit row of a French or Belgian keyboard.
func fromAzerty(text string) (string, bool) {
	b := make([]byte, 0, len(text))
	for _, c := range text {
		digit, ok := azerty[c]
		if !ok {
			return "", false
		}
		b = append(b, digit)
	}
	return string(b), len(b) > 0
}

// track2 is the card number out of the second track of a magnetic stripe (";number=rest?"), also behind a first track. Anything else
// comes back as it is.
func track2(text string) string {
	rest := text
	if strings.HasPrefix(rest, "%") {
		_, after, ok := strings.Cut(rest, "?")
		if !ok {
			return text
		}
		rest = after
	}
	rest, ok := strings.CutPrefix(rest, ";")
	if !ok {
		return text
	}
	end := strings.IndexAny(rest, "=?")
	if end < 0 || !isDigits(rest[:end]) {
		return text
	}
	return rest[:end]
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
