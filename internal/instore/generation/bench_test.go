package generation_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// million is how many accounts the benchmarks look among, with as many identifiers.
const million = 1_000_000

// BenchmarkLookup reads accounts and identifiers, in random order, out of a million each, from one goroutine and from all.
func BenchmarkLookup(b *testing.B) {
	dir := b.TempDir()
	f := open(b, dir, build(b, dir, state(b, million)))
	r := release(b, f, 1)
	defer r.Drop()
	random := rand.New(rand.NewPCG(1, 1))
	keys := make([][16]byte, 1<<16)
	hashes := make([][16]byte, len(keys))
	for i := range keys {
		n := random.IntN(million)
		keys[i], hashes[i] = key(bundle.KindAccount, n), key(bundle.KindIdentifier, n)
	}
	unknown := make([][16]byte, len(keys))
	for i := range unknown {
		unknown[i] = key(bundle.KindIdentifier, million+i)
	}
	if err := f.Check(context.Background()); err != nil {
		b.Fatal(err)
	}
	for i := range keys { // so that the pages are mapped, as they are in a shop after the first customers
		_, accountErr := r.Account(keys[i])
		_, identifierErr := r.Identifier(hashes[i])
		if accountErr != nil || identifierErr != nil {
			b.Fatal(accountErr, identifierErr)
		}
	}
	b.Run("account", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := r.Account(keys[i%len(keys)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("identifier", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := r.Identifier(hashes[i%len(hashes)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unknown", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := r.Identifier(unknown[i%len(unknown)]); err == nil {
				b.Fatal("found")
			}
		}
	})
	b.Run("account/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(len(keys)); pb.Next(); i++ {
				if _, err := r.Account(keys[i%len(keys)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkBuild builds a file of a million accounts and as many identifiers, and, for comparison, loads the same bytes, sorted, into a bare bbolt.
func BenchmarkBuild(b *testing.B) {
	list := state(b, million)
	want := digest(b, stream(list))
	b.Run("generation", func(b *testing.B) {
		for b.Loop() {
			info, err := generation.Build(context.Background(), generation.BuildOptions{Dir: b.TempDir(), DataKey: dataKey, State: want}, stream(list))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Length), "bytes")
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			bareLoad(b, filepath.Join(b.TempDir(), "bare.db"), list)
		}
	})
}

func bareLoad(b *testing.B, path string, list []bundle.Record) {
	b.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, PageSize: 4096, InitialMmapSize: 1 << 30,
	})
	if err != nil {
		b.Fatal(err)
	}
	for part := range slices.Chunk(list, 10_000) {
		if err := db.Update(func(tx *bbolt.Tx) error {
			for _, r := range part {
				bucket, err := tx.CreateBucketIfNotExists([]byte{byte(r.Kind)})
				if err != nil {
					return err
				}
				bucket.FillPercent = 1
				if err := bucket.Put(r.Key, r.Value); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Sync(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
