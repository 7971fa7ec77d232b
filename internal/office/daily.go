package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/daily"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// daily does the night's work: import folder, score, check, publish, report. Scores are kept once the release that carries them is out, so that a
// step that fails or refuses leaves both as they were.
func (o *Office) daily(ctx context.Context, job *officev1.DailyJob, to hub.Terminal) error {
	p, err := o.programme("")
	if err != nil {
		return err
	}
	asOf, err := o.asOf(job.GetAsOf(), p)
	if err != nil {
		return err
	}
	entry, err := daily.NewBook(o.warehouse, o.now).Begin(ctx, asOf)
	if err != nil {
		return err
	}
	n := &night{office: o, programme: p, asOf: asOf, to: to, folder: daily.NewFolder(o.home.Incoming()), accepted: daily.Accepted{
		EmptyDay: job.GetAcceptEmptyDay(), TenfoldDay: job.GetAcceptTenfoldDay(), MissingStores: job.GetAcceptMissingStores(),
		FewerCustomers: job.GetAcceptFewerCustomers(),
	}}
	fmt.Fprintf(to, "Daily run %d closes %s.\n", entry.ID(), n.day())
	err = n.run(ctx)
	// What a run came to is noted even when it was stopped from outside.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, s := range n.steps {
		err = errors.Join(err, entry.Step(ctx, s.name, s.took, s.counted))
	}
	outcome, message := n.outcome(err)
	return errors.Join(err, entry.End(ctx, outcome, message))
}

// night is one daily run under way.
type night struct {
	office    *Office
	programme *programmev1.Programme
	asOf      int32
	to        hub.Terminal
	accepted  daily.Accepted
	config    *daily.Config
	folder    daily.Folder
	found     *daily.Found
	result    *scoring.Run
	remarks   []string
	published bool
	steps     []step
}

// step is one that ended.
type step struct {
	name    string
	took    time.Duration
	counted string
}

// run does the steps, one after the other, up to the first that fails.
func (n *night) run(ctx context.Context) error {
	if err := n.step(ctx, "read", n.read); err != nil {
		return err
	}
	if err := n.step(ctx, "take in", n.takeIn); err != nil {
		return err
	}
	if err := n.score(ctx); err != nil {
		return err
	}
	if err := n.step(ctx, "report", n.report); err != nil {
		return fmt.Errorf("%w: %w", errUnfinished, err)
	}
	if len(n.remarks) > 0 {
		return fmt.Errorf("%w: %s", errRemarks, strings.Join(n.remarks, "; "))
	}
	return nil
}

