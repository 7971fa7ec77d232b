package till

import (
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// public is all that a text for a customer may hold. Texts are filled from these fields alone, so nothing internal can reach a display or a
// receipt: not a segment, not past spend, not a date of the customer's past, not what is owed.
type public struct {
	points  int64 // that may be spent; never below zero
	earned  int64 // on this receipt
	taken   int64 // taken back by this return
	spent   int64 // that pay for goods, or come back with them
	bonus   int64 // for an answer
	times   int64 // factor of an offer
	visits  int64 // still to go
	percent int32 // basis points of an offer or a standing discount
	money   int64 // minor units of an offer or still to go
	least   int64 // minor units from which an offer holds
	from    int32 // first day of an offer
	by      int32 // last day
	tier    string
	group   string // public name of a customer group
	name    string // first name, of who asked to be greeted by it
}

// tongue is how to speak to somebody: language, form of address, figures.
type tongue struct {
	phrases  phrasebook
	locale   locale
	currency string
	decimals int32
}

// say is a ready-made text for an audience, `|` between its lines; empty where there is none.
func (t *tongue) say(phrase string, who audience, facts *public) string {
	texts := t.phrases[phrase]
	if texts == nil || len(texts[who]) == 0 {
		return ""
	}
	var stack [192]byte
	b := stack[:0]
	for i := range texts[who] {
		p := &texts[who][i]
		switch {
		case p.field == 0:
			b = append(b, p.words...)
		case p.many == "":
			b = t.appendFact(b, p.field, facts)
		case t.locale.one(facts.count(p.field)):
			b = append(b, p.one...)
		default:
			b = append(b, p.many...)
		}
	}
	return string(b)
}

// appendFact writes one public fact.
func (t *tongue) appendFact(b []byte, f field, facts *public) []byte {
	switch f {
	case fieldPercent:
		return t.locale.appendPercent(b, facts.percent)
	case fieldMoney:
		return t.locale.appendMoney(b, facts.money, t.currency, t.decimals)
	case fieldLeast:
		return t.locale.appendMoney(b, facts.least, t.currency, t.decimals)
	case fieldFrom:
		return t.locale.appendDay(b, facts.from)
	case fieldBy:
		return t.locale.appendDay(b, facts.by)
	case fieldTier:
		return append(b, facts.tier...)
	case fieldGroup:
		return append(b, facts.group...)
	case fieldName:
		return append(b, facts.name...)
	default:
		return t.locale.appendNumber(b, facts.count(f))
	}
}

// count is the number behind a field; 0 for fields that hold none.
func (p *public) count(f field) int64 {
	switch f {
	case fieldPoints:
		return p.points
	case fieldEarned:
		return p.earned
	case fieldTaken:
		return p.taken
	case fieldSpent:
		return p.spent
	case fieldBonus:
		return p.bonus
	case fieldTimes:
		return p.times
	case fieldVisits:
		return p.visits
	default:
		return 0
	}
}

// block is texts laid out for a device; nil when there is nothing to say or nothing to say it on.
func (t *tongue) block(d device, texts ...string) *tillv1.TextBlock {
	lines := d.lay(joinTexts(texts))
	if len(lines) == 0 {
		return nil
	}
	return &tillv1.TextBlock{Lines: lines, Language: t.locale.code}
}
