// Package loyalty reckons points and status: what a receipt earns, what a return takes back, which tier a customer is in.
//
// It owns the earn rules compiled from a programme, the encoding of a receipt key and the id of a ledger entry, which store, standby and
// head office each compute and find equal. It promises whole numbers: points are rounded once per receipt, down, and the points per line
// sum to exactly the points of the receipt.
//
// It keeps no books: entries are stored by the store's journal and head office's inbox. It is pure: time is an argument, and there is no
// randomness, no file, no goroutine.
package loyalty
