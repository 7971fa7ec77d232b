package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/report"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// made is a run with so many scores, all that a page can show, and long names and large numbers.
func made(language string, scores int) report.Input {
	run := &scoring.Run{ID: 1234, AsOf: 20773, First: 20409, Scores: scores, Lapsed: 312_456, LeftOut: []warehouse.Count{{Reason: "objected", Rows: 1_234}}}
	o := &scoring.Overview{Once: 333_600, Fading: 21_212, FadingMinor: 9_765_432_100, Before: 20772, New: 1_204}
	cuts := make([]int64, scores-1)
	for i := range cuts {
		cuts[i] = int64(i+1) * 31
	}
	run.Cuts = &customerv1.CutPoints{RecencyDays: cuts, Frequency: cuts, MonetaryMinor: cuts}
	for i := range run.Shares {
		run.Shares[i] = make([]int64, scores)
	}
	for r := range scores {
		row := make([]scoring.Cell, scores)
		for f := range row {
			accounts := int64(1_000_000 / (scores * scores) * (1 + (r+f)%2))
			row[f] = scoring.Cell{Accounts: accounts, MonetaryMinor: accounts * int64(f+1) * 123_456, MoneyScores: accounts * int64(f+1)}
			run.Scored += accounts
			run.Shares[0][r] += accounts
			run.Shares[1][f] += accounts
			run.Shares[2][f] += accounts
			o.TurnoverMinor += row[f].MonetaryMinor
		}
		o.Grid = append(o.Grid, row)
	}
	var healths []insight.Health
	names := map[string]string{}
	for i := range int64(11) {
		code := fmt.Sprintf("segment_%d", i)
		names[code] = fmt.Sprintf("Op het punt te verliezen %d", i)
		run.Segments = append(run.Segments, scoring.SegmentRow{
			Code: code, Accounts: run.Scored / 11, RecencyDays: run.Scored * i * 5, Frequency: run.Scored * 3, MonetaryMinor: o.TurnoverMinor / 66 * (i + 1),
		})
		healths = append(healths, insight.Health{
			Count: insight.Count{Code: code, Accounts: run.Scored / 11, MonetaryMinor: o.TurnoverMinor / 11}, Turnover: 900 - i*100, Runs: i % 3,
			Usual: run.Scored / 11, Before: run.Scored / 12, Reachable: run.Scored / 22, Nearest: "segment_1", Distance: i * 10,
		})
		o.Moves = append(o.Moves, scoring.Flow{From: code, To: fmt.Sprintf("segment_%d", (i+1)%11), Accounts: 20_000 - i*1_000})
		o.Value = append(o.Value, scoring.SegmentValue{Code: code, Accounts: run.Scored / 11, AliveMillionths: run.Scored / 11 * 700_000, VisitsThousandths: run.Scored * 500, ValueMinor: o.TurnoverMinor / 11})
	}
	for weekday := 1; weekday <= 7; weekday++ {
		for hour := 9; hour < 19; hour++ {
			receipts := int64(5200 + 52*hour)
			if weekday == 2 && hour < 12 {
				receipts = 520
			}
			o.Hours = append(o.Hours, scoring.Hour{Weekday: weekday, Hour: hour, Receipts: receipts, Days: 52})
		}
	}
	run.Models = []scoring.Model{{Name: "visits", Usable: true, Customers: run.Scored, RepeatBuyers: run.Scored / 2, Estimates: []scoring.Estimate{{Name: "a", Value: 1, StdErr: 0.1}}}}
	run.Calibration = &scoring.Calibration{HorizonDays: 182}
	for i := range 8 {
		run.Calibration.Classes = append(run.Calibration.Classes, scoring.CalibrationClass{
			Repeats: i, OrMore: i == 7, Customers: 120_000 >> i, Actual: 50_000 >> i * int64(i+1), PredictedThousandths: 49_000_000 >> i * int64(i+1),
		})
	}
	return report.Input{Run: run, Overview: o, Health: healths, Chain: "Tuincentrum De Linde & Zonen", Language: language, Currency: "EUR", Decimals: 2, Names: names, Visits: true}
}

