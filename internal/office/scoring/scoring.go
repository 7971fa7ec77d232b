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
	r := &runner{rules: rules, ranked: programme.GetSegments(), asOf: asOf, options: options}
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
		if err == nil {
			err = r.deepen(ctx, run)
		}
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
//	sensitive  what receipts hold of sensitive groups
//	measured   values per account, scored or not
//	places     segments by scores
//	ranks      segments, the best first
//	placed     scores and segments per account, and what is remembered
type runner struct {
	rules    rules
	segments *segment.Map
	ranked   []*programmev1.Segment // the best first
	asOf     int32
	options  Options
	tx       *warehouse.Tx
}

// run scores, keeps the scores and notes the run.
func (r *runner) run(ctx context.Context) (*Run, error) {
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.tx.Exec(ctx, statement("replace")); err != nil {
		return nil, fmt.Errorf("keep the scores: %w", err)
	}
	id, err := r.note(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("note the run: %w", err)
	}
	return read(ctx, r.tx, id)
}

// find measures, cuts and scores: it fills placed.
func (r *runner) find(ctx context.Context) (found, error) {
	r.options.Progress("add up receipts", 0, 0)
	if err := r.measure(ctx, r.first()); err != nil {
		return found{}, fmt.Errorf("add up receipts: %w", err)
	}
	r.options.Progress("find cut points", 0, 0)
	f, err := r.cut(ctx)
	if err != nil {
		return f, fmt.Errorf("find cut points: %w", err)
	}
	r.options.Progress("score customers", 0, 0)
	if err := r.place(ctx, f.cuts); err != nil {
		return f, fmt.Errorf("score customers: %w", err)
	}
	return f, nil
}

// first is the first day of the window.
func (r *runner) first() int32 {
	if r.rules.all {
		return 0
	}
	return segment.Window(r.asOf, r.rules.months)
}

// measure fills measured.
func (r *runner) measure(ctx context.Context, first int32) error {
	if _, err := r.tx.Exec(ctx, statement("sensitive"), warehouse.Arg("patterns", strings.Join(r.rules.sensitive, "\x1f"))); err != nil {
		return err
	}
	places := fmt.Sprint(r.rules.decimals)
	factor := "1" + strings.Repeat("0", int(r.rules.decimals))
	text := strings.NewReplacer("/*places*/", places, "/*factor*/", factor).Replace(statement("measure"))
	if _, err := r.tx.Exec(ctx, text,
		warehouse.Arg("first", first), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency),
		warehouse.Arg("remove", r.rules.remove), warehouse.Arg("visits", r.rules.visits), warehouse.Arg("net", r.rules.net),
		warehouse.Arg("basis", r.rules.basis), warehouse.Arg("leave_out", strings.Join(r.rules.leaveOut, ",")),
		warehouse.Arg("imported", r.rules.imported), warehouse.Arg("by_time", r.rules.byTime)); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, "drop table temp.main.sensitive")
	return err
}

// found is what a run finds in the values: cut points, and per value the lowest and the highest that count, where its ends are drawn in.
type found struct {
	cuts   *customerv1.CutPoints
	bounds [3][]int64
}

// cut takes the cut points over all who are scored.
func (r *runner) cut(ctx context.Context) (found, error) {
	f := found{cuts: &customerv1.CutPoints{AsOfDay: r.asOf}}
	var count int64
	if err := r.tx.One(ctx, "select count(*) from temp.main.measured where standing = 'scored'", nil, &count); err != nil {
		return f, err
	}
	for i, into := range []*[]int64{&f.cuts.RecencyDays, &f.cuts.Frequency, &f.cuts.MonetaryMinor} {
		var err error
		if *into, f.bounds[i], err = r.cutOf(ctx, r.rules.dims[i], count); err != nil {
			return f, err
		}
	}
	return f, nil
}

