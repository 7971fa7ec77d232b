package replica_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// altered is a folder in which one file reads otherwise.
type altered struct {
	replica.Source
	path string
	data []byte
}

func (a altered) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	if path != a.path {
		return a.Source.Fetch(ctx, path, offset)
	}
	if offset > int64(len(a.data)) {
		offset = int64(len(a.data))
	}
	return io.NopCloser(bytes.NewReader(a.data[offset:])), nil
}

// swapped is a source that can be replaced.
type swapped struct{ replica.Source }

// refuses applies and expects to be refused with one of the errors, the version before serving on.
func (s *server) refuses(c *chain, what string, version uint64, balances map[int]int64, want ...error) {
	s.t.Helper()
	changed, err := s.Apply(context.Background())
	if changed || err == nil || !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) {
		s.t.Fatalf("%s: changed %v, %v; want %v", what, changed, err, want)
	}
	if !errors.Is(s.Status().Err, err) {
		s.t.Fatalf("%s: status says %v", what, s.Status().Err)
	}
	s.serves(c, version, balances)
}

// TestEveryByte changes, with the old release serving, every byte of keyset and manifest, and of each piece the first and last 64 bytes and a thousand
// more: always refused, by the name of the file, the old release serving on. What is untouched is then applied.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		second func(c *chain) // what the second publication is cut from
		pieces int            // fetched for it: headers and chunks of programme and customers
	}{
		{"changes", func(c *chain) {
			for n := range 3000 {
				c.balances[n] += 5
			}
		}, 4},
		{"snapshot", func(c *chain) {
			if err := os.RemoveAll(filepath.Join(c.dir, "state")); err != nil {
				t.Fatal(err)
			}
			c.balances[1] = 7
		}, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, 8000)
			s := c.server("amsterdam-1")
			source := &swapped{replica.Folder(c.bundles())}
			s.source = source
			s.open()
			defer s.stop()
			c.publish()
			s.apply()
			old := clone(c.balances)
			tc.second(c)
			c.programme.Chain = "second"
			c.publish()

			fetched := c.fetchedBy(s)
			random := rand.New(rand.NewPCG(4, 4))
			for _, path := range fetched {
				good := c.read(path)
				want := []error{bundle.ErrDamaged}
				places := somePlaces(len(good), random)
				if !strings.HasPrefix(path, "chunks/") {
					want = []error{bundle.ErrSignature, bundle.ErrDamaged, bundle.ErrTooLarge}
					places = places[:0]
					for place := range good {
						places = append(places, place)
					}
				}
				for _, place := range places {
					bad := bytes.Clone(good)
					bad[place] ^= byte(1 + random.IntN(255))
					s.forget(path)
					source.Source = altered{replica.Folder(c.bundles()), path, bad}
					changed, err := s.Apply(context.Background())
					if changed || !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) || !strings.Contains(err.Error(), path) {
						t.Fatalf("%s, byte %d: changed %v, %v", path, place, changed, err)
					}
				}
				s.serves(c, 1, old)
			}
			if pieces := len(fetched) - 2; pieces < tc.pieces {
				t.Errorf("only %d pieces were fetched, want %d", pieces, tc.pieces)
			}
			source.Source = replica.Folder(c.bundles())
			s.apply()
			s.serves(c, 2, c.balances)
		})
	}
}

// somePlaces is the first and last 64 bytes of a file and a thousand more.
func somePlaces(length int, random *rand.Rand) (places []int) {
	for i := range min(64, length) {
		places = append(places, i, length-1-i)
	}
	for range 1000 {
		places = append(places, random.IntN(length))
	}
	return places
}

func (c *chain) read(path string) []byte {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.bundles(), path))
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// recorded is a source that remembers what was asked for.
type recorded struct {
	replica.Source
	mu    sync.Mutex
	paths []string
}

func (r *recorded) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths = append(r.paths, path)
	return r.Source.Fetch(ctx, path, offset)
}

