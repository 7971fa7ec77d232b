package decision_test

import (
	"encoding/binary"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

const (
	pinPad  = programmev1.AskOn_ASK_ON_PIN_PAD
	display = programmev1.AskOn_ASK_ON_DISPLAY
	link    = programmev1.AskOn_ASK_ON_RECEIPT_LINK
	aloud   = programmev1.AskOn_ASK_ON_CASHIER
	nowhere = programmev1.AskOn_ASK_ON_UNSPECIFIED
)

// question is a survey called c.
func question(kind programmev1.SurveyKind, ask *programmev1.Ask) *programmev1.Campaign {
	return &programmev1.Campaign{Code: "c", Ask: ask, Kind: &programmev1.Campaign_Survey{Survey: &programmev1.Survey{Kind: kind}}}
}

// TestQuestions: who is asked, whom a question spares, and from which day it no longer does.
func TestQuestions(t *testing.T) {
	t.Parallel()
	const nps, csat = programmev1.SurveyKind_SURVEY_KIND_NPS, programmev1.SurveyKind_SURVEY_KIND_CSAT
	onPad := &programmev1.Ask{On: []programmev1.AskOn{pinPad}}
	asked := func(a decision.LastAsked) func(*decision.Input) { return func(in *decision.Input) { in.Asked = a } }
	for _, tc := range []struct {
		name string
		c    *programmev1.Campaign
		turn func(*decision.Input)
		want decision.Reason
		from int32
	}{
		{name: "never asked", c: question(nps, onPad), want: decision.Won},
		{name: "asked anything 89 days ago", c: question(csat, onPad), turn: asked(decision.LastAsked{Day: 19911}), want: decision.Quarantine, from: 20001},
		{name: "asked anything 90 days ago", c: question(csat, onPad), turn: asked(decision.LastAsked{Day: 19910}), want: decision.Won},
		{name: "would you recommend us, 179 days ago", c: question(nps, onPad), turn: asked(decision.LastAsked{Day: 19821, NPSDay: 19821}), want: decision.Quarantine, from: 20001},
		{name: "would you recommend us, 180 days ago", c: question(nps, onPad), turn: asked(decision.LastAsked{Day: 19820, NPSDay: 19820}), want: decision.Won},
		{name: "another question 100 days after that", c: question(csat, onPad), turn: asked(decision.LastAsked{Day: 19900, NPSDay: 19900}), want: decision.Won},
		{
			name: "this one every 300 days only", c: question(csat, &programmev1.Ask{On: onPad.GetOn(), AgainAfterDays: 300}),
			turn: asked(decision.LastAsked{Day: 19701, Questions: map[string]int32{"c": 19701}}), want: decision.Quarantine, from: 20001,
		},
		{
			name: "and the 300 are over", c: question(csat, &programmev1.Ask{On: onPad.GetOn(), AgainAfterDays: 300}),
			turn: asked(decision.LastAsked{Day: 19700, Questions: map[string]int32{"c": 19700}}), want: decision.Won,
		},
		{name: "one declined long ago", c: question(csat, onPad), turn: asked(decision.LastAsked{Day: 19800, DeclinedDay: 19800}), want: decision.Won},
		{
			name: "two declined within a year", c: question(csat, onPad), turn: asked(decision.LastAsked{Day: 19800, DeclinedDay: 19800, DeclinedBeforeDay: 19500}),
			want: decision.Quarantine, from: 20165,
		},
		{
			name: "two declined, years apart", c: question(csat, onPad),
			turn: asked(decision.LastAsked{Day: 19800, DeclinedDay: 19800, DeclinedBeforeDay: 19000}), want: decision.Won,
		},
		{name: "being asked at another till", c: question(csat, onPad), turn: asked(decision.LastAsked{Elsewhere: true}), want: decision.Quarantine},
		{name: "no pin pad", c: question(nps, onPad), turn: func(in *decision.Input) { in.Abilities.PinPad = false }, want: decision.TillCannot},
		{name: "no pin pad, the cashier may", c: question(nps, &programmev1.Ask{On: []programmev1.AskOn{pinPad, aloud}}), turn: func(in *decision.Input) { in.Abilities.PinPad = false }, want: decision.Won},
		{name: "goods brought back", c: question(nps, onPad), turn: func(in *decision.Input) { in.Lines[1].OriginalLine = 3 }, want: decision.OnReturn},
		{name: "only goods brought back", c: question(nps, onPad), turn: func(in *decision.Input) {
			in.Lines, in.Groups = []*outcomev1.Line{{No: 1, Sku: "450", QuantityMilli: -1000, NetMinor: -1000}}, [][]uint64{{1 << timber}}
		}, want: decision.OnReturn},
		{name: "a line struck off again is no return", c: question(nps, onPad), turn: func(in *decision.Input) { in.Lines[1].QuantityMilli, in.Lines[1].NetMinor = -1000, -1000 }, want: decision.Won},
		{name: "who objected", c: question(nps, onPad), turn: func(in *decision.Input) { in.Silenced = true }, want: decision.Silenced},
		{name: "conditions first", c: &programmev1.Campaign{
			Code: "c", Kind: question(nps, nil).Kind, When: &programmev1.Condition{Segments: []string{"champions"}},
		}, want: decision.WrongSegment},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := regular()
			in.Abilities = decision.Abilities{PinPad: true, DisplayLines: 2, DisplayColumns: 20, ReceiptColumns: 42}
			if tc.turn != nil {
				tc.turn(in)
			}
			p := compile(t, programme(tc.c))
			explained := p.Explain(in)
			if explained[0].Reason != tc.want || explained[0].From != tc.from {
				t.Errorf("explained as %v, free from %d; want %v, %d", explained[0].Reason, explained[0].From, tc.want, tc.from)
			}
			if v := p.Decide(in); (v.Shown() != nil) != (tc.want == decision.Won) {
				t.Errorf("asked %v although %v", v.Shown() != nil, tc.want)
			}
		})
	}
}

