// Package outbox takes what happened in the store to head office: receipts, points, what was shown. Nothing at a till waits for it.
//
// It reads the journal's unconfirmed rows in order, delivers them in batches, and tells the journal what head office confirmed. It owns
// nothing: where it stands is in the journal, so it goes on after a restart where it was. A row is delivered until it is confirmed; the inbox
// takes each only once. When head office holds other rows under this incarnation (FORKED) the journal begins a new one; when head office has
// lost rows (GAP) delivery goes back to them. Between tries after a failure it waits, longer each time, with jitter, so that a chain of
// stores does not come back at the same moment. Besides, it reports how the server is, and keeps head office's time.
//
// Run starts one goroutine more, for the reports, and returns when both have ended.
package outbox

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// The shape of delivery.
const (
	// MaxRows is the most rows in a delivery, as sync.v1 allows.
	MaxRows = 1000
	// MaxBytes is the most bytes of rows in a delivery: half of what a message may have.
	MaxBytes = 512 << 10
	// FirstWait is about how long it waits after the first failure in a row; it doubles with each.
	FirstWait = time.Second
	// LongestWait is about the longest it waits: what a store notices of head office's return.
	LongestWait = time.Minute
	// ReportEvery is about how often it reports.
	ReportEvery = time.Minute
	// callTimeout bounds one call: a delivery of MaxBytes over a slow line.
	callTimeout = 30 * time.Second
)

// Config is what an outbox needs.
type Config struct {
	// Journal holds the rows.
	Journal *journal.Journal
	// Client reaches head office.
	Client syncv1.SyncServiceClient
	// ServerID is this server.
	ServerID string
	// Version is this program's, for the report.
	Version string
	// ManifestVersion is the manifest this server runs, for the report. Nil: none.
	ManifestVersion func() uint64
	// Newest is told the newest manifest version head office has for this server, with every report. Nil: nobody wants to know.
	Newest func(version uint64)
	// Now is the wall clock.
	Now func() time.Time
	// Logger is told when deliveries begin to fail and when they work again.
	Logger *slog.Logger
}

// Outbox delivers one journal. It is safe for use by many goroutines, but Run runs once.
type Outbox struct {
	cfg    Config
	failed atomic.Int64 // tries that failed since the last that did not

	forkedInRow int // forks since the last confirmation

	delivered, failures, forks atomic.Uint64
	lastDelivered              atomic.Int64
}

// New returns an outbox; it starts nothing.
func New(cfg Config) *Outbox { return &Outbox{cfg: cfg} }

// Stats says how deliveries go.
type Stats struct {
	// Delivered counts rows head office confirmed since New.
	Delivered uint64
	// Failures counts tries that failed since New.
	Failures uint64
	// Forks counts new incarnations because of FORKED.
	Forks uint64
	// LastDelivered is when head office last confirmed something; zero when it has not.
	LastDelivered time.Time
	// Failing is how many tries in a row have failed; 0 when all is well.
	Failing int64
}

// Stats returns how deliveries go.
func (o *Outbox) Stats() Stats {
	s := Stats{Delivered: o.delivered.Load(), Failures: o.failures.Load(), Forks: o.forks.Load(), Failing: o.failed.Load()}
	if at := o.lastDelivered.Load(); at != 0 {
		s.LastDelivered = time.Unix(0, at).UTC()
	}
	return s
}

// Run delivers and reports until ctx ends, and returns nil then. It returns an error only when the journal can no longer be read.
func (o *Outbox) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var reports sync.WaitGroup
	reports.Go(func() { o.runReports(ctx) })
	defer reports.Wait()
	defer stop()
	for {
		err := o.deliverAll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, journal.ErrClosed), errors.Is(err, journal.ErrDamaged):
			return fmt.Errorf("outbox: %w", err)
		case err != nil:
			o.fail(err)
			o.forkedInRow = 0
			if !sleep(ctx, wait(o.failed.Load())) {
				return nil
			}
			continue
		}
		o.recover()
		select {
		case <-ctx.Done():
			return nil
		case <-o.cfg.Journal.Arrived():
		}
	}
}

// fail counts a failure, and logs the first of a row of them.
func (o *Outbox) fail(err error) {
	o.failures.Add(1)
	if o.failed.Add(1) == 1 {
		o.cfg.Logger.Warn("outcomes do not reach head office; they wait in the journal", "server", o.cfg.ServerID, "error", err)
	}
}

func (o *Outbox) recover() {
	if n := o.failed.Swap(0); n > 0 {
		o.cfg.Logger.Info("outcomes reach head office again", "server", o.cfg.ServerID, "tries", n)
	}
}

