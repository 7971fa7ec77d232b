package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// TestForgedLengths shows every reader lengths that are lies, and measures what it takes to refuse them: never more than a few times what was
// really sent, and never more than the limit that stands for it.
func TestForgedLengths(t *testing.T) {
	chain := ChainOf(rootPublic())
	roots := func(KeyID) ed25519.PublicKey { return rootPublic() }
	frame, err := Sign(bundlev1.SignedKind_SIGNED_KIND_LANE, chain, rootKey(), make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	lying := slices.Clone(frame)
	binary.BigEndian.PutUint32(lying[12:], math.MaxUint32)
	reader, err := newChunkReader(Key{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.decoder.Close()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := encoder.EncodeAll(make([]byte, 256<<20), nil)
	bigger := append([]byte("SKM1"), make([]byte, 4*MaxManifest)...)
	emptyChunks := bytes.Repeat([]byte{2<<3 | 2, 0}, MaxHeader/2)
	none := func(Record, error) bool { return true }
	huge := append([]byte{byte(KindAccount)}, binary.AppendUvarint(nil, math.MaxUint64)...)
	most := func(payload []byte) func() error { // a payload of empty elements: each costs two bytes to send and much more to hold
		return func() error {
			file, err := Sign(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, chain, rootKey(), payload)
			if err != nil {
				return err
			}
			trust := NewTrust(Anchor{Chain: chain, Root: rootPublic()}, 0, [32]byte{})
			id := KeyIDOf(rootPublic())
			trust.keyset = &bundlev1.Keyset{Keys: []*bundlev1.SigningKey{{KeyId: id[:], PublicKey: rootPublic(), MaySign: []bundlev1.SignedKind{2}}}}
			_, err = trust.Manifest(file)
			return err
		}
	}
	for _, c := range []struct {
		name  string
		limit uint64
		read  func() error
	}{
		{"a frame that says it holds 4 GiB", 4 << 10, func() error {
			_, err := Verify(bundlev1.SignedKind_SIGNED_KIND_LANE, chain, roots, lying)
			return err
		}},
		{"a frame larger than any", 4 << 10, func() error {
			_, err := Verify(bundlev1.SignedKind_SIGNED_KIND_LANE, chain, roots, bigger)
			return err
		}},
		{"a manifest of empty deltas", 64 * MaxManifest, most(bytes.Repeat([]byte{9<<3 | 2, 0}, MaxManifest/2))},
		{"a record that says its key is 2⁶⁴ bytes", 4 << 10, func() error {
			_, _, err := decodeRecord(huge)
			return err
		}},
		{"a chunk that unpacks to 256 MiB", 2 * MaxChunkPlain, func() error {
			_, err := reader.unpack(bomb, none)
			return err
		}},
		{"a header of four million chunks of nothing", 2 * MaxChunkPlain, func() error {
			_, err := parseHeader(emptyChunks)
			return err
		}},
		{"a message cut into more than there may be", 8 * MaxMessage, func() error {
			return Join(KindProgramme, endless, &bundlev1.ProgrammePart{})
		}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.read()
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		if !ownErrors(err) || err == nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if took > c.limit {
			t.Errorf("%s: took %d bytes to refuse, at most %d", c.name, took, c.limit)
		}
		t.Logf("%-45s %9d bytes: %v", c.name, took, err)
	}
}

// endless is a message in pieces that do not end.
func endless(yield func(Record, error) bool) {
	piece := make([]byte, MaxValue)
	for i := uint32(0); yield(Record{Kind: KindProgramme, Key: binary.BigEndian.AppendUint32(nil, i), Value: piece}, nil); i++ {
		if i > 1<<20 {
			return
		}
	}
}
