package segment

import (
	"encoding/binary"
	"errors"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ErrVisit is returned when stored bytes are no visit.
var ErrVisit = errors.New("not a visit")

// Visit is what one receipt recorded in a store means for how often and for how much its customer buys. What a return or a voided receipt undoes is
// in the visit that undoes it.
type Visit struct {
	// Day is the business day, in days since 1970-01-01.
	Day int32
	// Bought says that goods were bought that scores count.
	Bought bool
	// SoldMinor is what such goods came to, BackMinor what such goods brought back came to, at most 0 as a rule. A voided receipt has both the
	// other way round.
	SoldMinor, BackMinor int64
	// Undoes says that with this receipt a receipt with such goods, of the day UndoneDay, has come back whole, or, with Voids, never was.
	Undoes, Voids bool
	UndoneDay     int32
	// AllBought, SpendMinor and AllUndoes are the same for all goods, sensitive ones included: for tiers. SpendMinor is bought less brought back.
	AllBought, AllUndoes bool
	SpendMinor           int64
	// Counted says that head office's scoring has it. It is not stored.
	Counted bool
}

// Returned is what a receipt brings goods back from, as far as the store knows.
type Returned struct {
	// Sale is the receipt the goods were bought on; nil when it is not here.
	Sale *outcomev1.Receipt
	// Earlier are the receipts that brought back goods of the same sale before.
	Earlier []*outcomev1.Receipt
}

// Counting says what of receipts scores count.
type Counting struct {
	// Currency is the chain's; receipts in another one count nothing.
	Currency string
	// Hidden reports whether a line is of goods that say too much about a person. Nil hides nothing.
	Hidden func(*outcomev1.Line) bool
}

// sums are what the merchandise of a receipt comes to.
type sums struct {
	bought, all    bool  // something was bought: that scores count; at all
	sold, back     int64 // that scores count
	allSold, other int64 // at all: bought, brought back
}

// of adds up a receipt. Goods come back on a return, and wherever a quantity (or, without one, an amount) is negative.
func (c Counting) of(r *outcomev1.Receipt) sums {
	var s sums
	for _, line := range r.GetLines() {
		if line.GetNotMerchandise() {
			continue
		}
		net := line.GetNetMinor()
		back := r.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_RETURN || line.GetQuantityMilli() < 0 || line.GetQuantityMilli() == 0 && net < 0
		hidden := c.Hidden != nil && c.Hidden(line)
		switch {
		case back && hidden:
			s.other += net
		case back:
			s.other, s.back = s.other+net, s.back+net
		case hidden:
			s.all, s.allSold = true, s.allSold+net
		default:
			s.all, s.bought, s.allSold, s.sold = true, true, s.allSold+net, s.sold+net
		}
	}
	return s
}

// VisitOf returns what a receipt means. One that was voided before it was paid, of a training, or in another currency means nothing but its
// day.
func (c Counting) VisitOf(r *outcomev1.Receipt, day int32, from Returned, undoneDay int32) Visit {
	v := Visit{Day: day}
	if r.GetCurrency() != "" && r.GetCurrency() != c.Currency {
		return v
	}
	s := c.of(r)
	switch r.GetKind() {
	case outcomev1.ReceiptKind_RECEIPT_KIND_SALE:
		v.Bought, v.AllBought = s.bought, s.all
	case outcomev1.ReceiptKind_RECEIPT_KIND_RETURN:
	case outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID:
		return c.void(v, r, from, undoneDay)
	default:
		return v
	}
	v.SoldMinor, v.BackMinor, v.SpendMinor = s.sold, s.back, s.allSold+s.other
	if from.Sale == nil || s.other == 0 {
		return v
	}
	sale, left := c.left(from)
	if left > 0 && left+s.other <= 0 {
		v.Undoes, v.AllUndoes, v.UndoneDay = sale.bought, sale.all, undoneDay
	}
	return v
}

// void undoes a receipt as if it had never been. Where that is not here, the lines repeat it.
func (c Counting) void(v Visit, r *outcomev1.Receipt, from Returned, undoneDay int32) Visit {
	v.Voids, v.UndoneDay = true, undoneDay
	sale := c.of(&outcomev1.Receipt{Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Lines: r.GetLines()})
	standing := true
	if from.Sale != nil {
		var left int64
		sale, left = c.left(from)
		standing = left > 0 || len(from.Earlier) == 0
	}
	v.SoldMinor, v.BackMinor, v.SpendMinor = -sale.sold, -sale.back, -sale.allSold-sale.other
	v.Undoes, v.AllUndoes = standing && sale.bought, standing && sale.all
	return v
}

// left is what a sale was, and what of its money has not come back yet.
func (c Counting) left(from Returned) (sale sums, left int64) {
	sale = c.of(from.Sale)
	left = sale.allSold + sale.other
	for _, earlier := range from.Earlier {
		if earlier.GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
			left += c.of(earlier).other
		}
	}
	return sale, left
}

// The flags of a stored visit. The first is always set, so that a stored visit is never empty.
const (
	flagVisit = 1 << (7 - iota)
	flagBought
	flagUndoes
	flagVoids
	flagAllBought
	flagAllUndoes
)

