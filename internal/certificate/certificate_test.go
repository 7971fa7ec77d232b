package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
)

const chainID = "00112233445566778899aabbccddeeff"

var day = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// chain is a chain's authority and those of its stores s01 and s02.
type chain struct {
	t     *testing.T
	dir   string
	ca    []byte
	root  *certificate.Signer
	store map[string]*certificate.Signer
}

func newChain(t *testing.T) *chain {
	t.Helper()
	pair, err := certificate.NewChain(chainID, day)
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{t: t, dir: t.TempDir(), ca: pair.Certificate, root: open(t, pair), store: make(map[string]*certificate.Signer)}
	for _, store := range []string{"s01", "s02"} {
		pair, err := c.root.Store(store, store+"-a", day)
		if err != nil {
			t.Fatal(err)
		}
		c.store[store] = open(t, pair)
	}
	return c
}

func open(t *testing.T, pair certificate.Pair) *certificate.Signer {
	t.Helper()
	signer, err := certificate.OpenSigner(pair)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func named(store, role, name string) certificate.Name {
	return certificate.Name{Chain: chainID, Store: store, Role: role, Name: name}
}

// sign has a signer sign for a name, and writes the files.
func (c *chain) sign(by *certificate.Signer, name certificate.Name, life time.Duration) certificate.Files {
	c.t.Helper()
	pair, err := by.Sign(name, []string{"127.0.0.1"}, life, day)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.write(pair)
}

func (c *chain) write(pair certificate.Pair) certificate.Files {
	c.t.Helper()
	dir, err := os.MkdirTemp(c.dir, "")
	if err != nil {
		c.t.Fatal(err)
	}
	if err := pair.WriteTo(dir, "own", c.ca); err != nil {
		c.t.Fatal(err)
	}
	return certificate.Files{
		Certificate: filepath.Join(dir, "own.pem"), Key: filepath.Join(dir, "own.key"), Authorities: filepath.Join(dir, "ca.pem"),
		Revoked: filepath.Join(dir, "revoked.txt"),
	}
}

// keeper opens files at a time that the test may move.
func keeper(t *testing.T, files certificate.Files, now *time.Time, failed func(error)) *certificate.Keeper {
	t.Helper()
	if failed == nil {
		failed = func(err error) { t.Errorf("not used: %v", err) }
	}
	k, err := certificate.Open(files, func() time.Time { return *now }, failed)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// state is what a connection looks like to the side that is shown the files' certificate.
func state(t *testing.T, files certificate.Files) tls.ConnectionState {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	var s tls.ConnectionState
	for _, der := range pair.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		s.PeerCertificates = append(s.PeerCertificates, c)
	}
	return s
}

func TestWhoIsLetIn(t *testing.T) {
	c := newChain(t)
	other := newChain(t) // has the same id, and other keys: as somebody would make up
	now := day
	server := keeper(t, c.sign(c.store["s01"], named("s01", certificate.Server, "s01-a"), time.Hour), &now, nil)
	allowed := errors.New("the caller asked for it")
	for _, tc := range []struct {
		name  string
		files certificate.Files
		at    time.Time
		want  error
	}{
		{"a till of the store", c.sign(c.store["s01"], named("s01", certificate.Till, "3"), time.Hour), day, allowed},
		{"head office", c.sign(c.root, named("-", certificate.Sync, "office"), time.Hour), day, allowed},
		{"yesterday's", c.sign(c.store["s01"], named("s01", certificate.Till, "3"), time.Hour), day.Add(2 * time.Hour), certificate.ErrExpired},
		{"tomorrow's", c.sign(c.store["s01"], named("s01", certificate.Till, "3"), time.Hour), day.AddDate(0, 0, -3), certificate.ErrExpired},
		{"somebody else's chain", other.sign(other.store["s01"], named("s01", certificate.Till, "3"), time.Hour), day, certificate.ErrOtherAuthority},
		{"a server's", c.sign(c.store["s01"], named("s01", certificate.Server, "x"), time.Hour), day, certificate.ErrOtherRole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now = tc.at
			defer func() { now = day }()
			err := server.Serve(func(tls.ConnectionState, certificate.Name) error { return allowed }).VerifyConnection(state(t, tc.files))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if err := server.Serve(nil).VerifyConnection(tls.ConnectionState{}); !errors.Is(err, certificate.ErrNone) {
		t.Errorf("without a certificate: %v", err)
	}
}

// TestAStoresAuthoritySpeaksForItsStoreAlone forges, with the key of one store's authority, what this package would not sign.
func TestAStoresAuthoritySpeaksForItsStoreAlone(t *testing.T) {
	c := newChain(t)
	for _, name := range []certificate.Name{
		named("s02", certificate.Till, "3"), named("-", certificate.Sync, "office"), {Chain: "ff", Store: "s01", Role: certificate.Till, Name: "3"},
	} {
		if _, err := c.store["s01"].Sign(name, nil, time.Hour, day); !errors.Is(err, certificate.ErrMayNotSign) {
			t.Errorf("s01 signs %s: %v", name, err)
		}
	}
	if _, err := c.store["s01"].Store("s01", "another", day); !errors.Is(err, certificate.ErrMayNotSign) {
		t.Errorf("s01 signs an authority: %v", err)
	}
	now := day
	server := keeper(t, c.sign(c.store["s02"], named("s02", certificate.Server, "s02-a"), time.Hour), &now, nil)
	for _, name := range []certificate.Name{named("s02", certificate.Till, "3"), named("-", certificate.Admin, "anna")} {
		err := server.Serve(func(tls.ConnectionState, certificate.Name) error { return nil }).VerifyConnection(forged(t, c.store["s01"], name))
		if !errors.Is(err, certificate.ErrOtherStore) {
			t.Errorf("%s signed by s01 is let in: %v", name, err)
		}
	}
	till := keeper(t, c.sign(c.store["s02"], named("s02", certificate.Till, "3"), time.Hour), &now, nil)
	shown := forged(t, c.store["s01"], certificate.Name{})
	shown.ServerName = "till.example"
	if err := till.Dial("s02").VerifyConnection(shown); !errors.Is(err, certificate.ErrOtherStore) {
		t.Errorf("s01 vouches for a host: %v", err)
	}
}

func TestWhomATillCalls(t *testing.T) {
	c := newChain(t)
	now := day
	till := keeper(t, c.sign(c.store["s01"], named("s01", certificate.Till, "3"), time.Hour), &now, nil).Dial("s01")
	for _, tc := range []struct {
		name  string
		files certificate.Files
		want  error
	}{
		{"its store's server", c.sign(c.store["s01"], named("s01", certificate.Server, "a"), time.Hour), nil},
		{"another store's", c.sign(c.store["s02"], named("s02", certificate.Server, "b"), time.Hour), certificate.ErrOtherStore},
		{"another till", c.sign(c.store["s01"], named("s01", certificate.Till, "4"), time.Hour), certificate.ErrOtherRole},
	} {
		if err := till.VerifyConnection(state(t, tc.files)); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, n := range []certificate.Name{
		named("s01", certificate.Till, "3"), named("a/b ä", certificate.Scanner, "1:2.x_"),
		{Chain: chainID, Store: "s01", Role: certificate.Till, Name: "self-1", Audience: certificate.Customer},
	} {
		got, err := certificate.NameOf(&x509.Certificate{URIs: append(elsewhere, n.URL())})
		if err != nil || got != n {
			t.Errorf("%s is read as %v, %v", n, got, err)
		}
	}
	for _, text := range []string{
		"stamklant://c/s/till", "stamklant://c/s/till/", "stamklant://c//till/3", "stamklant:///s/till/3", "stamklant://c/s/boss/3",
		"stamklant://c/s/till/3?audience=staff", "stamklant://c/s/till/3?x=1", "stamklant://c/s/till/3/4", "stamklant://u@c/s/till/3", "https://c/s/till/3",
	} {
		if n, err := certificate.NameOf(&x509.Certificate{URIs: urls(t, text)}); !errors.Is(err, certificate.ErrNoName) {
			t.Errorf("%s is read as %v, %v", text, n, err)
		}
	}
	if _, err := certificate.NameOf(&x509.Certificate{URIs: urls(t, "stamklant://c/s/till/3", "stamklant://c/s/till/4")}); !errors.Is(err, certificate.ErrNoName) {
		t.Errorf("two names: %v", err)
	}
}

// TestFilesThatChange replaces files as people and programs do: whole, one after the other, by halves, by rubbish.
func TestFilesThatChange(t *testing.T) {
	c := newChain(t)
	now := day
	files := c.sign(c.store["s01"], named("s01", certificate.Till, "1"), time.Hour)
	next := c.sign(c.store["s01"], named("s01", certificate.Till, "2"), time.Hour)
	old := c.sign(c.store["s01"], named("s01", certificate.Till, "3"), -time.Minute)
	var said []string
	k := keeper(t, files, &now, func(err error) { said = append(said, err.Error()) })
	is := func(name, complaint string) {
		t.Helper()
		before := len(said)
		for range 3 { // it says so once
			if n, err := k.Name(); err != nil || n.Name != name {
				t.Errorf("till %s is shown, %v; want till %s", n.Name, err, name)
			}
		}
		got := strings.Join(said[before:], "\n")
		if complaint == "" && got != "" || !strings.Contains(got, complaint) || strings.Count(got, "\n") > 0 {
			t.Errorf("it says %q, want %q once", got, complaint)
		}
	}
	is("1", "")
	move(t, next.Certificate, files.Certificate)
	is("1", "do not belong together")
	move(t, next.Key, files.Key)
	is("2", "")
	whole, err := os.ReadFile(files.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	put(t, files.Certificate, whole[:len(whole)/2])
	is("2", "not whole")
	first, _ := pem.Decode(whole)
	put(t, files.Certificate, pem.EncodeToMemory(first))
	is("2", "does not lead to an authority")
	put(t, files.Certificate, whole)
	is("2", "")
	move(t, old.Certificate, files.Certificate)
	move(t, old.Key, files.Key)
	is("2", "expired")
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	is("2", "no such file")
	if _, err := certificate.Open(files, time.Now, nil); err == nil {
		t.Error("what would be passed over is no error at the start")
	}
}

func TestRevoked(t *testing.T) {
	c := newChain(t)
	now := day
	files := c.sign(c.store["s01"], named("s01", certificate.Server, "a"), time.Hour)
	server := keeper(t, files, &now, nil).Serve(func(tls.ConnectionState, certificate.Name) error { return nil })
	till := state(t, c.sign(c.store["s01"], named("s01", certificate.Till, "3"), time.Hour))
	if err := server.VerifyConnection(till); err != nil {
		t.Fatal(err)
	}
	serial := strings.ToUpper(till.PeerCertificates[0].SerialNumber.Text(16))
	put(t, files.Revoked, []byte("# lost on Monday\n00"+serial+" # till 3\n"))
	if err := server.VerifyConnection(till); !errors.Is(err, certificate.ErrRevoked) {
		t.Errorf("a revoked certificate: %v", err)
	}
	put(t, files.Revoked, []byte(certificate.Issuer(till)))
	if err := server.VerifyConnection(till); !errors.Is(err, certificate.ErrRevoked) {
		t.Errorf("a revoked authority's certificate: %v", err)
	}
}

func TestRenewal(t *testing.T) {
	c := newChain(t)
	own := []certificate.Own{{File: filepath.Join(c.dir, "server.pem"), Name: named("s01", certificate.Server, "a"), Hosts: []string{"10.0.0.1", "shop"}}}
	count := func(by *certificate.Signer, at time.Time) int {
		t.Helper()
		renewed, err := by.Renew(own, at)
		if err != nil {
			t.Fatal(err)
		}
		return len(renewed)
	}
	s01 := c.store["s01"]
	if count(s01, day) != 1 || count(s01, day) != 0 {
		t.Error("it is not signed once")
	}
	if count(s01, day.Add(certificate.OwnLife/2)) != 0 || count(s01, day.Add(certificate.OwnLife*3/4)) != 1 {
		t.Error("it is not renewed when a third is left")
	}
	own[0].Hosts = append(own[0].Hosts, "10.0.0.2")
	if at := day.Add(certificate.OwnLife * 3 / 4); count(s01, at) != 1 || count(s01, at) != 0 {
		t.Error("a new address is not named")
	}
	put(t, own[0].File, []byte("rubbish"))
	if count(s01, day) != 1 {
		t.Error("rubbish is kept")
	}
	pair, err := c.root.Store("s01", "s01-a", day)
	if err != nil {
		t.Fatal(err)
	}
	if count(open(t, pair), day) != 1 {
		t.Error("what another authority signed is kept")
	}
	if _, err := s01.Sign(named("s01", certificate.Till, "1"), nil, time.Hour, day.Add(certificate.StoreLife+time.Hour)); !errors.Is(err, certificate.ErrMayNotSign) {
		t.Errorf("an authority signs after its end: %v", err)
	}
	info, err := os.Stat(own[0].File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the key: %v, %v", info.Mode(), err)
	}
	if block, _ := pem.Decode(pair.Key); block == nil {
		t.Error("no key in PEM")
	}
}
