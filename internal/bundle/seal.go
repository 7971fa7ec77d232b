package bundle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/binary"
	"fmt"
)

// tagSize is what AES-GCM adds to what it seals.
const tagSize = 16

// Key is an AES-256 key: of a part, or of a server's data.
type Key [32]byte

// What is sealed under a part key besides its bytes, so that a header never passes for a chunk.
var (
	headerData = []byte("stamklant/part/v1/header")
	chunkData  = []byte("stamklant/part/v1/chunk")
)

var headerNonce = []byte("head\x00\x00\x00\x00\x00\x00\x00\x00")

func chunkNonce(index int) []byte {
	return binary.BigEndian.AppendUint64([]byte("chnk"), uint64(index))
}

func newGCM(key Key) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// KeyUse says what a sealed key is for; it opens for the same use only.
type KeyUse []byte

// ForPart is the use of a part's key by one server.
func ForPart(chain ChainID, server string, headerDigest [32]byte) KeyUse {
	return append(forServer("stamklant/part-key/v1\x00", chain, server), headerDigest[:]...)
}

// ForRecovery is the use of a server's data key by head office, when the server has lost what it opens it with.
func ForRecovery(chain ChainID, server string) KeyUse {
	return forServer("stamklant/data-key/v1\x00", chain, server)
}

func forServer(domain string, chain ChainID, server string) KeyUse {
	use := append([]byte(domain), chain[:]...)
	use = binary.AppendUvarint(use, uint64(len(server)))
	return append(use, server...)
}

// ForDetails is the use of a customer's contact details, sealed in one server, by head office.
func ForDetails(chain ChainID, server string) KeyUse {
	return forServer("stamklant/details/v1\x00", chain, server)
}

// SealKey seals a key to an X25519 public key by HPKE (DHKEM X25519, HKDF-SHA256, AES-256-GCM).
func SealKey(recipient []byte, use KeyUse, key Key) ([]byte, error) {
	return SealFor(recipient, use, key[:])
}

// SealFor seals a short message in the same way.
func SealFor(recipient []byte, use KeyUse, plain []byte) ([]byte, error) {
	public, err := ecdh.X25519().NewPublicKey(recipient)
	if err != nil {
		return nil, fmt.Errorf("public key to seal to: %w", err)
	}
	to, err := hpke.NewDHKEMPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("public key to seal to: %w", err)
	}
	sealed, err := hpke.Seal(to, hpke.HKDFSHA256(), hpke.AES256GCM(), use, plain)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// OpenKey opens what [SealKey] made, with the X25519 private key. It answers [ErrWrongKey] when it was sealed to another key, for another use,
// or was changed.
func OpenKey(private []byte, use KeyUse, sealed []byte) (Key, error) {
	key, err := OpenFor(private, use, sealed)
	if err == nil && len(key) != len(Key{}) {
		err = ErrWrongKey
	}
	if err != nil {
		return Key{}, err
	}
	return Key(key), nil
}

// OpenFor opens what [SealFor] made, with the same answers.
func OpenFor(private []byte, use KeyUse, sealed []byte) ([]byte, error) {
	own, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("private key to open with: %w", err)
	}
	from, err := hpke.NewDHKEMPrivateKey(own)
	if err != nil {
		return nil, fmt.Errorf("private key to open with: %w", err)
	}
	plain, err := hpke.Open(from, hpke.HKDFSHA256(), hpke.AES256GCM(), use, sealed)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}
