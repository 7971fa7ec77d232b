package certificate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
)

var elsewhere = []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/till"}}

func urls(t *testing.T, texts ...string) (list []*url.URL) {
	t.Helper()
	for _, text := range texts {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	return list
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// forged signs whatever a thief wants with the key of a stolen authority; without a name, a certificate for the host till.example.
func forged(t *testing.T, stolen *certificate.Signer, name certificate.Name) tls.ConnectionState {
	t.Helper()
	authority, secret := certificate.Stolen(stolen)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: day.Add(-time.Hour), NotAfter: day.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, DNSNames: []string{"till.example"},
	}
	if name != (certificate.Name{}) {
		template.URIs = []*url.URL{name.URL()}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf, authority}}
}
