package programme

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Preview draws the words of every campaign as the devices show them: the cashier's lines, a display of two lines of twenty, a receipt of
// forty-two characters. What a campaign leaves out, and so is filled from the ready-made texts, is not drawn. Only code, when it is not empty, is
// shown of a single campaign. It returns the number of campaigns drawn.
func Preview(w io.Writer, p *programmev1.Programme, code string) (drawn int) {
	for _, c := range p.GetCampaigns() {
		if code != "" && c.GetCode() != code || c.GetSay() == nil {
			continue
		}
		drawn++
		for _, language := range p.GetLanguages() {
			fmt.Fprintf(w, "%s (%s)\n", c.GetCode(), language)
			draw(w, "cashier", c.GetSay().GetCashier(), language, cashierRoom)
			draw(w, "display", c.GetSay().GetDisplay(), language, displayRoom)
			draw(w, "receipt", c.GetSay().GetReceipt(), language, receiptRoom)
		}
	}
	return drawn
}

// draw draws one text in a frame as wide as the device.
func draw(w io.Writer, name string, in []*programmev1.Translation, language string, r room) {
	for _, t := range in {
		if t.GetLanguage() != language {
			continue
		}
		lines := strings.Split(t.GetText(), lineBreak)
		if r == displayRoom { // a display always shows both of its lines
			for len(lines) < r.lines {
				lines = append(lines, "")
			}
		}
		edge := "+" + strings.Repeat("-", r.width) + "+"
		fmt.Fprintf(w, "  %-8s%s\n", name, edge)
		for _, line := range lines {
			fmt.Fprintf(w, "  %8s|%s%s|\n", "", line, strings.Repeat(" ", max(0, r.width-utf8.RuneCountInString(line))))
		}
		fmt.Fprintf(w, "  %8s%s\n", "", edge)
	}
}
