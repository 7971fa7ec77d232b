package generation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/bundle"
)

// FileInfo names a built file and what must be found in it.
type FileInfo struct {
	// The file's name in the folder of the files.
	Name string
	// Its length in bytes.
	Length int64
	// The digest of all its bytes.
	SHA256 [32]byte
	// The digest of the state it holds.
	State [32]byte
}

// File is one open generation file. It may be read from many goroutines at once. It is closed when the last who holds it lets go.
type File struct {
	info    FileInfo
	path    string
	db      *bbolt.DB
	tx      *bbolt.Tx
	sealer  *sealer
	summary summary
	readers [len(kinds)]sync.Pool

	refs     atomic.Int64
	remove   atomic.Bool
	damaged  atomic.Bool
	onDamage func(error)
}

// reader is what one lookup needs, kept for the next.
type reader struct {
	cursor  *bbolt.Cursor
	scratch scratch
}

// OpenFile opens a file of a folder for reading and checks that it is the one named, made with this data key. It does not read it whole:
// [File.Check] does. onDamage is told, from whatever goroutine found it, that a record is not what was written; it must not block.
// The caller holds the file and lets go of it with [File.Release].
func OpenFile(dir string, info FileInfo, dataKey bundle.Key, onDamage func(error)) (f *File, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("generation %s: %w", info.Name, err)
		}
	}()
	path := filepath.Join(dir, info.Name)
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if stat.Size() != info.Length {
		return nil, fmt.Errorf("%d bytes, %d were written: %w", stat.Size(), info.Length, ErrDamaged)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, NoStatistics: true, Timeout: time.Second, PageSize: pageSize})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	f = &File{info: info, path: path, db: db, onDamage: onDamage}
	f.refs.Store(1)
	if err := f.begin(dataKey); err != nil {
		f.Release()
		return nil, err
	}
	return f, nil
}

// begin opens the one read transaction all lookups share: the file never changes, so it is never renewed.
func (f *File) begin(dataKey bundle.Key) error {
	return guarded(func() error {
		var err error
		if f.tx, err = f.db.Begin(false); err != nil {
			return err
		}
		if err := f.readMeta(dataKey); err != nil {
			return err
		}
		for i, kind := range kinds {
			bucket := f.tx.Bucket(bucketName(kind))
			if bucket == nil {
				return fmt.Errorf("no %s: %w", bucketName(kind), ErrDamaged)
			}
			f.readers[i].New = func() any { return &reader{cursor: bucket.Cursor()} }
		}
		return nil
	})
}

func (f *File) readMeta(dataKey bundle.Key) error {
	meta := f.tx.Bucket(metaBucket)
	if meta == nil {
		return fmt.Errorf("no meta: %w", ErrDamaged)
	}
	format, salt := meta.Get(formatKey), meta.Get(saltKey)
	if len(format) != 4 || len(salt) != saltSize {
		return fmt.Errorf("no format or salt: %w", ErrDamaged)
	}
	if v := binary.BigEndian.Uint32(format); v != formatVersion {
		return fmt.Errorf("format %d, this server knows %d: %w", v, formatVersion, bundle.ErrFormat)
	}
	var err error
	if f.sealer, err = newSealer(dataKey, [saltSize]byte(salt)); err != nil {
		return err
	}
	_, plain, err := f.sealer.open(new(scratch), 0, summaryKey, meta.Get(summaryKey))
	if err != nil {
		return fmt.Errorf("summary does not open with this server's data key: %w", err)
	}
	if f.summary, err = decodeSummary(plain); err != nil {
		return err
	}
	if f.summary.state != f.info.State {
		return fmt.Errorf("holds another state than was written: %w", ErrDamaged)
	}
	return nil
}

// Info names the file.
func (f *File) Info() FileInfo { return f.info }

// Counts is how many accounts, identifiers and erased identifiers the file holds.
func (f *File) Counts() (accounts, identifiers, erased uint64) {
	return f.summary.accounts, f.summary.identifiers, f.summary.erased
}

// Damaged reports whether a record of the file was found not to be what was written.
func (f *File) Damaged() bool { return f.damaged.Load() }

// lookup finds a key and hands its value to read, which must not keep it. It answers [ErrNotFound] with proof, and [ErrDamaged] without.
func (f *File) lookup(kind bundle.Kind, key []byte, read func(value []byte) error) error {
	pool := &f.readers[kind-1]
	r, _ := pool.Get().(*reader)
	value, err := f.find(r, kind, key)
	if err == nil {
		err = read(value)
	} else if err != ErrNotFound { //nolint:errorlint // find answers exactly this one; the comparison is on the hot path
		return f.report(fmt.Errorf("%s in generation %s: %w", kind, f.info.Name, err)) // nobody else gets this cursor
	}
	pool.Put(r)
	return err
}

