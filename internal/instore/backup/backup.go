// Package backup keeps the shop's book safe from its own disk: copies of the journal, made while tills go on, each read whole through every seal
// before it counts as one.
//
// A back-up is one file: the journal as it was at one moment, then what the back-up is (sync.v1.BackupHeader, the sealed data key in it), then its
// length (u32), SHA-256 over all before, and `SKB1`. It is as sealed as the journal: of what customers did nothing can be read without the data
// key, and that opens under the machine's device key or head office's recovery key alone.
//
// It owns the folder of back-ups, of which the newest are kept. It promises that a back-up under its final name is whole and was verified, and
// that nothing it does keeps a till waiting. It does not restore: the assembly does, for what follows concerns the whole server. It starts no
// goroutine.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

var (
	// ErrNotBackup is returned for a file that is no back-up, or not whole.
	ErrNotBackup = errors.New("not a whole back-up")
	// ErrNoSpace is returned when the disk has no room for a back-up.
	ErrNoSpace = errors.New("not enough space on the disk for a back-up")
)

const (
	magic   = "SKB1"
	trailer = 4 + sha256.Size + len(magic)
	// maxHeader bounds what is read before anything is known to be whole.
	maxHeader = 64 << 10
	// spare stays free on the disk for the journal itself.
	spare = 64 << 20

	prefix = "journal-"
	suffix = ".skb"
	draft  = "new-"
	layout = "20060102-150405.000"
)

// Keeper makes the back-ups of one journal. Make is for one goroutine at a time.
type Keeper struct {
	// Dir is the folder; made when there is none.
	Dir string
	// Journal is what is copied.
	Journal *journal.Journal
	// JournalConfig opens copies for reading; of it DataKey is needed.
	JournalConfig journal.Config
	// DataKeyFile is the file with the sealed data key.
	DataKeyFile string
	// Keep is how many are kept.
	Keep int
	// ServerID and Store are who this server is.
	ServerID, Store string
	// Now is the wall clock.
	Now func() time.Time
}

// Make makes a back-up, reads it whole, and removes the oldest beyond Keep. It answers what was made, with its file. journal.ErrDamaged when the
// journal is not what was written: then nothing is removed.
func (k *Keeper) Make(ctx context.Context) (*syncv1.BackupHeader, error) {
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return nil, err
	}
	made := k.Now().UTC()
	name := prefix + made.Format(layout) + suffix
	next := filepath.Join(k.Dir, draft+name)
	header, err := k.write(next, made)
	if err == nil {
		err = journal.Look(next, k.JournalConfig, func(v *journal.View) error { return v.Verify(ctx, nil) })
	}
	if err == nil {
		err = os.Rename(next, filepath.Join(k.Dir, name))
	}
	if err != nil {
		if gone := os.Remove(next); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return nil, fmt.Errorf("back-up: %w", err)
	}
	header.File = filepath.Join(k.Dir, name)
	return header, errors.Join(syncFolder(k.Dir), k.tidy())
}

