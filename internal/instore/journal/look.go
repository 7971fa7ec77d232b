package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/groupcommit"
)

// Inspect tells what stands in the journal, without anything of a customer.
func (j *Journal) Inspect() (report *syncv1.JournalReport, err error) {
	err = j.View(func(v *View) error {
		report, err = v.report(j.path)
		return err
	})
	if err == nil {
		_, free := j.Size()
		report.FreeBytes = uint64(free)
		report.MaxBytes = uint64(j.cfg.MaxSize)
	}
	return report, err
}

// Size is how large the file is, and how much of that is free for reuse.
func (j *Journal) Size() (bytes, free int64) {
	stats := j.handle.Load().db.Stats()
	return j.size.Load(), int64(stats.FreePageN+stats.PendingPageN) * pageSize // what is pending is free from the next transaction on
}

// Verify opens every seal of the journal, and checks that nothing is missing in between, while recording goes on. ErrDamaged naming the place.
// progress may be nil.
func (j *Journal) Verify(ctx context.Context, progress func(what string, done int64)) error {
	return j.View(func(v *View) error { return v.verify(ctx, progress) })
}

// Snapshot writes a copy of the journal as it is at this moment, and answers what stands in it and how long it is.
func (j *Journal) Snapshot(w io.Writer) (report *syncv1.JournalReport, n int64, err error) {
	err = j.View(func(v *View) error {
		if report, err = v.report(j.path); err != nil {
			return err
		}
		n, err = v.tx.WriteTo(w)
		return err
	})
	return report, n, err
}

// Look hands fn a journal file for reading, be it a server's own or one within a back-up: nothing is changed, and no life begins. Of cfg it needs
// DataKey. ErrBusy while a server has the file open for writing.
func Look(path string, cfg Config, fn func(v *View) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("journal %s: %w", path, err)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	db, err := openToRead(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	version, salt, err := inClear(db)
	if err != nil {
		return err
	}
	if version != len(migrations) {
		return fmt.Errorf("%w: layout %d, this program knows %d", ErrNewer, version, len(migrations))
	}
	s, err := newSealer(cfg.DataKey, salt)
	if err != nil {
		return err
	}
	tx, err := begin(db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	v := &View{tx: tx, sealer: s}
	l, err := v.freshLives()
	if err != nil {
		return err
	}
	v.lives = newHistory(l)
	return fn(v)
}

// openToRead opens a bbolt file for reading.
func openToRead(path string) (*bbolt.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := groupcommit.Open(path, bbolt.Options{ReadOnly: true, NoStatistics: true, Timeout: lockTimeout, PageSize: pageSize})
	switch {
	case errors.Is(err, groupcommit.ErrBusy):
		return nil, fmt.Errorf("%w by process %s", ErrBusy, holder(path))
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, nil
}

// Held returns ErrBusy, with the holder's process id, when a server has a journal open, however damaged the file is.
func Held(path string) error {
	db, err := openToRead(path)
	if db != nil {
		return db.Close()
	}
	if errors.Is(err, ErrBusy) {
		return fmt.Errorf("journal %s: %w: stop it first", path, err)
	}
	return nil
}

// Inspect tells what stands in the journal, without anything of a customer.
func (v *View) Inspect(path string) (*syncv1.JournalReport, error) { return v.report(path) }

// Copy writes the file as it is in this view, and answers how long it is.
func (v *View) Copy(w io.Writer) (int64, error) { return v.tx.WriteTo(w) }

// Verify opens every seal, and checks that nothing is missing in between. ErrDamaged naming the place. progress may be nil.
func (v *View) Verify(ctx context.Context, progress func(what string, done int64)) error {
	return v.verify(ctx, progress)
}

func (v *View) report(path string) (*syncv1.JournalReport, error) {
	m, err := v.marks()
	if err != nil {
		return nil, err
	}
	b, err := v.metaRow(keyTrust)
	if err != nil {
		return nil, err
	}
	t, err := decodeTrust(b)
	if err != nil {
		return nil, fmt.Errorf("%w: its trust: %w", ErrDamaged, err)
	}
	c, err := v.clocks()
	if err != nil {
		return nil, err
	}
	report := &syncv1.JournalReport{
		File: path, Bytes: uint64(v.tx.Size()), Layout: uint32(len(migrations)), Last: m.last, Confirmed: m.confirmed, Pruned: m.pruned,
		Waiting: m.last - m.confirmed, TrustedVersion: t.version, Values: make(map[string]uint64, len(buckets)),
		TimeFloor: stamp(c.floor), OfficeContact: stamp(c.contact),
	}
	for _, one := range v.lives.lives {
		report.Incarnations = append(report.Incarnations, &syncv1.IncarnationReport{
			Id: one.id[:], Began: timestamppb.New(time.Unix(one.began, 0)), Reason: one.reason.String(), Base: one.base,
		})
	}
	return report, v.count(report.GetValues())
}

func stamp(nano int64) *timestamppb.Timestamp {
	if nano == 0 {
		return nil
	}
	return timestamppb.New(fromNano(nano))
}

// count counts the values of each bucket, heads not included.
func (v *View) count(values map[string]uint64) (err error) {
	defer guard(&err)
	for _, name := range buckets {
		b, err := v.bucket(name)
		if err != nil {
			return err
		}
		n := uint64(b.Stats().KeyN)
		if linked(name) && n > 0 {
			n--
		}
		values[name] = n
	}
	return nil
}

// tellEvery is after how many values progress is told.
const tellEvery = 5000

func (v *View) verify(ctx context.Context, progress func(what string, done int64)) error {
	m, err := v.marks()
	if err != nil {
		return err
	}
	for _, name := range buckets {
		var start []byte
		if name == inMeta {
			start = keyMarks // what stands before is in clear
		}
		done, next := int64(0), m.pruned
		err := v.from(name, start, func(key, _ []byte) (bool, error) {
			if next++; name == inRows && (len(key) != 8 || binary.BigEndian.Uint64(key) != next) {
				return false, fmt.Errorf("%w: row %d is missing", ErrDamaged, next)
			}
			if done++; progress != nil && done%tellEvery == 0 {
				progress(name, done)
			}
			return true, ctx.Err()
		})
		if err != nil {
			return err
		}
		if name == inRows && next != m.last {
			return fmt.Errorf("%w: rows end at %d, %d were recorded", ErrDamaged, next, m.last)
		}
		if progress != nil {
			progress(name, done)
		}
	}
	return nil
}
