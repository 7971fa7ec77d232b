package office

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/rpc"
)

// ServeConfig is what a running head office needs.
type ServeConfig struct {
	// Listen is the host and port stores and commands call; port 0 takes a free one. Beyond loopback, and with tls:// before it, by TLS and
	// certificates alone.
	Listen string
	// Certificate and Key are files of the retailer's own to answer with; empty for what head office signs for itself.
	Certificate, Key string
	// Hosts are more host names and addresses that stores call head office by, for the certificate it signs for itself.
	Hosts []string
	// Metrics is the host and port of the page for metrics and health; empty for none.
	Metrics string
	// Logger takes what a person should know. Required.
	Logger *slog.Logger
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
}

// Server is a running head office.
type Server struct {
	office *Office
	sync   *hub.SyncService
	rpc    *rpc.Server
	ended  chan error

	keep func(context.Context) // renews certificates until the server ends; nil in plain text
}

// Serve opens the data folder, answers stores and commands until ctx ends, and says in office.addr where. It returns once it answers.
// ErrServing when a server runs on the folder already.
func Serve(ctx context.Context, home Home, config ServeConfig) (*Server, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if err := home.require(); err != nil {
		return nil, err
	}
	if err := notServing(ctx, home); err != nil {
		return nil, err
	}
	o, err := open(ctx, home, config.Logger, config.Now)
	if err != nil {
		return nil, err
	}
	s := &Server{office: o, ended: make(chan error, 1)}
	if err := o.writeLane(ctx); err != nil { // what a crash kept from stores
		return nil, errors.Join(err, o.Close())
	}
	if err := s.listen(config); err != nil {
		return nil, errors.Join(err, s.close())
	}
	go func() {
		var keeping sync.WaitGroup
		background, stop := context.WithCancel(ctx)
		if s.keep != nil {
			keeping.Go(func() { s.keep(background) })
		}
		err := s.rpc.Serve(ctx)
		stop()
		keeping.Wait()
		s.ended <- errors.Join(err, os.Remove(home.Address()), s.close())
	}()
	return s, nil
}

// notServing fails when the folder's server answers. An address file that a server left behind when it was stopped hard is passed over: this
// server writes its own.
func notServing(ctx context.Context, home Home) error {
	at, ok, err := home.readAddress()
	if err != nil || !ok || home.probe(ctx, at) != nil {
		return err
	}
	return fmt.Errorf("%s: %w at %s (process %d)", home.Dir(), ErrServing, at.Address, at.PID)
}

// listen wires the services and opens the listeners.
func (s *Server) listen(config ServeConfig) error {
	home := s.office.home
	if err := os.MkdirAll(home.Bundles(), 0o750); err != nil {
		return err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	admin := base64.RawURLEncoding.EncodeToString(secret)
	admins := rpc.Tokens(map[string]rpc.Principal{admin: {Role: rpc.RoleAdmin, ID: "command"}})
	servers := &serverTokens{home: home, now: config.Now}
	listen, callers, err := s.secure(config, servers)
	if err != nil {
		return err
	}
	s.rpc, err = rpc.NewServer(rpc.Config{
		Address: listen, TLS: callers, Certified: callers != nil, MetricsAddress: config.Metrics, Logger: config.Logger, Now: config.Now,
		Authenticate: func(token string) (*rpc.Principal, bool) {
			if p, ok := admins(token); ok {
				return p, true
			}
			return servers.principal(token)
		},
	})
	if err != nil {
		return err
	}
	versions := &versions{state: home.Published()}
	s.sync, err = hub.NewSyncService(hub.SyncConfig{
		Inbox: s.office.inbox, Bundles: home.Bundles(), Server: callingServer, Delivered: s.delivered(config.Logger), Newest: versions.newest, Now: config.Now, Logger: config.Logger,
	})
	if err != nil {
		return err
	}
	syncv1.RegisterSyncServiceServer(s.rpc, s.sync)
	officev1.RegisterOfficeServiceServer(s.rpc, hub.NewOfficeService(hub.OfficeConfig{
		Run: s.office.Run, Books: &books{office: s.office, versions: versions}, ExitCode: ExitCode,
	}))
	if err := s.rpc.Listen(); err != nil {
		return err
	}
	s.rpc.SetServing(true)
	at := s.rpc.Addr()
	if callers != nil {
		at = rpc.SecurePrefix + at
	}
	return home.writeAddress(address{Address: at, Token: admin, PID: os.Getpid()})
}

// secure is where to listen, and what callers are held to there; nil in plain text, on this machine.
func (s *Server) secure(config ServeConfig, servers *serverTokens) (listen string, callers *tls.Config, err error) {
	listen, secure := rpc.NeedsTLS(config.Listen)
	if !secure {
		return listen, nil, nil
	}
	c := certificates{home: s.office.home, now: config.Now, logger: config.Logger}
	hosts := certificate.Hosts(config.Hosts...)
	if err := c.renew(hosts); err != nil {
		return "", nil, err
	}
	file, key := config.Certificate, config.Key
	if file == "" {
		file, key = c.file(serverFile), c.file(serverFile)
	}
	own, err := c.keeper(file, key)
	if err != nil {
		return "", nil, err
	}
	s.keep = func(ctx context.Context) { c.keep(ctx, own, hosts) }
	return listen, c.serve(own, servers), nil
}

// delivered has what customers said in one store be read by all.
func (s *Server) delivered(logger *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		if err := s.office.writeLane(ctx); err != nil {
			logger.LogAttrs(ctx, slog.LevelError, "what a store's customer said does not reach the other stores yet", slog.String("error", err.Error()))
		}
	}
}

