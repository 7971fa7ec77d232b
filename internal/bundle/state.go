package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
)

// State counts and digests the records of a state as they pass. The zero value is not ready: use [NewState]. Not for concurrent use.
type State struct {
	// Accounts that passed.
	Accounts uint64
	// Identifiers that passed.
	Identifiers uint64
	// Erased identifiers that passed.
	Erased uint64

	sum     hash.Hash
	scratch []byte
	kind    Kind
	key     []byte
}

// NewState starts with the empty state.
func NewState() *State {
	return &State{sum: sha256.New()}
}

// Add takes the next record. It answers [ErrOrder] when the record does not stand above the one before, and [ErrRecord] for a tombstone.
func (s *State) Add(r Record) error {
	if r.Tombstone {
		return fmt.Errorf("%s: a tombstone in a state: %w", r.Kind, ErrRecord)
	}
	if r.Kind < s.kind || r.Kind == s.kind && bytes.Compare(r.Key, s.key) <= 0 {
		return fmt.Errorf("%s after %s: %w", r.Kind, s.kind, ErrOrder)
	}
	s.kind, s.key = r.Kind, append(s.key[:0], r.Key...)
	switch r.Kind {
	case KindAccount:
		s.Accounts++
	case KindIdentifier:
		s.Identifiers++
	case KindErased:
		s.Erased++
	default: // programmes and store parts are no customers
	}
	b := binary.AppendUvarint(s.scratch[:0], uint64(len(r.Key)+1))
	b = append(b, byte(r.Kind))
	b = append(b, r.Key...)
	b = binary.AppendUvarint(b, uint64(len(r.Value)))
	s.scratch = b
	s.sum.Write(b)
	s.sum.Write(r.Value)
	return nil
}

// Digest is the digest of the records so far.
func (s *State) Digest() [32]byte {
	return [32]byte(s.sum.Sum(nil))
}

// Pass hands records on unchanged and adds them to the state on their way.
func (s *State) Pass(records Records) Records {
	return func(yield func(Record, error) bool) {
		for r, err := range records {
			if err == nil {
				err = s.Add(r)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// StateDigest is the digest of a whole state.
func StateDigest(records Records) ([32]byte, error) {
	s := NewState()
	for _, err := range s.Pass(records) {
		if err != nil {
			return [32]byte{}, err
		}
	}
	return s.Digest(), nil
}
