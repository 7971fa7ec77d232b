package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// The infos under which keys are derived from the data key.
const (
	infoRows = "stamklant/journal/v1"
	infoSeal = "stamklant/journal/seal/v1"
)

// A sealer seals and opens the values of one file. It is safe for use by many goroutines.
type sealer struct {
	aead cipher.AEAD
}

func newSealer(dataKey [32]byte, salt []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, dataKey[:], salt, infoRows, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// What is never longer: a receipt has at most 1,000 lines, its answer is of a few kilobytes.
const (
	maxValue = 4 << 20
	maxKey   = 64
)

// scratch is memory that one transaction reuses from value to value.
type scratch struct {
	plain, data []byte
}

// additional writes what binds a value to its place: bucket ‖ key.
func (s *scratch) additional(bucket string, key []byte) []byte {
	s.data = append(append(s.data[:0], bucket...), key...)
	return s.data
}

// seal returns the value to store at a place. bbolt keeps it until the transaction ends, so it is new memory each time.
func (s *sealer) seal(mem *scratch, bucket string, key, plain []byte) []byte {
	to := make([]byte, 0, len(plain)+s.aead.Overhead())
	return s.aead.Seal(to, nil, plain, mem.additional(bucket, key)) //nolint:gosec // this AEAD draws its nonces itself and wants none
}

// open returns what was sealed at a place, in memory that the next open overwrites, or ErrDamaged.
func (s *sealer) open(mem *scratch, bucket string, key, sealed []byte) (plain []byte, err error) {
	defer guard(&err) // a damaged page can give a value any place and length
	if len(sealed) > maxValue || len(key) > maxKey {
		return nil, fmt.Errorf("%w: a value of %s has %d bytes, its key %d", ErrDamaged, bucket, len(sealed), len(key))
	}
	plain, err = s.aead.Open(mem.plain[:0], nil, sealed, mem.additional(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("%w: the seal of %s %x does not hold", ErrDamaged, bucket, key)
	}
	if plain == nil {
		plain = []byte{}
	}
	mem.plain = plain
	return plain, nil
}
