package decision

import (
	"slices"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// The parts of a customer's predictions and picture that campaigns may ask about: the fields of the published messages.
const (
	askAlive                = "alive_percent"
	askVisits               = "visits_thousandths"
	askNextVisit            = "next_visit_days"
	askValue                = "value_minor"
	askProfit               = "profit_minor"
	askFavouriteGroup       = "favourite_group"
	askFavouriteBrand       = "favourite_brand"
	askBreadth              = "breadth"
	askPromotion            = "promotion_percent"
	askWeekday              = "usual_weekday"
	askHours                = "usual_hours"
	askSeason               = "usual_season"
	askStore                = "usual_store"
	askChannel              = "usual_channel"
	askCluster              = "cluster"
	askAlsoBought           = "also_bought"
	askReplenishments       = "replenishments"
	unknownDays       int64 = 99_999 // days until what is not expected at all
)

// asked is a part of a customer's predictions or picture that a campaign asks about; of lists, only what concerns the group.
type asked struct{ field, group string }

// pictureNeed is what a campaign asks of predictions and picture.
type pictureNeed struct {
	favourites, alsoBought  []string
	runsOut                 []*programmev1.RunsOutCondition
	promotion, alive, value *span
}

// span is a range of whole numbers, both ends included; nil asks for nothing.
type span struct{ low, high *int64 }

// compilePicture reads what a condition asks of predictions and picture; nil for nothing.
func compilePicture(when *programmev1.Condition) *pictureNeed {
	n := &pictureNeed{favourites: when.GetFavouriteGroups(), alsoBought: when.GetOthersAlsoBought(), runsOut: when.GetRunsOut()}
	if b := when.GetPromotionPercent(); b != nil {
		n.promotion = &span{b.AtLeast, b.AtMost}
	}
	if b := when.GetAlivePercent(); b != nil {
		n.alive = &span{b.AtLeast, b.AtMost}
	}
	if b := when.GetValueNext_12Months(); b != nil {
		n.value = &span{b.AtLeast, b.AtMost}
	}
	if len(n.asks()) == 0 {
		return nil
	}
	return n
}

// asks is what the need reads.
func (n *pictureNeed) asks() []asked {
	if n == nil {
		return nil
	}
	var all []asked
	for field, needed := range map[string]bool{
		askFavouriteGroup: len(n.favourites) > 0, askPromotion: n.promotion != nil, askAlive: n.alive != nil, askValue: n.value != nil,
	} {
		if needed {
			all = append(all, asked{field: field})
		}
	}
	for _, group := range n.alsoBought {
		all = append(all, asked{askAlsoBought, group})
	}
	for _, r := range n.runsOut {
		all = append(all, asked{askReplenishments, r.GetGroup()})
	}
	return all
}

// likes reports whether the customer is as the need asks. What is not known is never as asked.
func (l *look) likes(n *pictureNeed) bool {
	picture, foretold := l.in.Picture, l.in.Predictions
	switch {
	case len(n.favourites) > 0 && !slices.Contains(n.favourites, picture.GetFavouriteGroup()),
		len(n.alsoBought) > 0 && !slices.ContainsFunc(n.alsoBought, func(g string) bool { return slices.Contains(picture.GetAlsoBought(), g) }),
		n.promotion != nil && (picture == nil || picture.PromotionPercent == nil || !n.promotion.holds(int64(picture.GetPromotionPercent()))),
		n.alive != nil && (foretold == nil || !n.alive.holds(int64(foretold.GetAlivePercent()))),
		n.value != nil && (foretold == nil || !n.value.holds(foretold.GetValueMinor())):
		return false
	}
	for _, r := range n.runsOut {
		if days := l.daysToReplenish(r.GetGroup()); days == unknownDays || !(&span{r.AtLeast, r.AtMost}).holds(days) {
			return false
		}
	}
	return true
}

// holds reports whether a value lies within.
func (s *span) holds(v int64) bool {
	return (s.low == nil || v >= *s.low) && (s.high == nil || v <= *s.high)
}

// daysToReplenish is in how many days the customer is expected to buy a group again, below 0 when that is overdue; unknownDays when nothing is
// expected.
func (l *look) daysToReplenish(group string) int64 {
	for _, r := range l.in.Picture.GetReplenishments() {
		if r.GetGroup() == group {
			return int64(r.GetExpectedDay() - l.today())
		}
	}
	return unknownDays
}

// Asked is what the live campaigns of a programme ask of customers' predictions and pictures. Nothing else has any business in a store.
type Asked struct {
	fields map[string]bool
	groups map[asked]bool
}

// Asked returns what the campaigns that have not ended before a day, in days since 1970-01-01, ask of customers' predictions and pictures.
func (p *Programme) Asked(day int32) Asked {
	out := Asked{fields: map[string]bool{}, groups: map[asked]bool{}}
	for i := range p.campaigns {
		c := &p.campaigns[i]
		if c.last != 0 && c.last < day {
			continue
		}
		all := c.picture.asks()
		if c.also != nil {
			all = append(all, c.also.asks...)
		}
		for _, one := range all {
			out.fields[one.field], out.groups[one] = true, true
		}
	}
	return out
}

// None reports whether nothing at all is asked.
func (a Asked) None() bool { return len(a.fields) == 0 }

// Predictions returns of what is foretold only what is asked; nil when that is nothing. The message handed in is not kept.
func (a Asked) Predictions(p *customerv1.Predictions) *customerv1.Predictions {
	if p == nil || !a.fields[askAlive] && !a.fields[askVisits] && !a.fields[askNextVisit] && !a.fields[askValue] && !a.fields[askProfit] {
		return nil
	}
	return &customerv1.Predictions{
		AlivePercent: when(a.fields[askAlive], p.GetAlivePercent()), VisitsThousandths: when(a.fields[askVisits], p.GetVisitsThousandths()),
		NextVisitDays: when(a.fields[askNextVisit], p.GetNextVisitDays()), ValueMinor: when(a.fields[askValue], p.GetValueMinor()),
		ProfitMinor: when(a.fields[askProfit], p.GetProfitMinor()),
	}
}

// Picture returns of a picture only what is asked; nil when that is nothing. The message handed in is not kept.
func (a Asked) Picture(p *customerv1.Picture) *customerv1.Picture {
	if p == nil {
		return nil
	}
	out := &customerv1.Picture{
		FavouriteGroup: when(a.fields[askFavouriteGroup], p.GetFavouriteGroup()), FavouriteBrand: when(a.fields[askFavouriteBrand], p.GetFavouriteBrand()),
		Breadth: when(a.fields[askBreadth], p.GetBreadth()), PromotionPercent: when(a.fields[askPromotion], p.PromotionPercent),
		UsualWeekday: when(a.fields[askWeekday], p.GetUsualWeekday()), UsualHours: when(a.fields[askHours], p.GetUsualHours()),
		UsualSeason: when(a.fields[askSeason], p.GetUsualSeason()), UsualStore: when(a.fields[askStore], p.GetUsualStore()),
		UsualChannel: when(a.fields[askChannel], p.GetUsualChannel()), Cluster: when(a.fields[askCluster], p.GetCluster()),
	}
	for _, group := range p.GetAlsoBought() {
		if a.groups[asked{askAlsoBought, group}] {
			out.AlsoBought = append(out.AlsoBought, group)
		}
	}
	for _, r := range p.GetReplenishments() {
		if a.groups[asked{askReplenishments, r.GetGroup()}] {
			out.Replenishments = append(out.Replenishments, r)
		}
	}
	if proto.Size(out) == 0 {
		return nil
	}
	return out
}

// when is a value that is asked for, else its zero.
func when[T any](needed bool, v T) T {
	if needed {
		return v
	}
	var zero T
	return zero
}
