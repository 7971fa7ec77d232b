package affinity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

const (
	// DefaultMaxLength is how many items a rule may have when Options name no number. Longer rules are rare and hardly ever act on.
	DefaultMaxLength = 5
	// DefaultMaxRules is how many rules are kept when Options name no number.
	DefaultMaxRules = 100_000
	// DefaultMaxSets is how many frequent sets are looked at when Options name no number: some 80 MB.
	DefaultMaxSets = 5_000_000
	// million is the whole of a share in millionths.
	million = 1_000_000
)

var (
	// ErrOptions is returned when a threshold or bound is out of range.
	ErrOptions = errors.New("options out of range")
	// ErrTooManySets is returned when there are more frequent sets than Options.MaxSets.
	ErrTooManySets = errors.New("too many frequent sets")
)

// Options say which rules are worth having, and bound the work.
type Options struct {
	// SupportMillionths is the least support, from 1 to 1,000,000: 1,000 for one basket in a thousand. There is no default.
	SupportMillionths int64
	// ConfidenceMillionths is the least confidence, from 0 to 1,000,000: 500,000 for one in two.
	ConfidenceMillionths int64
	// MinLength is how many items a rule has at least, left and right together; 0 means 2. With 1 come rules with an empty left, whose
	// confidence is the share of baskets that hold the right.
	MinLength int
	// MaxLength is how many it has at most; 0 means DefaultMaxLength.
	MaxLength int
	// MaxRules is how many rules are kept, the best by the order of Rules; 0 means DefaultMaxRules.
	MaxRules int
	// MaxSets is how many frequent sets are looked at before mining gives up with ErrTooManySets; 0 means DefaultMaxSets. A set takes 16
	// bytes.
	MaxSets int
}

// complete returns the options with the defaults filled in, or ErrOptions with what is wrong.
func (o Options) complete() (Options, error) {
	o.MinLength = cmp.Or(o.MinLength, 2)
	o.MaxLength = cmp.Or(o.MaxLength, max(DefaultMaxLength, o.MinLength))
	o.MaxRules = cmp.Or(o.MaxRules, DefaultMaxRules)
	o.MaxSets = cmp.Or(o.MaxSets, DefaultMaxSets)
	switch {
	case o.SupportMillionths < 1 || o.SupportMillionths > million:
		return o, fmt.Errorf("%w: least support is %d millionths; it must lie in 1..1000000", ErrOptions, o.SupportMillionths)
	case o.ConfidenceMillionths < 0 || o.ConfidenceMillionths > million:
		return o, fmt.Errorf("%w: least confidence is %d millionths; it must lie in 0..1000000", ErrOptions, o.ConfidenceMillionths)
	case o.MinLength < 1 || o.MaxLength < o.MinLength || o.MaxLength > 64:
		return o, fmt.Errorf("%w: rules of %d to %d items; 1 ≤ least ≤ most ≤ 64", ErrOptions, o.MinLength, o.MaxLength)
	case o.MaxRules < 0 || o.MaxSets < 0 || o.MaxSets > 1<<31-1:
		return o, fmt.Errorf("%w: at most %d rules from %d sets", ErrOptions, o.MaxRules, o.MaxSets)
	}
	return o, nil
}

// Mine finds the rules. It blocks until done; when ctx ends first it returns that error. It returns ErrOptions for thresholds out of range,
// and ErrTooManySets, saying what to change, when the work would outgrow its bounds. No baskets have no rules.
func Mine(ctx context.Context, b *Baskets, o Options) (Rules, error) {
	o, err := o.complete()
	if err != nil {
		return Rules{}, err
	}
	n := int64(b.Len())
	m := &miner{
		ctx: ctx, options: o, baskets: n,
		// ⌈support · n⌉, and never so little that what no basket holds is frequent.
		least: max((o.SupportMillionths*n+million-1)/million, 1),
	}
	m.number(b)
	m.lay(b)
	if err := m.visitRoot(); err != nil {
		return Rules{}, err
	}
	m.trim(o.MaxRules)
	return Rules{Baskets: n, LeastCount: m.least, Sets: len(m.sets), Found: m.found, List: m.rules}, nil
}

// miner is one run. Frequent items are numbered anew, by rank: 0 is the most frequent. A set is reached by its items in falling rank, and
// lies in a tree of sets in which every set's children stand side by side in rising rank; so that, visited in that order, all subsets of
// a set are there before it.
type miner struct {
	ctx     context.Context
	options Options
	baskets int64
	least   int64

	items []Item  // by rank
	ranks []int32 // by item; -1 for one that is not frequent

	lines []int32    // the baskets by rank, rising, each after a -1
	sets  []set      // the tree; the first ones, by rank, are the single items
	path  []int32    // the ranks of the set being visited, falling
	seen  []uint32   // by rank, how often an item was met with; all 0 between uses
	met   []int32    // the ranks that were met with, between uses
	bins  [][]uint32 // by depth, positions of the children's last items

	rules []Rule
	found int
}

// set is a frequent set in the tree.
type set struct {
	rank     int32 // of the item that it has more than its parent
	count    uint32
	first    uint32 // where its children begin
	children uint32 // how many it has
}

