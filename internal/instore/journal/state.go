package journal

import "encoding/binary"

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
