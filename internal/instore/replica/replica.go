// Package replica follows head office: it fetches what a store's server should run, verifies it, builds the customers' file, and has it serve, in one
// switch and only when everything is ready. A till never waits for it.
//
// It owns the server's folder of releases and its downloads. What it promises:
//
//   - At a start the last release serves from the disk, without any network.
//   - A release serves whole or not at all: customers, programme and what is the server's own change in one step.
//   - Whatever is wrong with a new release, the old one goes on serving, and the error names the file and the reason.
//   - Downloads go on where they were cut off. What lies on the disk is as sealed as it travelled.
//   - What head-office jobs bring ([Replica.Offer], [Replica.Put]) goes the same way as what is fetched.
//   - A file found damaged is replaced by the previous release, and the present one is built anew from a snapshot.
//
// It does not decide what a till is told, and it sends nothing up. [Replica.Run] is its loop; the lane and the checks for bit rot are goroutines that
// end with it.
//
//	<dir>/
//	  CURRENT, running, generations/, releases/    see package generation
//	  download/<sha256>                            sealed pieces fetched for the release that is being built; <sha256>.part is not complete
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

var (
	// ErrNotFound is returned when a source has no such file.
	ErrNotFound = errors.New("not found")
	// ErrNoSpace is returned when the disk has no room for a release.
	ErrNoSpace = errors.New("not enough space on the disk")
	// ErrProgramme is returned when this server cannot work with a programme.
	ErrProgramme = errors.New("programme cannot be used by this server")
	// ErrApplying is returned by [Replica.Offer] and [Replica.Put] while a release is being applied.
	ErrApplying = errors.New("a release is being applied: try again when it serves")
	// ErrNotOffered is returned by [Replica.Put] for a piece that the last offer did not find missing.
	ErrNotOffered = errors.New("the release offered last does not want this piece")
	// ErrOffset is returned by [Replica.Put] for bytes that do not go on where the piece ends.
	ErrOffset = errors.New("does not go on where the piece ends")
	// ErrConfig is returned by [Open] when a setting is missing.
	ErrConfig = errors.New("replica: missing setting")
)

// Trusted keeps the newest manifest ever verified here, over restarts and restores. The journal does.
type Trusted interface {
	// TrustedManifest is its version and the digest of its file; 0 before the first.
	TrustedManifest() (version uint64, digest [32]byte)
	// SetTrustedVersion MUST be on the disk when it returns. The same again is harmless.
	SetTrustedVersion(ctx context.Context, version uint64, digest [32]byte) error
}

// Config is what a replica needs. Fields without "may" are required.
type Config struct {
	// The folder of releases; made when there is none. One process at a time uses it.
	Dir string
	// Who this server is, and whom it trusts.
	Enrolment *bundlev1.Enrolment
	// The key the server's files are sealed under.
	DataKey *generation.DataKey
	// Where releases lie. May be nil: then what is on the disk serves, and [Replica.Apply] fails.
	Source Source
	// Compiles a programme. Its result is [generation.Release.Prepared]; its error keeps a release from being switched to.
	Prepare func(*programmev1.Programme) (any, error)
	// Keeps the newest manifest.
	Trusted Trusted
	// Told of every verified manifest, for trusted time. May be nil.
	Seen func(context.Context, *bundlev1.Manifest) error
	// Called when a release has begun to serve. It must not block. May be nil.
	Switched func()
	// Keeps the lane. May be nil: then it is not followed.
	Lane Lane
	// Called when lane records were taken and hold. It must not block. May be nil.
	Told func()
	// The clock.
	Now func() time.Time
	// For what a person should know.
	Logger *slog.Logger
	// How often to ask, ± 20 %. 0 means every 60 seconds.
	Interval time.Duration
	// How often to read the file for bit rot. 0 means daily.
	ScrubEvery time.Duration
	// Of the time worked on building, how much longer to rest, in percent, so that the tills keep the machine. 0 means 120, negative not at all.
	RestPercent int
	// The most bytes of a whole state to fetch. 0 means 32 GiB.
	MaxFetch int64
}

const (
	defaultInterval = 60 * time.Second
	defaultScrub    = 24 * time.Hour
	defaultRest     = 120
	defaultMaxFetch = 32 << 30
)

