package loyalty

import (
	"errors"
	"fmt"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ErrRule is returned when an earn rule can never do what it says.
var ErrRule = errors.New("earn rule cannot be used")

// maxWeight bounds the sum of all rates, so that no receipt overflows what it is multiplied with.
const maxWeight = 1 << 62

// maxTimes is the most a rule or an offer multiplies points by; the programme allows no more.
const maxTimes = 100

// Rules are a programme's earn rules, compiled. They are immutable and safe for use by many goroutines.
type Rules struct {
	groups       *Groups
	currency     string
	plain        []earnRule
	times        []earnRule
	denominator  int64 // of every weight: the units all plain rules are reckoned in, in minor units
	excluded     GroupSet
	onDiscounted bool
	whenSpending bool
}

// earnRule is one rule, compiled.
type earnRule struct {
	weight int64 // of a plain rule: points per denominator; of the other: the factor
	groups GroupSet
	every  bool // holds for every article
	stores map[string]bool
	days   [7]bool
	always bool // on every day of the week
	from   int  // minutes since midnight; until 0 for all day
	until  int
	first  int32 // days since 1970-01-01; 0 for no bound
	last   int32
}

// Compile prepares a programme's earn rules. It returns ErrRule, with the rule's name, for one that neither gives nor multiplies points,
// or does both.
func Compile(p *programmev1.Programme) (*Rules, error) {
	points := p.GetPoints()
	r := &Rules{
		groups: CompileGroups(p.GetGroups()), currency: p.GetCurrency(), denominator: 1,
		onDiscounted: points == nil || points.OnDiscountedLines == nil || points.GetOnDiscountedLines(),
		whenSpending: points == nil || points.WhenRedeeming == nil || points.GetWhenRedeeming(),
	}
	names := append([]string(nil), p.GetNoPointsNoOffers()...)
	for _, restriction := range p.GetRestricted() {
		if restriction.GetNoPoints() {
			names = append(names, restriction.GetGroup())
		}
	}
	r.excluded = r.groups.Set(names)
	if err := r.reckonIn(points.GetEarn()); err != nil {
		return nil, err
	}
	var sum int64
	for i, rule := range points.GetEarn() {
		if err := r.compileRule(rule, &sum); err != nil {
			return nil, fmt.Errorf("points.earn[%d] %q: %w", i, rule.GetName(), err)
		}
	}
	for range p.GetCurrencyDecimals() {
		r.denominator *= 10
	}
	return r, nil
}

// reckonIn finds the least number of units in which every plain rule's rate is whole.
func (r *Rules) reckonIn(rules []*programmev1.EarnRule) error {
	for _, rule := range rules {
		if rule.GetPerEuro() == 0 {
			continue
		}
		r.denominator = r.denominator / gcd(r.denominator, rule.GetPerEuro()) * rule.GetPerEuro()
		if r.denominator > 1_000_000_000 {
			return fmt.Errorf("points.earn %q: %w: its per_euro has no common measure with the other rules'; use rounder numbers", rule.GetName(), ErrRule)
		}
	}
	return nil
}

// compileRule prepares one rule and adds its rate to the sum of all.
func (r *Rules) compileRule(in *programmev1.EarnRule, sum *int64) error {
	rule := earnRule{
		groups: r.groups.Set(in.GetGroups()), every: len(in.GetGroups()) == 0, always: len(in.GetDays()) == 0,
		from: int(in.GetHours().GetFromMinute()), until: int(in.GetHours().GetUntilMinute()), first: in.GetFrom(), last: in.GetUntil(),
	}
	for _, day := range in.GetDays() {
		rule.days[day%7] = true // Sunday is 7 here and 0 in package time
	}
	if len(in.GetStores()) > 0 {
		rule.stores = make(map[string]bool, len(in.GetStores()))
		for _, store := range in.GetStores() {
			rule.stores[store] = true
		}
	}
	switch {
	case in.GetTimes() > 0 && in.GetPoints() == 0 && in.GetPerEuro() == 0:
		rule.weight = min(in.GetTimes(), maxTimes)
		r.times = append(r.times, rule)
	case in.GetTimes() == 0 && in.GetPoints() > 0 && in.GetPerEuro() > 0:
		rule.weight = in.GetPoints() * (r.denominator / in.GetPerEuro())
		if *sum += rule.weight; *sum > maxWeight/maxTimes {
			return fmt.Errorf("%w: the rules together give more points than can be reckoned with", ErrRule)
		}
		r.plain = append(r.plain, rule)
	default:
		return fmt.Errorf("%w: give either points and per_euro, or times", ErrRule)
	}
	return nil
}

// Groups finds product groups as these rules do.
func (r *Rules) Groups() *Groups { return r.groups }

// Excluded are the groups that earn nothing.
func (r *Rules) Excluded() GroupSet { return r.excluded }

// holds reports whether the rule is in force in the store at the moment, which is in store time.
func (rule *earnRule) holds(store string, at time.Time) bool {
	if rule.stores != nil && !rule.stores[store] || !rule.always && !rule.days[at.Weekday()] {
		return false
	}
	if rule.first != 0 || rule.last != 0 {
		day := Day(at)
		if rule.first != 0 && day < rule.first || rule.last != 0 && day > rule.last {
			return false
		}
	}
	if rule.until == 0 {
		return true
	}
	minute := at.Hour()*60 + at.Minute()
	return minute >= rule.from && minute < rule.until
}

// covers reports whether the rule holds for an article of these groups.
func (rule *earnRule) covers(groups GroupSet) bool {
	return rule.every || rule.groups.Meets(groups)
}

// Day is the civil day of a moment in its own zone, in days since 1970-01-01.
func Day(at time.Time) int32 {
	year, month, day := at.Date()
	return int32(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
