// Package rush plays a shop's rush hour with everything that goes wrong in one: tills that send twice and at once, replies that get lost, receipts
// that come days late, sales that are suspended here and recalled there, returns in parts and in another shop, voids, practice, cards nobody knows, a
// till that was set up anew, cables that are pulled. It calls real servers the way tills do, through api/tillclient.
//
// It owns its own books: a list of what the tills did, from which points and money are added up afresh by the plainest arithmetic there is. They rest on
// nothing of what servers use, so that both being wrong alike is unlikely. Verify holds them against head office's lists, to the point and the cent.
//
// It promises the same choices for the same seed, as far as what tills do does not depend on when servers answer. It does not start, stop or kill
// servers: whoever runs it does that meanwhile.
//
// Run starts a goroutine per till, some per pulled cable and connection, and ends them all before it returns.
package rush
