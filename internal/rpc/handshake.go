package rpc

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/stamklant/stamklant/internal/certificate"
)

// CertifiedAs is whom a certificate makes its holder.
func CertifiedAs(name certificate.Name) *Principal {
	p := &Principal{Role: Role(name.Role), ID: name.Name, Audience: Audience(name.Audience)}
	switch p.Role {
	case RoleTill, RoleScanner:
		p.ID, p.Till = name.Role+"-"+name.Name, name.Name
	case RoleAdmin, RoleSync:
	}
	return p
}

// certified is what a connection at which callers show certificates knows about its caller.
type certified struct {
	credentials.TLSInfo
	principal *Principal
}

// handshakes makes connections secure, finds out by the certificate who calls, and writes down whom it refuses, and why.
type handshakes struct {
	credentials.TransportCredentials
	server *Server
}

// ServerHandshake makes a connection secure.
func (h *handshakes) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := h.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		h.refused(raw, err)
		return nil, nil, err
	}
	secured, ok := info.(credentials.TLSInfo)
	if !ok || !h.server.config.Certified {
		return conn, info, nil
	}
	name, err := certificate.NameOf(secured.State.PeerCertificates[0]) // checked by the handshake
	if err != nil {
		h.refused(raw, err)
		return nil, nil, err
	}
	return conn, certified{TLSInfo: secured, principal: CertifiedAs(name)}, nil
}

// Clone returns the same.
func (h *handshakes) Clone() credentials.TransportCredentials {
	return &handshakes{h.TransportCredentials.Clone(), h.server}
}

func (h *handshakes) refused(conn net.Conn, err error) {
	s := h.server
	s.refused.WithLabelValues(ReasonHandshake).Inc()
	if leftOut, ok := s.accessLog.may(s.now()); ok {
		s.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a connection was refused",
			slog.String("from", conn.RemoteAddr().String()), slog.String("error", err.Error()), slog.Uint64("lines_left_out", leftOut))
	}
}

// secure returns the transport of the main listener.
func (s *Server) secure(config *tls.Config) credentials.TransportCredentials {
	return &handshakes{credentials.NewTLS(config), s}
}

// certifiedCaller is whom the certificate of a call's connection makes its caller.
func certifiedCaller(ctx context.Context) (*Principal, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := p.AuthInfo.(certified)
	return info.principal, ok
}
