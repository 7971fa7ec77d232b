// Package affinity finds what is bought together: who has pasta and tomatoes in the basket mostly has cheese in it too. Programmes use
// the rules to suggest what goes with a purchase, and what a customer does not yet buy here; category managers use them to place goods.
//
// It mines association rules with one item on the right, as R. Agrawal, T. Imieliński and A. Swami define them (Mining Association Rules
// between Sets of Items in Large Databases, SIGMOD 1993) and as the R package arules counts them. An item is whatever the caller numbers:
// an article, a product group, a brand. A rule says: of the baskets that hold all of the left, this share holds the right as well.
//
//   - support: share of all baskets that hold left and right; count: how many these are
//   - confidence: share of the baskets with the left that hold the right
//   - lift: how many times likelier the right is beside the left than in any basket; 1 when they have nothing to do with each other
//
// Thresholds are integers, in millionths, so that what is on the edge is decided the same everywhere: a set is frequent when its count is
// at least ⌈support · baskets⌉.
//
// Frequent sets are found depth first, each from the positions at which its last item stands in the baskets (the occurrence delivery of
// T. Uno, M. Kiyomi, H. Arimura, LCM ver. 2, FIMI 2004): only sets that occur are ever counted, without candidates. Memory is a few bytes
// for each line and for each frequent set, both bounded by [Options].
//
// The package keeps nothing between calls, starts no goroutine, and gives the same rules in the same order for the same baskets in any
// order.
package affinity
