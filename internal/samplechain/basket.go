package samplechain

import "math/rand/v2"

// Line is one line of a receipt.
type Line struct {
	// SKU is the article's code.
	SKU string
	// Group is its product group.
	Group string
	// Name is what the receipt calls it.
	Name string
	// QuantityMilli is pieces, or kilograms, in thousandths; negative when brought back.
	QuantityMilli int64
	// NetMinor is what was paid, in cents; negative when brought back.
	NetMinor int64
	// DiscountMinor is what was taken off before, in cents.
	DiscountMinor int64
	// NotMerchandise is set for deposits and gift cards.
	NotMerchandise bool
	// OnPromotion is set for lines at a reduced price.
	OnPromotion bool
	// OriginalLine is the line of the sale that is brought back, from 1; 0 on a sale.
	OriginalLine int
}

// dearCents is about what people put down for one line: of dear things they take one.
const dearCents = 60_00

// mostLines bounds a basket.
const mostLines = 16

// Discounts in percent, as the programme grants them.
const (
	promotionPercent = 20
	tradePercent     = 15
	staffPercent     = 20
)

// basket draws the lines of a sale into lines, which it returns. p is nil for a receipt without a card.
func (c *Chain) basket(lines []Line, v visit, p *person) []Line {
	draw := c.draws(drawBasket, v.key)
	month := c.calendar[v.day].month
	lines = lines[:0]
	for more := true; more && len(lines) < mostLines; more = chance(draw, 66, 100) {
		article := c.shelf.pick(draw, month)
		if p != nil && chance(draw, 35, 100) {
			if own := c.tasteOf(draw, p, month); own >= 0 {
				article = own
			}
		}
		lines = append(lines, c.line(draw, &c.articles[article], p))
	}
	return lines
}

// tasteOf draws an article of a group the customer likes, −1 when it is out of season.
func (c *Chain) tasteOf(draw *rand.Rand, p *person, month int) int {
	group := p.tastes[draw.IntN(len(p.tastes))]
	if assortments[group].months[month] == 0 {
		return -1
	}
	articles := c.shelf.ofGroup[group]
	return articles[draw.IntN(len(articles))]
}

// line draws quantity and discount of one line.
func (c *Chain) line(draw *rand.Rand, a *article, p *person) Line {
	l := Line{SKU: a.sku, Group: a.group, Name: a.name, NotMerchandise: a.notMerchandise}
	l.QuantityMilli = quantity(draw, a, p)
	gross := (a.price*l.QuantityMilli + 500) / 1000
	if a.notMerchandise {
		l.NetMinor = gross
		return l
	}
	percent := 0
	if chance(draw, 9, 100) {
		l.OnPromotion, percent = true, promotionPercent
	}
	percent = max(percent, groupPercent(p, a, l.OnPromotion))
	l.DiscountMinor = gross * int64(percent) / 100
	l.NetMinor = gross - l.DiscountMinor
	return l
}

// quantity draws how much of an article is taken, in thousandths. Few people take many; a full purse takes more.
func quantity(draw *rand.Rand, a *article, p *person) int64 {
	if a.weighed {
		return int64(150 + draw.IntN(1000*a.most))
	}
	most := int(min(int64(a.most), max(1, dearCents/a.price)))
	if p != nil {
		most = max(1, most*p.purse/110)
	}
	return 1000 * int64(1+draw.IntN(most)*draw.IntN(100)/100)
}

// groupPercent is the standing discount on an article: trade on plants that are not on promotion, staff on everything.
func groupPercent(p *person, a *article, promotion bool) int {
	switch {
	case p == nil:
		return 0
	case p.group == groupStaff:
		return staffPercent
	case p.group == groupTrade && a.group[0] == '1' && !promotion:
		return tradePercent
	default:
		return 0
	}
}

// broughtBack turns the lines of a sale into those of its return: some of them, whole or in part, never deposits or gift cards when there
// is anything else.
func (c *Chain) broughtBack(sale []Line, v visit) []Line {
	draw := c.draws(drawReturn, v.key)
	whole := chance(draw, 25, 100)
	var back []Line
	for i, l := range sale {
		if !l.NotMerchandise && (whole || chance(draw, 40, 100)) {
			back = append(back, reverse(draw, l, i+1, whole))
		}
	}
	if len(back) == 0 {
		back = append(back, reverse(draw, sale[0], 1, true))
	}
	return back
}

// reverse returns a line brought back, whole or some pieces of it.
func reverse(draw *rand.Rand, l Line, number int, whole bool) Line {
	l.OriginalLine = number
	pieces := l.QuantityMilli / 1000
	if !whole && pieces > 1 && l.QuantityMilli%1000 == 0 {
		some := 1 + draw.Int64N(pieces)
		l.NetMinor = l.NetMinor * some / pieces
		l.DiscountMinor = l.DiscountMinor * some / pieces
		l.QuantityMilli = some * 1000
	}
	l.NetMinor, l.QuantityMilli = -l.NetMinor, -l.QuantityMilli
	return l
}
