package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// suites are what TLS 1.2 may use: keys that are forgotten (ECDHE) and messages that cannot be changed (AEAD). TLS 1.3 has nothing else.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Allow decides about a caller whose certificate is valid, by the connection and whom it speaks for. Nil lets it in.
type Allow func(tls.ConnectionState, Name) error

// Base is what every connection is held to: TLS 1.2 at least, 1.3 when both can. Old Windows tills have no 1.3.
func Base() *tls.Config {
	// Every connection shows its certificate anew: none is resumed past the day its certificate was taken away.
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, SessionTicketsDisabled: true}
}

// Serve is for a listener at which every caller shows a certificate. Certificate and trusted authorities are those in the files when the
// connection is made.
func (k *Keeper) Serve(allow Allow) *tls.Config {
	c := k.ServeAll()
	c.ClientAuth = tls.RequireAnyClientCert // checked below, so that the log says what is wrong with it
	c.VerifyConnection = func(state tls.ConnectionState) error {
		name, err := k.get().trust.check(state.PeerCertificates, x509.ExtKeyUsageClientAuth, k.now())
		if err != nil {
			return err
		}
		return allow(state, name)
	}
	return c
}

// ServeAll is for a listener at which callers show no certificate.
func (k *Keeper) ServeAll() *tls.Config {
	c := Base()
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &k.get().pair, nil }
	return c
}

// Dial is for a caller that shows its certificate to a server of a store (HeadOffice for head office). The server's certificate must name it a
// server of that store in the caller's chain; by which address it was called does not matter then. One that names nobody, from an authority of
// the retailer's own, must be for the host that is called.
func (k *Keeper) Dial(store string) *tls.Config {
	c := Base()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &k.get().pair, nil }
	c.InsecureSkipVerify = true // VerifyConnection does it, against the authorities that are in the file by then
	c.VerifyConnection = func(state tls.ConnectionState) error { return k.server(state, store) }
	return c
}

// server checks a server that was called.
func (k *Keeper) server(state tls.ConnectionState, store string) error {
	if len(state.PeerCertificates) == 0 {
		return ErrNone
	}
	current := k.get()
	if _, err := NameOf(state.PeerCertificates[0]); err != nil {
		return k.host(current, state)
	}
	name, err := current.trust.check(state.PeerCertificates, x509.ExtKeyUsageServerAuth, k.now())
	if err != nil {
		return err
	}
	own, err := NameOf(current.leaf)
	switch {
	case name.Role != Server:
		return fmt.Errorf("%s answers as a server: %w", name, ErrOtherRole)
	case err == nil && name.Chain != own.Chain, name.Store != store:
		return fmt.Errorf("%s answers where store %s was called: %w", name, store, ErrOtherStore)
	}
	return nil
}

// host checks a server whose certificate names a host and nothing of ours.
func (k *Keeper) host(current *loaded, state tls.ConnectionState) error {
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	if state.ServerName == "" {
		return fmt.Errorf("%w: it names a host, so the server must be called by that name, not by its address", ErrNoName)
	}
	ways, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: current.trust.roots, Intermediates: between, CurrentTime: k.now(), DNSName: state.ServerName,
	})
	if err != nil {
		return current.trust.why(err)
	}
	for _, way := range ways {
		if !ofAStore(way) {
			return nil
		}
	}
	return ErrOtherStore
}

// ofAStore reports whether an authority of one store is on the way: it vouches for names of its store alone, never for hosts.
func ofAStore(way []*x509.Certificate) bool {
	for _, c := range way[1:] {
		if name, err := NameOf(c); err == nil && name.Store != HeadOffice {
			return true
		}
	}
	return false
}
