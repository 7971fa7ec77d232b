package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// ErrLaneGap is returned when a lane record does not follow the last one taken.
var ErrLaneGap = errors.New("a lane record is missing before this one")

// laneMarks says how far the lane has come here. All are lane numbers.
type laneMarks struct {
	through   uint64 // the last one taken
	anonymous uint64 // erasures up to here have left no trace of whom in the rows
	compacted uint64 // and none in the bytes of the file either
	receipted uint64 // and head office was told
	begun     bool   // whether it was ever said where the lane begins here
}

func (m laneMarks) encode() []byte {
	b := make([]byte, 0, 33)
	for _, v := range []uint64{m.through, m.anonymous, m.compacted, m.receipted} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	if m.begun {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeLaneMarks(b []byte) (laneMarks, error) {
	r := reader{b: b}
	m := laneMarks{through: r.uint64(), anonymous: r.uint64(), compacted: r.uint64(), receipted: r.uint64(), begun: r.byte() == 1}
	if r.err == nil && (m.anonymous > m.through || m.compacted > m.anonymous || m.receipted > m.compacted) {
		r.fail()
	}
	return m, r.end()
}

func (v *View) laneMarks() (laneMarks, error) {
	b, err := v.metaRow(keyLane)
	if err != nil {
		return laneMarks{}, err
	}
	m, err := decodeLaneMarks(b)
	if err != nil {
		return m, fmt.Errorf("%w: its lane: %w", ErrDamaged, err)
	}
	return m, nil
}

// changeLane alters the lane in one transaction, and then has everybody see it.
func (j *Journal) changeLane(ctx context.Context, change func(w *writer, m *laneMarks) error) error {
	j.lane.Lock()
	defer j.lane.Unlock()
	err := j.update(ctx, func(w *writer) error {
		m, err := w.laneMarks()
		if err != nil {
			return err
		}
		was := m
		if err := change(w, &m); err != nil || m == was {
			return err
		}
		return w.put(inMeta, keyLane, m.encode())
	})
	if err != nil {
		return err
	}
	return j.View(func(v *View) error {
		o, err := v.readOverlay()
		if err == nil {
			j.overlay.Store(o)
		}
		return err
	})
}

// LaneThrough is the number of the last lane record taken; 0 before the first.
func (j *Journal) LaneThrough() uint64 { return j.overlay.Load().through }

// KeepLane takes lane records, which must follow the last one taken, and returns once they are on disk and hold. ErrLaneGap when they do
// not follow; what was taken before is passed over.
func (j *Journal) KeepLane(ctx context.Context, records []*bundlev1.LaneRecord) error {
	return j.changeLane(ctx, func(w *writer, m *laneMarks) error {
		for _, r := range records {
			switch n := r.GetNumber(); {
			case n <= m.through:
				continue
			case n != m.through+1:
				return fmt.Errorf("%w: %d after %d", ErrLaneGap, n, m.through)
			case !sound(r):
				return fmt.Errorf("journal: lane record %d names no accounts", n)
			}
			plain, err := proto.Marshal(r)
			if err != nil {
				return err
			}
			if err := w.put(inLane, numberKey(r.GetNumber()), plain); err != nil {
				return err
			}
			m.through = r.GetNumber()
		}
		return nil
	})
}

// BeginLane says, once in the life of this file, after which number its lane begins: the lowest that a release which may be opened has
// worked in. From then on every word is taken, also those that newer releases have worked in: the journal's own rows need them.
func (j *Journal) BeginLane(ctx context.Context, at uint64) error {
	begun := false
	err := j.View(func(v *View) error {
		m, err := v.laneMarks()
		begun = m.begun
		return err
	})
	if err != nil || begun {
		return err
	}
	return j.changeLane(ctx, func(_ *writer, m *laneMarks) error {
		if !m.begun {
			m.begun, m.through = true, max(m.through, at)
		}
		return nil
	})
}

// PruneLane lets go of words that every release that may be opened has worked in, up to a number. Merges stay, because entries that were
// booked on the account that ended may still count; erasures stay until head office was told that they are done.
func (j *Journal) PruneLane(ctx context.Context, through uint64) error {
	none := true
	err := j.View(func(v *View) error {
		return v.eachWord(func(n uint64, r *bundlev1.LaneRecord) error {
			none = none && (n > through || r.GetMerge() != nil)
			return nil
		})
	})
	if err != nil || none {
		return err
	}
	return j.changeLane(ctx, func(w *writer, m *laneMarks) error {
		return w.removeWords(func(r *bundlev1.LaneRecord) bool {
			n := r.GetNumber()
			return n <= through && r.GetMerge() == nil && (r.GetErasure() == nil || n <= m.receipted)
		})
	})
}

// removeWords removes the words that gone answers true for.
func (w *writer) removeWords(gone func(*bundlev1.LaneRecord) bool) error {
	var numbers []uint64
	err := w.eachWord(func(n uint64, r *bundlev1.LaneRecord) error {
		if gone(r) {
			numbers = append(numbers, n)
		}
		return nil
	})
	for _, n := range numbers {
		if err != nil {
			break
		}
		err = w.remove(inLane, numberKey(n))
	}
	return err
}

// SetPreference keeps what a customer wants, for this store at once and for head office. The same account, purpose and time again is
// replayed: nothing is kept twice.
func (j *Journal) SetPreference(ctx context.Context, p *outcomev1.Preference) (replayed bool, err error) {
	if len(p.GetAccountId()) != 16 || p.GetOccurredAt() == nil {
		return false, errors.New("journal: a preference needs an account of 16 bytes and a time")
	}
	if err := j.room(fullForReceipts); err != nil {
		return false, err
	}
	account := [16]byte(p.GetAccountId())
	err = j.update(ctx, func(w *writer) error {
		replayed = false
		err := w.LocalPreferences(account, func([16]byte) uint64 { return 0 }, func(had *outcomev1.Preference) error {
			replayed = replayed || proto.Equal(had, p)
			return nil
		})
		if err != nil || replayed {
			return err
		}
		number, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Preference{Preference: p}})
		if err != nil {
			return err
		}
		plain, err := proto.Marshal(p)
		if err != nil {
			return err
		}
		return w.put(inLocal, localKey(account, localPreference, number, 0), plain)
	})
	if err == nil && !replayed {
		j.nudge()
	}
	return replayed, err
}

