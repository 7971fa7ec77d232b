package publisher

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// A state file is the pieces of a part one after the other, the header last, sealed under a key that stands in the ledger.

// writeState writes a state of all customers into a new file of the state folder.
func writeState(dir string, records bundle.Records) (s *stateFile, err error) {
	file, err := os.CreateTemp(dir, "state-*.new")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	buffered := bufio.NewWriterSize(file, 1<<20)
	key := bundle.Key(random(32))
	w, err := bundle.NewPartWriter(bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, key, func(_ [32]byte, data []byte) error {
		_, err := buffered.Write(data)
		return err
	})
	if err != nil {
		return nil, err
	}
	state := bundle.NewState()
	if err := w.WriteAll(state.Pass(records)); err != nil {
		return nil, err
	}
	sealed, err := w.Finish(nil)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(buffered.Flush(), file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	digest := state.Digest()
	name := "state-" + hex.EncodeToString(digest[:8]) + "-" + hex.EncodeToString(random(4)) + ".skr"
	if err := os.Rename(file.Name(), filepath.Join(dir, name)); err != nil {
		return nil, err
	}
	return &stateFile{
		Name: name, Digest: digest[:], Key: key[:], HeaderDigest: sealed.GetHeaderDigest(), HeaderLength: sealed.GetHeaderLength(),
		Accounts: state.Accounts, Identifiers: state.Identifiers, Erased: state.Erased,
	}, syncDir(dir)
}

// records reads the state file from beginning to end.
func (s *stateFile) records(dir string) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		path := filepath.Join(dir, s.Name)
		file, err := os.Open(path)
		if err != nil {
			yield(bundle.Record{}, err)
			return
		}
		defer func() { _ = file.Close() }()
		header, err := s.header(file)
		if err != nil {
			yield(bundle.Record{}, fmt.Errorf("%s: %w", path, err))
			return
		}
		in := bufio.NewReaderSize(file, 1<<20)
		next := func(_ [32]byte, length int) ([]byte, error) {
			piece := make([]byte, length)
			_, err := io.ReadFull(in, piece)
			return piece, err
		}
		for r, err := range bundle.ReadPart(header, bundle.Key(s.Key), next) {
			if err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// header reads the header at the end of the file.
func (s *stateFile) header(file *os.File) (*bundlev1.PartHeader, error) {
	last := func(_ [32]byte, length int) ([]byte, error) {
		stat, err := file.Stat()
		if err != nil {
			return nil, err
		}
		piece := make([]byte, length)
		_, err = file.ReadAt(piece, stat.Size()-int64(length))
		return piece, err
	}
	return bundle.ReadHeader(&bundlev1.SealedPart{HeaderDigest: s.HeaderDigest, HeaderLength: s.HeaderLength}, bundle.Key(s.Key), last)
}

// usable reports whether the file is there and its header opens.
func (s *stateFile) usable(dir string) bool {
	if s == nil || len(s.Key) != 32 {
		return false
	}
	file, err := os.Open(filepath.Join(dir, s.Name))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	_, err = s.header(file)
	return err == nil
}

// removeStates removes all state files but the one kept.
func removeStates(dir, keep string) error {
	names, err := filepath.Glob(filepath.Join(dir, "state-*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if filepath.Base(name) != keep {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}
