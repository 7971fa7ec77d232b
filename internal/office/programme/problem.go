package programme

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity says whether a finding stops a programme from being published.
type Severity int

const (
	// Error means that the programme cannot be published as it stands.
	Error Severity = iota
	// Warning means that it can, but probably does not do what was meant.
	Warning
)

// String names the severity as it is printed.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one finding: where it stands, what is wrong, and the way out.
type Problem struct {
	Severity Severity
	// File is the name of the file as it was given, or of the ready-made part.
	File string
	// Line and Column count from 1; a finding about the whole document stands at 1:1.
	Line, Column int
	// Field is the dotted path as the document is written ("campaigns.verf.say.display.en"). Entries of a plain list go by their code or name,
	// else by their number counted from 1.
	Field string
	// Message says what is wrong, without a full stop.
	Message string
	// Remedy says what to do about it, one or more whole sentences.
	Remedy string
}

// String is the finding on one line, as a terminal shows it and an editor jumps to it.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d ", p.File, p.Line, p.Column)
	if p.Severity == Warning {
		b.WriteString("warning: ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		b.WriteString(". " + p.Remedy)
	}
	return b.String()
}

// Problems are all findings about a document, in the order of its lines. A document with at least one Error cannot be published.
type Problems []Problem //nolint:errname // they are read far more often than returned

// Error is the findings, one a line, so that Problems can be returned as an error.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Print writes one line per finding and returns the number of errors among them.
func (ps Problems) Print(w io.Writer) (errors int) {
	for _, p := range ps {
		fmt.Fprintln(w, p)
	}
	return len(ps.Errors())
}

// Errors are the findings that stop a programme from being published.
func (ps Problems) Errors() Problems { return ps.of(Error) }

// Warnings are the findings that do not.
func (ps Problems) Warnings() Problems { return ps.of(Warning) }

func (ps Problems) of(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// sorted puts findings in the order of files, lines and columns, and drops those that say the same of the same place.
func (ps Problems) sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity),
		)
	})
	return slices.Compact(out)
}
