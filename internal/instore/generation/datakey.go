package generation

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/stamklant/stamklant/internal/bundle"
)

// Device says where this machine's own key comes from. A disk without it is noise. The zero value is refused.
type Device struct {
	// A file that holds the key, 64 hexadecimal digits. Made when there is none and nothing was sealed under one yet. Best kept on another
	// medium than the data.
	File string
	// A command that prints the key instead, 64 hexadecimal digits: for a TPM, systemd-creds or the like.
	Command []string
}

// DataKey is the random key all of a server's files are sealed under. It lies on the disk twice, sealed: under the device key, and to head office's
// recovery key, so that a dead machine loses nothing head office cannot open.
type DataKey struct {
	path string
	key  bundle.Key
	file dataKeyFile
}

// dataKeyFile is the file, as JSON.
type dataKeyFile struct {
	Comment  string `json:"comment"`
	Device   []byte `json:"sealed_under_device_key"`
	To       string `json:"recovery_key_id,omitempty"`
	Recovery []byte `json:"sealed_to_recovery_key,omitempty"`
}

const dataKeyComment = "The key of this server's files, sealed under the machine's device key and to head office's recovery key. " +
	"Without one of the two the files cannot be read."

// OpenDataKey opens the data key in a file, or makes one where there is none. It answers [ErrDeviceKey] when the device key is missing or another.
func OpenDataKey(ctx context.Context, path string, device Device) (*DataKey, error) {
	k := &DataKey{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, k.create(ctx, device)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &k.file); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	aead, err := device.open(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w; head office can recover the key", path, ErrDeviceKey, err)
	}
	plain, err := aead.Open(nil, nil, k.file.Device, deviceData)
	if err != nil || len(plain) != len(k.key) {
		return nil, fmt.Errorf("%s: %w; head office can recover the key", path, ErrDeviceKey)
	}
	k.key = bundle.Key(plain)
	return k, nil
}

// RestoreDataKey seals a data key that head office recovered under a new device key.
func RestoreDataKey(ctx context.Context, path string, device Device, key bundle.Key) (*DataKey, error) {
	k := &DataKey{path: path, key: key}
	return k, k.seal(ctx, device)
}

// Key is the key itself.
func (k *DataKey) Key() bundle.Key { return k.key }

// SealForRecovery seals the key to head office's recovery key as well, once per recovery key.
func (k *DataKey) SealForRecovery(chain bundle.ChainID, server string, recovery []byte) error {
	sum := sha256.Sum256(recovery)
	id := hex.EncodeToString(sum[:8])
	if k.file.To == id {
		return nil
	}
	sealed, err := bundle.SealKey(recovery, bundle.ForRecovery(chain, server), k.key)
	if err != nil {
		return err
	}
	next := k.file
	next.To, next.Recovery = id, sealed
	if err := writeDataKey(k.path, next); err != nil {
		return err
	}
	k.file = next
	return nil
}

func (k *DataKey) create(ctx context.Context, device Device) error {
	rand.Read(k.key[:])
	return k.seal(ctx, device)
}

func (k *DataKey) seal(ctx context.Context, device Device) error {
	aead, err := device.open(ctx, true)
	if err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	k.file = dataKeyFile{Comment: dataKeyComment, Device: aead.Seal(nil, nil, k.key[:], deviceData)}
	return writeDataKey(k.path, k.file)
}

func writeDataKey(path string, file dataKeyFile) error {
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

// deviceData separates what is sealed under a device key from all else.
var deviceData = []byte("stamklant/device/v1")

// open is the device key as a cipher; create makes the key file where there is none.
func (d Device) open(ctx context.Context, create bool) (cipher.AEAD, error) {
	text, err := d.read(ctx, create)
	if err != nil {
		return nil, err
	}
	key, ok := decodeDigest(strings.TrimSpace(string(text)))
	if !ok {
		return nil, errors.New("device key: want 64 hexadecimal digits")
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (d Device) read(ctx context.Context, create bool) ([]byte, error) {
	if len(d.Command) > 0 {
		var stderr bytes.Buffer
		command := exec.CommandContext(ctx, d.Command[0], d.Command[1:]...) //nolint:gosec // the operator's own setting
		command.Stderr = &stderr
		text, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("device key command %s: %w: %s", d.Command[0], err, strings.TrimSpace(stderr.String()))
		}
		return text, nil
	}
	if d.File == "" {
		return nil, errors.New("device key: neither a file nor a command was given")
	}
	text, err := os.ReadFile(d.File)
	if !create || !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	text = []byte(hex.EncodeToString(key) + "\n")
	return text, writeFile(d.File, text)
}
