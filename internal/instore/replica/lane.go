package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// ErrLaneWithheld is returned when the source does not have lane records that head office's manifest tells of.
var ErrLaneWithheld = errors.New("lane records are missing where releases lie")

// Lane keeps head office's urgent words. The journal does.
type Lane interface {
	// LaneThrough is the number of the last record kept; 0 before the first.
	LaneThrough() uint64
	// BeginLane says, the first time it is called, after which number the lane begins. Later calls MUST change nothing.
	BeginLane(ctx context.Context, after uint64) error
	// KeepLane keeps records that follow the last one kept. They MUST be on the disk and hold when it returns.
	KeepLane(ctx context.Context, records []*bundlev1.LaneRecord) error
}

// laneBatch is how many records are kept in one step.
const laneBatch = 256

// FollowLane fetches the lane records that are not here yet and has them hold, and returns how many. It works beside [Replica.Apply], which may take
// minutes. Without a release nothing is asked: whom a record is about only a release's keys tell. ErrLaneWithheld when the source has fewer records
// than the manifest that serves tells of.
func (r *Replica) FollowLane(ctx context.Context) (taken int, err error) {
	if r.config.Lane == nil || r.config.Source == nil {
		return 0, nil
	}
	r.laneMu.Lock()
	defer r.laneMu.Unlock()
	release, done, ok := r.active.Acquire()
	if !ok {
		return 0, nil
	}
	defer done()
	lowest := release.Header.GetLaneThrough()
	for _, header := range r.Openable() {
		lowest = min(lowest, header.GetLaneThrough())
	}
	if err := r.config.Lane.BeginLane(ctx, lowest); err != nil {
		return 0, err
	}
	for {
		n, more, err := r.laneRecords(ctx, release.Store.GetContentKey())
		if taken += n; err != nil {
			return taken, err
		}
		if !more {
			break
		}
	}
	if head := release.Manifest.GetLaneHead(); r.config.Lane.LaneThrough() < head {
		return taken, fmt.Errorf("%w: they end at %d, the release tells of %d", ErrLaneWithheld, r.config.Lane.LaneThrough(), head)
	}
	return taken, nil
}

// laneRecords fetches the next records and keeps them together; more reports whether there may be others. Records before one that is refused are
// kept.
func (r *Replica) laneRecords(ctx context.Context, contentKey []byte) (kept int, more bool, err error) {
	var records []*bundlev1.LaneRecord
	number := r.config.Lane.LaneThrough()
	for len(records) < laneBatch {
		number++
		record, fetchErr := r.laneRecord(ctx, number, contentKey)
		if errors.Is(fetchErr, ErrNotFound) {
			break
		}
		if err = fetchErr; err != nil {
			break
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return 0, false, err
	}
	if keepErr := r.config.Lane.KeepLane(ctx, records); keepErr != nil {
		return 0, false, errors.Join(err, keepErr)
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "urgent words of head office hold",
		slog.Uint64("from", records[0].GetNumber()), slog.Uint64("through", records[len(records)-1].GetNumber()))
	if r.config.Told != nil {
		r.config.Told()
	}
	return len(records), err == nil && len(records) == laneBatch, err
}

// laneRecord fetches and verifies one record. Keys that were exchanged since are looked for once.
func (r *Replica) laneRecord(ctx context.Context, number uint64, contentKey []byte) (*bundlev1.LaneRecord, error) {
	path := bundle.LanePath(number)
	file, err := r.fetchSigned(ctx, path, bundlev1.SignedKind_SIGNED_KIND_LANE)
	if err != nil {
		return nil, err
	}
	record, err := r.laneTrust.LaneFile(number, contentKey, file)
	if errors.Is(err, bundle.ErrSignature) {
		keyset, fetchErr := r.fetchSigned(ctx, bundle.KeysetPath, bundlev1.SignedKind_SIGNED_KIND_KEYSET)
		if fetchErr != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), fetchErr)
		}
		if _, trustErr := r.laneTrust.Keyset(keyset); trustErr != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), fmt.Errorf("%s: %w", bundle.KeysetPath, trustErr))
		}
		record, err = r.laneTrust.LaneFile(number, contentKey, file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return record, nil
}

// runLane follows the lane until ctx ends: every interval, and when a release began to serve.
func (r *Replica) runLane(ctx context.Context) {
	said := ""
	for {
		_, err := r.FollowLane(ctx)
		said = r.say(ctx, said, err)
		wait := time.NewTimer(jitter(r.config.Interval))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		case <-r.laneWake:
			wait.Stop()
		}
	}
}

// wakeLane has the lane looked at now.
func (r *Replica) wakeLane() {
	select {
	case r.laneWake <- struct{}{}:
	default:
	}
}
