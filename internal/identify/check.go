package identify

// holdsGS1 reports whether the last digit is right by GS1 modulo 10: weights 3 and 1 in turn from the digit left of it.
func holdsGS1(digits string) bool {
	if len(digits) < 2 {
		return false
	}
	sum, weight := 0, 1
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return sum%10 == 0
}

// holdsLuhn reports whether the last digit is right by Luhn modulo 10 (ISO/IEC 7812): every second digit from the right doubled.
func holdsLuhn(digits string) bool {
	if len(digits) < 2 {
		return false
	}
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

// isDigits reports whether the text is one or more ASCII digits and nothing else.
func isDigits(text string) bool {
	if text == "" {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// onlyDigits is the text without spaces and hyphens, and whether digits are all that is left.
func onlyDigits(text string) (string, bool) {
	if isDigits(text) {
		return text, true
	}
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			b = append(b, c)
		case c == ' ' || c == '-':
		default:
			return "", false
		}
	}
	return string(b), len(b) > 0
}
