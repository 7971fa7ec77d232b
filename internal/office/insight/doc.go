// Package insight says who the customers are, from what scoring left in the warehouse: how loyal and how valuable, in which phase, what would
// make them worth more, which of the best are about to leave, who moved where since another day, whether each segment is one worth working
// with, and what sets the best customers apart from all.
//
// It reads; it changes nothing. All figures are of the newest scoring run and of accounts that run scored: who objected, is a child or is left
// out is in none of them. Customers are named by the shop's own number alone, and only where a list of them is asked for. Shares are in basis
// points, money in minor units, both rounded down. It has no clock and starts no goroutines.
//
// Before the first run every question is answered with scoring.ErrNoRun.
package insight
