// Package generation is the customers of one release, in a file a till's question is answered from in microseconds, with or without head
// office. It also keeps what else a release is made of, and says which release serves now.
//
// # A generation file
//
// A bbolt file that is built once, in order, and never written again:
//
//	meta
//	  "format"   u32, big endian: 1
//	  "salt"     32 random bytes, in the clear; a file never shares them
//	  "summary"  sealed: state digest (32) ‖ accounts u64 ‖ identifiers u64 ‖ erased u64
//	accounts     account id (16)      → sealed customer.v1.Account
//	identifiers  identifier hash (16) → sealed customer.v1.Identifier
//	erased       identifier hash (16) → sealed nothing
//
// Keys stand as they were published: random, or hashed under a key. Each of the three buckets begins with the key 00 and ends with the key
// ff × 17, which are no records.
//
//	sealed   = ordinal u64 ‖ AES-256-GCM(file key, nonce 0⁴ ‖ ordinal, length (1) ‖ next key ‖ value, salt ‖ bucket ‖ key)
//	file key = HKDF-SHA-256(data key, salt, "stamklant/generation/v1")
//
// A sealed value names the key that follows. So an answer is either what head office published, or proof that it published nothing under
// that key: a record stands before the place, and says itself what comes after it. Anything else is [ErrDamaged], never "unknown".
//
// # A folder
//
//	<dir>/
//	  CURRENT                     the release that serves: the digest of its manifest
//	  running                     there while a server runs; found at a start, the stop before was unclean
//	  generations/gen-….db        the files
//	  releases/<digest>/          one release: manifest.skm and keyset.skm as they were signed, pieces/ as they were sealed, and
//	                              generation, which names the file, its length and SHA-256
//
// Nothing in it can be read without the server's keys. A release is written whole, in this order: generation file, release folder, CURRENT;
// each is flushed to the disk before the next begins.
//
// The package starts no goroutine. What it opens is closed when the last who uses it is done.
package generation

import "errors"

var (
	// ErrNotFound is returned when head office published nothing under the key, and the file proves it.
	ErrNotFound = errors.New("not found")
	// ErrDamaged is returned when a file does not hold what was written to it. Another record of it may still be right.
	ErrDamaged = errors.New("damaged")
	// ErrRecord is returned when a record to be built does not belong into a generation, or comes out of order.
	ErrRecord = errors.New("not a record of a generation")
	// ErrState is returned when the records of a build are not the state that was promised.
	ErrState = errors.New("records are not the state that was promised")
	// ErrNoRelease is returned when a folder holds no release yet.
	ErrNoRelease = errors.New("no release yet")
	// ErrClosed is returned by a file that was closed.
	ErrClosed = errors.New("closed")
	// ErrDeviceKey is returned when the data key cannot be opened with this machine's device key.
	ErrDeviceKey = errors.New("device key does not open the data key")
)
