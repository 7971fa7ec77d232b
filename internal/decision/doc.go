// Package decision chooses the one thing worth saying to a customer at the till now, or nothing, and says why.
//
// It owns the programme's campaigns, compiled with an index, so that a verdict costs by the campaigns that come into question and not by
// those that exist. It promises the same verdict for the same input on every till, server and processor: whole numbers only, no clock, no
// randomness, and a holdout that is computed from the account alone. At most one campaign wins; who objected gets none.
//
// It reads no files, keeps no memory of what was shown, writes no texts and starts no goroutines.
package decision