// deliverAll delivers until nothing waits.
func (o *Outbox) deliverAll(ctx context.Context) error {
	for ctx.Err() == nil {
		batch, err := o.cfg.Journal.Rows(MaxRows, MaxBytes)
		if err != nil || len(batch.Rows) == 0 {
			return err
		}
		if err := o.deliver(ctx, batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// deliver delivers one batch and settles what head office says to it. nil means that there was progress.
func (o *Outbox) deliver(ctx context.Context, batch journal.Batch) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := o.cfg.Client.Deliver(call, &syncv1.DeliverRequest{
		ServerId: o.cfg.ServerID, Incarnation: batch.Incarnation[:], ChainBefore: batch.ChainBefore[:], Rows: batch.Rows, First: batch.First,
	})
	if err != nil {
		return o.refused(ctx, batch, err)
	}
	return o.confirmed(ctx, batch, resp)
}

// confirmed takes head office's word. It may hold fewer of the rows than were sent, and more than were sent when an answer was lost.
func (o *Outbox) confirmed(ctx context.Context, batch journal.Batch, resp *syncv1.DeliverResponse) error {
	through := resp.GetThrough()
	if len(resp.GetChain()) != 32 || through < batch.First {
		return fmt.Errorf("head office's answer makes no sense: it holds through %d after a delivery from %d on", through, batch.First)
	}
	sum := [32]byte(resp.GetChain())
	if through > batch.Through() {
		through, sum = batch.Through(), batch.ChainAfter()
	}
	if err := o.cfg.Journal.Confirm(ctx, batch.Incarnation, through, sum); err != nil {
		return err
	}
	o.delivered.Add(through - batch.First + 1)
	o.lastDelivered.Store(o.cfg.Now().UnixNano())
	o.forkedInRow = 0
	if resp.GetThrough() == through {
		return nil
	}
	if waiting, err := o.cfg.Journal.Waiting(); waiting > 0 || err != nil {
		return err // the next delivery shows whether the rest is the same
	}
	return o.fork(ctx, batch, through, sum) // it holds more than was ever recorded here: this journal was put back
}

// refused settles a refusal: by a new incarnation, by going back, or not at all.
func (o *Outbox) refused(ctx context.Context, batch journal.Batch, err error) error {
	info := reason(err)
	switch {
	case status.Code(err) == codes.Aborted && info.GetReason() == "FORKED":
		agreed, _ := strconv.ParseUint(info.GetMetadata()["agreed"], 10, 64)
		sum, _ := hex.DecodeString(info.GetMetadata()["chain"])
		if len(sum) != 32 {
			agreed, sum = 0, make([]byte, 32)
		}
		return o.fork(ctx, batch, agreed, [32]byte(sum))
	case status.Code(err) == codes.OutOfRange && info.GetReason() == "GAP":
		through, parse := strconv.ParseUint(info.GetMetadata()["through"], 10, 64)
		if parse != nil || through+1 >= batch.First {
			return fmt.Errorf("head office misses rows but does not say which: %w", err)
		}
		o.cfg.Logger.Warn("head office has lost rows; they are delivered again", "server", o.cfg.ServerID, "held", through, "confirmed", batch.First-1)
		return o.cfg.Journal.Rewind(ctx, through)
	}
	return err
}

func (o *Outbox) fork(ctx context.Context, batch journal.Batch, agreed uint64, sum [32]byte) error {
	if o.forkedInRow++; o.forkedInRow > 1 {
		return fmt.Errorf("head office refuses a new incarnation too: %w", journal.ErrForked)
	}
	o.forks.Add(1)
	return o.cfg.Journal.Fork(ctx, batch.Incarnation, agreed, sum)
}

// reason is what a refusal carries in our domain; nil when it carries nothing.
func reason(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "stamklant" {
			return info
		}
	}
	return nil
}

// runReports reports at once, and then about every ReportEvery.
func (o *Outbox) runReports(ctx context.Context) {
	for {
		if err := o.report(ctx); err != nil && ctx.Err() == nil {
			o.cfg.Logger.Debug("the report did not reach head office", "server", o.cfg.ServerID, "error", err)
		}
		if !sleep(ctx, around(ReportEvery)) {
			return
		}
	}
}

func (o *Outbox) report(ctx context.Context) error {
	waiting, err := o.cfg.Journal.Waiting()
	if err != nil {
		return err
	}
	id := o.cfg.Journal.Incarnation()
	req := &syncv1.ReportRequest{ServerId: o.cfg.ServerID, Incarnation: id[:], OutboxWaiting: waiting, Version: o.cfg.Version}
	if o.cfg.ManifestVersion != nil {
		req.ManifestVersion = o.cfg.ManifestVersion()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := o.cfg.Client.Report(ctx, req)
	if err != nil {
		return err
	}
	if o.cfg.Newest != nil {
		o.cfg.Newest(resp.GetNewestManifestVersion())
	}
	if resp.GetTime() == nil {
		return nil
	}
	return o.cfg.Journal.SetContact(ctx, resp.GetTime().AsTime())
}

// wait is how long to wait after so many failures in a row: between half and all of a time that doubles up to LongestWait.
func wait(failed int64) time.Duration {
	full := LongestWait
	if failed < 7 { // 2^6 seconds are more than LongestWait
		full = min(FirstWait<<max(failed-1, 0), LongestWait)
	}
	return full/2 + rand.N(full/2+1) //nolint:gosec // jitter is no secret
}

// around is a time ± 20 %.
func around(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5+1) //nolint:gosec // jitter is no secret
}

// sleep waits, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
