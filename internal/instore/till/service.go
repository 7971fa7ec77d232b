package till

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// Config is what the service stands on. All fields are needed.
type Config struct {
	// Active is which release serves.
	Active *generation.Active
	// Journal is the server's own book.
	Journal *journal.Journal
	// ServerID is this server, as head office knows it.
	ServerID string
	// ContactLookups is how many customers a till may look up by phone, e-mail or address in a minute; 0 means 6.
	ContactLookups int
	// Now is the wall clock.
	Now func() time.Time
	// Logger is told of what a person should know. No identifier, key or customer is ever logged.
	Logger *slog.Logger
}

// Service answers the tills of a store. It is safe for use by many goroutines.
type Service struct {
	tillv1.UnimplementedCheckoutServiceServer

	cfg       Config
	promises  *promises
	told      *told
	presented *presentations
	harvest   *harvest
	aliases   atomic.Pointer[aliases]
	known     knownCoupons
	shares    sharesGiven
	asking    *asking
}

// New makes the service. It panics when a field of the configuration is missing, which is a fault of the program.
func New(cfg Config) *Service {
	if cfg.Active == nil || cfg.Journal == nil || cfg.ServerID == "" || cfg.Now == nil || cfg.Logger == nil {
		panic("till: Config needs Active, Journal, ServerID, Now and Logger")
	}
	if cfg.ContactLookups == 0 {
		cfg.ContactLookups = 6
	}
	return &Service{cfg: cfg, promises: newPromises(), told: newTold(), asking: newAsking(), presented: newPresentations(), harvest: newHarvest(cfg.ContactLookups)}
}

// call is one till's question, and the release it is answered from from beginning to end.
type call struct {
	*prepared

	service *Service
	release *generation.Release
	overlay *journal.Overlay // what the lane says over it
	hashes  uint64           // how many cards without account the journal had when the call began: every view of it sees these
	store   string
	place   *place
	now     time.Time // in store time

	lastRead *tillv1.Identifier // the scan that was read last,
	reading  identify.Reading   // and as what
}

// answer runs a handler on the active release. Where a customer's record cannot be read in it, the previous release answers, with its own
// cut-offs, and the log says so loudly.
func (s *Service) answer(ctx context.Context, caller *tillv1.Caller, handle func(c *call) error) error {
	release, done, ok := s.cfg.Active.Acquire()
	if !ok {
		return toStatus(errNoRelease)
	}
	defer done()
	err := s.on(release, caller, handle)
	if errors.Is(err, generation.ErrDamaged) {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelError, "A record of the active release is damaged; asking the previous one", slog.Any("error", err))
		if previous, release, ok := s.cfg.Active.AcquirePrevious(); ok {
			defer release()
			err = s.on(previous, caller, handle)
		}
	}
	return toStatus(err)
}

// on runs a handler on one release.
func (s *Service) on(release *generation.Release, caller *tillv1.Caller, handle func(c *call) error) error {
	programme, ok := release.Prepared.(*prepared)
	if !ok {
		return fmt.Errorf("the release carries %T, not what Prepare made", release.Prepared)
	}
	store := release.Manifest.GetStore()
	if caller.GetStore() != "" && caller.GetStore() != store {
		return fmt.Errorf("%w: the till says it stands in %q, this server in %q", errWrongStore, caller.GetStore(), store)
	}
	place := programme.at(store)
	return handle(&call{
		prepared: programme, service: s, release: release, overlay: s.cfg.Journal.Overlay(), hashes: s.cfg.Journal.HashesAdded(), store: store, place: place,
		now: s.cfg.Now().In(place.zone),
	})
}

// after is the cut-off of a life of this server's journal: what the release has counted.
func (c *call) after(incarnation [16]byte) uint64 {
	through, _ := c.release.CutOff(c.service.cfg.ServerID, incarnation)
	return through
}

// scored is up to where the release's scores have a life of this server's journal.
func (c *call) scored(incarnation [16]byte) uint64 {
	_, through := c.release.CutOff(c.service.cfg.ServerID, incarnation)
	return through
}

// meta says what an answer rests on.
func (c *call) meta() *tillv1.Meta {
	return &tillv1.Meta{
		Server: c.service.cfg.ServerID, ServerTime: timestamppb.New(c.now), DataAsOf: c.release.Header.GetDataAsOf(),
		Release: c.release.Manifest.GetVersion(), Stale: c.stale(),
	}
}

// stale reports whether head office should have sent something newer by now.
func (c *call) stale() bool {
	if expires := c.release.Manifest.GetExpiresAt(); expires != nil {
		return c.now.After(expires.AsTime())
	}
	days := c.programme.GetStaleAfterDays()
	return days > 0 && c.now.After(c.release.Manifest.GetIssuedAt().AsTime().AddDate(0, 0, int(days)))
}
