package bundle

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// Fetch answers the piece of a name, at most length bytes of it. What it answers is verified, so it may come from anywhere.
type Fetch func(digest [32]byte, length int) ([]byte, error)

// ReadHeader fetches and opens the header of a part. The part must come from a verified manifest.
func ReadHeader(part *bundlev1.SealedPart, key Key, fetch Fetch) (*bundlev1.PartHeader, error) {
	if err := checkPart("part", part); err != nil {
		return nil, err
	}
	digest := [32]byte(part.GetHeaderDigest())
	sealed, err := fetchPiece(fetch, digest, int(part.GetHeaderLength()))
	if err != nil {
		return nil, fmt.Errorf("part header: %w", err)
	}
	header, err := openHeader(sealed, key)
	if err != nil {
		return nil, fmt.Errorf("part header %s: %w", Name(digest), err)
	}
	return header, nil
}

// openHeader opens and parses a sealed header.
func openHeader(sealed []byte, key Key) (*bundlev1.PartHeader, error) {
	if len(sealed) > MaxHeader {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(sealed), MaxHeader, ErrTooLarge)
	}
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, headerNonce, sealed, headerData)
	if err != nil {
		return nil, ErrWrongKey
	}
	return parseHeader(plain)
}

// chunkField and chunkWire are the number of the chunks' field, and the fewest bytes one takes.
const (
	chunkField = 2
	chunkWire  = 2 + 2 + 32 + 2
)

// parseHeader refuses, before it is parsed, a header whose chunks would take much more memory than they have bytes.
func parseHeader(plain []byte) (*bundlev1.PartHeader, error) {
	chunks := 0
	for rest := plain; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, ErrDamaged
		}
		m := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if m < 0 {
			return nil, ErrDamaged
		}
		if number == chunkField {
			chunks++
		}
		rest = rest[n+m:]
	}
	if chunks*chunkWire > len(plain) {
		return nil, fmt.Errorf("%d chunks in %d bytes: %w", chunks, len(plain), ErrDamaged)
	}
	header := new(bundlev1.PartHeader)
	if err := proto.Unmarshal(plain, header); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if header.GetKind() == bundlev1.PartKind_PART_KIND_UNSPECIFIED {
		return nil, fmt.Errorf("no kind: %w", ErrDamaged)
	}
	for i, c := range header.GetChunks() {
		if len(c.GetDigest()) != sha256.Size || c.GetLength() == 0 {
			return nil, fmt.Errorf("chunk %d has no name: %w", i, ErrDamaged)
		}
		if c.GetLength() > MaxChunk {
			return nil, fmt.Errorf("chunk %d of %d bytes, at most %d: %w", i, c.GetLength(), MaxChunk, ErrTooLarge)
		}
	}
	return header, nil
}

// ReadPart is the records of a part whose header was read with [ReadHeader]. Chunks are fetched, verified and opened one by one.
func ReadPart(header *bundlev1.PartHeader, key Key, fetch Fetch) Records {
	return func(yield func(Record, error) bool) {
		reader, err := newChunkReader(key)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer reader.decoder.Close()
		for i, c := range header.GetChunks() {
			digest := [32]byte(c.GetDigest())
			sealed, err := fetchPiece(fetch, digest, int(c.GetLength()))
			if err == nil {
				var more bool
				if more, err = reader.read(i, sealed, yield); err == nil && !more {
					return
				}
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("chunk %d of %d, %s: %w", i+1, len(header.GetChunks()), Name(digest), err))
				return
			}
		}
		if reader.records != header.GetRecords() {
			yield(Record{}, fmt.Errorf("%d records, header states %d: %w", reader.records, header.GetRecords(), ErrDamaged))
		}
	}
}

// chunkReader opens the chunks of one part in order.
type chunkReader struct {
	aead    cipher.AEAD
	decoder *zstd.Decoder
	plain   []byte
	kind    Kind
	key     []byte
	records uint64
}

func newChunkReader(key Key) (*chunkReader, error) {
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxChunkPlain), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	return &chunkReader{aead: aead, decoder: decoder, plain: make([]byte, 0, MaxChunkPlain)}, nil
}

// read opens one chunk and yields its records; it reports whether the reader at the other end wants more.
func (c *chunkReader) read(index int, sealed []byte, yield func(Record, error) bool) (more bool, err error) {
	packed, err := c.aead.Open(nil, chunkNonce(index), sealed, chunkData)
	if err != nil {
		return false, ErrWrongKey
	}
	return c.unpack(packed, yield)
}

// unpack reads the records of one opened chunk.
func (c *chunkReader) unpack(packed []byte, yield func(Record, error) bool) (more bool, err error) {
	plain, err := c.decoder.DecodeAll(packed, c.plain[:0])
	if err != nil {
		return false, fmt.Errorf("%w: unpack: %w", ErrDamaged, err)
	}
	for rest := plain; len(rest) > 0; {
		var r Record
		if r, rest, err = decodeRecord(rest); err != nil {
			return false, err
		}
		if c.records > 0 && Compare(r, Record{Kind: c.kind, Key: c.key}) <= 0 {
			return false, fmt.Errorf("%s after %s: %w", r.Kind, c.kind, ErrOrder)
		}
		c.kind, c.key = r.Kind, append(c.key[:0], r.Key...)
		c.records++
		if !yield(r, nil) {
			return false, nil
		}
	}
	return true, nil
}

// fetchPiece fetches a piece and checks that it is the one asked for.
func fetchPiece(fetch Fetch, digest [32]byte, length int) ([]byte, error) {
	data, err := fetch(digest, length)
	if err != nil {
		return nil, err
	}
	if len(data) != length || sha256.Sum256(data) != digest {
		return nil, fmt.Errorf("piece %s: %w", Name(digest), ErrDamaged)
	}
	return data, nil
}

// Name is the name of a piece: its digest in hexadecimal.
func Name(digest [32]byte) string {
	return hex.EncodeToString(digest[:])
}

// Path is where a piece lies in the layout of a release.
func Path(digest [32]byte) string {
	name := Name(digest)
	return "chunks/" + name[:2] + "/" + name
}

// Where the signed files lie in the layout of a release.
const (
	// KeysetPath is the keyset's.
	KeysetPath = "keyset.skm"
)

// ManifestPath is where a server's manifest lies.
func ManifestPath(server string) string {
	return "servers/" + server + "/current.skm"
}
