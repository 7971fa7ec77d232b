package journal_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// state is the files of a journal as they were.
type state struct{ journal, seal []byte }

func save(tb testing.TB, path string) state {
	tb.Helper()
	j, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := os.ReadFile(path + ".seal")
	if err != nil {
		tb.Fatal(err)
	}
	return state{j, s}
}

func write(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// TestPutBack opens journals that are, in some way, not what this machine last had, and expects a new incarnation in each case and only then.
func TestPutBack(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(t *testing.T, path string, old state) journal.Config
		anew bool
	}{
		{"a plain restart", func(*testing.T, string, state) journal.Config { return config() }, false},
		{"an older copy of the file", func(t *testing.T, path string, old state) journal.Config {
			t.Helper()
			write(t, path, old.journal)
			return config()
		}, true},
		{"the seal is gone", func(t *testing.T, path string, _ state) journal.Config {
			t.Helper()
			if err := os.Remove(path + ".seal"); err != nil {
				t.Fatal(err)
			}
			return config()
		}, true},
		{"the seal is damaged", func(t *testing.T, path string, old state) journal.Config {
			t.Helper()
			bad := bytes.Clone(old.seal)
			bad[10] ^= 1
			write(t, path+".seal", bad)
			return config()
		}, true},
		{"another machine", func(*testing.T, string, state) journal.Config {
			cfg := config()
			cfg.MachineID = "another machine"
			return cfg
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := file(t)
			j := open(t, path)
			recordMany(t, j, 0, 3)
			old := save(t, path)
			recordMany(t, j, 3, 5)
			rows(t, j, 100) // head office may now have seen five
			before := j.Incarnation()
			j.Close()
			cfg := tc.do(t, path, old)
			j = openWith(t, path, cfg)
			if anew := j.Incarnation() != before; anew != tc.anew {
				t.Errorf("new incarnation: %t, want %t", anew, tc.anew)
			}
			if _, why := j.Born(); tc.anew && why != journal.Restored {
				t.Errorf("because %v", why)
			}
			again := j.Incarnation()
			j.Close()
			if j = openWith(t, path, cfg); j.Incarnation() != again {
				t.Error("and again at the next start")
			}
		})
	}
}

// TestOlderCopyWithItsSeal puts the whole disk back. Nothing here can notice; head office does, and says on what it agrees.
func TestOlderCopyWithItsSeal(t *testing.T) {
	path := file(t)
	j := open(t, path)
	recordMany(t, j, 0, 3)
	old := save(t, path)
	j.Close()
	write(t, path, old.journal)
	write(t, path+".seal", old.seal)
	if j2 := open(t, path); j2.Incarnation() != j.Incarnation() {
		t.Error("noticed what cannot be noticed")
	}
}

// TestRestoredRowsKeepTheirFormerSequences: rows that wait in a copy may have been delivered by the original. Whichever of the two lives a
// release counted them under, they are not counted here again.
func TestRestoredRowsKeepTheirFormerSequences(t *testing.T) {
	path := file(t)
	j := open(t, path)
	recordMany(t, j, 0, 4)
	old := save(t, path)
	recordMany(t, j, 4, 9)
	deliver(t, j)
	first := j.Incarnation()
	j.Close()
	write(t, path, old.journal)

	j = open(t, path)
	second := j.Incarnation()
	recordMany(t, j, 20, 22)
	for _, tc := range []struct {
		name                 string
		underFirst, underNow uint64
		want                 int64
	}{
		{"no release", 0, 0, 6},
		{"counted in the life before", 9, 0, 2},
		{"in part in the life before", 3, 0, 3},
		{"in part in both", 3, 5, 1},
		{"in this life", 0, 4, 2},
		{"wholly in both", 9, 6, 0},
	} {
		got := points(t, j, subject(1), func(id [16]byte) uint64 {
			switch id {
			case first:
				return tc.underFirst
			case second:
				return tc.underNow
			}
			t.Errorf("asked for incarnation %x", id)
			return 0
		})
		if got != tc.want {
			t.Errorf("%s: %d points beyond, want %d", tc.name, got, tc.want)
		}
	}
	if batch := rows(t, j, 100); batch.First != 1 || len(batch.Rows) != 6 {
		t.Errorf("from %d, %d rows go up", batch.First, len(batch.Rows))
	}
}

// TestRestoredTwice: the copy is older than a life of which only the seal knows.
func TestRestoredTwice(t *testing.T) {
	path := file(t)
	j := open(t, path)
	recordMany(t, j, 0, 4)
	old := save(t, path)
	recordMany(t, j, 4, 6)
	rows(t, j, 100)
	j.Close()

	write(t, path, old.journal)
	j = open(t, path)
	middle := j.Incarnation()
	recordMany(t, j, 30, 31)
	deliver(t, j) // rows 0 to 3 and 30, under the second life
	j.Close()

	write(t, path, old.journal)
	j = open(t, path)
	got := points(t, j, subject(1), func(id [16]byte) uint64 {
		if id == middle {
			return 5
		}
		return 0
	})
	if got != 0 {
		t.Errorf("%d points beyond a release that counted the second life, want 0", got)
	}
	recordMany(t, j, 40, 41) // takes the number that receipt 30 had
	if got := points(t, j, subject(1), func(id [16]byte) uint64 {
		if id == middle {
			return 5
		}
		return 0
	}); got != 1 {
		t.Errorf("%d points beyond, want the new receipt's", got)
	}
}

// TestBackup: a back-up taken while receipts are recorded opens as a new incarnation with what it held.
func TestBackup(t *testing.T) {
	path := file(t)
	j := open(t, path)
	recordMany(t, j, 0, 4)
	var copied bytes.Buffer
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for i := 100; i < 140; i++ {
			record(t, j, request(string(rune(i)), subject(2), 1))
		}
	}()
	if _, err := j.Backup(&copied); err != nil {
		t.Fatal(err)
	}
	<-stop
	elsewhere := file(t)
	write(t, elsewhere, copied.Bytes())
	k := open(t, elsewhere)
	if k.Incarnation() == j.Incarnation() {
		t.Error("the back-up goes on with the original's incarnation")
	}
	if got := points(t, k, subject(1), nothingCounted); got != 4 {
		t.Errorf("%d points, want 4", got)
	}
	if rec := record(t, k, request("2", subject(1), 1)); !rec.Replayed {
		t.Error("a receipt's key is not in the back-up")
	}
}
