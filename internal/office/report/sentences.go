package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence is one plain sentence: a figure that catches the eye, and the rest.
type Sentence struct {
	// Figure is what stands large.
	Figure string
	// Text goes on from it.
	Text string
}

// String is the whole sentence.
func (s Sentence) String() string { return strings.ReplaceAll(s.Figure+" "+s.Text, thin, " ") }

// Sentences are what matters most, at most three: how many came once, which regulars are fading, when it is quiet. One that the data cannot
// tell is left out.
func Sentences(in Input) []Sentence {
	w := wordsOf(in.Language)
	var all []Sentence
	if !in.Run.Imported && in.Run.Scored > 0 {
		all = append(all, once(&in, w), fading(&in, w))
	}
	if quiet, busy, ok := quietTime(in.Overview.Hours); ok {
		name := w.moment(quiet)
		first, size := utf8.DecodeRuneInString(name)
		all = append(all, Sentence{
			string(unicode.ToUpper(first)) + name[size:],
			fmt.Sprintf(w.quiet, w.average(quiet), w.per(quiet), w.average(busy), w.moment(busy)),
		})
	}
	return all
}

// once says how many came once: as one of so many where that is near the truth.
func once(in *Input, w *words) Sentence {
	text := fmt.Sprintf(w.once, w.number(in.Overview.Once), w.number(in.Run.Scored))
	if part, whole, ok := fraction(in.Overview.Once, in.Run.Scored); ok {
		return Sentence{fmt.Sprintf(w.oneOf, part, whole), text}
	}
	return Sentence{w.percent(in.Overview.Once, in.Run.Scored), w.percentOf + text}
}

// fractions are those people use.
var fractions = [][2]int64{{1, 2}, {1, 3}, {2, 3}, {1, 4}, {3, 4}, {1, 5}, {2, 5}, {3, 5}, {4, 5}, {1, 6}, {1, 8}, {1, 10}, {9, 10}}

// fraction is the simplest fraction within one percentage point of a share.
func fraction(part, whole int64) (a, b int64, ok bool) {
	for _, f := range fractions {
		off := part*f[1] - whole*f[0] // of whole·f[1]
		if max(off, -off)*100 <= whole*f[1] {
			return f[0], f[1], true
		}
	}
	return 0, 0, false
}

func fading(in *Input, w *words) Sentence {
	o := in.Overview
	switch share := w.percent(o.FadingMinor, o.TurnoverMinor); o.Fading {
	case 0:
		return Sentence{"0", w.noneOut}
	case 1:
		return Sentence{"1", fmt.Sprintf(w.oneFading, share)}
	default:
		return Sentence{w.number(o.Fading), fmt.Sprintf(w.fading, share)}
	}
}
