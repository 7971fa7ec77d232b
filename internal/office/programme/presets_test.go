package programme_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/segment"
)

// eleven is the map as the product's description has it.
var eleven = map[string]string{
	"champions":          "555 554 544 545 454 455 445",
	"loyal":              "543 444 435 355 354 345 344 335",
	"potential_loyalist": "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323",
	"new_customer":       "512 511 422 421 412 411 311",
	"promising":          "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
	"needs_attention":    "535 534 443 434 343 334 325 324",
	"about_to_sleep":     "331 321 312 221 213 231 241 251",
	"at_risk":            "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
	"cannot_lose":        "155 154 144 214 215 115 114 113",
	"hibernating":        "332 322 233 232 223 222 132 123 122 212 211",
	"lost":               "111 112 121 131 141 151",
	"prospect":           "",
}

var elevenInDutch = "Kampioenen, Loyaal, Potentiële loyalist, Nieuwe klanten, Veelbelovend, Aandacht nodig, Op het punt te slapen, In gevaar, " +
	"Op het punt te verliezen, Slaapstand, Verloren klanten, Prospect"

func TestElevenSegments(t *testing.T) {
	t.Parallel()
	var dutch []string
	p := parse(t, "starts_from: eleven-segments\n").Programme
	for _, s := range p.GetSegments() {
		if want, got := eleven[s.GetCode()], strings.Join(s.GetCodes(), " "); got != want {
			t.Errorf("%s claims %s, want %s", s.GetCode(), got, want)
		}
		dutch = append(dutch, s.GetName()[0].GetText())
	}
	if got := strings.Join(dutch, ", "); got != elevenInDutch {
		t.Errorf("Dutch names are %s", got)
	}
	silent := parse(t, "").Programme
	if len(silent.GetSegments()) != len(eleven) {
		t.Errorf("a programme that says nothing about segments has %d", len(silent.GetSegments()))
	}
}

// TestNineSegments holds the nine against their rule: recency in three parts, frequency and money together in three.
func TestNineSegments(t *testing.T) {
	t.Parallel()
	segments := parse(t, "starts_from: nine-segments\n").Programme.GetSegments()
	m, err := segment.Compile(segments, 5)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int][]string{
		5: {"top", "regular", "starter"}, 4: {"top", "regular", "starter"},
		3: {"top_cooling", "regular_cooling", "casual"},
		2: {"top_away", "regular_away", "lost"}, 1: {"top_away", "regular_away", "lost"},
	}
	for s, code := range m.All {
		column := 2
		if s.F+s.M >= 8 {
			column = 0
		} else if s.F+s.M >= 5 {
			column = 1
		}
		if want := rows[s.R][column]; code != want {
			t.Errorf("%s is %s, want %s", s, code, want)
		}
	}
	if len(segments) != 10 {
		t.Errorf("%d segments, want nine and prospect", len(segments))
	}
}

// TestPresetsFit reads every preset by itself in each of its four languages, so that its texts are checked like anybody's.
func TestPresetsFit(t *testing.T) {
	t.Parallel()
	for _, name := range programme.Presets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, ok := programme.PresetText(name)
			if !ok {
				t.Fatal("no text")
			}
			head := strings.Replace(base, "[nl, en]", "[nl, en, fr, de]", 1)
			head = strings.Replace(head, `tobacco: "71*"`, `tobacco: "71*", medicine: "8*", infant_formula: "91*", books: "92*"`, 1)
			doc, err := programme.Parse("test", programme.File{Name: "test.yaml", Text: []byte(head + string(text))})
			if err != nil {
				t.Fatal(err)
			}
			if problems := programme.Check(doc); len(problems) > 0 {
				t.Errorf("%s", problems)
			}
			for _, s := range doc.Programme.GetSegments() {
				if s.GetLever() == programmev1.Lever_LEVER_UNSPECIFIED || s.GetPersona() == "" || len(s.GetHint()) != 4 || len(s.GetName()) != 4 {
					t.Errorf("%s lacks a lever, a persona, a hint or a name", s.GetCode())
				}
			}
		})
	}
	if _, ok := programme.PresetText("../doc"); ok {
		t.Error("a file outside is a preset")
	}
}

func TestSalt(t *testing.T) {
	t.Parallel()
	// printf '\x11stamklant/salt/v1\x11verf-bij-tuinhout' | sha256sum | cut -c1-16
	if got := programme.Salt("verf-bij-tuinhout"); got != "42e3986c0ed454c3" {
		t.Errorf("got %s", got)
	}
	doc := parse(t, "campaigns: {een: {prompt: thanks}, twee: {prompt: thanks}}\n")
	salts := []string{doc.Programme.GetCampaigns()[0].GetSalt(), doc.Programme.GetCampaigns()[1].GetSalt()}
	if want := []string{programme.Salt("een"), programme.Salt("twee")}; !slices.Equal(salts, want) {
		t.Errorf("salts are %s, want %s", fmt.Sprint(salts), fmt.Sprint(want))
	}
}
