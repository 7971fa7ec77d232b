package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// offered is a verified manifest on its way to being a release.
type offered struct {
	digest       [32]byte
	manifest     *bundlev1.Manifest
	manifestFile []byte
	keyset       *bundlev1.Keyset
	keysetFile   []byte
}

// Apply asks the source once, and has what it finds serve. changed is false when nothing newer is there. After an error what served before serves on;
// errors name the file and say why: those of [bundle], [ErrNotFound], [ErrNoSpace] and [ErrProgramme] among them. What was fetched stays for the
// next attempt. Slow: minutes for a first snapshot.
func (r *Replica) Apply(ctx context.Context) (changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heal(ctx)
	changed, err = r.apply(ctx)
	r.setStatus(func(s *Status) { s.Applying = false })
	if ctx.Err() == nil {
		now := r.config.Now()
		r.setStatus(func(s *Status) {
			if s.Err = err; err == nil {
				s.InStepAt = now
			}
		})
	}
	return changed, err
}

func (r *Replica) apply(ctx context.Context) (changed bool, err error) {
	o, err := r.next(ctx)
	if err != nil {
		return false, err
	}
	current, done, serving := r.active.Acquire()
	if serving {
		defer done()
		if current.Digest == o.digest && !r.file.Damaged() {
			r.setStatus(func(s *Status) { s.ExpiresAt = expiry(o.manifest, o.keyset) })
			return false, nil
		}
	}
	started := time.Now()
	r.setStatus(func(s *Status) { s.Applying = true })
	c, err := r.readContents(o.manifest, r.fetcherFrom(ctx, r.piecesAtHand(current)))
	if err != nil {
		return false, fmt.Errorf("release %d: %w", o.manifest.GetVersion(), err)
	}
	prepared, err := r.prepare(c, o, current)
	if err != nil {
		return false, fmt.Errorf("release %d: %w", o.manifest.GetVersion(), err)
	}
	file, err := r.customers(ctx, o.manifest)
	if err != nil {
		return false, fmt.Errorf("release %d: customers: %w", o.manifest.GetVersion(), err)
	}
	defer file.Release()
	if err := r.activate(ctx, o, c, prepared, file); err != nil {
		return false, fmt.Errorf("release %d: %w", o.manifest.GetVersion(), err)
	}
	accounts, _, _ := file.Counts()
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "release serves",
		slog.Uint64("version", o.manifest.GetVersion()), slog.Uint64("accounts", accounts),
		slog.Time("data_as_of", c.customers.GetDataAsOf().AsTime()), slog.Duration("took", time.Since(started)))
	return true, nil
}

// next is the release to apply: the one that was offered whole, or else the newest of the source.
func (r *Replica) next(ctx context.Context) (o offered, err error) {
	if brought := r.brought; brought != nil {
		r.brought = nil
		return *brought, nil
	}
	if o, err = r.fetchOffered(ctx); err != nil {
		return o, err
	}
	return o, r.take(ctx, o)
}

// fetchOffered fetches and verifies the keyset and this server's manifest.
func (r *Replica) fetchOffered(ctx context.Context) (o offered, err error) {
	keysetFile, err := r.fetchSigned(ctx, bundle.KeysetPath, bundlev1.SignedKind_SIGNED_KIND_KEYSET)
	if err != nil {
		return o, err
	}
	keyset, err := r.trust.Keyset(keysetFile)
	if err != nil {
		return o, fmt.Errorf("%s: %w", bundle.KeysetPath, err)
	}
	path := bundle.ManifestPath(r.anchor.Server)
	manifestFile, err := r.fetchSigned(ctx, path, bundlev1.SignedKind_SIGNED_KIND_MANIFEST)
	if err != nil {
		return o, err
	}
	manifest, err := r.trust.Manifest(manifestFile)
	if err != nil {
		return o, fmt.Errorf("%s: %w", path, err)
	}
	return offered{sha256.Sum256(manifestFile), manifest, manifestFile, keyset, keysetFile}, nil
}

