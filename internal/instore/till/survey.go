package till

import (
	"strings"
	"sync"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// Two refusals of one question are told apart from two questions by how far apart they are: a business day ends after midnight, and head office
// counts days elsewhere.
const sameDays = 2

// question is how a campaign is put to a customer at this till.
type question struct {
	on   programmev1.AskOn
	link string // the page's address with the question's id; empty where it is not asked by a link
	fits bool   // the address can be read from the receipt
}

// abilitiesOf are what a till can ask a question on. A till that says nothing of itself has the usual display and printer, and no pin pad.
func abilitiesOf(a *tillv1.Abilities) decision.Abilities {
	d := devicesOf(a)
	return decision.Abilities{
		PinPad: a.GetPinPadInput(), DisplayLines: d[display].lines, DisplayColumns: d[display].columns,
		ReceiptColumns: d[receipt].columns, BarCodes: a.GetBarCodes(),
	}
}

// put makes of a suggestion that won the question as this till puts it; other suggestions stay as they are.
func (c *call) put(out *suggestion, req *tillv1.LookupRequest, w *who) *suggestion {
	if out.campaign == nil || out.campaign.source.GetSurvey() == nil {
		return out
	}
	source, abilities := out.campaign.source, abilitiesOf(req.GetAbilities())
	tongue := c.customerTongue(w.account.GetLanguage(), c.place)
	low, high := scale(source.GetSurvey())
	put := *out.campaign
	put.asked = &question{on: decision.Place(source.GetAsk(), &abilities)}
	survey := &tillv1.SurveySuggestion{
		Kind: source.GetSurvey().GetKind(), Lowest: low, Highest: high, On: put.asked.on, Points: source.GetAsk().GetPoints(),
		Question: tongue.block(device{columns: displayColumns, lines: displayLines}, put.words(tongue, display)),
		Choices:  choices(source.GetSurvey().GetChoices(), tongue.locale.code),
	}
	if then := source.GetThen(); then != nil {
		survey.FollowUp = &tillv1.FollowUpQuestion{IfAtMost: int32(then.GetIfAtMost()), Choices: choices(then.GetChoices(), tongue.locale.code)}
	}
	if put.asked.on == programmev1.AskOn_ASK_ON_RECEIPT_LINK {
		put.asked.link = strings.ReplaceAll(source.GetAsk().GetLink(), decision.LinkID, out.proto.GetId())
		put.asked.fits = len(put.asked.link) <= abilities.ReceiptColumns
		survey.Link = "https://" + put.asked.link
	}
	put.facts.bonus = source.GetAsk().GetPoints()
	out.campaign, out.proto.Kind = &put, &tillv1.Suggestion_Survey{Survey: survey}
	c.service.asking.keep(req.GetReceiptRef(), w.id, c.now)
	return out
}

// scale is the least and the highest answer to a question.
func scale(s *programmev1.Survey) (low, high int32) {
	switch s.GetKind() {
	case programmev1.SurveyKind_SURVEY_KIND_NPS:
		return 0, 10
	case programmev1.SurveyKind_SURVEY_KIND_CSAT:
		return 1, 5
	case programmev1.SurveyKind_SURVEY_KIND_YES_NO:
		return 0, 1
	default:
		return 1, int32(len(s.GetChoices()))
	}
}

// choices are answers in a language.
func choices(in []*programmev1.Choice, language string) []string {
	var out []string
	for _, choice := range in {
		out = append(out, printable(named(choice.GetText(), language)))
	}
	return out
}

// say is what is said to an audience of a question that is put here: where the till asks it, that it is asked; on the receipt only the address of
// the page. A question that is not put here is not spoken of.
func (q *question) say(m *campaign, t *tongue, who audience) string {
	byLink := q != nil && q.on == programmev1.AskOn_ASK_ON_RECEIPT_LINK
	switch {
	case q == nil, who == receipt && !byLink:
		return ""
	case who == receipt:
		words := m.own(t, who)
		if words == "" {
			words = t.say(map[bool]string{true: "ask_link_points", false: "ask_link"}[m.facts.bonus > 0], who, &m.facts)
		}
		if !q.fits {
			return words
		}
		return joinTexts([]string{words, q.link})
	case byLink:
		return t.say("ask_link", who, &m.facts)
	case who == cashier && m.own(t, who) == "" && q.on == programmev1.AskOn_ASK_ON_DISPLAY:
		return t.say("ask_display", who, &m.facts)
	case who == cashier && m.own(t, who) == "" && q.on == programmev1.AskOn_ASK_ON_CASHIER:
		return t.say("ask_aloud", who, &m.facts)
	}
	return m.words(t, who)
}

// lastAsked finds out when the customer was last asked something: what head office published of all stores, and what was asked here. Nothing is read
// while the programme asks nothing.
func (c *call) lastAsked(w *who, v *journal.View, s *standing) error {
	if !c.decide.Surveys() {
		return nil
	}
	published := w.account.GetAsked()
	s.asked = decision.LastAsked{
		Day: published.GetLastDay(), NPSDay: published.GetLastNpsDay(), DeclinedDay: published.GetDeclinedDay(),
		DeclinedBeforeDay: published.GetDeclinedBeforeDay(), Questions: map[string]int32{},
	}
	for _, q := range published.GetQuestions() {
		s.asked.Questions[q.GetCampaign()] = q.GetDay()
	}
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		err := v.LocalContacts(account, never, func(contact journal.Contact) error {
			note(&s.asked, contact.Exposure, loyalty.Day(contact.At.In(c.place.zone)))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note counts one contact.
func note(asked *decision.LastAsked, e *outcomev1.Exposure, day int32) {
	if e.GetQuestion() == programmev1.SurveyKind_SURVEY_KIND_UNSPECIFIED {
		return
	}
	asked.Day = max(asked.Day, day)
	if e.GetQuestion() == programmev1.SurveyKind_SURVEY_KIND_NPS {
		asked.NPSDay = max(asked.NPSDay, day)
	}
	asked.Questions[e.GetCampaign()] = max(asked.Questions[e.GetCampaign()], day)
	if e.GetResponse() != outcomev1.Response_RESPONSE_DECLINED {
		return
	}
	switch {
	case day > asked.DeclinedDay+sameDays:
		asked.DeclinedBeforeDay, asked.DeclinedDay = asked.DeclinedDay, day
	case day < asked.DeclinedDay-sameDays && day > asked.DeclinedBeforeDay:
		asked.DeclinedBeforeDay = day
	}
}

// asking remembers, in memory alone, which open sale a customer is being asked in, so that another till does not ask as well. It is bounded; when it
// is full and all of it is recent, nothing more is remembered.
type asking struct {
	mu   sync.Mutex
	sale map[[16]byte]askedIn
}

// askedIn is one sale, and since when.
type askedIn struct {
	ref string
	at  time.Time
}

func newAsking() *asking { return &asking{sale: map[[16]byte]askedIn{}} }

// keep remembers the sale from its first question on.
func (a *asking) keep(ref string, account [16]byte, now time.Time) {
	if ref == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if had, ok := a.sale[account]; ok && had.ref == ref {
		return
	}
	if len(a.sale) >= maxPromises {
		for id, one := range a.sale {
			if now.Sub(one.at) >= promiseTime {
				delete(a.sale, id)
			}
		}
	}
	if len(a.sale) < maxPromises {
		a.sale[account] = askedIn{ref, now}
	}
}

// elsewhere reports whether another open sale is asking the customer.
func (a *asking) elsewhere(ref string, account [16]byte, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	had, ok := a.sale[account]
	return ok && had.ref != ref && now.Sub(had.at) < promiseTime
}
