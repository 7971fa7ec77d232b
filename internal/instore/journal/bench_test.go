package journal_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// BenchmarkView is what a lookup pays: one read transaction and the local points of an account, among 20,000 receipts on 2,000 accounts.
func BenchmarkView(b *testing.B) {
	j := open(b, file(b))
	var wg sync.WaitGroup
	for till := range 50 {
		wg.Go(func() {
			for i := range 400 {
				var account [16]byte
				account[0], account[1], account[2] = byte(i*7), byte(i%200/50), byte(till%10)
				record(b, j, request(fmt.Sprint(till, "-", i), account, 1))
			}
		})
	}
	wg.Wait()
	after := func([16]byte) uint64 { return 5 }
	for _, tc := range []struct {
		name    string
		account func(i int) [16]byte
	}{
		{"some", func(i int) [16]byte { return [16]byte{byte(i % 400 * 7), byte(i % 400 % 200 / 50), byte(i % 10)} }},
		{"none", func(i int) [16]byte { return [16]byte{byte(i), byte(i >> 8), 99} }},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			var sum int64
			for i := range b.N {
				err := j.View(func(v *journal.View) error {
					n, err := v.LocalPoints(tc.account(i), after)
					sum += n
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if tc.name == "some" && sum == 0 {
				b.Error("found nothing")
			}
		})
	}
}

// BenchmarkRecord compares recording a receipt with one synced bbolt Update of the same bytes, from one till and from sixteen.
func BenchmarkRecord(b *testing.B) {
	var no atomic.Int64
	for _, tills := range []int{1, 16} {
		b.Run(fmt.Sprintf("update/tills=%d", tills), func(b *testing.B) {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			value := make([]byte, 700)
			spread(b, tills, func() error {
				return db.Update(func(tx *bbolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("rows"))
					if err != nil {
						return err
					}
					return bucket.Put(fmt.Append(nil, no.Add(1)), value)
				})
			})
		})
		b.Run(fmt.Sprintf("record/tills=%d", tills), func(b *testing.B) {
			j := open(b, file(b))
			spread(b, tills, func() error {
				n := no.Add(1)
				_, err := j.Record(b.Context(), request(fmt.Sprint(n), subject(int(n)), 1))
				return err
			})
		})
	}
}

// spread runs b.N times, from several tills at once.
func spread(b *testing.B, tills int, run func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range tills {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := run(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkDrain is reading, proving and confirming rows as the outbox does.
func BenchmarkDrain(b *testing.B) {
	j := open(b, file(b))
	var wg sync.WaitGroup
	for till := range 64 {
		wg.Go(func() {
			for i := till; i < b.N; i += 64 {
				record(b, j, request(fmt.Sprint(i), subject(i), 1))
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	deliver(b, j)
}
