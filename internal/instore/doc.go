// Package instore is the server in the shop, assembled: it opens the data folder, follows head office, answers tills and delivers what
// happened.
//
// Owns: the data folder (see Config.Data) and the order in which its parts start and stop. Promises: with a release on the disk it answers
// tills within seconds of its start, whatever head office does; when it stops, calls end first, then what they use. Nothing but wiring is
// here: rules live in the packages below.
//
// Goroutines: Run starts the gRPC server's, the replica's, the outbox's and one for housekeeping, and ends them before it returns.
package instore
