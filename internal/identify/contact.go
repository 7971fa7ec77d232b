package identify

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxPhone bounds what is tried as a telephone number: 15 digits by E.164, and how people break them up.
const maxPhone = 32

// maxEmail is the longest e-mail address that can be delivered to (RFC 5321).
const maxEmail = 254

// phone is the number in E.164, written as people of the country write it, or "".
func phone(text, country string) string {
	if len(text) > maxPhone {
		return ""
	}
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0, c == ' ', c == '-', c == '.', c == '/', c == '(', c == ')':
		default:
			return ""
		}
	}
	// Where numbers are written with a leading zero, digits without one are something else: an article, a receipt.
	if digits < 6 || text[0] != '+' && text[0] != '0' && text[0] != '(' && phonenumbers.GetNddPrefixForRegion(country, true) == "0" {
		return ""
	}
	number, err := phonenumbers.Parse(text, country)
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return ""
	}
	return phonenumbers.Format(number, phonenumbers.E164)
}

// email is the address in lower case, or "". It asks for one @, something before it, and a dotted domain after it.
func email(text string) string {
	if len(text) > maxEmail || strings.ContainsAny(text, " ,;<>()[]\\\"\x1d") {
		return ""
	}
	local, domain, ok := strings.Cut(text, "@")
	if !ok || local == "" || len(local) > 64 || strings.Contains(domain, "@") {
		return ""
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return ""
		}
	}
	if len(labels) < 2 || isDigits(labels[len(labels)-1]) {
		return ""
	}
	return strings.ToLower(text)
}

// address is a postcode and a house number in one form ("NL:1234AB:12-A"), or "".
func address(text, country string) string {
	if len(text) > 40 || !isASCII(text) {
		return ""
	}
	text = strings.ToUpper(text)
	split := leadingWord
	if country == "NL" {
		split = dutchPostcode
	}
	postcode, rest := split(text)
	house, addition := houseNumber(rest)
	if postcode == "" || house == "" {
		return ""
	}
	if addition != "" {
		house += "-" + addition
	}
	return country + ":" + postcode + ":" + house
}

// dutchPostcode splits "1234 AB 12" after its four digits and two letters.
func dutchPostcode(text string) (postcode, rest string) {
	if len(text) < 7 || !isDigits(text[:4]) || text[0] == '0' {
		return "", ""
	}
	letters := strings.TrimLeft(text[4:], " ")
	if len(letters) < 3 || !isLetter(letters[0]) || !isLetter(letters[1]) {
		return "", ""
	}
	return text[:4] + letters[:2], letters[2:]
}

// leadingWord splits a postcode from what follows a separator. In most countries a postcode is one word of digits, sometimes letters.
func leadingWord(text string) (postcode, rest string) {
	end := strings.IndexAny(text, " ,/:")
	if end < 3 || end > 8 {
		return "", ""
	}
	for i := range end {
		if !isLetter(text[i]) && (text[i] < '0' || text[i] > '9') {
			return "", ""
		}
	}
	return text[:end], text[end:]
}

// houseNumber splits "12 a", "12-a" or "12a" into the number without leading zeros and the addition.
func houseNumber(text string) (number, addition string) {
	text = strings.TrimLeft(text, " ,/:-")
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end == 0 || end > 6 {
		return "", ""
	}
	number = strings.TrimLeft(text[:end], "0")
	addition = strings.Trim(text[end:], " -/")
	addition = strings.NewReplacer(" ", "", "/", "-").Replace(addition)
	if len(addition) > 8 {
		return "", ""
	}
	for i := range len(addition) {
		if c := addition[i]; !isLetter(c) && (c < '0' || c > '9') && c != '-' {
			return "", ""
		}
	}
	return number, addition
}

// warmPhone reads numbers of a country, so that the library's patterns for it are compiled when a programme is and not at a till.
func warmPhone(country string) {
	for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
		if example := phonenumbers.GetExampleNumberForType(country, kind); example != nil {
			phone(phonenumbers.Format(example, phonenumbers.NATIONAL), country)
			phone(phonenumbers.Format(example, phonenumbers.E164), country)
		}
	}
}
