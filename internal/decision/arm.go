package decision

import (
	"crypto/sha256"
	"encoding/binary"
)

// Purpose keeps the draws about one account apart.
type Purpose string

// The purposes of a draw.
const (
	// ForArm draws who is in a campaign's holdout.
	ForArm Purpose = "arm"
	// ForGlobal draws who is in the holdout of everything.
	ForGlobal Purpose = "global"
	// ForSample draws who is asked a question.
	ForSample Purpose = "sample"
	// ForBreach draws for whom a rule is broken, to measure what it costs.
	ForBreach Purpose = "breach"
	// ForTie draws which of equals comes first.
	ForTie Purpose = "tie"
)

// Draw is a number that an account has for a purpose and a salt, spread evenly and the same everywhere: the first 8 bytes, big endian, of
// SHA-256(purpose ‖ 0 ‖ salt ‖ 0 ‖ account id).
func Draw(purpose Purpose, salt string, account [16]byte) uint64 {
	var stack [128]byte
	b := append(stack[:0], purpose...)
	b = append(b, 0)
	b = append(b, salt...)
	b = append(b, 0)
	b = append(b, account[:]...)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:8])
}

// In reports whether a draw falls within a share in basis points. A larger share holds all that a smaller one holds.
func In(draw uint64, basisPoints int32) bool {
	return int64((draw>>32)*10000>>32) < int64(basisPoints)
}
