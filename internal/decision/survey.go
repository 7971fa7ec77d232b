package decision

import (
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// For how many days a customer who was asked something is left in peace, in every store.
const (
	quietDays    = 90  // after any question
	quietDaysNPS = 180 // after being asked whether she would recommend the chain, before that is asked again
	pauseDays    = 365 // after the second of two questions declined within as many days
)

// SuggestionIDLength is how many characters the id of a suggestion has: what takes the place of {id} in the address of a survey's page.
const SuggestionIDLength = 24

// LinkID is what stands for a question's id in the address of a survey's page.
const LinkID = "{id}"

// Abilities are what a till can ask a question on.
type Abilities struct {
	// PinPad tells that the pin pad can put a question.
	PinPad bool
	// DisplayLines and DisplayColumns are the size of the customer display; 0 lines for none.
	DisplayLines, DisplayColumns int
	// ReceiptColumns is how many characters a receipt line has.
	ReceiptColumns int
	// BarCodes tells that the printer prints bar codes, so that an address of any length can be given.
	BarCodes bool
}

// LastAsked is when a customer was last asked something, as far as anybody knows. Days are days since 1970-01-01, 0 for never. The zero value is of
// who never was.
type LastAsked struct {
	// Day is the last question of any kind.
	Day int32
	// NPSDay is the last question whether the customer would recommend the chain.
	NPSDay int32
	// DeclinedDay is the last question declined, DeclinedBeforeDay the one before that.
	DeclinedDay, DeclinedBeforeDay int32
	// Questions are the last day of each question, by its campaign. Nil for none.
	Questions map[string]int32
	// Elsewhere tells that another open sale is asking something now.
	Elsewhere bool
}

// survey is a question, compiled.
type survey struct {
	nps    bool
	sample int32
	again  int32 // days before this very question is put again
	ask    *programmev1.Ask
}

// compileSurvey prepares a question; nil for campaigns of another kind.
func compileSurvey(in *programmev1.Campaign) *survey {
	if in.GetSurvey() == nil {
		return nil
	}
	return &survey{
		nps:    in.GetSurvey().GetKind() == programmev1.SurveyKind_SURVEY_KIND_NPS,
		sample: in.GetAsk().GetSamplePercent(), again: in.GetAsk().GetAgainAfterDays(), ask: in.GetAsk(),
	}
}

// anywhere is where a question is put that does not say where.
var anywhere = []programmev1.AskOn{
	programmev1.AskOn_ASK_ON_PIN_PAD, programmev1.AskOn_ASK_ON_DISPLAY, programmev1.AskOn_ASK_ON_RECEIPT_LINK, programmev1.AskOn_ASK_ON_CASHIER,
}

// Places are where a question may be put, in order of preference. A link on the receipt is none without the address of a page.
func Places(ask *programmev1.Ask) []programmev1.AskOn {
	wanted := ask.GetOn()
	if len(wanted) == 0 {
		wanted = anywhere
	}
	places := make([]programmev1.AskOn, 0, len(wanted))
	for _, on := range wanted {
		if on != programmev1.AskOn_ASK_ON_RECEIPT_LINK || ask.GetLink() != "" {
			places = append(places, on)
		}
	}
	return places
}

// Place is the first place of a question's that a till has; unspecified when it has none.
func Place(ask *programmev1.Ask, a *Abilities) programmev1.AskOn {
	for _, on := range Places(ask) {
		if a.can(on, ask) {
			return on
		}
	}
	return programmev1.AskOn_ASK_ON_UNSPECIFIED
}

// can reports whether a till can put a question in a place. A display shows two lines of 20 characters, on one line when it is twice as wide. The
// cashier can always ask.
func (a *Abilities) can(on programmev1.AskOn, ask *programmev1.Ask) bool {
	switch on {
	case programmev1.AskOn_ASK_ON_PIN_PAD:
		return a.PinPad
	case programmev1.AskOn_ASK_ON_DISPLAY:
		return a.DisplayLines >= 2 && a.DisplayColumns >= 20 || a.DisplayLines >= 1 && a.DisplayColumns >= 40
	case programmev1.AskOn_ASK_ON_RECEIPT_LINK:
		return a.BarCodes || LinkLength(ask.GetLink()) <= a.ReceiptColumns
	default:
		return on == programmev1.AskOn_ASK_ON_CASHIER
	}
}

// LinkLength is how many characters the address of a survey's page has once a question's id stands in it.
func LinkLength(link string) int { return len(link) - len(LinkID) + SuggestionIDLength }

// asks looks at what only questions need: Won when it may be put to this customer now.
func (l *look) asks(c *campaign) Reason {
	s := c.survey
	switch {
	case Place(s.ask, &l.in.Abilities) == programmev1.AskOn_ASK_ON_UNSPECIFIED:
		return TillCannot
	case l.returning():
		return OnReturn
	case l.in.Asked.Elsewhere, l.today() < l.freeFrom(c):
		return Quarantine
	case s.sample > 0 && !In(Draw(ForSample, c.salt, l.in.Account), s.sample):
		return NotSampled
	}
	return Won
}

// returning reports whether the basket brings goods back: a line names the one it is from, or nothing is bought, or money goes back.
func (l *look) returning() bool {
	back, bought := false, false
	for _, line := range l.in.Lines {
		if line.GetOriginalLine() != 0 {
			return true
		}
		back = back || line.GetQuantityMilli() < 0
		bought = bought || line.GetQuantityMilli() > 0
	}
	return back && (!bought || l.whole().spend < 0)
}

// freeFrom is the first day on which a question may be put to the customer again; 0 for any.
func (l *look) freeFrom(c *campaign) int32 {
	var from int32
	after := func(day, days int32) {
		if day != 0 {
			from = max(from, day+days)
		}
	}
	a := &l.in.Asked
	after(a.Day, quietDays)
	if c.survey.nps {
		after(a.NPSDay, quietDaysNPS)
	}
	after(a.Questions[c.source.GetCode()], c.survey.again)
	if a.DeclinedBeforeDay != 0 && a.DeclinedDay-a.DeclinedBeforeDay <= pauseDays {
		after(a.DeclinedDay, pauseDays)
	}
	return from
}

// Rested reports whether the customer was left in peace long enough for a question to be put on a day; false for a campaign that asks nothing.
func (p *Programme) Rested(c *programmev1.Campaign, asked *LastAsked, day int32) bool {
	for i := range p.campaigns {
		if own := &p.campaigns[i]; own.source == c && own.survey != nil {
			return day >= (&look{p: p, in: &Input{Asked: *asked}}).freeFrom(own)
		}
	}
	return false
}

// StillAsked is Won while a question that was promised to a sale can be put to the customer at this till with this basket, or why it no longer can.
func (p *Programme) StillAsked(c *programmev1.Campaign, in *Input) Reason {
	switch {
	case Place(c.GetAsk(), &in.Abilities) == programmev1.AskOn_ASK_ON_UNSPECIFIED:
		return TillCannot
	case (&look{p: p, in: in}).returning():
		return OnReturn
	}
	return Won
}

// SurveysUntil reports whether a campaign asks customers something on a day, in days since 1970-01-01, or later. While none does, nobody needs to know when
// a customer was last asked.
func (p *Programme) SurveysUntil(day int32) bool {
	for i := range p.campaigns {
		if c := &p.campaigns[i]; c.survey != nil && (c.last == 0 || c.last >= day) {
			return true
		}
	}
	return false
}

// LiveSurvey reports whether a campaign of this code asks customers something on a day or later.
func (p *Programme) LiveSurvey(code string, day int32) bool {
	for i := range p.campaigns {
		if c := &p.campaigns[i]; c.survey != nil && c.source.GetCode() == code {
			return c.last == 0 || c.last >= day
		}
	}
	return false
}
