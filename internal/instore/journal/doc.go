// Package journal is the server's own book: one read-write file for everything that happened in this store and that head office may not
// know yet. A receipt the till was told is recorded is in here, and stays until every release this server may still serve has counted it.
//
// # What it owns
//
// One bbolt file, beside it `<file>.seal` (which machine, which life, how far it was shown to head office) and `<file>.pid` (who has it
// open). Every bucket, key and value:
//
//	meta                                   what the file is
//	├── 01                                 version of the layout, u32, in clear
//	├── 02                                 salt of the file's key, 32 bytes, in clear
//	├── 10                                 marks: last, confirmed, pruned, aged and forgotten row number, chain after the confirmed row
//	├── 11                                 lives: per incarnation its id, its parent and what it shares with it, the row before its first, why it began
//	├── 12                                 the newest manifest version this server trusted, and its digest
//	├── 13                                 floor of trusted time, time of the last contact with head office
//	└── 14                                 lane: the last number taken, and up to which erasures were made anonymous, compacted away, told of
//	rows      number u64                   → outcome.v1.OutboxRow, marshalled, without its sequence; before that of a receipt its tag: 00 ‖ uvarint
//	                                         length ‖ what is in ages once the row is gone
//	receipts  receipt id ‖ fork u32        → key, content hash, number, time, stored answer, what is left of it later, the sale once its row is gone
//	entries   entry id                     → number of the row that booked it; the set that lets no entry count twice. Entries whose id follows from
//	                                         their receipt's key are not in it: the key is in receipts
//	local     subject ‖ kind ‖ number ‖ ordinal u16   what no release has counted yet, by subject
//	          kind 01 a ledger entry       → points, entry kind, day, entry id
//	          kind 02 a contact            → time, outcome.v1.Exposure
//	          kind 03 a receipt            → the note it was booked with; its row says the rest
//	          kind 04 a preference         → outcome.v1.Preference
//	          kind 05 contact details      → kind, time; what was given is sealed in the row, for head office alone
//	hashes    id hash                      → number of the latest entry that hangs on an identifier without account
//	refused   receipt id ‖ content hash[:16]  → number of the row that told head office of the conflict
//	          receipt id of a key ‖ 16 zeros  → number of the row that spent the key
//	ages      number u64                   → receipt id ‖ fork, time, of rows that are gone: in which order keys are forgotten
//	confirms  number u64                   → incarnation, chain: up to where head office once confirmed
//	lane      lane number u64              → bundle.v1.LaneRecord; merges stay, all others go once every release has worked them in
//	coupons   voucher id                   → how it stands, by which receipt key, outcome.v1.Coupon
//	wallets   account ‖ voucher id         → nothing: which coupons were given to an account
//	holds     01 ‖ thing                   → until when, receipt_ref, till: what a sale holds
//	          02 ‖ sale ‖ thing            → nothing: all that a sale holds; a sale is the first half of SHA-256 of its receipt_ref
//	outcomes  outcome id                   → when it was recorded, hash of what was said; so that it is taken once
//
// A number counts the rows of this file for ever; numbers are big-endian u64. Ids are 16 bytes: a receipt id is the first half of
// SHA-256 over `stamklant/journal/receipt/v1` and the receipt key, a subject is an account id or the keyed hash of an identifier. Nothing
// in a key can be read. All values but the first two of meta are sealed one by one: AES-256-GCM with a random nonce under HKDF-SHA-256 of
// the data key, the file's salt and the info `stamklant/journal/v1`, with bucket ‖ key as additional data. A value that was damaged or
// moved does not open. In the buckets from receipts to hashes, in refused, ages and from lane to outcomes every value begins with the key after it (uvarint
// length ‖ key; 00 is the first key of each), so that what is not found is proved absent by its neighbour; rows have no gaps. What cannot be
// read, or proved not to be there, is ErrDamaged, never another answer.
//
// # Numbers, sequences, incarnations
//
// What head office sees of a row is its sequence within an incarnation, a life of this file: number minus the number at which that
// incarnation began. A file that was restored or copied begins a new incarnation at the last confirmed row, so that rows which wait get a
// new sequence and a new chain without being written again. A row keeps the sequences it had in earlier incarnations: it is counted by a
// release as soon as any of them is within that release's cut-off.
//
// The chain begins at 32 zero bytes with every incarnation; after a row it is SHA-256(chain before ‖ row as delivered). It is computed where
// rows are read, from the last confirmed one.
//
// # What it promises
//
//   - Record answers after the receipt is on disk. Many waiting receipts share one flush (package groupcommit).
//   - The receipt key decides: the same content again is answered with what was stored; other content leaves the first in place.
//   - View is one read transaction and waits for no writer. LocalPoints costs a few microseconds and grows with the subject's own entries.
//   - Rows leave only when head office confirmed them and every release this server may still open has counted them.
//   - The trusted manifest version only rises, also across a restore.
//   - What the lane said holds over every release that has not worked it in, whichever serves: see Overlay.
//   - After Anonymise and Compact nothing in the file points to the customer any more. While the file is compacted, recording answers
//     ErrUnavailable and reading goes on.
//
// It does not decide anything about points, campaigns or texts: package till does, in the function it hands to Record. It does not speak
// to head office: package outbox does. It starts one goroutine, the committer's, which ends with Close.
package journal
