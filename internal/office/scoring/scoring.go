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
	r, err := newRunner(programme, asOf, options)
	if err != nil {
		return nil, err
	}
	var run *Run
	err = w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) (err error) {
		r.tx = tx
		run, err = r.run(ctx)
		if err == nil {
			err = r.deepen(ctx, run)
		}
		if err == nil {
			err = r.uncount(ctx)
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
//	voided, brought_back, counted
//	           what counts
//	measured   values per account, scored or not
//	places     segments by scores
//	ranks      segments, the best first
//	placed     scores and segments per account, and what is remembered
type runner struct {
	rules    rules
	segments *segment.Map
	ranked   []*programmev1.Segment // the best first
	ladder   []*programmev1.Tier    // the lowest first
	asOf     int32
	options  Options
	tx       *warehouse.Tx
}

// newRunner prepares a run by a programme. It returns ErrProgramme for one that cannot be scored by.
func newRunner(programme *programmev1.Programme, asOf int32, options Options) (*runner, error) {
	rules, err := rulesOf(programme)
	if err != nil {
		return nil, err
	}
	r := &runner{rules: rules, ranked: programme.GetSegments(), ladder: programme.GetTiers(), asOf: asOf, options: options}
	if r.options.Progress == nil {
		r.options.Progress = func(string, int64, int64) {}
	}
	if !r.rules.imported {
		if r.segments, err = segment.Compile(programme.GetSegments(), r.rules.scores); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProgramme, err)
		}
	}
	return r, nil
}

// run scores, keeps the scores and notes the run.
func (r *runner) run(ctx context.Context) (*Run, error) {
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	id, err := r.keep(ctx)
	if err != nil {
		return nil, fmt.Errorf("keep the scores: %w", err)
	}
	r.options.Progress("find tiers", 0, 0)
	if err := r.tiers(ctx); err != nil {
		return nil, fmt.Errorf("find tiers: %w", err)
	}
	if err := r.note(ctx, id, found); err != nil {
		return nil, fmt.Errorf("note the run: %w", err)
	}
	return read(ctx, r.tx, id)
}

// find measures, cuts and scores: it fills placed.
func (r *runner) find(ctx context.Context) (found, error) {
	r.options.Progress("add up receipts", 0, 0)
	if err := r.count(ctx); err != nil {
		return found{}, fmt.Errorf("find the receipts that count: %w", err)
	}
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

// count says what counts: it makes the view counted and what stands behind it, for measure and, when the accounts are scored, for deepen.
func (r *runner) count(ctx context.Context) error {
	if err := r.hide(ctx); err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, statement("voided"), warehouse.Arg("as_of", r.asOf)); err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, statement("brought_back"), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency),
		warehouse.Arg("remove", r.rules.remove)); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, statement("counted"))
	return err
}

// uncount takes away what count made.
func (r *runner) uncount(ctx context.Context) error {
	_, err := r.tx.Exec(ctx, `drop macro table temp.main.counted; drop table temp.main.brought_back; drop table temp.main.voided;
		drop table temp.main.sensitive`)
	return err
}

// measure fills measured.
func (r *runner) measure(ctx context.Context, first int32) error {
	fill := []string{"/*unit*/", "1" + strings.Repeat("0", max(0, amountDecimals-int(r.rules.decimals)))}
	money, prefix := "sold", "" // the same sum twice is taken once
	if r.rules.net {
		money = "sold + returned"
	}
	if len(r.rules.sensitive) > 0 {
		prefix = "any_"
		money = strings.NewReplacer("sold", "sold - coalesce(sensitive_sold, 0)", "returned", "returned - coalesce(sensitive_returned, 0)").Replace(money)
	}
	last := "null::timestamp"
	if r.rules.byTime {
		last = "max(coalesce(sold_at, business_date)) filter (visit)"
	}
	fill = append(fill, "/*money*/", money, "/*any*/", prefix, "/*last time*/", last)
	_, err := r.tx.Exec(ctx, strings.NewReplacer(fill...).Replace(statement("measure")),
		warehouse.Arg("first", first), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency),
		warehouse.Arg("visits", r.rules.visits), warehouse.Arg("basis", r.rules.basis),
		warehouse.Arg("leave_out", strings.Join(r.rules.leaveOut, ",")), warehouse.Arg("imported", r.rules.imported))
	return err
}

