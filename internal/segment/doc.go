// Package segment says which group a customer belongs to: the best, the newcomers, those about to be lost.
//
// Three values decide: how long ago the last receipt was, how often the customer came, how much was spent. Cut points, absolute
// values that head office computes once a night over all scored accounts, turn each value into a score; the retailer's segment map
// turns three scores into a segment. A store applies the same cut points to the same values with this package, so that an account
// stands in the same segment in every shop, and a receipt of this morning counts this afternoon.
//
// How the values are counted is head office's scoring; this package knows of it what a store needs to go on from there until the next one
// (SameDay): what one receipt adds, and what it takes away again when its goods come back. Only accounts with a receipt that head office does not
// have yet are reckoned anew; nothing ages in the store.
//
// It reckons in integers alone, with no clock, no randomness and no state, and gives the same answer on every machine. It starts no
// goroutines.
package segment
