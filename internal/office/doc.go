// Package office is head office, assembled: it opens the inbox and the warehouse of one data folder, runs jobs on them (import, score,
// publish, export; daily, which does them in a row), and serves stores.
//
// Owns: the data folder (Home) and the order in which its files are opened. A job runs inside `serve` when one runs on the folder, since
// only one process can hold the warehouse; otherwise it opens the files itself. Either way the same code does it.
//
// Promises: a job that fails leaves what was there before. Nothing but the wiring is here: rules live in the packages below.
//
// Goroutines: Serve starts the gRPC server's and ends them before Wait returns; jobs start none that outlive them.
package office