// callingServer is the server whose token the call showed.
func callingServer(ctx context.Context) (string, bool) {
	p, ok := rpc.PrincipalOf(ctx)
	if !ok || p.Role != rpc.RoleSync {
		return "", false
	}
	return p.ID, true
}

// Addr is where stores and commands call.
func (s *Server) Addr() string { return s.rpc.Addr() }

// MetricsAddr is where the page for metrics is; empty without one.
func (s *Server) MetricsAddr() string { return s.rpc.MetricsAddr() }

// Wait returns when the server has ended, after everything is closed.
func (s *Server) Wait() error { return <-s.ended }

// close closes what was opened, in reverse.
func (s *Server) close() error {
	var err error
	if s.sync != nil {
		err = s.sync.Close()
	}
	return errors.Join(err, s.office.Close())
}

// versions knows the newest manifest made for each server.
type versions struct{ state string }

func (v *versions) newest(server string) uint64 {
	version, err := publisher.Version(v.state, server)
	if err != nil {
		return 0
	}
	return version
}

// books answers the lists of OfficeService.
type books struct {
	office   *Office
	versions *versions
}

// Servers lists the enrolled servers and what each last reported.
func (b *books) Servers(context.Context) ([]*officev1.Server, error) {
	keys, err := publisher.LoadKeys(b.office.home.Keys())
	if err != nil {
		return nil, err
	}
	known, err := b.office.inbox.Servers()
	if err != nil {
		return nil, err
	}
	reports := make(map[string]inbox.Server, len(known))
	for _, s := range known {
		reports[s.ID] = s
	}
	erasures, err := b.office.inbox.Erasures()
	if err != nil {
		return nil, err
	}
	var fleet []*officev1.Server
	for _, s := range keys.Servers() {
		row := &officev1.Server{ServerId: s.ID, Store: s.Store, NewestManifestVersion: b.versions.newest(s.ID)}
		if r := reports[s.ID]; r.Report != nil {
			row.ManifestVersion, row.OutboxWaiting = r.Report.GetManifestVersion(), r.Report.GetOutboxWaiting()
			row.ReportedAt = timestamppb.New(r.ReportedAt)
		}
		for _, e := range erasures {
			if e.At.Before(s.Enrolled) {
				continue
			}
			row.Erasures++
			if _, done := e.Done[s.ID]; !done {
				row.ErasuresOpen++
			}
		}
		fleet = append(fleet, row)
	}
	return fleet, nil
}

// Conflicts lists receipts that came back with other content.
func (b *books) Conflicts(context.Context) ([]*officev1.Conflict, error) {
	found, err := b.office.inbox.Conflicts()
	if err != nil {
		return nil, err
	}
	list := make([]*officev1.Conflict, 0, len(found))
	for i := len(found) - 1; i >= 0; i-- {
		list = append(list, conflictRow(found[i]))
	}
	return list, nil
}

// Runs lists the newest daily runs.
func (b *books) Runs(ctx context.Context, limit int32) ([]*officev1.Run, error) {
	return b.office.runs(ctx, limit)
}

func conflictRow(c inbox.Conflict) *officev1.Conflict {
	refused := c.Refused.GetRefused()
	at := c.Refused.GetRefusedAt()
	if c.Other != nil {
		refused, at = c.Other.GetReceipt(), c.Other.GetRecordedAt()
	}
	k := refused.GetKey()
	return &officev1.Conflict{
		Receipt:  fmt.Sprintf("%s/%s/%d/%s/%s", k.GetStore(), k.GetTill(), k.GetTillEpoch(), k.GetBusinessDate(), k.GetReceiptNo()),
		ServerId: c.ServerID, RefusedAt: at, RefusedTotalMinor: refused.GetTotalMinor(),
		StandingTotalMinor: c.Standing.GetReceipt().GetTotalMinor(),
	}
}
