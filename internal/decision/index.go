package decision

import (
	"math/bits"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// index finds the campaigns that come into question. For every value of a dimension it holds the set of campaigns that ask for that value
// or for none; a customer's candidates are what is in all sets. Bit i is the i-th campaign in order of choice.
type index struct {
	words    int
	segments dimension
	stores   dimension
	tiers    dimension
	stages   [stages][]uint64
}

// dimension is one thing campaigns may ask for.
type dimension struct {
	of     map[string][]uint64
	others []uint64 // for a value no campaign names: who asks for nothing
}

// newIndex builds the index.
func newIndex(campaigns []campaign) index {
	x := index{words: (len(campaigns) + 63) / 64}
	x.segments = x.dimension(campaigns, func(c *programmev1.Condition) []string { return c.GetSegments() })
	x.stores = x.dimension(campaigns, func(c *programmev1.Condition) []string { return c.GetStores() })
	x.tiers = x.dimension(campaigns, func(c *programmev1.Condition) []string { return c.GetTiers() })
	for s := range x.stages {
		x.stages[s] = make([]uint64, x.words)
		for i := range campaigns {
			if served(campaigns[i].source) && Stage(s).suits(campaigns[i].source.GetWhen().GetAt()) {
				x.stages[s][i/64] |= 1 << (i % 64)
			}
		}
	}
	return x
}

// dimension gathers the sets of one dimension.
func (x *index) dimension(campaigns []campaign, ask func(*programmev1.Condition) []string) dimension {
	d := dimension{of: map[string][]uint64{}, others: make([]uint64, x.words)}
	for i := range campaigns {
		names := ask(campaigns[i].source.GetWhen())
		if len(names) == 0 {
			d.others[i/64] |= 1 << (i % 64)
		}
		for _, name := range names {
			if d.of[name] == nil {
				d.of[name] = make([]uint64, x.words)
			}
			d.of[name][i/64] |= 1 << (i % 64)
		}
	}
	for _, set := range d.of {
		for w := range set {
			set[w] |= d.others[w]
		}
	}
	return d
}

// set is who may ask for the value.
func (d *dimension) set(value string) []uint64 {
	if set, ok := d.of[value]; ok && value != "" {
		return set
	}
	return d.others
}

// candidates yields the campaigns that ask for nothing the customer, store and stage are not, in order of choice, until told to stop.
func (x *index) candidates(in *Input, yield func(campaign int) bool) {
	segments, stores, tiers, stage := x.segments.set(in.Segment), x.stores.set(in.Store), x.tiers.set(in.Tier), x.stages[in.Stage]
	for w := range x.words {
		for word := segments[w] & stores[w] & tiers[w] & stage[w]; word != 0; word &= word - 1 {
			if !yield(w*64 + bits.TrailingZeros64(word)) {
				return
			}
		}
	}
}

// served reports whether this server puts the campaign's kind to customers.
func served(c *programmev1.Campaign) bool {
	switch c.GetKind().(type) {
	case *programmev1.Campaign_Offer, *programmev1.Campaign_Prompt, *programmev1.Campaign_Survey:
		return true
	}
	return false
}
