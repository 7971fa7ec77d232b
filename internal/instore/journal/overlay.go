package journal

import (
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Overlay is what head office said in its lane, over every release that has not worked it in. It never changes; the next word makes another.
//
// What was erased or merged holds over every release. What was said about preferences and blocks holds over releases whose lane_through is
// below its number, which the methods call after.
type Overlay struct {
	through  uint64
	erased   map[[16]byte]uint64 // by account, the number of the word
	cards    map[[16]byte]uint64 // erased identifiers, by their hash under the content key
	hashes   map[[16]byte]bool   // the same as they are published
	merged   map[[16]byte][16]byte
	into     map[[16]byte][][16]byte // by survivor
	wishes   map[[16]byte][]wish
	accounts map[[16]byte][]block // blocked or no longer, by account
	blocked  map[[16]byte][]block // and by identifier
	erasures []*bundlev1.LaneRecord
}

type wish struct {
	number uint64
	what   *outcomev1.Preference
}

type block struct {
	number  uint64
	blocked bool
}

// Overlay is what the lane has said so far.
func (j *Journal) Overlay() *Overlay { return j.overlay.Load() }

// Through is the last number taken.
func (o *Overlay) Through() uint64 { return o.through }

// Erased reports whether an account was erased.
func (o *Overlay) Erased(account [16]byte) bool { return o.erased[account] > 0 }

// ErasedCard reports whether the owner of an identifier was erased. The hash is made with the content key.
func (o *Overlay) ErasedCard(hash [16]byte) bool { return o.cards[hash] > 0 }

// AboutCards reports whether any word is about single identifiers, so that hashing one is worth it.
func (o *Overlay) AboutCards() bool { return len(o.cards)+len(o.blocked) > 0 }

// maxMerges bounds how many merges are followed, so that a circle in the data ends.
const maxMerges = 64

// Survivor is the account an account was merged into, or itself.
func (o *Overlay) Survivor(account [16]byte) [16]byte {
	for range maxMerges {
		next, ok := o.merged[account]
		if !ok {
			break
		}
		account = next
	}
	return account
}

// Merged are the accounts that were merged into one, directly or over others, each once.
func (o *Overlay) Merged(survivor [16]byte) [][16]byte {
	if len(o.into[survivor]) == 0 {
		return nil
	}
	all := [][16]byte{survivor}
	for i := 0; i < len(all); i++ {
		for _, one := range o.into[all[i]] {
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all[1:]
}

// Wishes visits what an account's customer wants, by words after a number.
func (o *Overlay) Wishes(account [16]byte, after uint64, visit func(*outcomev1.Preference)) {
	for _, w := range o.wishes[account] {
		if w.number > after {
			visit(w.what)
		}
	}
}

// Blocked is the last word after a number on whether an account is blocked; said is false when there is none.
func (o *Overlay) Blocked(account [16]byte, after uint64) (blocked, said bool) {
	return last(o.accounts[account], after)
}

// BlockedCard is the same for an identifier, by its hash under the content key.
func (o *Overlay) BlockedCard(hash [16]byte, after uint64) (blocked, said bool) {
	return last(o.blocked[hash], after)
}

func last(words []block, after uint64) (blocked, said bool) {
	if n := len(words); n > 0 && words[n-1].number > after {
		return words[n-1].blocked, true
	}
	return false, false
}

// Erasures are the words that erase and that were not pruned, oldest first.
func (o *Overlay) Erasures() []*bundlev1.LaneRecord { return o.erasures }

// add works one record in, while the overlay is being made.
func (o *Overlay) add(r *bundlev1.LaneRecord) {
	n := r.GetNumber()
	switch word := r.GetWord().(type) {
	case *bundlev1.LaneRecord_Preference:
		id := [16]byte(word.Preference.GetAccountId())
		o.wishes[id] = append(o.wishes[id], wish{n, word.Preference})
	case *bundlev1.LaneRecord_Block:
		into, id := o.accounts, word.Block.GetAccountId()
		if word.Block.GetIdentifier() != nil {
			into, id = o.blocked, word.Block.GetIdentifier()
		}
		into[[16]byte(id)] = append(into[[16]byte(id)], block{n, word.Block.GetBlocked()})
	case *bundlev1.LaneRecord_Erasure:
		o.erasures = append(o.erasures, r)
		o.erased[[16]byte(word.Erasure.GetAccountId())] = n
		for _, card := range word.Erasure.GetIdentifiers() {
			o.cards[[16]byte(card)] = n
		}
		for _, hash := range word.Erasure.GetIdHashes() {
			o.hashes[[16]byte(hash)] = true
		}
	case *bundlev1.LaneRecord_Merge:
		from, to := [16]byte(word.Merge.GetMerged()), [16]byte(word.Merge.GetSurvivor())
		o.merged[from] = to
		o.into[to] = append(o.into[to], from)
	}
}

// readOverlay reads all that is kept of the lane.
func (v *View) readOverlay() (*Overlay, error) {
	m, err := v.laneMarks()
	if err != nil {
		return nil, err
	}
	o := &Overlay{
		through: m.through, erased: map[[16]byte]uint64{}, cards: map[[16]byte]uint64{}, hashes: map[[16]byte]bool{},
		merged: map[[16]byte][16]byte{}, into: map[[16]byte][][16]byte{}, wishes: map[[16]byte][]wish{},
		accounts: map[[16]byte][]block{}, blocked: map[[16]byte][]block{},
	}
	err = v.eachWord(func(_ uint64, r *bundlev1.LaneRecord) error {
		o.add(r)
		return nil
	})
	return o, err
}

// eachWord visits what is kept of the lane, in order.
func (v *View) eachWord(visit func(number uint64, r *bundlev1.LaneRecord) error) error {
	return v.scan(inLane, nil, func(key, plain []byte) (bool, error) {
		r := new(bundlev1.LaneRecord)
		if len(key) != 8 || proto.Unmarshal(plain, r) != nil || r.GetNumber() != binary.BigEndian.Uint64(key) || !sound(r) {
			return false, fmt.Errorf("%w: lane %x", ErrDamaged, key)
		}
		return true, visit(r.GetNumber(), r)
	})
}

// sound reports whether the ids of a record are ids.
func sound(r *bundlev1.LaneRecord) bool {
	var ids [][]byte
	switch word := r.GetWord().(type) {
	case *bundlev1.LaneRecord_Preference:
		ids = [][]byte{word.Preference.GetAccountId()}
	case *bundlev1.LaneRecord_Block:
		ids = [][]byte{word.Block.GetAccountId()}
		if word.Block.GetIdentifier() != nil {
			ids = [][]byte{word.Block.GetIdentifier()}
		}
	case *bundlev1.LaneRecord_Erasure:
		ids = slices.Concat([][]byte{word.Erasure.GetAccountId()}, word.Erasure.GetIdentifiers(), word.Erasure.GetIdHashes())
	case *bundlev1.LaneRecord_Merge:
		ids = [][]byte{word.Merge.GetMerged(), word.Merge.GetSurvivor()}
	}
	return !slices.ContainsFunc(ids, func(id []byte) bool { return len(id) != 16 })
}