// TestSample: a quarter of customers is asked, always the same ones, whoever is asked at a larger share too; the others hear why.
func TestSample(t *testing.T) {
	t.Parallel()
	const accounts = 20_000
	ask := func(share int32) *decision.Programme {
		return compile(t, programme(question(programmev1.SurveyKind_SURVEY_KIND_NPS, &programmev1.Ask{On: []programmev1.AskOn{aloud}, SamplePercent: share})))
	}
	quarter, again, half := ask(2500), ask(2500), ask(5000)
	asked := 0
	for i := range uint64(accounts) {
		in := regular()
		binary.BigEndian.PutUint64(in.Account[:], i)
		v := quarter.Decide(in)
		other := again.Decide(in)
		switch {
		case v.Reason != other.Reason:
			t.Fatalf("account %d: %v, then %v", i, v.Reason, other.Reason)
		case v.Shown() != nil:
			asked++
			if wider := half.Decide(in); wider.Shown() == nil {
				t.Fatalf("account %d is asked among a quarter and not among a half", i)
			}
		case quarter.Explain(in)[0].Reason != decision.NotSampled:
			t.Fatalf("account %d is not asked because %v", i, quarter.Explain(in)[0].Reason)
		}
	}
	if asked < 4800 || asked > 5200 { // 5,000 ± 3.3 standard deviations
		t.Errorf("%d of %d asked", asked, accounts)
	}
}

// TestSurveyHoldout: of those who would be asked, the holdout hears nothing and is told apart; the sample does not decide who that is.
func TestSurveyHoldout(t *testing.T) {
	t.Parallel()
	c := question(programmev1.SurveyKind_SURVEY_KIND_NPS, &programmev1.Ask{On: []programmev1.AskOn{aloud}, SamplePercent: 5000})
	c.HoldoutPercent = 5000
	p := compile(t, programme(c))
	of := map[decision.Reason]int{}
	for i := range uint64(8000) {
		in := regular()
		binary.BigEndian.PutUint64(in.Account[:], i)
		v := p.Decide(in)
		of[v.Reason]++
		if v.Reason == decision.Holdout && v.Shown() != nil {
			t.Fatal("the holdout is asked")
		}
	}
	if won, held := of[decision.Won], of[decision.Holdout]; won < 1850 || won > 2150 || held < 1850 || held > 2150 {
		t.Errorf("asked %d, held out %d of 8,000", won, held)
	}
}

// TestPlace: the first place of the question's that the till has.
func TestPlace(t *testing.T) {
	t.Parallel()
	const page = "delinde.example/v/{id}" // 18 and 24: fits 42 characters exactly
	small := decision.Abilities{DisplayLines: 2, DisplayColumns: 20, ReceiptColumns: 42}
	for _, tc := range []struct {
		name string
		on   []programmev1.AskOn
		link string
		till decision.Abilities
		want programmev1.AskOn
	}{
		{"pin pad first", []programmev1.AskOn{pinPad, link}, page, decision.Abilities{PinPad: true, ReceiptColumns: 42}, pinPad},
		{"no pin pad: the receipt", []programmev1.AskOn{pinPad, link}, page, small, link},
		{"the address does not fit a narrow receipt", []programmev1.AskOn{pinPad, link}, page, decision.Abilities{ReceiptColumns: 41}, nowhere},
		{"but a bar code does", []programmev1.AskOn{pinPad, link}, page, decision.Abilities{ReceiptColumns: 32, BarCodes: true}, link},
		{"no address", []programmev1.AskOn{pinPad, link}, "", small, nowhere},
		{"the display of two lines", []programmev1.AskOn{pinPad, display}, "", small, display},
		{"one wide line", []programmev1.AskOn{display}, "", decision.Abilities{DisplayLines: 1, DisplayColumns: 40}, display},
		{"one short line", []programmev1.AskOn{display}, "", decision.Abilities{DisplayLines: 1, DisplayColumns: 20}, nowhere},
		{"the order is the question's", []programmev1.AskOn{aloud, pinPad}, "", decision.Abilities{PinPad: true}, aloud},
		{"nothing said: the cashier at last", nil, "", decision.Abilities{}, aloud},
		{"nothing said: the pin pad", nil, "", decision.Abilities{PinPad: true}, pinPad},
	} {
		if got := decision.Place(&programmev1.Ask{On: tc.on, Link: tc.link}, &tc.till); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
