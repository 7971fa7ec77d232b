package till

import (
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// speech is how one answer is put: the tongues of cashier and customer, and what the till can show.
type speech struct {
	staff    *tongue
	customer *tongue
	devices  devices
}

// blocks are the words of one answer.
type blocks struct {
	staff, display, receipt *tillv1.TextBlock
}

// speechFor picks the languages for one till and one customer.
func (c *call) speechFor(staffLanguage string, abilities *tillv1.Abilities, w *who) speech {
	return speech{
		staff:    c.staffTongue(staffLanguage, c.place),
		customer: c.customerTongue(w.account.GetLanguage(), c.place),
		devices:  devicesOf(abilities),
	}
}

// neutral are the ready-made words of one case.
func (s *speech) neutral(phrase string) blocks { return s.neutralWith(phrase, &public{}) }

// neutralWith are the ready-made words of one case with its figures.
func (s *speech) neutralWith(phrase string, facts *public) blocks {
	return blocks{
		staff:   s.staff.block(s.devices[cashier], s.staff.say(phrase, cashier, facts)),
		display: s.customer.block(s.devices[display], s.customer.say(phrase, display, facts)),
		receipt: s.customer.block(s.devices[receipt], s.customer.say(phrase, receipt, facts)),
	}
}

// outcomePhrases are the cases of an identifier that leads to no customer.
var outcomePhrases = map[tillv1.Outcome]string{
	tillv1.Outcome_OUTCOME_ANONYMOUS_CARD:  "anonymous",
	tillv1.Outcome_OUTCOME_UNKNOWN_CARD:    "unknown",
	tillv1.Outcome_OUTCOME_BLOCKED:         "blocked",
	tillv1.Outcome_OUTCOME_NOT_A_CARD:      "not_a_card",
	tillv1.Outcome_OUTCOME_VOUCHER:         "voucher",
	tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT: "misread",
	tillv1.Outcome_OUTCOME_AMBIGUOUS:       "ambiguous",
	tillv1.Outcome_OUTCOME_EXPIRED:         "expired",

	tillv1.Outcome_OUTCOME_NOTHING_PRESENTED: "nothing_presented",
}

// greeting are the words of a customer with nothing further to say: to the cashier tier and points, to the customer the points.
func (c *call) greeting(s *speech, w *who, st *standing, facts *public) (staff, shown string) {
	if w.account == nil { // a new card
		if st.available() == 0 {
			shown = s.customer.say("new_card", display, facts)
		} else {
			shown = s.customer.say("regular", display, facts)
		}
		return s.staff.say("new_card", cashier, facts), shown
	}
	if group := c.rightOf(w); group != nil {
		return c.right(s, group)
	}
	phrase := "regular"
	if facts.tier == "" {
		phrase = "plain"
	}
	forStaff := *facts
	forStaff.tier = c.tierName(st.tier, s.staff.locale.code)
	return s.staff.say(phrase, cashier, &forStaff), s.hello(w, facts)
}

// hello greets by first name where the customer asked for it and it fits.
func (s *speech) hello(w *who, facts *public) string {
	if facts.name = w.account.GetFirstName(); facts.name != "" {
		named := s.customer.say("named", display, facts)
		if len(s.devices[display].lay(named)) == len(device{columns: 1 << 10, lines: 1 << 10}.lay(named)) {
			return named
		}
	}
	return s.customer.say("regular", display, facts)
}

// rightOf is the customer group whose standing discount is to be said; nil for none.
func (c *call) rightOf(w *who) *programmev1.CustomerGroup {
	for _, code := range w.account.GetCustomerGroups() {
		if group := c.groups[code]; group.GetPercent() > 0 {
			return group
		}
	}
	return nil
}

// right are the words of a standing discount.
func (c *call) right(s *speech, group *programmev1.CustomerGroup) (staff, shown string) {
	phrase := "group"
	if group.GetNotOnPromotion() {
		phrase = "group_not_promoted"
	}
	forStaff := &public{group: named(group.GetName(), s.staff.locale.code), percent: group.GetPercent()}
	facts := &public{group: named(group.GetName(), s.customer.locale.code), percent: group.GetPercent()}
	return s.staff.say(phrase, cashier, forStaff), s.customer.say("group", display, facts)
}

// progress is a prompt about the next tier in figures: by money or visits, money, visits or points, and by when where that is known. It stays as
// it is for who has no next tier.
func (c *call) progress(prompt *campaign, w *who, st *standing) *campaign {
	step, ok := loyalty.NextStep(c.programme.GetTiers(), st.tier, st.progress)
	if !ok || w.account == nil {
		return prompt
	}
	said := *prompt
	said.facts = public{money: step.Spend, visits: step.Visits, points: step.Points, by: w.account.GetLoyalty().GetCountsUntilDay()}
	known := said.facts.by >= loyalty.Day(c.now)
	switch {
	case step.Spend > 0 && step.Visits > 0 && known:
		said.phrase = "next_tier"
	case step.Spend > 0 && step.Visits > 0:
		said.phrase = "next_tier_open"
	case step.Spend > 0:
		said.phrase = "next_money"
	case step.Visits > 0:
		said.phrase = "next_visits"
	default:
		said.phrase = "next_points"
	}
	if known && said.phrase != "next_tier" {
		said.phrase += "_by"
	}
	said.tier = func(language string) string { return c.tierName(step.Tier, language) }
	return &said
}

// say is a campaign's text for an audience: the retailer's own words, else the ready-made ones.
func (m *campaign) say(t *tongue, who audience) string {
	if m.source.GetSurvey() != nil {
		return m.asked.say(m, t, who)
	}
	return m.words(t, who)
}

// own are the retailer's own words; empty for none.
func (m *campaign) own(t *tongue, who audience) string {
	say := m.source.GetSay()
	own := say.GetCashier()
	switch who {
	case display:
		own = say.GetDisplay()
	case receipt:
		own = say.GetReceipt()
	case cashier, audiences:
	}
	for _, translation := range own {
		if translation.GetLanguage() == t.locale.code {
			return translation.GetText()
		}
	}
	return ""
}

// words are a campaign's own words, else the ready-made ones of its kind.
func (m *campaign) words(t *tongue, who audience) string {
	if own := m.own(t, who); own != "" {
		return own
	}
	if m.tier == nil {
		return t.say(m.phrase, who, &m.facts)
	}
	facts := m.facts
	facts.tier = m.tier(t.locale.code)
	return t.say(m.phrase, who, &facts)
}
