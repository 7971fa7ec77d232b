package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// aside is what a journal that was replaced is called: its name, this, and when.
const aside = ".damaged-"

// PutBack puts a whole journal file in the place of one that cannot be read any more, in one step, and returns what the old one is called now. The
// new file must lie in the same folder. No server may have the journal open. The next opening must say [Config.Restored].
func PutBack(path, whole, stamp string) (old string, err error) {
	if _, err := os.Stat(path); err == nil {
		old = path + aside + stamp
		if err := os.Link(path, old); err != nil { // a rename would leave a moment without any
			return "", err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(whole, path); err != nil {
		return old, err
	}
	return old, errors.Join(syncFolder(filepath.Dir(path)), removeOlder(path, old))
}

// removeOlder keeps of the journals that were replaced only the last.
func removeOlder(path, newest string) error {
	olds, err := filepath.Glob(path + aside + "*")
	for _, old := range olds {
		if old != newest {
			err = errors.Join(err, os.Remove(old))
		}
	}
	return err
}

// Restore is PutBack for a journal that is open: who reads meanwhile is told ErrUnavailable for a moment, and goes on with the new file. A new
// incarnation begins. After an error nothing can be recorded until the process opens the journal anew.
func (j *Journal) Restore(whole, stamp string) (old string, err error) {
	old, err = j.putBack(whole, stamp)
	if err != nil {
		return old, err
	}
	known := j.seal.now()
	if err := j.begin(Restored, known.lives); err != nil {
		return old, err
	}
	if known.trust.version > j.trust.Load().version {
		return old, j.keepTrust(known.trust)
	}
	return old, nil
}

func (j *Journal) putBack(whole, stamp string) (old string, err error) {
	j.heal.Lock()
	defer j.heal.Unlock()
	if j.closed.Load() {
		return "", ErrClosed
	}
	before := j.handle.Load()
	before.commits.Close()
	if err := before.db.Close(); err != nil {
		return "", err
	}
	if old, err = PutBack(j.path, whole, stamp); err != nil {
		return old, err
	}
	after, err := j.openHandle()
	if err != nil {
		return old, err
	}
	j.handle.Store(after)
	return old, j.load()
}

// now is what the file says.
func (f *sealFile) now() shown {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shown
}

// Salvage takes over, from a journal that was replaced because it was damaged, the rows that came after the back-up and can still be read: what tills
// were told is recorded goes up after all. It answers how many were taken and how many cannot be read.
func (j *Journal) Salvage(ctx context.Context, old string) (taken, lost int, err error) {
	m, err := j.marks()
	if err != nil {
		return 0, 0, err
	}
	err = Look(old, j.cfg, func(v *View) error {
		last, err := v.lastRow()
		if err != nil {
			return err
		}
		for number := m.last + 1; number <= last; number++ {
			row, at, rec, err := v.whole(number)
			if err != nil {
				lost++
				continue
			}
			if err := j.adopt(ctx, row, at, rec, v.noteOf(number, row)); err != nil {
				return err
			}
			taken++
		}
		return nil
	})
	if taken > 0 {
		j.nudge()
	}
	return taken, lost, err
}

// lastRow is the newest row: by the marks, or where they cannot be read by the rows themselves.
func (v *View) lastRow() (last uint64, err error) {
	if m, err := v.marks(); err == nil {
		return m.last, nil
	}
	defer guard(&err)
	b, err := v.bucket(inRows)
	if err != nil {
		return 0, err
	}
	if key, _ := b.Cursor().Last(); len(key) == 8 {
		last = binary.BigEndian.Uint64(key)
	}
	return last, nil
}

// whole reads a row, and of a receipt where its key stands and what stands there, each nil when it is lost, which the row is not.
func (v *View) whole(number uint64) (row *outcomev1.OutboxRow, at *place, rec *record, err error) {
	row, tag, err := v.tagged(number)
	if err != nil || row.GetReceipt() == nil {
		return row, nil, nil, err
	}
	if at, err = v.placeOf(number, tag); err != nil || at == nil {
		return row, nil, nil, nil //nolint:nilerr // the row can be read, and goes up
	}
	if rec, err = v.receipt(at.id, at.fork, nil); err != nil {
		rec = nil
	}
	return row, at, rec, nil
}

// noteOf reads what was noted of a row's receipt by subject; nil when that is lost.
func (v *View) noteOf(number uint64, row *outcomev1.OutboxRow) []byte {
	subject, known := subjectOf(row.GetReceipt())
	if !known {
		return nil
	}
	note, err := v.get(inLocal, localKey(subject, localReceipt, number, 0))
	if err != nil {
		return nil
	}
	return slices.Clone(note)
}

// adopt records a row again as it was recorded.
func (j *Journal) adopt(ctx context.Context, row *outcomev1.OutboxRow, at *place, rec *record, note []byte) error {
	return j.update(ctx, func(w *writer) error {
		if at != nil {
			if had, err := w.receipt(at.id, at.fork, nil); err != nil || had != nil {
				return err // the till has sent it again meanwhile
			}
		}
		number, err := w.appendTagged(proto.CloneOf(row), at)
		if err != nil {
			return err
		}
		if e := row.GetExposure(); e != nil && len(e.GetAccountId()) == 16 {
			return w.indexContact([16]byte(e.GetAccountId()), number, 0, e.GetExposure(), e.GetShownAt().AsTime())
		}
		for i, e := range row.GetOutcome().GetEntries() {
			if err := w.indexEntry(number, i, e, false); err != nil {
				return err
			}
		}
		receipt := row.GetReceipt()
		if receipt == nil {
			return nil
		}
		if rec != nil {
			again := *rec
			again.number, again.key = number, slices.Clone(rec.key)
			if err := w.put(inReceipts, at.key(), again.encode()); err != nil {
				return err
			}
		}
		return w.index(number, receipt, &Booking{Note: note}, receipt.GetRecordedAt().AsTime())
	})
}
