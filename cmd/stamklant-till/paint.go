package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// painter draws answers on a terminal, in colour when it may.
type painter struct {
	w      io.Writer
	colour bool
}

// Colours, as ANSI codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
	cyan   = "36"
)

// Widths of the page.
const (
	margin     = 2
	labelWidth = 10
	pageWidth  = 74
)

// in returns text in a colour.
func (p painter) in(colour, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// title draws the top line: what it is on the left, where it comes from on the right.
func (p painter) title(colour, word, about, right string) {
	left := "● " + word
	if about != "" {
		left += "  " + about
	}
	shown := p.in(colour, "● "+word)
	if about != "" {
		shown += "  " + p.in(bold, about)
	}
	if right != "" {
		gap := max(2, pageWidth-margin-utf8.RuneCountInString(left)-utf8.RuneCountInString(right))
		shown += strings.Repeat(" ", gap) + p.in(dim, right)
	}
	fmt.Fprintf(p.w, "\n%s%s\n", strings.Repeat(" ", margin), shown)
}

// row draws a label and what belongs to it, one line each.
func (p painter) row(label string, lines ...string) {
	for i, line := range lines {
		if i > 0 {
			label = ""
		}
		pad := strings.Repeat(" ", max(1, labelWidth-utf8.RuneCountInString(label)))
		fmt.Fprintf(p.w, "%s%s%s%s\n", strings.Repeat(" ", margin), p.in(cyan, label), pad, line)
	}
}

// gap draws an empty line.
func (p painter) gap() { fmt.Fprintln(p.w) }

// display draws the customer display as it hangs there; a dash when it is left as it is.
func (p painter) display(block *tillv1.TextBlock, lines, columns int) {
	switch {
	case lines == 0 || columns == 0:
		return
	case len(block.GetLines()) == 0:
		p.row("Display", p.in(dim, "–"))
		return
	}
	drawn := []string{p.in(dim, "┌"+strings.Repeat("─", columns)+"┐")}
	for i := range max(lines, len(block.GetLines())) {
		text := ""
		if i < len(block.GetLines()) {
			text = block.GetLines()[i]
		}
		drawn = append(drawn, p.in(dim, "│")+padded(text, columns)+p.in(dim, "│"))
	}
	p.row("Display", append(drawn, p.in(dim, "└"+strings.Repeat("─", columns)+"┘"))...)
}

// paper draws lines as they are printed.
func (p painter) paper(label string, columns int, lines []string) {
	if len(lines) == 0 {
		return
	}
	edge := p.in(dim, "┊")
	drawn := make([]string, 0, len(lines)+2)
	drawn = append(drawn, p.in(dim, "┌"+strings.Repeat("╌", columns+2)+"┐"))
	for _, line := range lines {
		drawn = append(drawn, edge+" "+padded(line, columns)+" "+edge)
	}
	p.row(label, append(drawn, p.in(dim, "└"+strings.Repeat("╌", columns+2)+"┘"))...)
}

// padded fills text up with spaces.
func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// apart puts one text at the left edge and one at the right.
func apart(left, right string, width int) string {
	room := max(0, width-utf8.RuneCountInString(right)-1)
	if utf8.RuneCountInString(left) > room {
		left = string([]rune(left)[:room])
	}
	return padded(left, width-utf8.RuneCountInString(right)) + right
}

// word is an enum's value as a person would write it: OUTCOME_NEW_CARD is "new card".
func word(value fmt.Stringer, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(value.String(), prefix)), "_", " ")
}

// outcomeColour says at a glance whether the card is good.
func outcomeColour(o tillv1.Outcome) string {
	switch o {
	case tillv1.Outcome_OUTCOME_FOUND, tillv1.Outcome_OUTCOME_FOUND_REPLACED, tillv1.Outcome_OUTCOME_FOUND_MERGED,
		tillv1.Outcome_OUTCOME_NEW_CARD, tillv1.Outcome_OUTCOME_VOUCHER:
		return green
	case tillv1.Outcome_OUTCOME_BLOCKED, tillv1.Outcome_OUTCOME_EXPIRED, tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT:
		return red
	default:
		return yellow
	}
}

// isCustomer reports whether points can be booked: exit code 0.
func isCustomer(o tillv1.Outcome) bool {
	switch o {
	case tillv1.Outcome_OUTCOME_FOUND, tillv1.Outcome_OUTCOME_FOUND_REPLACED, tillv1.Outcome_OUTCOME_FOUND_MERGED,
		tillv1.Outcome_OUTCOME_NEW_CARD:
		return true
	default:
		return false
	}
}
