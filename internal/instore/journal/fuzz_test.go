package journal

import (
	"bytes"
	"testing"
)

// The decoders see only what a seal vouches for, and still must survive anything: a bug that wrote nonsense is not to stop a shop.

func FuzzDecode(f *testing.F) {
	full := lives{{id: [16]byte{1}, agreed: 7, began: 5, reason: Created}, {id: [16]byte{2}, parent: [16]byte{1}, at: 9, base: 7, agreed: whole, reason: Forked}}
	rec := &record{key: []byte("k"), hash: [32]byte{1}, number: 3, at: 4, answer: []byte("a"), brief: []byte("b"), sale: []byte("s")}
	for _, seed := range [][]byte{
		nil,
		{0},
		marks{last: 5, confirmed: 3, pruned: 1}.encode(), full.encode(), trust{version: 3}.encode(), clocks{1, 2}.encode(),
		rec.encode(), shown{last: 3, lives: full}.encode(), link([]byte("next"), []byte("value")), receiptKey([16]byte{1}, 2),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, encoded []byte, err error) {
			if err == nil && !bytes.Equal(encoded, b) && !shorter(encoded, b) {
				t.Errorf("%s: %x came back as %x", what, b, encoded)
			}
		}
		m, err := decodeMarks(b)
		same("marks", m.encode(), err)
		l, err := decodeLives(b)
		same("lives", l.encode(), err)
		if err == nil {
			if now := l.next(l, life{id: [16]byte{9}, reason: Restored}).now(); now.id != [16]byte{9} || now.agreed != whole {
				t.Errorf("the next life is %+v", now)
			}
			h := newHistory(l)
			h.counted(5, make([]uint64, len(h.spans)))
		}
		tr, err := decodeTrust(b)
		same("trust", tr.encode(), err)
		c, err := decodeClocks(b)
		same("clocks", c.encode(), err)
		if r, err := decodeRecord(b); err == nil {
			same("record", r.encode(), nil)
		}
		s, err := decodeShown(b)
		if err == nil {
			same("shown", s.encode(), nil)
		}
		if successor, value, err := unlink(b); err == nil {
			same("link", link(successor, value), nil)
		}
		if at, err := decodePlace(b); err == nil {
			same("place", at.encode(), nil)
		}
		if tag, row, err := untag(b); err == nil {
			same("tagged row", append(tag.before(nil), row...), nil)
		}
		_ = localNumber(b)
	})
}

// shorter reports whether an encoding is the same but for numbers written longer than they need be.
func shorter(encoded, b []byte) bool { return len(encoded) < len(b) }

// FuzzSealFile offers any bytes as a seal file: without the key nothing passes.
func FuzzSealFile(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(shown{lives: lives{{id: [16]byte{1}}}}.encode())
	file := sealFile{key: []byte("a key")}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := file.parse(b); ok && !bytes.HasSuffix(b, file.mac(b[:max(0, len(b)-32)])) {
			t.Errorf("%x passes for a seal", b)
		}
	})
}
