package decision

import (
	"math/bits"
	"slices"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// declinedDays is for how many days nobody is asked again about contact details after declining: as long as after any question.
const declinedDays = 90

// look is one look at the campaigns, with what is reckoned once for all of them.
type look struct {
	p    *Programme
	in   *Input
	sums []sum // per group; nil until a campaign asks

	timed bool // the campaign in hand has asked for the date or the time
}

// today is the day, of which is noted that it was asked for.
func (l *look) today() int32 {
	l.timed = true
	return l.in.Day
}

// sum is what lies in the basket of one group.
type sum struct{ milli, spend int64 }

// indexed is why the index leaves a campaign out; Unspecified when it does not.
func (l *look) indexed(c *campaign) Reason {
	when := c.source.GetWhen()
	switch {
	case !served(c.source):
		return NotServed
	case len(when.GetSegments()) > 0 && !slices.Contains(when.GetSegments(), l.in.Segment):
		return WrongSegment
	case len(when.GetStores()) > 0 && !slices.Contains(when.GetStores(), l.in.Store):
		return WrongStore
	case len(when.GetTiers()) > 0 && !slices.Contains(when.GetTiers(), l.in.Tier):
		return WrongTier
	case !l.in.Stage.suits(when.GetAt()):
		return WrongStage
	}
	return Unspecified
}

// reason looks at what the index does not know: Won when all holds, or the first thing that does not, cheapest first. What rests on the date or the
// hour is off while the clock is suspect.
func (l *look) reason(c *campaign) Reason {
	l.timed = false
	reason := l.conditions(c)
	if l.timed && l.in.ClockSuspect {
		return ClockSuspect
	}
	return reason
}

func (l *look) conditions(c *campaign) Reason {
	switch {
	case c.first != 0 && l.today() < c.first:
		return NotStarted
	case c.last != 0 && l.today() > c.last:
		return Ended
	case c.homeStore && (l.in.HomeStore == "" || l.in.HomeStore != l.in.Store):
		return NotHomeStore
	case c.perLife > 0 && l.in.Times[c.source.GetCode()] >= c.perLife:
		return CapReached
	case c.asksDetails && l.in.DetailsDeclinedDay != 0 && l.today() < l.in.DetailsDeclinedDay+declinedDays:
		return Quarantine
	}
	if reason := l.visit(c); reason != Won {
		return reason
	}
	for _, name := range c.traits {
		if !l.trait(name).GetYes() {
			return TraitMissing
		}
	}
	for i := range c.basket {
		if !l.holds(&c.basket[i]) {
			return BasketMissing
		}
	}
	if c.picture != nil && !l.likes(c.picture) {
		return OtherPicture
	}
	if c.also != nil && !l.also(c.also) {
		return ConditionFalse
	}
	if c.survey != nil {
		return l.asks(c)
	}
	return Won
}

// visit holds the days since the last visit against the campaign's bounds.
func (l *look) visit(c *campaign) Reason {
	if c.atLeast < 0 && c.atMost < 0 {
		return Won
	}
	days := int64(l.today() - l.in.LastVisitDay)
	switch {
	case l.in.LastVisitDay == 0, c.atLeast >= 0 && days < c.atLeast:
		return VisitTooRecent
	case c.atMost >= 0 && days > c.atMost:
		return VisitTooLongAgo
	}
	return Won
}

// trait is what is known about a customer under a name; nil for nothing.
func (l *look) trait(name string) *customerv1.Trait {
	for _, trait := range l.in.Traits {
		if trait.GetName() == name {
			return trait
		}
	}
	return nil
}

// holds reports whether the basket has what is needed.
func (l *look) holds(need *basketNeed) bool {
	if len(l.in.Lines) == 0 {
		return false
	}
	s := l.group(need.group)
	if need.milli == 0 && need.spend == 0 {
		return s.milli > 0
	}
	return s.milli >= need.milli && s.spend >= need.spend
}

// group is what lies in the basket of one group.
func (l *look) group(i int) sum {
	if l.sums == nil {
		l.reckon()
	}
	return l.sums[i]
}

// whole is all that lies in the basket.
func (l *look) whole() sum {
	var s sum
	for _, line := range l.in.Lines {
		s.milli += line.GetQuantityMilli()
		s.spend += line.GetNetMinor()
	}
	return s
}

// reckon sums the basket by group. Goods brought back count against those bought.
func (l *look) reckon() {
	l.sums = make([]sum, l.p.groups)
	for i, line := range l.in.Lines {
		for w, word := range l.in.Groups[i] {
			for ; word != 0; word &= word - 1 {
				s := &l.sums[w*64+bits.TrailingZeros64(word)]
				s.milli += line.GetQuantityMilli()
				s.spend += line.GetNetMinor()
			}
		}
	}
}
