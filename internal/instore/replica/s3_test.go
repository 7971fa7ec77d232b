package replica_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// bucket is a server that speaks S3, over a real socket, and counts what is asked of it.
type bucket struct {
	*httptest.Server
	ranged, puts atomic.Int64
	breakAfter   atomic.Int64 // bytes after which a GET of a chunk is cut off; 0 for never
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("chain"); err != nil {
		t.Fatal(err)
	}
	b, s3 := &bucket{}, gofakes3.New(backend).Server()
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			b.puts.Add(1)
		case r.Header.Get("Range") != "":
			b.ranged.Add(1)
		}
		if limit := b.breakAfter.Load(); limit > 0 && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/chunks/") && r.Header.Get("Range") == "" {
			w = &cutShort{ResponseWriter: w, rest: limit}
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "something")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return b
}

// cutShort is a line that breaks.
type cutShort struct {
	http.ResponseWriter
	rest int64
}

// Write sends what the line still takes.
func (c *cutShort) Write(b []byte) (int, error) {
	if int64(len(b)) > c.rest {
		_, _ = c.ResponseWriter.Write(b[:c.rest])
		panic(http.ErrAbortHandler)
	}
	c.rest -= int64(len(b))
	return c.ResponseWriter.Write(b)
}

// target is the bucket as head office names it.
func (b *bucket) target() string {
	q := url.Values{
		"endpoint": {b.URL}, "region": {"eu-1"}, "use_path_style": {"true"}, "disable_https": {"true"},
		"request_checksum_calculation": {"when_required"}, "response_checksum_validation": {"when_required"},
	}
	return "s3://chain?" + q.Encode()
}

func (c *chain) publishTo(target string) {
	c.t.Helper()
	if _, err := publisher.Publish(context.Background(), publisher.Inputs{
		Programme: c.programme, Accounts: c.accounts(), Identifiers: c.identifiers(), DataAsOf: c.now,
	}, publisher.Target{Keys: c.keys, StateDir: filepath.Join(c.dir, "state"), Bundles: target, Now: c.now}); err != nil {
		c.t.Fatal(err)
	}
}

// TestBucket publishes releases into an object store and has a server pull them from there by GET and Range: a first one over a line that breaks in
// every chunk, then changes.
func TestBucket(t *testing.T) {
	b := newBucket(t)
	c := newChain(t, 30_000)
	s := c.server("utrecht-1")
	c.publishTo(b.target())
	if b.puts.Load() < 5 {
		t.Fatalf("only %d files were put", b.puts.Load())
	}
	source, err := replica.HTTPS(b.URL+"/chain", b.Client())
	if err != nil {
		t.Fatal(err)
	}
	s.source = source
	s.open()
	defer s.stop()
	b.breakAfter.Store(40_000)
	for range 3 {
		if changed, err := s.Apply(t.Context()); err == nil && changed {
			break // the last pieces may all be shorter
		}
	}
	if b.ranged.Load() == 0 {
		t.Error("nothing was resumed by Range")
	}
	b.breakAfter.Store(0)
	if _, err := s.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.serves(c, 1, c.balances)
	c.balances[7] = 1
	c.balances[30_001] = 5
	c.publishTo(b.target())
	s.apply()
	s.serves(c, 2, c.balances)
}
