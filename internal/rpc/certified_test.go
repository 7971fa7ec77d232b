package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/rpc"
)

// authority is a chain with one store, s01, and its files.
type authority struct {
	t     *testing.T
	dir   string
	chain *certificate.Signer
	store *certificate.Signer
	ca    []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	pair, err := certificate.NewChain("00ff", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	chain, err := certificate.OpenSigner(pair)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, dir: t.TempDir(), chain: chain, ca: pair.Certificate}
	own, err := chain.Store("s01", "s01-a", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if a.store, err = certificate.OpenSigner(own); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", a.ca)
	return a
}

func (a *authority) write(name string, text []byte) {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		a.t.Fatal(err)
	}
}

// sign puts a certificate and its key in place, one after the other.
func (a *authority) sign(file string, name certificate.Name, life time.Duration) {
	a.t.Helper()
	name.Chain = "00ff"
	by := a.store
	if name.Store == "" {
		name.Store = "s01"
	} else if name.Store != "s01" {
		by = a.chain
	}
	pair, err := by.Sign(name, nil, life, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(file+".pem", pair.Certificate)
	a.write(file+".key", pair.Key)
}

func (a *authority) keeper(file string, failed func(error)) *certificate.Keeper {
	a.t.Helper()
	if failed == nil {
		failed = func(error) {}
	}
	k, err := certificate.Open(certificate.Files{
		Certificate: filepath.Join(a.dir, file+".pem"), Key: filepath.Join(a.dir, file+".key"), Authorities: filepath.Join(a.dir, "ca.pem"),
	}, time.Now, failed)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

// serves has a server answer by certificate, for callers of s01.
func (a *authority) serves(more func(*rpc.Config)) func(*rpc.Config) {
	a.t.Helper()
	a.sign("server", certificate.Name{Role: certificate.Server, Name: "s01-a"}, time.Hour)
	own := a.keeper("server", nil)
	return func(c *rpc.Config) {
		c.Certified, c.TLS = true, own.Serve(func(_ tls.ConnectionState, name certificate.Name) error {
			if name.Store != "s01" && name.Store != certificate.HeadOffice {
				return fmt.Errorf("%s: %w", name, certificate.ErrOtherStore)
			}
			return nil
		})
		if more != nil {
			more(c)
		}
	}
}

// calls signs a certificate and returns a client that shows it.
func (a *authority) calls(server *running, name certificate.Name) tillv1.CheckoutServiceClient {
	a.t.Helper()
	file := name.Role + name.Name + name.Store
	a.sign(file, name, time.Hour)
	conn, err := rpc.Dial(server.Addr(), rpc.DialConfig{TLS: a.keeper(file, nil).Dial("s01"), Token: adminToken})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { conn.Close() })
	return tillv1.NewCheckoutServiceClient(conn)
}

func TestTheCertificateSaysWhoCalls(t *testing.T) {
	a := newAuthority(t)
	var got rpc.Principal
	server := start(t, &checkout{lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		p, _ := rpc.PrincipalOf(ctx)
		got = *p
		return &tillv1.LookupResponse{}, nil
	}}, nil, a.serves(nil))
	till := a.calls(server, certificate.Name{Role: certificate.Till, Name: "3", Audience: certificate.Customer})
	if _, err := till.Lookup(within(t, patience), lookup("3")); err != nil {
		t.Fatal(err)
	}
	if want := (rpc.Principal{Role: rpc.RoleTill, ID: "till-3", Till: "3", Audience: rpc.AudienceCustomer}); got != want || got.ForStaff() {
		t.Errorf("a till is taken for %+v, want %+v", got, want)
	}
	_, err := till.Lookup(within(t, patience), lookup("4"))
	refused(t, err, codes.PermissionDenied, rpc.ReasonOtherTill)
	_, err = a.calls(server, certificate.Name{Role: certificate.Sync, Name: "office", Store: certificate.HeadOffice}).Lookup(within(t, patience), lookup("3"))
	refused(t, err, codes.PermissionDenied, rpc.ReasonRole) // although it shows the admin's token too
}

// TestAScannerIsTiedToItsTillByCertificate: it presents cards at the till its certificate names, and does nothing else.
func TestAScannerIsTiedToItsTillByCertificate(t *testing.T) {
	a := newAuthority(t)
	server := start(t, &checkout{}, nil, func(c *rpc.Config) {
		a.serves(nil)(c)
		c.Access = roles()
		for _, method := range []string{tillv1.CheckoutService_PresentCard_FullMethodName, tillv1.CheckoutService_Lookup_FullMethodName} {
			c.Access[method] = rpc.Matrix()[method]
		}
	})
	scanner := a.calls(server, certificate.Name{Role: certificate.Scanner, Name: "3"})
	present := func(till string) error {
		_, err := scanner.PresentCard(within(t, patience), &tillv1.PresentCardRequest{
			Caller: &tillv1.Caller{Till: till}, Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: "2900123456785"}},
		})
		return err
	}
	if err := present("3"); status.Code(err) != codes.Unimplemented { // the service of the test; it was asked
		t.Errorf("at its own till: %v", err)
	}
	refused(t, present("4"), codes.PermissionDenied, rpc.ReasonOtherTill)
	_, err := scanner.Lookup(within(t, patience), lookup("3"))
	refused(t, err, codes.PermissionDenied, rpc.ReasonRole)
}