// fetchedBy is what a copy of a server fetches to follow.
func (c *chain) fetchedBy(s *server) []string {
	c.t.Helper()
	source := &recorded{Source: replica.Folder(c.bundles())}
	twin := &server{t: s.t, enrolment: s.enrolment, dir: c.t.TempDir(), source: source, now: s.now, log: s.log}
	if err := os.CopyFS(twin.dir, os.DirFS(s.dir)); err != nil {
		c.t.Fatal(err)
	}
	twin.open()
	defer twin.stop()
	twin.apply()
	return source.paths
}

// forget has a piece fetched again.
func (s *server) forget(path string) {
	for _, suffix := range []string{"", ".part"} {
		os.Remove(filepath.Join(s.dir, "releases", "download", filepath.Base(path)+suffix))
	}
}

// TestRefused shows a server what is signed, whole, and not for it.
func TestRefused(t *testing.T) {
	t.Parallel()
	c := newChain(t, 50)
	s := c.server("amsterdam-1")
	source := &swapped{replica.Folder(c.bundles())}
	s.source = source
	s.open()
	defer s.stop()
	c.enrol("amsterdam-2")
	c.publish()
	first := c.read(bundle.ManifestPath("amsterdam-1"))
	c.balances[1] = 77
	c.publish()
	s.apply()
	old := clone(c.balances)

	foreign := newChain(t, 50)
	foreign.enrol("amsterdam-1")
	foreign.publish()
	foreign.publish()
	foreign.publish()
	own := replica.Folder(c.bundles())
	manifest := bundle.ManifestPath("amsterdam-1")
	for _, tc := range []struct {
		name   string
		source replica.Source
		want   error
	}{
		{"an older version", altered{own, manifest, first}, bundle.ErrOlder},
		{"another server's manifest", altered{own, manifest, c.read(bundle.ManifestPath("amsterdam-2"))}, bundle.ErrWrongServer},
		{"another chain's keyset and manifest", replica.Folder(foreign.bundles()), bundle.ErrSignature},
		{"another chain's manifest", altered{own, manifest, foreign.read(manifest)}, bundle.ErrSignature},
		{"a keyset as a manifest", altered{own, manifest, c.read(bundle.KeysetPath)}, bundle.ErrSignature},
		{"endless data", altered{own, manifest, make([]byte, 64<<20)}, bundle.ErrTooLarge},
		{"no manifest", replica.Folder(t.TempDir()), replica.ErrNotFound},
	} {
		source.Source = tc.source
		s.refuses(c, tc.name, 2, old, tc.want)
	}

	// The same after a restart: what was trusted is remembered.
	s.stop()
	source.Source = altered{own, manifest, first}
	s.open()
	s.refuses(c, "an older version after a restart", 2, old, bundle.ErrOlder)

	// And with a folder that was lost: the version is kept elsewhere.
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "releases")); err != nil {
		t.Fatal(err)
	}
	s.open()
	if _, err := s.Apply(context.Background()); !errors.Is(err, bundle.ErrOlder) {
		t.Fatalf("an older version into an empty folder: %v", err)
	}
	source.Source = own
	s.apply()
	s.serves(c, 2, old)
}

// TestProgrammeRefused keeps the old release when this server cannot work with the new programme, and takes the next one it can.
func TestProgrammeRefused(t *testing.T) {
	t.Parallel()
	c := newChain(t, 50)
	s := c.server("amsterdam-1")
	broken := errors.New("unknown condition")
	s.prepare = func(p *programmev1.Programme) (any, error) {
		if p.GetChain() == "bad" {
			return nil, broken
		}
		return p.GetChain(), nil
	}
	s.open()
	defer s.stop()
	c.publish()
	s.apply()
	old := clone(c.balances)
	c.programme.Chain = "bad"
	c.balances[1] = 5
	c.publish()
	s.refuses(c, "a programme that does not compile", 1, old, replica.ErrProgramme)
	s.refuses(c, "again", 1, old, broken)

	s.stop()
	s.open()
	s.serves(c, 1, old)
	c.programme.Chain = "good"
	c.publish()
	s.apply()
	s.serves(c, 3, c.balances)
	r, done, _ := s.Active().Acquire()
	defer done()
	if r.Prepared != "good" {
		t.Errorf("prepared %v", r.Prepared)
	}
}

