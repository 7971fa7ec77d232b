package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// maxListed bounds the pieces one answer lists: half a megabyte of answer.
const maxListed = 10_000

// Offer takes a release that somebody brings: the signed keyset and manifest. It verifies them, remembers the version as when it had fetched them,
// and answers which pieces are not here. Pieces are known from headers, so there are rounds of Offer and [Replica.Put]; when nothing is missing,
// [Replica.Run] applies the release. Errors: those of [bundle], [ErrApplying] and [ErrNoSpace].
func (r *Replica) Offer(ctx context.Context, keyset, manifest []byte) (*syncv1.OfferResponse, error) {
	if !r.mu.TryLock() {
		return nil, ErrApplying
	}
	defer r.mu.Unlock()
	o, err := r.verify(keyset, manifest)
	if err != nil {
		return nil, err
	}
	if err := r.take(ctx, o); err != nil {
		return nil, err
	}
	answer := &syncv1.OfferResponse{Version: o.manifest.GetVersion()}
	current, done, serving := r.active.Acquire()
	if serving {
		defer done()
		if current.Digest == o.digest && !r.file.Damaged() {
			r.setStatus(func(s *Status) { s.ExpiresAt, s.InStepAt = expiry(o.manifest, o.keyset), r.config.Now() })
			answer.Serves = true
			return answer, nil
		}
	}
	w := &wanted{replica: r, have: r.piecesAtHand(current), answer: answer}
	if err := w.collect(o.manifest); err != nil {
		return nil, fmt.Errorf("release %d: %w", answer.GetVersion(), err)
	}
	r.expected = w.pieces
	if len(w.pieces) == 0 {
		r.brought = &o
		r.setStatus(func(s *Status) { s.Offered, s.Err, s.Applying = answer.GetVersion(), nil, true })
		r.Wake()
	}
	return answer, nil
}

// verify is trust's word on a pair of signed files.
func (r *Replica) verify(keysetFile, manifestFile []byte) (o offered, err error) {
	keyset, err := r.trust.Keyset(keysetFile)
	if err != nil {
		return o, fmt.Errorf("keyset: %w", err)
	}
	manifest, err := r.trust.Manifest(manifestFile)
	if err != nil {
		return o, fmt.Errorf("manifest: %w", err)
	}
	return offered{sha256.Sum256(manifestFile), manifest, manifestFile, keyset, keysetFile}, nil
}

// hasBrought reports whether a release was brought whole and waits to be applied.
func (r *Replica) hasBrought() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brought != nil
}

// wanted finds out what is missing of a release.
type wanted struct {
	replica *Replica
	have    map[[32]byte][]byte // pieces of the release that serves
	pieces  map[[32]byte]uint32
	answer  *syncv1.OfferResponse
}

// collect lists the missing pieces of the programme, of what is the server's own, and of what the customers are to be built from.
func (w *wanted) collect(m *bundlev1.Manifest) error {
	w.pieces = make(map[[32]byte]uint32)
	for _, small := range []struct {
		part *bundlev1.SealedPart
		kind bundlev1.PartKind
	}{
		{m.GetProgramme(), bundlev1.PartKind_PART_KIND_PROGRAMME},
		{m.GetStorePart(), bundlev1.PartKind_PART_KIND_STORE},
	} {
		if _, err := w.part(small.part, bundle.MaxMessage, small.kind); err != nil {
			return err
		}
	}
	tip := bundle.Tip(m.GetCustomers())
	if _, err := w.header(tip, bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA); err != nil {
		return err
	}
	return w.customers(w.replica.way(m))
}

func (w *wanted) customers(snapshot *bundlev1.SealedPart, changes []*bundlev1.DeltaPart) error {
	var parts []*openPart
	add := func(p *bundlev1.SealedPart, kind bundlev1.PartKind) error {
		open, err := w.part(p, w.replica.config.MaxFetch, kind)
		if open != nil {
			parts = append(parts, open)
		}
		return err
	}
	if snapshot != nil {
		if err := add(snapshot, bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT); err != nil {
			return err
		}
	}
	for _, d := range changes {
		if err := add(d.GetPart(), bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA); err != nil {
			return err
		}
	}
	if len(parts) == 0 {
		return nil
	}
	_, err := w.replica.room(parts)
	return err
}

