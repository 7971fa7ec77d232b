package warehouse

import (
	"context"
	"fmt"
	"path/filepath"
)

// importRun is one import under way. Its temporary tables are
//
//	parsed     one row per row of the files, in their order, with typed values or a problem
//	unread     lines of one file that are no rows, as DuckDB reports them
//	rejected   rows that cannot be taken
//	staged     receipts, or customers, as they would be kept
//	wanted     customers whose account is asked for
//	resolved   the answers
type importRun struct {
	ImportRequest

	tx     *Tx
	folder string // for files that have to be rewritten
	source *source
	starts []int64 // rowid at which each file begins in parsed, and at which the last one ends
}

// temporary are the tables of a run.
var temporary = []string{
	"parsed", "unread", "unread_scan", "rejected", "ordinals", "staged", "wanted", "resolved", "again", "unrecognised", "cards",
}

// run reads the files and does what the list asks for.
func (r *importRun) run(ctx context.Context) (*ImportReport, error) {
	var err error
	if r.source, err = openSource(r.Files, r.Mapping, r.folder, func(name string) ([]string, error) { return r.describe(ctx, name) }); err != nil {
		return nil, err
	}
	report := &ImportReport{List: r.List, DryRun: r.DryRun}
	take := r.catalogue
	switch r.List {
	case Receipts:
		take = r.receipts
	case Customers:
		take = r.customers
	default: // a catalogue
	}
	if err := take(ctx, report); err != nil {
		return nil, err
	}
	return report, r.tx.drop(ctx, temporary...)
}

// describe returns the names of the columns of a Parquet file. Their values are read as text, written as a mapping takes them that says nothing of
// decimals and encoding; one that does is for another file.
func (r *importRun) describe(ctx context.Context, name string) ([]string, error) {
	if d := r.Mapping.dialect; d.decimals != "." || d.thousands != "" || d.encoding != utf8Encoding {
		return nil, fmt.Errorf("%w: a Parquet file has no decimals, thousands or encoding of its own: leave them out of the mapping", ErrFile)
	}
	var names []string
	for row, err := range r.tx.Query(ctx, "select column_name from (describe select * from read_parquet("+quote(name)+"))") {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
		var column string
		if err := row.Scan(&column); err != nil {
			return nil, err
		}
		names = append(names, column)
	}
	return names, nil
}

// close removes the files a run made.
func (r *importRun) close() error {
	if r.source == nil {
		return nil
	}
	return r.source.close()
}

// exec runs statements of sql/, one after the other.
func (r *importRun) exec(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := r.tx.Exec(ctx, statement(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// read fills parsed from the files, with what row makes of each row, and rejected with the lines that are no rows.
func (r *importRun) read(ctx context.Context, row func(reader string) string) error {
	if _, err := r.tx.Exec(ctx, "create temp table rejected (file integer, row bigint, unread boolean, reason varchar, raw varchar[])"); err != nil {
		return err
	}
	for i, name := range r.Files {
		r.Progress("read "+filepath.Base(name), int64(i), int64(len(r.Files)))
		into := "create temp table parsed as"
		if i > 0 {
			into = "insert into temp.main.parsed"
		}
		if isParquet(name) { // all its rows are rows
			if _, err := r.tx.Exec(ctx, "create temp table unread (line bigint, error_type varchar, csv_line varchar)"); err != nil {
				return err
			}
		}
		if _, err := r.tx.Exec(ctx, into+row(r.source.reader(i, "unread"))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := r.tx.Exec(ctx, statement("rejected_unread"), Arg("file", i)); err != nil {
			return fmt.Errorf("%s: rejected_unread: %w", name, err)
		}
		if err := r.tx.drop(ctx, "unread", "unread_scan"); err != nil {
			return err
		}
		// Within a transaction rowids are consecutive and do not begin at 0.
		var first, rows int64
		if err := r.tx.One(ctx, "select coalesce(min(rowid), 0), count(*) from temp.main.parsed", nil, &first, &rows); err != nil {
			return err
		}
		if i == 0 {
			r.starts = []int64{first}
		}
		r.starts = append(r.starts, first+rows)
	}
	r.Progress("read files", int64(len(r.Files)), int64(len(r.Files)))
	return nil
}

// rows is how many rows the files have, lines that are no rows included.
func (r *importRun) rows(ctx context.Context) (int64, error) {
	var n int64
	err := r.tx.One(ctx, "select (select count(*) from temp.main.parsed) + (select count(*) from temp.main.rejected)", nil, &n)
	return n, err
}

// counts runs a statement that answers a reason and a number per row.
func (r *importRun) counts(ctx context.Context, query string) ([]Count, error) {
	var all []Count
	for row, err := range r.tx.Query(ctx, query) {
		if err != nil {
			return nil, err
		}
		var c Count
		if err := row.Scan(&c.Reason, &c.Rows); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
