package identify

import "strings"

// gsrnDigits is the length of a Global Service Relation Number, AI 8018: the one GS1 key that names a customer.
const gsrnDigits = 18

// gsrn is the number behind AI 8018 in a GS1 element string or a GS1 Digital Link, or "".
func gsrn(s scan) string {
	if path, ok := linkPath(s.text); ok {
		return digitalLink(path)
	}
	if s.gs1 {
		return elementString(s.text)
	}
	if rest, ok := strings.CutPrefix(s.text, "(8018)"); ok && len(rest) >= gsrnDigits && isDigits(rest[:gsrnDigits]) {
		return rest[:gsrnDigits]
	}
	if rest, ok := strings.CutPrefix(s.text, "8018"); ok && len(rest) == gsrnDigits && isDigits(rest) && holdsGS1(rest) {
		return rest // a scanner that does not say what symbol it read
	}
	return ""
}

// linkPath is the path of a web address.
func linkPath(text string) (string, bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "", false
	}
	_, path, _ := strings.Cut(rest, "/")
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	return path, true
}

// digitalLink is the number behind 8018 in the path of a GS1 Digital Link; any domain and any path may stand before it.
func digitalLink(path string) string {
	for path != "" {
		segment, rest, _ := strings.Cut(path, "/")
		if segment == "8018" {
			number, _, _ := strings.Cut(rest, "/")
			if len(number) == gsrnDigits && isDigits(number) {
				return number
			}
		}
		path = rest
	}
	return ""
}

// elementString walks the elements of a GS1 symbol to AI 8018.
func elementString(text string) string {
	for text != "" {
		if text[0] == groupSeparator {
			text = text[1:]
			continue
		}
		if rest, ok := strings.CutPrefix(text, "8018"); ok && len(rest) >= gsrnDigits && isDigits(rest[:gsrnDigits]) {
			return rest[:gsrnDigits]
		}
		if n := fixedLength(text); n > 0 {
			if n > len(text) {
				return ""
			}
			text = text[n:]
			continue
		}
		_, rest, ok := strings.Cut(text, string(groupSeparator))
		if !ok {
			return ""
		}
		text = rest
	}
	return ""
}

// fixedLength is the length of the element that the text begins with, application identifier included, where the GS1 General
// Specifications predefine it (figure 7.8.5-2); 0 where the element runs to a separator.
func fixedLength(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[:2] {
	case "00":
		return 20
	case "01", "02", "03":
		return 16
	case "04":
		return 18
	case "11", "12", "13", "14", "15", "16", "17", "18", "19":
		return 8
	case "20":
		return 4
	case "31", "32", "33", "34", "35", "36":
		return 10
	case "41":
		return 16
	}
	return 0
}