// step does one step and says how long it took and what it counted.
func (n *night) step(ctx context.Context, name string, do func(context.Context) (string, error)) error {
	start := n.office.now()
	counted, err := do(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n.ended(name, n.office.now().Sub(start), counted)
	return nil
}

// ended notes a step and says it.
func (n *night) ended(name string, took time.Duration, counted string) {
	n.steps = append(n.steps, step{name, took, counted})
	fmt.Fprintf(n.to, "  %-8s %8s  %s\n", name, took.Round(10*time.Millisecond), counted)
}

// outcome is how the run went, for its record.
func (n *night) outcome(err error) (outcome officev1.RunOutcome, message string) {
	switch {
	case err == nil:
		return officev1.RunOutcome_RUN_OUTCOME_DONE, ""
	case errors.Is(err, daily.ErrRefused):
		outcome = officev1.RunOutcome_RUN_OUTCOME_REFUSED
	case errors.Is(err, errUnfinished):
		outcome = officev1.RunOutcome_RUN_OUTCOME_UNFINISHED
	case errors.Is(err, errRemarks):
		outcome = officev1.RunOutcome_RUN_OUTCOME_DONE_WITH_REMARKS
	default:
		outcome = officev1.RunOutcome_RUN_OUTCOME_FAILED
	}
	return outcome, err.Error()
}

// day is the day that is closed.
func (n *night) day() string {
	return time.Unix(int64(n.asOf)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

// read looks at all that came in, keeps nothing of it, and judges it. A file that cannot be read fails the run before anything is taken in.
func (n *night) read(ctx context.Context) (string, error) {
	var err error
	if n.config, err = daily.ReadConfig(n.office.home.Daily()); err != nil {
		return "", err
	}
	if n.found, err = n.folder.Find(n.config.Lists); err != nil {
		return "", err
	}
	if len(n.found.Unknown) > 0 {
		n.remarks = append(n.remarks, fmt.Sprintf("no pattern of daily.yaml fits %s in %s", strings.Join(n.found.Unknown, ", "), n.office.home.Incoming()))
	}
	if err := n.office.takeDelivered(ctx, n.programme, n.to); err != nil {
		return "", err
	}
	var rows int64
	var added []warehouse.StoreDay
	for _, list := range n.found.Lists {
		report, err := n.takeList(ctx, list, true)
		if err != nil {
			return "", err
		}
		rows += report.Rows
		added = append(added, report.Days...)
	}
	known, err := n.office.warehouse.Days(ctx, daily.Earliest(n.asOf), n.asOf)
	if err != nil {
		return "", err
	}
	err = daily.Judge(daily.Arrivals{Day: n.asOf, Known: known, New: added, Files: n.found.Files()}, n.config.Limits, n.config.Closed, n.accepted)
	return fmt.Sprintf("%d files, %d rows", n.found.Files(), rows), err
}

// takeIn takes in the files and puts them away.
func (n *night) takeIn(ctx context.Context) (string, error) {
	var receipts, customers, rejected int64
	for _, list := range n.found.Lists {
		report, err := n.takeList(ctx, list, false)
		if err != nil {
			return "", err
		}
		if t := report.Receipts; t != nil {
			receipts += t.NewReceipts + t.ReplacedReceipts
		}
		if t := report.Customers; t != nil {
			customers += t.New + t.Changed
		}
		if r := report.RejectedRows(); r > 0 {
			rejected += r
			n.remarks = append(n.remarks, fmt.Sprintf("%d of %d rows were rejected, see %s", r, report.Rows, report.RejectedPath))
		}
		if err := n.folder.Done(n.day(), list.Paths); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d receipts, %d customers new or changed, %d rows rejected", receipts, customers, rejected), nil
}

// takeList reads the files of one list.
func (n *night) takeList(ctx context.Context, list daily.FoundList, dryRun bool) (*warehouse.ImportReport, error) {
	mapping, err := warehouse.ReadMapping(list.Mapping)
	if err != nil {
		return nil, err
	}
	recognise, err := n.office.recognise()
	if err != nil {
		return nil, err
	}
	request := warehouse.ImportRequest{
		List: mapping.List(), Files: list.Paths, Mapping: mapping, DryRun: dryRun, Replace: list.Replace,
		Accounts: register{n.office.inbox}, Recognise: recognise,
		Progress: func(step string, done, total int64) { n.to.Progress(step, done, total, "rows") },
	}
	if !dryRun {
		if request.RejectedPath, err = n.office.rejectedFor(filepath.Base(list.Paths[0])); err != nil {
			return nil, err
		}
	}
	return n.office.warehouse.Import(ctx, request)
}

// rejectedFor is where the rejected rows of a file go.
func (o *Office) rejectedFor(name string) (string, error) {
	if err := os.MkdirAll(o.home.Rejected(), 0o700); err != nil {
		return "", err
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), filepath.Ext(strings.TrimSuffix(name, ".gz")))
	return filepath.Join(o.home.Rejected(), fmt.Sprintf("%s-%s.csv", name, o.now().UTC().Format("20060102-150405"))), nil
}

// score scores, checks what came of it, and publishes it before it is kept.
func (n *night) score(ctx context.Context) error {
	o := n.office
	before, err := scoring.Latest(ctx, o.warehouse)
	if err != nil && !errors.Is(err, scoring.ErrNoRun) {
		return fmt.Errorf("score: %w", err)
	}
	start := o.now()
	n.result, err = scoring.Score(ctx, o.warehouse, n.programme, n.asOf, scoring.Options{
		Now: o.now, Progress: func(step string, done, total int64) { n.to.Progress(step, done, total, "accounts") },
		Keep: func(ctx context.Context, tx *warehouse.Tx, run *scoring.Run) error {
			n.ended("score", o.now().Sub(start), fmt.Sprintf("%d customers", run.Scored))
			if err := n.step(ctx, "check", func(context.Context) (string, error) { return n.check(run, before) }); err != nil {
				return err
			}
			return n.step(ctx, "publish", func(ctx context.Context) (string, error) { return n.publish(ctx, tx, run) })
		},
	})
	if err != nil && n.published {
		return fmt.Errorf("%w: the scores were not kept: %w", errUnfinished, err)
	}
	return err
}

// check holds what scoring found against the run before.
func (n *night) check(run, before *scoring.Run) (string, error) {
	if before == nil {
		return "no run to compare with", nil
	}
	if err := daily.JudgeScored(run.Scored, before.Scored, n.config.Limits, n.accepted); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d customers the run before", before.Scored), nil
}

// publish cuts the release from scores that are not kept yet.
func (n *night) publish(ctx context.Context, tx *warehouse.Tx, run *scoring.Run) (string, error) {
	keys, err := publisher.LoadKeys(n.office.home.Keys())
	if err != nil {
		return "", err
	}
	report, err := n.office.release(ctx, n.programme, keys, scored{accounts: tx.Published(ctx, n.programme), cuts: run.Cuts}, "", n.to)
	if errors.Is(err, publisher.ErrNoServers) {
		return "no server is enrolled, so there is nobody to publish to: see `stamklant-office keys server`", nil
	}
	if err != nil {
		return "", err
	}
	n.published = true
	return fmt.Sprintf("%d accounts to %d servers, %.1f MB", report.Accounts, len(report.Versions), float64(report.Bytes)/1e6), nil
}

// report writes the page about the night and says the sentences on its top.
func (n *night) report(ctx context.Context) (string, error) {
	in, err := n.office.look(ctx, n.programme, n.result)
	if err != nil {
		return "", err
	}
	path := filepath.Join(n.office.home.Reports(), n.day()+".html")
	if err := writeReport(path, in); err != nil {
		return "", err
	}
	printSentences(n.to, in)
	return path, nil
}

// defaultRuns is how many runs are listed when nobody says.
const defaultRuns = 20

// runs lists the newest daily runs.
func (o *Office) runs(ctx context.Context, limit int32) ([]*officev1.Run, error) {
	return daily.NewBook(o.warehouse, o.now).Runs(ctx, cmp.Or(limit, defaultRuns))
}