// part lists what is missing of one part, of which at most so many bytes are taken. It answers the opened header, nil when that is missing itself.
func (w *wanted) part(p *bundlev1.SealedPart, atMost int64, kinds ...bundlev1.PartKind) (*openPart, error) {
	open, err := w.header(p, kinds...)
	if open == nil || err != nil {
		return nil, err
	}
	var total int64
	for _, c := range open.header.GetChunks() {
		if total += int64(c.GetLength()); total > atMost {
			return nil, fmt.Errorf("more than %d bytes: %w", atMost, bundle.ErrTooLarge)
		}
	}
	for _, c := range open.header.GetChunks() {
		w.want([32]byte(c.GetDigest()), c.GetLength())
	}
	return open, nil
}

// header opens a part's header when it is here, and wants it otherwise.
func (w *wanted) header(p *bundlev1.SealedPart, kinds ...bundlev1.PartKind) (*openPart, error) {
	if w.want([32]byte(p.GetHeaderDigest()), p.GetHeaderLength()) {
		return nil, nil
	}
	return w.replica.open(p, func(digest [32]byte, length int) ([]byte, error) {
		if data, ok := w.have[digest]; ok {
			return data, nil
		}
		return w.replica.local(digest, length)
	}, kinds...)
}

// want lists a piece unless it is here, and reports whether it is missing.
func (w *wanted) want(digest [32]byte, length uint32) bool {
	if data, ok := w.have[digest]; ok && len(data) == int(length) {
		return false
	}
	path := w.replica.downloadPath(digest)
	if stat, err := os.Stat(path); err == nil && stat.Size() == int64(length) {
		return false
	}
	if _, listed := w.pieces[digest]; listed {
		return true
	}
	w.pieces[digest] = length
	missing := &syncv1.MissingPiece{Digest: digest[:], Length: length}
	if stat, err := os.Stat(path + partial); err == nil && stat.Size() < int64(length) {
		missing.Have = uint32(stat.Size())
	}
	w.answer.MissingBytes += uint64(length - missing.GetHave())
	if len(w.answer.GetMissing()) < maxListed {
		w.answer.Missing = append(w.answer.Missing, missing)
	}
	return true
}

// Put takes bytes of a piece that the last offer found missing. A piece is complete once its last bytes have come and its digest holds; one whose
// digest does not hold is thrown away, and answered [bundle.ErrDamaged]. Errors besides: [ErrApplying], [ErrNotOffered], [ErrOffset], [ErrNoSpace].
func (r *Replica) Put(digest [32]byte, offset uint32, data []byte) (complete bool, err error) {
	if !r.mu.TryLock() {
		return false, ErrApplying
	}
	defer r.mu.Unlock()
	length, ok := r.expected[digest]
	if !ok {
		return false, fmt.Errorf("piece %s: %w", bundle.Name(digest), ErrNotOffered)
	}
	path := r.downloadPath(digest)
	if stat, err := os.Stat(path); err == nil && stat.Size() == int64(length) {
		return true, nil
	}
	if free, err := FreeSpace(r.config.Dir); err != nil || free < spare {
		return false, errors.Join(err, fmt.Errorf("%s: %d MiB free, %d MiB stay free: %w", r.config.Dir, free>>20, spare>>20, ErrNoSpace))
	}
	have, err := appendAt(path+partial, int64(offset), data, int64(length))
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return false, fmt.Errorf("piece %s: %w: %w", bundle.Name(digest), ErrNoSpace, err)
	case err != nil:
		return false, fmt.Errorf("piece %s: %w", bundle.Name(digest), err)
	case have < int64(length):
		return false, nil
	}
	whole, err := os.ReadFile(path + partial)
	if err != nil {
		return false, err
	}
	if sha256.Sum256(whole) != digest {
		return false, errors.Join(fmt.Errorf("piece %s: %w", bundle.Name(digest), bundle.ErrDamaged), os.Remove(path+partial))
	}
	return true, os.Rename(path+partial, path)
}

// appendAt adds bytes to a file that must end at the offset and must not grow beyond the limit, and answers how long it is then. What could not be
// written whole is taken back.
func appendAt(path string, offset int64, data []byte, limit int64) (int64, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if offset == 0 && end >= limit { // left by an offer that stated another length
		err = file.Truncate(0)
		end = 0
	}
	switch {
	case err != nil:
		return 0, err
	case end != offset:
		return end, fmt.Errorf("%d bytes are here, these begin at %d: %w", end, offset, ErrOffset)
	case end+int64(len(data)) > limit:
		return end, fmt.Errorf("%d bytes, it has %d: %w", end+int64(len(data)), limit, bundle.ErrTooLarge)
	}
	if _, err := file.WriteAt(data, offset); err != nil {
		return end, errors.Join(err, file.Truncate(end))
	}
	return end + int64(len(data)), nil
}
