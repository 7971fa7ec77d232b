package report

import (
	"fmt"
	"slices"

	"github.com/stamklant/stamklant/internal/office/scoring"
)

// ahead is what is foretold.
type ahead struct {
	Text  string
	Alive bool // whether the receipts tell who still buys
	Facts []fact
	Rows  []aheadRow
	Test  *test
}

// aheadRow is one segment in the year ahead.
type aheadRow struct {
	Name, Code              string
	Alive, Visits, Turnover string
	Minor                   int64
	Bar                     float64
}

// test is how well the models foretold what is known by now.
type test struct {
	Text string
	Rows []testRow
}

// testRow is customers with as many purchases before the test.
type testRow struct {
	Name                 string
	Customers            string
	Foretold, Really     string
	ForetoldBar, RealBar float64
}

// aheadOf tells what is foretold; nil where nothing is.
func aheadOf(in *Input, w *words) *ahead {
	o := in.Overview
	var visits *scoring.Model
	for i := range in.Run.Models {
		if in.Run.Models[i].Name == "visits" {
			visits = &in.Run.Models[i]
		}
	}
	if len(o.Value) == 0 || visits == nil {
		return nil
	}
	a := &ahead{Text: fmt.Sprintf(w.AheadText, w.number(visits.Customers), w.number(visits.RepeatBuyers)), Alive: pinned(visits)}
	var sum scoring.SegmentValue
	for _, v := range o.Value {
		sum.Accounts += v.Accounts
		sum.AliveMillionths += v.AliveMillionths
		sum.ValueMinor += v.ValueMinor
		a.Rows = append(a.Rows, aheadRow{
			Name: in.name(v.Code), Code: v.Code, Alive: w.share(over(v.AliveMillionths, 1000), v.Accounts*1000),
			Visits: w.decimal(over(v.VisitsThousandths, v.Accounts*100), 1, 1), Turnover: w.money(in, v.ValueMinor), Minor: v.ValueMinor,
			Bar: percent(v.ValueMinor, o.Value[0].ValueMinor),
		})
	}
	alive := over(sum.AliveMillionths, 1_000_000)
	a.Facts = []fact{{w.ExpectedTurnover, w.money(in, sum.ValueMinor), sum.ValueMinor}}
	if a.Alive {
		a.Facts = append(a.Facts, fact{w.StillBuying, w.number(alive), alive})
	} else {
		a.Text += " " + w.LooseText
	}
	a.Test = testOf(in, w)
	return a
}

// pinned reports whether the receipts tell when customers leave: whether the parameters of leaving, a and b, have a standard error.
func pinned(m *scoring.Model) bool {
	return !slices.ContainsFunc(m.Estimates, func(e scoring.Estimate) bool { return (e.Name == "a" || e.Name == "b") && e.StdErr == 0 })
}

// testOf tells how good the forecast is; nil where it could not be tried.
func testOf(in *Input, w *words) *test {
	c := in.Run.Calibration
	if c == nil || len(c.Classes) == 0 {
		return nil
	}
	total := c.Total()
	off := over(total.PredictedThousandths-total.Actual*1000, max(1, total.Actual))
	t := &test{Text: fmt.Sprintf(w.TestText, w.date(in.Run.AsOf-c.HorizonDays), w.number(int64(c.HorizonDays)),
		w.decimal(total.PredictedThousandths, 3, 0), w.number(total.Actual))}
	switch {
	case off < 0:
		t.Text += " " + fmt.Sprintf(w.TooFew, w.decimal(-off, 1, 1)+thin+"%")
	case off > 0:
		t.Text += " " + fmt.Sprintf(w.TooMany, w.decimal(off, 1, 1)+thin+"%")
	}
	var most int64
	for _, class := range c.Classes {
		most = max(most, class.PredictedThousandths, class.Actual*1000)
	}
	for _, class := range c.Classes {
		name := fmt.Sprintf("%d×", class.Repeats)
		if class.OrMore {
			name = fmt.Sprintf("≥ %d×", class.Repeats)
		}
		t.Rows = append(t.Rows, testRow{
			Name: name, Customers: w.number(class.Customers), Foretold: w.decimal(class.PredictedThousandths, 3, 0), Really: w.number(class.Actual),
			ForetoldBar: percent(class.PredictedThousandths, most), RealBar: percent(class.Actual*1000, most),
		})
	}
	return t
}
