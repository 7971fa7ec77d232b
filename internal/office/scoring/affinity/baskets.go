package affinity

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Item is an article, a product group, or whatever the caller numbers, from 0 to MaxItem. Numbers close together save memory.
type Item int32

// MaxItem is the greatest number an item may have: a table of all numbers is kept.
const MaxItem Item = 1<<24 - 1

// maxPositions is how many lines and basket ends fit the positions that mining keeps.
const maxPositions = math.MaxUint32

// ErrBasket is returned when a basket cannot be taken in.
var ErrBasket = errors.New("not a basket")

// Baskets are the purchases to learn from. The zero value holds none and is ready to use. Not safe for concurrent use.
type Baskets struct {
	lines  []Item   // all baskets, one after the other
	ends   []uint32 // where each ends in lines
	counts []int64  // in how many baskets an item is
}

// Add takes in one basket: its items in any order, repetitions counting once. An empty basket counts as a basket. The slice is not kept.
// It returns ErrBasket, naming the item, when a number is out of range, and takes in nothing of that basket.
func (b *Baskets) Add(items ...Item) error {
	for _, item := range items {
		if item < 0 || item > MaxItem {
			return fmt.Errorf("%w: item %d; number items from 0 to %d", ErrBasket, item, MaxItem)
		}
	}
	if len(b.lines)+len(b.ends)+len(items)+1 > maxPositions {
		return fmt.Errorf("%w: more than %d lines; mine a shorter period or a sample", ErrBasket, int64(maxPositions))
	}
	start := len(b.lines)
	b.lines = append(b.lines, items...)
	slices.Sort(b.lines[start:])
	b.lines = b.lines[:start+len(slices.Compact(b.lines[start:]))]
	for _, item := range b.lines[start:] {
		if int(item) >= len(b.counts) {
			b.counts = append(b.counts, make([]int64, int(item)+1-len(b.counts))...)
		}
		b.counts[item]++
	}
	b.ends = append(b.ends, uint32(len(b.lines)))
	return nil
}

// Len returns how many baskets there are.
func (b *Baskets) Len() int { return len(b.ends) }

// Lines returns how many different items the baskets hold, all together.
func (b *Baskets) Lines() int { return len(b.lines) }

// Count returns in how many baskets an item is.
func (b *Baskets) Count(item Item) int64 {
	if item < 0 || int(item) >= len(b.counts) {
		return 0
	}
	return b.counts[item]
}
