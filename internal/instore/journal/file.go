package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/groupcommit"
)

// pageSize is fixed, so that a file is the same on every machine.
const pageSize = 4096

// lockTimeout makes a second process fail at once.
const lockTimeout = time.Millisecond

// openBolt opens a bbolt file for reading and writing.
func openBolt(path string, cfg Config) (*bbolt.DB, error) {
	db, err := groupcommit.Open(path, bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		PageSize:        pageSize,
		InitialMmapSize: cfg.MapSize,
		MaxSize:         cfg.MaxSize,
	})
	switch {
	case errors.Is(err, groupcommit.ErrBusy):
		return nil, fmt.Errorf("%w by process %s: stop that one first, or give this server a folder of its own", ErrBusy, holder(path))
	case errors.Is(err, groupcommit.ErrDamaged):
		return nil, fmt.Errorf("%w: %w; restore the last back-up", ErrDamaged, err)
	}
	return db, err
}

func (j *Journal) openHandle() (*handle, error) {
	db, err := openBolt(j.path, j.cfg)
	if err != nil {
		return nil, err
	}
	s, err := j.migrate(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &handle{db: db, commits: groupcommit.New(db), sealer: s}, nil
}

// createIfMissing makes a new journal under another name and moves it into place when it is complete, so that a power cut leaves a whole
// file or none. It reports whether it made one.
func (j *Journal) createIfMissing() (bool, error) {
	if _, err := os.Stat(j.path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return false, err
	}
	draft := j.path + ".new"
	db, err := openBolt(draft, j.cfg)
	if errors.Is(err, ErrDamaged) { // left by a power cut
		if err = os.Remove(draft); err == nil {
			db, err = openBolt(draft, j.cfg)
		}
	}
	if err != nil {
		return false, err
	}
	if err := errors.Join(db.Update(j.lay), db.Close()); err != nil {
		return false, err
	}
	if err := os.Rename(draft, j.path); err != nil {
		return false, err
	}
	return true, syncFolder(filepath.Dir(j.path))
}

// lay writes what a new journal begins with.
func (j *Journal) lay(tx *bbolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	meta := tx.Bucket([]byte(inMeta))
	if err := meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, uint32(len(migrations)))); err != nil {
		return err
	}
	if err := meta.Put(keySalt, salt); err != nil {
		return err
	}
	s, err := newSealer(j.cfg.DataKey, salt)
	if err != nil {
		return err
	}
	var mem scratch
	for _, name := range buckets {
		if !linked(name) {
			continue
		}
		if err := tx.Bucket([]byte(name)).Put(head, s.seal(&mem, name, head, link(nil, nil))); err != nil {
			return err
		}
	}
	first := lives{{id: newIncarnation(), agreed: whole, began: j.cfg.Now().Unix(), reason: Created}}
	for _, row := range []struct{ key, value []byte }{
		{keyMarks, marks{}.encode()},
		{keyLives, first.encode()},
		{keyTrust, trust{}.encode()},
		{keyClocks, clocks{}.encode()},
		{keyLane, laneMarks{}.encode()},
	} {
		if err := meta.Put(row.key, s.seal(&mem, inMeta, row.key, row.value)); err != nil {
			return err
		}
	}
	return nil
}

func newIncarnation() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// A migration takes the file from one version of its layout to the next.
type migration struct {
	what string
	run  func(tx *bbolt.Tx, s *sealer) error
}

// migrations are all there ever were, oldest first; the version of a file is how many it has been through. Each runs in one transaction
// with the version, and each has a test that starts from a file of the version before.
var migrations = []migration{
	{"the first layout", func(*bbolt.Tx, *sealer) error { return nil }},
	{"a place for the lane", layLane},
	{"a place for what is held, coupons and late outcomes", layHolds},
	{"a receipt's row is tagged with its place, and its own entries are known by its key", func(*bbolt.Tx, *sealer) error { return nil }},
}

// layLane adds what head office's urgent words are kept in.
func layLane(tx *bbolt.Tx, s *sealer) error {
	b, err := tx.CreateBucketIfNotExists([]byte(inLane))
	if err != nil {
		return err
	}
	if b.Get(head) != nil {
		return nil
	}
	var mem scratch
	if err := b.Put(head, s.seal(&mem, inLane, head, link(nil, nil))); err != nil {
		return err
	}
	return tx.Bucket([]byte(inMeta)).Put(keyLane, s.seal(&mem, inMeta, keyLane, laneMarks{}.encode()))
}

// migrate brings an opened file to the newest layout, and returns the sealer under its salt.
func (j *Journal) migrate(db *bbolt.DB) (*sealer, error) {
	version, salt, err := inClear(db)
	if err != nil {
		return nil, err
	}
	if version > len(migrations) {
		return nil, fmt.Errorf("%w: layout %d, this program knows %d", ErrNewer, version, len(migrations))
	}
	s, err := newSealer(j.cfg.DataKey, salt)
	if err != nil {
		return nil, err
	}
	for ; version < len(migrations); version++ {
		step := migrations[version]
		err := db.Update(func(tx *bbolt.Tx) error {
			if err := step.run(tx, s); err != nil {
				return err
			}
			return tx.Bucket([]byte(inMeta)).Put(keyVersion, binary.BigEndian.AppendUint32(nil, uint32(version+1)))
		})
		if err != nil {
			return nil, fmt.Errorf("to layout %d (%s): %w", version+1, step.what, err)
		}
		j.cfg.Logger.Info("the journal has a new layout", "version", version+1, "what", step.what)
	}
	return s, nil
}

// inClear reads what stands in clear.
func inClear(db *bbolt.DB) (version int, salt []byte, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer guard(&err)
	err = db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta))
		if meta == nil {
			return fmt.Errorf("%w: it has no bucket meta", ErrDamaged)
		}
		v := meta.Get(keyVersion)
		salt = append([]byte(nil), meta.Get(keySalt)...)
		if len(v) != 4 || len(salt) != 32 {
			return fmt.Errorf("%w: its meta is not complete", ErrDamaged)
		}
		version = int(binary.BigEndian.Uint32(v))
		return nil
	})
	return version, salt, err
}

func pidPath(path string) string { return path + ".pid" }

func writePID(path string) error {
	return os.WriteFile(pidPath(path), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644) //nolint:gosec // a process id is no secret, and a person looks it up
}

func removePID(path string) { _ = os.Remove(pidPath(path)) }

// holder is the process id that stands beside a journal.
func holder(path string) string {
	b, err := os.ReadFile(pidPath(path))
	pid := strings.TrimSpace(string(b))
	if _, bad := strconv.Atoi(pid); err != nil || bad != nil {
		return "unknown"
	}
	return pid
}

// syncFolder makes a rename durable. On windows folders cannot be flushed, and renames are journalled.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
