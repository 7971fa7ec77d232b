package instore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

const (
	dataKeyFile  = "data.key"
	journalFile  = "journal.db"
	backupFolder = "backups"

	// defaultBackupEvery is how much of a day a lost disk may cost of what did not reach head office.
	defaultBackupEvery = time.Hour
	// keptBackups is how many are kept: the last, and one for when that turns out to be of a journal that was sick already.
	keptBackups = 2
	// retryBackup is when a back-up that failed is tried again.
	retryBackup = 5 * time.Minute
	// putBackStamp tells replaced journals apart.
	putBackStamp = "20060102-150405"
)

func (s *Server) journalConfig() journal.Config {
	return journal.Config{
		ServerID: s.enrolment.GetServerId(), DataKey: s.dataKey.Key(), Now: s.config.Now, Elapsed: s.config.elapsed, Logger: s.config.Logger, OnDamage: s.damaged,
	}
}

// openJournal opens the journal. In the place of one that cannot be read comes the last back-up, unless the configuration leaves that to a person.
func (s *Server) openJournal(ctx context.Context) (err error) {
	config := s.journalConfig()
	path := s.config.path(journalFile)
	s.journal, err = journal.Open(path, config)
	if errors.Is(err, journal.ErrDamaged) {
		s.config.Logger.LogAttrs(ctx, slog.LevelError, "THE JOURNAL IS DAMAGED and is not used", slog.String("journal", path), slog.String("error", err.Error()))
		if s.config.NoRestore {
			return fmt.Errorf("%w\n%s", err, s.config.howToRestore())
		}
		s.journal, err = s.openRestored(ctx, err)
	}
	if err != nil {
		return err
	}
	s.backups = &backup.Keeper{
		Dir: s.config.path(backupFolder), Journal: s.journal, JournalConfig: config, DataKeyFile: s.config.path(dataKeyFile), Keep: keptBackups,
		ServerID: s.enrolment.GetServerId(), Store: s.enrolment.GetStore(), Now: s.config.Now,
	}
	return nil
}

// howToRestore tells a person what to do about a damaged journal.
func (c Config) howToRestore() string {
	return fmt.Sprintf("Put a back-up in its place with `stamklant-store restore --data %s FILE`; back-ups lie in %s.", c.Data, c.path(backupFolder))
}

// openRestored opens the last back-up in the place of a journal that cannot be read, and takes over from that what can be.
func (s *Server) openRestored(ctx context.Context, damage error) (*journal.Journal, error) {
	header, whole, err := s.lastBackup(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w\nno back-up can take its place: %w\n%s", damage, err, s.config.howToRestore())
	}
	old, err := journal.PutBack(s.config.path(journalFile), whole, s.config.Now().UTC().Format(putBackStamp))
	if err != nil {
		return nil, err
	}
	config := s.journalConfig()
	config.Restored = true
	j, err := journal.Open(s.config.path(journalFile), config)
	if err == nil {
		tellRestored(ctx, s.config.Logger, j, header, old)
	}
	return j, err
}

// lastBackup extracts the newest back-up in which every seal holds into a file beside the journal.
func (s *Server) lastBackup(ctx context.Context) (*syncv1.BackupHeader, string, error) {
	headers, err := backup.List(s.config.path(backupFolder))
	if err == nil && len(headers) == 0 {
		err = fmt.Errorf("%s holds none", s.config.path(backupFolder))
	}
	for _, h := range headers {
		whole, bad := s.config.extract(ctx, h.GetFile(), s.journalConfig())
		if bad == nil {
			return h, whole, nil
		}
		err = errors.Join(err, bad)
	}
	return nil, "", err
}

// extract makes sure that a back-up is whole and opens with the data key, and writes its journal into a file beside the journal.
func (c Config) extract(ctx context.Context, file string, config journal.Config) (whole string, err error) {
	header, err := backup.Read(ctx, file)
	if err != nil {
		return "", err
	}
	whole = c.path(journalFile) + ".restoring"
	err = backup.Extract(ctx, header, whole)
	if err == nil {
		err = journal.Look(whole, config, func(v *journal.View) error { return v.Verify(ctx, nil) })
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", file, err), os.Remove(whole))
	}
	return whole, nil
}

