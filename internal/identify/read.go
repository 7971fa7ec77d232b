package identify

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// MaxBytes bounds a scan: what is longer is no card.
const MaxBytes = 512

// Outcome is what a scan turned out to be.
type Outcome uint8

// The outcomes of reading a scan.
const (
	// NotACard is anything no rule knows: an article, a weighed good, a coupon of somebody else.
	NotACard Outcome = iota
	// Card is what leads to a customer: a card, a phone number, an e-mail address, an address.
	Card
	// Voucher is a voucher or coupon of ours.
	Voucher
	// BadCheckDigit is a card or voucher by its form whose check digit does not hold: it was misread.
	BadCheckDigit
)

// Reading is what a scan was read as. Only Outcome is set for NotACard; a BadCheckDigit also names its kind.
type Reading struct {
	Outcome Outcome
	// Kind is what the rule that matched is for.
	Kind programmev1.IdentifierKind
	// Namespace and Canonical name the identifier; both go into its hash. Never log Canonical.
	Namespace, Canonical string
	// Issued tells that the number was handed out, so that it is a new card when nobody knows it.
	Issued bool
	// Masked may be shown: at most the last four characters ("…6785").
	Masked string
}

// Read tells what was scanned. The first rule that matches wins; a code whose check digit does not hold is told so only when no other
// rule's check digit holds for it. Read never fails: what cannot be read is NotACard.
func (r *Rules) Read(raw []byte) Reading {
	s, ok := r.unwrap(raw)
	if !ok {
		return Reading{}
	}
	if r.azerty {
		if number, ok := fromAzerty(s.text); ok {
			if reading := r.match(number, 0); reading.checked {
				return reading.Reading
			}
		}
	}
	if number := gsrn(s); number != "" {
		if reading := r.match(number, 0); reading.Outcome != NotACard {
			return reading.Reading
		}
	}
	return r.match(s.text, 0).Reading
}

// match is a reading, and whether a check digit stood up for it.
type match struct {
	Reading
	checked bool
}

// match tries the rules in order. With a kind given, only the rules of that kind that are no links are tried: for what stands behind a link.
func (r *Rules) match(text string, within programmev1.IdentifierKind) match {
	var misread match
	for i := range r.rules {
		rule := &r.rules[i]
		if within != 0 && (rule.kind != within || rule.link != "") {
			continue
		}
		if misread.Outcome == BadCheckDigit && !rule.checks() && rule.link == "" {
			continue
		}
		found := r.try(rule, text)
		switch found.Outcome {
		case NotACard:
		case BadCheckDigit:
			if misread.Outcome == NotACard {
				misread = found
			}
		case Card, Voucher:
			return found
		}
	}
	return misread
}

// try reads the text by one rule.
func (r *Rules) try(rule *rule, text string) match {
	if rule.link != "" {
		rest, ok := behindLink(text, rule.link)
		if !ok {
			return match{}
		}
		return r.match(rest, rule.kind)
	}
	switch rule.kind {
	case programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE:
		return rule.found(phone(text, rule.country))
	case programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
		return rule.found(email(text))
	case programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER:
		return rule.found(address(text, rule.country))
	default:
		return rule.code(text)
	}
}

// code reads a card number or voucher code.
func (r *rule) code(text string) match {
	if r.numeric {
		digits, ok := onlyDigits(text)
		if !ok {
			return match{}
		}
		text = digits
		// A UPC-A is an EAN-13 whose leading zero the scanner left out.
		if len(text) == 12 && r.length == 13 && r.check == programmev1.CheckDigit_CHECK_DIGIT_GS1 {
			text = "0" + text
		}
	}
	if !r.fits(text) {
		return match{}
	}
	if r.checks() && !r.holds(text) {
		return match{Reading: Reading{Outcome: BadCheckDigit, Kind: r.kind}}
	}
	m := r.found(text)
	m.checked = r.checks()
	return m
}

// fits reports whether the code has the rule's form.
func (r *rule) fits(text string) bool {
	if r.length != 0 && len(text) != r.length || !strings.HasPrefix(text, r.startsWith) {
		return false
	}
	return r.pattern == nil || r.pattern.MatchString(text)
}

// checks reports whether the rule asks for a check digit.
func (r *rule) checks() bool {
	return r.check == programmev1.CheckDigit_CHECK_DIGIT_GS1 || r.check == programmev1.CheckDigit_CHECK_DIGIT_LUHN
}

// holds reports whether the code's check digit is right.
func (r *rule) holds(digits string) bool {
	if r.check == programmev1.CheckDigit_CHECK_DIGIT_LUHN {
		return holdsLuhn(digits)
	}
	return holdsGS1(digits)
}

// found is the reading of a canonical form; nothing for "".
func (r *rule) found(canonical string) match {
	if canonical == "" {
		return match{}
	}
	reading := Reading{
		Outcome: Card, Kind: r.kind, Namespace: r.namespace, Canonical: canonical, Masked: mask(canonical),
		Issued: r.first != "" && len(canonical) == len(r.first) && canonical >= r.first && canonical <= r.last,
	}
	if r.kind == programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER {
		reading.Outcome = Voucher
	}
	return match{Reading: reading}
}

// behindLink is what stands behind the link, up to a query, a fragment or a closing slash. Codes may print addresses in capitals.
func behindLink(text, link string) (string, bool) {
	if len(text) <= len(link) || !strings.EqualFold(text[:len(link)], link) {
		return "", false
	}
	rest := text[len(link):]
	if end := strings.IndexAny(rest, "?#&"); end >= 0 {
		rest = rest[:end]
	}
	rest, err := url.PathUnescape(strings.TrimRight(rest, "/"))
	return rest, err == nil && rest != "" && utf8.ValidString(rest) && strings.IndexFunc(rest, unicode.IsControl) < 0
}

// mask is the last four characters behind an ellipsis; of short codes less than half, so that the rest cannot be guessed.
func mask(canonical string) string {
	runes := []rune(canonical)
	shown := min(4, len(runes)/2)
	return "…" + string(runes[len(runes)-shown:])
}
