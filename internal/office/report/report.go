package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

//go:embed page.html page.css
var files embed.FS

// Input is what a report is made of.
type Input struct {
	// Run and Overview are what was found; Overview is that of Run. Required.
	Run      *scoring.Run
	Overview *scoring.Overview
	// Health is what is known of each segment in its own right; none where segments were made elsewhere.
	Health []insight.Health
	// Chain is the chain's name.
	Chain string
	// Language is the chain's first, as BCP 47; Dutch and English have words, others get English ones.
	Language string
	// Currency is an ISO 4217 code, Decimals how many places its minor units have.
	Currency string
	Decimals int32
	// Names are the segments' names by code, in that language; a code without one stands for itself.
	Names map[string]string
	// Visits says that frequency counts visits, not receipts.
	Visits bool
	// Ranked says of recency, frequency and money whether scores go by rank, so that cut points bound nothing.
	Ranked [3]bool
}

// name is a segment's.
func (in *Input) name(code string) string {
	if name, ok := in.Names[code]; ok {
		return name
	}
	return code
}

// page is what the template draws.
type page struct {
	CSS       template.CSS
	Words     *words
	Chain     string
	Title     string
	Subtitle  string
	Sentences []Sentence
	Facts     []fact
	Unit      string
	Segments  []segmentRow
	Total     *segmentRow
	Heat      *heat
	Shares    []shareBar
	Moves     *moves
	Health    *health
	Week      *week
	Ahead     *ahead
	Notes     []string
}

// fact is one figure with what it counts.
type fact struct {
	Label, Value string
	Exact        int64
}

// Write writes the page. It returns what the writer returns.
func Write(to io.Writer, in Input) error {
	text, err := template.ParseFS(files, "page.html")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	css, err := files.ReadFile("page.css")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	w := wordsOf(in.Language)
	p := &page{
		CSS: template.CSS(css), Words: w, Chain: in.Chain, //nolint:gosec // the style sheet is part of the program
		Title:     fmt.Sprintf(w.Title, w.date(in.Run.AsOf)),
		Subtitle:  w.window(in.Run),
		Sentences: Sentences(in),
		Facts:     facts(&in, w),
		Unit:      in.unit(w),
		Notes:     notes(&in, w),
	}
	p.Segments, p.Total = segments(&in, w)
	if !in.Run.Imported && in.Run.Scored > 0 {
		p.Heat, p.Shares, p.Moves, p.Ahead, p.Health = heatOf(&in, w), sharesOf(&in, w), movesOf(&in, w), aheadOf(&in, w), healthOf(&in, w)
	}
	p.Week = weekOf(&in, w)
	if err := text.Execute(to, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// facts are the figures below the sentences.
func facts(in *Input, w *words) []fact {
	all := []fact{{w.Customers, w.number(in.Run.Scored), in.Run.Scored}}
	if in.Run.Imported || in.Run.Scored == 0 {
		return all
	}
	turnover := in.Overview.TurnoverMinor
	all = append(all,
		fact{w.Turnover, w.money(in, turnover), turnover},
		fact{w.PerCustomer, w.money(in, over(turnover, in.Run.Scored)), over(turnover, in.Run.Scored)})
	if in.Run.Lapsed > 0 {
		all = append(all, fact{w.Lapsed, w.number(in.Run.Lapsed), in.Run.Lapsed})
	}
	return all
}

// notes are what a careful reader wants to know.
func notes(in *Input, w *words) []string {
	var all []string
	if !in.Run.Imported {
		all = append(all, w.Definitions)
	}
	var left int64
	for _, c := range in.Run.LeftOut {
		left += c.Rows
	}
	if left > 0 {
		all = append(all, fmt.Sprintf(w.LeftOut, w.number(left)))
	}
	for i, dimension := range in.Run.Shares {
		for score, accounts := range dimension {
			switch {
			case in.Run.Imported || in.Run.Scored == 0:
			case accounts == 0:
				all = append(all, fmt.Sprintf(w.NobodyHas, w.Dimensions[i], score+1))
			case accounts*int64(in.Run.Scores) >= 2*in.Run.Scored:
				all = append(all, fmt.Sprintf(w.TooManyHave, w.Dimensions[i], score+1, w.share(accounts, in.Run.Scored)))
			}
		}
	}
	return all
}

// segmentRow is one row of the table of segments.
type segmentRow struct {
	Code, Name             string
	Accounts               int64
	Minor                  int64
	Customers, Share       string
	Turnover               string
	Days, Frequency, Spent string
	Bar, MoneyBar          float64 // percent of the widest
}

// segments are the rows of the table, the largest first, and their total.
func segments(in *Input, w *words) ([]segmentRow, *segmentRow) {
	var rows []segmentRow
	var most, mostMoney int64
	total := scoring.SegmentRow{}
	for _, s := range in.Run.Segments {
		most, mostMoney = max(most, s.Accounts), max(mostMoney, s.MonetaryMinor)
		total.Accounts += s.Accounts
		total.RecencyDays += s.RecencyDays
		total.Frequency += s.Frequency
		total.MonetaryMinor += s.MonetaryMinor
	}
	for _, s := range in.Run.Segments {
		rows = append(rows, rowOf(in, w, s, total))
		last := &rows[len(rows)-1]
		last.Bar, last.MoneyBar = percent(s.Accounts, most), percent(s.MonetaryMinor, mostMoney)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	sum := rowOf(in, w, total, total)
	return rows, &sum
}

func rowOf(in *Input, w *words, s, total scoring.SegmentRow) segmentRow {
	row := segmentRow{
		Code: s.Code, Name: in.name(s.Code), Accounts: s.Accounts, Minor: s.MonetaryMinor,
		Customers: w.number(s.Accounts), Share: w.share(s.Accounts, total.Accounts),
	}
	if !in.Run.Imported {
		row.Turnover = w.share(s.MonetaryMinor, total.MonetaryMinor)
		row.Days = w.decimal(s.Mean(s.RecencyDays), 2, 0)
		row.Frequency = w.decimal(s.Mean(s.Frequency), 2, 1)
		row.Spent = w.money(in, over(s.MonetaryMinor, s.Accounts))
	}
	return row
}

// percent is a part of a whole, 0 to 100, for lengths only.
func percent(part, whole int64) float64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return float64(part) / float64(whole) * 100
}

// over is a sum divided by a count, rounded half away from 0; 0 where there is nothing to divide by.
func over(sum, count int64) int64 {
	switch {
	case count <= 0:
		return 0
	case sum < 0:
		return -((-sum*2 + count) / (2 * count))
	default:
		return (sum*2 + count) / (2 * count)
	}
}
