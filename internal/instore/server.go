package instore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/dock"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/instore/till"
	"github.com/stamklant/stamklant/internal/rpc"
)

// Server is one running server of a store. It listens from Open on and answers from Run on.
type Server struct {
	config       Config
	enrolment    *bundlev1.Enrolment
	dataKey      *generation.DataKey
	journal      *journal.Journal
	damage       chan error    // holds what was found damaged in the journal
	erasing      chan struct{} // holds a token when something may go on about erased customers
	backups      *backup.Keeper
	backingUp    sync.Mutex // one back-up at a time
	replica      *replica.Replica
	outbox       *outbox.Outbox
	certificates certificates
	office       *grpc.ClientConn // nil without head office's address
	till         *till.Service
	rpc          *rpc.Server
	serving      atomic.Pointer[rpc.Server] // set once the server may be told that a release serves
}

// Open opens the data folder, has the last release serve, and listens. ErrNotEnrolled, ErrOtherServer, journal.ErrBusy when another process
// has the folder. Head office need not be there.
func Open(ctx context.Context, config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, damage: make(chan error, 1), erasing: make(chan struct{}, 1)}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) (err error) {
	if s.enrolment, err = s.config.enrolment(); err != nil {
		return err
	}
	if s.dataKey, err = generation.OpenDataKey(ctx, s.config.path(dataKeyFile), generation.Device{File: s.config.DeviceKey}); err != nil {
		return err
	}
	if err := s.openJournal(ctx); err != nil {
		return err
	}
	if err := s.openCertificates(); err != nil {
		return err
	}
	if err := s.dialOffice(); err != nil {
		return err
	}
	source, err := s.source()
	if err != nil {
		return err
	}
	s.replica, err = replica.Open(ctx, replica.Config{
		Dir: s.config.path("releases"), Enrolment: s.enrolment, DataKey: s.dataKey, Source: source, Prepare: till.Prepare, Trusted: s.journal,
		Lane: s.journal, Told: s.wakeErasing, Seen: s.seen, Switched: s.switched, Now: s.config.Now, Logger: s.config.Logger, Interval: s.config.Poll,
		RestPercent: s.config.rest,
	})
	if err != nil {
		return err
	}
	return s.listen()
}

// dialOffice prepares the line to head office, when its address is known. Nothing is sent yet.
func (s *Server) dialOffice() (err error) {
	var client syncv1.SyncServiceClient
	if s.enrolment.GetOfficeAddress() != "" {
		address, secure := rpc.NeedsTLS(s.enrolment.GetOfficeAddress())
		dial := rpc.DialConfig{Token: s.enrolment.GetToken()}
		if secure {
			if s.certificates.sync == nil {
				return fmt.Errorf("head office at %s: %w: enrol it again", address, ErrNoAuthority)
			}
			dial = rpc.DialConfig{TLS: s.certificates.sync.Dial(certificate.HeadOffice)}
		}
		if s.office, err = rpc.Dial(address, dial); err != nil {
			return err
		}
		client = syncv1.NewSyncServiceClient(s.office)
	}
	s.outbox = outbox.New(outbox.Config{
		Journal: s.journal, Client: client, ServerID: s.enrolment.GetServerId(), Version: s.config.Version,
		ManifestVersion: func() uint64 { return s.replica.Status().Version }, Newest: s.newest, Now: s.config.Now, Logger: s.config.Logger,
	})
	return nil
}

// source is where bundles lie: a folder, a web server, or head office; nil when head-office jobs bring them.
func (s *Server) source() (replica.Source, error) {
	switch where := s.enrolment.GetBundles(); {
	case where == "" && s.office == nil && s.enrolment.GetSyncToken() != "":
		return nil, nil
	case where == "" && s.office == nil:
		return nil, fmt.Errorf("enrolment of %s names neither head office nor a place for bundles, and nobody may bring any: have head office make another", s.enrolment.GetServerId())
	case where == "":
		return replica.Office(syncv1.NewSyncServiceClient(s.office), s.enrolment.GetServerId()), nil
	case filepath.IsAbs(where):
		return replica.Folder(where), nil
	default:
		return replica.HTTPS(where, nil)
	}
}

