package groupcommit

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	// ErrBusy is returned when another process has the file open.
	ErrBusy = errors.New("another process has the file open")
	// ErrDamaged is returned when a file is not what bbolt wrote.
	ErrDamaged = errors.New("the file is damaged")
)

// leastPages is how many pages bbolt writes into an empty file.
const leastPages = 4

// Open opens a bbolt file. What a damaged file does to bbolt is ErrDamaged here, and leaves the file unlocked; a file that is locked longer
// than options.Timeout is ErrBusy. options.OpenFile is not used.
func Open(path string, options bbolt.Options) (db *bbolt.DB, err error) {
	if info, err := os.Stat(path); err == nil && info.Size() < int64(leastPages*options.PageSize) {
		return nil, fmt.Errorf("%w: it has only %d bytes", ErrDamaged, info.Size())
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var f *os.File
	defer func() {
		if v := recover(); v != nil {
			db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, v)
			if f != nil {
				err = errors.Join(err, unlock(f), f.Close()) // bbolt's map of the file would keep its lock
			}
		}
	}()
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		f, err = os.OpenFile(name, flag, mode)
		return f, err
	}
	db, err = bbolt.Open(path, 0o600, &options)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, err
}