// Replica is one server's following of head office. Its methods may be called from any goroutine; applying and healing take turns.
type Replica struct {
	config  Config
	anchor  bundle.Anchor
	folder  *generation.Folder
	active  generation.Active
	damage  chan struct{} // somebody read a damaged record
	wake    chan struct{} // somebody wants an Apply now
	unclean bool

	laneWake  chan struct{} // somebody wants the lane looked at now
	laneMu    sync.Mutex    // one at a time follows the lane
	laneTrust *bundle.Trust // its own, so that it waits for no release

	mu    sync.Mutex // Apply, heal and Close take turns
	trust *bundle.Trust
	kept  []keptRelease    // on the disk, the one that serves first
	file  *generation.File // of the one that serves; nil when none does
	unfit string           // the file that changes did not fit

	brought  *offered            // an offered release whose pieces are all here
	expected map[[32]byte]uint32 // the pieces the last offer found missing, with their lengths

	statusMu sync.Mutex
	status   Status
	headers  []*bundlev1.CustomersHeader // of the kept releases
}

// keptRelease is what must be remembered of a release in the folder.
type keptRelease struct {
	digest  [32]byte
	version uint64
	header  *bundlev1.CustomersHeader
	file    string
}

// Status says how a replica stands.
type Status struct {
	// The version of the manifest that serves; 0 when none does.
	Version uint64
	// The age of its data.
	DataAsOf time.Time
	// When the manifest and the keyset should have been replaced.
	ExpiresAt time.Time
	// When head office, or the folder, was last found to have nothing newer than what serves. Zero when it was not since the start.
	InStepAt time.Time
	// What keeps the replica from following; nil when nothing does.
	Err error
	// Whether a release is being fetched and built now.
	Applying bool
	// The version of the release that was offered last and is to be applied; 0 for none.
	Offered uint64
}

// Stale reports whether the release should have been replaced by now.
func (s Status) Stale(now time.Time) bool {
	return !s.ExpiresAt.IsZero() && now.After(s.ExpiresAt)
}

// ReadEnrolment reads the file head office made for this server.
func ReadEnrolment(path string) (*bundlev1.Enrolment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e := new(bundlev1.Enrolment)
	if err := protojson.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("%s: not an enrolment file: %w", path, err)
	}
	if _, err := bundle.AnchorOf(e); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// Open opens the folder and has the last release serve, from the disk alone. A folder without a release is fine: nothing serves until the first
// [Replica.Apply]. After an unclean stop files are read whole before they serve.
func Open(ctx context.Context, config Config) (*Replica, error) {
	config.setDefaults()
	if config.Dir == "" || config.DataKey == nil || config.Prepare == nil || config.Trusted == nil || config.Now == nil || config.Logger == nil {
		return nil, ErrConfig
	}
	anchor, err := bundle.AnchorOf(config.Enrolment)
	if err != nil {
		return nil, err
	}
	folder, unclean, err := generation.OpenFolder(config.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(config.Dir, downloadFolder), 0o700); err != nil {
		return nil, err
	}
	version, digest := config.Trusted.TrustedManifest()
	r := &Replica{
		config: config, anchor: anchor, folder: folder, unclean: unclean, trust: bundle.NewTrust(anchor, version, digest),
		damage: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		laneWake: make(chan struct{}, 1), laneTrust: bundle.NewTrust(anchor, 0, [32]byte{}),
	}
	if err := r.start(ctx); err != nil {
		r.active.Close()
		return nil, err
	}
	return r, nil
}

func (c *Config) setDefaults() {
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.ScrubEvery == 0 {
		c.ScrubEvery = defaultScrub
	}
	if c.RestPercent == 0 {
		c.RestPercent = defaultRest
	}
	if c.MaxFetch == 0 {
		c.MaxFetch = defaultMaxFetch
	}
}

// Active is which release serves.
func (r *Replica) Active() *generation.Active { return &r.active }

// Status says how the replica stands.
func (r *Replica) Status() Status {
	r.statusMu.Lock()
	defer r.statusMu.Unlock()
	return r.status
}

func (r *Replica) setStatus(change func(*Status)) {
	r.statusMu.Lock()
	defer r.statusMu.Unlock()
	change(&r.status)
}

// Openable is what the customers of every release still on the disk rest on, the one that serves first: what any of them has not counted must stay in
// the journal.
func (r *Replica) Openable() []*bundlev1.CustomersHeader {
	r.statusMu.Lock()
	defer r.statusMu.Unlock()
	return slices.Clone(r.headers)
}

// keptNow tells [Replica.Openable] which releases are on the disk.
func (r *Replica) keptNow() {
	headers := make([]*bundlev1.CustomersHeader, len(r.kept))
	for i, k := range r.kept {
		headers[i] = k.header
	}
	r.statusMu.Lock()
	defer r.statusMu.Unlock()
	r.headers = headers
}

// Wake has [Replica.Run] ask for a newer release at once.
func (r *Replica) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close stops serving and marks the folder as left in order. Who still uses a release may finish.
func (r *Replica) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active.Close()
	if r.file != nil {
		r.file.Release()
		r.file = nil
	}
	return r.folder.Close()
}
