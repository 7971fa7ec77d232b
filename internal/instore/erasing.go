package instore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

const (
	// defaultQuiet is how long no receipt must have come before the journal is written anew: an hour without customers has many such moments, a
	// Saturday has none.
	defaultQuiet = 10 * time.Minute
	// eraseWithin is when it is written anew although receipts keep coming. Four hours are left of the day an erasure may take.
	eraseWithin = 20 * time.Hour
	// eraseEvery is how often is looked whether something can go on.
	eraseEvery = time.Minute
)

// keepErasing takes what points to erased customers out of everything here, step by step, as each becomes possible.
func (s *Server) keepErasing(ctx context.Context) error {
	every := time.NewTicker(min(eraseEvery, s.config.Quiet))
	defer every.Stop()
	said := ""
	for {
		err := s.erase(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			s.config.Logger.LogAttrs(ctx, slog.LevelError, "an erased customer is hidden and not yet gone; it is tried again", slog.String("error", err.Error()))
			said = err.Error()
		}
		if err == nil {
			said = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		case <-s.erasing:
		}
	}
}

// wakeErasing has it looked at now.
func (s *Server) wakeErasing() {
	select {
	case s.erasing <- struct{}{}:
	default:
	}
}

// erase does what can be done now: first the rows, then the bytes of the journal, then, once no release that can be opened knows the customer, old
// copies of the journal, and head office is told.
func (s *Server) erase(ctx context.Context) error {
	todo, err := s.journal.Erasing()
	if err != nil {
		return err
	}
	if len(todo.Anonymise) > 0 {
		if err := s.anonymise(ctx, todo); err != nil {
			return err
		}
		if todo, err = s.journal.Erasing(); err != nil {
			return err
		}
	}
	if todo.Compact && s.mayCompact() {
		done, err := s.journal.Compact(ctx)
		if err != nil {
			return err
		}
		s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the journal was written anew", slog.Int64("bytes_before", done.Before),
			slog.Int64("bytes_after", done.After), slog.Duration("not_recording_for", done.Took))
		if todo, err = s.journal.Erasing(); err != nil {
			return err
		}
	}
	through := uint64(0)
	known := s.laneKnown()
	for _, n := range todo.Receipt {
		if n <= known {
			through = n
		}
	}
	if through == 0 {
		return nil
	}
	if err := s.forgetCopies(ctx); err != nil {
		return err
	}
	return s.journal.ReceiptErasures(ctx, through, s.config.Now())
}

// anonymise takes the erased out of the journal's rows. It needs a release, for the key identifiers are hashed with.
func (s *Server) anonymise(ctx context.Context, todo journal.Erasing) error {
	release, done, ok := s.replica.Active().Acquire()
	if !ok {
		return nil
	}
	key := release.Store.GetContentKey()
	done()
	n, err := s.journal.Anonymise(ctx, todo.Anonymise, journal.Forgetting{
		Hash:   func(namespace, canonical string) [16]byte { return identify.Hash(key, namespace, canonical) },
		Answer: till.Anonymous,
	})
	if err == nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "erased customers are out of the journal's rows", slog.Int("customers", len(todo.Anonymise)), slog.Int("changed", n))
	}
	return err
}

// mayCompact reports whether the shop is quiet enough, or an erasure has waited long enough.
func (s *Server) mayCompact() bool {
	if s.journal.Quiet() >= s.config.Quiet {
		return true
	}
	for _, word := range s.journal.Overlay().Erasures() {
		if s.config.Now().Sub(word.GetIssuedAt().AsTime()) > eraseWithin {
			return true
		}
	}
	return false
}

// laneKnown is up to where every release that can be opened has worked the lane in; 0 without a release.
func (s *Server) laneKnown() uint64 {
	headers := s.replica.Openable()
	if len(headers) == 0 {
		return 0
	}
	known := headers[0].GetLaneThrough()
	for _, header := range headers {
		known = min(known, header.GetLaneThrough())
	}
	return known
}

// forgetCopies removes copies of the journal from before: back-ups, after a new one is made, and journals that were put aside.
func (s *Server) forgetCopies(ctx context.Context) error {
	s.backingUp.Lock()
	defer s.backingUp.Unlock()
	headers, err := backup.List(s.config.path(backupFolder))
	if err != nil {
		return err
	}
	if len(headers) > 0 {
		last := *s.backups
		last.Keep = 1
		_, err = last.Make(ctx)
	}
	return errors.Join(err, s.journal.RemoveAside())
}
