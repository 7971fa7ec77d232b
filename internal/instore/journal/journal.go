package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/stamklant/stamklant/internal/groupcommit"
)

var (
	// ErrBusy is returned when another process has the journal open.
	ErrBusy = errors.New("the journal is in use")
	// ErrDamaged is returned when something in the journal is not what was written there.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrNewer is returned when the journal was written by a newer version of the program.
	ErrNewer = errors.New("the journal is of a newer version")
	// ErrFull is returned when the journal or its disk has no room; lookups go on.
	ErrFull = errors.New("the journal is full")
	// ErrUnavailable is returned when it is not known whether something was recorded: ask again, the receipt key sorts it out.
	ErrUnavailable = errors.New("the journal is not available just now")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the journal is closed")
	// ErrNotFound is returned when the journal has no such receipt.
	ErrNotFound = errors.New("not in the journal")
	// ErrForked is returned when head office's chain is not ours: the incarnation is not ours alone.
	ErrForked = errors.New("head office has other rows under this incarnation")
	// ErrStale is returned when a confirmation is for an incarnation that has ended.
	ErrStale = errors.New("the incarnation has ended")
	// ErrRollback is returned when an older manifest version, or another manifest of the same version, asks for trust.
	ErrRollback = errors.New("a newer manifest was already trusted")
)

// Defaults of Config.
const (
	// DefaultMaxSize is enough for more than a year of a busy shop without head office, and keeps a runaway from filling the disk.
	DefaultMaxSize = 4 << 30
	// DefaultMapSize is address space, not memory: as long as the file is smaller no writer waits for a reader.
	DefaultMapSize = 1 << 30
	// DefaultMapSizeWindows is smaller because there it is the real size of the file.
	DefaultMapSizeWindows = 64 << 20
	// DefaultMinFree keeps the last of the disk for a restart and the logs. bbolt grows a file by 16 MiB at a time.
	DefaultMinFree = 32 << 20
)

// Config is what a journal needs. Zero values are defaults but for DataKey, Now and Logger.
type Config struct {
	// ServerID is this server; it is kept in the logs only.
	ServerID string
	// DataKey is the server's data key; the journal derives its own from it.
	DataKey [32]byte
	// Now is the wall clock.
	Now func() time.Time
	// Elapsed is the time since some moment of this process, by a clock nobody sets. Nil: the machine's own.
	Elapsed func() time.Duration
	// Logger is told of what a person should know: a new incarnation, a reopened file.
	Logger *slog.Logger
	// MachineID tells this machine from others. Empty: the operating system's own.
	MachineID string
	// MaxSize is the most the file may grow to, in bytes; 0 is DefaultMaxSize.
	MaxSize int
	// MapSize is how much address space is taken at once, in bytes; 0 is DefaultMapSize.
	MapSize int
	// MinFree is how much of the disk stays free, in bytes; 0 is DefaultMinFree.
	MinFree uint64
	// Restored says that the file was put back from a back-up: a new incarnation begins, whatever the file looks like.
	Restored bool
	// OnDamage is told, from whatever goroutine found it, that something in the file is not what was written there. It must not block.
	// Nil: nobody wants to know.
	OnDamage func(error)
}

func (c Config) withDefaults() (Config, error) {
	if c.Now == nil || c.Logger == nil {
		return c, errors.New("journal: Config needs Now and Logger")
	}
	if c.Elapsed == nil {
		start := time.Now()
		c.Elapsed = func() time.Duration { return time.Since(start) }
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	if c.MapSize == 0 {
		c.MapSize = DefaultMapSize
		if runtime.GOOS == "windows" {
			c.MapSize = DefaultMapSizeWindows
		}
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.MachineID == "" {
		c.MachineID = machineID()
	}
	return c, nil
}

// Journal is the open file. It is safe for use by many goroutines; who opened it closes it.
type Journal struct {
	path string
	cfg  Config

	handle atomic.Pointer[handle] // the file as it is open now; replaced after a suspect commit
	heal   sync.Mutex             // one reopening at a time
	closed atomic.Bool

	seal  sealFile
	lives atomic.Pointer[history]
	trust atomic.Pointer[trust]
	sure  atomic.Pointer[anchor] // where trusted time was last known

	lane       sync.Mutex // one change of the lane at a time
	overlay    atomic.Pointer[Overlay]
	compacting atomic.Bool
	coupons    atomic.Bool   // some account has been given a coupon
	hashes     atomic.Uint64 // how often identifiers without account were booked on
	recorded   atomic.Int64  // when something was last recorded, Unix nanoseconds

	size atomic.Int64 // bytes of the file in use or free, as of the last transaction

	arrived chan struct{} // holds one token when rows may wait
}

// A handle is one opening of the file.
type handle struct {
	db      *bbolt.DB
	commits *groupcommit.Committer
	sealer  *sealer
}

// Open opens the journal at path, or makes a new one where there is none. It returns ErrBusy, with the holder's process id, when another
// process has it, ErrDamaged when it is not what was written or the data key is another, ErrNewer when a newer program wrote it. When the
// file is not the one this machine last had, a new incarnation begins and is logged.
func Open(path string, cfg Config) (*Journal, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, cfg: cfg, arrived: make(chan struct{}, 1)}
	if err := j.open(); err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) open() error {
	j.recorded.Store(j.cfg.Now().UnixNano())
	if err := os.Remove(j.path + compactDraft); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a power cut
		return err
	}
	created, err := j.createIfMissing()
	if err != nil {
		return err
	}
	h, err := j.openHandle()
	if err != nil {
		return err
	}
	j.handle.Store(h)
	if err := j.takeOver(created); err != nil {
		return errors.Join(err, h.close())
	}
	return nil
}

