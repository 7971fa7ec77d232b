package generation

import (
	"bytes"
	"errors"
	"testing"
)

// These tests stand inside the package, to try the decoders of what lies in a folder without a folder.

// FuzzCurrent reads anything as CURRENT; what is accepted is written the same way again.
func FuzzCurrent(f *testing.F) {
	f.Add(encodeCurrent([32]byte{1, 2, 3}))
	f.Add([]byte("stamklant current 1\nmanifest \ncheck 0000000000000000\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		digest, err := decodeCurrent(data)
		if err != nil && !errors.Is(err, ErrDamaged) || err == nil && !bytes.Equal(encodeCurrent(digest), data) {
			t.Fatalf("%x, %v", digest, err)
		}
	})
}

// FuzzDescription reads anything as a file's description; what is accepted names a file in the folder, and is written the same way again.
func FuzzDescription(f *testing.F) {
	f.Add(encodeFileInfo(FileInfo{Name: "gen-0011-22.db", Length: 5}))
	f.Add(encodeFileInfo(FileInfo{Name: "../CURRENT", Length: -5}))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := decodeFileInfo(data)
		if err != nil && !errors.Is(err, ErrDamaged) || err == nil && (!bytes.Equal(encodeFileInfo(info), data) || !fileName(info.Name)) {
			t.Fatalf("%+v, %v", info, err)
		}
	})
}

// FuzzSealed opens anything as a sealed value: without the key nothing opens.
func FuzzSealed(f *testing.F) {
	s, err := newSealer([32]byte{1}, [saltSize]byte{2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.seal(nil, new(scratch), 5, 1, []byte("other key"), []byte("next"), []byte("value")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stored []byte) {
		if _, _, err := s.open(new(scratch), 1, []byte("key"), stored); !errors.Is(err, ErrDamaged) {
			t.Fatal("opened")
		}
		if _, err := decodeSummary(stored); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}
