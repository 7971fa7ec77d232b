package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// ErrNotAPair is returned when a certificate and a key do not belong together: one of the two files was replaced, the other was not yet.
var ErrNotAPair = errors.New("the certificate and the key do not belong together")

// ErrNotWhole is returned when a file ends in the middle of what it should hold, or holds nothing in PEM.
var ErrNotWhole = errors.New("the file is not whole")

// Files are where a certificate lies on disk.
type Files struct {
	// Certificate holds the certificate first, then what leads to its authority.
	Certificate string
	// Key holds its private key.
	Key string
	// Authorities holds the authorities that are trusted. Empty trusts the machine's own, for servers with a name on the internet.
	Authorities string
	// Revoked lists what counts no more: a serial number in hexadecimal per line, # begins a remark. It need not be there.
	Revoked string
}

// Keeper keeps what lies in files, and reads them again whenever they have changed and a connection is made. What cannot be used is not: the last
// that could be goes on. It may be used from several goroutines.
type Keeper struct {
	files  Files
	now    func() time.Time
	failed func(error)

	mu      sync.Mutex
	seen    [4]stamp
	current *loaded
}

// loaded is what was read together. It does not change.
type loaded struct {
	pair  tls.Certificate
	leaf  *x509.Certificate
	trust trust
}

// stamp tells whether a file is the one that was read.
type stamp struct{ info fs.FileInfo }

func stampOf(path string) stamp {
	if path == "" {
		return stamp{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info}
}

func (s stamp) same(o stamp) bool {
	if s.info == nil || o.info == nil {
		return s.info == o.info
	}
	return os.SameFile(s.info, o.info) && s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime())
}

// Open reads the files. Everything must be right: what would be passed over later is an error now. failed is told, once per change, why files that
// changed are not used; it must not block.
func Open(files Files, now func() time.Time, failed func(error)) (*Keeper, error) {
	k := &Keeper{files: files, now: now, failed: failed}
	k.seen = k.look()
	current, err := files.load(now())
	if err != nil {
		return nil, err
	}
	k.current = current
	return k, nil
}

func (k *Keeper) look() [4]stamp {
	return [4]stamp{stampOf(k.files.Certificate), stampOf(k.files.Key), stampOf(k.files.Authorities), stampOf(k.files.Revoked)}
}

// get returns what the files hold, or what they held when they were last right.
func (k *Keeper) get() *loaded {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := k.look()
	same := true
	for i := range seen {
		same = same && seen[i].same(k.seen[i])
	}
	if same {
		return k.current
	}
	k.seen = seen
	next, err := k.files.load(k.now())
	if err != nil {
		k.failed(fmt.Errorf("the certificate that was there before goes on: %w", err))
		return k.current
	}
	k.current = next
	return next
}

// Name is whom the certificate speaks for; ErrNoName for one from elsewhere.
func (k *Keeper) Name() (Name, error) { return NameOf(k.get().leaf) }

// Expires is when the certificate, or the first that leads to its authority, expires.
func (k *Keeper) Expires() time.Time {
	current := k.get()
	first := current.leaf.NotAfter
	for _, der := range current.pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil && c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// load reads all files together.
func (f Files) load(now time.Time) (*loaded, error) {
	pair, err := readPair(f.Certificate, f.Key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Certificate, err)
	}
	if now.After(leaf.NotAfter) {
		return nil, fmt.Errorf("%s: %w: it was valid until %s", f.Certificate, ErrExpired, leaf.NotAfter.Format(time.DateTime))
	}
	l := &loaded{pair: pair, leaf: leaf}
	if l.trust.revoked, err = readRevoked(f.Revoked); err != nil {
		return nil, err
	}
	if f.Authorities == "" {
		return l, nil
	}
	text, err := os.ReadFile(f.Authorities)
	if err != nil {
		return nil, err
	}
	l.trust.roots = x509.NewCertPool()
	if !l.trust.roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %w: no certificate in PEM", f.Authorities, ErrNotWhole)
	}
	return l, l.leads(f, now)
}

// leads checks that a certificate of ours leads to an authority that is trusted: with a piece missing, nobody would take it.
func (l *loaded) leads(f Files, now time.Time) error {
	name, err := NameOf(l.leaf)
	if err != nil {
		return nil //nolint:nilerr // from elsewhere: its authority may be one that callers trust, and this side does not
	}
	between := x509.NewCertPool()
	for _, der := range l.pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Certificate, err)
		}
		between.AddCert(c)
	}
	_, err = l.leaf.Verify(x509.VerifyOptions{Roots: l.trust.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("%s (%s) does not lead to an authority in %s: %w", f.Certificate, name, f.Authorities, l.trust.why(err))
	}
	return nil
}

// readPair reads a certificate and its key.
func readPair(certificate, key string) (tls.Certificate, error) {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	secret, err := os.ReadFile(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	for path, content := range map[string][]byte{certificate: text, key: secret} {
		if !whole(content) {
			return tls.Certificate{}, fmt.Errorf("%s: %w", path, ErrNotWhole)
		}
	}
	pair, err := tls.X509KeyPair(text, secret)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w (%w)", certificate, key, ErrNotAPair, err)
	}
	return pair, nil
}

// whole reports whether a file holds PEM to its end.
func whole(text []byte) bool {
	block, rest := pem.Decode(text)
	found := block != nil
	for block != nil {
		block, rest = pem.Decode(rest)
	}
	return found && !bytes.Contains(rest, []byte("-----BEGIN"))
}

// readRevoked reads the list of what counts no more.
func readRevoked(path string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	revoked := make(map[string]bool)
	for line := range bytes.Lines(text) {
		serial, _, _ := strings.Cut(string(line), "#")
		if serial = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(serial), ":", "")); serial != "" {
			revoked[strings.TrimLeft(serial, "0")] = true
		}
	}
	return revoked, nil
}
