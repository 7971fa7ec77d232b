package main

import (
	"fmt"
	"strconv"
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// moneyPlaces is the number of decimals of amounts on the command line.
const moneyPlaces = 2

// parseLines reads lines written as sku:group:quantity:price, where price is what is paid for the whole line.
func parseLines(written []string) ([]*outcomev1.Line, error) {
	lines := make([]*outcomev1.Line, 0, len(written))
	for i, text := range written {
		line, err := parseLine(text)
		if err != nil {
			return nil, usageError(fmt.Sprintf("line %q: %v; write sku:group:quantity:price, as in 451003:4510:2:39.80 (price of the whole line)", text, err))
		}
		line.No = int32(i + 1)
		lines = append(lines, line)
	}
	return lines, nil
}

func parseLine(text string) (*outcomev1.Line, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 4 {
		return nil, fmt.Errorf("%d parts instead of four", len(parts))
	}
	if parts[0] == "" {
		return nil, fmt.Errorf("no sku")
	}
	quantity, err := decimal(parts[2], 3)
	if err != nil {
		return nil, fmt.Errorf("quantity: %w", err)
	}
	if quantity == 0 {
		return nil, fmt.Errorf("quantity is 0")
	}
	price, err := decimal(parts[3], moneyPlaces)
	if err != nil {
		return nil, fmt.Errorf("price: %w", err)
	}
	return &outcomev1.Line{Sku: parts[0], Group: parts[1], QuantityMilli: quantity, NetMinor: price}, nil
}

// decimal reads a number with at most so many places, written with a point or comma, as a whole number of its last place.
func decimal(text string, places int) (int64, error) {
	whole, fraction, _ := strings.Cut(strings.Replace(text, ",", ".", 1), ".")
	if len(fraction) > places {
		return 0, fmt.Errorf("%q has more than %d places", text, places)
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || strings.Trim(digits+fraction, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", places-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return n, nil
}

// money writes minor units as an amount.
func money(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%s.%02d", sign, thousands(minor/100), minor%100)
}

// pieces writes thousandths as a quantity, without zeros nobody needs.
func pieces(milli int64) string {
	text := strconv.FormatFloat(float64(milli)/1000, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// thousands writes a number with commas.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}
