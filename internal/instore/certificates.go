package instore

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/rpc"
)

// ErrNoAuthority is returned when a server is to answer beyond this machine and has no certificates: it was enrolled before there were any.
var ErrNoAuthority = errors.New("this server has no certificates")

// The files of the folder tls in a data folder.
const (
	tlsFolder     = "tls"
	chainCAFile   = "ca.pem"        // the chain's authority, from the enrolment; others may be added below it
	authorityFile = "authority.pem" // the store's own authority, from the enrolment
	serverFile    = "server.pem"    // what it answers with
	syncFile      = "sync.pem"      // what it shows to head office
	adminFile     = "admin.pem"     // what commands on this machine show
	revokedFile   = "revoked.txt"   // serial numbers that count no more
)

// renewEvery is how often a server looks whether its certificates are to be renewed.
const renewEvery = time.Hour

// expiresSoon is how long before the end of a certificate the log says so, every day.
const expiresSoon = 30 * 24 * time.Hour

func (c Config) tls(name string) string { return c.path(tlsFolder, name) }

// keepAuthority keeps what the enrolment brought of authorities. What a person added to ca.pem stays.
func (c Config) keepAuthority(chain, store []byte) error {
	if len(chain) == 0 || len(store) == 0 {
		return nil
	}
	if err := os.MkdirAll(c.path(tlsFolder), 0o700); err != nil {
		return err
	}
	trusted, err := os.ReadFile(c.tls(chainCAFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Contains(trusted, bytes.TrimSpace(chain)) {
		if err := keepSecret(c.tls(chainCAFile), append(chain, trusted...)); err != nil {
			return err
		}
	}
	if kept, err := os.ReadFile(c.tls(authorityFile)); err == nil && bytes.Equal(kept, store) {
		return nil
	}
	return keepSecret(c.tls(authorityFile), store)
}

// authority is the store's own; ErrNoAuthority when there is none.
func (c Config) authority() (*certificate.Signer, error) {
	pair, err := certificate.ReadOne(c.tls(authorityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: enrol it again, with `stamklant-office keys server --replace`", c.Data, ErrNoAuthority)
	}
	if err != nil {
		return nil, err
	}
	return certificate.OpenSigner(pair)
}

// certificates are what a server answers and calls with.
type certificates struct {
	signer *certificate.Signer // nil without an authority
	own    []certificate.Own
	server *certificate.Keeper // what it answers with; nil in plain text
	web    *certificate.Keeper // what the second listener answers with
	sync   *certificate.Keeper // what it shows to head office; nil without an authority

	mu   sync.Mutex
	said map[string]time.Time // when it was last said that a caller's certificate ends soon
}

// soonEnds says once a day that a caller must be enrolled again before long.
func (s *Server) soonEnds(name certificate.Name, ends time.Time) {
	now := s.config.wall()()
	if ends.Sub(now) >= expiresSoon {
		return
	}
	s.certificates.mu.Lock()
	defer s.certificates.mu.Unlock()
	if now.Sub(s.certificates.said[name.String()]) < 24*time.Hour {
		return
	}
	if s.certificates.said == nil {
		s.certificates.said = make(map[string]time.Time)
	}
	s.certificates.said[name.String()] = now
	s.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a caller's certificate ends soon: enrol it again",
		slog.String("caller", name.String()), slog.Int("days_left", daysUntil(ends, now)))
}

// daysUntil is how many whole days are left.
func daysUntil(ends, now time.Time) int { return int(ends.Sub(now) / (24 * time.Hour)) }

// openCertificates signs what is missing and reads what is needed.
func (s *Server) openCertificates() error {
	c := s.config
	if err := c.keepAuthority(s.enrolment.GetChainAuthority(), s.enrolment.GetStoreAuthority()); err != nil {
		return err
	}
	signer, err := c.authority()
	if err != nil && !errors.Is(err, ErrNoAuthority) {
		return err
	}
	if signer != nil {
		name := func(role, who string) certificate.Name {
			return certificate.Name{Chain: signer.Name().Chain, Store: s.enrolment.GetStore(), Role: role, Name: who}
		}
		s.certificates.signer = signer
		s.certificates.own = []certificate.Own{
			{File: c.tls(serverFile), Name: name(certificate.Server, s.enrolment.GetServerId()), Hosts: certificate.Hosts(c.Hosts...)},
			{File: c.tls(syncFile), Name: name(certificate.Sync, s.enrolment.GetServerId())},
			{File: c.tls(adminFile), Name: name(certificate.Admin, "local")},
		}
		if err := s.renewCertificates(context.Background()); err != nil {
			return err
		}
		if s.certificates.sync, err = s.keeper(c.tls(syncFile), c.tls(syncFile)); err != nil {
			return err
		}
	}
	return s.openListenersCertificates(err)
}

// openListenersCertificates reads what the listeners answer with: files of the retailer's own, or what the server signed for itself.
func (s *Server) openListenersCertificates(missing error) (err error) {
	c := s.config
	if c.secure() {
		certificateFile, key := c.Certificate, c.Key
		if certificateFile == "" {
			if missing != nil {
				return fmt.Errorf("%s answers beyond this machine: %w", c.Listen, missing)
			}
			certificateFile, key = c.tls(serverFile), c.tls(serverFile)
		}
		if s.certificates.server, err = s.keeper(certificateFile, key); err != nil {
			return err
		}
	}
	if c.Web == "" {
		return nil
	}
	switch {
	case c.WebCertificate != "":
		s.certificates.web, err = s.keeper(c.WebCertificate, c.WebKey)
	case s.certificates.server != nil:
		s.certificates.web = s.certificates.server
	}
	return err
}

// keeper reads certificate files, and says in the log why changed ones are not used.
func (s *Server) keeper(file, key string) (*certificate.Keeper, error) {
	authorities := s.config.tls(chainCAFile)
	if s.config.Authorities != "" {
		authorities = s.config.Authorities
	}
	return certificate.Open(certificate.Files{Certificate: file, Key: key, Authorities: authorities, Revoked: s.config.tls(revokedFile)}, s.judged, func(err error) {
		s.config.Logger.LogAttrs(context.Background(), slog.LevelError, "changed certificate files are not used", slog.String("error", err.Error()))
	})
}

// wall is the clock certificates are judged by.
func (c Config) wall() func() time.Time {
	if c.Now != nil {
		return c.Now
	}
	return time.Now
}

// judged is the time certificates are judged by: the machine's clock, or where that cannot be right the time the server trusts. A shop opens although
// its clock stands at 1970.
func (s *Server) judged() time.Time {
	now := s.journal.Time().Best()
	if signer := s.certificates.signer; signer != nil && now.Before(signer.Drawn()) {
		return signer.Drawn()
	}
	return now
}

// secure reports whether tills are answered by TLS.
func (c Config) secure() bool {
	_, needs := rpc.NeedsTLS(c.Listen)
	return needs
}

// renewCertificates signs what is missing or runs out, and says how long the rest lasts.
func (s *Server) renewCertificates(ctx context.Context) error {
	renewed, err := s.certificates.signer.Renew(s.certificates.own, s.judged())
	for _, file := range renewed {
		s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "certificate signed", slog.String("file", file), slog.Duration("lasts", certificate.OwnLife))
	}
	return err
}

// keepCertificates renews certificates in time, and says which will run out: every hour it looks, once a day it says so.
func (s *Server) keepCertificates(ctx context.Context) error {
	every := time.NewTicker(renewEvery)
	defer every.Stop()
	var said time.Time
	for {
		if s.certificates.signer != nil {
			if err := s.renewCertificates(ctx); err != nil {
				s.config.Logger.LogAttrs(ctx, slog.LevelError, "certificates cannot be renewed", slog.String("error", err.Error()))
			}
		}
		if now := s.judged(); now.Sub(said) >= 24*time.Hour {
			said = now
			s.warnOfExpiry(ctx, now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// warnOfExpiry says which certificates end soon.
func (s *Server) warnOfExpiry(ctx context.Context, now time.Time) {
	for what, k := range map[string]*certificate.Keeper{"tills": s.certificates.server, "the second listener": s.certificates.web, "head office": s.certificates.sync} {
		if k == nil {
			continue
		}
		if k.Expires().Sub(now) < expiresSoon {
			s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a certificate ends soon", slog.String("for", what), slog.Int("days_left", daysUntil(k.Expires(), now)))
		}
	}
}

// callers is what the main listener holds callers to: a certificate of this store, or of head office's jobs. Nil in plain text.
func (s *Server) callers() *tls.Config {
	if s.certificates.server == nil {
		return nil
	}
	chain, store := hex.EncodeToString(s.enrolment.GetChainId()), s.enrolment.GetStore()
	return s.certificates.server.Serve(func(state tls.ConnectionState, name certificate.Name) error {
		office := name.Store == certificate.HeadOffice && (name.Role == certificate.Sync || name.Role == certificate.Admin)
		if name.Chain != chain || name.Store != store && !office {
			return fmt.Errorf("%s calls store %s: %w", name, store, certificate.ErrOtherStore)
		}
		s.soonEnds(name, state.PeerCertificates[0].NotAfter)
		return nil
	})
}

// EnrolTill signs the certificate of a till, or of the scanner beside it, and writes it with its key and the authority to trust into a folder.
// ErrNoAuthority, os.ErrExist.
func EnrolTill(config Config, role rpc.Role, till string, customers bool, out string, now time.Time) (expires time.Time, err error) {
	if !tillCode.MatchString(till) {
		return time.Time{}, fmt.Errorf("till %q: a till's code has 1 to 32 letters, digits, dots, dashes and underscores", till)
	}
	kept, err := config.enrolment()
	if err != nil {
		return time.Time{}, err
	}
	if err := config.keepAuthority(kept.GetChainAuthority(), kept.GetStoreAuthority()); err != nil {
		return time.Time{}, err
	}
	signer, err := config.authority()
	if err != nil {
		return time.Time{}, err
	}
	authorities, err := os.ReadFile(config.tls(chainCAFile))
	if err != nil {
		return time.Time{}, err
	}
	name := certificate.Name{Chain: signer.Name().Chain, Store: signer.Name().Store, Role: string(role), Name: till}
	if customers {
		name.Audience = certificate.Customer
	}
	pair, err := signer.Sign(name, nil, certificate.TillLife, now)
	if err != nil {
		return time.Time{}, err
	}
	return now.Add(certificate.TillLife), pair.WriteTo(out, string(role)+"-"+filepath.Base(till), authorities)
}
