package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

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

// A life is one incarnation of the file: rows after base had the sequences number − base in it.
//
// Lives form a tree. A life that began because its file was put back shares with its parent the rows there were then; what the parent recorded
// later is not in this file, and its numbers may be other rows here.
type life struct {
	id     [16]byte
	parent [16]byte // the life before; zero for the first
	at     uint64   // the newest row when this one began
	base   uint64   // the row before its first
	agreed uint64   // after a fork, the last row that was this file's; other sequences of this life are somebody else's
	began  int64    // Unix seconds
	reason Reason   // why it began
}

// whole is the agreed of a life that did not end in a fork.
const whole = math.MaxUint64

// mostLives is how many incarnations are remembered: more than any server will have that does not run in a circle.
const mostLives = 1000

// lives are all incarnations this file knows of, its own and those of its former selves; the last is the present one.
type lives []life

func (l lives) now() life { return l[len(l)-1] }

// next adds a new life after the present one. known are lives of which only the seal file knows.
func (l lives) next(known lives, fresh life) lives {
	next := slices.Clone(l)
	for _, other := range known {
		at := slices.IndexFunc(next, func(one life) bool { return one.id == other.id })
		if at < 0 {
			next = append(next, other)
		} else {
			next[at].agreed = min(next[at].agreed, other.agreed)
		}
	}
	now := l.now()
	if fresh.reason == Forked {
		at := slices.IndexFunc(next, func(one life) bool { return one.id == now.id })
		next[at].agreed = min(next[at].agreed, fresh.base)
	}
	fresh.parent, fresh.agreed = now.id, whole
	next = append(next, fresh)
	return next[max(0, len(next)-mostLives):]
}

func (l lives) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(l)))
	for _, one := range l {
		b = append(append(b, one.id[:]...), one.parent[:]...)
		for _, n := range []uint64{one.at, one.base, one.agreed} {
			b = binary.BigEndian.AppendUint64(b, n)
		}
		b = append(binary.AppendVarint(b, one.began), byte(one.reason))
	}
	return b
}

func decodeLives(b []byte) (lives, error) {
	r := reader{b: b}
	n := r.uvarint()
	if n == 0 || n > mostLives {
		r.fail()
	}
	var l lives
	for ; n > 0 && r.err == nil; n-- {
		l = append(l, life{
			id: r.id(), parent: r.id(), at: r.uint64(), base: r.uint64(), agreed: r.uint64(), began: r.varint(), reason: Reason(r.byte()),
		})
	}
	return l, r.end()
}

// A span is a life as it concerns this file: the rows with base < number ≤ end had the sequences number − base in it.
type span struct {
	id        [16]byte
	base, end uint64
}

// history is what a file knows of its lives, ready to be asked about a row. It does not change.
type history struct {
	lives
	spans []span
}

// newHistory finds for every life the rows that it shares with this file: those before the two parted.
func newHistory(l lives) *history {
	h := &history{lives: l}
	byID := make(map[[16]byte]life, len(l))
	for _, one := range l {
		byID[one.id] = one
	}
	// Back from the present life, rows are shared up to the fewest there were at any beginning on the way.
	shared := map[[16]byte]uint64{}
	rows, known := uint64(whole), true
	for one := l.now(); known; one, known = byID[one.parent] {
		if _, circle := shared[one.id]; circle {
			break
		}
		shared[one.id] = rows
		rows = min(rows, one.at)
	}
	for _, one := range l {
		if end := min(one.agreed, sharedWith(one, byID, shared)); end > one.base {
			h.spans = append(h.spans, span{one.id, one.base, end})
		}
	}
	return h
}

// sharedWith walks from a life back to the line of the present one.
func sharedWith(one life, byID map[[16]byte]life, line map[[16]byte]uint64) uint64 {
	rows := uint64(whole)
	for range len(byID) {
		if most, on := line[one.id]; on {
			return min(rows, most)
		}
		rows = min(rows, one.at)
		parent, known := byID[one.parent]
		if !known {
			return 0
		}
		one = parent
	}
	return 0
}

// counted reports whether one of the sequences a row ever had is within its incarnation's cut-off. through runs parallel to spans.
func (h *history) counted(number uint64, through []uint64) bool {
	for i, s := range h.spans {
		if number > s.base && number <= s.end && number-s.base <= through[i] {
			return true
		}
	}
	return false
}

// freshLives reads the lives as this transaction has them.
func (v *View) freshLives() (lives, error) {
	b, err := v.metaRow(keyLives)
	if err != nil {
		return nil, err
	}
	l, err := decodeLives(b)
	if err != nil {
		return nil, fmt.Errorf("%w: its lives: %w", ErrDamaged, err)
	}
	return l, nil
}

// begin starts a new incarnation. known are lives of which only the seal file knows.
func (j *Journal) begin(why Reason, known lives) error {
	var next lives
	err := j.update(context.Background(), func(w *writer) error {
		l, err := w.freshLives()
		if err != nil {
			return err
		}
		now, base := l.now(), w.marks.confirmed
		if why == Lost {
			base = w.marks.pruned
		}
		base = max(base, now.base)
		next = l.next(known, life{
			id: newIncarnation(), at: w.marks.last, base: base, began: j.cfg.Now().Unix(), reason: why,
		})
		w.marks.confirmed, w.marks.chain = base, [32]byte{}
		return w.put(inMeta, keyLives, next.encode())
	})
	if err != nil {
		return err
	}
	j.lives.Store(newHistory(next))
	j.cfg.Logger.Warn("a new incarnation of the journal begins", "server", j.cfg.ServerID,
		"why", why.String(), "incarnation", fmt.Sprintf("%x", next.now().id))
	j.nudge()
	return j.seal.change(func(s *shown) bool { s.lives = next; return true })
}

// String is the reason in a word.
func (r Reason) String() string {
	switch r {
	case Created:
		return "created"
	case Restored:
		return "restored"
	case Forked:
		return "forked"
	case Lost:
		return "lost"
	}
	return fmt.Sprintf("reason %d", byte(r))
}

// Born is when the present incarnation began, and why. Receipts from before it may be known to head office and not here.
func (j *Journal) Born() (time.Time, Reason) {
	now := j.lives.Load().now()
	return time.Unix(now.began, 0).UTC(), now.reason
}