// Append writes a visit to the end of b, for ParseVisit.
func (v Visit) Append(b []byte) []byte {
	flags := byte(flagVisit)
	for flag, set := range map[byte]bool{
		flagBought: v.Bought, flagUndoes: v.Undoes, flagVoids: v.Voids, flagAllBought: v.AllBought, flagAllUndoes: v.AllUndoes,
	} {
		if set {
			flags |= flag
		}
	}
	b = append(b, flags)
	for _, n := range []int64{int64(v.Day), v.SoldMinor, v.BackMinor, v.SpendMinor, int64(v.UndoneDay)} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

// ParseVisit reads what Append wrote. It returns ErrVisit for anything else.
func ParseVisit(b []byte) (Visit, error) {
	if len(b) == 0 || b[0]&flagVisit == 0 {
		return Visit{}, ErrVisit
	}
	flags, b := b[0], b[1:]
	var n [5]int64
	for i := range n {
		var size int
		if n[i], size = binary.Varint(b); size <= 0 {
			return Visit{}, ErrVisit
		}
		b = b[size:]
	}
	if len(b) > 0 || int64(int32(n[0])) != n[0] || int64(int32(n[4])) != n[4] {
		return Visit{}, ErrVisit
	}
	return Visit{
		Day: int32(n[0]), Bought: flags&flagBought != 0, SoldMinor: n[1], BackMinor: n[2], SpendMinor: n[3],
		Undoes: flags&flagUndoes != 0, Voids: flags&flagVoids != 0, UndoneDay: int32(n[4]),
		AllBought: flags&flagAllBought != 0, AllUndoes: flags&flagAllUndoes != 0,
	}, nil
}

// SameDay returns values as they are with the visits that head office's scoring does not have yet: recency from the last of them, frequency and
// money plus theirs, less what came back. Values without such visits are returned as they are: nothing ages in the store. Visits are all that the
// store has of the account, in any order, those counted among them: a second visit on a counted day is no further one.
//
// asOf is the day the values were measured as of, the last of the window.
//
// It agrees with head office's next scoring of the same receipts, but for the last day of a customer whose last counted receipt comes back
// whole: the day before is head office's to know.
func SameDay(values *customerv1.Values, visits []Visit, s *programmev1.Scoring, asOf int32) *customerv1.Values {
	keep := s.GetFrequencyOnFullReturn() == programmev1.FullReturn_FULL_RETURN_KEEP
	days, fresh := tally(visits, func(v Visit) (bought, undoes bool) { return v.Bought, v.Undoes && (v.Voids || !keep) })
	if !fresh {
		return values
	}
	out := &customerv1.Values{
		LastReceiptDay: values.GetLastReceiptDay(), FirstReceiptDay: values.GetFirstReceiptDay(), Frequency: values.GetFrequency(),
		MonetaryMinor: values.GetMonetaryMinor(),
	}
	first := Window(asOf, s.GetMonths())
	if s.GetWindow() == programmev1.ScoringWindow_SCORING_WINDOW_ALL {
		first = 0
	}
	for _, d := range days {
		if d.day < first { // it was in no score
			continue
		}
		if s.GetFrequency() == programmev1.FrequencyCounts_FREQUENCY_COUNTS_RECEIPTS {
			out.Frequency += d.after - d.before
		} else {
			out.Frequency += visit(d.after) - visit(d.before)
		}
		if d.after > 0 && d.fresh {
			out.LastReceiptDay = max(out.GetLastReceiptDay(), d.day)
			if out.GetFirstReceiptDay() == 0 || d.day < out.GetFirstReceiptDay() {
				out.FirstReceiptDay = d.day
			}
		}
	}
	out.Frequency = max(0, out.GetFrequency())
	for _, v := range visits {
		if v.Counted {
			continue
		}
		out.MonetaryMinor += v.SoldMinor
		if s.GetMonetary() != programmev1.MonetaryBasis_MONETARY_BASIS_GROSS {
			out.MonetaryMinor += v.BackMinor
		}
	}
	return out
}

// Progress returns how many visits and how much money, towards tiers, the visits add that head office's scoring does not have yet; both may be
// below zero.
func Progress(visits []Visit) (more, spendMinor int64) {
	days, _ := tally(visits, func(v Visit) (bought, undoes bool) { return v.AllBought, v.AllUndoes })
	for _, d := range days {
		more += visit(d.after) - visit(d.before)
	}
	for _, v := range visits {
		if !v.Counted {
			spendMinor += v.SpendMinor
		}
	}
	return more, spendMinor
}

// tallied is one business day: its receipts as head office's scoring has them, and as they are now.
type tallied struct {
	day           int32
	before, after int64
	sales         int64
	fresh         bool // a receipt of the day is not counted yet
}

// tally counts receipts by day.
func tally(visits []Visit, of func(Visit) (bought, undoes bool)) (days []tallied, fresh bool) {
	at := func(day int32) *tallied {
		for i := range days {
			if days[i].day == day {
				return &days[i]
			}
		}
		days = append(days, tallied{day: day})
		return &days[len(days)-1]
	}
	count := func(d *tallied, n int64, counted bool) {
		d.after += n
		if counted {
			d.before += n
		}
	}
	for _, v := range visits {
		fresh = fresh || !v.Counted
		bought, undoes := of(v)
		if bought {
			d := at(v.Day)
			d.sales++
			d.fresh = d.fresh || !v.Counted
			count(d, 1, v.Counted)
		}
		if undoes {
			count(at(v.UndoneDay), -1, v.Counted)
		}
	}
	for i := range days {
		// A receipt came back whose sale is no longer here: it was counted, and the only one of its day as far as is known.
		if d := &days[i]; d.after < 0 {
			d.before, d.after = d.before-d.after, 0
		}
	}
	return days, fresh
}

// visit is 1 for a day with receipts, else 0.
func visit(receipts int64) int64 {
	if receipts > 0 {
		return 1
	}
	return 0
}
