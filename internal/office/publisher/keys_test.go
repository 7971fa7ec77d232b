package publisher_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// TestChainFolder makes keys, each in a file that says what it is, secret where it must be, and reads them again.
func TestChainFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	keys, err := publisher.CreateChain(dir, day)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		mode os.FileMode
		says string
	}{
		"root.pem": {0o600, "# Signs the keyset"}, "signing.pem": {0o600, "# Signs the manifests"}, "recovery.pem": {0o600, "# Opens the data key"},
		"secrets.json": {0o600, `"comment": "Keys of this chain`}, "chain.json": {0o644, `"comment": "What this chain is`}, "keyset.skm": {0o644, "SKM1"},
	} {
		stat, err := os.Stat(filepath.Join(dir, name))
		if err != nil || stat.Mode().Perm() != want.mode {
			t.Errorf("%s: %v, %v", name, stat.Mode(), err)
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Contains(data, []byte(want.says)) {
			t.Errorf("%s does not say %q: %v", name, want.says, err)
		}
	}
	again, err := publisher.LoadKeys(dir)
	if err != nil || again.Chain() != keys.Chain() || !bytes.Equal(again.ContentKey(), keys.ContentKey()) || !bytes.Equal(again.TicketKey(), keys.TicketKey()) {
		t.Fatalf("%v", err)
	}
	if _, err := publisher.CreateChain(dir, day); !errors.Is(err, publisher.ErrChainExists) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := publisher.LoadKeys(t.TempDir()); !errors.Is(err, publisher.ErrNoChain) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestKeysElsewhere publishes without the keys that belong offline.
func TestKeysElsewhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "amsterdam-1")
	for _, name := range []string{"root.pem", "recovery.pem"} {
		if err := os.Remove(filepath.Join(o.dir, "keys", name)); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := publisher.LoadKeys(filepath.Join(o.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	o.to.Keys = keys
	o.publish()
	if err := keys.RenewKeyset(day); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("renewed without the root key: %v", err)
	}
	if _, err := keys.RecoverDataKey("amsterdam-1", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("recovered without the recovery key: %v", err)
	}
}

// TestUnusableKeys names the file.
func TestUnusableKeys(t *testing.T) {
	t.Parallel()
	foreign := newOffice(t, "amsterdam-1")
	for name, change := range map[string]func(path string) error{
		"signing.pem":              func(p string) error { return os.WriteFile(p, []byte("nothing"), 0o600) },
		"secrets.json":             func(p string) error { return os.WriteFile(p, []byte("{}"), 0o600) },
		"chain.json":               func(p string) error { return os.WriteFile(p, []byte("{}"), 0o600) },
		"servers/amsterdam-1.json": func(p string) error { return os.WriteFile(p, []byte(`{"server_id":"other"}`), 0o600) },
		"keyset.skm": func(p string) error { // that of another chain
			data, err := os.ReadFile(filepath.Join(foreign.dir, "keys", "keyset.skm"))
			return errors.Join(err, os.WriteFile(p, data, 0o600))
		},
	} {
		o := newOffice(t, "amsterdam-1")
		path := filepath.Join(o.dir, "keys", name)
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		if _, err := publisher.LoadKeys(filepath.Join(o.dir, "keys")); !errors.Is(err, publisher.ErrKeyFile) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another signing key than the keyset allows would be found out by the stores only.
	o := newOffice(t)
	data, err := os.ReadFile(filepath.Join(foreign.dir, "keys", "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "keys", "signing.pem"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := publisher.LoadKeys(filepath.Join(o.dir, "keys")); !errors.Is(err, publisher.ErrKeyFile) {
		t.Errorf("another signing key: %v", err)
	}
}

// TestEnrol hands out keys and a token once, and keeps only what head office needs.
func TestEnrol(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e, err := o.keys.Enrol(publisher.Enrolment{
		Server: "amsterdam-1", Store: "amsterdam", Standby: true, OfficeAddress: "office:8443", Bundles: "https://cdn.example",
	}, day)
	if err != nil {
		t.Fatal(err)
	}
	if e.GetOfficeAddress() != "office:8443" || e.GetBundles() != "https://cdn.example" || len(e.GetPrivateKey()) != 32 {
		t.Errorf("%v", e)
	}
	if _, err := bundle.AnchorOf(e); err != nil {
		t.Error(err)
	}
	path := filepath.Join(o.dir, "amsterdam-1.json")
	if err := publisher.WriteEnrolment(path, e); err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", stat.Mode(), err)
	}
	keys, err := publisher.LoadKeys(filepath.Join(o.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*publisher.Keys{o.keys, keys} {
		if !k.Authenticate("amsterdam-1", e.GetToken()) || k.Authenticate("amsterdam-1", "") || k.Authenticate("amsterdam-2", e.GetToken()) ||
			k.Authenticate("amsterdam-2", "") || k.Authenticate("amsterdam-1", e.GetToken()+" ") {
			t.Error("tokens are confused")
		}
		if s := k.Servers(); len(s) != 1 || s[0].ID != "amsterdam-1" || s[0].Store != "amsterdam" || !s[0].Standby {
			t.Errorf("%+v", s)
		}
	}
	kept, err := os.ReadFile(filepath.Join(o.dir, "keys", "servers", "amsterdam-1.json"))
	if err != nil || strings.Contains(string(kept), e.GetToken()) {
		t.Errorf("head office keeps the token: %v", err)
	}
	for _, tc := range []struct {
		name  string
		again publisher.Enrolment
		want  error
	}{
		{"again", publisher.Enrolment{Server: "amsterdam-1", Store: "amsterdam"}, publisher.ErrServerExists},
		{"upper case", publisher.Enrolment{Server: "Amsterdam", Store: "amsterdam"}, publisher.ErrServerName},
		{"out of the folder", publisher.Enrolment{Server: "../x", Store: "amsterdam"}, publisher.ErrServerName},
		{"no name", publisher.Enrolment{Store: "amsterdam"}, publisher.ErrServerName},
		{"no store", publisher.Enrolment{Server: "x"}, publisher.ErrServerName},
	} {
		if _, err := o.keys.Enrol(tc.again, day); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, err := o.keys.Enrol(publisher.Enrolment{Server: "amsterdam-1", Store: "amsterdam", Replace: true}, day); err != nil || o.keys.Authenticate("amsterdam-1", e.GetToken()) {
		t.Errorf("replaced: %v, and the old token still holds", err)
	}
}

// TestRenewKeyset signs the next version, which servers of the old one take.
func TestRenewKeyset(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e := o.enrol("amsterdam-1")
	anchor, err := bundle.AnchorOf(e)
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.NewTrust(anchor, 0, [32]byte{})
	for version := uint64(1); version <= 3; version++ {
		o.publish()
		file, err := os.ReadFile(filepath.Join(o.to.Bundles, bundle.KeysetPath))
		if err != nil {
			t.Fatal(err)
		}
		keyset, err := trust.Keyset(file)
		if err != nil || keyset.GetVersion() != version || len(keyset.GetKeys()) != 2 || len(keyset.GetKeys()[0].GetPublicKey()) != ed25519.PublicKeySize {
			t.Fatalf("version %d: %v, %v", version, keyset, err)
		}
		if err := o.keys.RenewKeyset(day.AddDate(int(version), 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecover opens at head office what a server sealed to the recovery key.
func TestRecover(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e := o.enrol("amsterdam-1")
	o.publish()
	anchor, err := bundle.AnchorOf(e)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(o.to.Bundles, bundle.KeysetPath))
	if err != nil {
		t.Fatal(err)
	}
	keyset, err := bundle.NewTrust(anchor, 0, [32]byte{}).Keyset(file)
	if err != nil {
		t.Fatal(err)
	}
	want := bundle.Key{1, 2, 3}
	sealed, err := bundle.SealKey(keyset.GetRecoveryPublicKey(), bundle.ForRecovery(anchor.Chain, "amsterdam-1"), want)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := o.keys.RecoverDataKey("amsterdam-1", sealed); err != nil || key != want {
		t.Errorf("%v", err)
	}
	if _, err := o.keys.RecoverDataKey("amsterdam-2", sealed); !errors.Is(err, bundle.ErrWrongKey) {
		t.Errorf("for another server: %v", err)
	}
}
