package report

import (
	"fmt"
	"unicode/utf8"
)

// The heat map's plane, in the picture's own units.
const (
	heatWidth  = 640
	heatLeft   = 118 // for what recency scores mean
	heatBottom = 46  // for what frequency scores mean
	heatGap    = 3
	heatFields = heatWidth - heatLeft
)

// mostWide is up to how many scores a field has room for more than a figure.
const mostWide = 6

// heat is the picture of customers by recency and frequency.
type heat struct {
	Width, Height float64
	Cells         []heatCell
	Rows, Columns []label
	Big, Small    int // sizes of the figures
	Ramp          []ramp
}

// heatCell is one field.
type heatCell struct {
	X, Y, W, H       float64
	CX, CountY, SubY float64
	Fill, Ink        string
	Count, Spent     string
	Size, SubSize    float64
	R, F             int
	Accounts, Minor  int64
}

// label is a text in a picture.
type label struct {
	X, Y         float64
	Text, Second string
}

// ramp is one step of the legend.
type ramp struct {
	X    float64
	Fill string
}

// colours go from few money to much; ink is dark on the first and light on the last.
var colours = []string{"#f1eee4", "#dfe7d6", "#c3d8c1", "#9cc2a5", "#74ab8d", "#3a7a60", "#24664f", "#104a38"}

// lightInk is from which colour on figures are written in white.
const lightInk = 5

// colour of a mean between 1 and n, told as a sum over a count.
func colour(sum, count int64, n int) (fill, ink string) {
	step := 0
	if count > 0 && n > 1 {
		step = int((sum - count) * int64(len(colours)) / (count*int64(n-1) + 1))
	}
	return shade(step)
}

// shade is the colour of a step from few to much, and the ink that is read on it.
func shade(step int) (fill, ink string) {
	step = min(max(step, 0), len(colours)-1)
	if step >= lightInk {
		return colours[step], "#ffffff"
	}
	return colours[step], "#1d2a26"
}

// heatOf draws customers by recency, the latest on top, and frequency, the most frequent on the right.
func heatOf(in *Input, w *words) *heat {
	n := in.Run.Scores
	width := float64(heatFields) / float64(n)
	height := min(58, max(34, width*0.56))
	h := &heat{Width: heatWidth, Height: height*float64(n) + heatBottom, Big: 17, Small: 12}
	if n > mostWide {
		h.Big, h.Small = 13, 0 // there is no room for what they spent
	}
	for row := range n {
		r := n - row
		for f := 1; f <= n; f++ {
			c := in.Overview.Grid[r-1][f-1]
			cell := heatCell{
				X: heatLeft + width*float64(f-1), Y: height * float64(row), W: width - heatGap, H: height - heatGap,
				R: r, F: f, Accounts: c.Accounts, Minor: c.MonetaryMinor,
			}
			cell.CX = cell.X + cell.W/2
			cell.CountY = cell.Y + cell.H/2 + float64(h.Big)*0.35
			cell.Fill, cell.Ink = "#fbfaf6", "#a8aca4"
			cell.Count = "–"
			if c.Accounts > 0 {
				cell.Fill, cell.Ink = colour(c.MoneyScores, c.Accounts, n)
				cell.Count = w.number(c.Accounts)
				if h.Small > 0 {
					cell.CountY -= float64(h.Small) * 0.6
					cell.SubY = cell.CountY + float64(h.Small)*1.35
					cell.Spent = w.money(in, over(c.MonetaryMinor, c.Accounts))
				}
			}
			cell.Size, cell.SubSize = room(cell.Count, float64(h.Big), 0.7, cell.W), room(cell.Spent, float64(h.Small), 0.64, cell.W)
			h.Cells = append(h.Cells, cell)
		}
		h.Rows = append(h.Rows, label{X: heatLeft - 10, Y: height*float64(row) + height/2 - 3, Text: fmt.Sprintf("R %d", r), Second: in.recencyRange(w, r)})
	}
	for f := 1; f <= n; f++ {
		h.Columns = append(h.Columns, label{
			X: heatLeft + width*(float64(f)-0.5) - heatGap/2, Y: height*float64(n) + 16, Text: fmt.Sprintf("F %d", f), Second: in.frequencyRange(f),
		})
	}
	for i, fill := range colours {
		h.Ramp = append(h.Ramp, ramp{X: float64(i) * 22, Fill: fill})
	}
	return h
}

// room is the size at which a text fits into a field: the wanted one, or a smaller one. A letter of the widest typefaces takes em of its size.
func room(text string, wanted, em, width float64) float64 {
	letters := float64(utf8.RuneCountInString(text))
	if letters == 0 {
		return wanted
	}
	return min(wanted, (width-4)/(letters*em))
}

// recencyRange says which days have a recency score; empty where cut points bound nothing.
func (in *Input) recencyRange(w *words, score int) string {
	cuts := in.Run.Cuts.GetRecencyDays()
	n := in.Run.Scores
	if in.Ranked[0] || len(cuts) != n-1 {
		return ""
	}
	// Score n − k has more than the k-th cut point and at most the next.
	k := n - score
	switch {
	case k == 0:
		return fmt.Sprintf("0–%d %s", cuts[0], w.Days)
	case k == n-1:
		return fmt.Sprintf("> %d %s", cuts[k-1], w.Days)
	case cuts[k] == cuts[k-1]:
		return "–"
	default:
		return fmt.Sprintf("%d–%d %s", cuts[k-1]+1, cuts[k], w.Days)
	}
}

// frequencyRange says which counts have a frequency score; empty where cut points bound nothing.
func (in *Input) frequencyRange(score int) string {
	cuts := in.Run.Cuts.GetFrequency()
	n := in.Run.Scores
	if in.Ranked[1] || len(cuts) != n-1 {
		return ""
	}
	low, high := int64(1), int64(0)
	if score > 1 {
		low = cuts[score-2] + 1
	}
	if score < n {
		high = cuts[score-1]
	}
	switch {
	case score == n:
		return fmt.Sprintf("≥ %d×", low)
	case n > mostWide && high >= low:
		return fmt.Sprintf("%d×", low) // from there up to the next; there is no room for more
	case high < low:
		return "–"
	case high == low:
		return fmt.Sprintf("%d×", low)
	default:
		return fmt.Sprintf("%d–%d×", low, high)
	}
}
