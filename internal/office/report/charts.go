package report

import (
	"fmt"
	"slices"
	"strings"
)

// shareBar is one value's spread over its scores.
type shareBar struct {
	Name   string
	Pieces []piece
	Cuts   string
}

// piece is one score in the bar; X and W in hundredths of its width.
type piece struct {
	X, W, CX  float64
	Fill, Ink string
	Text      string
	Score     int
	Accounts  int64
}

// The bar's width, and how wide a piece must be to hold its figure.
const (
	barWidth  = 640
	roomFor   = 52
	pieceGap  = 2
	shareTint = 2 // the first of the colours that bars use
)

// sharesOf draws how customers spread over the scores of each value.
func sharesOf(in *Input, w *words) []shareBar {
	cuts := [3][]int64{in.Run.Cuts.GetRecencyDays(), in.Run.Cuts.GetFrequency(), in.Run.Cuts.GetMonetaryMinor()}
	var bars []shareBar
	for i, name := range w.Dimensions {
		bar := shareBar{Name: name}
		x := 0.0
		for score, accounts := range in.Run.Shares[i] {
			width := percent(accounts, in.Run.Scored) / 100 * barWidth
			p := piece{X: x, W: max(0, width-pieceGap), CX: x + (width-pieceGap)/2, Score: score + 1, Accounts: accounts}
			p.Fill, p.Ink = tint(score, in.Run.Scores)
			if width >= roomFor {
				p.Text = w.share(accounts, in.Run.Scored)
			}
			bar.Pieces = append(bar.Pieces, p)
			x += width
		}
		if !in.Ranked[i] {
			bar.Cuts = in.cutText(w, i, cuts[i])
		}
		bars = append(bars, bar)
	}
	return bars
}

// tint is the colour of a score in a bar.
func tint(score, scores int) (fill, ink string) {
	step := shareTint
	if scores > 1 {
		step += score * (len(colours) - 1 - shareTint) / (scores - 1)
	}
	return shade(step)
}

// cutText writes where scores part: from the lowest score to the best.
func (in *Input) cutText(w *words, dimension int, cuts []int64) string {
	all := make([]string, len(cuts))
	for i, cut := range cuts {
		all[i] = w.number(cut)
		if dimension == 2 {
			all[i] = w.money(in, cut)
		}
	}
	if dimension == 0 {
		slices.Reverse(all)
		return strings.Join(all, " · ") + thin + w.Days
	}
	if dimension == 1 {
		return strings.Join(all, " · ") + thin + in.unit(w)
	}
	return strings.Join(all, " · ")
}

// moves is who changed segment since the run before.
type moves struct {
	Title string
	Flows []flowRow
	Nets  []netRow
	Rest  string
	New   string
}

// flowRow is one move.
type flowRow struct {
	From, To       string
	Customers      string
	Accounts       int64
	Bar            float64
	CodeFrom, Code string
}

// netRow is a segment's gain or loss by moves.
type netRow struct {
	Name, Code string
	Net        string
	Accounts   int64
}

// mostFlows is how many moves are shown one by one.
const mostFlows = 10

// movesOf tells who moved; nil before the second run.
func movesOf(in *Input, w *words) *moves {
	o := in.Overview
	if o.Before == 0 {
		return nil
	}
	m := &moves{Title: fmt.Sprintf(w.MovesTitle, w.date(o.Before))}
	if o.New > 0 {
		m.New = fmt.Sprintf(w.NewOnes, w.number(o.New))
	}
	net := map[string]int64{}
	var rest, others int64
	for i, f := range o.Moves {
		net[f.From] -= f.Accounts
		net[f.To] += f.Accounts
		if i >= mostFlows {
			rest += f.Accounts
			others++
			continue
		}
		m.Flows = append(m.Flows, flowRow{
			From: in.name(f.From), To: in.name(f.To), CodeFrom: f.From, Code: f.To, Customers: w.number(f.Accounts), Accounts: f.Accounts,
			Bar: percent(f.Accounts, o.Moves[0].Accounts),
		})
	}
	if others > 0 {
		m.Rest = fmt.Sprintf(w.OtherMoves, w.number(rest), w.number(others))
	}
	for _, s := range in.Run.Segments {
		if n := net[s.Code]; n != 0 {
			text := w.number(n)
			if n > 0 {
				text = "+" + text
			}
			m.Nets = append(m.Nets, netRow{in.name(s.Code), s.Code, text, n})
		}
	}
	slices.SortStableFunc(m.Nets, func(a, b netRow) int { return int(b.Accounts - a.Accounts) })
	return m
}