// cutOf takes the cut points of one value among count accounts: the retailer's own, or else the database puts the values in order and tells
// those at the places that matter. Where scores are given by ranks the cut points are only told, not used.
func (r *runner) cutOf(ctx context.Context, d dimension, count int64) (cuts, bounds []int64, err error) {
	fixed := d.method == programmev1.ScoringMethod_SCORING_METHOD_FIXED
	if fixed {
		cuts = d.fixed
	}
	if count == 0 || fixed && d.drawn == 0 {
		return cuts, nil, nil
	}
	n := r.rules.scores
	lowest, highest := d.bounds(count)
	wanted := []int64{lowest, highest}
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		wanted = append(wanted, low, high)
	}
	at, err := r.at(ctx, d, wanted)
	if err != nil {
		return nil, nil, err
	}
	if d.drawn > 0 {
		bounds = []int64{at[lowest], at[highest]}
	}
	if fixed {
		return cuts, bounds, nil
	}
	within := func(place int64) int64 { return at[min(max(place, lowest), highest)] }
	for k := 1; k < n; k++ {
		low, high := segment.Position(count, k, n)
		cuts = append(cuts, segment.CutPoint(count, k, n, within(low), within(high)))
	}
	return cuts, bounds, nil
}

// at returns the values at places among all who are scored, in ascending order.
func (r *runner) at(ctx context.Context, d dimension, places []int64) (map[int64]int64, error) {
	at := map[int64]int64{}
	query := strings.ReplaceAll(statement("in_order"), "/*value*/", d.column)
	for row, err := range r.tx.Query(ctx, query, warehouse.Arg("places", join(places))) {
		if err != nil {
			return nil, err
		}
		var place, value int64
		if err := row.Scan(&place, &value); err != nil {
			return nil, err
		}
		at[place] = value
	}
	return at, nil
}

// place gives scores and segments: it fills placed.
func (r *runner) place(ctx context.Context, cuts *customerv1.CutPoints) error {
	if _, err := r.tx.Exec(ctx, `create temp table places (r integer, f integer, m integer, segment varchar);
		create temp table ranks (segment varchar, place integer)`); err != nil {
		return err
	}
	if r.segments != nil {
		if err := errors.Join(r.tx.Append(ctx, "places", r.places), r.tx.Append(ctx, "ranks", r.ranks)); err != nil {
			return err
		}
	}
	if _, err := r.tx.Exec(ctx, statement("place"),
		warehouse.Arg("as_of", r.asOf), warehouse.Arg("scores", r.rules.scores), warehouse.Arg("delay", r.rules.delay),
		warehouse.Arg("recency_cuts", join(cuts.GetRecencyDays())), warehouse.Arg("frequency_cuts", join(cuts.GetFrequency())),
		warehouse.Arg("monetary_cuts", join(cuts.GetMonetaryMinor())), warehouse.Arg("recency_ranked", r.rules.dims[0].ranked()),
		warehouse.Arg("frequency_ranked", r.rules.dims[1].ranked()), warehouse.Arg("monetary_ranked", r.rules.dims[2].ranked())); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, "drop table temp.main.measured; drop table temp.main.places; drop table temp.main.ranks")
	return err
}

// ranks yields the segments as rows, the best first.
func (r *runner) ranks(yield func([]any, error) bool) {
	for i, s := range r.ranked {
		if !yield([]any{s.GetCode(), int32(i)}, nil) {
			return
		}
	}
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
func (r *runner) note(ctx context.Context, f found) (int64, error) {
	source := "receipts"
	if r.rules.imported {
		source = "imported"
	}
	var id int64
	if err := r.tx.One(ctx, "select coalesce(max(run_id), 0) + 1 from runs", nil, &id); err != nil {
		return 0, err
	}
	if _, err := r.tx.Exec(ctx, statement("note"),
		warehouse.Arg("run", id), warehouse.Arg("as_of", r.asOf), warehouse.Arg("first", r.first()),
		warehouse.Arg("ran_at", r.options.Now().UTC()), warehouse.Arg("source", source), warehouse.Arg("settings", r.rules.settings),
		warehouse.Arg("scores", r.rules.scores),
		warehouse.Arg("recency_cuts", join(f.cuts.GetRecencyDays())), warehouse.Arg("frequency_cuts", join(f.cuts.GetFrequency())),
		warehouse.Arg("monetary_cuts", join(f.cuts.GetMonetaryMinor())), warehouse.Arg("recency_bounds", join(f.bounds[0])),
		warehouse.Arg("frequency_bounds", join(f.bounds[1])), warehouse.Arg("monetary_bounds", join(f.bounds[2]))); err != nil {
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