// amountDecimals is how many decimals the warehouse keeps of an amount.
const amountDecimals = 4

// hide fills sensitive.
func (r *runner) hide(ctx context.Context) error {
	if len(r.rules.sensitive) == 0 { // nothing to look for in all those lines
		_, err := r.tx.Exec(ctx, "create temp table sensitive (receipt_id bigint, bought integer, sold decimal(38, 4), returned decimal(38, 4))")
		return err
	}
	_, err := r.tx.Exec(ctx, statement("sensitive"), warehouse.Arg("patterns", strings.Join(r.rules.sensitive, "\x1f")))
	return err
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
	fill := strings.NewReplacer("/*recency above*/", above("recency_days", cuts.GetRecencyDays()),
		"/*frequency above*/", above("measured.frequency", cuts.GetFrequency()), "/*monetary above*/", above("monetary_minor", cuts.GetMonetaryMinor()))
	if _, err := r.tx.Exec(ctx, fill.Replace(statement("place")),
		warehouse.Arg("as_of", r.asOf), warehouse.Arg("scores", r.rules.scores), warehouse.Arg("delay", r.rules.delay),
		warehouse.Arg("recency_ranked", r.rules.dims[0].ranked()),
		warehouse.Arg("frequency_ranked", r.rules.dims[1].ranked()), warehouse.Arg("monetary_ranked", r.rules.dims[2].ranked())); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, "drop table temp.main.measured; drop table temp.main.places; drop table temp.main.ranks")
	return err
}

// above is the SQL of how many cut points a value lies above; null where there are none.
func above(value string, cuts []int64) string {
	if len(cuts) == 0 {
		return "null"
	}
	terms := make([]string, len(cuts))
	for i, cut := range cuts {
		terms[i] = fmt.Sprintf("(%s > %d)::integer", value, cut)
	}
	return strings.Join(terms, " + ")
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

// keep lets what was placed be the scores that stand, notes who moved, and returns the run's number.
func (r *runner) keep(ctx context.Context) (id int64, err error) {
	if err := r.tx.One(ctx, "select coalesce(max(run_id), 0) + 1 from runs", nil, &id); err != nil {
		return 0, err
	}
	if _, err := r.tx.Exec(ctx, statement("moves"), warehouse.Arg("run", id)); err != nil {
		return 0, err
	}
	_, err = r.tx.Exec(ctx, statement("moves_forget")+";"+statement("replace"))
	return id, err
}

// note writes the run into the history.
func (r *runner) note(ctx context.Context, id int64, f found) error {
	source := "receipts"
	if r.rules.imported {
		source = "imported"
	}
	if _, err := r.tx.Exec(ctx, statement("note"),
		warehouse.Arg("run", id), warehouse.Arg("as_of", r.asOf), warehouse.Arg("first", r.first()),
		warehouse.Arg("ran_at", r.options.Now().UTC()), warehouse.Arg("source", source), warehouse.Arg("settings", r.rules.settings),
		warehouse.Arg("scores", r.rules.scores),
		warehouse.Arg("recency_cuts", join(f.cuts.GetRecencyDays())), warehouse.Arg("frequency_cuts", join(f.cuts.GetFrequency())),
		warehouse.Arg("monetary_cuts", join(f.cuts.GetMonetaryMinor())), warehouse.Arg("recency_bounds", join(f.bounds[0])),
		warehouse.Arg("frequency_bounds", join(f.bounds[1])), warehouse.Arg("monetary_bounds", join(f.bounds[2]))); err != nil {
		return err
	}
	name := "note_segments"
	if r.rules.imported {
		name = "note_imported"
	}
	_, err := r.tx.Exec(ctx, statement(name), warehouse.Arg("run", id))
	return err
}

// join writes numbers with commas between.
func join(all []int64) string {
	written := make([]string, len(all))
	for i, v := range all {
		written[i] = fmt.Sprint(v)
	}
	return strings.Join(written, ",")
}
