package bundle_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

const (
	snapshotKind = bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT
	deltaKind    = bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA
)

func mustMarshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// many is n records with values that do not compress, so that they fill chunks.
func many(n, size int) []bundle.Record {
	random := rand.NewChaCha8([32]byte{1})
	list := make([]bundle.Record, n)
	for i := range list {
		value := make([]byte, size)
		random.Read(value)
		list[i] = bundle.Record{Kind: bundle.KindAccount, Key: binary.BigEndian.AppendUint64(nil, uint64(i)), Value: value}
	}
	return list
}

// TestPart writes and reads parts of all sizes.
func TestPart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		list   []bundle.Record
		chunks int
	}{
		{"empty", nil, 0},
		{"one record", many(1, 10), 1},
		{"a chunk filled to the last byte", many(8, bundle.MaxChunkPlain/8-1-1-8-3), 1},
		{"one byte more", append(many(8, bundle.MaxChunkPlain/8-1-1-8-3), bundle.Record{Kind: bundle.KindErased, Key: []byte{1}}), 2},
		{"the largest values", many(20, bundle.MaxValue), 3},
		{"ten thousand small ones", many(10_000, 100), 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, key := pieces{}, keyOf(tc.name)
			sealed := seal(t, p, snapshotKind, key, stream(tc.list))
			header, err := bundle.ReadHeader(sealed, key, p.fetch)
			if err != nil {
				t.Fatal(err)
			}
			if len(header.GetChunks()) != tc.chunks || header.GetRecords() != uint64(len(tc.list)) || header.GetKind() != snapshotKind {
				t.Errorf("%d chunks, %d records, %s; want %d chunks", len(header.GetChunks()), header.GetRecords(), header.GetKind(), tc.chunks)
			}
			list, err := collect(bundle.ReadPart(header, key, p.fetch))
			if err != nil || !same(list, tc.list) {
				t.Fatalf("%d records came back, %v", len(list), err)
			}
			for digest, data := range p {
				if len(data) > bundle.MaxChunk || sha256.Sum256(data) != digest {
					t.Errorf("piece of %d bytes", len(data))
				}
				for _, r := range tc.list[:min(len(tc.list), 100)] {
					if bytes.Contains(data, r.Key) && len(r.Key) == 8 && r.Key[7] > 9 || len(r.Value) > 8 && bytes.Contains(data, r.Value[:8]) {
						t.Fatal("a piece shows what is in it")
					}
				}
			}
		})
	}
}

