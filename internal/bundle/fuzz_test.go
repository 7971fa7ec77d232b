package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// These tests stand inside the package: what a signature or seal would stop first is opened here, so that the decoders themselves are tried.

func rootKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func rootPublic() ed25519.PublicKey {
	public, _ := rootKey().Public().(ed25519.PublicKey)
	return public
}

func ownErrors(err error) bool {
	for _, own := range []error{
		ErrSignature, ErrWrongChain, ErrWrongServer, ErrOlder, ErrSameVersion, ErrTooFar, ErrFormat, ErrTooLarge, ErrDamaged, ErrDoesNotFit, ErrWrongKey,
		ErrOrder, ErrRecord,
	} {
		if errors.Is(err, own) {
			return true
		}
	}
	return err == nil
}

// FuzzFrame shows a signed file's reader anything: it answers with its own errors, and what it accepts is what was signed.
func FuzzFrame(f *testing.F) {
	chain := ChainOf(rootPublic())
	good, err := Sign(bundlev1.SignedKind_SIGNED_KIND_LANE, chain, rootKey(), []byte("payload"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:20])
	f.Add([]byte("SKM1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		payload, err := Verify(bundlev1.SignedKind_SIGNED_KIND_LANE, chain, func(KeyID) ed25519.PublicKey { return rootPublic() }, file)
		if !ownErrors(err) || err == nil && !bytes.Equal(payload, []byte("payload")) {
			t.Fatalf("%q, %v", payload, err)
		}
	})
}

// FuzzKeyset signs anything as a keyset.
func FuzzKeyset(f *testing.F) {
	chain := ChainOf(rootPublic())
	id := KeyIDOf(rootPublic())
	f.Add(mustMarshal(f, &bundlev1.Keyset{
		ChainId: chain[:], Version: 1, RecoveryPublicKey: make([]byte, 32),
		Keys: []*bundlev1.SigningKey{{KeyId: id[:], PublicKey: rootPublic(), MaySign: []bundlev1.SignedKind{2}}},
	}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		file, err := Sign(bundlev1.SignedKind_SIGNED_KIND_KEYSET, chain, rootKey(), payload)
		if err != nil {
			return
		}
		k, err := NewTrust(Anchor{Chain: chain, Root: rootPublic()}, 0, [32]byte{}).Keyset(file)
		if !ownErrors(err) || err == nil && (k.GetVersion() == 0 || len(k.GetKeys()) == 0 || len(k.GetKeys()) > maxKeys) {
			t.Fatalf("%v, %v", k, err)
		}
	})
}

// FuzzManifest signs anything as a manifest; what is accepted can be worked with.
func FuzzManifest(f *testing.F) {
	chain := ChainOf(rootPublic())
	id := KeyIDOf(rootPublic())
	part := &bundlev1.SealedPart{HeaderDigest: make([]byte, 32), HeaderLength: 99}
	state := make([]byte, 32)
	f.Add(mustMarshal(f, &bundlev1.Manifest{
		ChainId: chain[:], ServerId: "a", Store: "b", Version: 1, Format: 1, Programme: part, StorePart: part,
		IssuedAt: &timestamppb.Timestamp{Seconds: 1}, ExpiresAt: &timestamppb.Timestamp{Seconds: 2},
		Customers: &bundlev1.CustomersPart{StateDigest: state, SnapshotState: state, Snapshot: part, Deltas: []*bundlev1.DeltaPart{{FromState: state, ToState: state, Part: part}}},
	}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		file, err := Sign(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, chain, rootKey(), payload)
		if err != nil {
			return
		}
		trust := NewTrust(Anchor{Chain: chain, Root: rootPublic(), Server: "a", Store: "b"}, 0, [32]byte{})
		trust.keyset = &bundlev1.Keyset{Keys: []*bundlev1.SigningKey{{KeyId: id[:], PublicKey: rootPublic(), MaySign: []bundlev1.SignedKind{2}}}}
		m, err := trust.Manifest(file)
		if !ownErrors(err) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if _, ok := Way(m.GetCustomers(), [32]byte(m.GetCustomers().GetSnapshotState())); !ok || Tip(m.GetCustomers()) == nil {
			t.Fatal("accepted, and no way leads to its state")
		}
	})
}

// FuzzHeader opens anything as a part's header.
func FuzzHeader(f *testing.F) {
	f.Add(mustMarshal(f, &bundlev1.PartHeader{Kind: 1, Records: 3, Chunks: []*bundlev1.Chunk{{Digest: make([]byte, 32), Length: 99}}, Customers: &bundlev1.CustomersHeader{StateDigest: make([]byte, 32)}}))
	f.Add(bytes.Repeat([]byte{2<<3 | 2, 0}, 1000))
	f.Fuzz(func(t *testing.T, plain []byte) {
		header, err := parseHeader(plain)
		if !ownErrors(err) {
			t.Fatal(err)
		}
		for _, c := range header.GetChunks() {
			if len(c.GetDigest()) != 32 || c.GetLength() > MaxChunk {
				t.Fatalf("chunk %v", c)
			}
		}
	})
}

// FuzzChunk unpacks anything as a chunk's records; what is accepted is in order and within its limits.
func FuzzChunk(f *testing.F) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	plain := appendRecord(nil, Record{Kind: KindAccount, Key: []byte("a"), Value: []byte("value")})
	plain = appendRecord(plain, Record{Kind: KindErased, Key: []byte("b"), Tombstone: true})
	f.Add(encoder.EncodeAll(plain, nil))
	f.Add(encoder.EncodeAll(make([]byte, 2*MaxChunkPlain), nil))
	f.Fuzz(func(t *testing.T, packed []byte) {
		reader, err := newChunkReader(Key{})
		if err != nil {
			t.Fatal(err)
		}
		defer reader.decoder.Close()
		var last Record
		_, err = reader.unpack(packed, func(r Record, _ error) bool {
			if r.validate() != nil || last.Key != nil && Compare(r, last) <= 0 {
				t.Fatalf("%v after %v", r, last)
			}
			last = Record{Kind: r.Kind, Key: bytes.Clone(r.Key)}
			return true
		})
		if !ownErrors(err) {
			t.Fatal(err)
		}
	})
}

// FuzzRecord decodes anything as a record; what is accepted is written the same way again.
func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, Record{Kind: KindAccount, Key: []byte("a"), Value: []byte("value")}))
	f.Add(appendRecord(nil, Record{Kind: KindStore, Key: []byte("a"), Tombstone: true}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, err := decodeRecord(b)
		if !ownErrors(err) || err == nil && !bytes.Equal(appendRecord(nil, r), b[:len(b)-len(rest)]) {
			t.Fatalf("%v, %v", r, err)
		}
	})
}

// TestNoBomb unpacks what is small and states, or is, far too much: the limit is kept before memory is taken.
func TestNoBomb(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := encoder.EncodeAll(make([]byte, 256<<20), nil)
	header := bytes.Repeat([]byte{2<<3 | 2, 0}, MaxHeader/2) // four million chunks of nothing
	reader, err := newChunkReader(Key{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.decoder.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, bombErr := reader.unpack(bomb, func(Record, error) bool { return true })
	_, headerErr := parseHeader(header)
	runtime.ReadMemStats(&after)
	if !errors.Is(bombErr, ErrDamaged) || !errors.Is(headerErr, ErrDamaged) {
		t.Errorf("%v, %v", bombErr, headerErr)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 2*MaxChunkPlain {
		t.Errorf("took %d bytes to refuse %d", took, len(bomb))
	}
}

func mustMarshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
