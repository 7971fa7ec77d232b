package journal

import (
	"crypto/sha256"
	"encoding/binary"
)

// The buckets. No name begins with another one, so that bucket ‖ key names one place.
const (
	inMeta     = "meta"
	inRows     = "rows"
	inReceipts = "receipts"
	inEntries  = "entries"
	inLocal    = "local"
	inHashes   = "hashes"
	inRefused  = "refused"
	inAges     = "ages"
	inConfirms = "confirms"
	inLane     = "lane"
	inCoupons  = "coupons"
	inWallets  = "wallets"
	inHolds    = "holds"
	inOutcomes = "outcomes"
)

var buckets = []string{inMeta, inRows, inReceipts, inEntries, inLocal, inHashes, inRefused, inAges, inConfirms, inLane, inCoupons, inWallets, inHolds, inOutcomes}

// The keys of meta.
var (
	keyVersion = []byte{0x01}
	keySalt    = []byte{0x02}
	keyMarks   = []byte{0x10}
	keyLives   = []byte{0x11}
	keyTrust   = []byte{0x12}
	keyClocks  = []byte{0x13}
	keyLane    = []byte{0x14}
)

// The kinds of what is kept by subject.
const (
	localEntry      byte = 1
	localContact    byte = 2
	localReceipt    byte = 3
	localPreference byte = 4
	localDetails    byte = 5
)

func numberKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), n)
}

// receiptID is where a receipt key leads: the same for ever, and telling nothing.
func receiptID(key []byte) [16]byte {
	h := sha256.New()
	h.Write([]byte("stamklant/journal/receipt/v1"))
	h.Write(key)
	return [16]byte(h.Sum(nil))
}

func receiptKey(id [16]byte, fork uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 20), id[:]...), fork)
}

func refusedKey(id [16]byte, hash [32]byte) []byte {
	return append(append(make([]byte, 0, 32), id[:]...), hash[:16]...)
}

func localPrefix(subject [16]byte, kind byte) [17]byte {
	var k [17]byte
	copy(k[:], subject[:])
	k[16] = kind
	return k
}

func localKey(subject [16]byte, kind byte, number uint64, ordinal int) []byte {
	prefix := localPrefix(subject, kind)
	k := append(make([]byte, 0, 27), prefix[:]...)
	k = binary.BigEndian.AppendUint64(k, number)
	return binary.BigEndian.AppendUint16(k, uint16(ordinal))
}

// localNumber is the row number within a key of local; 0 for a key that is none.
func localNumber(key []byte) uint64 {
	if len(key) != 27 {
		return 0
	}
	return binary.BigEndian.Uint64(key[17:25])
}
