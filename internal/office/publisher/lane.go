package publisher

import (
	"context"
	"fmt"

	"gocloud.dev/blob"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// WriteLane signs the lane records that are not yet where stores read, and writes them there, in order: a store never sees a gap. head is the newest
// there is; records answers those from a number on, without gaps. It returns how many it wrote. Any number of calls may run at once: a record's
// file has the same bytes whoever writes it.
func WriteLane(ctx context.Context, keys *Keys, bundles string, head uint64, records func(from uint64) ([]*bundlev1.LaneRecord, error)) (int, error) {
	if head == 0 {
		return 0, nil
	}
	bucket, err := openBucket(ctx, bundles)
	if err != nil {
		return 0, err
	}
	defer func() { _ = bucket.Close() }()
	written, err := laneHead(ctx, bucket, head)
	if err != nil || written == head {
		return 0, err
	}
	next, err := records(written + 1)
	if err != nil {
		return 0, err
	}
	for i, r := range next {
		if r.GetNumber() != written+uint64(i)+1 {
			return i, fmt.Errorf("lane record %d after %d: %w", r.GetNumber(), written+uint64(i), ErrOrder)
		}
		payload, err := bundle.SealLane(keys.Chain(), keys.ContentKey(), r)
		if err != nil {
			return i, err
		}
		file, err := bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_LANE, keys.Chain(), keys.lane, payload)
		if err != nil {
			return i, err
		}
		if err := write(ctx, bucket, bundle.LanePath(r.GetNumber()), file); err != nil {
			return i, err
		}
	}
	return len(next), nil
}

// laneHead is the newest lane record up to head that is where stores read; 0 for none. All before it are there.
func laneHead(ctx context.Context, bucket *blob.Bucket, head uint64) (uint64, error) {
	there, none := uint64(0), head+1
	for at := head; there+1 < none; at = there + (none-there)/2 {
		ok, err := bucket.Exists(ctx, bundle.LanePath(at))
		if err != nil {
			return 0, fmt.Errorf("look for %s: %w", bundle.LanePath(at), err)
		}
		if ok {
			there = at
		} else {
			none = at
		}
	}
	return there, nil
}
