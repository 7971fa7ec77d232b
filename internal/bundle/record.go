package bundle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
)

// Kind is what a record is about. Kinds are part of the order: all accounts stand before all identifiers.
type Kind byte

// The kinds of records.
const (
	// KindAccount is a customer.v1.Account under its 16 random bytes.
	KindAccount Kind = 1
	// KindIdentifier is a customer.v1.Identifier under its 16-byte hash.
	KindIdentifier Kind = 2
	// KindErased is the hash of an identifier whose owner was erased; the value is empty.
	KindErased Kind = 3
	// KindProgramme is a piece of a ProgrammePart under its number.
	KindProgramme Kind = 4
	// KindStore is a piece of a StorePart under its number.
	KindStore Kind = 5
)

// String names the kind as errors do.
func (k Kind) String() string {
	switch k {
	case KindAccount:
		return "account"
	case KindIdentifier:
		return "identifier"
	case KindErased:
		return "erased identifier"
	case KindProgramme:
		return "programme"
	case KindStore:
		return "store part"
	default:
		return fmt.Sprintf("kind %d", byte(k))
	}
}

// Record is one published thing. Values are opaque here: copied, never marshalled anew.
type Record struct {
	// What the record is about.
	Kind Kind
	// 1 to [MaxKey] bytes.
	Key []byte
	// At most [MaxValue] bytes; none in a tombstone.
	Value []byte
	// The record is gone. Only changes hold tombstones, states do not.
	Tombstone bool
}

// Records is a stream in ascending order of kind ‖ key. Key and value of a record belong to the stream and are valid until it moves on. A
// stream ends with its first error.
type Records = iter.Seq2[Record, error]

// Compare orders records by kind, then key.
func Compare(a, b Record) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return bytes.Compare(a.Key, b.Key)
}

// validate answers [ErrRecord] for what cannot be published.
func (r Record) validate() error {
	switch {
	case r.Kind < KindAccount || r.Kind > KindStore:
		return fmt.Errorf("%s: unknown: %w", r.Kind, ErrRecord)
	case len(r.Key) == 0 || len(r.Key) > MaxKey:
		return fmt.Errorf("%s: key of %d bytes, 1 to %d allowed: %w", r.Kind, len(r.Key), MaxKey, ErrRecord)
	case len(r.Value) > MaxValue:
		return fmt.Errorf("%s: value of %d bytes, at most %d allowed: %w", r.Kind, len(r.Value), MaxValue, ErrRecord)
	case r.Tombstone && len(r.Value) > 0:
		return fmt.Errorf("%s: a tombstone with a value: %w", r.Kind, ErrRecord)
	}
	return nil
}

const tombstoneBit = 0x80

// maxRecord is the most bytes a record takes in a chunk.
const maxRecord = 1 + 1 + MaxKey + 3 + MaxValue

// appendRecord writes a record as chunks hold it.
func appendRecord(b []byte, r Record) []byte {
	if r.Tombstone {
		b = append(b, byte(r.Kind)|tombstoneBit)
		b = binary.AppendUvarint(b, uint64(len(r.Key)))
		return append(b, r.Key...)
	}
	b = append(b, byte(r.Kind))
	b = binary.AppendUvarint(b, uint64(len(r.Key)))
	b = append(b, r.Key...)
	b = binary.AppendUvarint(b, uint64(len(r.Value)))
	return append(b, r.Value...)
}

// decodeRecord reads the record at the start of b, and what follows it. The record points into b.
func decodeRecord(b []byte) (r Record, rest []byte, err error) {
	if len(b) == 0 {
		return r, nil, fmt.Errorf("record: empty: %w", ErrDamaged)
	}
	r.Kind, r.Tombstone = Kind(b[0]&^tombstoneBit), b[0]&tombstoneBit != 0
	if r.Key, rest, err = decodeBytes(b[1:], MaxKey); err != nil {
		return r, nil, fmt.Errorf("record key: %w", err)
	}
	if !r.Tombstone {
		if r.Value, rest, err = decodeBytes(rest, MaxValue); err != nil {
			return r, nil, fmt.Errorf("record value: %w", err)
		}
	}
	if err := r.validate(); err != nil {
		return r, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return r, rest, nil
}

// decodeBytes reads uvarint length ‖ bytes.
func decodeBytes(b []byte, limit uint64) (field, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	switch {
	case used <= 0 || used > 1 && b[used-1] == 0:
		return nil, nil, fmt.Errorf("no length: %w", ErrDamaged)
	case n > limit:
		return nil, nil, fmt.Errorf("%d bytes, at most %d: %w", n, limit, ErrTooLarge)
	case n > uint64(len(b)-used):
		return nil, nil, fmt.Errorf("%d bytes stated, %d left: %w", n, len(b)-used, ErrDamaged)
	}
	end := used + int(n)
	return b[used:end:end], b[end:], nil
}