// tellRestored says what a restored journal means, and takes over what can be read of the old one.
func tellRestored(ctx context.Context, logger *slog.Logger, j *journal.Journal, header *syncv1.BackupHeader, old string) {
	taken, lost, err := 0, 0, error(nil)
	if old != "" {
		taken, lost, err = j.Salvage(ctx, old)
	}
	attributes := []slog.Attr{
		slog.String("backup", header.GetFile()), slog.Time("made_at", header.GetMadeAt().AsTime()), slog.String("damaged_journal", old),
		slog.Int("rows_taken_over", taken), slog.Int("rows_lost", lost),
	}
	if err != nil {
		attributes = append(attributes, slog.String("not_taken_over", err.Error()))
	}
	logger.LogAttrs(ctx, slog.LevelError, "THE JOURNAL WAS RESTORED from the last back-up and begins a new incarnation; head office takes once what it is sent again", attributes...)
}

// damaged is told of damage in the journal; it must not block.
func (s *Server) damaged(err error) {
	select {
	case s.damage <- err:
	default:
	}
}

// keepJournal restores the journal when something in it was found damaged while it runs. Lookups go on.
func (s *Server) keepJournal(ctx context.Context) error {
	for {
		var damage error
		select {
		case <-ctx.Done():
			return nil
		case damage = <-s.damage:
		}
		logger := s.config.Logger
		logger.LogAttrs(ctx, slog.LevelError, "THE JOURNAL IS DAMAGED", slog.String("journal", s.config.path(journalFile)), slog.String("error", damage.Error()))
		if s.config.NoRestore {
			logger.LogAttrs(ctx, slog.LevelError, "a person must put a back-up in its place", slog.String("how", s.config.howToRestore()))
			return nil
		}
		if err := s.journal.Verify(ctx, nil); err == nil {
			continue // it was restored meanwhile
		}
		header, whole, err := s.lastBackup(ctx)
		if err != nil {
			logger.LogAttrs(ctx, slog.LevelError, "no back-up can take its place: what can be read of it goes on", slog.String("error", err.Error()))
			return nil
		}
		old, err := s.journal.Restore(whole, s.config.Now().UTC().Format(putBackStamp))
		if err != nil {
			return err
		}
		tellRestored(ctx, logger, s.journal, header, old)
	}
}

// keepBackups makes back-ups until ctx ends, the first at once when the last is too old. Each reads the journal whole, so bit rot in it is found by the
// next back-up at the latest.
func (s *Server) keepBackups(ctx context.Context) error {
	every := s.config.BackupEvery
	if every < 0 {
		return nil
	}
	wait := time.NewTimer(s.untilBackup(every))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		next := every
		if _, err := s.backup(ctx); err != nil && ctx.Err() == nil {
			s.config.Logger.LogAttrs(ctx, slog.LevelError, "the journal cannot be backed up", slog.String("error", err.Error()))
			next = min(every, retryBackup)
		}
		wait.Reset(next)
	}
}

// untilBackup is how long the last back-up is good for.
func (s *Server) untilBackup(every time.Duration) time.Duration {
	headers, err := backup.List(s.config.path(backupFolder))
	if err != nil || len(headers) == 0 || headers[0].GetMadeAt() == nil {
		return 0
	}
	return min(every, max(0, every-s.config.Now().Sub(headers[0].GetMadeAt().AsTime())))
}

func (s *Server) backup(ctx context.Context) (*syncv1.BackupHeader, error) {
	s.backingUp.Lock()
	defer s.backingUp.Unlock()
	header, err := s.backups.Make(ctx)
	if errors.Is(err, journal.ErrDamaged) {
		s.damaged(err)
	}
	return header, err
}

// streamBackup makes a back-up and hands it out.
func (s *Server) streamBackup(ctx context.Context, to io.Writer) error {
	header, err := s.backup(ctx)
	if err != nil {
		return err
	}
	file, err := os.Open(header.GetFile())
	if err != nil {
		return err
	}
	_, err = io.Copy(to, file)
	return errors.Join(err, file.Close())
}
