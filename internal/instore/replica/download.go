package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

const (
	downloadFolder = "download"
	partial        = ".part"
	// fetches is how many pieces are fetched at once.
	fetches = 4
	// A piece must come at 16 KiB/s or faster, with 30 s for the rest: who gives less keeps a store from following. What came stays.
	slowest       = 16 << 10
	answerWithin  = 30 * time.Second
	wholeAttempts = 2
)

// errNoSource stands where no source was set.
var errNoSource = errors.New("no source of releases: neither a folder nor an address nor head office")

// fetchSigned fetches a small file, at most limit bytes of it.
func (r *Replica) fetchSigned(ctx context.Context, path string, kind bundlev1.SignedKind) ([]byte, error) {
	if r.config.Source == nil {
		return nil, errNoSource
	}
	limit := int64(bundle.MaxSigned(kind))
	ctx, cancel := context.WithTimeout(ctx, pieceTime(limit))
	defer cancel()
	body, err := r.config.Source.Fetch(ctx, path, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: more than %d bytes: %w", path, limit, bundle.ErrTooLarge)
	}
	return data, nil
}

func pieceTime(length int64) time.Duration {
	return answerWithin + time.Duration(length)*time.Second/slowest
}

// piece is a verified piece: from the downloads, or fetched into them.
func (r *Replica) piece(ctx context.Context, digest [32]byte, length int) ([]byte, error) {
	if err := r.download(ctx, digest, int64(length)); err != nil {
		return nil, err
	}
	return r.local(digest, length)
}

// local is a piece from the downloads. One that is not what it was when it was fetched is removed, so that it is fetched again.
func (r *Replica) local(digest [32]byte, _ int) ([]byte, error) {
	path := r.downloadPath(digest)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(data) != digest {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, bundle.ErrDamaged), os.Remove(path))
	}
	return data, nil
}

// downloadAll fetches all chunks of parts that are not there yet.
func (r *Replica) downloadAll(ctx context.Context, chunks []*bundlev1.Chunk) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for _, c := range chunks {
		group.Go(func() error { return r.download(ctx, [32]byte(c.GetDigest()), int64(c.GetLength())) })
	}
	return group.Wait()
}

// download fetches one piece, unless it is there. What an attempt that was cut off has brought is gone on from.
func (r *Replica) download(ctx context.Context, digest [32]byte, length int64) error {
	path := r.downloadPath(digest)
	if stat, err := os.Stat(path); err == nil && stat.Size() == length {
		return nil
	}
	for attempt := 1; ; attempt++ {
		resumed, err := r.fetchRest(ctx, digest, length)
		if err == nil {
			return os.Rename(path+partial, path)
		}
		// What an earlier attempt left may have been spoilt since: once more from the beginning.
		if !resumed || !errors.Is(err, bundle.ErrDamaged) || attempt == wholeAttempts {
			return fmt.Errorf("%s: %w", bundle.Path(digest), err)
		}
	}
}

// fetchRest completes the partial file and verifies it. It removes one that cannot become right.
func (r *Replica) fetchRest(ctx context.Context, digest [32]byte, length int64) (resumed bool, err error) {
	if r.config.Source == nil {
		return false, errNoSource
	}
	path := r.downloadPath(digest) + partial
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	have, err := io.Copy(h, io.LimitReader(file, length))
	if err != nil {
		return false, err
	}
	if have < length {
		got, err := r.fetchInto(ctx, io.MultiWriter(file, h), bundle.Path(digest), have, length)
		if err != nil {
			return have > 0, err
		}
		if have+got < length {
			return have > 0, fmt.Errorf("ends after %d of %d bytes: %w", have+got, length, io.ErrUnexpectedEOF)
		}
	}
	if [32]byte(h.Sum(nil)) != digest {
		return have > 0, errors.Join(fmt.Errorf("not the piece asked for: %w", bundle.ErrDamaged), os.Remove(path))
	}
	return have > 0, file.Truncate(length)
}

// fetchInto copies a file from an offset up to its length, and not a byte more.
func (r *Replica) fetchInto(ctx context.Context, to io.Writer, path string, offset, length int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, pieceTime(length-offset))
	defer cancel()
	body, err := r.config.Source.Fetch(ctx, path, offset)
	if err != nil {
		return 0, err
	}
	defer func() { _ = body.Close() }()
	return io.Copy(to, io.LimitReader(body, length-offset))
}

func (r *Replica) downloadPath(digest [32]byte) string {
	return filepath.Join(r.config.Dir, downloadFolder, bundle.Name(digest))
}

// clearDownloads removes all pieces, once what they were fetched for was built.
func (r *Replica) clearDownloads() error {
	dir := filepath.Join(r.config.Dir, downloadFolder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if removeErr := os.Remove(filepath.Join(dir, e.Name())); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

// missing is how many bytes of chunks are still to be fetched.
func (r *Replica) missing(chunks []*bundlev1.Chunk) (bytes int64) {
	for _, c := range chunks {
		if stat, err := os.Stat(r.downloadPath([32]byte(c.GetDigest()))); err != nil || stat.Size() != int64(c.GetLength()) {
			bytes += int64(c.GetLength())
		}
	}
	return bytes
}
