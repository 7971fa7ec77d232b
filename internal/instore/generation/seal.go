package generation

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/stamklant/stamklant/internal/bundle"
)

// formatVersion is the version of the file's layout.
const formatVersion = 1

const (
	keySize     = 16
	saltSize    = 32
	ordinalSize = 8
	tagSize     = 16
)

// The names of the buckets.
var (
	metaBucket = []byte("meta")
	formatKey  = []byte("format")
	saltKey    = []byte("salt")
	summaryKey = []byte("summary")
)

// The keys before and after all records of a bucket.
var (
	lowest  = []byte{0}
	highest = bytes.Repeat([]byte{0xff}, keySize+1)
)

// kinds are the kinds of records a generation has, in their order.
var kinds = [...]bundle.Kind{bundle.KindAccount, bundle.KindIdentifier, bundle.KindErased}

// bucketName is the bucket of a kind; nil for a kind no generation has.
func bucketName(kind bundle.Kind) []byte {
	switch kind {
	case bundle.KindAccount:
		return []byte("accounts")
	case bundle.KindIdentifier:
		return []byte("identifiers")
	case bundle.KindErased:
		return []byte("erased")
	default:
		return nil
	}
}

// sealer seals and opens the values of one file. It may be used concurrently, each user with a scratch of his own.
type sealer struct {
	aead cipher.AEAD
	salt [saltSize]byte
}

// scratch is the memory one user of a sealer needs, kept so that a lookup allocates none.
type scratch struct {
	nonce [12]byte
	data  []byte
	plain []byte
}

func newSealer(dataKey bundle.Key, salt [saltSize]byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, dataKey[:], salt[:], "stamklant/generation/v1", 32)
	if err != nil {
		return nil, fmt.Errorf("file key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("file key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("file key: %w", err)
	}
	return &sealer{aead: aead, salt: salt}, nil
}

// bind sets the nonce and the additional data of a key; kind 0 is the summary.
func (s *sealer) bind(scratch *scratch, ordinal uint64, kind bundle.Kind, key []byte) {
	binary.BigEndian.PutUint64(scratch.nonce[4:], ordinal)
	scratch.data = append(scratch.data[:0], s.salt[:]...)
	scratch.data = append(scratch.data, byte(kind))
	scratch.data = append(scratch.data, key...)
}

// seal appends what is stored for a key.
func (s *sealer) seal(dst []byte, scratch *scratch, ordinal uint64, kind bundle.Kind, key, next, value []byte) []byte {
	s.bind(scratch, ordinal, kind, key)
	scratch.plain = append(scratch.plain[:0], byte(len(next)))
	scratch.plain = append(scratch.plain, next...)
	scratch.plain = append(scratch.plain, value...)
	dst = binary.BigEndian.AppendUint64(dst, ordinal)
	return s.aead.Seal(dst, scratch.nonce[:], scratch.plain, scratch.data)
}

// open reads what is stored for a key. next and value stand in the scratch until it is used again.
func (s *sealer) open(scratch *scratch, kind bundle.Kind, key, stored []byte) (next, value []byte, err error) {
	if len(stored) < ordinalSize+tagSize+1 {
		return nil, nil, ErrDamaged
	}
	s.bind(scratch, binary.BigEndian.Uint64(stored), kind, key)
	plain, err := s.aead.Open(scratch.plain[:0], scratch.nonce[:], stored[ordinalSize:], scratch.data)
	if err != nil {
		return nil, nil, ErrDamaged
	}
	scratch.plain = plain
	n := int(plain[0]) + 1
	if n > len(plain) {
		return nil, nil, ErrDamaged
	}
	return plain[1:n], plain[n:], nil
}

// summary says what a file holds, so that a file is never taken for another.
type summary struct {
	state                         [32]byte
	accounts, identifiers, erased uint64
}

const summarySize = 32 + 3*8

func (s summary) encode() []byte {
	b := append(make([]byte, 0, summarySize), s.state[:]...)
	b = binary.BigEndian.AppendUint64(b, s.accounts)
	b = binary.BigEndian.AppendUint64(b, s.identifiers)
	return binary.BigEndian.AppendUint64(b, s.erased)
}

func decodeSummary(b []byte) (summary, error) {
	if len(b) != summarySize {
		return summary{}, fmt.Errorf("summary of %d bytes: %w", len(b), ErrDamaged)
	}
	return summary{
		state:       [32]byte(b),
		accounts:    binary.BigEndian.Uint64(b[32:]),
		identifiers: binary.BigEndian.Uint64(b[40:]),
		erased:      binary.BigEndian.Uint64(b[48:]),
	}, nil
}
