package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// found is a release in the folder that was verified again.
type found struct {
	keptRelease
	manifest *bundlev1.Manifest
	keyset   *bundlev1.Keyset
	kept     generation.Kept
	contents *contents
}

// start has the newest usable release of the folder serve: the one CURRENT names, or else the one with the highest version.
func (r *Replica) start(ctx context.Context) error {
	releases, err := r.candidates()
	if err != nil {
		return err
	}
	for i, f := range releases {
		if err := r.serveFound(ctx, f, r.unclean); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.config.Logger.LogAttrs(ctx, slog.LevelError, "release cannot serve, trying the one before",
				slog.Uint64("version", f.version), slog.String("error", err.Error()))
			continue
		}
		// What follows is kept to step back to; what could not serve is not.
		for _, older := range releases[i:] {
			r.kept = append(r.kept, older.keptRelease)
		}
		return r.tidy(ctx)
	}
	return nil
}

// candidates is all verified releases of the folder, the one to serve first.
func (r *Replica) candidates() ([]found, error) {
	current, err := r.folder.Current()
	if err != nil && !errors.Is(err, generation.ErrNoRelease) {
		r.config.Logger.LogAttrs(context.Background(), slog.LevelError, "which release serves cannot be read, taking the newest",
			slog.String("error", err.Error()))
	}
	digests, err := r.folder.Releases()
	if err != nil {
		return nil, err
	}
	var releases []found
	for _, digest := range digests {
		f, err := r.find(digest)
		if err != nil {
			r.config.Logger.LogAttrs(context.Background(), slog.LevelError, "release on the disk is refused",
				slog.String("release", bundle.Name(digest)), slog.String("error", err.Error()))
			continue
		}
		releases = append(releases, f)
	}
	slices.SortFunc(releases, func(a, b found) int {
		if a.digest == current || b.digest == current {
			return boolToInt(b.digest == current) - boolToInt(a.digest == current)
		}
		return cmp.Compare(b.version, a.version)
	})
	// Nobody steps back across an erasure, not even when the switch to the one that knows of it was cut off.
	return slices.DeleteFunc(releases, func(f found) bool {
		return f.header.GetErasedThrough() < releases[0].header.GetErasedThrough()
	}), nil
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// find loads a release of the folder and verifies it as if it had just come, but for its version.
func (r *Replica) find(digest [32]byte) (f found, err error) {
	if f.kept, err = r.folder.Load(digest); err != nil {
		return found{}, err
	}
	trust := bundle.NewTrust(r.anchor, 0, [32]byte{})
	if f.keyset, err = trust.Keyset(f.kept.Keyset); err != nil {
		return found{}, err
	}
	if f.manifest, err = trust.Kept(f.kept.Manifest); err != nil {
		return found{}, err
	}
	if f.contents, err = r.readContents(f.manifest, func(piece [32]byte, _ int) ([]byte, error) {
		if data, ok := f.kept.Pieces[piece]; ok {
			return data, nil
		}
		return nil, fmt.Errorf("piece %s: %w", bundle.Name(piece), ErrNotFound)
	}); err != nil {
		return found{}, err
	}
	if f.kept.File.State != [32]byte(f.manifest.GetCustomers().GetStateDigest()) {
		return found{}, fmt.Errorf("file of another state: %w", bundle.ErrDoesNotFit)
	}
	f.keptRelease = keptRelease{digest, f.manifest.GetVersion(), f.contents.customers, f.kept.File.Name}
	return f, nil
}

// serveFound has a release of the folder serve; check reads its file whole before.
func (r *Replica) serveFound(ctx context.Context, f found, check bool) error {
	file, err := r.openFile(f.kept.File)
	if err != nil {
		return err
	}
	defer file.Release()
	if check {
		if err := file.Check(ctx); err != nil {
			return err
		}
	}
	prepared, err := r.config.Prepare(f.contents.programme.GetProgramme())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProgramme, err)
	}
	release, err := generation.NewRelease(file, generation.Parts{
		Manifest: f.manifest, Digest: f.digest, Header: f.contents.customers, Programme: f.contents.programme, Store: f.contents.store, Prepared: prepared,
	})
	if err != nil {
		return err
	}
	if _, err := r.trust.Keyset(f.kept.Keyset); err != nil && !errors.Is(err, bundle.ErrOlder) {
		release.Drop()
		return err
	}
	if version, _ := r.config.Trusted.TrustedManifest(); f.version > version {
		if err := r.config.Trusted.SetTrustedVersion(ctx, f.version, f.digest); err != nil {
			release.Drop()
			return err
		}
		if _, err := r.trust.Manifest(f.kept.Manifest); err != nil {
			release.Drop()
			return err
		}
	}
	if r.config.Seen != nil { // a journal from a back-up may know an earlier time
		if err := r.config.Seen(ctx, f.manifest); err != nil {
			release.Drop()
			return err
		}
	}
	r.serve(release, file, f.keyset)
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "release serves from the disk",
		slog.Uint64("version", f.version), slog.Time("data_as_of", f.contents.customers.GetDataAsOf().AsTime()))
	return nil
}

// openFile opens a file of the folder; a damaged record in it wakes [Replica.Run].
func (r *Replica) openFile(info generation.FileInfo) (*generation.File, error) {
	return generation.OpenFile(r.folder.Files(), info, r.config.DataKey.Key(), func(error) {
		select {
		case r.damage <- struct{}{}:
		default:
		}
	})
}

// serve switches. From here on the release's file is the base of the next.
func (r *Replica) serve(release *generation.Release, file *generation.File, keyset *bundlev1.Keyset) {
	file.Hold()
	before := r.file
	r.file = file
	r.active.Switch(release)
	if before != nil {
		before.Release()
	}
	m := release.Manifest
	r.setStatus(func(s *Status) {
		s.Version, s.DataAsOf = m.GetVersion(), release.Header.GetDataAsOf().AsTime()
		s.ExpiresAt = expiry(m, keyset)
	})
	r.wakeLane()
	if r.config.Switched != nil {
		r.config.Switched()
	}
}

// expiry is when a manifest or its keyset should have been replaced.
func expiry(m *bundlev1.Manifest, keyset *bundlev1.Keyset) time.Time {
	a, b := m.GetExpiresAt().AsTime(), keyset.GetExpiresAt().AsTime()
	if b.Before(a) {
		return b
	}
	return a
}
