package generation_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// TestFolder keeps, names, loads and removes releases.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, unclean, err := generation.OpenFolder(dir)
	if err != nil || unclean {
		t.Fatalf("new folder: unclean %v, %v", unclean, err)
	}
	if _, err := f.Current(); !errors.Is(err, generation.ErrNoRelease) {
		t.Fatalf("empty folder: %v", err)
	}
	one, two := [32]byte{1}, [32]byte{2}
	info := build(t, f.Files(), nil)
	kept := generation.Kept{
		Manifest: []byte("manifest"), Keyset: []byte("keyset"), Pieces: map[[32]byte][]byte{{7}: []byte("seven"), {8}: []byte("eight")}, File: info,
	}
	for _, digest := range [][32]byte{one, two, two} { // the second time in place of the first
		if err := f.Keep(digest, kept); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCurrent(two); err != nil {
		t.Fatal(err)
	}
	if current, err := f.Current(); err != nil || current != two {
		t.Fatalf("%x, %v", current, err)
	}
	got, err := f.Load(two)
	if err != nil || string(got.Manifest) != "manifest" || string(got.Keyset) != "keyset" || got.File != info ||
		!maps.EqualFunc(got.Pieces, kept.Pieces, bytes.Equal) {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := f.Remove(func(digest [32]byte) bool { return digest == two }); err != nil {
		t.Fatal(err)
	}
	if all, err := f.Releases(); err != nil || !slices.Equal(all, [][32]byte{two}) {
		t.Fatalf("%x, %v", all, err)
	}
	if err := f.RemoveFiles(func(string) bool { return false }); err != nil || len(files(t, f.Files())) != 0 {
		t.Fatalf("%v, %v", files(t, f.Files()), err)
	}
}

// TestUncleanStop is told by the next start, and what was not finished is gone.
func TestUncleanStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, _, err := generation.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"generations/building-gen-1.db", "releases/new-11/manifest.skm"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, left)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, unclean, err := generation.OpenFolder(dir)
	if err != nil || !unclean {
		t.Fatalf("unclean %v, %v", unclean, err)
	}
	if a, b := files(t, f.Files()), files(t, filepath.Join(dir, "releases")); len(a)+len(b) > 0 {
		t.Fatalf("left: %v %v", a, b)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, unclean, err = generation.OpenFolder(dir); err != nil || unclean {
		t.Fatalf("after a clean stop: unclean %v, %v", unclean, err)
	}
}

// TestEveryBitOfCurrent flips every bit of CURRENT and of a file's description: neither is ever read as something else.
func TestEveryBitOfCurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, _, err := generation.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	digest := [32]byte{1, 2, 3}
	if err := errors.Join(f.Keep(digest, generation.Kept{File: build(t, f.Files(), nil)}), f.SetCurrent(digest)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path string
		read func() error
	}{
		{filepath.Join(dir, "CURRENT"), func() error { _, err := f.Current(); return err }},
		{filepath.Join(dir, "releases", bundle.Name(digest), "generation"), func() error { _, err := f.Load(digest); return err }},
	} {
		data, err := os.ReadFile(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(data) {
			changed := bytes.Clone(data)
			changed[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(tc.path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tc.read(); !errors.Is(err, generation.ErrDamaged) {
				t.Fatalf("%s, bit %d: %v", filepath.Base(tc.path), bit, err)
			}
		}
		if err := os.WriteFile(tc.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDataKey seals the key to the machine and to head office.
func TestDataKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "data.key")
	device := generation.Device{File: filepath.Join(dir, "device.key")}
	k, err := generation.OpenDataKey(ctx, path, device)
	if err != nil {
		t.Fatal(err)
	}
	again, err := generation.OpenDataKey(ctx, path, device)
	if err != nil || again.Key() != k.Key() || k.Key() == (bundle.Key{}) {
		t.Fatalf("second start: %v", err)
	}
	shown := generation.Device{Command: []string{"cat", device.File}}
	if again, err = generation.OpenDataKey(ctx, path, shown); err != nil || again.Key() != k.Key() {
		t.Fatalf("by command: %v", err)
	}
	for name, wrong := range map[string]generation.Device{
		"another device":        {File: filepath.Join(dir, "other.key")},
		"nothing":               {},
		"a command that fails":  {Command: []string{"false"}},
		"a command of nonsense": {Command: []string{"echo", "nonsense"}},
	} {
		if _, err := generation.OpenDataKey(ctx, path, wrong); !errors.Is(err, generation.ErrDeviceKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "other.key"), bytes.Repeat([]byte("00"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	other := generation.Device{File: filepath.Join(dir, "other.key")}
	if _, err := generation.OpenDataKey(ctx, path, other); !errors.Is(err, generation.ErrDeviceKey) {
		t.Errorf("another device's key: %v", err)
	}
	if restored, err := generation.RestoreDataKey(ctx, path, other, k.Key()); err != nil || restored.Key() != k.Key() {
		t.Fatal(err)
	}
	if again, err = generation.OpenDataKey(ctx, path, other); err != nil || again.Key() != k.Key() {
		t.Fatalf("restored: %v", err)
	}
	for _, secret := range []string{path, device.File} {
		stat, err := os.Stat(secret)
		if err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", secret, stat.Mode(), err)
		}
	}
}
