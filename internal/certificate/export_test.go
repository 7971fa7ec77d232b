package certificate

import (
	"crypto/ecdsa"
	"crypto/x509"
)

// Stolen hands out an authority's certificate and key, as a thief of its file has them.
func Stolen(s *Signer) (*x509.Certificate, *ecdsa.PrivateKey) { return s.certificate, s.key }
