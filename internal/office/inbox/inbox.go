package inbox

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/groupcommit"
)

var (
	// ErrBusy is returned when another process has the inbox open.
	ErrBusy = errors.New("the inbox is in use")
	// ErrDamaged is returned when something in the inbox is not what was written there.
	ErrDamaged = errors.New("the inbox is damaged")
	// ErrNewer is returned when the inbox was written by a newer version of the program.
	ErrNewer = errors.New("the inbox is of a newer version")
	// ErrForked is returned when rows do not continue what is held of their incarnation: somebody else delivered under it. See ForkedError.
	ErrForked = errors.New("the rows do not continue what is held of this incarnation")
	// ErrGap is returned when rows are missing before the first one delivered. See GapError.
	ErrGap = errors.New("rows are missing before the first one delivered")
	// ErrMalformed is returned when a row cannot be read.
	ErrMalformed = errors.New("a row cannot be read")
	// ErrUnknownRow is returned when a row is of a kind that only a newer head office knows; nothing of it is lost by waiting.
	ErrUnknownRow = errors.New("a row is of a kind this version does not know")
	// ErrFull is returned when the disk has no room.
	ErrFull = errors.New("the inbox has no room")
	// ErrUnavailable is returned when it is not known whether something was taken: deliver again.
	ErrUnavailable = errors.New("the inbox is not available; open it again")
	// ErrTaken is returned when an external id already belongs to another account.
	ErrTaken = errors.New("belongs to another account")
	// ErrTooMany is returned when an identifier would lead to more than eight accounts.
	ErrTooMany = errors.New("leads to too many accounts")
	// ErrNotFound is returned when there is no such account.
	ErrNotFound = errors.New("not in the inbox")
)

// ForkedError is an ErrForked that says on what both sides agree.
type ForkedError struct {
	// Agreed is the last sequence on which the rows are the same as far as the delivery shows; 0 when that cannot be said.
	Agreed uint64
	// Chain is the chain after it.
	Chain [32]byte
}

// Error says from where on the rows differ.
func (e *ForkedError) Error() string { return fmt.Sprintf("%v after sequence %d", ErrForked, e.Agreed) }

// Is makes it an ErrForked.
func (e *ForkedError) Is(target error) bool { return target == ErrForked }

// GapError is an ErrGap that says what is held.
type GapError struct {
	// Through is the last sequence held.
	Through uint64
}

// Error says what is held.
func (e *GapError) Error() string { return fmt.Sprintf("%v: held through %d", ErrGap, e.Through) }

// Is makes it an ErrGap.
func (e *GapError) Is(target error) bool { return target == ErrGap }

// Config is what an inbox needs.
type Config struct {
	// Now is the wall clock.
	Now func() time.Time
	// Logger is told of what a person should know: forks, accounts made for unknown cards.
	Logger *slog.Logger
	// Mask is what of an identifier may be shown. Nil: an ellipsis and the last four characters.
	Mask func(namespace, canonical string) string
	// Suppress is the hash of an identifier under the content key, which never rotates. Without it nobody can be erased, and no card blocked.
	Suppress func(namespace, canonical string) [16]byte
	// MapSize is how much address space is taken at once, in bytes; 0 is 64 GiB (64 MiB on windows, where it is the file's real size). As
	// long as the file is smaller, a delivery waits for no Cut.
	MapSize int
}

// Inbox is the open file. It is safe for use by many goroutines; who opened it closes it, after the last Cut.
type Inbox struct {
	path string
	cfg  Config

	opened atomic.Pointer[opening] // the file as it is open now
	heal   sync.Mutex              // one reopening at a time
	users  sync.RWMutex            // held for reading by who reads, as long as that takes; nobody closes the file under them
	closed atomic.Bool
}

// An opening is the file from one opening to its closing.
type opening struct {
	db      *bbolt.DB
	commits *groupcommit.Committer
}

