package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrExpired is returned when a certificate, or one that leads to its authority, is not valid at this time.
	ErrExpired = errors.New("the certificate has expired or is not valid yet")
	// ErrOtherAuthority is returned when a certificate was not signed by an authority that is trusted here.
	ErrOtherAuthority = errors.New("the certificate was signed by an authority that is not trusted here")
	// ErrOtherStore is returned when a certificate is of another store, or of another chain.
	ErrOtherStore = errors.New("the certificate is of another store")
	// ErrOtherRole is returned when a certificate is for something else than what it is shown for.
	ErrOtherRole = errors.New("the certificate is for something else")
	// ErrRevoked is returned when the certificate, or the authority that signed it, is on the list of those that count no more.
	ErrRevoked = errors.New("the certificate was revoked")
	// ErrNone is returned when no certificate was shown.
	ErrNone = errors.New("no certificate was shown")
)

// trust is what a certificate is checked against.
type trust struct {
	roots   *x509.CertPool
	revoked map[string]bool // serial numbers, in hexadecimal
}

// check verifies a certificate that was shown, with those that lead to its authority, for a use at a time, and returns whom it speaks for.
func (t trust) check(shown []*x509.Certificate, use x509.ExtKeyUsage, now time.Time) (Name, error) {
	if len(shown) == 0 {
		return Name{}, ErrNone
	}
	leaf := shown[0]
	name, err := NameOf(leaf)
	if err != nil {
		return Name{}, err
	}
	between := x509.NewCertPool()
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	ways, err := leaf.Verify(x509.VerifyOptions{Roots: t.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return Name{}, fmt.Errorf("%s, valid %s to %s: %w", name, leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly), t.why(err))
	}
	for _, way := range ways {
		if err = t.along(name, way); err == nil {
			return name, nil
		}
	}
	return Name{}, err
}

// why says in our words what is wrong with a certificate.
func (t trust) why(err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w (%w)", ErrExpired, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fmt.Errorf("%w (%w)", ErrOtherRole, err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w (%w)", ErrOtherAuthority, err)
	default:
		return err
	}
}

// along checks that every authority on the way from a certificate to its root may speak for whom it names.
func (t trust) along(name Name, way []*x509.Certificate) error {
	for _, c := range way {
		if t.revoked[serialOf(c)] {
			return fmt.Errorf("%s: %w", name, ErrRevoked)
		}
	}
	for _, c := range way[1 : len(way)-1] {
		authority, err := NameOf(c)
		if err != nil {
			return err
		}
		if authority.Role != Authority || authority.Chain != name.Chain || authority.Store != HeadOffice && authority.Store != name.Store {
			return fmt.Errorf("%s, signed by %s: %w", name, authority, ErrOtherStore)
		}
	}
	return nil
}

// Issuer returns the serial number of the authority that signed the certificate a connection showed, in hexadecimal; empty when it was not sent
// along.
func Issuer(state tls.ConnectionState) string {
	if len(state.PeerCertificates) < 2 {
		return ""
	}
	return serialOf(state.PeerCertificates[1])
}

func serialOf(c *x509.Certificate) string { return fmt.Sprintf("%x", c.SerialNumber) }
