package bundle

import (
	"bytes"
	"iter"
)

// Merge is the state that changes make of a base: one pass, constant memory, the newest change of a record wins. Changes come oldest first.
// Whether they fitted the base shows in the digest of what comes out.
func Merge(base Records, changes ...Records) Records {
	if len(changes) == 0 {
		return base
	}
	return func(yield func(Record, error) bool) {
		next, stop := iter.Pull2(newest(changes))
		defer stop()
		change, err, more := next()
		// upTo emits the changes below a record; all of them for nil.
		upTo := func(r *Record) bool {
			for more && (err != nil || r == nil || Compare(change, *r) < 0) {
				if (err != nil || !change.Tombstone) && !yield(change, err) || err != nil {
					return false
				}
				change, err, more = next()
			}
			return true
		}
		for r, baseErr := range base {
			if baseErr != nil {
				yield(r, baseErr)
				return
			}
			if !upTo(&r) {
				return
			}
			if more && Compare(change, r) == 0 {
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
		upTo(nil)
	}
}

// newest is the union of changes, tombstones included: of each record its change in the last stream that has one.
func newest(changes []Records) Records {
	if len(changes) == 1 {
		return changes[0]
	}
	return func(yield func(Record, error) bool) {
		heads := make([]head, len(changes))
		for i, records := range changes {
			next, stop := iter.Pull2(records)
			defer stop()
			heads[i].next = next
			heads[i].advance()
		}
		for {
			best := -1
			for i := range heads {
				if heads[i].more && heads[i].err != nil {
					yield(Record{}, heads[i].err)
					return
				}
				if heads[i].more && (best < 0 || Compare(heads[i].record, heads[best].record) <= 0) {
					best = i
				}
			}
			if best < 0 || !yield(heads[best].record, nil) {
				return
			}
			for i := range heads {
				if i != best && heads[i].more && Compare(heads[i].record, heads[best].record) == 0 {
					heads[i].advance()
				}
			}
			heads[best].advance()
		}
	}
}

// head is the front of one stream.
type head struct {
	next   func() (Record, error, bool)
	record Record
	err    error
	more   bool
}

func (h *head) advance() {
	h.record, h.err, h.more = h.next()
}

// Diff is the change that leads from one state to another: records that are new or other, and tombstones for those that went.
func Diff(from, to Records) Records {
	return func(yield func(Record, error) bool) {
		next, stop := iter.Pull2(from)
		defer stop()
		old := head{next: next}
		old.advance()
		// gone emits tombstones for the old records below a record; for all that are left when it is nil.
		gone := func(r *Record) bool {
			for old.more && (old.err != nil || r == nil || Compare(old.record, *r) < 0) {
				if old.err != nil {
					yield(Record{}, old.err)
					return false
				}
				if !yield(Record{Kind: old.record.Kind, Key: old.record.Key, Tombstone: true}, nil) {
					return false
				}
				old.advance()
			}
			return true
		}
		for r, err := range to {
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !gone(&r) {
				return
			}
			if old.more && Compare(old.record, r) == 0 {
				same := bytes.Equal(old.record.Value, r.Value)
				old.advance()
				if same {
					continue
				}
			}
			if !yield(r, nil) {
				return
			}
		}
		gone(nil)
	}
}
