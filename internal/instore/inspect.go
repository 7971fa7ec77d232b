package instore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// inspect tells all there is to know of the server's files, while it runs.
func (s *Server) inspect(context.Context) (*syncv1.InspectResponse, error) {
	report, err := s.journal.Inspect()
	if errors.Is(err, journal.ErrDamaged) {
		report, err = &syncv1.JournalReport{File: s.config.path(journalFile), Fault: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.config.inspect(s.enrolment, report)
}

// inspect puts together what a journal says and what lies in the folder.
func (c Config) inspect(e *bundlev1.Enrolment, report *syncv1.JournalReport) (*syncv1.InspectResponse, error) {
	releases, err := replica.Inspect(c.releases(e))
	if err != nil {
		return nil, err
	}
	backups, err := backup.List(c.path(backupFolder))
	if err != nil {
		return nil, err
	}
	for _, b := range backups {
		b.DataKeyFile = nil
	}
	free, err := replica.FreeSpace(c.Data)
	if err != nil {
		return nil, err
	}
	return &syncv1.InspectResponse{
		ServerId: e.GetServerId(), Store: e.GetStore(), Releases: releases, Journal: report, Backups: backups, FreeBytes: free,
		DownloadBytes: sizeOf(c.path("releases", "download")), At: timestamppb.New(c.Now()),
	}, nil
}

func (c Config) releases(e *bundlev1.Enrolment) replica.Config {
	return replica.Config{Dir: c.path("releases"), Enrolment: e}
}

// sizeOf is the bytes of a folder's files; 0 when there is none.
func sizeOf(dir string) (total uint64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += uint64(info.Size())
			}
		}
		return nil
	})
	return total
}

// Inspect tells all there is to know of a data folder on which no server runs. journal.ErrBusy when one does. What cannot be read is told in its
// place.
func Inspect(ctx context.Context, config Config) (*syncv1.InspectResponse, error) {
	config, e, key, err := config.look(ctx)
	if err != nil {
		return nil, err
	}
	path := config.path(journalFile)
	report := &syncv1.JournalReport{File: path}
	err = journal.Look(path, journal.Config{DataKey: key.Key()}, func(v *journal.View) (err error) {
		report, err = v.Inspect(path)
		return err
	})
	switch {
	case errors.Is(err, journal.ErrBusy):
		return nil, err
	case err != nil:
		report = &syncv1.JournalReport{File: path, Fault: err.Error()}
	default:
		report.MaxBytes = journal.DefaultMaxSize
	}
	return config.inspect(e, report)
}

// look is what is needed to read a data folder: nothing is made.
func (c Config) look(ctx context.Context) (Config, *bundlev1.Enrolment, *generation.DataKey, error) {
	if _, err := os.Stat(c.Data); err != nil {
		return c, nil, nil, err
	}
	c.Listen = "-" // nobody listens
	c, err := c.withDefaults()
	if err != nil {
		return c, nil, nil, err
	}
	e, err := c.enrolment()
	if err != nil {
		return c, nil, nil, err
	}
	if _, err := os.Stat(c.path(dataKeyFile)); err != nil {
		return c, nil, nil, err
	}
	key, err := generation.OpenDataKey(ctx, c.path(dataKeyFile), generation.Device{File: c.DeviceKey})
	return c, e, key, err
}

// Check is what Verify found of one file.
type Check struct {
	// File is what was read.
	File string
	// What says what it is, for people.
	What string
	// Fault is what is wrong with it; nil when nothing is.
	Fault error
}

// ErrFaults is returned by Verify when something on the disk is not what was written there.
var ErrFaults = errors.New("not everything is what was written")

// Verify reads a data folder whole: every release by its digest and through every seal, the journal and the back-ups through every seal. tell is
// called for each file, progress in between. A server may be running: then the journal is left to it, and its last back-up, which was read
// through every seal when it was made, is checked instead. ErrFaults when anything is wrong.
func Verify(ctx context.Context, config Config, tell func(Check), progress func(what string, done, total int64)) error {
	config, e, key, err := config.look(ctx)
	if err != nil {
		return err
	}
	faults := false
	note := func(c Check) {
		faults = faults || c.Fault != nil
		tell(c)
	}
	releases := config.releases(e)
	releases.DataKey = key
	err = replica.Verify(ctx, releases, func(r *syncv1.ReleaseReport, fault error) {
		note(Check{File: filepath.Join(releases.Dir, "generations", r.GetFile()), What: releaseWords(r), Fault: fault})
	}, progress)
	if err != nil && !errors.Is(err, replica.ErrFaults) {
		return err
	}
	faults = faults || err != nil
	config.verifyJournals(ctx, key, note, progress)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case faults:
		return ErrFaults
	}
	return nil
}

func (c Config) verifyJournals(ctx context.Context, key *generation.DataKey, note func(Check), progress func(what string, done, total int64)) {
	read := func(path string) error {
		return journal.Look(path, journal.Config{DataKey: key.Key()}, func(v *journal.View) error {
			return v.Verify(ctx, func(what string, done int64) { progress(filepath.Base(path)+" "+what, done, 0) })
		})
	}
	path := c.path(journalFile)
	if err := read(path); errors.Is(err, journal.ErrBusy) {
		note(Check{File: path, What: "journal (a server has it; its back-ups are read instead)"})
	} else {
		note(Check{File: path, What: "journal", Fault: err})
	}
	headers, err := backup.List(c.path(backupFolder))
	if err != nil {
		note(Check{File: c.path(backupFolder), What: "back-ups", Fault: err})
	}
	for _, h := range headers {
		_, err := backup.Read(ctx, h.GetFile())
		if err == nil {
			err = read(h.GetFile())
		}
		note(Check{File: h.GetFile(), What: "back-up", Fault: err})
	}
}

func releaseWords(r *syncv1.ReleaseReport) string {
	if r.GetCurrent() {
		return "release that serves"
	}
	return "release to step back to"
}
