package affinity

import (
	"cmp"
	"slices"
)

// Rule says that baskets with all of the left also hold the right.
type Rule struct {
	// Left are the items on the left, rising. Empty only in rules of one item.
	Left []Item
	// Right is the item on the right.
	Right Item
	// Count is how many baskets hold left and right.
	Count int64
	// LeftCount is how many hold the left; all baskets, when it is empty.
	LeftCount int64
	// RightCount is how many hold the right.
	RightCount int64
	// Support is the share of all baskets that hold left and right.
	Support float64
	// Confidence is the share of the baskets with the left that hold the right.
	Confidence float64
	// Lift is how many times likelier the right is beside the left than in any basket.
	Lift float64
}

// Length returns how many items the rule has, left and right together.
func (r Rule) Length() int { return len(r.Left) + 1 }

// Rules are what was found, the best first: by lift, then by count, both falling; then the shorter; then by items, rising.
type Rules struct {
	// Baskets is how many baskets were learnt from.
	Baskets int64
	// LeastCount is in how many baskets a set had to be.
	LeastCount int64
	// Sets is how many frequent sets there are, single items among them, up to the greatest length.
	Sets int
	// Found is how many rules there are; more than are listed when Options.MaxRules was reached.
	Found int
	// List are the rules.
	List []Rule
}

// compare orders rules, the better first.
func compare(a, b Rule) int {
	return cmp.Or(
		cmp.Compare(b.Lift, a.Lift), cmp.Compare(b.Count, a.Count), cmp.Compare(len(a.Left), len(b.Left)),
		slices.Compare(a.Left, b.Left), cmp.Compare(a.Right, b.Right),
	)
}

// conclude makes the rules of the set on the path, which is in so many baskets: each of its items once on the right.
func (m *miner) conclude(count int64) {
	for i, rank := range m.path {
		left := m.countWithout(i)
		if count*million < m.options.ConfidenceMillionths*left {
			continue
		}
		right := int64(m.sets[rank].count)
		confidence := float64(count) / float64(left)
		r := Rule{
			Right: m.items[rank], Count: count, LeftCount: left, RightCount: right,
			Support:    float64(count) / float64(m.baskets),
			Confidence: confidence,
			Lift:       confidence * float64(m.baskets) / float64(right),
		}
		r.Left = make([]Item, 0, len(m.path)-1)
		for j, other := range m.path {
			if j != i {
				r.Left = append(r.Left, m.items[other])
			}
		}
		slices.Sort(r.Left)
		m.rules = append(m.rules, r)
		m.found++
		if len(m.rules) >= 2*m.options.MaxRules+1000 {
			m.trim(m.options.MaxRules)
		}
	}
}

// countWithout returns in how many baskets the set on the path is, but for its i-th item. It is frequent, as the whole set is, and was
// visited before.
func (m *miner) countWithout(i int) int64 {
	first, n := uint32(0), uint32(len(m.items))
	count := m.baskets
	for j, rank := range m.path {
		if j == i {
			continue
		}
		at, _ := slices.BinarySearchFunc(m.sets[first:first+n], rank, func(s set, rank int32) int { return cmp.Compare(s.rank, rank) })
		s := m.sets[first+uint32(at)]
		count, first, n = int64(s.count), s.first, s.children
	}
	return count
}

// trim sorts the rules and keeps the best.
func (m *miner) trim(most int) {
	slices.SortFunc(m.rules, compare)
	if len(m.rules) > most {
		clear(m.rules[most:])
		m.rules = m.rules[:most]
	}
}

// Suggestion is an item that goes with what a customer buys, and the rule that says so.
type Suggestion struct {
	// Item is what is suggested.
	Item Item
	// Rule is the best rule that leads to it.
	Rule Rule
}

// Index finds rules by what is on their left. It is not changed after NewIndex, and safe for concurrent use.
type Index struct {
	byFirst map[Item][]Rule // by the first item on the left, best first
}

// NewIndex returns an index of the rules that have a left. It keeps the rules' slices.
func NewIndex(rules []Rule) *Index {
	sorted := slices.SortedFunc(slices.Values(rules), compare)
	x := &Index{byFirst: map[Item][]Rule{}}
	for _, r := range sorted {
		if len(r.Left) > 0 {
			x.byFirst[r.Left[0]] = append(x.byFirst[r.Left[0]], r)
		}
	}
	return x
}

// AlsoBought returns what others who buy these items buy too, and what is not among them, each item once with its best rule, the best
// first, at most so many. The items may come in any order; nothing is suggested for none.
func (x *Index) AlsoBought(bought []Item, most int) []Suggestion {
	has := make(map[Item]bool, len(bought))
	for _, item := range bought {
		has[item] = true
	}
	best := map[Item]Rule{}
	for item := range has {
		for _, r := range x.byFirst[item] {
			if has[r.Right] || slices.ContainsFunc(r.Left, func(left Item) bool { return !has[left] }) {
				continue
			}
			if other, known := best[r.Right]; !known || compare(r, other) < 0 {
				best[r.Right] = r
			}
		}
	}
	suggestions := make([]Suggestion, 0, len(best))
	for item, r := range best {
		suggestions = append(suggestions, Suggestion{Item: item, Rule: r})
	}
	slices.SortFunc(suggestions, func(a, b Suggestion) int { return compare(a.Rule, b.Rule) })
	return suggestions[:min(len(suggestions), max(most, 0))]
}
