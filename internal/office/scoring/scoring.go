package scoring

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// ErrNoRun is returned when nobody has been scored yet.
var ErrNoRun = errors.New("no scoring run yet")

// ErrProgramme is returned when the programme's scoring cannot be carried out: its segments do not share out all scores.
var ErrProgramme = errors.New("the programme cannot be scored by")

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

// Options are what a run needs besides the data.
type Options struct {
	// Now tells when the run was made. Required.
	Now func() time.Time
	// Progress is told how far a step is; total is 0 when it is not known. May be nil.
	Progress func(step string, done, total int64)
	// Keep is asked, before the run is kept, whether it shall be: within the transaction, which sees the new scores. An error undoes the run,
	// the scores of the run before stand, and Score returns it, wrapped. May be nil.
	Keep func(context.Context, *warehouse.Tx, *Run) error
}

// Score scores all customers as of a day (days since 1970-01-01, included) by the programme's rules, replaces the scores of the run before
// and returns what it found. It returns ErrProgramme, wrapped with what is wrong, for segments that do not share out all scores; the scores of
// the run before then stand. A warehouse without receipts is no error: nobody is scored.
func Score(ctx context.Context, w *warehouse.Warehouse, programme *programmev1.Programme, asOf int32, options Options) (*Run, error) {
	rules, err := rulesOf(programme)
	if err != nil {
		return nil, err
	}
	r := &runner{rules: rules, asOf: asOf, options: options}
	if r.options.Progress == nil {
		r.options.Progress = func(string, int64, int64) {}
	}
	if !r.rules.imported {
		if r.segments, err = segment.Compile(programme.GetSegments(), r.rules.scores); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProgramme, err)
		}
	}
	var run *Run
	err = w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) (err error) {
		r.tx = tx
		run, err = r.run(ctx)
		if err == nil && options.Keep != nil {
			err = options.Keep(ctx, tx, run)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return run, nil
}

// runner is one run under way. Its temporary tables are
//
//	measured  values per account, scored or not
//	places    segments by scores
type runner struct {
	rules    rules
	segments *segment.Map
	asOf     int32
	options  Options
	tx       *warehouse.Tx
}

// run measures, cuts, scores and notes the run.
func (r *runner) run(ctx context.Context) (*Run, error) {
	first := segment.Window(r.asOf, r.rules.months)
	if r.rules.all {
		first = 0
	}
	r.options.Progress("add up receipts", 0, 0)
	if err := r.measure(ctx, first); err != nil {
		return nil, fmt.Errorf("add up receipts: %w", err)
	}
	r.options.Progress("find cut points", 0, 0)
	cuts, err := r.cut(ctx)
	if err != nil {
		return nil, fmt.Errorf("find cut points: %w", err)
	}
	r.options.Progress("score customers", 0, 0)
	if err := r.place(ctx, cuts); err != nil {
		return nil, fmt.Errorf("score customers: %w", err)
	}
	id, err := r.note(ctx, first, cuts)
	if err != nil {
		return nil, fmt.Errorf("note the run: %w", err)
	}
	if _, err := r.tx.Exec(ctx, "drop table temp.main.measured; drop table temp.main.places"); err != nil {
		return nil, err
	}
	return read(ctx, r.tx, id)
}

// measure fills measured.
func (r *runner) measure(ctx context.Context, first int32) error {
	places := fmt.Sprint(r.rules.decimals)
	factor := "1" + strings.Repeat("0", int(r.rules.decimals))
	text := strings.NewReplacer("/*places*/", places, "/*factor*/", factor).Replace(statement("measure"))
	_, err := r.tx.Exec(ctx, text,
		warehouse.Arg("first", first), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency),
		warehouse.Arg("remove", r.rules.remove), warehouse.Arg("visits", r.rules.visits), warehouse.Arg("net", r.rules.net),
		warehouse.Arg("basis", r.rules.basis), warehouse.Arg("leave_out", strings.Join(r.rules.leaveOut, ",")),
		warehouse.Arg("imported", r.rules.imported), warehouse.Arg("by_time", r.rules.byTime))
	return err
}

// cut takes the cut points over all who are scored.
func (r *runner) cut(ctx context.Context) (*customerv1.CutPoints, error) {
	cuts := &customerv1.CutPoints{AsOfDay: r.asOf}
	for i, into := range []*[]int64{&cuts.RecencyDays, &cuts.Frequency, &cuts.MonetaryMinor} {
		var err error
		if *into, err = r.cutOf(ctx, r.rules.dims[i]); err != nil {
			return nil, err
		}
	}
	return cuts, nil
}

