package identify

import "crypto/sha256"

// HashSize is the length of an identifier's hash in bytes: 128 bits, so that two of a chain's identifiers never meet.
const HashSize = 16

// Hash is the key under which an identifier is published and looked up: HMAC-SHA-256(key, namespace ‖ 0 ‖ canonical), the first 16
// bytes. Without the key nobody can tell which card, phone or address a hash stands for. A namespace never holds a zero byte.
func Hash(key []byte, namespace, canonical string) [HashSize]byte {
	var stack [2 * sha256.BlockSize]byte
	message := append(stack[:0], namespace...)
	message = append(message, 0)
	message = append(message, canonical...)
	sum := authenticate(key, message)
	return [HashSize]byte(sum[:HashSize])
}

// authenticate is HMAC-SHA-256 (RFC 2104): H(key ⊕ 0x5c… ‖ H(key ⊕ 0x36… ‖ message)), the key filled up to a block with zeros, or hashed where it is
// longer. It is what crypto/hmac reckons, without the state that package makes for every key: a till waits for this.
func authenticate(key, message []byte) [sha256.Size]byte {
	if len(key) > sha256.BlockSize {
		short := sha256.Sum256(key)
		key = short[:]
	}
	var pad [sha256.BlockSize]byte
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	var stack [3 * sha256.BlockSize]byte
	inner := sha256.Sum256(append(append(stack[:0], pad[:]...), message...))
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	return sha256.Sum256(append(append(stack[:0], pad[:]...), inner[:]...))
}
