package warehouse

import (
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// deepened is what is known of an account beyond its values, as the statement published tells it. Of an account that may not be profiled, and
// where customers may not be addressed by what a model foretells, there is nothing.
type deepened struct {
	may                                     *bool
	alive, visits, next, value, profit      *int64
	pictured                                *bool
	group, brand                            *string
	breadth, promotion, weekday             *int64
	hours, season, store, channel, cluster  *string
	alsoBought, again, expected, everyTimes any
}

// columns are where the columns of the statement go, in their order.
func (d *deepened) columns() []any {
	return []any{
		&d.may, &d.alive, &d.visits, &d.next, &d.value, &d.profit, &d.pictured, &d.group, &d.brand, &d.breadth, &d.promotion, &d.weekday,
		&d.hours, &d.season, &d.store, &d.channel, &d.cluster, &d.alsoBought, &d.again, &d.expected, &d.everyTimes,
	}
}

// predictions is what is foretold; nil for nothing.
func (d *deepened) predictions() *customerv1.Predictions {
	if !or(d.may) || d.alive == nil {
		return nil
	}
	return &customerv1.Predictions{
		AlivePercent: int32(or(d.alive)), VisitsThousandths: or(d.visits), NextVisitDays: int32(or(d.next)), ValueMinor: or(d.value),
		ProfitMinor: or(d.profit),
	}
}

// picture is what the customer likes to buy; nil when nothing is known.
func (d *deepened) picture() *customerv1.Picture {
	if !or(d.may) || !or(d.pictured) {
		return nil
	}
	picture := &customerv1.Picture{
		FavouriteGroup: or(d.group), FavouriteBrand: or(d.brand), Breadth: int32(or(d.breadth)), UsualWeekday: int32(or(d.weekday)),
		UsualHours: or(d.hours), UsualSeason: or(d.season), UsualStore: or(d.store), UsualChannel: or(d.channel), Cluster: or(d.cluster), AlsoBought: listOf(d.alsoBought),
	}
	if d.promotion != nil {
		share := int32(*d.promotion)
		picture.PromotionPercent = &share
	}
	expected, every := numbersOf(d.expected), numbersOf(d.everyTimes)
	for i, group := range listOf(d.again) {
		if i < len(expected) && i < len(every) {
			picture.Replenishments = append(picture.Replenishments, &customerv1.Replenishment{
				Group: group, ExpectedDay: int32(expected[i]), EveryDays: int32(every[i]),
			})
		}
	}
	return picture
}

// numbersOf reads a list of whole numbers.
func numbersOf(list any) []int64 {
	items, _ := list.([]any)
	var all []int64
	for _, item := range items {
		if n, ok := item.(int64); ok {
			all = append(all, n)
		}
	}
	return all
}
