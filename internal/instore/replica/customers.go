package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// customers is an open file with the state a manifest names: the one at hand when it is that state already, or else a new one, from the changes since
// or from the snapshot. The caller lets go of it.
func (r *Replica) customers(ctx context.Context, m *bundlev1.Manifest) (*generation.File, error) {
	want := [32]byte(m.GetCustomers().GetStateDigest())
	if snapshot, changes := r.way(m); snapshot == nil {
		if len(changes) == 0 {
			r.file.Hold()
			return r.file, nil
		}
		file, err := r.build(ctx, want, r.file.Records(), nil, changes)
		if err == nil || ctx.Err() != nil || !unfit(err) {
			return file, err
		}
		r.unfit = r.file.Info().Name
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "changes cannot be merged, taking the snapshot", slog.String("error", err.Error()))
	}
	snapshot, changes := r.way(m)
	return r.build(ctx, want, nil, snapshot, changes)
}

// way is what to build the state of a manifest from: the changes since the file at hand, none when it is the one already, or else the snapshot and
// the changes since that. A file that changes once did not fit is not built on again.
func (r *Replica) way(m *bundlev1.Manifest) (snapshot *bundlev1.SealedPart, changes []*bundlev1.DeltaPart) {
	if r.file != nil && !r.file.Damaged() {
		if changes, ok := bundle.Way(m.GetCustomers(), r.file.Info().State); ok && (len(changes) == 0 || r.unfit != r.file.Info().Name) {
			return nil, changes
		}
	}
	changes, _ = bundle.Way(m.GetCustomers(), [32]byte(m.GetCustomers().GetSnapshotState())) // a verified manifest has this way
	return m.GetCustomers().GetSnapshot(), changes
}

// unfit reports whether a merge failed for what it started from, or led elsewhere than promised: a snapshot helps.
func unfit(err error) bool {
	return errors.Is(err, generation.ErrDamaged) || errors.Is(err, generation.ErrState) || errors.Is(err, bundle.ErrDoesNotFit)
}

// build fetches what is missing, then merges base, or else the snapshot, with the changes into a new file.
func (r *Replica) build(ctx context.Context, state [32]byte, base bundle.Records, snapshot *bundlev1.SealedPart, changes []*bundlev1.DeltaPart) (*generation.File, error) {
	var parts []*openPart
	if snapshot != nil {
		p, err := r.open(snapshot, r.fetcher(ctx), bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT)
		if err != nil {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
		parts = append(parts, p)
	}
	for _, d := range changes {
		p, err := r.open(d.GetPart(), r.fetcher(ctx), bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA)
		if err != nil {
			return nil, fmt.Errorf("changes: %w", err)
		}
		parts = append(parts, p)
	}
	expect, err := r.fetchParts(ctx, parts)
	if err != nil {
		return nil, err
	}
	var streams []bundle.Records
	for _, p := range parts {
		streams = append(streams, bundle.ReadPart(p.header, p.key, r.local))
	}
	if base == nil {
		base, streams = streams[0], streams[1:]
	}
	info, err := generation.Build(ctx, generation.BuildOptions{
		Dir: r.folder.Files(), DataKey: r.config.DataKey.Key(), State: state, Expect: expect, Pace: newPace(r.config.RestPercent),
	}, bundle.Merge(base, streams...))
	if err != nil {
		return nil, err
	}
	return r.openFile(info)
}

// sealedOverCipher is how many times larger a file is than the packed chunks it comes from, at most: a guess, on the safe side.
const sealedOverCipher = 8

// spare is what must stay free on the disk for the journal.
const spare = 256 << 20

// fetchParts fetches all chunks of parts, after it made sure that they and the file to be built have room. It answers how large that may become.
func (r *Replica) fetchParts(ctx context.Context, parts []*openPart) (expect int64, err error) {
	if expect, err = r.room(parts); err != nil {
		return 0, err
	}
	for _, p := range parts {
		if err := r.downloadAll(ctx, p.header.GetChunks()); err != nil {
			return 0, err
		}
	}
	return expect, nil
}

// room makes sure that what is missing of parts, and the file to be built from them, may come and have room. It answers how large that file may become.
func (r *Replica) room(parts []*openPart) (expect int64, err error) {
	var total, missing int64
	for _, p := range parts {
		for _, c := range p.header.GetChunks() {
			total += int64(c.GetLength())
		}
		missing += r.missing(p.header.GetChunks())
	}
	if total > r.config.MaxFetch {
		return 0, fmt.Errorf("%d bytes to fetch, at most %d: %w", total, r.config.MaxFetch, bundle.ErrTooLarge)
	}
	expect = total * sealedOverCipher
	if r.file != nil {
		expect = max(r.file.Info().Length+total*sealedOverCipher/4, min(expect, 2*r.file.Info().Length))
	}
	free, err := FreeSpace(r.config.Dir)
	if err != nil {
		return 0, err
	}
	if need := uint64(missing + expect + spare); free < need {
		return 0, fmt.Errorf("%s: %d MiB free, %d MiB needed: %w", r.config.Dir, free>>20, need>>20, ErrNoSpace)
	}
	return expect, nil
}
