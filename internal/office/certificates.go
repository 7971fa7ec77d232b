package office

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/rpc"
)

// ErrNotEnrolled is what a store's server is refused with when it is not enrolled, or was enrolled again and shows what it had before.
var ErrNotEnrolled = errors.New("this server is not enrolled")

// The files of the folder tls in a data folder.
const (
	chainCAFile = "ca.pem"     // whom head office trusts: the chain's authority; others may be added below it
	serverFile  = "server.pem" // what it answers with
	syncFile    = "sync.pem"   // what its jobs show to stores
	adminFile   = "admin.pem"  // what commands on this machine show
	revokedFile = "revoked.txt"
)

// certificates are what head office answers and calls with.
type certificates struct {
	home   Home
	now    func() time.Time
	logger *slog.Logger
}

func (c certificates) file(name string) string { return filepath.Join(c.home.dir, "tls", name) }

// renew signs what is missing or runs out.
func (c certificates) renew(hosts []string) error {
	keys, err := publisher.LoadKeys(c.home.Keys())
	if err != nil {
		return err
	}
	signer, authority, err := keys.Authority(c.now())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.file(""), 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(c.file(chainCAFile)); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(c.file(chainCAFile), authority, 0o600); err != nil {
			return err
		}
	}
	name := func(role, who string) certificate.Name {
		return certificate.Name{Chain: signer.Name().Chain, Store: certificate.HeadOffice, Role: role, Name: who}
	}
	renewed, err := signer.Renew([]certificate.Own{
		{File: c.file(serverFile), Name: name(certificate.Server, "office"), Hosts: hosts},
		{File: c.file(syncFile), Name: name(certificate.Sync, "office")},
		{File: c.file(adminFile), Name: name(certificate.Admin, "local")},
	}, c.now())
	for _, file := range renewed {
		c.logger.LogAttrs(context.Background(), slog.LevelInfo, "certificate signed", slog.String("file", file), slog.Duration("lasts", certificate.OwnLife))
	}
	return err
}

// keeper reads certificate files.
func (c certificates) keeper(file, key string) (*certificate.Keeper, error) {
	return certificate.Open(certificate.Files{Certificate: file, Key: key, Authorities: c.file(chainCAFile), Revoked: c.file(revokedFile)}, c.now, func(err error) {
		c.logger.LogAttrs(context.Background(), slog.LevelError, "changed certificate files are not used", slog.String("error", err.Error()))
	})
}

// serve is what head office's listener holds callers to: servers that are enrolled, by what they were last enrolled with, and commands on this
// machine.
func (c certificates) serve(own *certificate.Keeper, servers *serverTokens) *tls.Config {
	return own.Serve(func(state tls.ConnectionState, name certificate.Name) error {
		switch {
		case name.Role == certificate.Admin && name.Store == certificate.HeadOffice:
			return nil
		case name.Role != certificate.Sync:
			return fmt.Errorf("%s calls head office: %w", name, certificate.ErrOtherRole)
		case !servers.enrolled(name.Name, name.Store, certificate.Issuer(state)):
			return fmt.Errorf("%s: %w", name, ErrNotEnrolled)
		default:
			return nil
		}
	})
}

// keep renews certificates in time, until ctx ends: every hour it looks.
func (c certificates) keep(ctx context.Context, own *certificate.Keeper, hosts []string) {
	every := time.NewTicker(time.Hour)
	defer every.Stop()
	for {
		if err := c.renew(hosts); err != nil {
			c.logger.LogAttrs(ctx, slog.LevelError, "certificates cannot be renewed", slog.String("error", err.Error()))
		}
		if left := own.Expires().Sub(c.now()); left < certificate.OwnLife/3 {
			c.logger.LogAttrs(ctx, slog.LevelWarn, "head office's certificate ends soon", slog.Int("days_left", int(left/(24*time.Hour))))
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// dialer shows one of head office's certificates to a server of a store.
func (h Home) dialer(file, store string) (rpc.DialConfig, error) {
	c := certificates{home: h, now: time.Now, logger: slog.New(slog.DiscardHandler)}
	if err := c.renew(nil); err != nil {
		return rpc.DialConfig{}, err
	}
	keeper, err := c.keeper(c.file(file), c.file(file))
	if err != nil {
		return rpc.DialConfig{}, err
	}
	return rpc.DialConfig{TLS: keeper.Dial(store)}, nil
}

// dialOwn connects to the server on this folder: by the token of its address file in plain text, by the folder's certificate otherwise.
func (h Home) dialOwn(at address) (string, rpc.DialConfig, error) {
	hostPort, secure := rpc.NeedsTLS(at.Address)
	if !secure {
		return hostPort, rpc.DialConfig{Token: at.Token}, nil
	}
	config, err := h.dialer(adminFile, certificate.HeadOffice)
	return hostPort, config, err
}
