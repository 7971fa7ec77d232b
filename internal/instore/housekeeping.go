package instore

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

const (
	houseEvery = time.Hour                        // how often the journal lets go of what is counted everywhere
	wholeFor   = 14 * 24 * time.Hour              // how long answers to receipts are kept whole
	keysFor    = journal.KeyDays * 24 * time.Hour // how long receipt keys are kept at all
)

// keepUnclaimed writes down, every minute, what was suggested for sales whose receipt never came.
func (s *Server) keepUnclaimed(ctx context.Context) error {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		if err := s.till.KeepUnclaimed(ctx); err != nil && ctx.Err() == nil {
			s.config.Logger.LogAttrs(ctx, slog.LevelError, "what was shown without a receipt cannot be kept", slog.String("error", err.Error()))
		}
	}
}

// keepHouse lets the journal go, now and then, of what every release still on the disk has counted. Things age by trusted time: by a day
// per day of uptime or of signed time, whatever the clock says; while that is suspect, not at all.
func (s *Server) keepHouse(ctx context.Context) error {
	every := time.NewTicker(houseEvery)
	defer every.Stop()
	for {
		if err := s.prune(ctx); err != nil && ctx.Err() == nil {
			s.config.Logger.LogAttrs(ctx, slog.LevelError, "the journal cannot be tidied", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

func (s *Server) prune(ctx context.Context) error {
	clock := s.journal.Time()
	if clock.Suspect {
		s.config.Logger.LogAttrs(ctx, slog.LevelError, "the clock is suspect: nothing is purged, and offers with dates or hours are off until head office was heard",
			slog.Time("clock", clock.Wall), slog.Time("trusted", clock.Trusted))
		return nil
	}
	var openable []journal.Counted
	for _, header := range s.replica.Openable() {
		openable = append(openable, s.counted(header))
	}
	if _, err := s.journal.Prune(ctx, openable); err != nil {
		return err
	}
	if err := s.journal.PruneLane(ctx, s.laneKnown()); err != nil {
		return err
	}
	if clock.Trusted.IsZero() {
		return nil
	}
	if err := s.journal.RaiseFloor(ctx, clock.Trusted); err != nil { // what went by here counts after a restart too
		return err
	}
	if _, err := s.journal.Forget(ctx, clock.Trusted.Add(-wholeFor), clock.Trusted.Add(-keysFor)); err != nil {
		return err
	}
	gone := clock.Trusted.Add(-keysFor)
	if _, err := s.journal.Sweep(ctx, clock.Wall, int32(gone.Unix()/(24*60*60)), gone); err != nil {
		return err
	}
	return s.shrink(ctx)
}

// shrinkAbove is how large a journal must be before giving back its free half is worth seconds without recording.
const shrinkAbove = 64 << 20

// shrink writes a journal that is mostly free anew, in a quiet moment.
func (s *Server) shrink(ctx context.Context) error {
	bytes, free := s.journal.Size()
	if bytes <= shrinkAbove || free <= bytes/2 || s.journal.Quiet() < s.config.Quiet {
		return nil
	}
	done, err := s.journal.Compact(ctx)
	if err != nil {
		return err
	}
	s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the journal was mostly free and was written anew", slog.Int64("bytes_before", done.Before),
		slog.Int64("bytes_after", done.After), slog.Duration("not_recording_for", done.Took))
	return nil
}

// counted is what one release has counted of this server's journal.
func (s *Server) counted(header *bundlev1.CustomersHeader) journal.Counted {
	server := s.enrolment.GetServerId()
	return journal.Counted{
		CutOff: func(incarnation [16]byte) (ledger, receipts uint64) {
			for _, c := range header.GetCutOffs() {
				if c.GetServerId() == server && string(c.GetIncarnation()) == string(incarnation[:]) {
					return c.GetLedgerThrough(), c.GetReceiptsThrough()
				}
			}
			return 0, 0
		},
		ScoredAsOf: header.GetCutPoints().GetAsOfDay(),
	}
}

// metrics shows how the server stands: what waits, what serves, how old it is.
func (s *Server) metrics() {
	gauge := func(name, help string, value func() float64) {
		s.rpc.Registry().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "stamklant", Name: name, Help: help}, value))
	}
	gauge("outbox_waiting_rows", "Rows that wait to go to head office.", func() float64 {
		waiting, err := s.journal.Waiting()
		if err != nil {
			return -1
		}
		return float64(waiting)
	})
	gauge("release_version", "The manifest version that serves; 0 for none.", func() float64 { return float64(s.replica.Status().Version) })
	gauge("release_data_age_seconds", "Age of head office's data.", func() float64 {
		as := s.replica.Status().DataAsOf
		if as.IsZero() {
			return -1
		}
		return s.config.Now().Sub(as).Seconds()
	})
	if k := s.certificates.server; k != nil {
		gauge("certificate_days_left", "Whole days until the certificate that tills are answered with ends.", func() float64 {
			return float64(daysUntil(k.Expires(), s.config.Now()))
		})
	}
	gauge("clock_suspect", "1 when the clock is too far from the time the server trusts.", func() float64 {
		if s.journal.Time().Suspect {
			return 1
		}
		return 0
	})
	gauge("release_stale", "1 when the release should have been replaced by now.", func() float64 {
		if s.replica.Status().Stale(s.config.Now()) {
			return 1
		}
		return 0
	})
	if s.office != nil {
		gauge("outbox_failing", "Deliveries in a row that failed.", func() float64 { return float64(s.outbox.Stats().Failing) })
	}
}
