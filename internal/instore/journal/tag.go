package journal

import (
	"encoding/binary"
	"fmt"
)

// A place is where the key of a receipt stands, and when it was recorded. As long as the row is here it is tagged with it, so that a receipt is written
// to one bucket less; once the row is gone it stands in ages.
type place struct {
	id   [16]byte
	fork uint32
	at   int64 // Unix seconds
}

// key is the key in receipts.
func (p *place) key() []byte { return receiptKey(p.id, p.fork) }

func (p *place) encode() []byte { return binary.AppendVarint(p.key(), p.at) }

func decodePlace(b []byte) (*place, error) {
	p, r := &place{}, reader{b: b}
	p.id = r.id()
	if f := r.take(4); f != nil {
		p.fork = binary.BigEndian.Uint32(f)
	}
	p.at = r.varint()
	return p, r.end()
}

// tagMark begins a row that has a tag. No message begins like that: there is no field 0.
const tagMark = 0x00

// before writes the tag that stands before a row; nil writes nothing.
func (p *place) before(b []byte) []byte {
	if p == nil {
		return b
	}
	return appendBytes(append(b, tagMark), p.encode())
}

// untag takes the tag off a stored row, if it has one.
func untag(stored []byte) (tag *place, row []byte, err error) {
	if len(stored) == 0 || stored[0] != tagMark {
		return nil, stored, nil
	}
	r := reader{b: stored[1:]}
	if tag, err = decodePlace(r.bytes()); err == nil {
		err = r.err
	}
	return tag, r.b, err
}

// placeOf is where a row's receipt stands: by its tag, or by ages where it has none; nil when it is no receipt, or its key is gone.
func (v *View) placeOf(number uint64, tag *place) (*place, error) {
	if tag != nil {
		return tag, nil
	}
	plain, err := v.get(inAges, numberKey(number))
	if err != nil || plain == nil {
		return nil, err
	}
	at, err := decodePlace(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: age of row %d: %w", ErrDamaged, number, err)
	}
	return at, nil
}

// placeOfRow is placeOf for a row that is still here, without reading what it says.
func (v *View) placeOfRow(number uint64) (*place, error) {
	stored, err := v.get(inRows, numberKey(number))
	if err != nil {
		return nil, err
	}
	tag, row, err := untag(stored)
	if err != nil || len(row) == 0 {
		return nil, fmt.Errorf("%w: row %d cannot be read", ErrDamaged, number)
	}
	return v.placeOf(number, tag)
}
