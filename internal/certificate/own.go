package certificate

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Own is a certificate that a server signs for itself, and renews. Certificate and key lie in one file, which is replaced whole.
type Own struct {
	// File is where both lie.
	File string
	// Name is whom it speaks for.
	Name Name
	// Hosts are the host names and addresses a server is called by.
	Hosts []string
}

// Renew signs those certificates anew that are missing, cannot be used, were signed by another authority, do not name all hosts or have less than
// a third of OwnLife left, or are not valid yet because they were signed by a clock that was ahead, and returns their files.
func (s *Signer) Renew(wanted []Own, now time.Time) (renewed []string, err error) {
	for _, own := range wanted {
		if s.good(own, now) {
			continue
		}
		pair, err := s.Sign(own.Name, own.Hosts, OwnLife, now)
		if err != nil {
			return renewed, err
		}
		if err := pair.WriteOne(own.File); err != nil {
			return renewed, err
		}
		renewed = append(renewed, own.File)
	}
	return renewed, nil
}

// good reports whether a certificate can stay as it is.
func (s *Signer) good(own Own, now time.Time) bool {
	l, err := Files{Certificate: own.File, Key: own.File}.load(now)
	if err != nil || l.leaf.CheckSignatureFrom(s.certificate) != nil {
		return false
	}
	left := l.leaf.NotAfter.Sub(now)
	ending := left < OwnLife/3 && l.leaf.NotAfter.Before(s.certificate.NotAfter) // one that ends with its authority cannot be bettered
	name, err := NameOf(l.leaf)
	return err == nil && name == own.Name && !ending && !now.Before(l.leaf.NotBefore) && named(l.leaf, own.Hosts)
}

// named reports whether a certificate names all hosts.
func named(leaf *x509.Certificate, hosts []string) bool {
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			if !slices.ContainsFunc(leaf.IPAddresses, ip.Equal) {
				return false
			}
		} else if host != "" && !slices.Contains(leaf.DNSNames, host) {
			return false
		}
	}
	return true
}

// Hosts are the names and addresses this machine can be called by, and more.
func Hosts(more ...string) []string {
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, more...)
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return hosts
	}
	for _, address := range addresses {
		if n, ok := address.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}

// ReadOne reads a certificate and its key from the one file WriteOne wrote.
func ReadOne(path string) (Pair, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Pair{}, err
	}
	return splitPEM(text), nil
}

// WriteOne writes certificate and key into one file that only its owner may read, in one step.
func (p Pair) WriteOne(path string) error {
	return replace(path, slices.Concat(p.Certificate, p.Key))
}

// WriteTo writes NAME.pem, NAME.key and, with authorities, ca.pem into a folder, which is made when there is none. ErrExist when NAME.pem is there.
func (p Pair) WriteTo(dir, name string, authorities []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path + ".pem"); err == nil {
		return fmt.Errorf("%s.pem: %w: remove it to have another drawn", path, os.ErrExist)
	}
	return errors.Join(replace(filepath.Join(dir, "ca.pem"), authorities), replace(path+".key", p.Key), replace(path+".pem", p.Certificate))
}

// replace writes a file that only its owner may read, in one step.
func replace(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, werr := file.Write(text)
	if err := errors.Join(werr, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}
