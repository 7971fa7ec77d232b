// Package samplechain makes up a garden-centre chain, "Tuincentrum De Linde", so that everything can be tried, shown and measured without
// anybody's real customers: twelve stores of two owners in the Netherlands and Belgium, customers who come every week, in season, less and
// less, or once, receipts with lines, returns that name their sale, receipts without a card, tradespeople and staff, households with two
// cards, lost and blocked cards, people who objected, children.
//
// It owns the chain's shape and nothing else. New(Config) makes a Chain; Receipts walks through its receipts in the order of time; Write
// puts down the lists a retailer would export, with the mappings that say how to read them and the retailer's programme; Customers
// yields the same customers as head office would publish them, for a store without head office and for load tests; Magic is the table of
// cards that always give the same answer.
//
// It promises: the same seed and numbers give the same bytes, on every machine; a customer of Customers has exactly the values the
// receipts of Receipts add up to; memory grows with the number of visits (24 bytes each), not with lines. Nothing in it is drawn from a
// real person or shop.
//
// It reads no clock, starts no goroutine and, but for Write, touches no disk. A Chain is not changed after New and may be used from
// several goroutines.
package samplechain