func write(t *testing.T, in report.Input) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := report.Write(&page, in); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*report.Input)
		want   []string
	}{
		{"English", func(*report.Input) {}, []string{
			"1 of 3 customers came once: 333,600 of 1,000,000.", "21,212 regulars, 31 % of turnover, are fading.",
			"Tuesday morning is your quiet time: 10 receipts an hour, against 118 on Monday evening.",
		}},
		{"Dutch", func(in *report.Input) { in.Language = "nl-BE" }, []string{
			"1 op de 3 klanten kwam één keer: 333.600 van 1.000.000.", "21.212 vaste klanten, goed voor 31 % van de omzet, haken af.",
			"Dinsdagochtend is uw rustige moment: 10 bonnen per uur, tegen 118 op maandagavond.",
		}},
		{"no simple fraction; one regular; one hour of evening", func(in *report.Input) {
			in.Overview.Once, in.Overview.Fading, in.Overview.FadingMinor = 70_000, 1, 100
			in.Overview.Hours = slices.DeleteFunc(in.Overview.Hours, func(h scoring.Hour) bool { return h.Hour == 18 })
		}, []string{
			"7 % of customers came once: 70,000 of 1,000,000.", "1 regular, 0 % of turnover, is fading.",
			"Tuesday morning is your quiet time: 10 receipts an hour, against 114 on Monday afternoon.",
		}},
		{"nobody fades, hours are not known", func(in *report.Input) {
			in.Overview.Fading = 0
			in.Overview.Hours = []scoring.Hour{
				{Weekday: 1, Hour: -1, Receipts: 520, Days: 52}, {Weekday: 2, Hour: -1, Receipts: 260, Days: 50}, {Weekday: 7, Hour: -1, Receipts: 1, Days: 1},
			}
		}, []string{
			"1 of 3 customers came once: 333,600 of 1,000,000.", "0 regulars are fading.",
			"Tuesday is your quiet time: 5.2 receipts a day, against 10 on Monday.",
		}},
		{"one moment is no quiet time", func(in *report.Input) { in.Overview.Hours = in.Overview.Hours[:3] }, []string{
			"1 of 3 customers came once: 333,600 of 1,000,000.", "21,212 regulars, 31 % of turnover, are fading.",
		}},
		{"scores made elsewhere", func(in *report.Input) { in.Run.Imported, in.Overview = true, &scoring.Overview{} }, nil},
		{"nobody scored", func(in *report.Input) { in.Run.Scored, in.Overview = 0, &scoring.Overview{} }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := made("en", 5)
			in.Run.Scored = 1_000_000
			in.Overview.TurnoverMinor = 31_501_400_000
			test.change(&in)
			var got []string
			for _, s := range report.Sentences(in) {
				got = append(got, s.String())
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			write(t, in)
		})
	}
}

// outside is whatever would make a browser ask for something beyond the page, or run something.
var outside = regexp.MustCompile(`(?i)https?:|//[a-z]|url\(|@import|<link|<script|<img|<iframe|\bsrc=|\bhref=|\bon[a-z]+=`)

func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	in := made("nl", 5)
	in.Chain, in.Names["segment_0"] = `<script src="https://elsewhere">`, `"><img src=x>`
	page := string(write(t, in))
	if m := outside.FindString(strings.NewReplacer("&lt;", "", "https://elsewhere", "", "src=x", "", "src=&#34;", "").Replace(page)); m != "" {
		t.Errorf("the page reaches outside: %q", m)
	}
	if strings.Contains(page, "<script src") || strings.Contains(page, "<img") {
		t.Error("names are not escaped")
	}
	if again := write(t, in); string(again) != page {
		t.Error("the same run gives another page")
	}
	for _, id := range []string{"segments", "heat", "shares", "moves", "week", "ahead", "health", "notes"} {
		if !strings.Contains(page, `<section id="`+id+`">`) {
			t.Errorf("the page has no section %s", id)
		}
	}
}

func TestPageLeavesOut(t *testing.T) {
	t.Parallel()
	in := made("en", 5)
	in.Overview.Before, in.Overview.Value, in.Overview.Hours, in.Health = 0, nil, nil, nil
	page := string(write(t, in))
	for _, id := range []string{"moves", "week", "ahead", "health"} {
		if strings.Contains(page, `<section id="`+id+`">`) {
			t.Errorf("the page has a section %s, with nothing to tell", id)
		}
	}
}

// TestPageFits looks at the page in a browser, for few and many scores, in both languages.
func TestPageFits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		language string
		scores   int
	}{{"nl", 5}, {"en", 2}, {"en", 10}} {
		t.Run(fmt.Sprintf("%s %d", test.language, test.scores), func(t *testing.T) {
			t.Parallel()
			fits(t, write(t, made(test.language, test.scores)))
		})
	}
}