// write writes one file, safely on the disk when it returns.
func (k *Keeper) write(path string, made time.Time) (header *syncv1.BackupHeader, err error) {
	key, err := os.ReadFile(k.DataKeyFile)
	if err != nil {
		return nil, err
	}
	now, err := k.Journal.Inspect()
	if err != nil {
		return nil, err
	}
	if free, err := freeSpace(k.Dir); err == nil && free < now.GetBytes()+spare {
		return nil, fmt.Errorf("%s: %d MiB free, %d MiB needed: %w", k.Dir, free>>20, (now.GetBytes()+spare)>>20, ErrNoSpace)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	header = &syncv1.BackupHeader{ServerId: k.ServerID, Store: k.Store, DataKeyFile: key}
	sum := newSummed(file)
	report, n, err := k.Journal.Snapshot(sum)
	if err != nil {
		return nil, err
	}
	if err := sum.seal(header, report, n, made); err != nil {
		return nil, err
	}
	return header, file.Sync()
}

// Write writes a back-up of a journal that nobody has open. Of header it needs server, store and data key; it fills in the rest.
func Write(to io.Writer, v *journal.View, path string, header *syncv1.BackupHeader, made time.Time) error {
	report, err := v.Inspect(path)
	if err != nil {
		return err
	}
	sum := newSummed(to)
	n, err := v.Copy(sum)
	if err != nil {
		return err
	}
	return sum.seal(header, report, n, made)
}

// summed is a file on its way, with the digest of what was written so far.
type summed struct {
	io.Writer
	hash hash.Hash
}

func newSummed(to io.Writer) *summed {
	h := sha256.New()
	return &summed{io.MultiWriter(to, h), h}
}

// seal writes what follows the journal.
func (s *summed) seal(header *syncv1.BackupHeader, report *syncv1.JournalReport, n int64, made time.Time) error {
	lives := report.GetIncarnations()
	header.MadeAt, header.Incarnation = timestamppb.New(made), lives[len(lives)-1].GetId()
	header.Last, header.Confirmed, header.JournalBytes = report.GetLast(), report.GetConfirmed(), uint64(n)
	b, err := proto.Marshal(header)
	if err != nil {
		return err
	}
	if _, err := s.Write(binary.BigEndian.AppendUint32(b, uint32(len(b)))); err != nil {
		return err
	}
	_, err = s.Write(append(s.hash.Sum(nil), magic...))
	return err
}

// tidy removes the oldest back-ups, and what was left unfinished.
func (k *Keeper) tidy() error {
	entries, err := os.ReadDir(k.Dir)
	if err != nil {
		return err
	}
	names, err := files(k.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), draft+prefix) {
			err = errors.Join(err, os.Remove(filepath.Join(k.Dir, e.Name())))
		}
	}
	for _, old := range names[min(len(names), k.Keep):] {
		err = errors.Join(err, os.Remove(old))
	}
	return err
}

// files is the back-ups of a folder, newest first.
func files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names, nil
}

// List tells of the back-ups in a folder, newest first. One that cannot be read is listed with its file alone. None when there is no folder.
func List(dir string) ([]*syncv1.BackupHeader, error) {
	names, err := files(dir)
	if err != nil {
		return nil, err
	}
	headers := make([]*syncv1.BackupHeader, 0, len(names))
	for _, name := range names {
		header, err := readHeader(name)
		if err != nil {
			header = &syncv1.BackupHeader{File: name}
		}
		headers = append(headers, header)
	}
	return headers, nil
}

// Read reads a back-up whole, and answers what it is. ErrNotBackup when a bit of it is not what was written.
func Read(ctx context.Context, path string) (*syncv1.BackupHeader, error) {
	header, err := readHeader(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	sum, end := sha256.New(), info.Size()-int64(sha256.Size+len(magic))
	if _, err := io.Copy(sum, &within{ctx, io.LimitReader(file, end)}); err != nil {
		return nil, err
	}
	stated := make([]byte, sha256.Size)
	if _, err := file.ReadAt(stated, end); err != nil {
		return nil, err
	}
	if !slices.Equal(sum.Sum(nil), stated) {
		return nil, fmt.Errorf("%s: its digest differs: %w", path, ErrNotBackup)
	}
	return header, nil
}

// within reads until a context ends.
type within struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on.
func (w *within) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// readHeader reads what a back-up says it is, without reading it whole.
func readHeader(path string) (*syncv1.BackupHeader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	bad := func(why string) error { return fmt.Errorf("%s: %s: %w", path, why, ErrNotBackup) }
	if info.Size() < int64(trailer) {
		return nil, bad("too short")
	}
	end := make([]byte, trailer)
	if _, err := file.ReadAt(end, info.Size()-int64(trailer)); err != nil {
		return nil, err
	}
	length := int64(binary.BigEndian.Uint32(end))
	begin := info.Size() - int64(trailer) - length
	if string(end[len(end)-len(magic):]) != magic || length > maxHeader || begin < 0 {
		return nil, bad("it does not end as one")
	}
	b := make([]byte, length)
	if _, err := file.ReadAt(b, begin); err != nil {
		return nil, err
	}
	header := &syncv1.BackupHeader{}
	if err := proto.Unmarshal(b, header); err != nil || header.GetJournalBytes() != uint64(begin) || len(header.GetIncarnation()) != 16 {
		return nil, bad("what it says it is cannot be read")
	}
	header.File = path
	return header, nil
}

// Extract writes the journal of a back-up into a new file, safely on the disk when it returns. Read must have found it whole.
func Extract(ctx context.Context, header *syncv1.BackupHeader, to string) (err error) {
	from, err := os.Open(header.GetFile())
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, &within{ctx, io.LimitReader(from, int64(header.GetJournalBytes()))})
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
