package generation

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The names in a folder of releases.
const (
	currentFile    = "CURRENT"
	runningFile    = "running"
	filesFolder    = "generations"
	releasesFolder = "releases"
	piecesFolder   = "pieces"
	manifestFile   = "manifest.skm"
	keysetFile     = "keyset.skm"
	describedFile  = "generation"
	temporary      = "new-"
)

// Kept is a release as it lies in a folder: what was signed and sealed, and which file was built from it.
type Kept struct {
	// The signed manifest and the signed keyset it was verified with, as they came.
	Manifest, Keyset []byte
	// The sealed pieces that are not customers: headers, programme and store part, by their digest.
	Pieces map[[32]byte][]byte
	// The generation file.
	File FileInfo
}

// Folder keeps releases on the disk. One process at a time uses it, one goroutine at a time writes to it.
type Folder struct{ dir string }

// OpenFolder makes the folder where there is none, clears away what was left unfinished, and marks it as in use. unclean reports that the one who
// used it before did not call [Folder.Close]: files must then be checked before they serve.
func OpenFolder(dir string) (f *Folder, unclean bool, err error) {
	f = &Folder{dir: dir}
	for _, d := range []string{filepath.Join(dir, filesFolder), filepath.Join(dir, releasesFolder)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, false, err
		}
		if err := removeLeftovers(d); err != nil {
			return nil, false, err
		}
	}
	_, err = os.Stat(f.path(runningFile))
	unclean = err == nil
	return f, unclean, writeFile(f.path(runningFile), []byte("A server uses this folder, or did not stop in order.\n"))
}

// LookAt is a folder for reading alone: nothing is made, cleared or marked, and a server may be using it.
func LookAt(dir string) *Folder { return &Folder{dir: dir} }

// Close marks the folder as left in order.
func (f *Folder) Close() error {
	if err := os.Remove(f.path(runningFile)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// Files is the folder of the generation files.
func (f *Folder) Files() string { return f.path(filesFolder) }

// Current is the digest of the manifest that serves. It answers [ErrNoRelease] when there is none, and [ErrDamaged] when it cannot be read.
func (f *Folder) Current() ([32]byte, error) {
	data, err := os.ReadFile(f.path(currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return [32]byte{}, ErrNoRelease
	}
	if err != nil {
		return [32]byte{}, err
	}
	digest, err := decodeCurrent(data)
	if err != nil {
		return [32]byte{}, fmt.Errorf("%s: %w", f.path(currentFile), err)
	}
	return digest, nil
}

// SetCurrent names the release that serves, safely on the disk when it returns.
func (f *Folder) SetCurrent(digest [32]byte) error {
	return writeFile(f.path(currentFile), encodeCurrent(digest))
}

// Keep writes a release, under the digest of its manifest, safely on the disk when it returns. One that is there already is replaced.
func (f *Folder) Keep(digest [32]byte, k Kept) error {
	name := hex.EncodeToString(digest[:])
	dir := f.path(releasesFolder, temporary+name)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, piecesFolder), 0o700); err != nil {
		return err
	}
	files := map[string][]byte{manifestFile: k.Manifest, keysetFile: k.Keyset, describedFile: encodeFileInfo(k.File)}
	for piece, data := range k.Pieces {
		files[filepath.Join(piecesFolder, hex.EncodeToString(piece[:]))] = data
	}
	for file, data := range files {
		if err := writeSynced(filepath.Join(dir, file), data); err != nil {
			return err
		}
	}
	for _, d := range []string{filepath.Join(dir, piecesFolder), dir} {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(f.path(releasesFolder, name)); err != nil {
		return err
	}
	if err := os.Rename(dir, f.path(releasesFolder, name)); err != nil {
		return err
	}
	return syncDir(f.path(releasesFolder))
}

// maxKeptFile bounds what is read of a release's files: the largest is a sealed header.
const maxKeptFile = 9 << 20

// Load reads a release. Nothing of it is verified but the description of its file.
func (f *Folder) Load(digest [32]byte) (k Kept, err error) {
	dir := f.path(releasesFolder, hex.EncodeToString(digest[:]))
	if k.Manifest, err = readFile(filepath.Join(dir, manifestFile)); err != nil {
		return Kept{}, err
	}
	if k.Keyset, err = readFile(filepath.Join(dir, keysetFile)); err != nil {
		return Kept{}, err
	}
	described, err := readFile(filepath.Join(dir, describedFile))
	if err != nil {
		return Kept{}, err
	}
	if k.File, err = decodeFileInfo(described); err != nil {
		return Kept{}, fmt.Errorf("%s: %w", filepath.Join(dir, describedFile), err)
	}
	pieces, err := os.ReadDir(filepath.Join(dir, piecesFolder))
	if err != nil {
		return Kept{}, err
	}
	k.Pieces = make(map[[32]byte][]byte, len(pieces))
	for _, p := range pieces {
		name, ok := decodeDigest(p.Name())
		if !ok {
			continue
		}
		if k.Pieces[name], err = readFile(filepath.Join(dir, piecesFolder, p.Name())); err != nil {
			return Kept{}, err
		}
	}
	return k, nil
}

// Releases is the digests of all releases in the folder.
func (f *Folder) Releases() ([][32]byte, error) {
	entries, err := os.ReadDir(f.path(releasesFolder))
	if err != nil {
		return nil, err
	}
	var digests [][32]byte
	for _, e := range entries {
		if digest, ok := decodeDigest(e.Name()); ok && e.IsDir() {
			digests = append(digests, digest)
		}
	}
	slices.SortFunc(digests, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return digests, nil
}

// Remove removes all releases but those kept.
func (f *Folder) Remove(keep func(digest [32]byte) bool) error {
	digests, err := f.Releases()
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if !keep(digest) {
			err = errors.Join(err, os.RemoveAll(f.path(releasesFolder, hex.EncodeToString(digest[:]))))
		}
	}
	return err
}

// RemoveFiles removes all generation files but those kept. A file somebody still reads must be kept, and retired instead.
func (f *Folder) RemoveFiles(keep func(name string) bool) error {
	entries, err := os.ReadDir(f.Files())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(f.Files(), e.Name())))
		}
	}
	return err
}

func (f *Folder) path(elements ...string) string {
	return filepath.Join(append([]string{f.dir}, elements...)...)
}

func removeLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), temporary) || strings.HasPrefix(e.Name(), buildingPrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if stat.Size() > maxKeptFile {
		return nil, fmt.Errorf("%s: %d bytes, at most %d: %w", path, stat.Size(), maxKeptFile, ErrDamaged)
	}
	return os.ReadFile(path)
}

// writeSynced writes a file and flushes it to the disk.
func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
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
	return err
}

// writeFile replaces a file in one step: after a power cut it is the old one or the new one.
func writeFile(path string, data []byte) error {
	next := filepath.Join(filepath.Dir(path), temporary+filepath.Base(path))
	if err := writeSynced(next, data); err != nil {
		os.Remove(next)
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
