package journal

import (
	"encoding/binary"
	"slices"
	"time"
)

// marks says how far the rows have come. All are row numbers; 0 is none.
type marks struct {
	last      uint64   // the newest row
	confirmed uint64   // the newest row head office holds under a matching chain
	chain     [32]byte // the current incarnation's chain after the confirmed row
	pruned    uint64   // the newest row that was removed
	aged      uint64   // the newest receipt whose stored answer was shortened
	forgotten uint64   // the newest receipt whose key was forgotten
}

func (m marks) encode() []byte {
	b := make([]byte, 0, 80)
	for _, v := range []uint64{m.last, m.confirmed, m.pruned, m.aged, m.forgotten} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return append(b, m.chain[:]...)
}

func decodeMarks(b []byte) (marks, error) {
	r := reader{b: b}
	m := marks{last: r.uint64(), confirmed: r.uint64(), pruned: r.uint64(), aged: r.uint64(), forgotten: r.uint64(), chain: r.digest()}
	if r.err == nil && (m.confirmed > m.last || m.pruned > m.confirmed) {
		r.fail()
	}
	return m, r.end()
}

// Reason says why an incarnation began.
type Reason byte

// Why an incarnation began.
const (
	// Created: the file is new.
	Created Reason = 1
	// Restored: the file is not the one this machine last showed to head office: a back-up, a copy, another disk.
	Restored Reason = 2
	// Forked: head office has other rows under the same incarnation: the file runs twice.
	Forked Reason = 3
	// Lost: head office no longer has rows that were confirmed and are gone from here.
	Lost Reason = 4
)

// A life is one incarnation: the rows with base < number ≤ end had the sequences number − base in it.
type life struct {
	id     [16]byte
	base   uint64
	end    uint64 // 0: the present one, still growing
	began  int64  // Unix seconds
	reason Reason
}

// has reports whether a row had a sequence in this life.
func (l life) has(number uint64) bool {
	return number > l.base && (l.end == 0 || number <= l.end)
}

// lives are all incarnations rows of this file were in, oldest first; the last is the present one.
type lives []life

func (l lives) now() life { return l[len(l)-1] }

// counted reports whether one of the sequences a row ever had is within its incarnation's cut-off. through runs parallel to l.
func (l lives) counted(number uint64, through []uint64) bool {
	for i, one := range l {
		if one.has(number) && number-one.base <= through[i] {
			return true
		}
	}
	return false
}

// next ends the present life at end and begins another after base. What no longer concerns any row is left out.
//
// After a restore end is the newest row: the former self delivered the same rows under the same sequences, so they go on counting. After a
// fork end is the last row on which head office agreed: later sequences of that life belong to somebody else.
func (l lives) next(id [16]byte, base, end, pruned uint64, began time.Time, why Reason) lives {
	var kept lives
	for _, one := range l {
		if one.end == 0 {
			one.end = end
		}
		if one.end > pruned && one.end > one.base {
			kept = append(kept, one)
		}
	}
	return append(kept, life{id: id, base: base, began: began.Unix(), reason: why})
}

// merge adds what another record of the same file's lives knows, up to its newest row.
func (l lives) merge(other lives, last uint64) lives {
	merged := slices.Clone(l)
	for _, one := range other {
		if one.end == 0 || one.end > last {
			one.end = last
		}
		at := slices.IndexFunc(merged, func(m life) bool { return m.id == one.id })
		switch {
		case at >= 0 && (merged[at].end == 0 || merged[at].end > one.end):
			merged[at].end = one.end
		case at < 0 && one.end > one.base:
			merged = append(merged, one)
		}
	}
	return merged
}

func (l lives) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(l)))
	for _, one := range l {
		b = append(b, one.id[:]...)
		b = binary.BigEndian.AppendUint64(b, one.base)
		b = binary.BigEndian.AppendUint64(b, one.end)
		b = binary.AppendVarint(b, one.began)
		b = append(b, byte(one.reason))
	}
	return b
}

func decodeLives(b []byte) (lives, error) {
	r := reader{b: b}
	n := r.uvarint()
	if n == 0 || n > uint64(len(b)) {
		r.fail()
	}
	var l lives
	for ; n > 0 && r.err == nil; n-- {
		l = append(l, life{id: r.id(), base: r.uint64(), end: r.uint64(), began: r.varint(), reason: Reason(r.byte())})
	}
	if r.err == nil && l.now().end != 0 {
		r.fail()
	}
	return l, r.end()
}

// trust is the newest manifest this server took.
type trust struct {
	version uint64
	digest  [32]byte
}

func (t trust) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, t.version), t.digest[:]...)
}

func decodeTrust(b []byte) (trust, error) {
	r := reader{b: b}
	t := trust{version: r.uint64(), digest: r.digest()}
	return t, r.end()
}

// clocks are times of others that this server has seen, Unix nanoseconds; 0 is never.
type clocks struct {
	floor   int64 // trusted time never goes below
	contact int64 // when head office last answered, by head office's clock
}

func (c clocks) encode() []byte {
	return binary.AppendVarint(binary.AppendVarint(nil, c.floor), c.contact)
}

func decodeClocks(b []byte) (clocks, error) {
	r := reader{b: b}
	c := clocks{floor: r.varint(), contact: r.varint()}
	return c, r.end()
}
