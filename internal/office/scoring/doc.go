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
// Beyond scores, and from all of the past, it foretells how often each customer will come and what she will spend (package clv; with every run it
// says how far to trust that, and foretells the newest part of the receipts from the older one to show it), and makes a picture of what she likes
// to buy, when and where, with what is bought together (package affinity) and what must be about to run out. Both are reckoned so that hardly
// anything changes while a customer does nothing: predictions are published in bands, and weights in a picture count back from the customer's
// own last visit. The programme switches either off.
//
// With `scoring: imported` it measures only what tiers need and leaves segments and scores to the customer list; it then works without a
// single receipt.
//
// It owns the tables of the warehouse that runs fill, from scores and runs to predictions, pictures, mixes, replenishments and affinities, and the SQL that fills them (sql/, each file with its inputs, grain and
// output). It publishes nothing and starts no goroutines. The clock is handed in.
package scoring
