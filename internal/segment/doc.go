// Package segment says which group a customer belongs to: the best, the newcomers, those about to be lost.
//
// Three values decide: how long ago the last receipt was, how often the customer came, how much was spent. Cut points, absolute
// values that head office computes once a night over all scored accounts, turn each value into a score; the retailer's segment map
// turns three scores into a segment. A store applies the same cut points to the same values with this package, so that an account
// stands in the same segment in every shop, and a receipt of this morning counts this afternoon.
//
// It reckons in integers alone, with no clock, no randomness and no state, and gives the same answer on every machine. It neither reads
// receipts nor knows how the values were counted: that is head office's scoring. It starts no goroutines.
package segment
