package till_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/stamklant/stamklant/internal/instore/till"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// TestReadyMadeTexts lays out every ready-made text for the usual devices and a narrow printer: none is cut, none is longer than its device,
// and all of them stand as in testdata.
func TestReadyMadeTexts(t *testing.T) {
	t.Parallel()
	limits := map[string]struct{ columns, lines, words int }{"cashier": {40, 2, 12}, "display": {20, 2, 0}, "receipt": {42, 4, 0}}
	keys := map[string][]string{}
	for _, language := range till.Spoken {
		var golden strings.Builder
		for _, familiar := range []bool{false, true} {
			for _, columns := range []int{42, 32} {
				texts := till.ReadyMade(language, familiar, columns)
				names := make([]string, 0, len(texts))
				for name, lines := range texts {
					names = append(names, name)
					_, audience, _ := strings.Cut(name, ".")
					limit := limits[audience]
					if audience == "receipt" && columns == 32 {
						limit.columns, limit.lines = 32, 6
					}
					words := 0
					for _, line := range lines {
						words += len(strings.Fields(line))
						if utf8.RuneCountInString(line) > limit.columns {
							t.Errorf("%s %s: %q is longer than %d", language, name, line, limit.columns)
						}
						for _, c := range line {
							if _, ok := charmap.CodePage858.EncodeRune(c); !ok {
								t.Errorf("%s %s: %q is not in code page 858", language, name, c)
							}
						}
					}
					if len(lines) > limit.lines || limit.words > 0 && words > limit.words {
						t.Errorf("%s %s: %d lines, %d words: %q", language, name, len(lines), words, lines)
					}
				}
				slices.Sort(names)
				if columns == 42 {
					for _, name := range names {
						fmt.Fprintf(&golden, "%v %s = %s\n", map[bool]string{false: "u ", true: "je"}[familiar], name, strings.Join(texts[name], "|"))
					}
					keys[language] = names
				}
			}
		}
		path := filepath.Join("testdata", "texts", language+".golden")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(golden.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != golden.String() {
			t.Errorf("%s is not what stands in %s; run with -update and look at the difference", language, path)
		}
	}
	for _, language := range till.Spoken {
		if !slices.Equal(keys[language], keys["nl"]) {
			t.Errorf("%s has other texts than nl", language)
		}
	}
}

// TestWording holds the texts of the words at the till that have figures in them, letter by letter.
func TestWording(t *testing.T) {
	t.Parallel()
	const cashier, display, receipt = 0, 1, 2
	for _, tc := range []struct {
		language, phrase string
		who              int
		points, earned   int64
		money            int64
		percent          int32
		want             string
	}{
		{"nl", "regular", cashier, 1245, 0, 0, 0, "Zilver · 1.245 punten"},
		{"en", "regular", display, 1245, 0, 0, 0, "Hello! You have|1,245 points"},
		{"fr", "regular", display, 1234567, 0, 0, 0, "Bonjour ! Vous avez|1\u00a0234\u00a0567 points"},
		{"de", "regular", display, 1245, 0, 0, 0, "Hallo! Sie haben|1.245 Punkte"},
		{"nl", "earned", receipt, 1292, 47, 0, 0, "Gespaard op deze bon: 47 punten|Nieuw saldo: 1.292 punten"},
		{"nl", "earned", receipt, 1, 1, 0, 0, "Gespaard op deze bon: 1 punt|Nieuw saldo: 1 punt"},
		{"en", "earned", receipt, 0, 1, 0, 0, "Earned on this receipt: 1 point|New balance: 0 points"},
		{"fr", "earned", receipt, 0, 2, 0, 0, "Gagnés sur ce ticket : 2 points|Nouveau solde : 0 point"},
		{"nl", "next_tier", cashier, 0, 0, 2340, 0, "Nog €\u00a023,40 tot Zilver, voor 29-03"},
		{"en", "next_tier", cashier, 0, 0, 2340, 0, "€23.40 to go to Zilver, by 29 Mar"},
		{"de", "next_tier", cashier, 0, 0, 123456700, 0, "Noch 1.234.567\u00a0€ bis Zilver, bis 29.03."},
		{"fr", "next_tier", cashier, 0, 0, 5, 0, "Encore 0,05\u00a0€ pour Zilver, avant 29/03"},
		{"nl", "percent", cashier, 0, 0, 0, 2000, "Geef 20% korting"},
		{"nl", "percent", cashier, 0, 0, 0, 1250, "Geef 12,5% korting"},
		{"en", "percent", cashier, 0, 0, 0, 1205, "Give 12.05% off"},
		{"de", "percent", cashier, 0, 0, 0, 2000, "Gib 20\u00a0% Rabatt"},
	} {
		t.Run(tc.language+" "+tc.want, func(t *testing.T) {
			t.Parallel()
			if got := till.Say(tc.language, tc.phrase, tc.who, tc.points, tc.earned, tc.money, tc.percent); got != tc.want {
				t.Errorf("says %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                  string
		text                  string
		columns, lines, words int
		noEuro                bool
		want                  string
	}{
		{"fits", "een|twee", 20, 2, 0, false, "een|twee"},
		{"wrapped at a space", "Raadt u ons aan bij uw vrienden?", 20, 2, 0, false, "Raadt u ons aan bij|uw vrienden?"},
		{"exactly full", "12345678901234567890 x", 20, 2, 0, false, "12345678901234567890|x"},
		{"a word too long", strings.Repeat("x", 25), 20, 2, 0, false, strings.Repeat("x", 20) + "|xxxxx"},
		{"more than there is room for", "een|twee|drie", 20, 2, 0, false, "een|twee"},
		{"figures do not break", "Saldo: 1\u00a0245 punten", 10, 3, 0, false, "Saldo:|1\u00a0245|punten"},
		{"twelve words", "1 2 3 4 5 6|7 8 9 10 11 12 13 14", 40, 2, 12, false, "1 2 3 4 5 6|7 8 9 10 11 12"},
		{"no euro sign", "Nog € 23,40", 20, 2, 0, true, "Nog EUR 23,40"},
		{"quotes and dashes", "“Ça va” – oui… l’œuf", 40, 2, 0, false, `"Ça va" - oui... l'oeuf`},
		{"accents a till lacks", "Škoda Łódź", 40, 2, 0, false, "Skoda ?ódz"},
		{"no display", "iets", 20, 0, 0, false, ""},
		{"nothing", "", 20, 2, 0, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(till.Lay(tc.text, tc.columns, tc.lines, tc.words, tc.noEuro), "|"); got != tc.want {
				t.Errorf("laid out %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzLayout(f *testing.F) {
	f.Add("Raadt u ons aan?|0 = nee   10 = zeker", 20, 2, 12)
	f.Add("1\u00a0245 €\x00\xff…|", 8, 1, 0)
	f.Fuzz(func(t *testing.T, text string, columns, lines, words int) {
		columns, lines, words = columns%201, lines%21, words%20
		got := till.Lay(text, columns, lines, max(words, 0), len(text)%2 == 0)
		if len(got) > max(lines, 0) {
			t.Fatalf("%q takes %d lines of %d", text, len(got), lines)
		}
		count := 0
		for _, line := range got {
			count += len(strings.FieldsFunc(line, func(c rune) bool { return c == ' ' }))
			if n := utf8.RuneCountInString(line); n > columns || line == "" {
				t.Fatalf("%q became %q of %d characters, %d fit", text, line, n, columns)
			}
			for _, c := range line {
				if _, ok := charmap.CodePage858.EncodeRune(c); !ok || c < ' ' {
					t.Fatalf("%q became %q, which no till shows", text, line)
				}
			}
		}
		if words > 0 && columns >= 8 && count > words+max(lines, 0) { // a word that is broken counts for each piece
			t.Fatalf("%q became %d words, %d are allowed: %q", text, count, words, got)
		}
	})
}
