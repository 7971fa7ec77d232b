package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// How long certificates last. Those a program renews by itself are short; those a person carries somewhere outlast the machine they are for.
const (
	// ChainLife is how long a chain's authority lasts.
	ChainLife = 20 * 365 * 24 * time.Hour
	// StoreLife is how long a store's authority lasts; enrolling the server again draws another.
	StoreLife = 10 * 365 * 24 * time.Hour
	// TillLife is how long the certificate of a till or a scanner lasts.
	TillLife = 2 * 365 * 24 * time.Hour
	// OwnLife is how long those last that a server signs for itself.
	OwnLife = 90 * 24 * time.Hour
)

// AnyServer is a host name in every server's certificate, for clients that insist on checking one and call by an address that may change.
const AnyServer = "store.stamklant.internal"

// backdated allows for clocks that are behind.
const backdated = 24 * time.Hour

// ErrMayNotSign is returned when an authority is asked for a certificate of another store or chain, or its own has expired.
var ErrMayNotSign = errors.New("this authority may not sign that")

// Pair is a certificate with those that lead to its authority, and its key, as PEM.
type Pair struct {
	// Certificate is the certificate first, then what leads to the chain's authority, without that one.
	Certificate []byte
	// Key is the private key (PKCS #8).
	Key []byte
}

// Signer is an authority: a chain's, or a store's. It does not change and may be used from several goroutines.
type Signer struct {
	name        Name
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	lead        []byte // PEM of what leads to the chain's authority, itself included unless it is that
}

// NewChain draws the authority of a chain, named by its id.
func NewChain(chain string, now time.Time) (Pair, error) {
	name := Name{Chain: chain, Store: HeadOffice, Role: Authority, Name: "chain"}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template := templateOf(name, ChainLife, now)
	template.IsCA, template.MaxPathLen, template.KeyUsage = true, 1, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return Pair{}, fmt.Errorf("authority of chain %s: %w", chain, err)
	}
	return pairOf(der, nil, key)
}

// OpenSigner reads an authority. Its key may have expired: it is refused when it signs.
func OpenSigner(p Pair) (*Signer, error) {
	block, _ := pem.Decode(p.Certificate)
	if block == nil {
		return nil, errors.New("authority: no certificate in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	name, err := NameOf(certificate)
	if err != nil {
		return nil, err
	}
	if name.Role != Authority || !certificate.IsCA {
		return nil, fmt.Errorf("%s: %w: it is no authority", name, ErrMayNotSign)
	}
	block, _ = pem.Decode(p.Key)
	if block == nil {
		return nil, fmt.Errorf("%s: no key in PEM", name)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", name, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, fmt.Errorf("%s: %w", name, ErrNotAPair)
	}
	s := &Signer{name: name, certificate: certificate, key: key}
	if name.Store != HeadOffice {
		s.lead = p.Certificate
	}
	return s, nil
}

// Name is whom the authority speaks for.
func (s *Signer) Name() Name { return s.name }

// Drawn is when the authority was drawn: no clock that is right shows an earlier time.
func (s *Signer) Drawn() time.Time { return s.certificate.NotBefore.Add(backdated) }

// Store signs the authority of one server's store. Only a chain's authority may.
func (s *Signer) Store(store, server string, now time.Time) (Pair, error) {
	return s.sign(Name{Chain: s.name.Chain, Store: store, Role: Authority, Name: server}, nil, StoreLife, now)
}

// Sign signs a certificate for name, lasting life at most: never longer than the authority itself. hosts are the host names and addresses a server
// is called by. ErrMayNotSign when name is of another store or chain.
func (s *Signer) Sign(name Name, hosts []string, life time.Duration, now time.Time) (Pair, error) {
	if name.Role == Authority {
		return Pair{}, fmt.Errorf("%s for %s: %w", s.name, name, ErrMayNotSign)
	}
	return s.sign(name, hosts, life, now)
}

func (s *Signer) sign(name Name, hosts []string, life time.Duration, now time.Time) (Pair, error) {
	own := s.name.Store == HeadOffice
	switch {
	case name.Chain != s.name.Chain, !own && (name.Store != s.name.Store || name.Role == Authority):
		return Pair{}, fmt.Errorf("%s for %s: %w", s.name, name, ErrMayNotSign)
	case now.After(s.certificate.NotAfter):
		return Pair{}, fmt.Errorf("%s: %w: it expired on %s; enrol the server again", s.name, ErrMayNotSign, s.certificate.NotAfter.Format(time.DateOnly))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template := templateOf(name, life, now)
	if template.NotAfter.After(s.certificate.NotAfter) {
		template.NotAfter = s.certificate.NotAfter
	}
	switch name.Role {
	case Authority:
		template.IsCA, template.MaxPathLenZero, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	case Server:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		addHosts(template, append([]string{AnyServer}, hosts...))
	default:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.certificate, &key.PublicKey, s.key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign %s: %w", name, err)
	}
	return pairOf(der, s.lead, key)
}

// templateOf is what all certificates have in common.
func templateOf(name Name, life time.Duration, now time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] &= 0x7f
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), NotBefore: now.Add(-backdated), NotAfter: now.Add(life),
		Subject: pkix.Name{Organization: []string{"Stamklant"}, OrganizationalUnit: []string{name.Store}, CommonName: name.Role + " " + name.Name},
		URIs:    []*url.URL{name.URL()}, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}

// addHosts adds the names and addresses a server is called by, each once.
func addHosts(template *x509.Certificate, hosts []string) {
	seen := make(map[string]bool)
	for _, host := range hosts {
		if seen[host] || host == "" {
			continue
		}
		seen[host] = true
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
}

func pairOf(der, lead []byte, key *ecdsa.PrivateKey) (Pair, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return Pair{}, err
	}
	text.Write(lead)
	return Pair{Certificate: text.Bytes(), Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})}, nil
}

// splitPEM parts certificates from the key.
func splitPEM(text []byte) (p Pair) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return p
		}
		if block.Type == "CERTIFICATE" {
			p.Certificate = append(p.Certificate, pem.EncodeToMemory(block)...)
		} else {
			p.Key = append(p.Key, pem.EncodeToMemory(block)...)
		}
		text = rest
	}
}

// Serial is the certificate's serial number in hexadecimal, as Issuer tells it and a list of revoked ones names it.
func (p Pair) Serial() (string, error) {
	block, _ := pem.Decode(p.Certificate)
	if block == nil {
		return "", errors.New("no certificate in PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	return serialOf(c), nil
}

// Split parts what lies in one file into certificates and key.
func Split(text []byte) Pair { return splitPEM(text) }