// listen registers the till's service and opens the listeners.
func (s *Server) listen() error {
	authenticate, err := s.config.tokens(s.enrolment.GetSyncToken())
	if err != nil {
		return err
	}
	address, _ := rpc.NeedsTLS(s.config.Listen)
	callers := s.callers()
	s.rpc, err = rpc.NewServer(rpc.Config{
		Address: address, TLS: callers, Certified: callers != nil, MetricsAddress: s.config.Metrics, Authenticate: authenticate, Web: s.config.web(s.certificates.web),
		Reflection: s.config.Reflection, Logger: s.config.Logger, Now: s.config.Now,
	})
	if err != nil {
		return err
	}
	s.till = till.New(till.Config{
		Active: s.replica.Active(), Journal: s.journal, ServerID: s.enrolment.GetServerId(), ContactLookups: rpc.DefaultLimits().ContactLookups, Now: s.config.Now, Logger: s.config.Logger,
	})
	var checkout tillv1.CheckoutServiceServer = s.till
	if s.config.Around != nil {
		checkout = s.config.Around(checkout)
	}
	tillv1.RegisterCheckoutServiceServer(s.rpc, forAudience{checkout})
	syncv1.RegisterStoreServiceServer(s.rpc, dock.New(dock.Config{
		ServerID: s.enrolment.GetServerId(), Store: s.enrolment.GetStore(), Version: s.config.Version, Replica: s.replica, Journal: s.journal,
		Outbox: s.outbox, Inspect: s.inspect, Backup: s.streamBackup, Now: s.config.Now,
	}))
	s.metrics()
	s.serving.Store(s.rpc)
	if _, done, ok := s.replica.Active().Acquire(); ok {
		done()
		s.rpc.SetServing(true)
	}
	if err := s.rpc.Listen(); err != nil {
		return err
	}
	at := s.rpc.Addr()
	if callers != nil {
		at = rpc.SecurePrefix + at
	}
	return s.config.writeAddress(at, s.rpc.WebAddr())
}

// switched is called when a release begins to serve: from then on the server says that it can do its work.
func (s *Server) switched() {
	if server := s.serving.Load(); server != nil {
		server.SetServing(true)
		s.till.Switched()
	}
	s.wakeErasing()
}

// seen raises the floor of trusted time to that of a verified manifest.
func (s *Server) seen(ctx context.Context, m *bundlev1.Manifest) error {
	return s.journal.RaiseFloor(ctx, m.GetIssuedAt().AsTime())
}

// newest has the replica look for what head office says is there.
func (s *Server) newest(version uint64) {
	if version > s.replica.Status().Version {
		s.replica.Wake()
	}
}

// Addr is where tills call.
func (s *Server) Addr() string { return s.rpc.Addr() }

// WebAddr is where the second listener takes JSON and gRPC-Web; empty without one.
func (s *Server) WebAddr() string { return s.rpc.WebAddr() }

// MetricsAddr is where the page for metrics is; empty without one.
func (s *Server) MetricsAddr() string { return s.rpc.MetricsAddr() }

// ID is the server's name in the chain.
func (s *Server) ID() string { return s.enrolment.GetServerId() }

// Store is the store it stands in.
func (s *Server) Store() string { return s.enrolment.GetStore() }

// TillTokenFile is the file with what tills show.
func (s *Server) TillTokenFile() string { return s.config.path(tillTokenFile) }

// TillToken is what tills show.
func (s *Server) TillToken() (string, error) { return token(s.TillTokenFile()) }

// Refresh asks for a newer release and for urgent words at once and applies them; changed says whether there was a release.
func (s *Server) Refresh(ctx context.Context) (changed bool, err error) {
	if changed, err = s.replica.Apply(ctx); err == nil {
		_, err = s.replica.FollowLane(ctx)
	}
	return changed, err
}

// Run answers tills, follows head office and delivers, until ctx ends; then calls end, and everything is closed.
func (s *Server) Run(ctx context.Context) error {
	background, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	failures := make(chan error, 10)
	loop := func(name string, run func(context.Context) error) {
		loops.Go(func() {
			if err := run(background); err != nil && background.Err() == nil {
				s.config.Logger.LogAttrs(ctx, slog.LevelError, "a part of the server stopped", slog.String("part", name), slog.String("error", err.Error()))
				failures <- fmt.Errorf("%s: %w", name, err)
				stop()
			}
		})
	}
	loop("replica", s.replica.Run)
	if s.office != nil {
		loop("outbox", s.outbox.Run)
	}
	loop("housekeeping", s.keepHouse)
	loop("unclaimed", s.keepUnclaimed)
	loop("back-ups", s.keepBackups)
	loop("journal", s.keepJournal)
	loop("erasing", s.keepErasing)
	loop("certificates", s.keepCertificates)
	err := s.rpc.Serve(background)
	stop()
	loops.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	if errors.Is(err, rpc.ErrHandlersLeft) {
		return err // handlers still use the files: they end with the process
	}
	return errors.Join(err, s.close())
}

// Close closes a server that Run was not called on.
func (s *Server) Close() error { return s.close() }

// close closes what was opened, in reverse: who answers, then what it answers from.
func (s *Server) close() error {
	var err error
	if s.rpc != nil {
		err = errors.Join(s.rpc.Close(), s.config.removeAddress())
	}
	if s.replica != nil {
		err = errors.Join(err, s.replica.Close())
	}
	if s.office != nil {
		err = errors.Join(err, s.office.Close())
	}
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	return err
}