// take remembers a verified manifest for good, before anything is done with it: from here on nothing older is taken, whatever happens.
func (r *Replica) take(ctx context.Context, o offered) error {
	if err := r.config.Trusted.SetTrustedVersion(ctx, o.manifest.GetVersion(), o.digest); err != nil {
		return fmt.Errorf("remember manifest %d: %w", o.manifest.GetVersion(), err)
	}
	if r.config.Seen != nil {
		if err := r.config.Seen(ctx, o.manifest); err != nil {
			return fmt.Errorf("remember the time of manifest %d: %w", o.manifest.GetVersion(), err)
		}
	}
	return r.config.DataKey.SealForRecovery(r.anchor.Chain, r.anchor.Server, o.keyset.GetRecoveryPublicKey())
}

// piecesAtHand is the sealed pieces of the release that serves; none when they cannot be read.
func (r *Replica) piecesAtHand(current *generation.Release) map[[32]byte][]byte {
	if current == nil {
		return nil
	}
	kept, err := r.folder.Load(current.Digest)
	if err != nil {
		return nil
	}
	return kept.Pieces
}

// prepare compiles the programme, or takes what was compiled when it is the same.
func (r *Replica) prepare(c *contents, o offered, current *generation.Release) (any, error) {
	if current != nil && slices.Equal(current.ProgrammeDigest[:], o.manifest.GetProgramme().GetHeaderDigest()) {
		return current.Prepared, nil
	}
	prepared, err := r.config.Prepare(c.programme.GetProgramme())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProgramme, err)
	}
	return prepared, nil
}

// activate keeps a release on the disk, then names it in CURRENT, then switches, then tidies up.
func (r *Replica) activate(ctx context.Context, o offered, c *contents, prepared any, file *generation.File) error {
	release, err := generation.NewRelease(file, generation.Parts{
		Manifest: o.manifest, Digest: o.digest, Header: c.customers, Programme: c.programme, Store: c.store, Prepared: prepared,
	})
	if err != nil {
		return err
	}
	kept := generation.Kept{Manifest: o.manifestFile, Keyset: o.keysetFile, Pieces: c.pieces, File: file.Info()}
	if err := errors.Join(r.folder.Keep(o.digest, kept)); err != nil {
		release.Drop()
		return fmt.Errorf("keep the release: %w", err)
	}
	if err := r.folder.SetCurrent(o.digest); err != nil {
		release.Drop()
		return fmt.Errorf("name the release: %w", err)
	}
	noStepBack := r.file != nil && (r.file.Damaged() || erasedSince(r.file, file) ||
		len(r.kept) > 0 && r.kept[0].header.GetErasedThrough() < c.customers.GetErasedThrough())
	r.serve(release, file, o.keyset)
	r.kept = slices.DeleteFunc(r.kept, func(k keptRelease) bool { return noStepBack || k.digest == o.digest })
	r.kept = slices.Insert(r.kept, 0, keptRelease{o.digest, o.manifest.GetVersion(), c.customers, file.Info().Name})
	if noStepBack {
		r.active.DropPrevious()
	}
	if err := errors.Join(r.tidy(ctx), r.clearDownloads()); err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "leftovers of earlier releases stay until the next start", slog.String("error", err.Error()))
	}
	return nil
}

// erasedSince reports whether a customer was erased between two files: nobody steps back across that.
func erasedSince(before, after *generation.File) bool {
	_, _, had := before.Counts()
	_, _, has := after.Counts()
	return has > had
}

// tidy keeps the release that serves, the one before it, and the newest one with another file, for when this file turns out to be damaged. The rest
// is removed; a file somebody still reads goes when he is done.
func (r *Replica) tidy(ctx context.Context) error {
	other := slices.IndexFunc(r.kept, func(k keptRelease) bool { return k.file != r.kept[0].file })
	kept := r.kept[:0:0]
	for i, k := range r.kept {
		if i < 2 || i == other {
			kept = append(kept, k)
		}
	}
	r.kept = kept
	defer r.keptNow()
	err := r.folder.Remove(func(digest [32]byte) bool {
		return slices.ContainsFunc(r.kept, func(k keptRelease) bool { return k.digest == digest })
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, r.folder.RemoveFiles(func(name string) bool {
		return slices.ContainsFunc(r.kept, func(k keptRelease) bool { return k.file == name })
	}))
}
