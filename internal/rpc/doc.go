// Package rpc is what both servers stand on, the one in the shop and the one at head office: how a call gets in, who may make it, how
// long it may take, what is written down about it, and how the server stops.
//
// A till must get its answer or a clear refusal, quickly, whatever other callers do. So every call goes through one list of steps
// (interceptors.go): a panic ends that call alone; a request that is too large, comes without a token, from the wrong role or too often
// is refused before any of our own code looks at it; when there is more work than the machine can do, synchronisation and administration
// give way to lookups and receipts.
//
// Owns: the gRPC server, its health service, its metrics registry, the HTTP page for metrics, the table of who may call what as the
// assembly hands it in, and every default number (defaults.go).
//
// Promises: a method without a row in the table stops the server from starting, and is never answered. Plain text never leaves this
// machine. No request content, token or identifier is logged. After Serve returns no handler runs any more.
//
// Does not do: decide anything about customers, know a store or an account, keep anything on disk.
//
// Goroutines: Serve starts one for the gRPC listener and one for the metrics page and ends both before it returns; gRPC runs each call
// in a goroutine of its own.
package rpc
