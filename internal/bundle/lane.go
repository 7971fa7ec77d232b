package bundle

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// The lane is head office's log of urgent words. Each is a signed file of its own, so that it need not wait for a release:
//
//	sealed = nonce (12) ‖ AES-256-GCM(lane key, nonce, LaneRecord, chain id ‖ number u64)
//	lane key = HKDF-SHA-256(content key, chain id, "stamklant/lane/v1"), nonce key likewise with "stamklant/lane/nonce/v1"
//	nonce = the first 12 bytes of HMAC-SHA-256(nonce key, number ‖ LaneRecord)
//
// The nonce follows from what is sealed, so that the same record has the same bytes whenever it is written, and two never share one.

// The infos of the lane's keys.
const (
	infoLane      = "stamklant/lane/v1"
	infoLaneNonce = "stamklant/lane/nonce/v1"
)

const nonceSize = 12

// maxErasedIdentifiers bounds the identifiers of one erased customer.
const maxErasedIdentifiers = 1000

// LanePath is where a lane record lies.
func LanePath(number uint64) string { return "lane/" + strconv.FormatUint(number, 10) + ".skm" }

// SealLane makes the payload of a lane record's file. It refuses with [ErrTooLarge] or [ErrDamaged] what [OpenLane] would refuse.
func SealLane(chain ChainID, contentKey []byte, record *bundlev1.LaneRecord) ([]byte, error) {
	if err := checkLane(record); err != nil {
		return nil, fmt.Errorf("lane record %d: %w", record.GetNumber(), err)
	}
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(record)
	if err != nil {
		return nil, err
	}
	key, nonceKey, err := laneKeys(chain, contentKey)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, nonceKey[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, record.GetNumber()))
	mac.Write(plain)
	nonce := mac.Sum(nil)[:nonceSize]
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(&bundlev1.SealedLane{
		ChainId: chain[:], Number: record.GetNumber(), Sealed: gcm.Seal(slices.Clone(nonce), nonce, plain, laneData(chain, record.GetNumber())),
	})
	if err == nil && len(payload) > MaxLaneRecord {
		err = fmt.Errorf("lane record of %d bytes, at most %d: %w", len(payload), MaxLaneRecord, ErrTooLarge)
	}
	return payload, err
}

// OpenLane reads the verified payload of the lane record with a number. It answers [ErrDoesNotFit] for another number's, [ErrWrongChain],
// [ErrWrongKey] when the content key does not open it, and [ErrDamaged] for what nobody can act on.
func OpenLane(chain ChainID, contentKey []byte, number uint64, payload []byte) (*bundlev1.LaneRecord, error) {
	file := new(bundlev1.SealedLane)
	if err := proto.Unmarshal(payload, file); err != nil {
		return nil, fmt.Errorf("lane record %d: %w: %w", number, ErrDamaged, err)
	}
	switch {
	case !slices.Equal(file.GetChainId(), chain[:]):
		return nil, fmt.Errorf("lane record %d: %w", number, ErrWrongChain)
	case file.GetNumber() != number || number == 0:
		return nil, fmt.Errorf("lane record %d: says it is %d: %w", number, file.GetNumber(), ErrDoesNotFit)
	case len(file.GetSealed()) < nonceSize+tagSize:
		return nil, fmt.Errorf("lane record %d: %w", number, ErrDamaged)
	}
	key, _, err := laneKeys(chain, contentKey)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, file.GetSealed()[:nonceSize], file.GetSealed()[nonceSize:], laneData(chain, number))
	if err != nil {
		return nil, fmt.Errorf("lane record %d: %w", number, ErrWrongKey)
	}
	record := new(bundlev1.LaneRecord)
	if err := proto.Unmarshal(plain, record); err != nil {
		return nil, fmt.Errorf("lane record %d: %w: %w", number, ErrDamaged, err)
	}
	if record.GetNumber() != number {
		return nil, fmt.Errorf("lane record %d: holds %d: %w", number, record.GetNumber(), ErrDoesNotFit)
	}
	if err := checkLane(record); err != nil {
		return nil, fmt.Errorf("lane record %d: %w", number, err)
	}
	return record, nil
}

// LaneFile verifies a lane record's file and reads it: see [OpenLane].
func (t *Trust) LaneFile(number uint64, contentKey, file []byte) (*bundlev1.LaneRecord, error) {
	payload, err := t.Lane(file)
	if err != nil {
		return nil, err
	}
	return OpenLane(t.anchor.Chain, contentKey, number, payload)
}

func laneKeys(chain ChainID, contentKey []byte) (seal, nonce Key, err error) {
	for info, key := range map[string]*Key{infoLane: &seal, infoLaneNonce: &nonce} {
		b, err := hkdf.Key(sha256.New, contentKey, chain[:], info, len(key))
		if err != nil {
			return seal, nonce, err
		}
		copy(key[:], b)
	}
	return seal, nonce, nil
}

func laneData(chain ChainID, number uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(chain[:]), number)
}

// checkLane refuses what no store could act on. A word of a kind this version does not know is let through: a store skips it, and says so.
func checkLane(r *bundlev1.LaneRecord) error {
	ok := r.GetNumber() > 0 && r.GetIssuedAt() != nil
	switch word := r.GetWord().(type) {
	case *bundlev1.LaneRecord_Preference:
		p := word.Preference
		ok = ok && isID(p.GetAccountId()) && p.GetPurpose() != outcomev1.Purpose_PURPOSE_UNSPECIFIED && p.GetOccurredAt() != nil
	case *bundlev1.LaneRecord_Block:
		ok = ok && (isID(word.Block.GetAccountId()) || isID(word.Block.GetIdentifier()))
	case *bundlev1.LaneRecord_Erasure:
		e := word.Erasure
		ok = ok && isID(e.GetAccountId()) && areIDs(e.GetIdentifiers()) && areIDs(e.GetIdHashes())
	case *bundlev1.LaneRecord_Merge:
		m := word.Merge
		ok = ok && isID(m.GetMerged()) && isID(m.GetSurvivor()) && !slices.Equal(m.GetMerged(), m.GetSurvivor())
	}
	if !ok {
		return fmt.Errorf("nobody can act on it: %w", ErrDamaged)
	}
	return nil
}

func isID(b []byte) bool { return len(b) == 16 }

func areIDs(ids [][]byte) bool {
	return len(ids) <= maxErasedIdentifiers && !slices.ContainsFunc(ids, func(b []byte) bool { return !isID(b) })
}
