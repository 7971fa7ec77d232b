package samplechain

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"time"
)

// Receipt is one receipt. The one Receipts yields is valid until the next.
type Receipt struct {
	// Store is where.
	Store *Store
	// Till is the till's number in the store, from 1.
	Till int
	// Date is the business day, midnight UTC.
	Date time.Time
	// Minute is when it ended, in minutes since midnight of store time.
	Minute int
	// Number is the till's receipt number.
	Number int
	// Return is set when goods were brought back.
	Return bool
	// Original is the sale a return belongs to; zero on a sale.
	Original ReceiptID
	// Account is the customer, from 0 to Accounts−1, −1 for a receipt without a card.
	Account int
	// Card is the card's number, empty without one.
	Card string
	// Lines are what was bought or brought back.
	Lines []Line
	// TotalMinor is what was paid in all, in cents; negative on a return.
	TotalMinor int64
}

// ReceiptID tells a receipt from all others.
type ReceiptID struct {
	// Store and Till are where.
	Store string
	// Till is the till's number.
	Till int
	// Date is the business day.
	Date time.Time
	// Number is the till's receipt number.
	Number int
}

// ID returns what tells the receipt from all others.
func (r *Receipt) ID() ReceiptID {
	return ReceiptID{Store: r.Store.Code, Till: r.Till, Date: r.Date, Number: r.Number}
}

// Text returns the receipt's number as it is printed: store, till and running number.
func (id ReceiptID) Text() string {
	if id.Number == 0 {
		return ""
	}
	return id.Store + "-" + strconv.Itoa(id.Till) + "-" + strconv.Itoa(1_000_000 + id.Number)[1:]
}

// allVisits draws all receipts' frames in the order of time.
func (c *Chain) allVisits() []visit {
	visits := make([]visit, 0, c.config.Accounts*20)
	add := func(v visit) { visits = append(visits, v) }
	for i := range c.config.Accounts {
		p := c.person(i)
		c.visits(&p, add)
	}
	c.passersBy(len(visits), add)
	slices.SortFunc(visits, func(a, b visit) int {
		return cmp.Or(
			cmp.Compare(a.day, b.day), cmp.Compare(a.minute, b.minute), cmp.Compare(a.store, b.store),
			cmp.Compare(a.till, b.till), cmp.Compare(a.key, b.key),
		)
	})
	return visits
}

// Receipts walks through all receipts in the order of time.
func (c *Chain) Receipts() iter.Seq[*Receipt] {
	return func(yield func(*Receipt) bool) {
		numbers := make(map[[2]int]int)     // by store and till: the last number used
		sales := make(map[uint64]ReceiptID) // by key: sales of which something comes back
		var sale []Line
		var r Receipt
		for _, v := range c.allVisits() {
			r = Receipt{
				Store: &c.stores[v.store], Till: int(v.till), Date: c.firstDay.AddDate(0, 0, int(v.day)),
				Minute: int(v.minute), Account: int(v.account), Return: v.back,
			}
			counter := [2]int{int(v.store), int(v.till)}
			numbers[counter]++
			r.Number = numbers[counter]
			var p *person
			if v.account != nobody {
				who := c.person(int(v.account))
				p = &who
				r.Card = cardNumber(p.serial(int(v.card)))
			}
			sale = c.basket(sale, c.saleOf(v, sales), p)
			r.Lines = sale
			switch {
			case v.back:
				r.Original = sales[v.key]
				r.Lines = c.broughtBack(sale, v)
			case v.comesBack:
				sales[v.key] = r.ID()
			}
			r.TotalMinor = total(r.Lines)
			if !yield(&r) {
				return
			}
		}
	}
}

// saleOf returns the visit whose basket a visit is about: itself, or for a return the sale, which was on another day.
func (c *Chain) saleOf(v visit, sales map[uint64]ReceiptID) visit {
	if v.back {
		v.day = int32(sales[v.key].Date.Sub(c.firstDay) / (24 * time.Hour))
	}
	return v
}

// total adds up what was paid.
func total(lines []Line) int64 {
	var sum int64
	for _, l := range lines {
		sum += l.NetMinor
	}
	return sum
}
