package identify

import (
	"crypto/hmac"
	"crypto/sha256"
)

// HashSize is the length of an identifier's hash in bytes: 128 bits, so that two of a chain's identifiers never meet.
const HashSize = 16

// Hash is the key under which an identifier is published and looked up: HMAC-SHA-256(key, namespace ‖ 0 ‖ canonical), the first 16
// bytes. Without the key nobody can tell which card, phone or address a hash stands for. A namespace never holds a zero byte.
func Hash(key []byte, namespace, canonical string) [HashSize]byte {
	mac := hmac.New(sha256.New, key)
	var stack [64]byte
	message := append(stack[:0], namespace...)
	message = append(message, 0)
	message = append(message, canonical...)
	mac.Write(message)
	var sum [sha256.Size]byte
	return [HashSize]byte(mac.Sum(sum[:0])[:HashSize])
}