// takeOver is what follows once the file is ours: whose it was, and which life this is.
func (j *Journal) takeOver(created bool) error {
	if err := writePID(j.path); err != nil {
		return err
	}
	if err := j.load(); err != nil {
		return err
	}
	if err := j.checkSeal(created); err != nil {
		return err
	}
	j.nudge() // rows may wait from before
	return nil
}

// Close waits for what is being recorded and read, and closes the file. Closing twice is harmless.
func (j *Journal) Close() error {
	if j.closed.Swap(true) {
		return nil
	}
	j.heal.Lock()
	defer j.heal.Unlock()
	h := j.handle.Load()
	h.commits.Close()
	err := errors.Join(j.sealAll(), h.db.Close())
	removePID(j.path)
	return err
}

// sealAll notes in the seal file, at a proper end, every row there is: a file that has lost any of them since is then noticed.
func (j *Journal) sealAll() error {
	m, err := j.marks()
	if err != nil {
		return err
	}
	return j.seal.change(func(s *shown) bool {
		if s.last >= m.last {
			return false
		}
		s.last = m.last
		return true
	})
}

func (h *handle) close() error {
	h.commits.Close()
	return h.db.Close()
}

// Incarnation is the present life of the file.
func (j *Journal) Incarnation() [16]byte { return j.lives.Load().now().id }

// Arrived is readable after rows have been added. It holds one token, however many there are, and one when the journal was opened.
func (j *Journal) Arrived() <-chan struct{} { return j.arrived }

func (j *Journal) nudge() {
	select {
	case j.arrived <- struct{}{}:
	default:
	}
}

// Backup writes a copy of the journal as it is at this moment, sealed as the file is, and returns its length. Recording goes on meanwhile.
// A journal that is opened from a back-up begins a new incarnation.
func (j *Journal) Backup(w io.Writer) (int64, error) {
	var n int64
	err := j.View(func(v *View) (err error) {
		n, err = v.tx.WriteTo(w)
		return err
	})
	return n, err
}

// update runs fn in a write transaction that may be shared, and returns when it is on disk. fn may run more than once.
func (j *Journal) update(ctx context.Context, fn func(w *writer) error) error {
	if j.closed.Load() {
		return ErrClosed
	}
	if j.compacting.Load() {
		return errCompacting
	}
	h := j.handle.Load()
	gave := false
	err := h.commits.Do(ctx, func(tx *bbolt.Tx) error {
		j.size.Store(tx.Size())
		w := &writer{View: j.newView(h, tx)}
		if err := w.load(); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		gave = w.gave
		return w.save()
	})
	if gave {
		j.coupons.Store(true)
	}
	return j.explain(h, err)
}

// explain puts a committer's error into this package's words, and heals the file after a suspect commit.
func (j *Journal) explain(h *handle, err error) error {
	var panicked *groupcommit.PanicError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, groupcommit.ErrFull):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, groupcommit.ErrSuspect), errors.Is(err, groupcommit.ErrClosed):
		if j.closed.Load() {
			return ErrClosed
		}
		if j.compacting.Load() {
			return errCompacting
		}
		if again := j.reopen(h); again != nil {
			return fmt.Errorf("%w: %w; opening %s again: %w", ErrUnavailable, err, j.path, again)
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.As(err, &panicked):
		j.cfg.Logger.Error("panic in the journal", "panic", fmt.Sprint(panicked.Value), "stack", string(panicked.Stack))
		return j.noticed(fmt.Errorf("%w: %w", ErrDamaged, err))
	}
	return j.noticed(err)
}

// noticed passes an error on, and tells who wants to know when it is damage.
func (j *Journal) noticed(err error) error {
	if err != nil && j.cfg.OnDamage != nil && errors.Is(err, ErrDamaged) {
		j.cfg.OnDamage(err)
	}
	return err
}

// reopen replaces an opening of the file that is suspect, or closed because the one after it failed. Who comes second finds it done. As long as the
// disk can be read, reading goes on with what is there; recording does when the disk takes something: what can be read may be in memory only, since a
// flush that failed is not tried again by the next. A commit writes the newest state's beginning anew and proves that it is on the disk.
func (j *Journal) reopen(suspect *handle) error {
	j.heal.Lock()
	defer j.heal.Unlock()
	if j.closed.Load() || j.handle.Load() != suspect {
		return nil
	}
	j.cfg.Logger.Error("the journal is opened again after a failed commit", "server", j.cfg.ServerID)
	suspect.commits.Close()
	if err := suspect.db.Close(); err != nil {
		return err
	}
	h, err := j.openHandle()
	if err != nil {
		return j.noticed(err)
	}
	j.handle.Store(h)
	if err := j.load(); err != nil {
		return err
	}
	if err := h.commits.Do(context.Background(), func(*bbolt.Tx) error { return nil }); err != nil {
		return fmt.Errorf("it can be read, and not written: %w", err)
	}
	return nil
}

// room refuses before a transaction what would not fit: percent is how full the file may be.
func (j *Journal) room(percent int64) error {
	const growth = 16 << 20 // bbolt grows the file by this much, and refuses when that passes MaxSize
	size, unused := j.Size()
	used := size - unused
	if limit := int64(j.cfg.MaxSize-growth) / 100 * percent; used > limit {
		return fmt.Errorf("%w: %d of at most %d bytes are used; deliver to head office, or allow a larger file", ErrFull, used, j.cfg.MaxSize)
	}
	free, err := freeSpace(j.path)
	if err == nil && free < j.cfg.MinFree {
		return fmt.Errorf("%w: its disk has %d bytes left and %d must stay free", ErrFull, free, j.cfg.MinFree)
	}
	return nil
}

// closedOr tells the end of the journal from the moment between two openings.
func (j *Journal) closedOr(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		if j.closed.Load() {
			return ErrClosed
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
