package bundle

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Pieces cuts a message into records of one kind, numbered from 0. [Join] puts them together again.
func Pieces(kind Kind, message proto.Message) (Records, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	if len(data) > MaxMessage {
		return nil, fmt.Errorf("%s of %d bytes, at most %d: %w", kind, len(data), MaxMessage, ErrTooLarge)
	}
	return func(yield func(Record, error) bool) {
		rest := data
		for i := uint32(0); i == 0 || len(rest) > 0; i++ {
			n := min(len(rest), MaxValue)
			if !yield(Record{Kind: kind, Key: binary.BigEndian.AppendUint32(nil, i), Value: rest[:n]}, nil) {
				return
			}
			rest = rest[n:]
		}
	}, nil
}

// Join reads the message that [Pieces] cut. It answers [ErrDamaged] when a piece is missing or of another kind, and [ErrTooLarge] beyond [MaxMessage].
func Join(kind Kind, records Records, into proto.Message) error {
	var data []byte
	next := uint32(0)
	for r, err := range records {
		if err != nil {
			return err
		}
		if r.Kind != kind || r.Tombstone || len(r.Key) != 4 || binary.BigEndian.Uint32(r.Key) != next {
			return fmt.Errorf("%s: piece %d is missing: %w", kind, next, ErrDamaged)
		}
		if len(data)+len(r.Value) > MaxMessage {
			return fmt.Errorf("%s: more than %d bytes: %w", kind, MaxMessage, ErrTooLarge)
		}
		data = append(data, r.Value...)
		next++
	}
	if next == 0 {
		return fmt.Errorf("%s: empty: %w", kind, ErrDamaged)
	}
	if err := proto.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w: %w", kind, ErrDamaged, err)
	}
	return nil
}
