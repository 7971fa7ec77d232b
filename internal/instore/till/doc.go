// Package till answers the tills of one store: who is this, what is the one thing worth saying now, and what did this receipt book.
//
// It owns the CheckoutService: recognising what was scanned, reading the customer from the active release and the journal, asking the pure
// packages for points and for a verdict, and the words for cashier, customer display and receipt. Handlers resolve, read, decide and answer;
// the rules stand in packages identify, segment, loyalty and decision.
//
// It promises that a lookup waits for nobody: not for head office, not for the disk, not for another till. A receipt is acknowledged only
// once it is on disk, and booked once however often it is sent. What a lookup promised for a sale holds until its receipt, for at most half
// an hour. Texts for customers are built from a short list of public facts and nothing else can reach them.
//
// It starts no goroutines, opens no files and speaks to no other machine.
package till
