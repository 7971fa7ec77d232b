// Package inbox is head office's own book of what the stores delivered, and the register of accounts. What is in here is known for ever;
// the warehouse can be built again from imports and from this.
//
// # What it owns
//
// One bbolt file. Every bucket, key and value; numbers are big-endian:
//
//	meta
//	├── 01                                   version of the layout, u32
//	└── 02                                   over all balances: how many u64, their entries u64, their sum i64
//	servers      server id                   → time of its last report, u64 Unix seconds ‖ sync.v1.ReportRequest
//	streams      uvarint len ‖ server id ‖ incarnation   → stream number u32, sequence held through u64, chain after it, first and last delivery u64
//	rows         stream u32 ‖ sequence u64   → chain after it, the row as delivered
//	receipts     business day u32 ‖ receipt id ‖ fork u32   → who delivered it, in the order in which it came: stream u32, sequence u64, content hash;
//	                                           the first is the one that stands
//	entries      entry id                    → account, number in its ledger u64
//	ledger       account ‖ number u64        → stream u32, sequence u64 ‖ outcome.v1.LedgerEntry; what was counted, in the order in which it came
//	orphans      number u64                  → the same, for entries that lead to no account
//	balances     account                     → sum i64, entries u64, first and last day i32
//	conflicts    number u64                  → stream u32, sequence u64: rows that a person should look at
//	accounts     account                     → its external ids and identifiers
//	externals    external id                 → account
//	identifiers  uvarint len ‖ namespace ‖ canonical     → customer.v1.Identifier
//
// An account is 16 random bytes; a receipt id the first half of SHA-256 over its key's bytes (loyalty.KeyBytes). The business
// day stands first so that a day's receipts are written side by side. Every value ends in a CRC-32C over bucket, key and value: bbolt does
// not check its pages, and a balance must never be silently wrong; a Cut that finds fewer balances, or another sum, than were booked says so. Account ids, identifiers and receipts are never removed from their
// buckets by deliveries or imports; an alias, a merge or a suppression adds to the record of the account or identifier it is about.
//
// # What it promises
//
//   - Deliver takes consecutive rows of one incarnation, all of them or none, in one transaction: rows, receipt keys, entries, high-water
//     mark and chain. What it holds it acknowledges and does not take again. A gap and a fork are refused.
//   - An entry counts once: entries are a set by id, and of a receipt that two servers deliver only the first one's entries count.
//   - A receipt on a card that nobody knows makes an account and registers the card.
//   - A Cut is the inbox at one moment. Its cut-offs are exactly the rows that are in its balances.
//
// It recomputes no points: the server's booking is the truth. It knows nothing of scores, programmes and bundles. It starts one goroutine,
// the committer's, which ends with Close.
package inbox
