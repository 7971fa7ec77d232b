// Package scoring says, for every customer, how long ago, how often and for how much (recency, frequency, money), and which segment that
// makes. It runs at head office, for all customers at once, as of one day.
//
// Receipts count within a trailing window that ends on that day. Over all customers who bought within it, cut points are taken: type-7
// quantiles in integers, by the package segment, from the values the database has put in order. The same cut points travel to the stores,
// which come to the same scores with the same package.
//
// Promises: money is added up exactly and rounded once per account, half away from zero; equal values get equal scores; who objected, is a
// child, is in a group that the programme leaves out, or has no basis for being profiled gets no score and moves nobody's cut points; a run
// either replaces the scores of the one before as a whole or leaves them as they were; scoring the same receipts as of the same day again
// changes nothing.
//
// With `scoring: imported` it measures only what tiers need and leaves segments and scores to the customer list; it then works without a
// single receipt.
//
// It owns the tables scores, runs and run_segments of the warehouse and the SQL that fills them (sql/, each file with its inputs, grain and
// output). It publishes nothing and starts no goroutines. The clock is handed in.
package scoring
