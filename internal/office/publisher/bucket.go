package publisher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // buckets named s3://…
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/stamklant/stamklant/internal/bundle"
)

// openBucket opens where stores read: a folder, or a bucket's URL.
func openBucket(ctx context.Context, bundles string) (*blob.Bucket, error) {
	if strings.Contains(bundles, "://") {
		bucket, err := blob.OpenBucket(ctx, bundles)
		if err != nil {
			return nil, fmt.Errorf("bundles %s: %w", bundles, err)
		}
		return bucket, nil
	}
	dir, err := filepath.Abs(bundles)
	if err != nil {
		return nil, fmt.Errorf("bundles %s: %w", bundles, err)
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true, NoTempDir: true, DirFileMode: 0o755, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("bundles %s: %w", bundles, err)
	}
	return bucket, nil
}

// uploads is how many pieces are written at once: a bucket far away answers slowly, but many at a time.
const uploads = 8

// pieces writes the pieces of parts, several at a time. [pieces.wait] must be called before anything names them.
type pieces struct {
	ctx    context.Context
	bucket *blob.Bucket
	group  *errgroup.Group
	count  int
	bytes  int64
}

func newPieces(ctx context.Context, bucket *blob.Bucket) *pieces {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	return &pieces{ctx: ctx, bucket: bucket, group: group}
}

func (p *pieces) put(digest [32]byte, data []byte) error {
	if err := p.ctx.Err(); err != nil {
		return context.Cause(p.ctx)
	}
	p.count++
	p.bytes += int64(len(data))
	p.group.Go(func() error {
		return write(p.ctx, p.bucket, bundle.Path(digest), data)
	})
	return nil
}

func (p *pieces) wait() error { return p.group.Wait() }

func write(ctx context.Context, bucket *blob.Bucket, path string, data []byte) error {
	if err := bucket.WriteAll(ctx, path, data, &blob.WriterOptions{ContentType: "application/octet-stream"}); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// read reads a small file; nil where there is none.
func read(ctx context.Context, bucket *blob.Bucket, path string) ([]byte, error) {
	data, err := bucket.ReadAll(ctx, path)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// removePieces removes what no manifest names any more. A piece that is gone already is no error.
func removePieces(ctx context.Context, bucket *blob.Bucket, names []string) error {
	var all error
	for _, name := range names {
		if len(name) < 2 {
			continue
		}
		err := bucket.Delete(ctx, "chunks/"+name[:2]+"/"+name)
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			all = errors.Join(all, fmt.Errorf("remove piece %s: %w", name, err))
		}
	}
	return all
}
