package till

import (
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// ContentHash is contentHash, for its vectors.
var ContentHash = contentHash

// CopyLine is copyLine, which has to know every field of a line.
var CopyLine = copyLine

// Paid are lines as they would be paid, with what is taken off them.
func Paid(lines []*outcomev1.Line, off []*tillv1.LineDiscount) []*outcomev1.Line {
	return sale{lines: lines}.paid(off).lines
}

// Spoken are the languages with ready-made texts.
var Spoken = spoken

// ReadyMade lays out every ready-made text of a language for the usual devices, by name and audience, with facts as long as they come.
func ReadyMade(language string, familiar bool, columns int) map[string][]string {
	polite, je, err := readPhrases(language)
	if err != nil {
		panic(err)
	}
	t := tongue{phrases: polite, locale: locales[language], currency: "EUR", decimals: 2}
	if familiar {
		t.phrases = je
	}
	facts := &public{
		points: 1245, earned: 47, taken: 47, spent: 500, bonus: 25, times: 2, visits: 2, percent: 1500, money: 2340, least: 2500,
		from: 20527, by: 20540, tier: "Zilver", group: "Hovenier", name: "Anna",
	}
	devices := devicesOf(&tillv1.Abilities{DisplayLines: 2, PrinterColumns: int32(columns)})
	out := map[string][]string{}
	for name := range t.phrases {
		for a := range audiences {
			text := t.say(name, a, facts)
			if text == "" {
				continue
			}
			roomy := devices[a]
			roomy.lines, roomy.words = 100, 0
			out[name+"."+audienceNames[a]] = roomy.lay(text)
			if laid := devices[a].lay(text); strings.Join(laid, "|") != strings.Join(roomy.lay(text), "|") {
				out[name+"."+audienceNames[a]] = append(laid, "CUT: "+text)
			}
		}
	}
	return out
}

// Say is one ready-made text as written, before it is laid out.
func Say(language, phrase string, who int, points, earned int64, money int64, percent int32) string {
	polite, _, err := readPhrases(language)
	if err != nil {
		panic(err)
	}
	t := tongue{phrases: polite, locale: locales[language], currency: "EUR", decimals: 2}
	return t.say(phrase, audience(who), &public{points: points, earned: earned, money: money, percent: percent, tier: "Zilver", by: 20541})
}

// Lay fits a text to a device of so many columns and lines.
func Lay(text string, columns, lines, words int, noEuro bool) []string {
	return device{columns: columns, lines: lines, words: words, noEuro: noEuro}.lay(text)
}
