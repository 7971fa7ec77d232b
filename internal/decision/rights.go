package decision

import (
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// right is a customer group's standing discount, compiled.
type right struct {
	bp             int64
	groups         []uint64 // nil for all
	notOnPromotion bool
	until          int32 // days since 1970-01-01; 0 for no bound
}

// Taken is what is taken off a basket in all.
type Taken struct {
	// Offer is what the campaign's offer takes off.
	Offer []LineDiscount
	// Rights are what the customer's standing rights take off, in the order in which they were named; without those that take nothing.
	Rights []RightDiscount
}

// RightDiscount is what one standing right takes off.
type RightDiscount struct {
	// Code is the customer group's.
	Code string
	// Lines are the amounts.
	Lines []LineDiscount
}

// compileRights prepares the discounts of customer groups.
func compileRights(p *programmev1.Programme, groups map[string]int) map[string]*right {
	rights := make(map[string]*right, len(p.GetCustomerGroups()))
	for _, g := range p.GetCustomerGroups() {
		if g.GetPercent() > 0 {
			rights[g.GetCode()] = &right{
				bp: int64(g.GetPercent()), groups: setOf(groups, g.GetGroups()), notOnPromotion: g.GetNotOnPromotion(), until: g.GetUntil(),
			}
		}
	}
	return rights
}

// Take reckons what an offer and the customer's standing rights take off the lines of a basket together. Offered is what the offer would take
// off by itself, as Decide and Discounts say; held are the codes of the customer's groups, in the order of the account.
//
// Where the programme says best, each line gets the one discount that is highest on it; of equal ones a right goes before the offer, and the
// first right before the next. Where it says add, all are added up, rights first. A right's percentage is rounded half up per line. No line
// goes below zero, nor do all discounts on it together, those the till took off already included, go beyond what the law allows on its
// group. Rights that have ended by the day are left out.
func (p *Programme) Take(offered []LineDiscount, held []string, in *Input) Taken {
	taken := Taken{Offer: offered}
	rights := p.rightsOf(held, in.Day)
	if len(rights) == 0 || len(in.Lines) == 0 {
		return taken
	}
	beside := make([]int64, len(in.Lines)) // what is left of the offer
	for _, d := range offered {
		beside[d.Line] = d.Amount
	}
	for i, line := range in.Lines {
		left := p.mostOff(&offer{}, line, in.Groups[i])
		if p.adding {
			left = rights.addUp(i, line, in.Groups[i], left)
			beside[i] = min(beside[i], left)
		} else if rights.best(i, line, in.Groups[i], left, beside[i]) {
			beside[i] = 0
		}
	}
	taken.Offer = nil
	for i, amount := range beside {
		if amount > 0 {
			taken.Offer = append(taken.Offer, LineDiscount{Line: i, Amount: amount})
		}
	}
	for _, r := range rights {
		if len(r.lines) > 0 {
			taken.Rights = append(taken.Rights, RightDiscount{Code: r.code, Lines: r.lines})
		}
	}
	return taken
}

// heldRight is a right the customer has, and what it came to.
type heldRight struct {
	*right
	code  string
	lines []LineDiscount
}

type heldRights []heldRight

// rightsOf are the rights of some groups that hold on a day.
func (p *Programme) rightsOf(codes []string, day int32) heldRights {
	var held heldRights
	for _, code := range codes {
		if r := p.rights[code]; r != nil && (r.until == 0 || day <= r.until) {
			held = append(held, heldRight{right: r, code: code})
		}
	}
	return held
}

// best gives a line the highest of all rights, where it is not less than what is offered on it, and reports whether it did.
func (h heldRights) best(i int, line *outcomev1.Line, groups []uint64, left, offered int64) bool {
	winner, most := -1, int64(0)
	for k := range h {
		if amount := h[k].off(line, groups, left); amount > most {
			winner, most = k, amount
		}
	}
	if winner < 0 || most < offered {
		return false
	}
	h[winner].lines = append(h[winner].lines, LineDiscount{Line: i, Amount: most})
	return true
}

// addUp gives a line all rights, and returns what may still be taken off it.
func (h heldRights) addUp(i int, line *outcomev1.Line, groups []uint64, left int64) int64 {
	for k := range h {
		if amount := h[k].off(line, groups, left); amount > 0 {
			h[k].lines = append(h[k].lines, LineDiscount{Line: i, Amount: amount})
			left -= amount
		}
	}
	return left
}

// off is what a right takes off a line of which so much may still be taken.
func (r *right) off(line *outcomev1.Line, groups []uint64, left int64) int64 {
	if left <= 0 || r.notOnPromotion && line.GetOnPromotion() || r.groups != nil && !meets(r.groups, groups) {
		return 0
	}
	return min(left, mulDiv(min(line.GetNetMinor(), maxAmount), r.bp, 10000, 5000))
}
