package groupcommit

import (
	"errors"
	"fmt"
	"io/fs"
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

// Open opens a bbolt file, after it made sure that its pages lead nowhere they should not: following those would end the process. What a damaged
// file does to bbolt is ErrDamaged here, and leaves the file unlocked; a file that is locked longer than options.Timeout is ErrBusy. It needs
// options.PageSize; options.OpenFile is not used.
func Open(path string, options bbolt.Options) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return open(path, options)
	}
	if err != nil {
		return nil, err
	}
	if info.Size() < int64(leastPages*options.PageSize) {
		return nil, fmt.Errorf("%w: it has only %d bytes", ErrDamaged, info.Size())
	}
	if err := check(path, options); err != nil {
		return nil, err
	}
	return open(path, options)
}

// pin keeps the file's two beginnings in memory: bbolt reads them under locks that it would keep for ever if the disk could not be read at that
// moment. It is a precaution; a system that does not allow it is none the worse.
func pin(db *bbolt.DB) {
	info := db.Info()
	lockInMemory(info.Data, 2*info.PageSize)
}

// check reads the pages that lead to others, under a lock that keeps writers away.
func check(path string, options bbolt.Options) (err error) {
	db, err := open(path, bbolt.Options{ReadOnly: true, NoStatistics: true, Timeout: options.Timeout, PageSize: options.PageSize})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return checkTree(file, info.Size(), db.Info().PageSize)
}

func open(path string, options bbolt.Options) (db *bbolt.DB, err error) {
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
	if err == nil {
		pin(db)
	}
	return db, err
}
