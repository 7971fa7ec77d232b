package journal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/groupcommit"
)

// errCompacting is an ErrUnavailable.
var errCompacting = fmt.Errorf("%w: its file is being written anew", ErrUnavailable)

const (
	// compactDraft is what the new file is called until it is complete.
	compactDraft = ".compact"
	// compactStep is how many values go into one transaction of the new file.
	compactStep = 10_000
	// compactFill leaves room for values that come in between.
	compactFill = 0.9
)

// Compaction says what a compaction did.
type Compaction struct {
	// Before and After are the bytes of the file.
	Before, After int64
	// Values is how many values were sealed anew.
	Values int
	// Took is how long nothing could be recorded.
	Took time.Duration

	anonymous uint64 // erasures up to here are gone from the bytes
}

// Compact writes the file anew, every value sealed under a new salt, and takes it in the place of the old one in one step: what was removed
// is gone from the bytes. Meanwhile recording answers ErrUnavailable and reading goes on. ErrFull when the disk has no room for a second
// file; then, and after any other failure, everything is as before.
func (j *Journal) Compact(ctx context.Context) (Compaction, error) {
	done, err := j.compact(ctx)
	if err != nil {
		return Compaction{}, err
	}
	return done, j.changeLane(ctx, func(_ *writer, m *laneMarks) error {
		m.compacted = max(m.compacted, done.anonymous)
		return nil
	})
}

// compact does it, while nobody else may exchange the file.
func (j *Journal) compact(ctx context.Context) (Compaction, error) {
	j.heal.Lock()
	defer j.heal.Unlock()
	if j.closed.Load() {
		return Compaction{}, ErrClosed
	}
	started := time.Now()
	before := j.handle.Load()
	done := Compaction{Before: j.size.Load()}
	free, err := freeSpace(j.path)
	if err == nil && free < uint64(done.Before)+j.cfg.MinFree {
		return Compaction{}, fmt.Errorf("%w: writing it anew needs %d bytes beside it, and its disk has %d", ErrFull, done.Before, free)
	}
	if !j.compacting.CompareAndSwap(false, true) {
		return Compaction{}, errCompacting
	}
	defer j.compacting.Store(false)
	before.commits.Close() // what waits is committed first
	if err := before.commits.Suspect(); err != nil {
		return Compaction{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	draft := j.path + compactDraft
	if done.Values, err = j.copyTo(ctx, before, draft); err != nil {
		j.handle.Store(&handle{db: before.db, commits: groupcommit.New(before.db), sealer: before.sealer})
		return Compaction{}, errors.Join(fmt.Errorf("write the journal anew: %w", err), removeIfThere(draft))
	}
	if err := j.exchange(before, draft); err != nil {
		return Compaction{}, err
	}
	done.After, done.Took = j.size.Load(), time.Since(started)
	err = j.View(func(v *View) error { // nothing was written since: recording still waits
		m, err := v.laneMarks()
		done.anonymous = m.anonymous
		return err
	})
	return done, err
}

// exchange puts the complete draft in the file's place and opens it. Readers of the old one may finish.
func (j *Journal) exchange(before *handle, draft string) error {
	if runtime.GOOS == "windows" { // an open file cannot be replaced there
		if err := before.db.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(draft, j.path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(j.path)); err != nil {
		return err
	}
	after, err := j.openHandle()
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), before.db.Close()) // the next who records opens it again
	}
	j.handle.Store(after)
	if err := before.db.Close(); err != nil {
		return err
	}
	return j.View(func(v *View) error {
		j.size.Store(v.tx.Size())
		return nil
	})
}

// copyTo writes a new file with all values of this one, and flushes it.
func (j *Journal) copyTo(ctx context.Context, from *handle, draft string) (values int, err error) {
	if err := removeIfThere(draft); err != nil {
		return 0, err
	}
	db, err := openBolt(draft, j.cfg)
	if err != nil {
		return 0, err
	}
	db.NoSync = true // once, at the end
	salt := make([]byte, 32)
	rand.Read(salt)
	to, err := newSealer(j.cfg.DataKey, salt)
	if err == nil {
		c := &copying{from: from.sealer, to: to, db: db, salt: salt}
		err = from.db.View(func(tx *bbolt.Tx) error { return c.all(ctx, tx) })
		values = c.values
	}
	if err == nil {
		err = db.Sync()
	}
	return values, errors.Join(err, db.Close())
}

// copying is a new file on its way.
type copying struct {
	from, to *sealer
	db       *bbolt.DB
	salt     []byte
	values   int
	mem      scratch
	mine     scratch
}

func (c *copying) all(ctx context.Context, tx *bbolt.Tx) (err error) {
	defer guard(&err)
	for _, name := range buckets {
		old := tx.Bucket([]byte(name))
		if old == nil {
			return fmt.Errorf("%w: it has no bucket %s", ErrDamaged, name)
		}
		cursor := old.Cursor()
		key, sealed := cursor.First()
		for first := true; first || key != nil; first = false {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := c.db.Update(func(fresh *bbolt.Tx) error {
				b, err := fresh.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				b.FillPercent = compactFill
				for n := 0; key != nil && n < compactStep; n++ {
					if err := c.one(b, name, key, sealed); err != nil {
						return err
					}
					key, sealed = cursor.Next()
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// one carries a value over.
func (c *copying) one(b *bbolt.Bucket, bucket string, key, sealed []byte) error {
	c.values++
	if bucket == inMeta && bytes.Equal(key, keySalt) {
		return b.Put(key, c.salt)
	}
	if bucket == inMeta && bytes.Equal(key, keyVersion) {
		return b.Put(key, sealed)
	}
	plain, err := c.from.open(&c.mem, bucket, key, sealed)
	if err != nil {
		return err
	}
	return b.Put(bytes.Clone(key), c.to.seal(&c.mine, bucket, key, plain))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