// LocalPreferences visits, oldest first, what a subject's customer said here and no release has counted.
func (v *View) LocalPreferences(subject [16]byte, after func(incarnation [16]byte) uint64, visit func(*outcomev1.Preference) error) error {
	return v.uncounted(subject, localPreference, after, func(number uint64, plain []byte) error {
		p := new(outcomev1.Preference)
		if proto.Unmarshal(plain, p) != nil {
			return fmt.Errorf("%w: the preference of row %d", ErrDamaged, number)
		}
		return visit(p)
	})
}

// Erasing says what is still to be done about customers who were erased.
type Erasing struct {
	// Anonymise are the words whose customers the journal still points to.
	Anonymise []*bundlev1.LaneRecord
	// Compact is true when the file's bytes still do.
	Compact bool
	// Receipt are the words head office is to be told of, once no release that may be opened knows their customers.
	Receipt []uint64
}

// Erasing is what is to be done about customers who were erased.
func (j *Journal) Erasing() (Erasing, error) {
	var e Erasing
	err := j.View(func(v *View) error {
		m, err := v.laneMarks()
		if err != nil {
			return err
		}
		e = Erasing{Compact: m.anonymous > m.compacted}
		return v.eachWord(func(n uint64, r *bundlev1.LaneRecord) error {
			switch {
			case r.GetErasure() == nil:
			case n > m.anonymous:
				e.Anonymise = append(e.Anonymise, r)
			case n > m.receipted && n <= m.compacted:
				e.Receipt = append(e.Receipt, n)
			}
			return nil
		})
	})
	return e, err
}

// ReceiptErasures tells head office, by a row, that this server holds nothing more of the customers of words up to a number.
func (j *Journal) ReceiptErasures(ctx context.Context, through uint64, at time.Time) error {
	told := false
	err := j.changeLane(ctx, func(w *writer, m *laneMarks) error {
		if told = false; through > m.compacted {
			return fmt.Errorf("journal: erasure %d is not done, only those up to %d are", through, m.compacted)
		}
		var open []uint64
		err := w.eachWord(func(n uint64, r *bundlev1.LaneRecord) error {
			if r.GetErasure() != nil && n > m.receipted && n <= through {
				open = append(open, n)
			}
			return nil
		})
		for _, n := range open {
			if err != nil {
				break
			}
			told, m.receipted = true, n
			_, err = w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Erasure{Erasure: &outcomev1.ErasureReceipt{
				LaneNumber: n, DoneAt: timestamppb.New(at),
			}}})
		}
		return err
	})
	if err == nil && told {
		j.nudge()
	}
	return err
}

// Quiet is how long nothing has been recorded.
func (j *Journal) Quiet() time.Duration {
	return j.cfg.Now().Sub(time.Unix(0, j.recorded.Load()))
}
