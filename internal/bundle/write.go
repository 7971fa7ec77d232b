package bundle

import (
	"crypto/cipher"
	"crypto/sha256"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// Put keeps one piece under the SHA-256 of its bytes. It may keep the bytes.
type Put func(digest [32]byte, data []byte) error

// PartWriter turns records into the sealed pieces of a part. Not for concurrent use.
type PartWriter struct {
	aead    cipher.AEAD
	encoder *zstd.Encoder
	put     Put
	header  *bundlev1.PartHeader
	plain   []byte
	packed  []byte
	last    Record
	key     []byte
}

// NewPartWriter starts a part under a key that no other part has, drawn by the caller.
func NewPartWriter(kind bundlev1.PartKind, key Key, put Put) (*PartWriter, error) {
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	return &PartWriter{
		aead: aead, encoder: encoder, put: put,
		header: &bundlev1.PartHeader{Kind: kind},
		plain:  make([]byte, 0, MaxChunkPlain),
	}, nil
}

// Write adds a record, which must stand above all before it ([ErrOrder]) and be one ([ErrRecord]).
func (w *PartWriter) Write(r Record) error {
	if err := r.validate(); err != nil {
		return err
	}
	if w.header.GetRecords() > 0 && Compare(r, w.last) <= 0 {
		return fmt.Errorf("%s after %s: %w", r.Kind, w.last.Kind, ErrOrder)
	}
	if len(w.plain)+maxRecord > MaxChunkPlain && len(w.plain)+len(r.Key)+len(r.Value)+maxRecord-MaxKey-MaxValue > MaxChunkPlain {
		if err := w.closeChunk(); err != nil {
			return err
		}
	}
	w.key = append(w.key[:0], r.Key...)
	w.last = Record{Kind: r.Kind, Key: w.key}
	w.plain = appendRecord(w.plain, r)
	w.header.Records++
	return nil
}

// WriteAll adds all records of a stream.
func (w *PartWriter) WriteAll(records Records) error {
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := w.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// Finish closes the part, keeps its header, and answers how a manifest names it, but for the wrapped key. customers is nil for what holds none.
func (w *PartWriter) Finish(customers *bundlev1.CustomersHeader) (*bundlev1.SealedPart, error) {
	if err := w.closeChunk(); err != nil {
		return nil, err
	}
	w.header.Customers = customers
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(w.header)
	if err != nil {
		return nil, fmt.Errorf("part header: %w", err)
	}
	sealed := w.aead.Seal(nil, headerNonce, plain, headerData) //nolint:gosec // a part key seals one header
	if len(sealed) > MaxHeader {
		return nil, fmt.Errorf("part header of %d bytes, at most %d: %w", len(sealed), MaxHeader, ErrTooLarge)
	}
	digest := sha256.Sum256(sealed)
	if err := w.put(digest, sealed); err != nil {
		return nil, err
	}
	return &bundlev1.SealedPart{HeaderDigest: digest[:], HeaderLength: uint32(len(sealed))}, w.encoder.Close()
}

// Chunks is what has been written so far: pieces and their bytes, without the header.
func (w *PartWriter) Chunks() (pieces int, bytes int64) {
	for _, c := range w.header.GetChunks() {
		bytes += int64(c.GetLength())
	}
	return len(w.header.GetChunks()), bytes
}

func (w *PartWriter) closeChunk() error {
	if len(w.plain) == 0 {
		return nil
	}
	w.packed = w.encoder.EncodeAll(w.plain, w.packed[:0])
	sealed := w.aead.Seal(make([]byte, 0, len(w.packed)+tagSize), chunkNonce(len(w.header.GetChunks())), w.packed, chunkData)
	digest := sha256.Sum256(sealed)
	if err := w.put(digest, sealed); err != nil {
		return err
	}
	w.header.Chunks = append(w.header.Chunks, &bundlev1.Chunk{Digest: digest[:], Length: uint32(len(sealed))})
	w.plain = w.plain[:0]
	return nil
}
