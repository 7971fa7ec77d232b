package generation_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// TestLookups builds files of all sizes and asks for everything that is in them, and for as much that is not.
func TestLookups(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		n    int
	}{{"nobody", 0}, {"one", 1}, {"a page", 7}, {"several transactions", 25_000}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir, list := t.TempDir(), state(t, tc.n)
			f := open(t, dir, build(t, dir, list))
			r := release(t, f, 1)
			defer r.Drop()
			for i := range tc.n {
				got, err := r.Account(key(bundle.KindAccount, i))
				if err != nil || !proto.Equal(got, account(i)) {
					t.Fatalf("account %d: %v, %v", i, got, err)
				}
				identifier, err := r.Identifier(key(bundle.KindIdentifier, i))
				if id := key(bundle.KindAccount, i); err != nil || !bytes.Equal(identifier.GetAccountIds()[0], id[:]) {
					t.Fatalf("identifier %d: %v, %v", i, identifier, err)
				}
				if erased, err := r.Erased(key(bundle.KindErased, i)); err != nil || erased != (i%10 == 0) {
					t.Fatalf("erased %d: %v, %v", i, erased, err)
				}
			}
			for i := tc.n; i < 2*tc.n+100; i++ {
				_, accountErr := r.Account(key(bundle.KindAccount, i))
				_, identifierErr := r.Identifier(key(bundle.KindIdentifier, i))
				erased, err := r.Erased(key(bundle.KindErased, i))
				if !errors.Is(accountErr, generation.ErrNotFound) || !errors.Is(identifierErr, generation.ErrNotFound) || erased || err != nil {
					t.Fatalf("%d is not there: %v, %v, %v %v", i, accountErr, identifierErr, erased, err)
				}
			}
			for _, edge := range [][16]byte{{}, [16]byte(bytes.Repeat([]byte{0xff}, 16))} {
				if _, err := r.Account(edge); !errors.Is(err, generation.ErrNotFound) {
					t.Fatalf("key %x: %v", edge, err)
				}
			}
			if got := digest(t, f.Records()); got != f.Info().State {
				t.Fatal("the file streams another state than it was built from")
			}
			if err := f.Check(context.Background()); err != nil || f.Damaged() {
				t.Fatal(err)
			}
			accounts, identifiers, erased := f.Counts()
			if accounts != uint64(tc.n) || identifiers != uint64(tc.n) || erased != uint64((tc.n+9)/10) {
				t.Fatalf("counts %d, %d, %d", accounts, identifiers, erased)
			}
		})
	}
}

// TestEdgeKeys holds the lowest and the highest key there is.
func TestEdgeKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	low, high := make([]byte, 16), bytes.Repeat([]byte{0xff}, 16)
	list := []bundle.Record{{Kind: bundle.KindErased, Key: low}, {Kind: bundle.KindErased, Key: high}}
	r := release(t, open(t, dir, build(t, dir, list)), 1)
	defer r.Drop()
	for _, k := range [][]byte{low, high} {
		if erased, err := r.Erased([16]byte(k)); !erased || err != nil {
			t.Errorf("%x: %v, %v", k, erased, err)
		}
	}
}

// TestCutOff finds the cut-off of a life of a journal.
func TestCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	life, other := [16]byte{1}, [16]byte{2}
	r := release(t, open(t, dir, build(t, dir, nil)), 1, &bundlev1.CutOff{ServerId: "a", Incarnation: life[:], LedgerThrough: 5, ReceiptsThrough: 4})
	defer r.Drop()
	if ledger, receipts := r.CutOff("a", life); ledger != 5 || receipts != 4 {
		t.Errorf("%d, %d", ledger, receipts)
	}
	for server, life := range map[string][16]byte{"a": other, "b": life} {
		if ledger, receipts := r.CutOff(server, life); ledger != 0 || receipts != 0 {
			t.Errorf("server %s: %d, %d", server, ledger, receipts)
		}
	}
}