// report remembers and tells that the file is damaged.
func (f *File) report(err error) error {
	if f.damaged.Store(true); f.onDamage != nil {
		f.onDamage(err)
	}
	return err
}

func (f *File) find(r *reader, kind bundle.Kind, key []byte) (value []byte, err error) {
	defer recoverFault(debug.SetPanicOnFault(true), &err)
	found, stored := r.cursor.Seek(key)
	if bytes.Equal(found, key) {
		_, value, err = f.sealer.open(&r.scratch, kind, key, stored)
		return value, err
	}
	// Nothing stands at the key. The record before the place proves it, if it is authentic and names the one found as its successor.
	before, stored := r.cursor.Prev()
	if found == nil || before == nil || bytes.Compare(before, key) >= 0 || bytes.Compare(found, key) <= 0 {
		return nil, ErrDamaged
	}
	next, _, err := f.sealer.open(&r.scratch, kind, before, stored)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(next, found) {
		return nil, ErrDamaged
	}
	return nil, ErrNotFound
}

// Records streams the whole file in published order. Every record is opened, and must follow the one before it, so nothing is left out.
func (f *File) Records() bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for i, kind := range kinds {
			r, _ := f.readers[i].New().(*reader)
			more, err := f.scan(r, kind, yield)
			if err != nil {
				f.damaged.Store(true)
				yield(bundle.Record{}, fmt.Errorf("%s in generation %s: %w", kind, f.info.Name, err))
			}
			if err != nil || !more {
				return
			}
		}
	}
}

func (f *File) scan(r *reader, kind bundle.Kind, yield func(bundle.Record, error) bool) (more bool, err error) {
	expect := append(make([]byte, 0, keySize+1), lowest...)
	for move := (*bbolt.Cursor).First; ; move = (*bbolt.Cursor).Next {
		key, next, value, err := f.step(r, kind, move)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(key, expect) {
			return false, ErrDamaged
		}
		if bytes.Equal(key, highest) {
			return true, nil
		}
		expect = append(expect[:0], next...)
		if len(key) == keySize && !yield(bundle.Record{Kind: kind, Key: key, Value: value}, nil) {
			return false, nil
		}
	}
}

func (f *File) step(r *reader, kind bundle.Kind, move func(*bbolt.Cursor) ([]byte, []byte)) (key, next, value []byte, err error) {
	defer recoverFault(debug.SetPanicOnFault(true), &err)
	key, stored := move(r.cursor)
	next, value, err = f.sealer.open(&r.scratch, kind, key, stored)
	return key, next, value, err
}

// Check reads the whole file and compares its digest. It answers [ErrDamaged] when a single bit differs, and when the file cannot be read.
func (f *File) Check(ctx context.Context) error {
	sum, _, err := digestFile(ctx, f.path, nil)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("generation %s: %w: %w", f.info.Name, ErrDamaged, err)
	case sum != f.info.SHA256:
		f.damaged.Store(true)
		return fmt.Errorf("generation %s: digest differs: %w", f.info.Name, ErrDamaged)
	}
	return nil
}

// Hold takes another reference, to be let go of with [File.Release]. It reports false once the last is gone.
func (f *File) Hold() bool { return holdRef(&f.refs) }

// holdRef counts one more, unless none is left.
func holdRef(refs *atomic.Int64) bool {
	for {
		n := refs.Load()
		if n == 0 {
			return false
		}
		if refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release lets go of the file. With the last who does, it is closed, and removed when it was retired.
func (f *File) Release() {
	if f.refs.Add(-1) > 0 {
		return
	}
	if f.tx != nil {
		f.tx.Rollback()
	}
	f.db.Close()
	if f.remove.Load() {
		os.Remove(f.path)
	}
}

// Retire has the file removed from the disk when the last who holds it lets go.
func (f *File) Retire() { f.remove.Store(true) }

// guarded runs what reads a file that may be damaged: a panic of bbolt, or a fault of its memory map, becomes [ErrDamaged].
func guarded(read func() error) (err error) {
	defer recoverFault(debug.SetPanicOnFault(true), &err)
	return read()
}

// recoverFault is deferred by what reads a file that may be damaged, with what debug.SetPanicOnFault answered.
func recoverFault(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, r)
	}
}

// digestFile is the digest and the length of a file.
func digestFile(ctx context.Context, path string, pace func(context.Context) error) (sum [32]byte, length int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	defer file.Close()
	h := sha256.New()
	block := make([]byte, 1<<20)
	for {
		n, err := file.Read(block)
		h.Write(block[:n])
		length += int64(n)
		if err == io.EOF { //nolint:errorlint // os.File answers exactly this
			return [32]byte(h.Sum(nil)), length, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && pace != nil {
			err = pace(ctx)
		}
		if err != nil {
			return sum, length, err
		}
	}
}