// TestPartRefuses hands the writer what no part may hold.
func TestPartRefuses(t *testing.T) {
	t.Parallel()
	first := bundle.Record{Kind: bundle.KindIdentifier, Key: []byte("b")}
	for _, tc := range []struct {
		name   string
		record bundle.Record
		want   error
	}{
		{"a smaller key", bundle.Record{Kind: bundle.KindIdentifier, Key: []byte("a")}, bundle.ErrOrder},
		{"the same key", first, bundle.ErrOrder},
		{"a smaller kind", bundle.Record{Kind: bundle.KindAccount, Key: []byte("c")}, bundle.ErrOrder},
		{"no kind", bundle.Record{Key: []byte("c")}, bundle.ErrRecord},
		{"unknown kind", bundle.Record{Kind: 6, Key: []byte("c")}, bundle.ErrRecord},
		{"no key", bundle.Record{Kind: bundle.KindErased}, bundle.ErrRecord},
		{"long key", bundle.Record{Kind: bundle.KindErased, Key: make([]byte, bundle.MaxKey+1)}, bundle.ErrRecord},
		{"large value", bundle.Record{Kind: bundle.KindErased, Key: []byte("c"), Value: make([]byte, bundle.MaxValue+1)}, bundle.ErrRecord},
		{"tombstone with a value", bundle.Record{Kind: bundle.KindErased, Key: []byte("c"), Value: []byte{1}, Tombstone: true}, bundle.ErrRecord},
	} {
		w, err := bundle.NewPartWriter(deltaKind, bundle.Key{}, pieces{}.put)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(first); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(tc.record); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

// TestPieceChanged changes, swaps and withholds pieces.
func TestPieceChanged(t *testing.T) {
	t.Parallel()
	key := keyOf("part")
	good := pieces{}
	sealed := seal(t, good, snapshotKind, key, stream(many(5000, 300)))
	header, err := bundle.ReadHeader(sealed, key, good.fetch)
	if err != nil {
		t.Fatal(err)
	}
	first, second := [32]byte(header.GetChunks()[0].GetDigest()), [32]byte(header.GetChunks()[1].GetDigest())
	whole, err := collect(bundle.ReadPart(header, key, good.fetch))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		fetch bundle.Fetch
		want  error
	}{
		{"a bit", func(d [32]byte, n int) ([]byte, error) {
			data, err := good.fetch(d, n)
			data = bytes.Clone(data)
			data[len(data)/2] ^= 4
			return data, err
		}, bundle.ErrDamaged},
		{"cut", func(d [32]byte, n int) ([]byte, error) {
			data, err := good.fetch(d, n)
			return data[:len(data)-1], err
		}, bundle.ErrDamaged},
		{"longer", func(d [32]byte, n int) ([]byte, error) {
			data, err := good.fetch(d, n)
			return append(bytes.Clone(data), 0), err
		}, bundle.ErrDamaged},
		{"swapped", func(_ [32]byte, n int) ([]byte, error) { return good.fetch(second, n) }, bundle.ErrDamaged},
		{"withheld", pieces{}.fetch, errNoPiece},
	} {
		list, err := collect(bundle.ReadPart(header, key, tc.fetch))
		if !errors.Is(err, tc.want) || !same(list, whole[:len(list)]) {
			t.Errorf("%s: %d records and %v, want %v", tc.name, len(list), err, tc.want)
		}
		if _, err := bundle.ReadHeader(sealed, key, tc.fetch); !errors.Is(err, tc.want) {
			t.Errorf("%s: header: got %v, want %v", tc.name, err, tc.want)
		}
	}
	// Whoever can name chunks but not seal them gets nothing through either.
	header.Chunks[0], header.Chunks[1] = header.GetChunks()[1], header.GetChunks()[0]
	if _, err := collect(bundle.ReadPart(header, key, good.fetch)); !errors.Is(err, bundle.ErrWrongKey) {
		t.Errorf("chunks in another order: %v", err)
	}
	header.Chunks = header.GetChunks()[1:]
	if _, err := collect(bundle.ReadPart(header, key, good.fetch)); err == nil {
		t.Error("a chunk left out is not noticed")
	}
	if _, err := bundle.ReadHeader(sealed, keyOf("other"), good.fetch); !errors.Is(err, bundle.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if data, _ := good.fetch(first, 0); len(data) == 0 {
		t.Error("no first chunk")
	}
}

// TestMessage cuts messages into records and joins them again.
func TestMessage(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, bundle.MaxValue, 5*bundle.MaxValue + 7} {
		want := &bundlev1.ProgrammePart{Programme: &programmev1.Programme{Chain: string(bytes.Repeat([]byte("x"), size))}}
		records, err := bundle.Pieces(bundle.KindProgramme, want)
		if err != nil {
			t.Fatal(err)
		}
		got := new(bundlev1.ProgrammePart)
		if err := bundle.Join(bundle.KindProgramme, records, got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
		list, _ := collect(records)
		if err := bundle.Join(bundle.KindStore, records, got); !errors.Is(err, bundle.ErrDamaged) {
			t.Errorf("%d bytes as another kind: %v", size, err)
		}
		if err := bundle.Join(bundle.KindProgramme, stream(list[1:]), got); !errors.Is(err, bundle.ErrDamaged) {
			t.Errorf("%d bytes without the first piece: %v", size, err)
		}
	}
	huge := &bundlev1.ProgrammePart{TicketKey: make([]byte, bundle.MaxMessage+1)}
	if _, err := bundle.Pieces(bundle.KindProgramme, huge); !errors.Is(err, bundle.ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
	endless := func(yield func(bundle.Record, error) bool) {
		r, more := bundle.Record{Kind: bundle.KindProgramme, Value: make([]byte, bundle.MaxValue)}, true
		for i := uint32(0); more; i++ {
			r.Key = binary.BigEndian.AppendUint32(nil, i)
			more = yield(r, nil)
		}
	}
	if err := bundle.Join(bundle.KindProgramme, endless, new(bundlev1.ProgrammePart)); !errors.Is(err, bundle.ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}
}

// TestSealedKey opens a key for its own use only.
func TestSealedKey(t *testing.T) {
	t.Parallel()
	private := func(name string) *ecdh.PrivateKey {
		seed := sha256.Sum256([]byte(name))
		key, err := ecdh.X25519().NewPrivateKey(seed[:])
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	own, other := private("own"), private("other")
	chain := newOffice("own").chain()
	use := bundle.ForPart(chain, "amsterdam-1", [32]byte{1})
	sealed, err := bundle.SealKey(own.PublicKey().Bytes(), use, keyOf("part"))
	if err != nil {
		t.Fatal(err)
	}
	if key, err := bundle.OpenKey(own.Bytes(), use, sealed); err != nil || key != keyOf("part") {
		t.Fatalf("%v", err)
	}
	for _, tc := range []struct {
		name   string
		key    *ecdh.PrivateKey
		use    bundle.KeyUse
		sealed []byte
	}{
		{"another server's key", other, use, sealed},
		{"another server", own, bundle.ForPart(chain, "amsterdam-2", [32]byte{1}), sealed},
		{"another part", own, bundle.ForPart(chain, "amsterdam-1", [32]byte{2}), sealed},
		{"another chain", own, bundle.ForPart(bundle.ChainID{}, "amsterdam-1", [32]byte{1}), sealed},
		{"recovery", own, bundle.ForRecovery(chain, "amsterdam-1"), sealed},
		{"cut", own, use, sealed[:len(sealed)-1]},
		{"empty", own, use, nil},
	} {
		if _, err := bundle.OpenKey(tc.key.Bytes(), tc.use, tc.sealed); !errors.Is(err, bundle.ErrWrongKey) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if _, err := bundle.SealKey([]byte("short"), use, keyOf("part")); err == nil {
		t.Error("sealed to half a key")
	}
}
