package programme

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// lineBreak starts a new line in a text.
const lineBreak = "|"

// narrowReceipt is the width of the narrowest receipt, and how many lines a text may come to there.
const narrowReceipt, narrowLines = 32, 6

// room is what a place has for a text.
type room struct {
	name  string // as a person calls one line of it
	lines int
	width int
	words int // 0 for any number
}

// The places that texts go to.
var (
	cashierRoom = room{name: "a cashier line", lines: 2, width: 40, words: 12}
	displayRoom = room{name: "a display line", lines: 2, width: 20}
	receiptRoom = room{name: "a receipt line", lines: 4, width: 42}
	nameRoom    = room{name: "a name on the display", lines: 1, width: 20}
	answerRoom  = room{name: "an answer on the display", lines: 1, width: 20}
)

// texts looks at all words that people at the till read: that they fit, that the devices have their characters, and that every language that is
// promised is there.
func (c *checker) texts() {
	for i, s := range c.p.GetSegments() {
		c.languages(entry("segments", i)+".name", s.GetName())
		c.text(entry("segments", i)+".hint", s.GetHint(), cashierRoom)
		c.text(entry("segments", i)+".public_name", s.GetPublicName(), nameRoom)
	}
	for i, t := range c.p.GetTiers() {
		c.text(entry("tiers", i)+".name", t.GetName(), nameRoom)
	}
	for i, g := range c.p.GetCustomerGroups() {
		c.text(entry("customer_groups", i)+".name", g.GetName(), nameRoom)
	}
	for i, campaign := range c.p.GetCampaigns() {
		path := entry("campaigns", i)
		c.text(path+".say.cashier", campaign.GetSay().GetCashier(), cashierRoom)
		c.text(path+".say.display", campaign.GetSay().GetDisplay(), displayRoom)
		c.text(path+".say.receipt", campaign.GetSay().GetReceipt(), receiptRoom)
		c.choices(path+".then.choices", campaign.GetThen().GetChoices())
		c.choices(path+".survey.choices", campaign.GetSurvey().GetChoices())
	}
}

// choices looks at the answers of a question.
func (c *checker) choices(path string, choices []*programmev1.Choice) {
	for i, choice := range choices {
		c.text(entry(path, i)+".text", choice.GetText(), answerRoom)
		if len(choice.GetText()) == 0 {
			c.lacks(entry(path, i), "Write {nl: …}, with a text for each language.", "the choice has no words")
		}
	}
}

// text looks at one text in all its languages.
func (c *checker) text(path string, in []*programmev1.Translation, r room) {
	c.languages(path, in)
	for i, t := range in {
		if message, remedy := r.fits(t.GetText()); message != "" {
			c.wrong(entry(path, i)+".text", remedy, "%s", message)
		}
	}
}

// languages refuses a text that lacks a language. Texts that come from a preset alone fall back to the ready-made ones instead.
func (c *checker) languages(path string, in []*programmev1.Translation) {
	if m, _ := c.doc.marks.nearest(path); len(in) == 0 || !m.given {
		return
	}
	there := map[string]bool{}
	for _, t := range in {
		there[t.GetLanguage()] = true
	}
	var missing []string
	for _, l := range c.p.GetLanguages() {
		if !there[l] {
			missing = append(missing, l)
		}
	}
	if len(missing) > 0 {
		c.wrong(path, "Add "+list(each(missing, ": …"), "and")+".", "no text in %s, which `languages` promises", list(missing, "and"))
	}
}

// fits says what keeps a text from being shown, or "" when nothing does.
func (r room) fits(text string) (message, remedy string) {
	if c := stranger(text); c != 0 {
		return fmt.Sprintf("%s is not on every till's display and printer", spellOut(c)), replacement(c)
	}
	lines := strings.Split(text, lineBreak)
	if len(lines) > r.lines {
		return fmt.Sprintf("%d lines, %s allows %d", len(lines), strings.Replace(r.name, " line", " text", 1), r.lines), "Leave out a " + lineBreak + " or a line."
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > r.width {
			remedy := "Shorten it."
			if len(lines) < r.lines {
				remedy = "Shorten it or break it with " + lineBreak + "."
			}
			return fmt.Sprintf("%d characters, %s has %d", n, r.name, r.width), remedy
		}
	}
	if n := countWords(text); r.words > 0 && n > r.words {
		return fmt.Sprintf("%d words, a cashier reads at most %d", n, r.words), "Shorten it."
	}
	if n := len(wrap(text, narrowReceipt)); r == receiptRoom && n > narrowLines {
		return fmt.Sprintf("%d lines on a narrow receipt of %d characters, which has room for %d", n, narrowReceipt, narrowLines), "Shorten it."
	}
	return "", ""
}

// stranger is the first character of a text that code page 858 does not have, or that is no character to print; 0 when there is none.
func stranger(text string) rune {
	for _, c := range text {
		if _, ok := charmap.CodePage858.EncodeRune(c); !ok || unicode.IsControl(c) {
			return c
		}
	}
	return 0
}

// spellOut names a character in a message.
func spellOut(c rune) string {
	switch {
	case c == '\n' || c == '\r':
		return "a new line"
	case c == '\t':
		return "a tab"
	case !unicode.IsPrint(c):
		return fmt.Sprintf("the invisible character %U", c)
	default:
		return fmt.Sprintf("the character `%c` (%U)", c, c)
	}
}

// replacement is what to write instead of a character that tills lack.
func replacement(c rune) string {
	for _, r := range []struct{ from, to string }{
		{"–—‐‑−", "-"},
		{"’‘‛", "'"},
		{"“”„", `"`},
		{"…", "..."},
		{"\n\r", lineBreak},
		{"\t\u2009\u202f\u200b", "a space"},
		{"œ", "oe"},
		{"Œ", "OE"},
		{"•", "·"},
		{"ẞ", "SS"},
		{"™", "nothing"},
	} {
		if strings.ContainsRune(r.from, c) {
			return "Write " + r.to + " instead."
		}
	}
	return "Leave it out."
}

// countWords counts what is read: runs without spaces that hold a letter or a digit.
func countWords(text string) int {
	n := 0
	for _, w := range strings.Fields(strings.ReplaceAll(text, lineBreak, " ")) {
		if strings.ContainsFunc(w, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
			n++
		}
	}
	return n
}

// wrap breaks a text into lines of at most so many characters, between words where it can.
func wrap(text string, width int) []string {
	var out []string
	for _, line := range strings.Split(text, lineBreak) {
		rest := []rune(line)
		for len(rest) > width {
			cut := width
			for cut > 0 && rest[cut] != ' ' {
				cut--
			}
			if cut == 0 {
				cut = width
			}
			out = append(out, string(rest[:cut]))
			rest = rest[cut:]
			for len(rest) > 0 && rest[0] == ' ' {
				rest = rest[1:]
			}
		}
		out = append(out, string(rest))
	}
	return out
}
