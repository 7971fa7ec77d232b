// Package bundle is what travels from head office to the stores, as bytes: signed files that name content-addressed, encrypted pieces, and
// in the pieces a stream of records in one fixed order. A store that was offline for weeks reads from it what its customers look like now.
//
// It owns the formats and nothing else: bytes come in, bytes go out. It opens no file and no connection, looks at no clock and starts no
// goroutine. Keys are handed in; only the sealing of a key to a receiver draws randomness, inside crypto/hpke.
//
// What it promises to who reads:
//
//   - Nothing is parsed or decompressed before its bytes were verified: a signed file by its signature, a header and a chunk by the digest a
//     signed file names.
//   - No length of a stranger's is believed: every allocation stays within the limits below.
//   - Whatever was changed, cut off, swapped or made older is answered with one of the errors below, never with other customers.
//
// # Signed file
//
//	"SKM1" ‖ key id (8) ‖ length (u32, big endian) ‖ payload ‖ Ed25519 over domain ‖ payload (64)
//	domain = "stamklant/signed/v1" ‖ 0 ‖ kind (1) ‖ chain id (16)
//
// The root key signs the keyset; the keyset's keys sign manifests and lane records. [Trust] holds those steps together.
//
// # Part
//
// A part is a sealed header and its chunks, each a file named by the SHA-256 of its bytes:
//
//	header = AES-256-GCM(part key, nonce "head" ‖ 0⁸,        PartHeader,    "stamklant/part/v1/header")
//	chunk  = AES-256-GCM(part key, nonce "chnk" ‖ index u64, zstd(records), "stamklant/part/v1/chunk")
//
// A part key is used for one part only, and travels sealed to each server's own public key.
//
// # Lane
//
// Head office's urgent words, each a signed file of its own: see [SealLane]. Whom one is about only the chain's servers can read.
//
// # Records
//
//	record = kind (1), top bit set for a tombstone ‖ uvarint length ‖ key ‖ [ uvarint length ‖ value ], the last two absent in a tombstone
//
// in ascending order of kind ‖ key, each at most once. The digest of a state is the SHA-256 over its records, each as
// uvarint length ‖ kind ‖ key ‖ uvarint length ‖ value.
package bundle

// Limits, checked before anything is allocated. They leave a chain of ten million customers much room, and a forged length none.
const (
	// MaxKeyset bounds the payload of a keyset, in bytes.
	MaxKeyset = 64 << 10
	// MaxManifest bounds the payload of a manifest, in bytes: two months of daily changes take a twentieth of it.
	MaxManifest = 256 << 10
	// MaxLaneRecord bounds the payload of a lane record, in bytes.
	MaxLaneRecord = 64 << 10
	// MaxHeader bounds a sealed part header, in bytes: 200,000 chunks, or 100 GB of records.
	MaxHeader = 8 << 20
	// MaxChunkPlain bounds the records of a chunk, in bytes, before compression.
	MaxChunkPlain = 512 << 10
	// MaxChunk bounds a sealed chunk, in bytes.
	MaxChunk = 768<<10 + tagSize
	// MaxKey bounds a record's key, in bytes.
	MaxKey = 64
	// MaxValue bounds a record's value, in bytes.
	MaxValue = 64 << 10
	// MaxMessage bounds a message that is cut into records, in bytes: a programme of 10,000 campaigns is a third of it.
	MaxMessage = 32 << 20
	// MaxDeltas bounds the changes a manifest may name; a server further behind takes the snapshot.
	MaxDeltas = 64
	// MaxVersionJump bounds how far ahead of the last trusted version a manifest may be, so that nobody can use up all versions at once.
	MaxVersionJump = 1_000_000
)

// Format is the version of all formats here. A manifest that states another is refused with [ErrFormat].
const Format = 1
