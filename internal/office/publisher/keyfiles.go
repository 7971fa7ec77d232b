package publisher

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"google.golang.org/protobuf/encoding/protojson"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// WriteEnrolment writes what a new server needs into one file, readable by the owner only. It holds secrets, and is the only copy.
func WriteEnrolment(path string, e *bundlev1.Enrolment) error {
	data, err := protojson.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(e)
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'), 0o600)
}

// writePEM writes a private key with a comment above it.
func writePEM(path, comment string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := append([]byte("# "+comment+"\n"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	return writeFile(path, text, 0o600)
}

func readPEM(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: no private key in it: %w", path, ErrKeyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrKeyFile, err)
	}
	return key, nil
}

func readSigningKey(path string) (ed25519.PrivateKey, error) {
	key, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an Ed25519 key: %w", path, ErrKeyFile)
	}
	return private, nil
}

func readRecoveryKey(path string) (*ecdh.PrivateKey, error) {
	key, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdh.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an X25519 key: %w", path, ErrKeyFile)
	}
	return private, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrKeyFile, err)
	}
	return nil
}

func writeJSON(path string, from any, mode os.FileMode) error {
	data, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'), mode)
}

// writeFile replaces a file in one step: after a power cut it is the old one or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in a folder survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be flushed there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