// Open opens the inbox at path, or makes a new one. It returns ErrBusy when another process has it, ErrDamaged when it is not what was
// written, ErrNewer when a newer program wrote it.
func Open(path string, cfg Config) (*Inbox, error) {
	if cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("inbox: Config needs Now and Logger")
	}
	if cfg.Mask == nil {
		cfg.Mask = lastFour
	}
	if cfg.MapSize == 0 {
		cfg.MapSize = 64 << 30
		if runtime.GOOS == "windows" {
			cfg.MapSize = 64 << 20
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	db, err := openBolt(path, cfg)
	if err != nil {
		return nil, fmt.Errorf("inbox %s: %w", path, err)
	}
	b := &Inbox{path: path, cfg: cfg}
	b.opened.Store(&opening{db: db, commits: groupcommit.New(db)})
	return b, nil
}

func openBolt(path string, cfg Config) (*bbolt.DB, error) {
	db, err := groupcommit.Open(path, bbolt.Options{
		Timeout:         time.Millisecond,
		FreelistType:    bbolt.FreelistMapType,
		PageSize:        4096,
		InitialMmapSize: cfg.MapSize,
	})
	switch {
	case errors.Is(err, groupcommit.ErrBusy):
		return nil, fmt.Errorf("%w by another process: let that one do it, or stop it first", ErrBusy)
	case errors.Is(err, groupcommit.ErrDamaged):
		return nil, fmt.Errorf("%w: %w; restore the last back-up", ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	if err := bringUp(db, cfg); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// bringUp brings an opened file to the newest layout.
func bringUp(db *bbolt.DB, cfg Config) (err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	return db.Update(func(tx *bbolt.Tx) error { return migrate(tx, cfg) })
}

// migrations are all there ever were, oldest first; the version of a file is how many it has been through.
var migrations = []func(tx *bbolt.Tx, cfg Config) error{layBuckets, layBuckets, layBuckets, layReturned, layBuckets, layBuckets} // the second added what the lane needs, the third what customers said of themselves, the fourth returns of sales elsewhere, the fifth coupons and late outcomes, the sixth when customers were asked something

// layBuckets makes the buckets that are not there yet.
func layBuckets(tx *bbolt.Tx, _ Config) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// layReturned makes the buckets for returns and for what waits, and settles the returns that are here already.
func layReturned(tx *bbolt.Tx, cfg Config) error {
	if err := layBuckets(tx, cfg); err != nil {
		return err
	}
	t := &transaction{tx: tx, box: &Inbox{cfg: cfg}}
	var places []place
	err := t.each(inReceipts, nil, nil, func(_, value []byte) (bool, error) {
		at, err := decodePlace(value)
		places = append(places, at)
		return true, err
	})
	for _, at := range places {
		if err != nil {
			return err
		}
		var message *outcomev1.OutboxRow
		if message, err = t.row(at); err == nil && message.GetReceipt().GetReceipt().GetOriginal() != nil {
			err = t.settleAround(at, message.GetReceipt())
		}
	}
	return errors.Join(err, t.keepTotals())
}

// migrate brings a file to the newest layout, in one transaction.
func migrate(tx *bbolt.Tx, cfg Config) error {
	meta, err := tx.CreateBucketIfNotExists([]byte(inMeta))
	if err != nil {
		return err
	}
	version := 0
	if b := meta.Get(keyVersion); len(b) == 4 {
		version = int(binary.BigEndian.Uint32(b))
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: layout %d, this program knows %d", ErrNewer, version, len(migrations))
	}
	if version == len(migrations) {
		return nil
	}
	for ; version < len(migrations); version++ {
		if err := migrations[version](tx, cfg); err != nil {
			return fmt.Errorf("to layout %d: %w", version+1, err)
		}
	}
	return meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, uint32(version)))
}

// Close waits for what is being taken and for open Cuts, and closes the file. Closing twice is harmless.
func (b *Inbox) Close() error {
	b.heal.Lock()
	defer b.heal.Unlock()
	b.closed.Store(true)
	o := b.opened.Load()
	o.commits.Close()
	return o.db.Close()
}

// reopen closes a file after a commit that failed otherwise than for want of room, opens it again, and proves with a commit that the disk takes what is
// written: what can be read may be in memory only. Who comes second finds it done. While somebody reads, above all a Cut, it cannot be closed; who
// writes next tries again.
func (b *Inbox) reopen(suspect *opening) error {
	b.heal.Lock()
	defer b.heal.Unlock()
	if b.closed.Load() || b.opened.Load() != suspect {
		return nil
	}
	if !b.users.TryLock() {
		return errors.New("it is being read, and is opened again once that has ended")
	}
	defer b.users.Unlock()
	suspect.commits.Close()
	if err := suspect.db.Close(); err != nil {
		return err
	}
	db, err := openBolt(b.path, b.cfg)
	if err != nil {
		return err
	}
	again := &opening{db: db, commits: groupcommit.New(db)}
	b.opened.Store(again)
	b.cfg.Logger.Error("the inbox was opened again after a failed commit", "inbox", b.path)
	if err := again.commits.Do(context.Background(), func(*bbolt.Tx) error { return nil }); err != nil {
		return fmt.Errorf("it can be read, and not written: %w", err)
	}
	return nil
}

// update runs fn in a write transaction that may be shared. fn may run more than once.
func (b *Inbox) update(ctx context.Context, fn func(t *transaction) error) error {
	o := b.opened.Load()
	err := o.commits.Do(ctx, func(tx *bbolt.Tx) error {
		t := &transaction{tx: tx, box: b}
		if err := fn(t); err != nil {
			return err
		}
		return t.keepTotals()
	})
	var panicked *groupcommit.PanicError
	switch {
	case errors.Is(err, groupcommit.ErrFull):
		return fmt.Errorf("inbox %s: %w: %w", b.path, ErrFull, err)
	case errors.Is(err, groupcommit.ErrSuspect), errors.Is(err, groupcommit.ErrClosed):
		if again := b.reopen(o); again != nil {
			err = fmt.Errorf("%w; opening it again: %w", err, again)
		}
		return fmt.Errorf("inbox %s: %w: %w", b.path, ErrUnavailable, err)
	case errors.As(err, &panicked):
		b.cfg.Logger.Error("panic in the inbox", "panic", fmt.Sprint(panicked.Value), "stack", string(panicked.Stack))
		return fmt.Errorf("inbox %s: %w: %w", b.path, ErrDamaged, err)
	}
	return err
}

// view runs fn in a read transaction.
func (b *Inbox) view(fn func(t *transaction) error) (err error) {
	tx, done, err := b.begin()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	defer guard(debug.SetPanicOnFault(true), &err)
	return fn(&transaction{tx: tx, box: b})
}

// begin begins a read transaction, on a file that stays open until done is called, once. A file that could not be opened again is tried again.
func (b *Inbox) begin() (tx *bbolt.Tx, done func() error, err error) {
	for tries := 0; ; tries++ {
		b.users.RLock()
		o := b.opened.Load()
		if tx, err = o.db.Begin(false); err == nil {
			return tx, func() error {
				defer b.users.RUnlock()
				return tx.Rollback()
			}, nil
		}
		b.users.RUnlock()
		if !errors.Is(err, berrors.ErrDatabaseNotOpen) || b.closed.Load() || tries > 0 {
			return nil, nil, fmt.Errorf("inbox %s: %w: %w", b.path, ErrUnavailable, err)
		}
		if again := b.reopen(o); again != nil {
			return nil, nil, fmt.Errorf("inbox %s: %w: %w", b.path, ErrUnavailable, errors.Join(err, again))
		}
	}
}

// guard is deferred by what reads a file that may be damaged, with what debug.SetPanicOnFault answered: what a damaged page does to bbolt, and a length
// that leads out of the file, is ErrDamaged and not the end of the process.
func guard(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, v)
	}
}

// newAccount mints an account id.
func newAccount() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// lastFour masks an identifier when nobody said how.
func lastFour(_, canonical string) string {
	letters := []rune(canonical)
	return "…" + string(letters[max(0, len(letters)-4):])
}