// TestBuildRefuses leaves nothing behind.
func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	list := state(t, 50)
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tc := range []struct {
		name    string
		ctx     context.Context
		records bundle.Records
		pace    func(context.Context) error
		want    error
	}{
		{"another state", nil, stream(list[1:]), nil, generation.ErrState},
		{"out of order", nil, stream([]bundle.Record{list[1], list[0]}), nil, generation.ErrRecord},
		{"twice", nil, stream([]bundle.Record{list[0], list[0]}), nil, generation.ErrRecord},
		{"a tombstone", nil, stream([]bundle.Record{{Kind: bundle.KindAccount, Key: list[0].Key, Tombstone: true}}), nil, generation.ErrRecord},
		{"a programme", nil, stream([]bundle.Record{{Kind: bundle.KindProgramme, Key: list[0].Key}}), nil, generation.ErrRecord},
		{"a short key", nil, stream([]bundle.Record{{Kind: bundle.KindAccount, Key: []byte("short")}}), nil, generation.ErrRecord},
		{"a stream that fails", nil, func(yield func(bundle.Record, error) bool) { _ = yield(list[0], nil) && yield(bundle.Record{}, broken) }, nil, broken},
		{"ended", cancelled, stream(list), nil, context.Canceled},
		{"no time", nil, stream(state(t, 10_000)), func(context.Context) error { return broken }, broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.ctx == nil {
				tc.ctx = context.Background()
			}
			dir := t.TempDir()
			_, err := generation.Build(tc.ctx, generation.BuildOptions{Dir: dir, DataKey: dataKey, State: digest(t, stream(list)), Pace: tc.pace}, tc.records)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if left := files(t, dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestOpenRefuses opens only the file that was built, with the key it was built with.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := state(t, 300)
	info, other := build(t, dir, list), build(t, dir, list[1:])
	for _, tc := range []struct {
		name   string
		change func(info *generation.FileInfo, key *bundle.Key)
		want   error
	}{
		{"another data key", func(_ *generation.FileInfo, k *bundle.Key) { k[0] ^= 1 }, generation.ErrDamaged},
		{"another file under its name", func(i *generation.FileInfo, _ *bundle.Key) { i.Name, i.Length = other.Name, other.Length }, generation.ErrDamaged},
		{"another length", func(i *generation.FileInfo, _ *bundle.Key) { i.Length++ }, generation.ErrDamaged},
		{"no file", func(i *generation.FileInfo, _ *bundle.Key) { i.Name = "gen-00-00.db" }, os.ErrNotExist},
	} {
		wrong, key := info, dataKey
		tc.change(&wrong, &key)
		if _, err := generation.OpenFile(dir, wrong, key, nil); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

// TestNothingInClear searches a file for what is in it.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := state(t, 2000)
	first, second := build(t, dir, list), build(t, dir, list)
	one, err := os.ReadFile(filepath.Join(dir, first.Name))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"amsterdam", "silver", "promising", "Anna", "6785"} {
		if bytes.Contains(one, []byte(secret)) {
			t.Errorf("%q stands in the file", secret)
		}
	}
	for _, r := range list {
		if len(r.Value) > 8 && bytes.Contains(one, r.Value) {
			t.Fatal("a value stands in the file")
		}
	}
	// The same records in two files: nonces are unique in each, and no sealed value is in both.
	before, after := stored(t, filepath.Join(dir, first.Name)), stored(t, filepath.Join(dir, second.Name))
	nonces := make(map[string]bool)
	for k, value := range before {
		nonces[string(value[:8])] = true
		if bytes.Equal(value[8:], after[k][8:]) {
			t.Fatalf("%x is sealed alike in two files", k)
		}
	}
	if len(nonces) != len(before) || len(before) != len(after) || len(before) != len(list)+6 {
		t.Errorf("%d nonces, %d and %d values", len(nonces), len(before), len(after))
	}
}

// stored is all sealed values of a file, sentinels included.
func stored(t *testing.T, path string) map[string][]byte {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	values := make(map[string][]byte)
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == "meta" {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				values[string(name)+string(k)] = bytes.Clone(v)
				return nil
			})
		})
	}); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestRetired keeps a file on the disk as long as somebody holds it.
func TestRetired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := generation.OpenFile(dir, build(t, dir, nil), dataKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Retire(); !f.Hold() || len(files(t, dir)) != 1 {
		t.Fatal("a file in use is gone")
	}
	f.Release()
	f.Release()
	if left := files(t, dir); len(left) != 0 || f.Hold() {
		t.Errorf("left %v", left)
	}
}