func TestWhoShowsNoGoodCertificateIsRefusedAndTheLogSaysWhy(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	server := start(t, &checkout{}, nil, a.serves(nil))
	own := func(by *authority, name certificate.Name) []tls.Certificate {
		file := name.Role + name.Name + name.Store
		by.sign(file, name, time.Hour)
		pair, err := tls.LoadX509KeyPair(filepath.Join(by.dir, file+".pem"), filepath.Join(by.dir, file+".key"))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{pair}
	}
	till := certificate.Name{Role: certificate.Till, Name: "3"}
	for _, tc := range []struct {
		name, log string
		config    *tls.Config
	}{
		{"no certificate", "didn't provide a certificate", &tls.Config{}},
		{"another chain's", "not trusted here", &tls.Config{Certificates: own(other, till)}},
		{"another store's", "of another store", &tls.Config{Certificates: own(a, certificate.Name{Role: certificate.Till, Name: "3", Store: "s02"})}},
		{"a server's", "something else", &tls.Config{Certificates: own(a, certificate.Name{Role: certificate.Server, Name: "x"})}},
		{"TLS 1.1", "unsupported versions", &tls.Config{Certificates: own(a, till), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
		{"no forward secrecy", "no cipher suite supported", &tls.Config{Certificates: own(a, till), MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}},
		{"no AEAD", "no cipher suite supported", &tls.Config{Certificates: own(a, till), MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}},
		{"plain text", "does not look like a TLS handshake", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.config != nil {
				tc.config.InsecureSkipVerify = true
			}
			conn, err := rpc.Dial(server.Addr(), rpc.DialConfig{TLS: tc.config, Token: adminToken})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := tillv1.NewCheckoutServiceClient(conn).Lookup(within(t, patience), lookup("3")); status.Code(err) != codes.Unavailable {
				t.Errorf("answered with %v", err)
			}
			server.says(t, tc.log)
		})
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{Certificates: own(a, till), InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"}})
		if err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
			continue
		}
		conn.Close()
	}
}

// says waits until the log holds some words.
func (r *running) says(t *testing.T, words string) {
	t.Helper()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for limit := time.After(patience); !strings.Contains(r.log.String(), words); {
		select {
		case <-every.C:
		case <-limit:
			t.Fatalf("the log does not say %q:\n%s", words, r.log)
		}
	}
}

// TestRotationsUnderLoad replaces the server's certificate, those of its tills and the trusted authorities a hundred times while tills call over
// connections that are made anew all the time. No call may fail.
func TestRotationsUnderLoad(t *testing.T) {
	const rotations, tills = 100, 4
	a := newAuthority(t)
	server := start(t, &checkout{}, nil, a.serves(limited(func(l *rpc.Limits) {
		l.ConnectionAge, l.Methods = 30*time.Millisecond, nil
	})))
	names := make([]certificate.Name, tills)
	var calls, connections atomic.Int64
	var wrong sync.Map
	ctx, stop := context.WithCancel(within(t, 2*time.Minute))
	var load sync.WaitGroup
	for i := range tills {
		names[i] = certificate.Name{Role: certificate.Till, Name: fmt.Sprint(i + 1)}
		client := a.calls(server, names[i])
		load.Go(func() {
			for ctx.Err() == nil {
				_, err := client.Lookup(context.WithoutCancel(ctx), lookup(names[i].Name))
				calls.Add(1)
				if err != nil {
					wrong.Store(err.Error(), i)
				}
			}
		})
	}
	for n := range rotations {
		a.sign("server", certificate.Name{Role: certificate.Server, Name: "s01-a"}, time.Hour)
		who := names[n%tills]
		a.sign(who.Role+who.Name, who, time.Hour)
		if n%10 == 0 {
			another, err := certificate.NewChain("00ff", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			a.write("ca.pem", slices.Concat(another.Certificate, a.ca))
		}
		waitForNew(t, a, server, &connections)
	}
	stop()
	load.Wait()
	wrong.Range(func(err, till any) bool {
		t.Errorf("till %v: %v", till, err)
		return true
	})
	t.Logf("%d rotations, %d calls, %d connections that looked: no call failed", rotations, calls.Load(), connections.Load())
	if calls.Load() < rotations {
		t.Errorf("%d calls are no load", calls.Load())
	}
}

// waitForNew returns once a new connection is answered with the certificate that lies on disk.
func waitForNew(t *testing.T, a *authority, server *running, connections *atomic.Int64) {
	t.Helper()
	want, err := tls.LoadX509KeyPair(filepath.Join(a.dir, "server.pem"), filepath.Join(a.dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(a.dir, "till1.pem"), filepath.Join(a.dir, "till1.key"))
	if err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(patience); ; {
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		connections.Add(1)
		got := conn.ConnectionState().PeerCertificates[0].Raw
		conn.Close()
		if slices.Equal(got, want.Certificate[0]) {
			return
		}
		if time.Now().After(limit) {
			t.Fatal(errors.New("the new certificate is never shown"))
		}
	}
}