// TestResume cuts every connection after a few bytes: what came stays, and the release is complete in the end.
func TestResume(t *testing.T) {
	t.Parallel()
	c := newChain(t, 5000)
	s := c.server("amsterdam-1")
	c.publish()
	source := &cutting{Source: replica.Folder(c.bundles()), after: 20_000}
	s.source = source
	s.open()
	defer s.stop()
	attempts := 1
	for ; attempts < 1000; attempts++ {
		if changed, err := s.Apply(context.Background()); changed {
			break
		} else if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	s.serves(c, 1, c.balances)
	if whole := c.bytes(); source.sent > whole+int64(attempts)*8000 {
		t.Errorf("%d bytes were sent in %d attempts for a release of %d", source.sent, attempts, whole)
	}
	t.Logf("%d attempts", attempts)
}

// cutting is a source whose connections break after so many bytes.
type cutting struct {
	replica.Source
	after int64
	mu    sync.Mutex
	sent  int64
}

func (c *cutting) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	body, err := c.Source.Fetch(ctx, path, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, c.after))
	c.mu.Lock()
	c.sent += int64(len(data))
	c.mu.Unlock()
	return io.NopCloser(bytes.NewReader(data)), err
}

func (c *chain) bytes() (total int64) {
	if err := filepath.WalkDir(c.bundles(), func(_ string, d os.DirEntry, err error) error {
		if info, infoErr := d.Info(); err == nil && infoErr == nil && !d.IsDir() {
			total += info.Size()
		}
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
	return total
}

// TestSpoiltDownload finds pieces on the disk that are not what they were: each is fetched again.
func TestSpoiltDownload(t *testing.T) {
	t.Parallel()
	c := newChain(t, 5000)
	s := c.server("amsterdam-1")
	c.publish()
	source := &swapped{&cutting{Source: replica.Folder(c.bundles()), after: 60_000}}
	s.source = source
	s.open()
	defer s.stop()
	if _, err := s.Apply(context.Background()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	spoilt := 0
	downloads := filepath.Join(s.dir, "releases", "download")
	entries, err := os.ReadDir(downloads)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(downloads, e.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 0 {
			data[len(data)/2] ^= 1
			spoilt++
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source.Source = replica.Folder(c.bundles())
	for range spoilt + 1 {
		if _, err = s.Apply(context.Background()); err == nil {
			break
		}
		if !errors.Is(err, bundle.ErrDamaged) {
			t.Fatal(err)
		}
	}
	if spoilt == 0 || err != nil {
		t.Fatalf("%d spoilt, %v", spoilt, err)
	}
	s.serves(c, 1, c.balances)
	if left, err := os.ReadDir(downloads); err != nil || len(left) > 0 {
		t.Errorf("%d pieces left, %v", len(left), err)
	}
}

// TestTooLarge fetches no more than the setting allows.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	c := newChain(t, 500)
	s := c.server("amsterdam-1")
	c.publish()
	config := s.config()
	config.MaxFetch = 1000
	r, err := replica.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeJournal()
	defer r.Close()
	if _, err := r.Apply(context.Background()); !errors.Is(err, bundle.ErrTooLarge) {
		t.Fatal(err)
	}
}

// TestNothingServes starts with an empty folder and no source: nothing serves, and the error says why.
func TestNothingServes(t *testing.T) {
	t.Parallel()
	c := newChain(t, 1)
	s := c.server("amsterdam-1")
	s.source = nil
	s.open()
	defer s.stop()
	if _, _, ok := s.Active().Acquire(); ok {
		t.Error("something serves")
	}
	if _, err := s.Apply(context.Background()); err == nil {
		t.Error("applied from nowhere")
	}
	wrong := s.config()
	wrong.Enrolment = nil
	if _, err := replica.Open(context.Background(), wrong); !errors.Is(err, bundle.ErrDamaged) {
		t.Errorf("no enrolment: %v", err)
	}
	if _, err := replica.Open(context.Background(), replica.Config{}); !errors.Is(err, replica.ErrConfig) {
		t.Errorf("no settings: %v", err)
	}
}