// number gives the frequent items their ranks, equal counts in the order of the items.
func (m *miner) number(b *Baskets) {
	m.ranks = make([]int32, len(b.counts))
	for item, count := range b.counts {
		m.ranks[item] = -1
		if count >= m.least {
			m.items = append(m.items, Item(item))
		}
	}
	slices.SortStableFunc(m.items, func(a, c Item) int { return cmp.Compare(b.counts[c], b.counts[a]) })
	for rank, item := range m.items {
		m.ranks[item] = int32(rank)
		m.sets = append(m.sets, set{rank: int32(rank), count: uint32(b.counts[item])})
	}
	m.seen = make([]uint32, len(m.items))
}

// lay writes the baskets down by rank. Baskets without a pair of frequent items are left out: they lead to no set of two.
func (m *miner) lay(b *Baskets) {
	m.lines = make([]int32, 0, len(b.lines)+len(b.ends))
	start := uint32(0)
	for _, end := range b.ends {
		from := len(m.lines)
		m.lines = append(m.lines, -1)
		for _, item := range b.lines[start:end] {
			if rank := m.ranks[item]; rank >= 0 {
				m.lines = append(m.lines, rank)
			}
		}
		start = end
		if len(m.lines)-from < 3 {
			m.lines = m.lines[:from]
			continue
		}
		slices.Sort(m.lines[from+1:])
	}
}

// visitRoot visits the single items, and below each of them the sets in which it is the rarest.
func (m *miner) visitRoot() error {
	if len(m.sets) > m.options.MaxSets {
		return m.tooMany()
	}
	places := make([]uint32, len(m.items)+1) // where each item's positions begin
	for _, rank := range m.lines {
		if rank >= 0 {
			places[rank+1]++
		}
	}
	for rank := range m.items {
		places[rank+1] += places[rank]
	}
	positions := make([]uint32, places[len(m.items)])
	next := slices.Clone(places)
	for at, rank := range m.lines {
		if rank >= 0 {
			positions[next[rank]] = uint32(at)
			next[rank]++
		}
	}
	for rank := range m.items {
		if err := m.visit(uint32(rank), positions[places[rank]:places[rank+1]]); err != nil {
			return err
		}
	}
	return nil
}

// visit makes the rules of the set at the index, then finds its children and visits them. The positions are those of the set's last item.
func (m *miner) visit(index uint32, positions []uint32) error {
	m.path = append(m.path, m.sets[index].rank)
	defer func() { m.path = m.path[:len(m.path)-1] }()
	if len(m.path) >= m.options.MinLength {
		m.conclude(int64(m.sets[index].count))
	}
	if len(m.path) == m.options.MaxLength {
		return nil
	}
	if err := m.ctx.Err(); err != nil {
		return err
	}
	lines, err := m.branch(index, positions)
	if err != nil {
		return err
	}
	children := m.sets[m.sets[index].first:][:m.sets[index].children]
	deeper := len(m.path)+1 < m.options.MaxLength
	if deeper {
		m.deliver(children, positions, lines)
	}
	first, at := m.sets[index].first, uint32(0)
	depth := len(m.path)
	for i := range uint32(len(children)) {
		var below []uint32
		if count := m.sets[first+i].count; deeper {
			below = m.bins[depth][at : at+count]
			at += count
		}
		if err := m.visit(first+i, below); err != nil {
			return err
		}
	}
	return nil
}

// branch adds the children of a set to the tree, and returns how many lines they have together.
func (m *miner) branch(index uint32, positions []uint32) (lines int, err error) {
	m.met = m.met[:0]
	for _, at := range positions {
		for at--; m.lines[at] >= 0; at-- {
			rank := m.lines[at]
			if m.seen[rank] == 0 {
				m.met = append(m.met, rank)
			}
			m.seen[rank]++
		}
	}
	slices.Sort(m.met)
	m.sets[index].first = uint32(len(m.sets))
	for _, rank := range m.met {
		if count := m.seen[rank]; int64(count) >= m.least {
			m.sets = append(m.sets, set{rank: rank, count: count})
			lines += int(count)
		}
		m.seen[rank] = 0
	}
	m.sets[index].children = uint32(len(m.sets)) - m.sets[index].first
	if len(m.sets) > m.options.MaxSets {
		return 0, m.tooMany()
	}
	return lines, nil
}

// deliver sorts the positions of all children's last items into one bin each, side by side.
func (m *miner) deliver(children []set, positions []uint32, lines int) {
	depth := len(m.path)
	for len(m.bins) <= depth {
		m.bins = append(m.bins, nil)
	}
	bin := slices.Grow(m.bins[depth][:0], lines)[:lines]
	m.bins[depth] = bin
	next := uint32(1) // one more than where to write, so that 0 says "not a child"
	for _, child := range children {
		m.seen[child.rank] = next
		next += child.count
	}
	for _, at := range positions {
		for at--; m.lines[at] >= 0; at-- {
			if place := m.seen[m.lines[at]]; place > 0 {
				bin[place-1] = at
				m.seen[m.lines[at]]++
			}
		}
	}
	for _, child := range children {
		m.seen[child.rank] = 0
	}
}

// tooMany says what to do about too many sets.
func (m *miner) tooMany() error {
	return fmt.Errorf("%w: more than %d occur in %d baskets and more; raise the least support from %d millionths, or shorten the rules",
		ErrTooManySets, m.options.MaxSets, m.least, m.options.SupportMillionths)
}
