package till

import (
	"slices"
	"strconv"
	"time"
)

// locale is how figures are written in a language.
type locale struct {
	code         string
	thousands    string
	decimal      string
	dates        string // layout of a day
	symbolBehind bool   // 23,40 €
	noneIsOne    bool   // 0 takes the word for one
}

// locales are the figures of the languages with ready-made texts. Spaces within a figure do not break.
var locales = map[string]locale{
	"nl": {code: "nl", thousands: ".", decimal: ",", dates: "02-01"},
	"de": {code: "de", thousands: ".", decimal: ",", dates: "02.01.", symbolBehind: true},
	"fr": {code: "fr", thousands: nbsp, decimal: ",", dates: "02/01", symbolBehind: true, noneIsOne: true},
	"en": {code: "en", thousands: ",", decimal: ".", dates: "2 Jan"},
}

const nbsp = "\u00a0"

// appendNumber writes a whole number with separated thousands.
func (l *locale) appendNumber(b []byte, n int64) []byte {
	if n < 0 {
		b = append(b, '-')
	}
	var digits [20]byte
	s := strconv.AppendUint(digits[:0], magnitude(n), 10)
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b = append(b, l.thousands...)
		}
		b = append(b, digit)
	}
	return b
}

// appendMoney writes an amount with its currency; whole amounts without decimals, as a shop writes them.
func (l *locale) appendMoney(b []byte, minor int64, currency string, decimals int32) []byte {
	symbol := currency
	if currency == "EUR" {
		symbol = "€"
	}
	if !l.symbolBehind {
		b = append(b, symbol...)
		if symbol != "€" || l.code != "en" {
			b = append(b, nbsp...)
		}
	}
	unit := int64(1)
	for range decimals {
		unit *= 10
	}
	b = l.appendNumber(b, minor/unit)
	if rest := int64(magnitude(minor % unit)); rest != 0 {
		b = append(b, l.decimal...)
		b = append(b, strconv.FormatInt(unit+rest, 10)[1:]...)
	}
	if l.symbolBehind {
		b = append(append(b, nbsp...), symbol...)
	}
	return b
}

// appendPercent writes basis points as a percentage.
func (l *locale) appendPercent(b []byte, basisPoints int32) []byte {
	b = strconv.AppendInt(b, int64(basisPoints/100), 10)
	if rest := basisPoints % 100; rest != 0 {
		b = append(b, l.decimal...)
		b = append(b, byte('0'+rest/10))
		if rest%10 != 0 {
			b = append(b, byte('0'+rest%10))
		}
	}
	if l.code == "fr" || l.code == "de" {
		b = append(b, nbsp...)
	}
	return append(b, '%')
}

// appendDay writes a day, given in days since 1970-01-01, without its year.
func (l *locale) appendDay(b []byte, day int32) []byte {
	return time.Unix(int64(day)*86400, 0).UTC().AppendFormat(b, l.dates)
}

// one reports whether a number takes the word for one.
func (l *locale) one(n int64) bool {
	return n == 1 || n == 0 && l.noneIsOne
}

// known is the language to use for one that was asked for: itself, or English where there are no texts in it.
func known(language string) string {
	if slices.Contains(spoken, language) {
		return language
	}
	return spoken[0]
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
