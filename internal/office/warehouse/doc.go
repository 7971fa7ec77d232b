// Package warehouse keeps what head office knows about buying: every receipt with its lines, what the customer lists say, and what
// scoring made of it.
//
// It owns one DuckDB file and alone speaks SQL to a driver; scoring brings statements of its own and runs them in here (Update, View).
//
// Lists come in by a mapping, a file a person writes, which says what the columns of a shop's own export mean. Files are read and
// checked inside the database, never row by row in Go, so that twenty million lines are a matter of minutes.
//
// Promises:
//
//   - an import is one transaction: all that is good in the files is taken, or nothing is;
//   - no row is lost silently: it is taken, skipped by a rule of the mapping and counted, or written to a file with the reason;
//   - an import is idempotent by receipt (store, till, business date, receipt number): a receipt that is known with the same content is
//     passed over, one with other content is rejected unless replacing was asked for;
//   - money is kept exactly, with four decimals per line, and is only ever rounded by who adds it up;
//   - a receipt that was both imported and delivered by a store counts once, with the imported lines.
//
// It mints no account and knows no card: who a customer number belongs to is asked of the register (Accounts). It neither scores nor
// publishes. One process may hold the file; a second is told ErrBusy. It starts no goroutines of its own (DuckDB works with threads of
// its own while a call runs). The clock is handed in.
//
// The tables are in migrations/, each statement with what it stands for; a released migration never changes.
package warehouse
