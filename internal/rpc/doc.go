// Package rpc is what both servers stand on, the one in the shop and the one at head office: how a call gets in, who may make it, how
// long it may take, what is written down about it, and how the server stops.
//
// A till must get its answer or a clear refusal, quickly, whatever other callers do. So every call goes through one list of steps
// (interceptors.go): a panic ends that call alone; a request that is too large, comes without a token, from the wrong role or too often
// is refused before any of our own code looks at it; when there is more work than the machine can do, synchronisation and administration
// give way to lookups and receipts.
//
// There are two listeners before one implementation. Tills speak gRPC to the first: with a certificate beyond this machine, with a token on it.
// The second (web.go) takes JSON and gRPC-Web, by token, for browsers and tills without gRPC; its calls go through the very same handlers and
// steps, so that answers, refusals and allowances are the same.
//
// Owns: the gRPC server, its health service, the second listener, its metrics registry, the HTTP page for metrics, the table of who may call
// what (matrix.go), and every default number (defaults.go).
//
// Promises: a method without a row in the table stops the server from starting, and is never answered. Plain text never leaves this
// machine. No request content, token or identifier is logged. After Serve returns no handler runs any more.
//
// Does not do: decide anything about customers, know a store or an account, keep anything on disk.
//
// Goroutines: Serve starts one for each listener and one for the metrics page and ends them before it returns; each call runs in a goroutine
// of its own.
package rpc
