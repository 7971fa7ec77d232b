package daily

import (
	"context"
	"embed"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

//go:embed sql/*.sql
var statements embed.FS

// statement returns the text of a file in sql/. The files are part of the program: a missing one is a mistake in it.
func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// words are the outcomes as the warehouse keeps them.
var words = map[officev1.RunOutcome]string{
	officev1.RunOutcome_RUN_OUTCOME_UNDER_WAY:         "under_way",
	officev1.RunOutcome_RUN_OUTCOME_DONE:              "done",
	officev1.RunOutcome_RUN_OUTCOME_DONE_WITH_REMARKS: "done_with_remarks",
	officev1.RunOutcome_RUN_OUTCOME_REFUSED:           "refused",
	officev1.RunOutcome_RUN_OUTCOME_FAILED:            "failed",
	officev1.RunOutcome_RUN_OUTCOME_UNFINISHED:        "unfinished",
	officev1.RunOutcome_RUN_OUTCOME_CUT_OFF:           "cut_off",
}

// Book is the record of daily runs, in the warehouse.
type Book struct {
	w   *warehouse.Warehouse
	now func() time.Time
}

// NewBook returns the record that a warehouse keeps; now tells the time.
func NewBook(w *warehouse.Warehouse, now func() time.Time) *Book { return &Book{w: w, now: now} }

// Entry is one run under way. It belongs to one goroutine.
type Entry struct {
	book  *Book
	id    int64
	steps int
}

// Begin notes that a run has started. Runs still under way, of which there can be none but those that were cut off, are noted as that.
func (b *Book) Begin(ctx context.Context, asOf int32) (*Entry, error) {
	e := &Entry{book: b}
	err := b.w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		if _, err := tx.Exec(ctx, statement("cut_off")); err != nil {
			return err
		}
		if err := tx.One(ctx, "select coalesce(max(run_id), 0) + 1 from daily_runs", nil, &e.id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, statement("begin"), warehouse.Arg("run", e.id), warehouse.Arg("as_of", asOf), warehouse.Arg("started", b.now().UTC()))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("note the run: %w", err)
	}
	return e, nil
}

// ID is the run's number.
func (e *Entry) ID() int64 { return e.id }

// Step notes a step that ended.
func (e *Entry) Step(ctx context.Context, name string, took time.Duration, counted string) error {
	e.steps++
	err := e.book.w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, "insert into daily_steps values ($run, $no, $name, $took, $counted)", warehouse.Arg("run", e.id),
			warehouse.Arg("no", e.steps), warehouse.Arg("name", name), warehouse.Arg("took", took.Milliseconds()), warehouse.Arg("counted", counted))
		return err
	})
	if err != nil {
		return fmt.Errorf("note the step %s: %w", name, err)
	}
	return nil
}

// End notes how the run went.
func (e *Entry) End(ctx context.Context, outcome officev1.RunOutcome, message string) error {
	err := e.book.w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, "update daily_runs set ended = $ended::timestamp, outcome = $outcome, message = $message where run_id = $run",
			warehouse.Arg("run", e.id), warehouse.Arg("ended", e.book.now().UTC()), warehouse.Arg("outcome", words[outcome]), warehouse.Arg("message", message))
		return err
	})
	if err != nil {
		return fmt.Errorf("note how the run went: %w", err)
	}
	return nil
}

// Runs lists the newest runs, newest first.
func (b *Book) Runs(ctx context.Context, limit int32) ([]*officev1.Run, error) {
	var runs []*officev1.Run
	err := b.w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		byID := map[int64]*officev1.Run{}
		for row, err := range tx.Query(ctx, statement("runs"), warehouse.Arg("limit", limit)) {
			if err != nil {
				return err
			}
			run, err := scanRun(row)
			if err != nil {
				return err
			}
			runs, byID[run.GetId()] = append(runs, run), run
		}
		for row, err := range tx.Query(ctx, statement("steps"), warehouse.Arg("limit", limit)) {
			if err != nil {
				return err
			}
			var id int64
			step := &officev1.RunStep{}
			if err := row.Scan(&id, &step.Name, &step.TookMillis, &step.Counted); err != nil {
				return err
			}
			if run := byID[id]; run != nil {
				run.Steps = append(run.Steps, step)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list daily runs: %w", err)
	}
	return runs, nil
}

// scanRun reads one row of the statement runs.
func scanRun(row warehouse.Row) (*officev1.Run, error) {
	run := &officev1.Run{}
	var started time.Time
	var ended *time.Time
	var outcome string
	if err := row.Scan(&run.Id, &run.AsOf, &started, &ended, &outcome, &run.Message); err != nil {
		return nil, err
	}
	run.StartedAt = timestamppb.New(started)
	if ended != nil {
		run.EndedAt = timestamppb.New(*ended)
	}
	for value, word := range words {
		if word == outcome {
			run.Outcome = value
		}
	}
	return run, nil
}
