package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// The layout of a signed file.
const (
	frameMagic  = "SKM1"
	frameHeader = len(frameMagic) + 8 + 4
	frameExtra  = frameHeader + ed25519.SignatureSize
)

// signedDomain separates our signatures from all others made with the same key.
const signedDomain = "stamklant/signed/v1\x00"

// ChainID names a chain of stores: the first 16 bytes of SHA-256 of its root public key.
type ChainID [16]byte

// KeyID names a key: the first 8 bytes of SHA-256 of the public key.
type KeyID [8]byte

// ChainOf is the chain a root public key stands for.
func ChainOf(root ed25519.PublicKey) ChainID {
	sum := sha256.Sum256(root)
	return ChainID(sum[:16])
}

// KeyIDOf names a public key.
func KeyIDOf(key ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(key)
	return KeyID(sum[:8])
}

// MaxSigned is the most bytes a signed file of this kind may have, all in: what to stop reading at. 0 for an unknown kind.
func MaxSigned(kind bundlev1.SignedKind) int {
	if limit := maxPayload(kind); limit > 0 {
		return limit + frameExtra
	}
	return 0
}

func maxPayload(kind bundlev1.SignedKind) int {
	switch kind {
	case bundlev1.SignedKind_SIGNED_KIND_KEYSET:
		return MaxKeyset
	case bundlev1.SignedKind_SIGNED_KIND_MANIFEST:
		return MaxManifest
	case bundlev1.SignedKind_SIGNED_KIND_LANE:
		return MaxLaneRecord
	default:
		return 0
	}
}

// Sign makes a signed file. It refuses with [ErrTooLarge] what [Verify] would refuse.
func Sign(kind bundlev1.SignedKind, chain ChainID, key ed25519.PrivateKey, payload []byte) ([]byte, error) {
	if limit := maxPayload(kind); len(payload) > limit {
		return nil, fmt.Errorf("%s of %d bytes, at most %d: %w", kindName(kind), len(payload), limit, ErrTooLarge)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	id := KeyIDOf(public)
	file := make([]byte, 0, frameExtra+len(payload))
	file = append(file, frameMagic...)
	file = append(file, id[:]...)
	file = binary.BigEndian.AppendUint32(file, uint32(len(payload)))
	file = append(file, payload...)
	return append(file, ed25519.Sign(key, signedBytes(kind, chain, payload))...), nil
}

// Verify checks a signed file and returns its payload, which stays part of file. keyOf answers the public key of an id, or nil for a key
// that may not sign this kind; then, and whenever a byte was changed, Verify answers [ErrSignature], [ErrDamaged] or [ErrTooLarge].
func Verify(kind bundlev1.SignedKind, chain ChainID, keyOf func(KeyID) ed25519.PublicKey, file []byte) ([]byte, error) {
	limit := maxPayload(kind)
	switch {
	case len(file) > limit+frameExtra:
		return nil, fmt.Errorf("%s of %d bytes, at most %d: %w", kindName(kind), len(file), limit+frameExtra, ErrTooLarge)
	case len(file) < frameExtra || string(file[:len(frameMagic)]) != frameMagic:
		return nil, fmt.Errorf("%s: not a signed file: %w", kindName(kind), ErrDamaged)
	}
	length := binary.BigEndian.Uint32(file[frameHeader-4:])
	if int64(length) != int64(len(file)-frameExtra) {
		return nil, fmt.Errorf("%s: states %d bytes and has %d: %w", kindName(kind), length, len(file)-frameExtra, ErrDamaged)
	}
	key := keyOf(KeyID(file[len(frameMagic):]))
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s: its key is unknown or may not sign it: %w", kindName(kind), ErrSignature)
	}
	payload, signature := file[frameHeader:frameHeader+int(length)], file[frameHeader+int(length):]
	if !ed25519.Verify(key, signedBytes(kind, chain, payload), signature) {
		return nil, fmt.Errorf("%s: %w", kindName(kind), ErrSignature)
	}
	return payload, nil
}

func signedBytes(kind bundlev1.SignedKind, chain ChainID, payload []byte) []byte {
	b := make([]byte, 0, len(signedDomain)+1+len(chain)+len(payload))
	b = append(b, signedDomain...)
	b = append(b, byte(kind))
	b = append(b, chain[:]...)
	return append(b, payload...)
}

// kindName is how an error calls a signed file.
func kindName(kind bundlev1.SignedKind) string {
	switch kind {
	case bundlev1.SignedKind_SIGNED_KIND_KEYSET:
		return "keyset"
	case bundlev1.SignedKind_SIGNED_KIND_MANIFEST:
		return "manifest"
	case bundlev1.SignedKind_SIGNED_KIND_LANE:
		return "lane record"
	default:
		return "signed file of an unknown kind"
	}
}
