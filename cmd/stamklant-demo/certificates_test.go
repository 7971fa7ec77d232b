package main_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/certificate"
)

// credentialsOf are the three files a till shows.
type credentialsOf struct{ cert, key, ca string }

func filesOf(dir, name string) credentialsOf {
	return credentialsOf{filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), filepath.Join(dir, "ca.pem")}
}

// dialWith calls a store with a certificate.
func dialWith(t *testing.T, addr string, c credentialsOf, store, code string) *till {
	t.Helper()
	secure, err := tillclient.TLS(c.cert, c.key, c.ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dialTLS(t, addr, secure, store, code)
}

func dialTLS(t *testing.T, addr string, secure *tls.Config, store, code string) *till {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(credentials.NewTLS(secure)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &till{CheckoutServiceClient: tillv1.NewCheckoutServiceClient(conn), t: t, store: store, code: code}
}

// signed writes a certificate that a store's authority signs, of a day and for a life of the test's choosing.
func signed(t *testing.T, data, dir, role, name string, life time.Duration, day time.Time) credentialsOf {
	t.Helper()
	return signedBy(t, filepath.Join(data, "tls", "authority.pem"), data, dir, role, name, life, day)
}

// signedBy has any authority sign; that of a chain signs for a store k2.
func signedBy(t *testing.T, authority, data, dir, role, name string, life time.Duration, day time.Time) credentialsOf {
	t.Helper()
	pair, err := certificate.ReadOne(authority)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := certificate.OpenSigner(pair)
	if err != nil {
		t.Fatal(err)
	}
	own := signer.Name()
	own.Role, own.Name = role, name
	if own.Store == certificate.HeadOffice {
		own.Store = "k2"
	}
	if pair, err = signer.Sign(own, nil, life, day); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(data, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.WriteTo(dir, name, ca); err != nil {
		t.Fatal(err)
	}
	return filesOf(dir, name)
}

// Head office, a store and a till know each other by certificates alone, each made by one command; what is not right is refused, and the log says
// why. Releases come and outcomes go the same way.
func TestCertificatesFromEnrolmentToTill(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "tls://127.0.0.1:0")
	dir := t.TempDir()
	enrol := func(server string) string {
		file := filepath.Join(dir, server+".json")
		office(t, home, 0, "keys", "server", server, "--store", "k1", "--office", "tls://"+head.addr, "--out", file)
		return file
	}
	first := enrol("k1-s")
	office(t, home, 0, "publish")
	data := filepath.Join(dir, "data")
	store := start(t, "stamklant-store", "serve", "--enrol", first, "--data", data, "--listen", "tls://127.0.0.1:0", "--poll", "1s")
	if out, code := try(t, "stamklant-store", "enrol", "till", "3", "--data", data, "--out", filepath.Join(dir, "till-3")); code != 0 {
		t.Fatalf("enrolling a till: %s", out)
	}
	shown := filesOf(filepath.Join(dir, "till-3"), "till-3")
	c := dialWith(t, store.addr, shown, "k1", "3")
	eventually(t, "the release comes over a line with certificates", func() bool {
		_, err := c.Lookup(t.Context(), c.lookup("2900123456785"))
		return err == nil
	})
	out, code := try(t, "stamklant-till", "--address", store.addr, "--cert", shown.cert, "--key", shown.key, "--ca", shown.ca, "--till", "3", "--timeout", "2s", "lookup", "2900123456785")
	if code != 0 || !strings.Contains(out, "1,245 points") {
		t.Errorf("stamklant-till with a certificate, exit code %d:\n%s", code, out)
	}
	c.record(c.sale("2900123456785", "1", 4700, "EUR"))
	eventually(t, "the receipt goes up", func() bool { return c.status().GetOutboxWaiting() == 0 })
	if out, code := try(t, "stamklant-store", "inspect", "--data", data); code != 0 || !strings.Contains(out, "Server k1-s") {
		t.Errorf("inspect beside the server, exit code %d:\n%s", code, out)
	}
	office(t, home, 0, "push", "k1-s=tls://"+store.addr)
	refusals(t, home, store, data, c)

	// Enrolled again, the machine that was stolen is refused.
	enrol2 := filepath.Join(dir, "again.json")
	office(t, home, 0, "keys", "server", "k1-s", "--store", "k1", "--office", "tls://"+head.addr, "--replace", "--out", enrol2)
	store.stop()
	stolen := start(t, "stamklant-store", "serve", "--data", data, "--listen", "tls://127.0.0.1:0", "--poll", "1s")
	eventually(t, "head office says whom it refuses", func() bool { return strings.Contains(head.text(), "this server is not enrolled") })
	stolen.stop()
	head.stop()
}

// refusals shows the store what it must not take, and files it must not use.
func refusals(t *testing.T, home string, store *process, data string, good *till) {
	t.Helper()
	own := t.TempDir()
	otherHome, _ := shop(t)
	otherFile := filepath.Join(own, "other.json")
	office(t, otherHome, 0, "keys", "server", "k1-s", "--store", "k1", "--bundles", own, "--out", otherFile)
	otherData := filepath.Join(own, "other")
	if out, code := try(t, "stamklant-store", "enrol", "till", "3", "--data", otherData, "--out", own); code == 0 {
		t.Errorf("a till is enrolled where no server is:\n%s", out)
	}
	other := start(t, "stamklant-store", "serve", "--enrol", otherFile, "--data", otherData, "--listen", "127.0.0.1:0")
	ca := filepath.Join(data, "tls", "ca.pem")
	for _, tc := range []struct {
		name, log string
		shown     credentialsOf
	}{
		{"expired", "the certificate has expired", signed(t, data, own, "till", "old", time.Hour, time.Now().AddDate(0, 0, -3))},
		{"another chain", "an authority that is not trusted here", signed(t, otherData, own, "till", "foreign", time.Hour, time.Now())},
		{"another store", "is of another store", signedBy(t, filepath.Join(home, "keys", "authority.pem"), data, own, "till", "of-k2", time.Hour, time.Now())},
		{"a server's", "for something else", signed(t, data, own, "server", "server", time.Hour, time.Now())},
	} {
		tc.shown.ca = ca // it trusts this store, so that the store gets to see it
		conn := dialTLS(t, store.addr, unchecked(t, tc.shown), "k1", "3")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := conn.Lookup(ctx, conn.lookup("2900123456785")); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: answered %v", tc.name, err)
		}
		cancel()
		eventually(t, tc.name+" is in the log", func() bool { return strings.Contains(store.text(), tc.log) })
	}
	if _, err := good.Lookup(t.Context(), &tillv1.LookupRequest{Caller: &tillv1.Caller{Till: "4", Store: "k1"}, Customer: good.lookup("2900123456785").Customer}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("till 3 speaks for till 4: %v", err)
	}
	file := filepath.Join(data, "tls", "server.pem")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(whole[:len(whole)/2]))
	again := dialTLS(t, store.addr, unchecked(t, signed(t, data, own, "till", "5", time.Hour, time.Now())), "k1", "5")
	again.card("2900123456785") // a new connection, by what was there before
	eventually(t, "half a file is in the log", func() bool { return strings.Contains(store.text(), "changed certificate files are not used") })
	write(t, file, string(whole))
	other.stop()
}

// unchecked shows a certificate whatever it is worth.
func unchecked(t *testing.T, c credentialsOf) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}
