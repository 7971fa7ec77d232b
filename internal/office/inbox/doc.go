// Package inbox is head office's own book of what the stores delivered, and the register of accounts. What is in here is known for ever;
// the warehouse can be built again from imports and from this.
//
// # What it owns
//
// One bbolt file. Every bucket, key and value; numbers are big-endian:
//
//	meta
//	├── 01                                   version of the layout, u32
//	├── 02                                   over all balances: how many u64, their entries u64, their sum i64
//	├── 03                                   number of the newest lane record that erased a customer, u64
//	└── 04                                   number of the newest lane record that the warehouse has worked in, u64
//	servers      server id                   → time of its last report, u64 Unix seconds ‖ sync.v1.ReportRequest
//	streams      uvarint len ‖ server id ‖ incarnation   → stream number u32, sequence held through u64, chain after it, first and last delivery u64
//	rows         stream u32 ‖ sequence u64   → chain after it, the row as delivered
//	receipts     business day u32 ‖ receipt id ‖ fork u32   → who delivered it, in the order in which it came: stream u32, sequence u64, content hash;
//	                                           the first is the one that stands
//	entries      entry id                    → account, number in its ledger u64
//	ledger       account ‖ number u64        → stream u32, sequence u64 ‖ outcome.v1.LedgerEntry; what was counted, in the order in which it came
//	orphans      number u64                  → the same, for entries that lead to no account
//	waiting      identifier ‖ number u64     → nothing; which identifier an orphan waits for
//	returned     business day u32 ‖ receipt id ‖ fork u32 of a sale ‖ number u64   → stream u32, sequence u64: receipts that brought goods of it back, void it,
//	                                           or void one of those, in the order in which they came
//	balances     account                     → sum i64, entries u64, first and last day i32
//	conflicts    number u64                  → stream u32, sequence u64: rows that a person should look at
//	accounts     account                     → its external ids and identifiers
//	externals    external id                 → account
//	identifiers  uvarint len ‖ namespace ‖ canonical     → customer.v1.Identifier
//	lane         number u64                  → bundle.v1.LaneRecord: what all stores were told urgently
//	told         account                     → newest objection and agreement per purpose, blocked, the account it was merged into
//	aliases      external id                 → the account that the one it was of was merged into
//	suppressed   hash of an identifier, external id or account under the content key   → which of them, number of the lane record that erased it
//	erasures     lane number u64 ‖ server id → when that server held nothing more of whom the record erased, u64 Unix seconds
//	details      account or id hash ‖ kind ‖ when u64 Unix nanoseconds   → stream u32, sequence u64: contact details, sealed
//	languages    account                     → when u64 Unix nanoseconds ‖ the language the customer wants
//	coupons      voucher id                  → open, used or withdrawn, the server that gave it, outcome.v1.Coupon without whom it was given to
//	outcomes     first half of SHA-256 over receipt key or decision, suggestion and kind   → stream u32, sequence u64: the first that told it
//	asked        account                     → customer.v1.Asked: when the customer was last asked something
//	audit        number u64                  → when, u64 Unix seconds ‖ what was done, by whom, why
//
// An account is 16 random bytes; a receipt id the first half of SHA-256 over its key's bytes (loyalty.KeyBytes). The business
// day stands first so that a day's receipts are written side by side. Every value ends in a CRC-32C over bucket, key and value: bbolt does
// not check its pages, and a balance must never be silently wrong; a Cut that finds fewer balances, or another sum, than were booked says so.
// Account ids, identifiers and receipts are never removed from their buckets by deliveries or imports. Only Erase removes what is of a customer, and
// Merge moves it to another account.
//
// # What it promises
//
//   - Deliver takes consecutive rows of one incarnation, all of them or none, in one transaction: rows, receipt keys, entries, high-water
//     mark and chain. What it holds it acknowledges and does not take again. A gap and a fork are refused.
//   - An entry counts once: entries are a set by id, and of a receipt that two servers deliver only the first one's entries count.
//   - A receipt on a card that nobody knows makes an account and registers the card.
//   - A receipt on a card that nobody handed out waits, and is counted as soon as the card leads to one account.
//   - A return is settled here by the stored award of its sale, whichever servers had the two and whichever came first: in all, the returns of a
//     sale take back what they should, once.
//   - A Cut is the inbox at one moment. Its cut-offs are exactly the rows that are in its balances.
//
// It recomputes no points that a sale earned: the server's booking is the truth. It knows nothing of scores, programmes and bundles. It starts one goroutine,
// the committer's, which ends with Close.
package inbox
