package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// ErrNoRow is returned when a question that has one answer has none.
var ErrNoRow = errors.New("no such row in the warehouse")

// ErrMemory is returned when something needs more memory than the warehouse may take, or more disk beside its file than there is.
var ErrMemory = errors.New("the database needs more memory than it may take")

// Tx is one transaction. It belongs to the function it was handed to and is not safe for concurrent use.
type Tx struct {
	conn *sql.Conn
	tx   *sql.Tx
}

// Row is one row of an answer.
type Row interface {
	// Scan copies the columns, in order.
	Scan(into ...any) error
}

// Arg names a value in a statement: Arg("as_of", day) stands where the text says $as_of.
func Arg(name string, value any) any { return sql.Named(name, value) }

// Update runs change inside one transaction and keeps what it did when it returns nil. Changes run one after the other; a second one
// waits. Temporary tables that change makes must be dropped by it.
func (w *Warehouse) Update(ctx context.Context, change func(context.Context, *Tx) error) error {
	select {
	case w.write <- struct{}{}:
		defer func() { <-w.write }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return w.within(ctx, func(ctx context.Context, tx *Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		if err := tx.tx.Commit(); err != nil {
			return fmt.Errorf("warehouse %s: commit: %w", w.path, err)
		}
		return nil
	})
}

// View runs read inside one transaction that sees one state of the warehouse, and keeps nothing. It runs beside an Update.
func (w *Warehouse) View(ctx context.Context, read func(context.Context, *Tx) error) error {
	return w.within(ctx, read)
}

// within runs f in a transaction that is rolled back when f did not commit it.
func (w *Warehouse) within(ctx context.Context, f func(context.Context, *Tx) error) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("warehouse %s: %w", w.path, err)
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("warehouse %s: begin: %w", w.path, err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to undo
	return w.memoryError(f(ctx, &Tx{conn: conn, tx: tx}))
}

// memoryError says the way out of having too little memory in words of this program; any other error stays as it is.
func (w *Warehouse) memoryError(err error) error {
	var failed *duckdb.Error
	if !errors.As(err, &failed) || failed.Type != duckdb.ErrorTypeOutOfMemory {
		return err
	}
	what, _, _ := strings.Cut(err.Error(), "\n") // below it stands what somebody who writes the statements could do
	return fmt.Errorf("%w: %s: give it more (--memory, or STAMKLANT_OFFICE_MEMORY), and room on the disk of %s", ErrMemory, what, w.path)
}

// Exec runs a statement, or several separated by semicolons, of which only the last may have arguments. It returns how many rows the last
// one changed.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query runs a statement and yields its rows. A row is valid until the next one. An error ends the rows.
func (t *Tx) Query(ctx context.Context, statement string, args ...any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := t.tx.QueryContext(ctx, statement, args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
		for rows.Next() {
			if !yield(rows, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// One runs a statement whose answer is one row and copies it. It returns ErrNoRow when there is none.
func (t *Tx) One(ctx context.Context, statement string, args []any, into ...any) error {
	for row, err := range t.Query(ctx, statement, args...) {
		if err != nil {
			return err
		}
		return row.Scan(into...)
	}
	return ErrNoRow
}

// Append adds rows to a temporary table, much faster than statements would. A value of 16 bytes for a UUID column is passed as [16]byte.
func (t *Tx) Append(ctx context.Context, table string, rows iter.Seq2[[]any, error]) error {
	return t.conn.Raw(func(raw any) error {
		conn, ok := raw.(driver.Conn)
		if !ok {
			return fmt.Errorf("append to %s: not a connection: %T", table, raw)
		}
		appender, err := duckdb.NewAppender(conn, "temp", "main", table)
		if err != nil {
			return fmt.Errorf("append to %s: %w", table, err)
		}
		if err := appendAll(ctx, appender, rows); err != nil {
			return fmt.Errorf("append to %s: %w", table, errors.Join(err, appender.Close()))
		}
		if err := appender.Close(); err != nil {
			return fmt.Errorf("append to %s: %w", table, err)
		}
		return nil
	})
}

// appendAll hands rows to the appender.
func appendAll(ctx context.Context, appender *duckdb.Appender, rows iter.Seq2[[]any, error]) error {
	var values []driver.Value
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		values = values[:0]
		for _, v := range row {
			if id, ok := v.([16]byte); ok {
				v = duckdb.UUID(id)
			}
			values = append(values, v)
		}
		if err := appender.AppendRow(values...); err != nil {
			return err
		}
	}
	return nil
}

// drop removes temporary tables.
func (t *Tx) drop(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		if _, err := t.tx.ExecContext(ctx, "drop table if exists temp.main."+table); err != nil {
			return err
		}
	}
	return nil
}
