package main_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// copyOf is a copy of a server's whole folder, as of a disk's image.
func copyOf(t *testing.T, data string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	return to
}

// sells records receipts of one point each, and answers how many points that makes.
func sells(t *testing.T, c *till, name string, receipts int) int64 {
	t.Helper()
	for i := range receipts {
		if answer := c.record(c.sale("2900123456785", name+strconv.Itoa(i), 100, "EUR")); answer.GetPoints() != 1 {
			t.Errorf("receipt %s%d: %v", name, i, answer)
		}
	}
	return int64(receipts)
}

func delivered(t *testing.T, c *till) {
	t.Helper()
	eventually(t, "everything is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
}

// TestCloneRunsTwice: the image of a server's disk is started a second time, and both deliver. Head office says to the second that the journal has
// forked; it begins a life of its own. Nothing is lost, and nothing counts twice.
func TestCloneRunsTwice(t *testing.T) {
	t.Parallel()
	home, enrolment, _ := delivering(t)
	data := t.TempDir()
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	want := int64(1245) + sells(t, c, "before-", 3)
	delivered(t, c)
	store.stop()
	clone := copyOf(t, data)
	first, a := serveWith(t, enrolment, data)
	second, b := serveWith(t, enrolment, clone)
	for round := range 3 { // turn by turn: each is ahead of the other again and again
		want += sells(t, a, "a"+strconv.Itoa(round)+"-", 4)
		want += sells(t, b, "b"+strconv.Itoa(round)+"-", 5)
		delivered(t, a)
		delivered(t, b)
	}
	if said := first.text() + second.text(); !strings.Contains(said, "forked") {
		t.Errorf("nobody says that the journal has forked:\n%s", said)
	}
	office(t, home, 0, "publish")
	for name, c := range map[string]*till{"the server": a, "its clone": b} {
		released(t, c, 2)
		if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
			t.Errorf("%s: %d points, want %d", name, got, want)
		}
	}
	out := office(t, home, 0, "inspect")
	if !strings.Contains(out, "every chain is sound") || strings.Count(out, "k1-b ") < 2 || !strings.Contains(out, "30  receipts") {
		t.Errorf("head office holds:\n%s", out)
	}
}

// TestLastWeeksDisk: the disk of last week is put back, and with it a journal that knows neither what head office took since nor the release it had
// come to trust. Tills send again what they still hold. Everything counts once.
func TestLastWeeksDisk(t *testing.T) {
	t.Parallel()
	home, enrolment, _ := delivering(t)
	data := t.TempDir()
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	want := int64(1245) + sells(t, c, "before-", 3)
	delivered(t, c)
	store.stop()
	lastWeek := copyOf(t, data)
	store, c = serveWith(t, enrolment, data)
	want += sells(t, c, "since-", 6)
	delivered(t, c)
	office(t, home, 0, "publish")
	released(t, c, 2)
	store.kill()

	store, c = serveWith(t, enrolment, lastWeek)
	released(t, c, 2)
	sells(t, c, "since-", 2) // from a till's own outbox: this journal does not know them
	want += sells(t, c, "after-", 2)
	delivered(t, c)
	office(t, home, 0, "publish")
	released(t, c, 3)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
		t.Errorf("%d points, want %d", got, want)
	}
	if !strings.Contains(store.text(), "forked") {
		t.Errorf("nobody says that the journal has forked:\n%s", store.text())
	}
	if out := office(t, home, 0, "inspect"); !strings.Contains(out, "11  receipts") || !strings.Contains(out, "every chain is sound") {
		t.Errorf("head office holds:\n%s", out)
	}
}

// TestScenario21NewerFormat: a release made by a newer version comes before the server was updated. It is refused by name, and the old one serves.
func TestScenario21NewerFormat(t *testing.T) {
	t.Parallel()
	home, enrolment := shop(t)
	importOwn(t, home)
	office(t, home, 0, "publish")
	data := t.TempDir()
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	current := filepath.Join(home, "bundles", "servers", "k1-a", "current.skm")
	good := read(t, current)
	manifest := new(bundlev1.Manifest)
	if err := proto.Unmarshal(good[16:len(good)-ed25519.SignatureSize], manifest); err != nil {
		t.Fatal(err)
	}
	manifest.Version, manifest.Format = manifest.GetVersion()+1, bundle.Format+1
	payload, err := proto.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, bundle.ChainID(manifest.GetChainId()), signingKey(t, home, "signing.pem"), payload)
	if err != nil {
		t.Fatal(err)
	}
	write(t, current, string(newer))
	eventually(t, "the log says what to do", func() bool {
		return strings.Contains(store.text(), "made for a newer version of Stamklant: update this server")
	})
	answer := c.card("2900123456785")
	if answer.GetMeta().GetRelease() != 1 || answer.GetLoyalty().GetPointsAvailable() != 1245 {
		t.Errorf("the old release no longer serves: %v", answer)
	}
	if got := c.status().GetMeta().GetRelease(); got != 1 || bytes.Equal(newer, good) {
		t.Errorf("release %d serves", got)
	}
}

// signingKey reads a private key of head office's.
func signingKey(t *testing.T, home, name string) ed25519.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(read(t, filepath.Join(home, "keys", name)))
	if block == nil {
		t.Fatalf("%s holds no key", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		t.Fatalf("%s: %v", name, err)
	}
	return private
}
