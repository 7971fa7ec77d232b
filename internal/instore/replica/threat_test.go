package replica_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// The threats to a store that follows head office over a line it does not trust, each shown to a real server with a real publication before it. The
// table of them is docs/threats.md. Those that need head office's keys stand in package bundle.

// threatened is a server that serves the second of two releases, and takes from then on what the attacker brings.
func threatened(t *testing.T) (c *chain, s *server, attacker *swapped, first []byte) {
	t.Helper()
	c = newChain(t, 200)
	s = c.server("amsterdam-1")
	c.enrol("amsterdam-2")
	attacker = &swapped{replica.Folder(c.bundles())}
	s.source = attacker
	s.open()
	t.Cleanup(func() { s.stop() })
	c.publish()
	first = c.read(bundle.ManifestPath("amsterdam-1"))
	c.balances[1] = 77
	c.publish()
	s.apply()
	return c, s, attacker, first
}

// sealed are the paths of all sealed pieces at head office.
func (c *chain) sealed() (paths []string) {
	c.t.Helper()
	found, err := filepath.Glob(filepath.Join(c.bundles(), "chunks", "*", "*"))
	if err != nil || len(found) == 0 {
		c.t.Fatalf("no pieces: %v", err)
	}
	for _, f := range found {
		rel, err := filepath.Rel(c.bundles(), f)
		if err != nil {
			c.t.Fatal(err)
		}
		paths = append(paths, filepath.ToSlash(rel))
	}
	return paths
}

// published publishes once more, with every customer changed, and returns the pieces a server fetches for it.
func (c *chain) published(s *server) (needed []string) {
	c.t.Helper()
	for n := range c.balances {
		c.balances[n]++
	}
	c.publish()
	for _, path := range c.fetchedBy(s) {
		if strings.HasPrefix(path, "chunks/") {
			needed = append(needed, path)
		}
	}
	if len(needed) == 0 {
		c.t.Fatal("no piece is needed for the new release")
	}
	return needed
}

// TestThreatArbitrary brings what head office never made: another chain's release, another chain's manifest, and changed pieces.
func TestThreatArbitrary(t *testing.T) {
	t.Parallel()
	c, s, attacker, _ := threatened(t)
	foreign := newChain(t, 200)
	foreign.enrol("amsterdam-1")
	for range 3 {
		foreign.publish()
	}
	own, manifest, old := replica.Folder(c.bundles()), bundle.ManifestPath("amsterdam-1"), clone(c.balances)
	attacker.Source = replica.Folder(foreign.bundles())
	s.refuses(c, "another chain's release", 2, old, bundle.ErrSignature)
	attacker.Source = altered{own, manifest, foreign.read(manifest)}
	s.refuses(c, "another chain's manifest", 2, old, bundle.ErrSignature)
	for _, path := range c.published(s) {
		s.forget(path)
		attacker.Source = altered{own, path, bytes.Repeat([]byte{7}, len(c.read(path)))}
		s.refuses(c, "a piece of an attacker's", 2, old, bundle.ErrDamaged)
	}
	attacker.Source = own
	s.apply()
	s.serves(c, 3, c.balances)
}

// TestThreatRollback brings an older release again: at once, after a restart, and after the folder with all releases was lost.
func TestThreatRollback(t *testing.T) {
	t.Parallel()
	c, s, attacker, first := threatened(t)
	own, older := replica.Folder(c.bundles()), altered{replica.Folder(c.bundles()), bundle.ManifestPath("amsterdam-1"), first}
	attacker.Source = older
	s.refuses(c, "an older version", 2, c.balances, bundle.ErrOlder)
	s.stop()
	s.open()
	s.refuses(c, "after a restart", 2, c.balances, bundle.ErrOlder)
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "releases")); err != nil {
		t.Fatal(err)
	}
	s.open()
	if _, err := s.Apply(context.Background()); !errors.Is(err, bundle.ErrOlder) {
		t.Fatalf("into an empty folder: %v", err)
	}
	attacker.Source = own
	s.apply()
	s.serves(c, 2, c.balances)
}

// TestThreatFreeze brings the same release for ever: the store goes on serving, and says that it is stale.
func TestThreatFreeze(t *testing.T) {
	t.Parallel()
	c, s, attacker, _ := threatened(t)
	frozen := t.TempDir()
	if err := os.CopyFS(frozen, os.DirFS(c.bundles())); err != nil {
		t.Fatal(err)
	}
	old := clone(c.balances)
	c.published(s)
	attacker.Source = replica.Folder(frozen)
	if changed, err := s.Apply(context.Background()); changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if status := s.Status(); status.Stale(c.now) || !status.Stale(c.now.AddDate(0, 1, 0)) {
		t.Errorf("stale today %v, in a month %v", status.Stale(c.now), status.Stale(c.now.AddDate(0, 1, 0)))
	}
	s.serves(c, 2, old)
}

// TestThreatMixAndMatch brings the newest manifest with pieces of other releases under the names of its own.
func TestThreatMixAndMatch(t *testing.T) {
	t.Parallel()
	c, s, attacker, _ := threatened(t)
	old, before := clone(c.balances), c.sealed()
	own := replica.Folder(c.bundles())
	for _, path := range c.published(s) {
		for _, other := range before {
			s.forget(path)
			attacker.Source = altered{own, path, c.read(other)}
			s.refuses(c, other+" for "+path, 2, old, bundle.ErrDamaged, io.ErrUnexpectedEOF)
		}
		s.forget(path)
	}
	attacker.Source = own
	s.apply()
	s.serves(c, 3, c.balances)
}

// endless is a file that does not end.
type endless struct {
	replica.Source
	path string
	sent int64
}

func (e *endless) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	if path != e.path {
		return e.Source.Fetch(ctx, path, offset)
	}
	return io.NopCloser(e), nil
}

func (e *endless) Read(b []byte) (int, error) {
	if e.sent += int64(len(b)); e.sent > 1<<30 {
		return 0, errors.New("a gigabyte was read")
	}
	return len(b), nil
}

// TestThreatEndlessData brings a manifest, a keyset and pieces that do not end: little is read, and less kept. It measures memory, so it runs alone.
func TestThreatEndlessData(t *testing.T) {
	c, s, attacker, _ := threatened(t)
	old := clone(c.balances)
	paths := append(c.published(s), bundle.KeysetPath, bundle.ManifestPath("amsterdam-1"))
	for _, path := range paths {
		s.forget(path)
		source := &endless{Source: replica.Folder(c.bundles()), path: path}
		attacker.Source = source
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		changed, err := s.Apply(context.Background())
		runtime.ReadMemStats(&after)
		if changed || !errors.Is(err, bundle.ErrTooLarge) && !errors.Is(err, bundle.ErrDamaged) {
			t.Fatalf("%s: changed %v, %v", path, changed, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; source.sent > 2<<20 || took > 64<<20 {
			t.Errorf("%s: %d bytes read, %d allocated", path, source.sent, took)
		}
		s.serves(c, 2, old)
	}
}

// TestThreatWrongServer brings another server's manifest, signed by head office and newer.
func TestThreatWrongServer(t *testing.T) {
	t.Parallel()
	c, s, attacker, _ := threatened(t)
	old := clone(c.balances)
	c.published(s)
	attacker.Source = altered{replica.Folder(c.bundles()), bundle.ManifestPath("amsterdam-1"), c.read(bundle.ManifestPath("amsterdam-2"))}
	s.refuses(c, "another server's manifest", 2, old, bundle.ErrWrongServer)
}
