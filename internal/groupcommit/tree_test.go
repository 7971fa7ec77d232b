package groupcommit_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/groupcommit"
)

const treePage = 4096

func treeOptions() bbolt.Options {
	return bbolt.Options{PageSize: treePage, FreelistType: bbolt.FreelistMapType, NoSync: true}
}

// grown is a file that a workload of random writes and removals made, through many openings, each of which must find nothing wrong with it.
func grown(tb testing.TB, path string, rounds int) {
	tb.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	for round := range rounds {
		db, err := groupcommit.Open(path, treeOptions())
		if err != nil {
			tb.Fatalf("round %d: a file in good order is refused: %v", round, err)
		}
		for range 4 {
			if err := db.Update(func(tx *bbolt.Tx) error { return someWrites(tx, random) }); err != nil {
				tb.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

func someWrites(tx *bbolt.Tx, random *rand.Rand) error {
	for _, name := range []string{"rows", "ids", "few"} {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		for range 300 {
			key := binary.BigEndian.AppendUint64(nil, random.Uint64N(4000))
			switch {
			case name == "few" && random.IntN(100) > 0: // stays within the directory's page
			case random.IntN(3) == 0:
				err = b.Delete(key)
			default:
				err = b.Put(key, make([]byte, random.IntN(300)+random.IntN(50)/49*9000)) // some run on over pages
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// TestOpenFindsNothingWrong: what bbolt itself made is never refused, whatever was written and removed.
func TestOpenFindsNothingWrong(t *testing.T) {
	t.Parallel()
	grown(t, filepath.Join(t.TempDir(), "good.db"), 60)
}

// branches are the pages of a file that lead to others.
func branches(file []byte) (pages []int) {
	for n := 2; n < len(file)/treePage; n++ {
		page := file[n*treePage:]
		if binary.NativeEndian.Uint64(page) == uint64(n) && binary.NativeEndian.Uint16(page[8:]) == 0x01 {
			pages = append(pages, n)
		}
	}
	return pages
}

// TestOpenRefusesWhatLeadsAstray has each way down in each branch page lead somewhere else: to itself, to another way's page, to the file's
// beginning, out of the file. bbolt would go round in a circle, which ends the process. Open refuses, in reasonable time; where the page is a free
// one, nothing is wrong.
func TestOpenRefusesWhatLeadsAstray(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "good.db")
	grown(t, path, 6)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages := branches(good)
	if len(pages) < 5 {
		t.Fatalf("only %d pages lead to others", len(pages))
	}
	bad := filepath.Join(t.TempDir(), "bad.db")
	refused, free := 0, 0
	for _, n := range pages {
		elements := int(binary.NativeEndian.Uint16(good[n*treePage+10:]))
		for _, to := range []int{n, pages[0], pages[len(pages)-1], 0, 1, len(good) / treePage, 1 << 40} {
			file := slices.Clone(good)
			element := []int{0, elements / 2, elements - 1}[refused%3]
			binary.NativeEndian.PutUint64(file[n*treePage+16+16*element+8:], uint64(to))
			if err := os.WriteFile(bad, file, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := groupcommit.Open(bad, treeOptions())
			switch {
			case errors.Is(err, groupcommit.ErrDamaged):
				refused++
			case err != nil:
				t.Errorf("page %d leads to page %d: %v", n, to, err)
			default:
				if err := whole(db); err != nil {
					t.Errorf("page %d leads to page %d: opened, and then %v", n, to, err)
				}
				free++
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Logf("%d pages that lead to others; %d faults refused, %d in pages that are free", len(pages), refused, free)
	if refused < len(pages) {
		t.Errorf("only %d faults were refused", refused)
	}
}

// whole has bbolt itself go through everything.
func whole(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		return nil
	})
}

// TestOpenRefusesListThatDoesNotFit: a number of free pages beyond the page would have bbolt ask for more memory than there is, which ends the process.
func TestOpenRefusesListThatDoesNotFit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "good.db")
	grown(t, path, 3)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for n := 2; n < len(file)/treePage; n++ {
		page := file[n*treePage:]
		if binary.NativeEndian.Uint64(page) != uint64(n) || binary.NativeEndian.Uint16(page[8:]) != 0x10 {
			continue
		}
		binary.NativeEndian.PutUint16(page[10:], 0xFFFF)
		binary.NativeEndian.PutUint64(page[16:], 1<<42)
		changed++
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := groupcommit.Open(path, treeOptions()); changed == 0 || !errors.Is(err, groupcommit.ErrDamaged) {
		t.Errorf("%d lists changed: %v", changed, err)
	}
}

// FuzzTree changes any bytes of the pages that lead to others: Open answers, and whoever goes through what it opened comes to an end, or panics as
// bbolt does over a page that is not what it was led to. What nobody could catch is a circle.
func FuzzTree(f *testing.F) {
	path := filepath.Join(f.TempDir(), "good.db")
	grown(f, path, 2)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	pages := branches(good)
	f.Add(uint16(0), uint16(24), []byte{1})
	f.Add(uint16(1), uint16(8), []byte{0x10})
	f.Add(uint16(2), uint16(10), []byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, which, at uint16, change []byte) {
		file := slices.Clone(good)
		page := file[pages[int(which)%len(pages)]*treePage:][:treePage]
		for i := range min(len(change), 64) {
			page[(int(at)+i)%treePage] ^= change[i]
		}
		bad := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(bad, file, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := groupcommit.Open(bad, treeOptions())
		if errors.Is(err, groupcommit.ErrDamaged) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := keysOf(db); n > 100_000 {
			t.Errorf("no end after %d keys", n)
		}
	})
}

// keysOf goes through all keys of a file, until it cannot.
func keysOf(db *bbolt.DB) (n int) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, err := db.Begin(false)
	if err != nil {
		return 0
	}
	defer db.Close()
	defer tx.Rollback()
	defer func() { _ = recover() }()
	_ = tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		c := b.Cursor()
		for key, _ := c.First(); key != nil && n <= 100_000; n++ {
			key, _ = c.Next()
		}
		return nil
	})
	return n
}
