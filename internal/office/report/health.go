package report

import (
	"fmt"

	"github.com/stamklant/stamklant/internal/office/insight"
)

// health says which segments are sound.
type health struct {
	Text      string
	Questions []string
	Rows      []healthRow
}

// healthRow is one segment.
type healthRow struct {
	Name, Code string
	Marks      []mark
}

// mark is the answer to one question.
type mark struct {
	// State is yes, no or open; Label the word for it.
	State, Label, Question string
}

// healthOf tells which segments are sound; nil where nothing is known.
func healthOf(in *Input, w *words) *health {
	if len(in.Health) == 0 {
		return nil
	}
	h := &health{Text: fmt.Sprintf(w.HealthText, insight.SteadyWithin/100, insight.FewestAccounts, insight.LeastTurnover/100, insight.LeastReachable/100)}
	for _, v := range in.Health[0].Verdicts() {
		h.Questions = append(h.Questions, w.Questions[v.Question])
	}
	for _, s := range in.Health {
		row := healthRow{Name: in.name(s.Code), Code: s.Code}
		for _, v := range s.Verdicts() {
			m := mark{"open", w.Open, v.Question}
			switch {
			case v.Known && v.Holds:
				m.State, m.Label = "yes", w.Yes
			case v.Known:
				m.State, m.Label = "no", w.No
			}
			row.Marks = append(row.Marks, m)
		}
		h.Rows = append(h.Rows, row)
	}
	return h
}
