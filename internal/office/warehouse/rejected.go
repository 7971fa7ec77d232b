package warehouse

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// reject gathers the rows that cannot be taken, counts them by reason and writes them to their file.
func (r *importRun) reject(ctx context.Context, report *ImportReport) error {
	for i := range r.Files {
		_, err := r.tx.Exec(ctx, statement("rejected_parsed"), Arg("file", i), Arg("first", r.starts[i]), Arg("after", r.starts[i+1]))
		if err != nil {
			return fmt.Errorf("rejected_parsed: %w", err)
		}
	}
	var err error
	report.Rejected, err = r.counts(ctx, "select reason, count(*) from temp.main.rejected group by 1 order by 2 desc, 1")
	if err != nil || r.RejectedPath == "" {
		return err
	}
	if len(report.Rejected) == 0 {
		if err := os.Remove(r.RejectedPath); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rejected rows: %w", err)
		}
		return nil
	}
	report.RejectedPath = r.RejectedPath
	return r.writeRejected(ctx)
}

// writeRejected writes the file: the source's own columns, so that rows can be put right and imported again, after file, row and reason.
func (r *importRun) writeRejected(ctx context.Context) (err error) {
	f, err := os.OpenFile(r.RejectedPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("rejected rows: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := csv.NewWriter(f)
	if err := out.Write(append([]string{"file", "row", "reason"}, r.source.header...)); err != nil {
		return fmt.Errorf("rejected rows: %w", err)
	}
	for i := range r.Files {
		if err := r.writeRejectedOf(ctx, out, i); err != nil {
			return fmt.Errorf("rejected rows of %s: %w", r.Files[i], err)
		}
	}
	out.Flush()
	return out.Error()
}

// rejectedRow is a row on its way to the file.
type rejectedRow struct {
	row    int64
	reason string
	raw    []any
}

// writeRejectedOf writes the rows of one file: first the lines that are no rows, then the others.
func (r *importRun) writeRejectedOf(ctx context.Context, out *csv.Writer, file int) error {
	if err := r.readAgain(ctx, file); err != nil {
		return err
	}
	var unread []int64
	for row, err := range r.tx.Query(ctx, statement("rejected_rows"), Arg("file", file), Arg("unread", true)) {
		rejected, err := scanRejected(row, err)
		if err != nil {
			return err
		}
		unread = append(unread, rejected.row)
		if err := r.writeRow(out, file, rejected); err != nil {
			return err
		}
	}
	slices.Sort(unread)
	before := 0 // lines that are no rows and stand before the present row
	for row, err := range r.tx.Query(ctx, statement("rejected_rows"), Arg("file", file), Arg("unread", false)) {
		rejected, err := scanRejected(row, err)
		if err != nil {
			return err
		}
		rejected.row += 2 // rows count from 1, and the heading is one
		for before < len(unread) && unread[before] <= rejected.row+int64(before) {
			before++
		}
		rejected.row += int64(before)
		if err := r.writeRow(out, file, rejected); err != nil {
			return err
		}
	}
	return nil
}

// scanRejected reads one row of the statement rejected_rows.
func scanRejected(row Row, err error) (rejectedRow, error) {
	var rejected rejectedRow
	if err != nil {
		return rejected, err
	}
	var raw any
	if err := row.Scan(&rejected.row, &rejected.reason, &raw); err != nil {
		return rejected, err
	}
	rejected.raw, _ = raw.([]any)
	return rejected, nil
}

// writeRow writes one row.
func (r *importRun) writeRow(out *csv.Writer, file int, rejected rejectedRow) error {
	record := []string{r.Files[file], strconv.FormatInt(rejected.row, 10), rejected.reason}
	for _, v := range rejected.raw {
		text, _ := v.(string) // a column without text is empty
		record = append(record, text)
	}
	for len(record) < len(r.source.header)+3 { // a line that is no row stands as it is in the first column
		record = append(record, "")
	}
	return out.Write(record)
}

// readAgain reads a file once more when rows of it were refused for something the row itself did not show: what those say was not kept.
func (r *importRun) readAgain(ctx context.Context, file int) error {
	var missing int64
	err := r.tx.One(ctx, "select count(*) from temp.main.rejected where raw is null and file = $file", []any{Arg("file", file)}, &missing)
	if err != nil || missing == 0 {
		return err
	}
	e := expressions{mapping: r.Mapping, header: r.source.header}
	if _, err := r.tx.Exec(ctx, "create temp table again as select ["+e.raw()+"] as raw from "+r.source.reader(file, "unread")); err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, statement("rejected_again"), Arg("file", file)); err != nil {
		return err
	}
	return r.tx.drop(ctx, "again", "unread", "unread_scan")
}