// cutOf takes the cut points of one value: the retailer's own, or else the database puts the values in order and tells those at the places that
// matter. Where scores are given by ranks the cut points are only told, not used.
func (r *runner) cutOf(ctx context.Context, d dimension) ([]int64, error) {
	if d.method == programmev1.ScoringMethod_SCORING_METHOD_FIXED {
		return d.fixed, nil
	}
	var count int64
	if err := r.tx.One(ctx, "select count(*) from temp.main.measured where standing = 'scored'", nil, &count); err != nil || count == 0 {
		return nil, err
	}
	n := r.rules.scores
	var places []string
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		places = append(places, fmt.Sprint(low), fmt.Sprint(high))
	}
	at := map[int64]int64{}
	query := strings.ReplaceAll(statement("in_order"), "/*value*/", d.column)
	for row, err := range r.tx.Query(ctx, query, warehouse.Arg("places", strings.Join(places, ","))) {
		if err != nil {
			return nil, err
		}
		var place, value int64
		if err := row.Scan(&place, &value); err != nil {
			return nil, err
		}
		at[place] = value
	}
	cuts := make([]int64, 0, n-1)
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		cuts = append(cuts, segment.CutPoint(count, k, n, at[low], at[high]))
	}
	return cuts, nil
}

// place gives scores and segments, and replaces the scores of the run before.
func (r *runner) place(ctx context.Context, cuts *customerv1.CutPoints) error {
	if _, err := r.tx.Exec(ctx, "create temp table places (r integer, f integer, m integer, segment varchar)"); err != nil {
		return err
	}
	if r.segments != nil {
		if err := r.tx.Append(ctx, "places", r.places); err != nil {
			return err
		}
	}
	if _, err := r.tx.Exec(ctx, statement("place"),
		warehouse.Arg("as_of", r.asOf), warehouse.Arg("scores", r.rules.scores),
		warehouse.Arg("recency_cuts", join(cuts.GetRecencyDays())), warehouse.Arg("frequency_cuts", join(cuts.GetFrequency())),
		warehouse.Arg("monetary_cuts", join(cuts.GetMonetaryMinor())), warehouse.Arg("recency_ranked", r.rules.dims[0].ranked()),
		warehouse.Arg("frequency_ranked", r.rules.dims[1].ranked()), warehouse.Arg("monetary_ranked", r.rules.dims[2].ranked())); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, statement("replace"))
	return err
}

// places yields the segment map as rows.
func (r *runner) places(yield func([]any, error) bool) {
	for s, code := range r.segments.All {
		if !yield([]any{int32(s.R), int32(s.F), int32(s.M), code}, nil) {
			return
		}
	}
}

// note writes the run into the history and returns its number.
func (r *runner) note(ctx context.Context, first int32, cuts *customerv1.CutPoints) (int64, error) {
	source := "receipts"
	if r.rules.imported {
		source = "imported"
	}
	var id int64
	if err := r.tx.One(ctx, "select coalesce(max(run_id), 0) + 1 from runs", nil, &id); err != nil {
		return 0, err
	}
	if _, err := r.tx.Exec(ctx, statement("note"),
		warehouse.Arg("run", id), warehouse.Arg("as_of", r.asOf), warehouse.Arg("first", first),
		warehouse.Arg("ran_at", r.options.Now().UTC()), warehouse.Arg("source", source), warehouse.Arg("settings", r.rules.settings),
		warehouse.Arg("scores", r.rules.scores), warehouse.Arg("recency_cuts", join(cuts.GetRecencyDays())),
		warehouse.Arg("frequency_cuts", join(cuts.GetFrequency())), warehouse.Arg("monetary_cuts", join(cuts.GetMonetaryMinor()))); err != nil {
		return 0, err
	}
	name := "note_segments"
	if r.rules.imported {
		name = "note_imported"
	}
	_, err := r.tx.Exec(ctx, statement(name), warehouse.Arg("run", id))
	return id, err
}

// join writes numbers with commas between.
func join(all []int64) string {
	written := make([]string, len(all))
	for i, v := range all {
		written[i] = fmt.Sprint(v)
	}
	return strings.Join(written, ",")
}
