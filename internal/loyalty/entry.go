package loyalty

import (
	"crypto/sha256"
	"encoding/binary"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// entryDomain keeps the hash of an entry apart from every other hash.
const entryDomain = "stamklant/entry/v1"

// EntryIDSize is the length of a ledger entry's id in bytes.
const EntryIDSize = 16

// KeyBytes is a receipt key as bytes: the tuple (store, till, till epoch, business date, receipt number). Two keys give the same bytes
// only when all five fields are equal.
func KeyBytes(key *outcomev1.ReceiptKey) []byte {
	b := make([]byte, 0, 5+len(key.GetStore())+len(key.GetTill())+8+len(key.GetBusinessDate())+len(key.GetReceiptNo()))
	b = appendText(b, key.GetStore())
	b = appendText(b, key.GetTill())
	b = appendNumber(b, uint64(key.GetTillEpoch()))
	b = appendText(b, key.GetBusinessDate())
	return appendText(b, key.GetReceiptNo())
}

// EntryID is the id of the ledger entry of one kind that a receipt makes: the first 16 bytes of SHA-256 over the tuple
// ("stamklant/entry/v1", the five fields of the key, kind, ordinal). Ordinal counts the receipt's entries of that kind from 0. The id is
// computed, never drawn, so the same fact has the same id on every server.
func EntryID(keyBytes []byte, kind outcomev1.EntryKind, ordinal uint64) [EntryIDSize]byte {
	var stack [256]byte
	b := appendText(stack[:0], entryDomain)
	b = append(b, keyBytes...)
	b = appendNumber(b, uint64(kind))
	b = appendNumber(b, ordinal)
	sum := sha256.Sum256(b)
	return [EntryIDSize]byte(sum[:EntryIDSize])
}

// appendText adds one field of a hashed tuple: its length as uvarint, then its bytes.
func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// appendNumber adds one whole number to a hashed tuple: a field of eight bytes, big endian.
func appendNumber(b []byte, n uint64) []byte {
	b = append(b, 8)
	return binary.BigEndian.AppendUint64(b, n)
}

// ForkedKeyBytes is the key of the n-th other receipt that a re-imaged till sent under the same key, counted from 1: the key's tuple with
// the number as one more field.
func ForkedKeyBytes(keyBytes []byte, fork uint32) []byte {
	return appendNumber(append(make([]byte, 0, len(keyBytes)+9), keyBytes...), uint64(fork))
}
