package loyalty

import (
	"errors"
	"fmt"
	"slices"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ErrRule is returned when an earn rule can never do what it says.
var ErrRule = errors.New("earn rule cannot be used")

// maxWeight bounds the sum of all rates, so that no receipt overflows what it is multiplied with.
const maxWeight = 1 << 62

// maxTimes is the most a rule or an offer multiplies points by; the programme allows no more.
const maxTimes = 100

// maxDenominator bounds in how many parts a point is reckoned.
const maxDenominator = 1_000_000_000_000

// Rules are a programme's earn rules, compiled. They are immutable and safe for use by many goroutines.
type Rules struct {
	groups         *Groups
	currency       string
	unit           int64      // minor units to a unit of the currency
	rates          []earnRule // points per euro and per piece
	factors        []earnRule
	once           []earnRule // points per visit, or for a spend
	denominator    int64      // units to a point: in them every rate is whole
	excluded       GroupSet
	onDiscounted   bool
	whenSpending   bool
	bestRate       bool
	addFactors     bool
	beforeDiscount bool
	afterRounding  bool
	unpaid         uint32 // means of payment that earn nothing: bit k for kind k
	perReceipt     int64
	perDay         int64
	receiptsPerDay int
}

// earnRule is one rule, compiled.
type earnRule struct {
	weight   int64 // of a rate: units per minor unit, or per thousandth of a piece; of a factor: the factor; else points
	byPiece  bool
	perVisit bool
	atLeast  int64 // money, minor units
	atMost   int64 // points; 0 for no bound
	groups   GroupSet
	every    bool // holds for every article
	stores   map[string]bool
	segments map[string]bool
	tiers    map[string]bool
	days     [7]bool
	always   bool // on every day of the week
	from     int  // minutes since midnight; until 0 for all day
	until    int
	first    int32 // days since 1970-01-01; 0 for no bound
	last     int32
}

// Compile prepares a programme's earn rules. It returns ErrRule, with the rule's name, for one that does not say in exactly one way what it
// gives, or that cannot be reckoned with.
func Compile(p *programmev1.Programme) (*Rules, error) {
	points := p.GetPoints()
	r := &Rules{
		groups: CompileGroups(p.GetGroups()), currency: p.GetCurrency(), unit: 1, denominator: 1,
		onDiscounted:   points == nil || points.OnDiscountedLines == nil || points.GetOnDiscountedLines(),
		whenSpending:   points == nil || points.WhenRedeeming == nil || points.GetWhenRedeeming(),
		bestRate:       points.GetRatesTogether() == programmev1.Combining_COMBINING_BEST,
		addFactors:     points.GetFactorsTogether() == programmev1.Combining_COMBINING_ADD,
		beforeDiscount: points.GetBeforeDiscount(), afterRounding: points.GetAfterCashRounding(),
		perReceipt: points.GetAtMostPerReceipt(), perDay: points.GetAtMostPerDay(), receiptsPerDay: int(points.GetReceiptsPerDay()),
	}
	for range p.GetCurrencyDecimals() {
		r.unit *= 10
	}
	for _, means := range points.GetNotWhenPaidWith() {
		r.unpaid |= 1 << tenderOf[means]
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
	return r, nil
}

// tenderOf are the means of payment as receipts name them.
var tenderOf = map[programmev1.PaidWith]outcomev1.TenderKind{
	programmev1.PaidWith_PAID_WITH_GIFT_CARD: outcomev1.TenderKind_TENDER_KIND_GIFT_CARD,
	programmev1.PaidWith_PAID_WITH_VOUCHER:   outcomev1.TenderKind_TENDER_KIND_VOUCHER,
	programmev1.PaidWith_PAID_WITH_POINTS:    outcomev1.TenderKind_TENDER_KIND_POINTS,
	programmev1.PaidWith_PAID_WITH_ACCOUNT:   outcomev1.TenderKind_TENDER_KIND_ACCOUNT,
}

// reckonIn finds the least number of units to a point in which every rate is whole.
func (r *Rules) reckonIn(rules []*programmev1.EarnRule) error {
	for _, rule := range rules {
		for _, parts := range []int64{rule.GetPerEuro() * r.unit, rule.GetPerPieces() * 1000} {
			if parts == 0 {
				continue
			}
			if r.denominator = r.denominator / gcd(r.denominator, parts) * parts; r.denominator > maxDenominator {
				return fmt.Errorf("points.earn %q: %w: its per_euro or per_pieces has no common measure with the other rules'; use rounder numbers", rule.GetName(), ErrRule)
			}
		}
	}
	return nil
}

// compileRule prepares one rule and adds its rate to the sum of all.
func (r *Rules) compileRule(in *programmev1.EarnRule, sum *int64) error {
	rule := earnRule{
		groups: r.groups.Set(in.GetGroups()), every: len(in.GetGroups()) == 0, always: len(in.GetDays()) == 0,
		from: int(in.GetHours().GetFromMinute()), until: int(in.GetHours().GetUntilMinute()), first: in.GetFrom(), last: in.GetUntil(),
		stores: setOf(in.GetStores()), segments: setOf(in.GetSegments()), tiers: setOf(in.GetTiers()), atMost: in.GetAtMost(),
	}
	for _, day := range in.GetDays() {
		rule.days[day%7] = true // Sunday is 7 here and 0 in package time
	}
	ways := 0
	for _, way := range []bool{in.GetPerEuro() > 0, in.GetPerPieces() > 0, in.GetPerVisit(), in.GetSpendAtLeast() > 0} {
		if way {
			ways++
		}
	}
	switch {
	case in.GetTimes() > 0 && in.GetPoints() == 0 && ways == 0:
		rule.weight = min(in.GetTimes(), maxTimes)
		r.factors = append(r.factors, rule)
		return nil
	case in.GetTimes() > 0 || in.GetPoints() <= 0 || ways != 1:
		return fmt.Errorf("%w: give either times, or points and one of per_euro, per_pieces, per_visit and spend_at_least", ErrRule)
	case in.GetPerVisit() || in.GetSpendAtLeast() > 0:
		rule.weight, rule.perVisit, rule.atLeast = in.GetPoints(), in.GetPerVisit(), in.GetSpendAtLeast()
		if rule.atMost > 0 {
			rule.weight = min(rule.weight, rule.atMost)
		}
		r.once = append(r.once, rule)
		return nil
	case in.GetPerPieces() > 0:
		rule.byPiece = true
		rule.weight = in.GetPoints() * (r.denominator / (in.GetPerPieces() * 1000))
	default:
		rule.weight = in.GetPoints() * (r.denominator / (in.GetPerEuro() * r.unit))
	}
	if *sum += rule.weight; *sum > maxWeight/maxTimes {
		return fmt.Errorf("%w: the rules together give more points than can be reckoned with", ErrRule)
	}
	r.rates = append(r.rates, rule)
	return nil
}

// setOf is the names as a set; nil for none.
func setOf(names []string) map[string]bool {
	if len(names) == 0 {
		return nil
	}
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// Groups finds product groups as these rules do.
func (r *Rules) Groups() *Groups { return r.groups }

// CountsTheDay reports whether what a receipt earns depends on the customer's earlier receipts of the day: Sale's FirstOfVisit, EarnedToday and
// ReceiptsToday are then looked at.
func (r *Rules) CountsTheDay() bool {
	return r.perDay > 0 || r.receiptsPerDay > 0 || slices.ContainsFunc(r.once, func(rule earnRule) bool { return rule.perVisit })
}

// Excluded are the groups that earn nothing.
func (r *Rules) Excluded() GroupSet { return r.excluded }

// holds reports whether the rule is in force for the sale: in its store, at its moment, for its customer.
func (rule *earnRule) holds(sale *Sale) bool {
	at := sale.At
	if rule.stores != nil && !rule.stores[sale.Store] || !rule.always && !rule.days[at.Weekday()] {
		return false
	}
	if rule.segments != nil && !rule.segments[sale.Segment] || rule.tiers != nil && !rule.tiers[sale.Tier] || rule.perVisit && !sale.FirstOfVisit {
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
